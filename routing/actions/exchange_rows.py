"""How the visits and legs of an exchange's call become what its plan says. The caller holds the call's lock and its items'."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from cxcenter.core import realtime
from cxcenter.core.events import announce
from interactions.actions import calls, talk
from interactions.calls.facts import Kind
from interactions.calls.view import CallView
from interactions.models import Call
from routing import locks
from routing.actions import offers, queueing, states
from routing.choices import Leg, Outcome, Visit, Work
from routing.events import ItemLeft, ItemQueued, LegAccepted, LegEnded
from routing.exchanges import Plan, Stay, Turn
from routing.models import Assignment, Queue, WorkItem

ITEM_FIELDS = ("queue_id", "entered_at", "waits_since", "rank_at", "visit", "outcome", "left_at")
LEG_FIELDS = ("item", "leg", "end", "offered_at", "accepted_at", "ended_at", "wrapped_at", "wrapup_until", "holds")


@dataclass
class Scene:
    """A call, what its facts say, and the rows that there are: items and legs in the order in which they were made."""

    call: Call
    view: CallView
    plan: Plan
    items: list[WorkItem]
    legs: list[Assignment]
    queues: Any
    segments: Sequence[str]
    now: datetime = field(default_factory=timezone.now)


def write(scene: Scene) -> None:
    """Let the rows be what the plan says, and tell whoever is concerned."""
    turns = _paired(scene)
    goes = [(leg, turn) for leg, turn in turns if leg is None or _differs(leg, turn)]
    surplus = _surplus(scene.legs, turns)
    people = {turn.operator for _leg, turn in goes} | {leg.operator_id for leg in surplus}
    presences = locks.lock_presences(people) if people else {}
    loads: Counter[int] = Counter()
    for leg in surplus:
        loads[leg.operator_id] -= int(leg.holds)
        leg.delete()
    _write_items(scene)
    for old, turn in goes:
        loads[turn.operator] += _write_leg(scene, old, turn)
    for user, presence in sorted(presences.items()):
        states.settle(presence, now=scene.now, loads=loads[user], work=Work.CALL)
    if scene.plan.reason:
        talk.close_interaction(interaction_id=scene.call.pk, reason=scene.plan.reason)
    _wrap_handed_on(scene)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


# Visits.


def _write_items(scene: Scene) -> None:
    """Write the visits that are new or other than they are kept. Those that never were go, with nothing left in them."""
    # The one live visit ends before the next begins.
    for number, stay in enumerate(scene.plan.stays):
        queue = scene.queues[stay.queue]
        if number < len(scene.items):
            _change_item(scene.items[number], stay, queue)
        else:
            scene.items.append(_new_item(scene, stay, queue))
    for item in scene.items[len(scene.plan.stays) :]:
        Assignment.objects.filter(item=item).update(item=scene.items[0])
        item.delete()
    del scene.items[len(scene.plan.stays) :]


def _filled(item: WorkItem, stay: Stay, queue: Queue) -> WorkItem:
    entered = _moment(stay.entered)
    item.queue, item.entered_at, item.waits_since = queue, entered, entered
    item.rank_at = queueing.rank(queue, entered, item.priority)
    item.visit = Visit.OUTSIDE if stay.left is None else Visit.LEFT
    item.outcome = stay.outcome
    item.left_at = None if stay.left is None else _moment(stay.left)
    return item


def _new_item(scene: Scene, stay: Stay, queue: Queue) -> WorkItem:
    item = WorkItem(
        interaction_id=scene.call.pk, work=Work.CALL, priority=queue.priority, segments=list(scene.segments)
    )
    _filled(item, stay, queue).save(force_insert=True)
    if stay.outcome != Outcome.OUTGOING:
        announce(ItemQueued(item=item.pk, interaction=item.interaction_id, queue=queue.pk))
    if item.visit == Visit.LEFT:
        _tell_left(item)
    return item


def _change_item(item: WorkItem, stay: Stay, queue: Queue) -> None:
    before = {name: getattr(item, name) for name in ITEM_FIELDS}
    _filled(item, stay, queue)
    changed = [name for name in ITEM_FIELDS if getattr(item, name) != before[name]]
    if not changed:
        return
    item.save(update_fields=changed)
    if item.visit == Visit.LEFT and before["visit"] != Visit.LEFT:
        _tell_left(item)


def _tell_left(item: WorkItem) -> None:
    if item.outcome != Outcome.OUTGOING:
        left = ItemLeft(item=item.pk, interaction=item.interaction_id, queue=item.queue_id, outcome=item.outcome)
        announce(left)


# Legs.


def _paired(scene: Scene) -> list[tuple[Assignment | None, Turn]]:
    """Return each turn with its leg: the first of an operator with his first, and so on."""
    by_operator: dict[int, list[Assignment]] = defaultdict(list)
    for leg in scene.legs:
        by_operator[leg.operator_id].append(leg)
    pairs: list[tuple[Assignment | None, Turn]] = []
    for turn in scene.plan.turns:
        own = by_operator[turn.operator]
        pairs.append((own.pop(0) if own else None, turn))
    return pairs


def _surplus(legs: Sequence[Assignment], turns: Sequence[tuple[Assignment | None, Turn]]) -> list[Assignment]:
    kept = {leg.pk for leg, _turn in turns if leg}
    return [leg for leg in legs if leg.pk not in kept]


def _differs(leg: Assignment, turn: Turn) -> bool:
    """Tell whether a leg is other than its turn. A wrap-up that was ended here is over, whatever the exchange says."""
    times = (turn.offered, turn.accepted, turn.ended)
    kept = (leg.offered_at, leg.accepted_at, leg.ended_at)
    if tuple(None if at is None else _moment(at) for at in times) != kept:
        return True
    is_over = turn.leg == Leg.WRAPUP and leg.leg == Leg.ENDED and leg.wrapped_at is not None
    return not is_over and (leg.leg, leg.end) != (turn.leg, turn.end)


def _write_leg(scene: Scene, leg: Assignment | None, turn: Turn) -> int:
    """Write a leg; return by how much its operator has more in work."""
    item = scene.items[turn.stay]
    row = leg or Assignment(
        interaction_id=scene.call.pk, operator_id=turn.operator, outside=True, holds=False, why={"how": "exchange"}
    )
    before, was_accepted, held = (leg.leg if leg else ""), row.accepted_at is not None, row.holds
    _fill(row, turn, item, scene.now)
    row.save(update_fields=None if leg is None else LEG_FIELDS)
    _tell_leg(scene, row, before, is_taken=row.accepted_at is not None and not was_accepted)
    return int(row.holds) - int(held)


def _fill(row: Assignment, turn: Turn, item: WorkItem, now: datetime) -> None:
    row.item, row.end = item, turn.end
    row.offered_at = _moment(turn.offered)
    row.accepted_at = None if turn.accepted is None else _moment(turn.accepted)
    row.ended_at = None if turn.ended is None else _moment(turn.ended)
    row.wrapped_at = None if turn.wrapped is None else _moment(turn.wrapped)
    state = turn.leg
    if state == Leg.WRAPUP and item.queue.wrapup_s == 0:
        state = Leg.ENDED
    if state == Leg.WRAPUP and row.leg != Leg.WRAPUP:
        # From now on: its form may come to his page later than the call has ended.
        row.wrapup_until = now + timedelta(seconds=item.queue.wrapup_s)
    row.leg, row.holds = state, state != Leg.ENDED


def _tell_leg(scene: Scene, leg: Assignment, before: str, *, is_taken: bool) -> None:
    """Tell the operator's pages, and whoever reacts to it."""
    if leg.leg == Leg.OFFERED:
        realtime.push((realtime.user_group(leg.operator_id), offers.offer_push(leg)))
    if is_taken:
        queueing.say_taken(scene.call.interaction, leg.operator)
        announce(LegAccepted(leg=leg.pk, interaction=leg.interaction_id, operator=leg.operator_id))
    if leg.leg == Leg.ENDED and before != Leg.ENDED:
        announce(LegEnded(leg=leg.pk, interaction=leg.interaction_id, operator=leg.operator_id, end=leg.end))
    if leg.leg != before:
        realtime.signal(leg.operator_id, "sessions", leg.interaction_id)


def _wrap_handed_on(scene: Scene) -> None:
    """Note that the work of those is done who have nothing to wrap up: the exchange does not know it."""
    done = []
    for turn in scene.plan.turns:
        queue = scene.items[turn.stay].queue
        at = turn.unwrapped
        if turn.leg == Leg.WRAPUP and queue.wrapup_s == 0:
            at = turn.ended
        if at is not None:
            party = calls.party_of(turn.operator)
            key = f"wrapped:{turn.operator}:{turn.offered}"
            done.append(calls.fact(Kind.WRAPPED_UP, party=party, at=_moment(at), key=key))
    if done:
        calls.note(call_id=scene.call.pk, facts=done)
