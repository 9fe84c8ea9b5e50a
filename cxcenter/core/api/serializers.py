"""Parts of bodies that all rooms use."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import exceptions, parsers, serializers

LARGEST_ID = 2**63 - 1


class JSONParser(parsers.JSONParser):
    """JSON that is nested beyond reason is a mistake of the sender, not of ours."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        """Return the parsed body. Raises ParseError."""
        try:
            return super().parse(*args, **kwargs)
        except RecursionError:
            raise exceptions.ParseError(_("The body is nested too deeply.")) from None


class Strict(serializers.Serializer[Any]):
    """The body of a write: a field that we do not know is an error, never ignored."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the fields. Raises ValidationError that names unknown ones."""
        if isinstance(data, Mapping):
            unknown = set(data) - {name for name, field in self.fields.items() if not field.read_only}
            if unknown:
                raise serializers.ValidationError(
                    {name: _("There is no such field.") for name in sorted(unknown)}, code="unknown"
                )
        return super().to_internal_value(data)


class Empty(Strict):
    """The body of an act that needs no fields."""


class Ref(serializers.Serializer[Any]):
    """A thing that is only named here."""

    id = serializers.IntegerField()
    name = serializers.CharField()


class VisibleKey(serializers.PrimaryKeyRelatedField[Any]):
    """The id of a row that the caller may see; any other id is said not to exist."""

    def get_queryset(self) -> Any:
        """Return the rows that may be named."""
        return super().get_queryset().visible_to(self.context["request"].user)  # type: ignore[union-attr]
