"""Is this somebody we know? A profile compared with all others, and what follows from it."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from customers import comparison
from customers.actions.merges import merge_customers, was_undone
from customers.choices import MergeReason
from customers.locks import lock_customer_of
from customers.matching.keys import keys
from customers.matching.model import Model
from customers.matching.records import Person
from customers.matching.score import explain, probability, score
from customers.matching.settings import CLIP, GUARD, LINK, MAX_CLUSTER, NO_KIN, VETO
from customers.matching.train import train
from customers.models import Apart, Comparable, Likeness, MatchingRules, MatchKey, MatchModel, Merge, Profile, Recall
from cxcenter.core.errors import Conflict

if TYPE_CHECKING:
    from django.db.models import QuerySet

log = structlog.get_logger(__name__)
# Weights are trained on so many records at the most: what a night has time for.
SAMPLE = 20_000
# Bits by which a weight has to move until all records are compared again: as many as lie between even odds and a sure
# link. To go through a million takes hours, and a night's sample moves rare levels by some bits whatever there is.
MOVED = LINK
# Whatever else agrees: where records have relatives, these may be two of them.
CONTRADICTION = {("first", "differs"), ("birthday", "differs")}


@transaction.atomic
def index_profile(*, profile_id: int, rules: MatchingRules) -> Person:
    """Keep what is compared of a profile, and its keys. Repeating it changes nothing."""
    # What is read is not erased before it is written.
    lock_customer_of(profile_id)
    reached = comparison.reached_by([profile_id], rules.shared_by)[profile_id]
    one = comparison.person_of(profile_id, reached)
    Comparable.objects.bulk_create(
        [Comparable(profile_id=profile_id, person=comparison.stored(one), compared_at=None)],
        update_conflicts=True,
        unique_fields=["profile"],
        update_fields=["person", "compared_at"],
    )
    wanted, known = set(keys(one)), set(MatchKey.objects.filter(profile=profile_id).values_list("key", flat=True))
    MatchKey.objects.filter(profile=profile_id, key__in=known - wanted).delete()
    MatchKey.objects.bulk_create(
        [MatchKey(key=key, profile_id=profile_id) for key in sorted(wanted - known)], ignore_conflicts=True
    )
    if reached.shared:
        # Who had it while few did is compared without it, too.
        _line_up(Comparable.objects.filter(pk__in=MatchKey.objects.filter(key__in=reached.shared).values("profile")))
    return one


@dataclass(frozen=True)
class _Found:
    """A customer who may be the same: his best profile beside one of ours, and whether all of them fit together."""

    customer: int
    one: Person
    other: Person
    bits: float
    fits: bool


def compare_profile(*, profile_id: int) -> Merge | None:
    """Compare a profile with all others: join it to the customer it surely is, note the pairs a person has to look at.

    Returns the merge, if one was made. Safe to run twice.
    """
    weights, rules = comparison.model(), MatchingRules.current()
    one = index_profile(profile_id=profile_id, rules=rules)
    found = sorted(_likely(one, weights, rules), key=lambda like: -like.bits)
    made = _join(profile_id, found, weights, rules)
    for like in found:
        if made is None or like is not found[0]:
            _note(like, weights)
    Comparable.objects.filter(pk=profile_id).update(compared_at=timezone.now())
    return made


def _likely(one: Person, weights: Model, rules: MatchingRules) -> list[_Found]:
    """Return the customers who may be the same person as a profile's customer."""
    waiting = _beside(int(one.key))
    others = comparison.people({*comparison.candidates(one), *waiting})
    bits = dict(zip(others, score(weights, one, list(others.values())), strict=True))
    near = [pk for pk in others if probability(bits[pk]) >= rules.lower]
    if far := waiting.keys() - near:
        # Something was said of one of them, or the rules are others now.
        Likeness.objects.filter(pk__in=[waiting[pk] for pk in far]).delete()
    owners = dict(Profile.objects.filter(pk__in=[*near, one.key]).values_list("pk", "customer_id"))
    own = owners.pop(int(one.key))
    best: dict[int, int] = {}
    for pk in sorted(near, key=lambda pk: bits[pk]):
        best[owners[pk]] = pk
    best.pop(own, None)
    sides = _sides({own, *best}) if best else {}
    return [
        _Found(customer, one, others[pk], bits[pk], _fit(sides[own], sides[customer], weights))
        for customer, pk in best.items()
    ]


def _beside(profile_id: int) -> dict[int, int]:
    """Return the profiles of other customers that wait for the steward beside one, with their pairs. One query."""
    pairs = Likeness.objects.filter(Q(one=profile_id) | Q(other=profile_id))
    rows = pairs.exclude(one__customer=F("other__customer")).values_list("pk", "one_id", "other_id")
    return {other if one == profile_id else one: pk for pk, one, other in rows}


def _sides(customers: Iterable[int]) -> dict[int, list[Person]]:
    """Return what is compared of all profiles of customers. One query."""
    rows = Comparable.objects.filter(profile__customer__in=list(customers)).exclude(person={}).order_by("pk")
    sides: dict[int, list[Person]] = defaultdict(list)
    for customer, pk, row in rows.values_list("profile__customer_id", "profile_id", "person"):
        sides[customer].append(comparison.read(pk, row))
    return sides


def _fit(ours: list[Person], theirs: list[Person], weights: Model) -> bool:
    """Tell whether two customers may be joined by themselves: no chain of weak links glues strangers.

    All pairs between their profiles count, as in `customers.matching.cluster`.
    """
    if len(ours) + len(theirs) > MAX_CLUSTER:
        return False
    bits = [one for person in ours for one in score(weights, person, theirs)]
    mean = sum(max(-CLIP, min(CLIP, one)) for one in bits) / len(bits)
    return min(bits) >= VETO and mean >= GUARD


