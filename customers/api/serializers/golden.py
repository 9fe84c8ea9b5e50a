"""Golden records and profiles."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.api.serializers.identities import IdentityFields
from customers.choices import RESOLVED, PartyKind
from customers.models import Customer, Identity, Profile, ProfileIdentity
from customers.segmentation import segments_of
from cxcenter.core.api.serializers import Strict


class CustomerRow(serializers.ModelSerializer[Customer]):
    """A golden record in lists."""

    class Meta:
        model = Customer
        fields = (
            "id",
            "number",
            "kind",
            "name",
            "last_name",
            "first_name",
            "middle_name",
            "birthday",
            "company",
            "country",
            "region",
            "city",
            "street",
            "postcode",
            "language",
            "zone",
            "about",
            "personal_operator",
            "custom",
            "version",
            "created_at",
            "updated_at",
        )


class Provenance(serializers.Serializer[Any]):
    """Where a golden value came from."""

    value = serializers.JSONField()
    source = serializers.CharField()  # type: ignore[assignment]
    at = serializers.DateTimeField()
    by = serializers.IntegerField(allow_null=True)
    record = serializers.IntegerField(help_text="The source record that says so.")
    pinned = serializers.BooleanField(help_text="Whether a person chose it.")


class CustomerIdentity(IdentityFields):
    """An identity on a customer's card."""

    id = serializers.IntegerField(source="identity_id")
    kind = serializers.ChoiceField(Identity.Kind.choices, source="identity.kind")
    value = serializers.SerializerMethodField("shown_value")
    masked = serializers.SerializerMethodField("is_masked")
    profile = serializers.IntegerField(source="profile_id")
    verified = serializers.BooleanField()
    primary = serializers.BooleanField()

    def shown_value(self, link: ProfileIdentity) -> str:
        """The value, masked for readers without customers:contacts."""
        return self.value_of(link.identity)

    def is_masked(self, _link: ProfileIdentity) -> bool:
        """Whether it is masked."""
        return not self.may_see()


class CustomerDetail(CustomerRow):
    """A golden record with what it is made of."""

    provenance = serializers.DictField(child=Provenance())
    segments = serializers.SerializerMethodField()
    profiles = serializers.SerializerMethodField()
    identities = serializers.SerializerMethodField()

    class Meta(CustomerRow.Meta):
        fields = (*CustomerRow.Meta.fields, "provenance", "segments", "profiles", "identities")  # type: ignore[assignment]

    def get_segments(self, customer: Customer) -> list[str]:
        """Codes of the segments that he belongs to now, in their order."""
        return [segment.code for segment in segments_of(customer)]

    def get_profiles(self, customer: Customer) -> list[int]:
        """Ids of its profiles; the first is the lead."""
        return sorted(profile.pk for profile in customer.profiles.all())

    @extend_schema_field(CustomerIdentity(many=True))
    def get_identities(self, customer: Customer) -> Any:
        """Identities of all its profiles."""
        links = [link for profile in customer.profiles.all() for link in profile.links.all()]
        return CustomerIdentity(links, many=True, context=self.context).data


OWN = {"oneOf": [{"type": "string", "maxLength": 1000}, {"type": "number"}, {"type": "boolean"}], "nullable": True}


@extend_schema_field({"type": "object", "maxProperties": 100, "additionalProperties": OWN})
class OwnFields(serializers.Field[dict[str, Any], dict[str, Any], dict[str, Any], Any]):
    """Values of the fields that the administrator has defined. The act checks each by its kind."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return code → value. Raises ValidationError for anything else."""
        if not isinstance(data, dict) or len(data) > 100:
            raise serializers.ValidationError(_("Give an object of 100 names at most."))
        if not all(isinstance(value, str | int | float | bool | None) for value in data.values()):
            raise serializers.ValidationError(_("A value is a short text, a number, true or false."))
        return data

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return the values as they are."""
        return value


class CustomerEdit(Strict):
    """Golden fields to change, and the version they were read at."""

    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    kind = serializers.ChoiceField(PartyKind.choices, required=False)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    first_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    middle_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    birthday = serializers.DateField(required=False, allow_null=True)
    company = serializers.CharField(max_length=200, required=False, allow_blank=True)
    country = serializers.CharField(max_length=60, required=False, allow_blank=True)
    region = serializers.CharField(max_length=100, required=False, allow_blank=True)
    city = serializers.CharField(max_length=100, required=False, allow_blank=True)
    street = serializers.CharField(max_length=200, required=False, allow_blank=True)
    postcode = serializers.CharField(max_length=20, required=False, allow_blank=True)
    language = serializers.CharField(max_length=5, required=False, allow_blank=True)
    zone = serializers.CharField(max_length=60, required=False, allow_blank=True)
    about = serializers.CharField(max_length=4000, required=False, allow_blank=True)
    personal_operator = serializers.CharField(
        max_length=150, required=False, allow_blank=True, help_text="The login of a colleague who serves customers."
    )
    custom = OwnFields(required=False, help_text="Fields of the house: code → value; null takes an edit back.")


class ProfileRow(serializers.ModelSerializer[Profile]):
    """What one source or first contact knows of somebody."""

    class Meta:
        model = Profile
        fields = ("id", "customer", "source", "created_at")


class Resolved(serializers.Serializer[Any]):
    """Whose an identity is."""

    status = serializers.ChoiceField(RESOLVED)
    customer = CustomerRow(allow_null=True, help_text="If there is exactly one.")
    candidates = serializers.ListField(
        child=serializers.IntegerField(), help_text="Whom it may lead to: a person has to choose."
    )
