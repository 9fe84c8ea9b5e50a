"""Merge, unmerge, and "not the same person".

A merge repoints profiles and touches nothing else, whatever the length of the history; it leaves behind which
customer was absorbed by which, so that an unmerge puts each profile back where the remaining merges lead it.
"""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.actions.records import project
from customers.choices import MergeReason
from customers.events import CustomersMerged, CustomersUnmerged, KeptApart
from customers.locks import lock_merged, lock_standing
from customers.models import Apart, Customer, Merge, Profile
from customers.queries import lead_of
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.events import emit

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# Profiles whose own customer leads to the given one by the merges that stand.
RETURN = """
    WITH RECURSIVE down (id) AS (
        SELECT %(customer)s::bigint
        UNION ALL
        SELECT c.id FROM customers_customer c JOIN down ON c.merged_into_id = down.id
    )
    UPDATE customers_profile SET customer_id = %(customer)s WHERE home_id IN (SELECT id FROM down)
"""


@transaction.atomic
def merge_customers(
    *,
    survivor: int,
    others: Sequence[int],
    reason: str = MergeReason.HAND,
    actor: "User | None" = None,
    detail: dict[str, Any] | None = None,
) -> list[Merge]:
    """Let one customer stand for others as well. Who is merged already is meant by whom he was merged into.

    Returns the merges made; none for those who are one already. Raises Invalid for an unknown customer, Gone for an
    erased one, Conflict (code "apart") if somebody decided that two of them are not the same person.
    """
    locked = lock_standing([survivor, *others])
    if {survivor, *others} - locked.keys():
        raise Invalid(_("There is no such customer."), field="customer")
    for row in locked.values():
        row.refuse_erased()
    head = locked[survivor]
    absorbed = list({locked[other].pk: locked[other] for other in others if locked[other] != head}.values())
    if not absorbed:
        return []
    _refuse_apart([head, *absorbed])
    leads = {row.pk: lead_of(row) for row in absorbed}
    Profile.objects.filter(customer__in=absorbed).update(customer=head)
    Customer.objects.filter(pk__in=leads).update(merged_into=head)
    merges = [
        Merge.objects.create(survivor=head, absorbed=row, reason=reason, actor=actor, detail=detail or {})
        for row in absorbed
    ]
    # What the others were called stands in their records still.
    project([head], forgets=False)
    for merge in merges:
        _tell_merged(merge, leads[merge.absorbed_id].pk, actor)
    return merges


def _refuse_apart(customers: list[Customer]) -> None:
    """Raise Conflict if any two of the customers are kept apart."""
    kept = kept_apart(row.pk for row in customers)
    if kept is not None:
        names = {row.pk: str(row) for row in customers}
        raise Conflict(
            _("%(one)s and %(other)s were found not to be the same person. Take that decision back first.")
            % {"one": names[kept.one.customer_id], "other": names[kept.other.customer_id]},
            code="apart",
            apart=kept.pk,
        )


def kept_apart(customer_ids: Iterable[int]) -> Apart | None:
    """Return a decision that two of the customers are not the same person, None if there is none."""
    ids = list(customer_ids)
    pairs = Apart.objects.filter(one__customer__in=ids, other__customer__in=ids).select_related("one", "other")
    # Two profiles of one customer were joined by hand all the same.
    return pairs.exclude(one__customer=F("other__customer")).first()


def _tell_merged(merge: Merge, profile_id: int, actor: "User | None") -> None:
    audit.record(
        actor,
        "customer.merge",
        f"customer:{merge.survivor_id}",
        absorbed=merge.absorbed_id,
        merge=merge.pk,
        reason=merge.reason,
    )
    emit(
        CustomersMerged(customer=merge.survivor_id, absorbed=merge.absorbed_id, merge=merge.pk, reason=merge.reason),
        profile_id=profile_id,
        actor_id=actor.pk if actor else None,
    )


