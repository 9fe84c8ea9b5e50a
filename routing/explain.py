"""Why a contact was offered to this operator: recomputed from what was kept of that moment.

States come from presence intervals, membership and skills from their periods, loads from legs. What is not kept as a
history (how much an operator takes at once and of which kinds, and whether a leg of his was put aside just then) is taken as it
is today or as the most it can have been; the reason that was stored with the offer has those figures as they were.

A dozen queries, however many offers there were. Each reads what can count at one of their moments and no more.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Case, Q, When
from django.db.models.functions import Coalesce

from routing import skills, strategies
from routing.capacity import fullest
from routing.choices import Leg, LegEnd, State
from routing.models import (
    Assignment,
    GivesWay,
    MemberPeriod,
    OperatorSkill,
    Policy,
    Presence,
    WorkItem,
)
from routing.strategies import Needs

REFUSED = [LegEnd.DECLINED, LegEnd.EXPIRED, LegEnd.TAKEN, LegEnd.TRANSFERRED]
# While he shows one of these an operator is available: with room he could be offered more.
AT_WORK = {State.AVAILABLE, State.BUSY, State.WRAPUP}
# Who has no interval has never been there.
AWAY: tuple[str, datetime | None] = (State.OFFLINE, None)
# A contact that has ended by now held a place for no longer than this.
LONGEST = timedelta(days=2)
# Of intervals that follow each other without a gap, the one of a moment is the last that has begun.
STATES = """
    SELECT operator.id, moment.at, one.state, one.started_at
    FROM unnest(%s::bigint[]) AS operator (id), unnest(%s::timestamptz[]) AS moment (at), LATERAL (
        SELECT state, started_at, ended_at FROM routing_presenceinterval
        WHERE user_id = operator.id AND started_at <= moment.at ORDER BY started_at DESC, id DESC LIMIT 1
    ) one
    WHERE one.ended_at IS NULL OR one.ended_at > moment.at
