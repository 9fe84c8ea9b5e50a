"""What lists of customers are narrowed by."""

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from customers import normalise
from customers.models import Customer, Identity, Merge, Profile
from customers.queries import standing_for
from cxcenter.accounts.scopes import Scope
from cxcenter.core.api.filters import IdFilter, MomentFilter, RelatedIdFilter, TextFilter
from cxcenter.core.errors import Forbidden
from cxcenter.core.models import Event


class StandingField(forms.IntegerField):
    """The id of a customer; that of one who was merged into another means that other."""

    def clean(self, value: Any) -> int | None:
        """Return the id of who stands for the customer now; an unknown one as it is. One query."""
        number: int | None = super().clean(value)
        return None if number is None else standing_for([number]).get(number, number)


class CustomerIdFilter(IdFilter):
    """Keep rows of one customer."""

    field_class = StandingField


class RelatedCustomerFilter(RelatedIdFilter):
    """Keep rows that have a related row of one customer, each once."""

    field_class = StandingField


class CustomerFilter(django_filters.FilterSet):
    """Golden records."""

    search = TextFilter(
        method="find",
        min_length=2,
        max_length=100,
        help_text="Number (C-12), name with typing errors, last digits of a phone or card, beginning of an address.",
    )
    changed_since = MomentFilter("updated_at", "gte")

    def find(self, rows: Any, _name: str, text: str) -> QuerySet[Customer]:
        """Search; contacts are searched only for readers who may see them."""
        return rows.matching(text, contacts=self.request.user.passes(Scope.CUSTOMERS_CONTACTS))


class ProfileFilter(django_filters.FilterSet):
    """Profiles."""

    customer = CustomerIdFilter("customer_id")
    source = TextFilter(max_length=40)


class IdentityFilter(django_filters.FilterSet):
    """Identities."""

    customer = RelatedCustomerFilter("links__profile__customer_id")
    profile = RelatedIdFilter("links__profile_id")
    kind = django_filters.ChoiceFilter(choices=Identity.Kind.choices)
    value = TextFilter(
        method="find", max_length=254, help_text="The whole value, spelt in any way. It needs customers:contacts."
    )

    def find(self, rows: QuerySet[Identity], _name: str, text: str) -> QuerySet[Identity]:
        """Find by the normalised value. Raises Forbidden for readers who see values masked."""
        if not self.request.user.passes(Scope.CUSTOMERS_CONTACTS):
            raise Forbidden(_("This needs the scope %(scope)s.") % {"scope": Scope.CUSTOMERS_CONTACTS.value})
        return rows.filter(value__in=normalise.spellings(text))


class MembershipFilter(django_filters.FilterSet):
    """Places of people in companies."""

    company = CustomerIdFilter("company__customer_id")
    person = CustomerIdFilter("person__customer_id")


class MergeFilter(django_filters.FilterSet):
    """Merges."""

    customer = CustomerIdFilter(
        method="of_customer", help_text="Those that made this customer, and those that took him in."
    )
    since = MomentFilter("at", "gte", help_text="Made since then.")

    def of_customer(self, rows: QuerySet[Merge], _name: str, number: int) -> QuerySet[Merge]:
        """Keep merges in which the customer, or one who was merged into him, took part. Two queries."""
        known = {number, *Profile.objects.filter(customer_id=number).values_list("home_id", flat=True)}
        return rows.filter(Q(survivor__in=known) | Q(absorbed__in=known))


class EventFilter(django_filters.FilterSet):
    """Events."""

    profile = IdFilter("profile_id")
    customer = CustomerIdFilter(method="of_customer")
    kind = TextFilter(max_length=60, help_text="A code like interaction.opened.")
    since = MomentFilter("at", "gte")
    until = MomentFilter("at", "lt")

    def of_customer(self, rows: QuerySet[Event], _name: str, number: int) -> QuerySet[Event]:
        """Keep events of all profiles of a customer."""
        return rows.filter(profile_id__in=Profile.objects.filter(customer_id=number).values("pk"))