@transaction.atomic
def unmerge(*, merge_id: int, actor: "User | None" = None) -> Merge:
    """Take a merge back: the absorbed customer stands for himself again, with all that came to his profiles since.

    Merges that were made before and after it stand. Raises Conflict (code "undone") if it was taken back already,
    Gone if both were erased.
    """
    absorbed_id = Merge.objects.values_list("absorbed_id", flat=True).get(pk=merge_id)
    head, freed = lock_merged(absorbed_id)
    head.refuse_erased()
    merge = Merge.objects.select_for_update().get(pk=merge_id)
    if merge.undone_at is not None:
        raise Conflict(_("This merge was undone already."), code="undone")
    merge.undone_at, merge.undone_by = timezone.now(), actor
    merge.save(update_fields=["undone_at", "undone_by"])
    freed.merged_into = None
    freed.save(update_fields=["merged_into"])
    with connection.cursor() as cursor:
        cursor.execute(RETURN, {"customer": absorbed_id})
    project([head, freed])
    audit.record(actor, "customer.unmerge", f"customer:{head.pk}", absorbed=absorbed_id, merge=merge.pk)
    for row in (head, freed):
        emit(
            CustomersUnmerged(customer=head.pk, absorbed=absorbed_id, merge=merge.pk),
            profile_id=lead_of(row).pk,
            actor_id=actor.pk if actor else None,
            # One time for both: whose cards are joined again sees it once.
            at=merge.undone_at,
        )
    return merge


@transaction.atomic
def keep_apart(*, one: int, other: int, actor: "User") -> Apart:
    """Decide that two customers are not the same person: nothing joins them by itself, until it is taken back.

    It holds for all of whom they consist, whichever merges are undone later: each profile of the one is kept apart from
    each of the other. Returns the pair that stands for the decision; repeating it changes nothing. Raises Conflict
    (code "one") if they are one customer: unmerge them first.
    """
    locked = lock_standing([one, other])
    if locked[one] == locked[other]:
        raise Conflict(_("They are one customer now. Undo the merge first."), code="one")
    for row in locked.values():
        row.refuse_erased()
    pairs = _pairs(locked[one], locked[other])
    known = {(row.one_id, row.other_id): row for row in Apart.objects.filter(one__in={low for low, _high in pairs})}
    now = timezone.now()
    made = Apart.objects.bulk_create(
        [Apart(one_id=pair[0], other_id=pair[1], actor=actor, at=now) for pair in pairs if pair not in known],
        batch_size=1000,
    )
    if not made:
        return known[pairs[0]]
    _tell_apart(made[0], actor, apart=True)
    return made[0]


def _pairs(one: Customer, other: Customer) -> list[tuple[int, int]]:
    """Return all pairs of a profile of the one and of the other, the lower number first; that of the leads leads."""
    leads = {lead_of(one).pk, lead_of(other).pk}
    profiles = [row.profiles.order_by("pk").values_list("pk", flat=True) for row in (one, other)]
    pairs = [(min(pair), max(pair)) for pair in product(*profiles)]
    return sorted(pairs, key=lambda pair: (leads != {*pair}, pair))


@transaction.atomic
def take_apart_back(*, apart_id: int, actor: "User") -> None:
    """Take "not the same person" back, the whole decision that a pair is of. Repeating it changes nothing."""
    pair = Apart.objects.filter(pk=apart_id).first()
    if pair is None:
        return
    # What one act kept apart bears one time.
    decision = Apart.objects.filter(at=pair.at, actor=pair.actor_id)
    kept = decision.select_for_update().order_by("pk").first()
    if kept is not None:
        _tell_apart(kept, actor, apart=False)
        decision.delete()


def _tell_apart(kept: Apart, actor: "User", *, apart: bool) -> None:
    ids = dict(Profile.objects.filter(pk__in=[kept.one_id, kept.other_id]).values_list("pk", "customer_id"))
    for profile, other in ((kept.one_id, kept.other_id), (kept.other_id, kept.one_id)):
        fact = KeptApart(customer=ids[profile], other=ids[other], apart=apart)
        emit(fact, profile_id=profile, actor_id=actor.pk)
    act = "customer.apart" if apart else "customer.apart.undo"
    audit.record(actor, act, f"customer:{ids[kept.one_id]}", other=ids[kept.other_id])


def was_undone(one: int, other: int) -> bool:
    """Tell whether a person took a merge back that would come about again if two live customers were joined.

    What he has parted is not joined by itself again, nor by way of a third who has absorbed either since. Two queries.
    """
    owners = dict(Profile.objects.filter(customer__in=[one, other]).values_list("home_id", "customer_id"))
    undone = Merge.objects.exclude(undone_at=None).filter(survivor__in=owners, absorbed__in=owners)
    return any(owners[head] != owners[freed] for head, freed in undone.values_list("survivor_id", "absorbed_id"))