"""


@dataclass(frozen=True)
class Candidate:
    """A member of the queue at a moment. `verdict` is chosen, free, resting, full, off, skills or a state.

    `load` of `capacity` is of the kind of work that takes the most of him, or of that which he is asked for.

    Of who waits still it may be `meant` (for another alone) or `leaves` (after what he has), too; then there is what he
    `lacks`, and from when on time alone lets him have it.
    """

    operator: int
    name: str
    verdict: str
    levels: dict[int, int]
    fit: int
    load: int
    capacity: int
    state: str
    state_since: datetime | None
    lacks: Needs = ()
    able_at: datetime | None = None


@dataclass(frozen=True)
class Offer:
    """One offer: when, to whom, what was asked for at that moment, the stored reason, and who was considered."""

    leg: Assignment
    waited_s: float
    needs: Needs
    why: dict[str, Any]
    candidates: list[Candidate]


def offers_of(item: WorkItem) -> list[Offer]:
    """Return the offers of a visit, the first first, each with everybody who served the queue at that moment."""
    steps = skills.steps_of([item.path])[item.path]
    legs = Assignment.objects.filter(item=item).select_related("operator").order_by("offered_at", "pk")
    offered = list(legs[:100])
    if not offered:
        return []
    past, found = _Past(item, offered), []
    for leg in offered:
        waited_s = (leg.offered_at - item.waits_since).total_seconds()
        needs = steps.at(waited_s)
        found.append(Offer(leg, waited_s, needs, leg.why, _Moment(past, leg, needs).candidates()))
    return found


class _Past:
    """What was kept of the time of some offers: memberships, states, skills and legs of who served the queue."""

    def __init__(self, item: WorkItem, legs: list[Assignment]) -> None:
        self.item, self.first, self.last = item, legs[0].offered_at, legs[-1].offered_at
        lasted = Q(started_at__lte=self.last) & (Q(ended_at=None) | Q(ended_at__gt=self.first))
        self.periods = list(MemberPeriod.objects.filter(lasted, queue=item.queue_id))
        users = {*(leg.operator_id for leg in legs), *(one.user_id for one in self.periods)}
        self.people = list(Presence.objects.filter(user__in=users).select_related("user"))
        self.skills = list(OperatorSkill.objects.filter(lasted, user__in=users).order_by("started_at"))
        self.states = _states(users, {leg.offered_at for leg in legs})
        self.legs = self._held(users)
        self.gives_way = GivesWay.pairs()
        self.rest = timedelta(seconds=Policy.current().decline_rest_s)
        refused = Assignment.objects.filter(interaction=item.interaction_id, end__in=REFUSED)
        refused = refused.filter(ended_at__lte=self.last, ended_at__gt=self.first - self.rest)
        self.refused = list(refused.values_list("operator_id", "ended_at"))

    def _held(self, users: set[int]) -> list[tuple[int, int, str, datetime, datetime | None]]:
        """Return the legs that may have taken a place meanwhile: id, operator, work, from, until."""
        # A wrap-up that goes on holds its place, though the contact has ended.
        over = Case(When(leg=Leg.WRAPUP, then=None), default=Coalesce("wrapped_at", "ended_at"))
        # What is in work still is found whenever it began.
        may_last = Q(offered_at__gt=self.first - LONGEST) | ~Q(leg=Leg.ENDED)
        held = Assignment.objects.filter(may_last, offered_at__lte=self.last, operator__in=users).annotate(over=over)
        held = held.filter(Q(over=None) | Q(over__gt=self.first))
        return list(held.values_list("pk", "operator_id", "item__work", "offered_at", "over"))


def _states(users: set[int], moments: set[datetime]) -> dict[tuple[int, datetime], tuple[str, datetime]]:
    """Return what operators showed at moments, and since when."""
    with connection.cursor() as cursor:
        cursor.execute(STATES, [sorted(users), sorted(moments)])
        return {(user, at): (state, since) for user, at, state, since in cursor.fetchall()}


def _runs(one: MemberPeriod | OperatorSkill, at: datetime) -> bool:
    return one.started_at <= at and (one.ended_at is None or one.ended_at > at)


class _Moment:
    """What is known of the members of a queue at the moment of an offer."""

    def __init__(self, past: _Past, leg: Assignment, needs: Needs) -> None:
        at = leg.offered_at
        self._past, self._leg, self._needs, self._item = past, leg, needs, past.item
        self._members = {leg.operator_id, *(one.user_id for one in past.periods if _runs(one, at))}
        self._states = {user: past.states[user, at] for user in self._members if (user, at) in past.states}
        self._levels: dict[int, dict[int, int]] = {}
        for held in past.skills:
            if _runs(held, at):
                self._levels.setdefault(held.user_id, {})[held.skill_id] = held.level
        self._works = {member: Counter[str]() for member in self._members}
        for pk, operator, work, began, over in past.legs:
            # What was given just before it in the same decision counts too.
            is_before = (began, pk) < (at, leg.pk)
            if operator in self._works and is_before and (over is None or over > at):
                self._works[operator][work] += 1
        self._resting = {operator for operator, ended in past.refused if at - past.rest < ended <= at}

    def candidates(self) -> list[Candidate]:
        """Return who was considered, the first choice first."""
        return sorted((self.candidate(one) for one in self._past.people if one.user_id in self._members), key=in_order)

    def candidate(self, presence: Presence) -> Candidate:
        """Return what he was then, and what became of him in the decision."""
        user = presence.user_id
        (state, since), levels = self._states.get(user, AWAY), self._levels.get(user, {})
        load, capacity = fullest(presence.limits, self._works[user], self._item.work)
        return Candidate(
            operator=user,
            name=presence.user.name,
            verdict=self._verdict(presence),
            levels=levels,
            fit=sum(levels.get(skill, 0) for skill, _level in self._needs),
            load=load,
            capacity=capacity,
            state=state,
            state_since=since,
        )

    def _verdict(self, presence: Presence) -> str:
        user = presence.user_id
        if user == self._leg.operator_id:
            return "chosen"
        (state, _since), levels = self._states.get(user, AWAY), self._levels.get(user, {})
        if state not in AT_WORK:
            return state
        if any(levels.get(skill, 0) < level for skill, level in self._needs):
            return "skills"
        if not strategies.has_room(presence.limits, self._works[user], self._item.work, self._past.gives_way):
            return "full"
        if self._item.work in presence.off:
            return "off"
        return "resting" if user in self._resting else "free"


def in_order(one: Candidate) -> tuple[int, int, int, str]:
    """Return the place of a candidate among those that are shown: who is the nearest to having it comes first."""
    order = ["chosen", "free", "resting", "meant", "full", "leaves", "off", "skills"]
    return (order.index(one.verdict) if one.verdict in order else len(order), -one.fit, one.load, one.name)
