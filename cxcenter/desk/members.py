"""The people of a company, and the companies of a person, as their cards show them."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from customers.choices import IdentityKind, PartyKind
from customers.models import Customer, Identity, Membership, ProfileIdentity
from cxcenter.accounts.roles import Right
from cxcenter.desk.card import shown_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cxcenter.accounts.models import User

SHOWN = 50


@dataclass(frozen=True)
class Member:
    """One row: the other customer, his role in the company, and (of a person) how to reach him."""

    id: int
    customer: Customer
    role: str
    since: datetime
    contact: str = ""
    # The contact, if it is a phone and the reader may see it.
    phone: str = ""


def members_of(customer: Customer, user: "User") -> tuple[list[Member], bool]:
    """Return the people of a company, or the companies of a person, and whether there are more. Two queries."""
    is_company = customer.kind == PartyKind.COMPANY
    ours, other = ("company", "person") if is_company else ("person", "company")
    rows = (
        Membership.objects.visible_to(user)
        .standing()
        .filter(**{f"{ours}__customer": customer})
        .exclude(**{f"{other}__customer": customer})
        .select_related(f"{other}__customer")
        .order_by(f"{other}__customer__name", "pk")[: 2 * SHOWN]
    )
    # Merged customers may have said it twice: the one with a role tells more.
    found: dict[int, Membership] = {}
    for row in rows:
        known = found.setdefault(getattr(row, other).customer_id, row)
        if row.role and not known.role:
            found[getattr(row, other).customer_id] = row
    contacts = _contacts(found, user) if is_company else {}
    members = [
        Member(row.pk, getattr(row, other).customer, row.role, row.since, *contacts.get(pk, ()))
        for pk, row in found.items()
    ]
    return members[:SHOWN], len(members) > SHOWN


def _contacts(customers: "Iterable[int]", user: "User") -> dict[int, tuple[str, str]]:
    """Return of each customer what to reach him by, as the user may see it, and the phone to dial. One query."""
    links = (
        ProfileIdentity.objects.filter(
            profile__customer__in=list(customers), identity__kind__in=[IdentityKind.PHONE, IdentityKind.EMAIL]
        )
        .select_related("identity", "profile")
        .order_by("profile__customer", "-primary", "-verified", "-identity__kind", "pk")
        .distinct("profile__customer")
    )
    return {link.profile.customer_id: _reach(link.identity, user) for link in links}


def _reach(identity: Identity, user: "User") -> tuple[str, str]:
    dials = identity.kind == IdentityKind.PHONE and user.may(Right.SEE_CONTACTS)
    return shown_value(identity, user), identity.value if dials else ""
