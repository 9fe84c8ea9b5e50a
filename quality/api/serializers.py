"""Questions and answers about metrics."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework import serializers

from cxcenter.core.errors import Invalid
from quality import policies
from quality.metrics.dimensions import DIMENSIONS, Dimension
from quality.metrics.metric import Unit
from quality.metrics.registry import METRICS
from quality.metrics.spans import Interval


class Moment(serializers.DateTimeField):
    """A moment with its zone."""

    def enforce_timezone(self, value: datetime) -> datetime:
        """Return the moment in UTC. Raises ValidationError without a zone."""
        if value.tzinfo is None:
            raise serializers.ValidationError(_("Write a moment like 2026-04-14T09:30:00Z."), code="invalid")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            raise serializers.ValidationError(_("Write a moment like 2026-04-14T09:30:00Z."), code="invalid") from None


class Words(serializers.CharField):
    """Words of a list, split by commas."""

    def __init__(self, known: Iterable[str], **rest: Any) -> None:
        """Take the list."""
        self._known = tuple(known)
        super().__init__(help_text=f"Split by commas: {', '.join(self._known)}.", required=False, **rest)

    def to_internal_value(self, data: Any) -> Any:
        """Return the words. Raises ValidationError that names those which are not in the list."""
        words = tuple(dict.fromkeys(word.strip() for word in super().to_internal_value(data).split(",")))
        if strange := [word for word in words if word not in self._known]:
            told = {"code": ", ".join(strange)[:80], "all": ", ".join(self._known)}
            raise serializers.ValidationError(_("There is no %(code)s; there are: %(all)s.") % told)
        return words


class Key(serializers.CharField):
    """The one value of a dimension that is asked for; "none": only what has none."""

    def __init__(self, dimension: Dimension) -> None:
        """Take the dimension."""
        self._dimension = dimension
        super().__init__(required=False, help_text='Only what has this value; "none": what has none.')

    def to_internal_value(self, data: Any) -> Any:
        """Return the value. Raises ValidationError."""
        try:
            return self._dimension.read(super().to_internal_value(data))
        except Invalid as error:
            raise serializers.ValidationError(str(error.message)) from None


class Span(serializers.Serializer[Any]):
    """From when to when, and of what."""

    since = Moment(help_text="The beginning, at a full quarter of an hour.")
    until = Moment(help_text="The end, not included, at a full quarter of an hour.")
    policy = serializers.CharField(
        required=False, help_text="How the service level is counted, like V5,T=20,S=5,B=B1+B2; else as each queue says."
    )
    zone = serializers.CharField(required=False, help_text="Whose hours, days and months they are, like Europe/Moscow.")
    team = serializers.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, help_text="Only queues and operators of this team."
    )
    policy_version = serializers.IntegerField(
        required=False, min_value=0, max_value=2**31 - 1, help_text="The policies of the queues as of this version."
    )

    def get_fields(self) -> dict[str, Any]:
        """Add the dimensions."""
        return {**super().get_fields(), **{code: Key(one) for code, one in DIMENSIONS.items()}}

    def validate_zone(self, value: str) -> ZoneInfo:
        """Return the zone. Raises ValidationError."""
        try:
            return ZoneInfo(value)
        except (LookupError, ValueError, OSError):
            raise serializers.ValidationError(_("There is no such time zone.")) from None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return what a question takes. Raises Invalid for a policy that is none."""
        attrs = {"zone": ZoneInfo(settings.DEFAULT_ZONE), **attrs}
        said = {name: attrs.pop(name) for name in DIMENSIONS if name in attrs}
        version, policy = attrs.pop("policy_version", None), attrs.pop("policy", "")
        return {**attrs, "only": said, "version": version, "policy": policies.read(policy) if policy else None}


class ReportQuery(Span):
    """What a report is of."""

    by = Words(DIMENSIONS)
    metrics = Words(METRICS)
    interval = serializers.ChoiceField(choices=[str(one) for one in Interval], required=False)

    def validate_interval(self, value: str) -> Interval:
        """Return the interval."""
        return Interval(value)


class ContactsQuery(Span):
    """Which number it is that the contacts stand behind."""

    metric = serializers.ChoiceField(choices=[code for code, one in METRICS.items() if one.of_contacts])


class MetricRow(serializers.Serializer[Any]):
    """A metric: what it is and how it is computed."""

    code = serializers.CharField()
    name = serializers.CharField()
    formula = serializers.CharField()
    unit = serializers.ChoiceField(choices=[str(unit) for unit in Unit])
    parameters = serializers.ListField(child=serializers.CharField())
    source = serializers.CharField()  # type: ignore[assignment]
    contacts = serializers.BooleanField(help_text="Whether the contacts behind it can be asked for.")


class Catalogue(serializers.Serializer[Any]):
    """All metrics."""

    results = MetricRow(many=True)


class ReportLine(serializers.Serializer[Any]):
    """One interval and one value of each dimension."""

    at = serializers.DateTimeField(help_text="When the interval begins.")
    keys = serializers.DictField(help_text="Dimension → its value; null where there is none.")
    values = serializers.DictField(child=serializers.FloatField(allow_null=True), help_text="Metric → its value.")


class ReportBody(serializers.Serializer[Any]):
    """A report. Shares are from 0 to 1; null: there is nothing to share or to average."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    interval = serializers.ChoiceField(choices=[str(one) for one in Interval])
    zone = serializers.CharField()
    by = serializers.ListField(child=serializers.CharField())
    metrics = serializers.DictField(child=serializers.CharField(), help_text="Metric → its unit.")
    names = serializers.DictField(help_text="Dimension → value → name.")
    rows = ReportLine(many=True)
    whole = serializers.DictField(child=serializers.FloatField(allow_null=True), help_text="All rows together.")


class ContactRow(serializers.Serializer[Any]):
    """A contact that a metric counts."""

    KINDS: ClassVar = ("visit", "leg", "session")
    id = serializers.IntegerField(source="pk", help_text="Of the visit, leg or session.")
    kind = serializers.SerializerMethodField()
    interaction = serializers.SerializerMethodField()

    def get_kind(self, row: Any) -> str:
        """What is counted: visits to queues, legs of operators, or sessions that came to no queue."""
        return {"workitem": "visit", "assignment": "leg"}.get(row._meta.model_name, "session")

    def get_interaction(self, row: Any) -> int:
        """The session."""
        return int(getattr(row, "interaction_id", row.pk))