def _join(profile_id: int, found: list[_Found], weights: Model, rules: MatchingRules) -> Merge | None:
    """Merge with the likeliest customer if that is sure, permitted, and nobody has ever decided otherwise."""
    if not found or not rules.joins or not found[0].fits or probability(found[0].bits) < rules.upper:
        return None
    best, reasons = found[0], _reasons(found[0], weights)
    if weights.kin > NO_KIN and {(field, level) for field, level, _bits in reasons["evidence"]} >= CONTRADICTION:
        return None
    ours = Profile.objects.values_list("customer_id", flat=True).get(pk=profile_id)
    if was_undone(ours, best.customer):
        return None
    low, high = sorted([ours, best.customer])
    try:
        made = merge_customers(survivor=low, others=[high], reason=MergeReason.MATCH, detail=reasons)
    except Conflict:
        return None
    return made[0] if made else None


def _note(like: _Found, weights: Model) -> None:
    """Put a pair before the steward, unless he has decided."""
    low, high = sorted([int(like.one.key), int(like.other.key)])
    if Apart.objects.filter(one=low, other=high).exists():
        return
    reasons = _reasons(like, weights)
    Likeness.objects.update_or_create(one_id=low, other_id=high, defaults={**reasons, "at": timezone.now()})


def _reasons(like: _Found, weights: Model) -> dict[str, Any]:
    told = explain(weights, like.one, like.other)
    evidence = [[*one[:2], round(one.bits, 2)] for one in told.evidence if one.level != "missing"]
    return {"probability": round(told.probability, 6), "evidence": evidence}


def compare_some(*, size: int = 200) -> int:
    """Compare profiles that were not yet: what an import has left. Returns how many. One that fails stops no others."""
    waiting = list(Comparable.objects.filter(compared_at=None).order_by("pk").values_list("pk", flat=True)[:size])
    for profile_id in waiting:
        try:
            compare_profile(profile_id=profile_id)
        except Exception:
            log.exception("profile not compared", profile=profile_id)
            Comparable.objects.filter(pk=profile_id).update(compared_at=timezone.now())
    return len(waiting)


def train_weights() -> MatchModel | None:
    """Train the weights on a sample of all records and keep them; None if there is nothing to compare.

    The pairs that wait for the steward are compared again by them; all others when something is said of them, unless the
    weights have moved by MOVED bits.
    """
    rows = Comparable.objects.exclude(person={}).order_by("?").values_list("profile_id", "person")[:SAMPLE]
    sample = sorted((comparison.read(pk, row) for pk, row in rows), key=lambda one: int(one.key))
    if not sample:
        return None
    before, now = comparison.model(), train(sample)
    made = MatchModel.objects.create(weights=now.to_dict(), records=len(sample))
    moved = now.distance(before)
    if moved:
        begin_recall(Recall.Scope.PAIRS)
    if moved >= MOVED:
        begin_recall(Recall.Scope.ALL)
    return made


# --- Compared again ---


def begin_recall(*scopes: Recall.Scope) -> None:
    """Have records compared again from the first, a portion at a time: what they are compared by has changed."""
    for scope in sorted(scopes):
        Recall.objects.update_or_create(pk=scope, defaults={"after": 0})


@transaction.atomic
def recall_some() -> bool:
    """Line up the next portion of what is to be compared again; tell whether there was any.

    For whoever has nothing else to compare: what is new goes first. One process at a time, the others leave it to him.
    """
    row = Recall.objects.select_for_update(skip_locked=True).order_by("pk").first()
    if row is None:
        return False
    passed, profiles = PORTIONS[Recall.Scope(row.scope)](row.after)
    _line_up(Comparable.objects.filter(pk__in=profiles))
    if passed is None:
        row.delete()
    else:
        row.after = passed
        row.save(update_fields=["after"])
    return True


def _line_up(rows: "QuerySet[Comparable]") -> None:
    """Have profiles compared again. Nobody is waited for: a row that is locked is being written, or compared, just now."""
    free = list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True))
    Comparable.objects.filter(pk__in=free).update(compared_at=None)


# The number of the last row of a portion, none at the end, and the profiles to be compared again.
Portion = tuple[int | None, Iterable[int]]


def _pairs(after: int, size: int = 100) -> Portion:
    """Return both sides of the next pairs that wait for the steward."""
    waiting = Likeness.objects.exclude(one__customer=F("other__customer")).filter(pk__gt=after)
    rows = list(waiting.order_by("pk").values_list("pk", "one_id", "other_id")[:size])
    return rows[-1][0] if rows else None, {side for _pk, *sides in rows for side in sides}


def _reached(after: int, size: int = 1000) -> Portion:
    """Return those of the next profiles of whom other phones or addresses are compared now than before."""
    rows = dict(Comparable.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "person")[:size])
    now = comparison.reached_by(rows, MatchingRules.current().shared_by)
    others = [pk for pk, row in rows.items() if _reaches(row) != (now[pk].phones, now[pk].emails)]
    return max(rows, default=None), others


def _reaches(row: dict[str, Any]) -> tuple[list[str], list[str]]:
    return row.get("phones", []), row.get("emails", [])


def _all(after: int, size: int = 200) -> Portion:
    rows = list(Comparable.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:size])
    return max(rows, default=None), rows


PORTIONS: dict[Recall.Scope, Callable[[int], Portion]] = {
    Recall.Scope.PAIRS: _pairs,
    Recall.Scope.REACHED: _reached,
    Recall.Scope.ALL: _all,
}
