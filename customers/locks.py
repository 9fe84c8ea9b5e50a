"""Every lockable set of the golden record, with its order.

Customers are locked in id order and all at once, after a thread and an identity, before any profile. Whoever means
an absorbed customer locks the one that stands for him.
"""

from collections.abc import Iterable

from django.db import transaction

from customers.models import Customer, Profile
from customers.queries import standing_for
from cxcenter.core.planned import Given, Planned

CARD = Planned("card", lambda: Profile.objects.filter(pk=Given("profile", "bigint")))
# Not their keys: a new profile may refer to a customer that is locked.
LOCKED = Planned(
    "customer_locked", lambda: Customer.objects.select_for_update(no_key=True).filter(pk=Given("customer", "bigint"))
)


class MovedMeanwhileError(Exception):
    """A merge or an unmerge came between the look and the lock."""


def lock_standing(customer_ids: Iterable[int]) -> dict[int, Customer]:
    """Lock the customers that stand for the given ones; return given id → locked customer."""
    return _lock(set(customer_ids), set())


def lock_merged(customer_id: int) -> tuple[Customer, Customer]:
    """Lock the customer that stands for the given one, and himself; return both, the same twice if he is live."""
    rows = _lock({customer_id}, {customer_id})
    return rows[customer_id], Customer.objects.get(pk=customer_id)


def _lock(wanted: set[int], besides: set[int]) -> dict[int, Customer]:
    while True:
        standing = standing_for(wanted)
        try:
            # Stale locks must be let go before the next try, or two who try could wait for each other.
            with transaction.atomic():
                locked = _rows({*standing.values(), *besides})
                if standing_for(wanted) != standing:
                    raise MovedMeanwhileError
                return {given: locked[root] for given, root in standing.items()}
        except MovedMeanwhileError:
            continue


def lock_customers(ids: Iterable[int]) -> None:
    """Lock customers in id order."""
    _rows(set(ids))


def _rows(ids: set[int]) -> dict[int, Customer]:
    # Not their keys: a new profile may refer to a customer that is locked.
    rows = Customer.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    return {row.pk: row for row in rows}


def hold_profile(profile_id: int) -> Customer:
    """Lock the customer of a profile for what is noted of him: he is not erased meanwhile. Raises Gone if he was."""
    customer = lock_customer_of(profile_id)
    customer.refuse_erased()
    return customer


def lock_customer_of(profile_id: int) -> Customer:
    """Lock the customer that a profile belongs to now."""
    while True:
        customer_id = CARD.one(profile=profile_id).customer_id
        try:
            with transaction.atomic():
                locked = LOCKED.one(customer=customer_id)
                if CARD.one(profile=profile_id).customer_id != customer_id:
                    raise MovedMeanwhileError
                return locked
        except MovedMeanwhileError:
            continue


def lock_customers_of(profile_ids: Iterable[int]) -> dict[int, int]:
    """Lock the customers that profiles belong to now; return profile → customer."""
    profiles = list(profile_ids)
    while True:
        owners = _owners(profiles)
        try:
            with transaction.atomic():
                _rows(set(owners.values()))
                if _owners(profiles) != owners:
                    raise MovedMeanwhileError
                return owners
        except MovedMeanwhileError:
            continue


def _owners(profile_ids: list[int]) -> dict[int, int]:
    return dict(Profile.objects.filter(pk__in=profile_ids).values_list("pk", "customer_id"))
