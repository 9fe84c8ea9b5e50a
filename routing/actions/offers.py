"""Deciding who gets what, and the answer of the operator."""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core import realtime
from cxcenter.core.errors import Conflict, CxError, Forbidden
from cxcenter.core.events import announce
from interactions.actions import calls, commands
from interactions.calls.table import Control
from routing import locks, rows, skills, strategies
from routing.actions import queueing, states, voice
from routing.choices import Leg, LegEnd, Mode, Outcome, Visit, Work
from routing.events import LegAccepted, RoomMade
from routing.models import Assignment, Queue, WorkItem

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# How many contacts one decision hands out at the most: a small batch keeps the lock short.
BATCH = 40
# So often a decision is made again because another act holds what it chose.
TRIES = 20
# How many more are read than there is room for: some are meant for others, or have just been refused.
AHEAD = 2


def assign_next(queue_ids: list[int] | None = None) -> list[Assignment]:
    """Offer what waits in the queues (default: all) to those who are free. Returns the new offers.

    One transaction for each batch, under the decision lock. Repeats while there may be more to hand out. An offer that
    is lost with the database is made again; accepting one waits for the disk.
    """
    offers: list[Assignment] = []
    while True:
        batch, more = _assign_batch(queue_ids)
        offers += batch
        if not batch or not more:
            break
    for offer in offers:
        if offer.item.queue.auto_accept:
            # Between the two the customer may leave or the operator go: the others are accepted all the same.
            with suppress(CxError):
                accept_offer(leg_id=offer.pk, actor=offer.operator)
    return offers


def _assign_batch(queue_ids: list[int] | None) -> tuple[list[Assignment], bool]:
    # Cheap first: most calls find nobody who waits, and take no lock.
    queues, yields = rows.waited_for(queue_ids, timezone.now())
    if not queues:
        return [], False
    with locks.decision():
        offers = _hand_out(queues, yields, timezone.now())
    realtime.push(*[(realtime.user_group(offer.operator_id), offer_push(offer)) for offer in offers])
    return offers, len(offers) >= BATCH


def _hand_out(queues: dict[int, Queue], yields: strategies.Yields, now: datetime) -> list[Assignment]:
    """Decide and offer until all that was decided is offered. Returns the offers."""
    steps = skills.steps_of(path for queue in queues.values() for _work, path in rows.kinds_of(queue))
    asked = {skill for one in steps.values() for needs in one.needs for skill, _level in needs}
    offers: list[Assignment] = []
    busy_items: set[int] = set()
    busy_operators: set[int] = set()
    for _try in range(TRIES):
        people = rows.free_of(queues.values(), asked, yields, now)
        free = {one.operator: one for one in people if one.operator not in busy_operators}
        crowd = strategies.Crowd(free.values(), yields)
        decisions = _decide(queues, steps, crowd, busy_items, now)
        wishes = [
            rows.Wish(one, now + timedelta(seconds=queues[one.queue].offer_s), free[one.operator]) for one in decisions
        ]
        made = [_as_offer(row, queues, decisions, now) for row in rows.claim(wishes, now)]
        offers += made
        given = {offer.item_id for offer in made}
        lost = [decision for decision in decisions if decision.item not in given]
        if not lost:
            break
        # Whom or what another act holds at this moment is left out, and decided is once more: nobody else stands free.
        busy_items |= rows.busy_items([one.item for one in lost])
        busy_operators |= rows.busy_operators([one.operator for one in lost])
    return offers


