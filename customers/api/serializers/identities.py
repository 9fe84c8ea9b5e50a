"""Identities: the ways to recognise or reach a customer."""

from typing import Any

from rest_framework import serializers

from customers import normalise
from customers.masking import masked
from customers.models import Identity
from cxcenter.accounts.scopes import Scope
from cxcenter.core.api.serializers import Strict
from cxcenter.core.errors import Invalid


class IdentityFields(serializers.Serializer[Any]):
    """An identity whose value is masked for readers without customers:contacts."""

    def may_see(self) -> bool:
        """Tell whether the reader sees values as they are."""
        return bool(self.context["request"].user.passes(Scope.CUSTOMERS_CONTACTS))

    def value_of(self, identity: Identity) -> str:
        """Return the value as this reader sees it."""
        return identity.value if self.may_see() else masked(identity.kind, identity.value)


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
