"""Who speaks for which company."""

from typing import Any

from rest_framework import serializers

from customers.models import Customer, Membership
from customers.queries import standing_for
from cxcenter.core.api.serializers import Strict, VisibleKey


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
