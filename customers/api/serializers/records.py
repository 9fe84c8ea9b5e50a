"""Records of sources."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.api.serializers.consents import ConsentWord
from customers.api.serializers.golden import OwnFields
from customers.api.serializers.identities import Reach
from customers.fields import GOLDEN_FIELDS
from customers.projection import LIMITS
from cxcenter.core.api.serializers import Strict


class SourceReach(Reach):
    """An identity that a record names."""

    verified = serializers.BooleanField(default=False, help_text="Whether the source vouches for it.")


GOLDEN = {name: {"type": "string", "maxLength": LIMITS[name]} for name in GOLDEN_FIELDS}


@extend_schema_field(
    {"type": "object", "properties": {**GOLDEN, "custom": {"type": "object"}}, "additionalProperties": False}
)
class RecordFields(serializers.Field[dict[str, Any], dict[str, Any], dict[str, Any], Any]):
    """Golden fields as the source has them; fields of the house stand under `custom`."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the fields by their names in records. Raises ValidationError."""
        if not isinstance(data, dict):
            raise serializers.ValidationError(_("Give an object."))
        own = OwnFields().run_validation(data.get("custom", {}))
        unknown = sorted(str(name) for name in data if name not in {*GOLDEN_FIELDS, "custom"})
        if unknown:
            raise serializers.ValidationError({unknown[0]: _("There is no such field.")})
        if not all(isinstance(value, str | None) for name, value in data.items() if name != "custom"):
            raise serializers.ValidationError(_("A field is a text."))
        said = {name: value or "" for name, value in data.items() if name != "custom"}
        return {**said, **{f"custom.{code}": value for code, value in own.items()}}

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return the fields, those of the house under `custom`."""
        own = {name.removeprefix("custom."): one for name, one in value.items() if name.startswith("custom.")}
        return {**{name: one for name, one in value.items() if not name.startswith("custom.")}, "custom": own}


class WorkplaceForm(Strict):
    """The company that a person speaks for, by its record."""

    source = serializers.SlugField(  # type: ignore[assignment]
        max_length=40, required=False, help_text="Whose record it is; without it, of the same source."
    )
    external_id = serializers.CharField(max_length=120)
    role = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")


class RecordForm(Strict):
    """A record as its source has it."""

    fields = RecordFields(default=dict, help_text="What it says: names as on the card.")  # type: ignore[assignment]
    identities = serializers.ListField(child=SourceReach(), max_length=50, default=list)
    company = WorkplaceForm(required=False, allow_null=True, help_text="Of a person: his company, put before him.")
    consents = serializers.ListField(
        child=ConsentWord(),
        max_length=50,
        default=list,
        help_text="What he permits or has withdrawn, for the identities of its channel; without a time, as of the record's.",
    )
    verified = serializers.BooleanField(default=False, help_text="Whether the source has checked what it says.")
    at = serializers.DateTimeField(
        required=False, help_text="When it was last changed there. What is older than we know changes nothing."
    )


class RecordResult(serializers.Serializer[Any]):
    """What became of a record, and whose it is now."""

    status = serializers.ChoiceField(["created", "changed", "unchanged", "late", "erased"])
    record = serializers.IntegerField(allow_null=True)
    profile = serializers.IntegerField(allow_null=True)
    customer = serializers.IntegerField(allow_null=True)
