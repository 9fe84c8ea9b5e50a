"""Deciding who gets what, and the answer of the operator."""

from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core import realtime
from cxcenter.core.errors import Conflict, CxError, Forbidden
from cxcenter.core.events import announce
from interactions.actions.talk import post_system_line
from routing import locks, rows, skills, strategies
from routing.actions import queueing, states
from routing.choices import Leg, LegEnd, Mode, Outcome, Visit
from routing.events import LegAccepted, RoomMade
from routing.models import Assignment, Queue, WorkItem

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# How many contacts one decision hands out at the most: a small batch keeps the lock short.
BATCH = 40
NOBODY: frozenset[int] = frozenset()


def assign_next(queue_ids: list[int] | None = None) -> list[Assignment]:
    """Offer what waits in the queues (default: all) to those who are free. Returns the new offers.

    One transaction under the decision lock. Repeats while it hands out full batches.
    """
    offers: list[Assignment] = []
    while True:
        batch = _assign_batch(queue_ids)
        offers += batch
        if len(batch) < BATCH:
            break
    for offer in offers:
        if offer.item.queue.auto_accept:
            # Between the two the customer may leave or the operator go: the others are accepted all the same.
            with suppress(CxError):
                accept_offer(leg_id=offer.pk, actor=offer.operator)
    return offers


@transaction.atomic
def _assign_batch(queue_ids: list[int] | None) -> list[Assignment]:
    # Cheap first: most calls find nobody who waits, and take no lock.
    queues = rows.waited_for(queue_ids, timezone.now())
    if not queues:
        return []
    locks.lock_decision()
    now = timezone.now()
    free = rows.lock_free(queues.values(), now)
    if not free:
        return []
    crowd = strategies.Crowd(free)
    items, waiting = _next_waiting(queues, free, crowd, now)
    rules = {queue.pk: _rules(queue) for queue in queues.values()}
    # The lot of a decision follows from its moment, which the offers keep: it can be drawn again.
    seed = int(now.timestamp())
    decisions = strategies.decide(waiting, crowd, now=0.0, seed=seed, rules=rules, most=BATCH)
    return _write_offers(decisions, items, queues, now)


def _rules(queue: Queue) -> strategies.Rules:
    return strategies.Rules(queue.priority_weight, queue.wait_weight, queue.choice)


def _next_waiting(
    queues: dict[int, Queue], free: list[strategies.Free], crowd: strategies.Crowd, now: datetime
) -> tuple[dict[int, WorkItem], list[strategies.Waiting]]:
    """Lock who could be next: of all who wait alike the first, until as many as there is room for are open to everybody.

    Contacts that are meant for somebody, or that somebody has declined just now, stand not in the way of those
    behind them. Whoever comes later among those alike cannot be chosen, so the result is that of all who wait.
    """
    room = {one.operator: one.limits[rows.WRITTEN] - one.loads[rows.WRITTEN] for one in free}
    steps = skills.steps_of(path for queue in queues.values() for path in rows.paths_of(queue))
    wanted = _alike(queues, steps, crowd, min(BATCH, sum(room.values())), now)
    meant = {(one.operator, queue): room[one.operator] for one in free for queue in one.queues}
    items: dict[int, WorkItem] = {}
    found: list[strategies.Waiting] = []
    while wanted or meant:
        seen = list(items)
        fresh = rows.lock_next(wanted, seen) | rows.lock_meant(meant, seen, now)
        resting = rows.resting(list(fresh), now) if fresh else {}
        waiting = [
            _as_waiting(item, queues[item.queue_id], steps, resting.get(item.pk, NOBODY), now)
            for item in fresh.values()
        ]
        items |= fresh
        found += waiting
        wanted = _passed_over(wanted, fresh, waiting)
        refused = Counter((w.preferred, w.queue) for w in waiting if w.preferred in w.resting)
        meant = {one: refused[one] for one in meant if refused[one]}
    return items, found


def _alike(
    queues: dict[int, Queue],
    steps: dict[int, strategies.Steps],
    crowd: strategies.Crowd,
    room: int,
    now: datetime,
) -> dict[rows.Alike, int]:
    """Return which groups of those who wait alike somebody free could take, and how many of each."""
    found = {}
    for queue in queues.values():
        for path in rows.paths_of(queue):
            begins = [now - timedelta(seconds=after) for after in steps[path].after_s]
            untils = [None, *begins[1:]]
            afters = [*begins[1:], None]
            for needs, until, after in zip(steps[path].needs, untils, afters, strict=True):
                if crowd.could(queue.pk, rows.WRITTEN, needs):
                    found[rows.Alike(queue.pk, path, after, until)] = room
    return found


def _passed_over(
    wanted: dict[rows.Alike, int], fresh: dict[int, WorkItem], waiting: list[strategies.Waiting]
) -> dict[rows.Alike, int]:
    """Return of how many more a group is asked: as many as are not open to everybody."""
    special = [fresh[w.item] for w in waiting if w.preferred is not None or w.resting]
    more = {}
    for group in wanted:
        count = sum(group.has(item) for item in special)
        if count:
            more[group] = count
    return more


def _as_waiting(
    item: WorkItem, queue: Queue, steps: dict[int, strategies.Steps], resting: frozenset[int], now: datetime
) -> strategies.Waiting:
    wanted = item.preferred_until is None or item.preferred_until > now
    return strategies.Waiting(
        item=item.pk,
        queue=item.queue_id,
        since=(item.waits_since - now).total_seconds(),
        priority=item.priority,
        credit_s=queueing.credit(item, queue).total_seconds(),
        kind=rows.WRITTEN,
        steps=steps[item.path],
        preferred=item.preferred_id if wanted else None,
        only_preferred=item.only_preferred and wanted,
        resting=resting,
    )


