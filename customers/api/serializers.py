"""Bodies of customers, profiles, identities and events."""

import math
import re
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers import normalise
from customers.choices import ErasureReason, PartyKind
from customers.fields import GOLDEN_FIELDS
from customers.masking import masked
from customers.models import Customer, Erasure, Identity, Membership, Merge, Profile, ProfileIdentity
from customers.projection import LIMITS
from customers.queries import standing_for
from customers.segmentation import segments_of
from cxcenter.accounts.scopes import Scope
from cxcenter.core.api.serializers import LARGEST_ID, Strict, VisibleKey
from cxcenter.core.errors import Invalid
from cxcenter.core.models import Event

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
# What came out of step between two clocks.
FUTURE = timedelta(minutes=5)


def past(at: datetime) -> datetime:
    """Return a time that has been. Raises ValidationError for one that is still to come."""
    if at > timezone.now() + FUTURE:
        raise serializers.ValidationError(_("This time is still to come."))
    return at


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


class IdentityFields(serializers.Serializer[Any]):
    """An identity whose value is masked for readers without customers:contacts."""

    def may_see(self) -> bool:
        """Tell whether the reader sees values as they are."""
        return bool(self.context["request"].user.passes(Scope.CUSTOMERS_CONTACTS))

    def value_of(self, identity: Identity) -> str:
        """Return the value as this reader sees it."""
        return identity.value if self.may_see() else masked(identity.kind, identity.value)


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


