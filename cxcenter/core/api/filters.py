"""Filters that all rooms use. Each refuses a value that makes no sense instead of ignoring it."""

from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from drf_spectacular.drainage import set_override
from drf_spectacular.utils import extend_schema_field

from cxcenter.core.api.serializers import LARGEST_ID


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": LARGEST_ID})
class IdFilter(django_filters.Filter):
    """Keep rows of one id."""

    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take the arguments of a filter."""
        super().__init__(*args, min_value=1, max_value=LARGEST_ID, **kwargs)


class RelatedIdFilter(IdFilter):
    """Keep rows that have a related row of one id, each once."""

    def filter(self, qs: QuerySet[Any], value: int | None) -> QuerySet[Any]:
        """Narrow by a subquery: a join would show a row once for each related one."""
        if value is None:
            return qs
        return qs.filter(pk__in=qs.model._default_manager.filter(**{self.field_name: value}).values("pk"))


class MomentField(forms.Field):
    """A moment with its zone, kept in UTC: the database knows no zones of sixteen hours and more."""

    def to_python(self, value: Any) -> datetime | None:
        """Return the moment. Raises ValidationError for what is none, or has no zone."""
        if value in self.empty_values:
            return None
        try:
            moment = parse_datetime(value)
            if moment is not None and moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise forms.ValidationError(_("Write a moment like 2026-04-14T09:30:00Z."), code="invalid")


@extend_schema_field({"type": "string", "format": "date-time"})
class MomentFilter(django_filters.Filter):
    """Keep rows from (`gte`) or before (`lt`) a moment."""

    field_class = MomentField


class TextFilter(django_filters.CharFilter):
    """Keep rows by a text of limited length."""

    def __init__(self, *args: Any, min_length: int = 1, max_length: int, **kwargs: Any) -> None:
        """Take the limits, and say them in the schema."""
        super().__init__(*args, min_length=min_length, max_length=max_length, **kwargs)
        set_override(self, "field", {"type": "string", "minLength": min_length, "maxLength": max_length})


class StateFilter(django_filters.ChoiceFilter):
    """Keep what goes on, or what is over: by whether the moment of its end is set."""

    def __init__(self, field_name: str, over: str, **kwargs: Any) -> None:
        """Take the column of the end and the word for "over"."""
        super().__init__(field_name, choices=[("open", "open"), (over, over)], **kwargs)
        set_override(self, "field", {"type": "string", "enum": ["open", over]})

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Ask for the moment, or for none."""
        return qs.filter(**{f"{self.field_name}__isnull": value == "open"}) if value else qs


@extend_schema_field({"type": "boolean"})
class YesNoFilter(django_filters.ChoiceFilter):
    """Keep rows for which something holds, or does not."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take the arguments of a filter."""
        super().__init__(*args, choices=[("true", "true"), ("false", "false")], **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Hand a bool on."""
        return super(django_filters.ChoiceFilter, self).filter(qs, value == "true") if value else qs