def _write_offers(
    decisions: list[strategies.Decision],
    items: dict[int, WorkItem],
    queues: dict[int, Queue],
    now: datetime,
) -> list[Assignment]:
    offers = []
    for decision in decisions:
        item = items[decision.item]
        item.queue = queues[item.queue_id]
        offers.append(
            Assignment(
                item=item,
                interaction_id=item.interaction_id,
                operator_id=decision.operator,
                offered_at=now,
                expires_at=now + timedelta(seconds=item.queue.offer_s),
                why=decision.why,
            )
        )
    Assignment.objects.bulk_create(offers)
    WorkItem.objects.filter(pk__in=[offer.item_id for offer in offers]).update(visit=Visit.OFFERED)
    rows.load_operators(Counter(offer.operator_id for offer in offers))
    realtime.push(*[(realtime.user_group(offer.operator_id), offer_push(offer)) for offer in offers])
    return offers


def offer_push(offer: Assignment) -> dict[str, Any]:
    """Return the push of an offer: a thin signal, the page fetches the toast."""
    return {"kind": "offer", "id": offer.pk, "expires": offer.expires_at.timestamp() if offer.expires_at else 0}


def _gone() -> Conflict:
    return Conflict(_("This offer is no longer there."), code="gone")


@transaction.atomic
def accept_offer(*, leg_id: int, actor: "User") -> Assignment:
    """Accept an offer. Repeating it is harmless.

    Raises Forbidden for another's, Conflict for one that is gone (code "gone") or if the actor is offline.
    """
    leg = locks.lock_leg(leg_id)
    if leg.operator_id != actor.pk:
        raise Forbidden(_("This contact was offered to somebody else."))
    if leg.leg == Leg.ACTIVE:
        return leg
    if leg.leg != Leg.OFFERED:
        raise _gone()
    presence = locks.lock_presence(actor.pk)
    if presence.mode == Mode.OFFLINE:
        raise Conflict(_("You are offline. Become available first."), code="offline")
    now = timezone.now()
    leg.leg, leg.accepted_at, leg.expires_at = Leg.ACTIVE, now, None
    leg.save(update_fields=["leg", "accepted_at", "expires_at"])
    queueing.leave_queue(leg.item, Outcome.ANSWERED, at=now)
    states.settle(presence, now=now)
    thread_id, args = leg.interaction.thread_id, {"name": actor.public_name}
    if post_system_line(thread_id=thread_id, code="joined", args=args, user=actor) is None:
        # Its customer has ended it at this moment; the end withdraws the offer.
        raise _gone()
    announce(LegAccepted(leg=leg.pk, interaction=leg.interaction_id, operator=actor.pk))
    realtime.signal(actor.pk, "sessions", leg.interaction_id)
    return leg


def accept_left() -> int:
    """Accept what was offered in queues that accept by themselves by a process that died before it did."""
    offered = Assignment.objects.filter(leg=Leg.OFFERED, item__queue__auto_accept=True).select_related("operator")
    count = 0
    for offer in offered.order_by("item_id")[:200]:
        # Its operator may have gone: then the offer runs out.
        with suppress(CxError):
            accept_offer(leg_id=offer.pk, actor=offer.operator)
            count += 1
    return count


@transaction.atomic
def decline_offer(*, leg_id: int, actor: "User") -> None:
    """Give an offer back: the contact keeps its wait, the operator stays available."""
    leg = locks.lock_leg(leg_id)
    if leg.operator_id != actor.pk:
        raise Forbidden(_("This contact was offered to somebody else."))
    if leg.leg == Leg.OFFERED:
        _give_back(leg, LegEnd.DECLINED, mode=None)


def _give_back(leg: Assignment, end: str, *, mode: str | None) -> None:
    """End an offer and let the contact wait on with its original time."""
    presence = locks.lock_presence(leg.operator_id)
    if mode is not None and presence.mode == Mode.AVAILABLE:
        presence.mode = mode
    queueing.end_leg(leg, end)
    WorkItem.objects.filter(pk=leg.item_id, visit=Visit.OFFERED).update(visit=Visit.WAITING)
    states.settle(presence, loads=-1)
    _announce_room(leg.item.queue_id)


def _announce_room(queue_id: int) -> None:
    announce(RoomMade(queues=[queue_id]))


def expire_offers(now: datetime) -> int:
    """Take back offers that nobody accepted in time; their operators become "not responding"."""
    due = list(
        Assignment.objects.filter(leg=Leg.OFFERED, expires_at__lte=now)
        .order_by("item_id")
        .values_list("pk", flat=True)[:200]
    )
    for leg_id in due:
        with transaction.atomic():
            leg = locks.lock_leg(leg_id)
            if leg.leg == Leg.OFFERED and leg.expires_at and leg.expires_at <= now:
                _give_back(leg, LegEnd.EXPIRED, mode=Mode.NOT_RESPONDING)
    return len(due)


@transaction.atomic
def return_offers_of(user_id: int) -> None:
    """Return at once what is offered to an operator who went away."""
    offered = Assignment.objects.filter(operator_id=user_id, leg=Leg.OFFERED).order_by("item_id")
    legs = list(offered.values_list("pk", "item_id"))
    # Every item comes before the presence, so that the order of locks holds in one transaction.
    locks.lock_items(item_id for _leg_id, item_id in legs)
    for leg_id, _item_id in legs:
        leg = locks.lock_leg(leg_id)
        if leg.leg == Leg.OFFERED:
            _give_back(leg, LegEnd.EXPIRED, mode=None)
