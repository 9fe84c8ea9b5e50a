"""Every lockable set of routing, with its order.

Order of the whole product: the lock of the rules, callbacks by id, the decision lock, the lock of an
exchange's call, then work items by id, then presences by
user id, then a thread, then its interaction. Who needs several takes them in this order.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from django.db import connection

from cxcenter.core.planned import Given, Planned
from cxcenter.core.statements import unflushed
from routing.models import Assignment, Callback, CapacityProfile, Presence, WorkItem

if TYPE_CHECKING:
    from django.db.models import QuerySet

DECISION = 0x0C0FFEE
LOCK_DECISION = f"SELECT pg_advisory_xact_lock({DECISION})"
RULES = 0x0C0FFEF
# Above it are the numbers of calls.
_CALLS = 0x0CA11 << 40
ITEM_OF_LEG = Planned(
    "item_of_leg",
    lambda: (
        WorkItem.objects.select_for_update(of=("self",)).select_related("queue").filter(legs=Given("leg", "bigint"))
    ),
)
LEG = Planned(
    "leg_locked",
    lambda: (
        Assignment.objects.select_for_update(of=("self",))
        .select_related("operator", "interaction")
        .filter(pk=Given("leg", "bigint"))
    ),
)
PRESENCES = Planned(
    "presences_locked",
    lambda: Presence.objects.select_for_update().filter(user__pk__among=Given("users", "bigint[]")).order_by("user_id"),
)


def lock_callback(among: "QuerySet[Callback]") -> Callback | None:
    """Lock the first of some callbacks, looked at once more when the lock is ours; None if there is none any more."""
    return _callbacks(among).first()


def lock_callbacks(among: "QuerySet[Callback]") -> list[Callback]:
    """Lock callbacks by id, each looked at once more when its lock is ours."""
    return list(_callbacks(among))


def _callbacks(among: "QuerySet[Callback]") -> "QuerySet[Callback]":
    rows = among.select_for_update(of=("self",)).select_related("queue__hours", "thread__identity", "profile")
    return rows.order_by("pk")


def lock_decision() -> None:
    """Take the decision lock until the transaction ends: one claimer at a time.

    A decision takes milliseconds and serves everything that waits; several claimers at once would only
    skip each other's rows.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_DECISION)


def decision() -> AbstractContextManager[None]:
    """Return the transaction of a decision, under its lock; offers that are lost with the database are made again."""
    return unflushed(LOCK_DECISION)


def call_sql(call_id: int) -> str:
    """Return the statement that takes the lock under which the visits and legs of an exchange's call are written."""
    return f"SELECT pg_advisory_xact_lock({_CALLS + call_id})"


def lock_rules() -> None:
    """Take the lock of the rules until the transaction ends: two changes that go well alone may not go together."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [RULES])


def lock_item(item_id: int) -> WorkItem:
    """Lock one work item."""
    return WorkItem.objects.select_for_update(of=("self",)).select_related("queue").get(pk=item_id)


def lock_items(item_ids: Iterable[int]) -> None:
    """Lock several work items in id order."""
    list(WorkItem.objects.select_for_update(of=("self",)).filter(pk__in=set(item_ids)).order_by("pk"))


def lock_live_item(interaction_id: int) -> WorkItem | None:
    """Lock the visit of a session that has not left its queue."""
    return (
        WorkItem.objects.select_for_update(of=("self",))
        .select_related("queue")
        .filter(interaction_id=interaction_id)
        .exclude(visit="left")
        .first()
    )


def lock_leg(leg_id: int) -> Assignment:
    """Lock a leg by way of its work item, so that the item comes first."""
    item = ITEM_OF_LEG.one(leg=leg_id)
    leg = LEG.one(leg=leg_id)
    leg.item = item
    return leg


def lock_presences(user_ids: Iterable[int]) -> dict[int, Presence]:
    """Lock operators in id order; a missing one is made, offline, with the profile of new ones."""
    ids = sorted(set(user_ids))
    found = {p.user_id: p for p in PRESENCES.rows(users=ids)}
    for user_id in ids:
        if user_id not in found:
            Presence.objects.get_or_create(user_id=user_id, defaults=_new())
            found[user_id] = Presence.objects.select_for_update().get(user_id=user_id)
    return found


def _new() -> dict[str, Any]:
    profile = CapacityProfile.objects.filter(standard=True).first()
    return {"profile": profile, **profile.numbers} if profile else {}


def lock_presence(user_id: int) -> Presence:
    """Lock one operator."""
    return lock_presences([user_id])[user_id]