def _decide(
    queues: dict[int, Queue],
    steps: dict[int, strategies.Steps],
    crowd: strategies.Crowd,
    but: set[int],
    now: datetime,
) -> list[strategies.Decision]:
    """Decide over those who wait, read in the order in which the engine takes them until nobody has room for more.

    Groups that nobody can take are passed over unread: who waits for a rare skill stands in nobody's way.
    """
    kinds = {work for queue in queues.values() for work, _path in rows.kinds_of(queue)}
    rules = {
        queue.pk: strategies.Rules(queue.priority_weight, queue.wait_weight, queue.choice) for queue in queues.values()
    }
    # The lot of a decision follows from its moment, which the offers keep: it can be drawn again.
    seed = int(now.timestamp() * 1_000_000)
    decisions: list[strategies.Decision] = []
    seen = list(but)
    while len(decisions) < BATCH and (room := crowd.room(kinds)):
        asked = rows.Asked(
            groups=_takeable(queues, steps, crowd, now),
            operators=crowd.operators,
            queues=list(queues),
            count=min(room, BATCH - len(decisions)) + AHEAD,
            now=now,
        )
        found = rows.next_waiting(asked, seen)
        waiting = [_as_waiting(row, queues, steps) for row in found]
        decisions += strategies.decide(waiting, crowd, now=0.0, seed=seed, rules=rules, most=BATCH - len(decisions))
        seen += [contact.item for contact in waiting]
        if len(found) < asked.count:
            break
    for decision in decisions:
        decision.why["version"] = queues[decision.queue].rules_version
    return decisions


def _takeable(
    queues: dict[int, Queue], steps: dict[int, strategies.Steps], crowd: strategies.Crowd, now: datetime
) -> list[rows.Alike]:
    """Return the groups of those who wait alike that somebody could take."""
    return [
        rows.Alike(queue.pk, work, path, after, until)
        for queue in queues.values()
        for work, path in rows.kinds_of(queue)
        for after, until in _ranges(steps[path], partial(crowd.could, queue.pk, work), now)
    ]


def _ranges(
    steps: strategies.Steps, could: Callable[[strategies.Needs], int], now: datetime
) -> Iterator[tuple[datetime | None, datetime | None]]:
    """Yield since when those have waited whom somebody could take: (after, until). Neighbouring steps are one range."""
    begins = [None, *(now - timedelta(seconds=after) for after in steps.after_s[1:])]
    until, is_open = None, False
    for begin, needs in zip(begins, steps.needs, strict=True):
        able = could(needs) > 0
        if able and not is_open:
            until = begin
        elif is_open and not able:
            yield begin, until
        is_open = able
    if is_open:
        yield None, until


def _as_waiting(
    row: tuple[Any, ...], queues: dict[int, Queue], steps: dict[int, strategies.Steps]
) -> strategies.Waiting:
    item, queue, work, path, priority, since, waits_since, rank_at, preferred, only_preferred, resting = row
    return strategies.Waiting(
        item=item,
        queue=queue,
        since=since,
        priority=priority,
        credit_s=queueing.credit(queues[queue], waits_since, priority, rank_at).total_seconds(),
        kind=work,
        steps=steps[path],
        preferred=preferred,
        only_preferred=only_preferred and preferred is not None,
        resting=frozenset(resting),
    )


def _as_offer(
    row: tuple[Any, ...], queues: dict[int, Queue], decisions: list[strategies.Decision], now: datetime
) -> Assignment:
    pk, item_id, interaction_id, operator_id, expires_at = row
    decision = next(one for one in decisions if one.item == item_id)
    queue = queues[decision.queue]
    item = WorkItem(pk=item_id, interaction_id=interaction_id, queue=queue, work=decision.kind, visit=Visit.OFFERED)
    return Assignment(
        pk=pk,
        item=item,
        interaction_id=interaction_id,
        operator_id=operator_id,
        offered_at=now,
        expires_at=expires_at,
        why=decision.why,
    )


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
    if leg.outside:
        return _answer_outside(leg, actor)
    presence = locks.lock_presence(actor.pk)
    if presence.mode == Mode.OFFLINE:
        raise Conflict(_("You are offline. Become available first."), code="offline")
    now = timezone.now()
    leg.leg, leg.accepted_at, leg.expires_at = Leg.ACTIVE, now, None
    leg.save(update_fields=["leg", "accepted_at", "expires_at"])
    voice.answered(leg)
    queueing.leave_queue(leg.item, Outcome.ANSWERED, at=now)
    states.settle(presence, now=now)
    if queueing.say_taken(leg.interaction, actor) is None:
        # Its customer has ended it at this moment; the end withdraws the offer.
        raise _gone()
    announce(LegAccepted(leg=leg.pk, interaction=leg.interaction_id, operator=actor.pk))
    realtime.signal(actor.pk, "sessions", leg.interaction_id)
    return leg


