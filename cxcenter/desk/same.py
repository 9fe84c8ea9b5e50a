"""Who may be the same person: the steward's queue, the banner of a card, and why, field by field."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy

from customers import comparison
from customers.models import Customer, Likeness

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

    from cxcenter.accounts.models import User

PAGE = 30
# What a field weighs at the least, in bits, to be named as a reason.
TELLING = 1.0
FIELDS: "dict[str, StrPromise]" = {
    "first": gettext_lazy("first name"),
    "last": gettext_lazy("last name"),
    "middle": gettext_lazy("patronymic"),
    "birthday": gettext_lazy("birthday"),
    "phone": gettext_lazy("phone"),
    "email": gettext_lazy("e-mail"),
    "postcode": gettext_lazy("postcode"),
    "region": gettext_lazy("region"),
    "city": gettext_lazy("city"),
    "district": gettext_lazy("district"),
    "street": gettext_lazy("street"),
    "house": gettext_lazy("house"),
    "household": gettext_lazy("relatives are alike in this"),
    "prior": gettext_lazy("before anything is compared"),
}
LEVELS: "dict[str, StrPromise]" = {
    "exact": gettext_lazy("the same"),
    "alike": gettext_lazy("another form of the same name"),
    "near": gettext_lazy("nearly the same"),
    "akin": gettext_lazy("similar"),
    "initial": gettext_lazy("the initial"),
    "crossed": gettext_lazy("in each other's place"),
    "slip": gettext_lazy("one digit or two exchanged"),
    "partial": gettext_lazy("as far as it is known"),
    "parts": gettext_lazy("in part"),
    "mailbox": gettext_lazy("the same name before the @"),
    "differs": gettext_lazy("different"),
    "implied": gettext_lazy("follows from another field"),
}


@dataclass(frozen=True)
class Reason:
    """What one field says: for (bits above 0) or against."""

    field: str
    level: str
    bits: float

    @property
    def speaks_for(self) -> bool:
        """Tell whether it speaks for one person."""
        return self.bits > 0


@dataclass(frozen=True)
class Pair:
    """Two customers who may be one person."""

    one: Customer
    other: Customer
    percent: int
    why: str


def reasons(evidence: Iterable[Any]) -> list[Reason]:
    """Return evidence in words, the heaviest first. What weighs nothing is left out."""
    told = [Reason(str(FIELDS.get(f, f)), str(LEVELS.get(level, level)), round(bits, 1)) for f, level, bits in evidence]
    return sorted((one for one in told if one.bits), key=lambda one: -abs(one.bits))


def in_short(evidence: Iterable[Any]) -> str:
    """Return the three heaviest reasons for one person in a line."""
    speaking = [one for one in reasons(evidence) if one.bits >= TELLING and one.level]
    return ", ".join(f"{one.field}: {one.level}" for one in speaking[:3])


def pair_of(like: Likeness, customer: Customer | None = None) -> Pair:
    """Return a likely pair as it is shown; the given customer stands first, else the older one."""
    sides = sorted([like.one.customer, like.other.customer], key=lambda one: (one != customer, one.pk))
    return Pair(sides[0], sides[1], percent(like.probability), in_short(like.evidence))


def percent(probability: float) -> int:
    """Return a probability in per cent; what is not certain is never 100."""
    return min(99, int(100 * probability))


def queue(user: "User", before: str = "") -> tuple[list[Pair], str]:
    """Return a page of the steward's queue, the likeliest first, and the key of the next ("" at the end). One query."""
    rows = Likeness.objects.visible_to(user).undecided().select_related("one__customer", "other__customer")
    edge = _edge(before)
    if edge is not None:
        rows = rows.after(*edge)
    page = list(rows.order_by("-probability", "-id")[: PAGE + 1])
    more = f"{page[PAGE - 1].probability!r}_{page[PAGE - 1].pk}" if len(page) > PAGE else ""
    return [pair_of(like) for like in page[:PAGE]], more


def _edge(text: str) -> tuple[float, int] | None:
    probability, _sign, pk = text.partition("_")
    try:
        return float(probability), int(pk)
    except ValueError:
        return None


def waiting(user: "User") -> int:
    """Return how many pairs wait for a decision, 99 at the most. One query."""
    return len(Likeness.objects.visible_to(user).undecided().order_by("-probability").values_list("pk")[:99])


def banner_of(customer: Customer, user: "User") -> Pair | None:
    """Return the likeliest pair that a customer is in, if nobody has decided. One query."""
    rows = Likeness.objects.visible_to(user).undecided().of_customer(customer.pk)
    like = rows.select_related("one__customer", "other__customer").order_by("-probability", "-id").first()
    return pair_of(like, customer) if like else None


def beside(one: Customer, other: Customer) -> dict[str, Any]:
    """Return how alike two customers are: `percent` and `reasons`; empty if nothing can be compared."""
    told = comparison.beside(one.pk, other.pk)
    if told is None:
        return {}
    return {"percent": percent(told.probability), "reasons": reasons(told.evidence)}