class Reach(Strict):
    """An identity, in any spelling."""

    kind = serializers.ChoiceField(Identity.Kind.choices)
    value = serializers.CharField(max_length=254)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Normalise the value."""
        try:
            return {**attrs, "value": normalise.identity(attrs["kind"], attrs["value"])}
        except Invalid as error:
            raise serializers.ValidationError({"value": str(error.message)}) from None


class IdentityForm(Reach):
    """An identity to link to a customer by hand."""

    verified = serializers.BooleanField(default=False, help_text="Whether he has proved that it is his.")
    shared = serializers.ChoiceField(
        ["both", "move"],
        required=False,
        help_text="If others have it: they share it, or it is taken off them. Without it that is a conflict (shared).",
    )


class IdentityMarks(Strict):
    """What is said of an identity of a customer."""

    verified = serializers.BooleanField(required=False)
    primary = serializers.BooleanField(required=False, help_text="The main one of its kind: the others are not.")


class StandingConsent(serializers.Serializer[Any]):
    """What a customer permits: the newest word of each identity counts, one withdrawal outweighs all consents."""

    purpose = serializers.CharField()
    channel = serializers.CharField(allow_blank=True, help_text="Empty: every channel.")
    granted = serializers.BooleanField()
    identity = serializers.IntegerField(help_text="The identity that decided.")
    consent = serializers.IntegerField()
    at = serializers.DateTimeField()


class StandingConsents(serializers.Serializer[Any]):
    """What a customer permits, by purpose and channel."""

    results = StandingConsent(many=True)


class ConsentWord(Strict):
    """A consent or its withdrawal."""

    purpose = serializers.RegexField(r"^[a-z][a-z0-9_]{0,39}$", help_text="A code, like marketing.")
    channel = serializers.RegexField(
        r"^[a-z]{0,12}$", default="", allow_blank=True, help_text="A code, like email; empty: every channel."
    )
    granted = serializers.BooleanField()
    proof = serializers.CharField(max_length=1000, help_text="Who said so, in which form, in which words.")
    at = serializers.DateTimeField(
        required=False,
        help_text="When it was said. It may come late: the newest word counts, the same one is kept once.",
    )

    def validate_at(self, at: datetime) -> datetime:
        """Refuse the future."""
        return past(at)


class ConsentForm(ConsentWord):
    """A consent or its withdrawal to record."""

    identity = serializers.IntegerField(
        min_value=1,
        max_value=LARGEST_ID,
        help_text="One of the customer's, or one that he has lost and had withdrawn something for.",
    )


class ProfileRow(serializers.ModelSerializer[Profile]):
    """What one source or first contact knows of somebody."""

    class Meta:
        model = Profile
        fields = ("id", "customer", "source", "created_at")


class IdentityLink(serializers.Serializer[Any]):
    """A profile that an identity leads to."""

    profile = serializers.IntegerField(source="profile_id")
    customer = serializers.IntegerField(source="profile.customer_id")
    verified = serializers.BooleanField()
    primary = serializers.BooleanField()
    source = serializers.CharField()  # type: ignore[assignment]
    since = serializers.DateTimeField()


class IdentityRow(IdentityFields, serializers.ModelSerializer[Identity]):
    """A way to recognise or reach a customer."""

    value = serializers.SerializerMethodField("shown_value")
    masked = serializers.SerializerMethodField("is_masked")
    links = IdentityLink(many=True)

    class Meta:
        model = Identity
        fields = ("id", "kind", "value", "masked", "created_at", "links")

    def shown_value(self, identity: Identity) -> str:
        """The value, masked for readers without customers:contacts."""
        return self.value_of(identity)

    def is_masked(self, _identity: Identity) -> bool:
        """Whether it is masked."""
        return not self.may_see()


class EventRow(serializers.ModelSerializer[Event]):
    """A fact of a timeline."""

    profile = serializers.IntegerField(source="profile_id", allow_null=True)
    actor = serializers.IntegerField(source="actor_id", allow_null=True)
    data = serializers.DictField(source="payload")  # type: ignore[assignment]

    class Meta:
        model = Event
        fields = ("id", "profile", "kind", "at", "actor", "data")


SCALAR = {"oneOf": [{"type": "string", "maxLength": 200}, {"type": "number"}, {"type": "boolean"}]}


@extend_schema_field({"type": "object", "maxProperties": 20, "additionalProperties": SCALAR})
class FactsField(serializers.Field[dict[str, Any], dict[str, Any], dict[str, Any], Any]):
    """Ids, codes, amounts of an event: small, flat, and fit for the database."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the facts. Raises ValidationError with the first thing that is wrong."""
        if not isinstance(data, dict) or len(data) > 20:
            raise serializers.ValidationError(_("Give an object of 20 names at most."))
        for name, value in data.items():
            if not NAME.fullmatch(name):
                raise serializers.ValidationError(_("A name has small letters, digits and _, 40 at most."))
            self._check(value)
        return data

    def _check(self, value: Any) -> None:
        if isinstance(value, str):
            serializers.CharField(max_length=200, allow_blank=True).run_validation(value)
        elif not isinstance(value, int | float) or (isinstance(value, float) and not math.isfinite(value)):
            raise serializers.ValidationError(_("A value is a short text, a number, true or false."))

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return the facts as they are."""
        return value


class OutsideEventForm(Strict):
    """One event that another system reports."""

    key = serializers.RegexField(
        r"^[!-~]{1,80}$", help_text="Its own id there: the same key is kept once, however often it is sent."
    )
    type = serializers.RegexField(r"^[a-z][a-z0-9_.]{0,59}$", help_text="A code, like purchase or office.visit.")
    at = serializers.DateTimeField(help_text="When it happened. It may come late and out of order.")
    profile = VisibleKey(queryset=Profile.objects.all(), required=False)
    identity = Reach(
        required=False, help_text="Whose it is, if you do not know the profile. A new one makes a customer."
    )
    data = FactsField(  # type: ignore[assignment]
        required=False, help_text="Ids, codes, amounts. No names, addresses or texts."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for exactly one owner."""
        if ("profile" in attrs) == ("identity" in attrs):
            raise serializers.ValidationError(_("Give a profile or an identity."))
        return attrs

    def validate_at(self, at: datetime) -> datetime:
        """Refuse the future."""
        return past(at)


class OutsideEventsForm(Strict):
    """A batch of events."""

    events = serializers.ListField(child=OutsideEventForm(), min_length=1, max_length=100)


class OutsideEventResult(serializers.Serializer[Any]):
    """What became of one event."""

    key = serializers.CharField()
    status = serializers.ChoiceField(["stored", "repeated", "ambiguous", "erased"])


class OutsideEventResults(serializers.Serializer[Any]):
    """What became of each event, in the order of the request."""

    results = OutsideEventResult(many=True)


# --- Records of sources, merges, who it is ---


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


class ErasureForm(Strict):
    """Whom to erase, once more, and why."""

    number = serializers.CharField(
        max_length=30, help_text="The customer's number, like C-12: to be sure who is meant."
    )
    reason = serializers.ChoiceField(ErasureReason.choices)