def _answer_outside(leg: Assignment, actor: "User") -> Assignment:
    """Ask who carries the call of an exchange to answer it, where that can be: what comes of it follows."""
    exchange = leg.interaction.voice.exchange
    if exchange is None or Control.ANSWER not in commands.controls_of(exchange):
        raise Conflict(_("Answer it on your phone."), code="on_the_phone")
    calls.press(interaction_id=leg.interaction_id, actor=actor, control=Control.ANSWER)
    return leg


def accept_left() -> int:
    """Accept what was offered in queues that accept by themselves by a process that died before it did."""
    offered = Assignment.objects.filter(leg=Leg.OFFERED, outside=False, item__queue__auto_accept=True).select_related(
        "operator"
    )
    count = 0
    for offer in offered.order_by("item_id")[:200]:
        # Its operator may have gone: then the offer runs out.
        with suppress(CxError):
            accept_offer(leg_id=offer.pk, actor=offer.operator)
            count += 1
    return count


@transaction.atomic
def decline_offer(*, leg_id: int, actor: "User") -> None:
    """Give an offer back: the contact keeps its wait, the operator stays available. An exchange is asked to take its call back."""
    leg = locks.lock_leg(leg_id)
    if leg.operator_id != actor.pk:
        raise Forbidden(_("This contact was offered to somebody else."))
    if leg.outside:
        calls.press(interaction_id=leg.interaction_id, actor=actor, control=Control.DECLINE)
    elif leg.leg == Leg.OFFERED:
        _give_back(leg, LegEnd.DECLINED, mode=None)


def _give_back(leg: Assignment, end: str, *, mode: str | None) -> None:
    """End an offer and let the contact wait on with its original time."""
    presence = locks.lock_presence(leg.operator_id)
    if mode is not None and presence.mode == Mode.AVAILABLE:
        presence.mode = mode
    queueing.end_leg(leg, end)
    WorkItem.objects.filter(pk=leg.item_id, visit=Visit.OFFERED).update(visit=Visit.WAITING)
    states.settle(presence, loads=-1, work=leg.item.work)
    _announce_room(leg.item.queue_id)


def _announce_room(queue_id: int) -> None:
    announce(RoomMade(queues=[queue_id]))


def expire_offers(now: datetime, steady_since: datetime | None = None) -> int:
    """Take back offers that nobody accepted in time; their operators become "not responding".

    Not those to whom it was offered before `steady_since`: while we or the database were away nobody could accept.
    """
    due = list(
        Assignment.objects.filter(leg=Leg.OFFERED, expires_at__lte=now)
        .order_by("item_id")
        .values_list("pk", flat=True)[:200]
    )
    for leg_id in due:
        with transaction.atomic():
            leg = locks.lock_leg(leg_id)
            if leg.leg == Leg.OFFERED and leg.expires_at and leg.expires_at <= now:
                is_ours = steady_since is not None and leg.offered_at < steady_since
                _give_back(leg, LegEnd.EXPIRED, mode=None if is_ours else Mode.NOT_RESPONDING)
    return len(due)


@transaction.atomic
def return_offers_of(user_id: int, works: Collection[str] = Work.values) -> None:
    """Return at once what is offered to an operator who went away, or takes none of these kinds of work any more."""
    offered = Assignment.objects.filter(operator_id=user_id, leg=Leg.OFFERED, outside=False, item__work__in=works)
    legs = list(offered.order_by("item_id").values_list("pk", "item_id"))
    # Every item comes before the presence, so that the order of locks holds in one transaction.
    locks.lock_items(item_id for _leg_id, item_id in legs)
    for leg_id, _item_id in legs:
        leg = locks.lock_leg(leg_id)
        if leg.leg == Leg.OFFERED:
            _give_back(leg, LegEnd.EXPIRED, mode=None)
