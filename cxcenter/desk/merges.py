"""Which merges made a card, and why each of them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from customers.models import Customer, Identity, Merge
from customers.queries import merges_that_made
from cxcenter.desk.card import shown_value
from cxcenter.desk.same import Reason, percent, reasons

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cxcenter.accounts.models import User

SHOWN = 50


@dataclass(frozen=True)
class Made:
    """One merge that stands: who was joined, why, by whom; `into` whom, if that was not the customer himself.

    `identity` names the identity that joined them as the reader may see it; what was compared has its probability in
    per cent and the score field by field.
    """

    id: int
    absorbed: Customer
    into: str
    reason: str
    by: str
    at: datetime
    identity: str = ""
    percent: int | None = None
    reasons: list[Reason] = field(default_factory=list)


def merges_of(customer: Customer, user: "User") -> tuple[list[Made], bool]:
    """Return the merges that made a customer, the newest first, and whether there are more. Three queries at the most."""
    numbers = merges_that_made(customer.pk, most=SHOWN + 1)
    rows = Merge.objects.visible_to(user).filter(pk__in=numbers[:SHOWN]).order_by("-pk")
    merges = list(rows.select_related("absorbed", "survivor", "actor"))
    identities = _identities(merges, user)
    return [_made(merge, customer, identities) for merge in merges], len(numbers) > SHOWN


def _made(merge: Merge, customer: Customer, identities: dict[int, str]) -> Made:
    told = merge.detail.get("probability")
    return Made(
        id=merge.pk,
        absorbed=merge.absorbed,
        into=_named(merge.survivor) if merge.survivor_id != customer.pk else "",
        reason=merge.get_reason_display(),
        by=merge.actor.name if merge.actor else "",
        at=merge.at,
        identity=identities.get(merge.detail.get("identity", 0), ""),
        percent=percent(told) if told is not None else None,
        reasons=reasons(merge.detail.get("evidence", [])),
    )


def _named(customer: Customer) -> str:
    """Return a customer's name with his number, which is all there is of some."""
    return customer.number if str(customer) == customer.number else f"{customer}, {customer.number}"


def _identities(merges: "Iterable[Merge]", user: "User") -> dict[int, str]:
    """Return the identities that joined customers, in words. One query; none if no merge names one."""
    wanted = {merge.detail["identity"] for merge in merges if "identity" in merge.detail}
    found = Identity.objects.in_bulk(wanted) if wanted else {}
    return {pk: f"{one.get_kind_display()} {shown_value(one, user)}" for pk, one in found.items()}