class ErasureRow(serializers.ModelSerializer[Erasure]):
    """An erasure that was done."""

    actor = serializers.IntegerField(source="actor_id", allow_null=True)

    class Meta:
        model = Erasure
        fields = ("customer", "reason", "at", "actor")


class MembershipRow(serializers.ModelSerializer[Membership]):
    """A person's place in a company, both by the numbers of their customers."""

    company = serializers.IntegerField(source="company.customer_id")
    person = serializers.IntegerField(source="person.customer_id")

    class Meta:
        model = Membership
        fields = ("id", "company", "person", "role", "source", "since")


class RoleForm(Strict):
    """What somebody is in his company."""

    role = serializers.CharField(max_length=100, allow_blank=True)


class CustomerKey(VisibleKey):
    """The id of a customer; that of one who was merged into another means that other."""

    def to_internal_value(self, data: Any) -> Customer:
        """Return who stands for the customer now. Raises ValidationError for an unknown id."""
        found: Customer = super().to_internal_value(data)
        if found.merged_into_id is None:
            return found
        return Customer.objects.get(pk=standing_for([found.pk])[found.pk])


class MembershipForm(RoleForm):
    """A person to put into a company."""

    company = CustomerKey(queryset=Customer.objects.filter(erased_at=None))
    person = CustomerKey(queryset=Customer.objects.filter(erased_at=None))
    role = serializers.CharField(max_length=100, allow_blank=True, default="")


class MergeEvidence(serializers.Serializer[Any]):
    """What one field said of two records that were compared."""

    field = serializers.CharField(help_text="What was compared, like last, birthday or phone.")
    level = serializers.CharField(allow_blank=True, help_text="How far it agreed, like exact, near or differs.")
    bits = serializers.FloatField(help_text="What it weighed: above 0 for one person, below against.")

    def to_representation(self, instance: list[Any]) -> dict[str, Any]:
        """Name the parts of a row of the score."""
        return dict(zip(self.fields, instance, strict=True))


class MergeDetail(serializers.Serializer[Any]):
    """What spoke for a merge, as it was then: nothing of one that was made by hand or by the API."""

    identity = serializers.IntegerField(allow_null=True, help_text="The identity that joined them.")
    probability = serializers.FloatField(allow_null=True, help_text="How likely they were one person, 0 to 1.")
    evidence = MergeEvidence(many=True, default=list, help_text="The score, field by field.")


class MergeRow(serializers.ModelSerializer[Merge]):
    """Two golden records that became one."""

    actor = serializers.IntegerField(source="actor_id", allow_null=True)
    detail = MergeDetail()

    class Meta:
        model = Merge
        fields = ("id", "survivor", "absorbed", "reason", "detail", "at", "actor", "undone_at")


class MergeForm(Strict):
    """Customers to merge."""

    survivor = VisibleKey(queryset=Customer.objects.all(), help_text="Stands for all of them afterwards.")
    others = serializers.ListField(child=VisibleKey(queryset=Customer.objects.all()), min_length=1, max_length=20)


class Merges(serializers.Serializer[Any]):
    """The merges that were made; none for those who were one already."""

    results = MergeRow(many=True)


class ApartRow(serializers.Serializer[Any]):
    """A decision that a customer and another are not the same person."""

    other = serializers.IntegerField(source="other.pk", help_text="The other customer.")
    at = serializers.DateTimeField(source="decision.at")
    actor = serializers.IntegerField(source="decision.actor_id", allow_null=True)


class ApartRows(serializers.Serializer[Any]):
    """Who is known not to be the same person as a customer."""

    results = ApartRow(many=True)


class ApartForm(Strict):
    """Who is not the same person as the customer."""

    other = VisibleKey(queryset=Customer.objects.all())


class Resolved(serializers.Serializer[Any]):
    """Whose an identity is."""

    status = serializers.ChoiceField(["found", "ambiguous", "unknown", "junk"])
    customer = CustomerRow(allow_null=True, help_text="If there is exactly one.")
    candidates = serializers.ListField(
        child=serializers.IntegerField(), help_text="Whom it may lead to: a person has to choose."
    )
