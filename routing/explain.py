"""Why a contact was offered to this operator: recomputed from what was kept of that moment.

States come from presence intervals, membership and skills from their periods, loads from legs. What is not kept as a
history (how much an operator takes at once and of which kinds, and whether a leg of his was put aside just then) is taken as it
is today or as the most it can have been; the reason that was stored with the offer has those figures as they were.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Q, When
from django.db.models.functions import Coalesce

from routing import skills, strategies
from routing.choices import Leg, LegEnd, State
from routing.models import (
    Assignment,
    GivesWay,
    MemberPeriod,
    OperatorSkill,
    Policy,
    Presence,
    PresenceInterval,
    WorkItem,
)
from routing.strategies import Needs

REFUSED = [LegEnd.DECLINED, LegEnd.EXPIRED, LegEnd.TAKEN, LegEnd.TRANSFERRED]
# While he shows one of these an operator is available: with room he could be offered more.
AT_WORK = {State.AVAILABLE, State.BUSY, State.WRAPUP}


@dataclass(frozen=True)
class Candidate:
    """A member of the queue at the moment of an offer. `verdict` is chosen, free, skills, full, off, resting or a state."""

    operator: int
    name: str
    verdict: str
    levels: dict[int, int]
    fit: int
    load: int
    capacity: int
    state: str
    state_since: datetime | None


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
    found = []
    for leg in legs[:100]:
        waited_s = (leg.offered_at - item.waits_since).total_seconds()
        needs = steps.at(waited_s)
        found.append(Offer(leg, waited_s, needs, leg.why, _candidates(item, leg, needs)))
    return found


def _candidates(item: WorkItem, leg: Assignment, needs: Needs) -> list[Candidate]:
    moment = _Moment(item, leg, needs)
    people = Presence.objects.filter(user__in=moment.members).select_related("user")
    return sorted((moment.candidate(one) for one in people), key=_place)


class _Moment:
    """What is known of the members of a queue at the moment of an offer."""

    def __init__(self, item: WorkItem, leg: Assignment, needs: Needs) -> None:
        at = leg.offered_at
        running = Q(started_at__lte=at) & (Q(ended_at=None) | Q(ended_at__gt=at))
        members = MemberPeriod.objects.filter(running, queue=item.queue_id)
        self.members = {leg.operator_id, *members.values_list("user_id", flat=True)}
        intervals = PresenceInterval.objects.filter(running, user__in=self.members)
        self._leg, self._needs, self._item = leg, needs, item
        self._gives_way = GivesWay.pairs()
        self._states = {one.user_id: one for one in intervals}
        self._levels: dict[int, dict[int, int]] = {}
        for held in OperatorSkill.objects.filter(running, user__in=self.members):
            self._levels.setdefault(held.user_id, {})[held.skill_id] = held.level
        self._works = _loads(self.members, leg)
        self._resting = _resting(item, at)

    def candidate(self, presence: Presence) -> Candidate:
        """Return what he was then, and what became of him in the decision."""
        user = presence.user_id
        interval, levels = self._states.get(user), self._levels.get(user, {})
        return Candidate(
            operator=user,
            name=presence.user.name,
            verdict=self._verdict(presence),
            levels=levels,
            fit=sum(levels.get(skill, 0) for skill, _level in self._needs),
            load=self._works[user].total(),
            capacity=presence.capacity,
            state=interval.state if interval else State.OFFLINE,
            state_since=interval.started_at if interval else None,
        )

    def _verdict(self, presence: Presence) -> str:
        user = presence.user_id
        if user == self._leg.operator_id:
            return "chosen"
        interval, levels = self._states.get(user), self._levels.get(user, {})
        if interval is None or interval.state not in AT_WORK:
            return interval.state if interval else State.OFFLINE
        if any(levels.get(skill, 0) < level for skill, level in self._needs):
            return "skills"
        if not strategies.has_room(presence.limits, self._works[user], self._item.work, self._gives_way):
            return "full"
        if self._item.work in presence.off:
            return "off"
        return "resting" if user in self._resting else "free"


def _place(one: Candidate) -> tuple[int, int, int, str]:
    order = ["chosen", "free", "resting", "full", "off", "skills"]
    return (order.index(one.verdict) if one.verdict in order else len(order), -one.fit, one.load, one.name)


def _loads(members: set[int], leg: Assignment) -> dict[int, Counter[str]]:
    """Count by kind of work what operators had when a leg was offered; what was given just before it in the same decision too."""
    at = leg.offered_at
    before = Q(offered_at__lt=at) | Q(offered_at=at, pk__lt=leg.pk)
    # A wrap-up that goes on holds its place, though the contact has ended.
    over = Case(When(leg=Leg.WRAPUP, then=None), default=Coalesce("wrapped_at", "ended_at"))
    held = Assignment.objects.filter(before, operator__in=members).annotate(over=over)
    loads: dict[int, Counter[str]] = {member: Counter() for member in members}
    for operator, work in held.filter(Q(over=None) | Q(over__gt=at)).values_list("operator_id", "item__work"):
        loads[operator][work] += 1
    return loads


def _resting(item: WorkItem, at: datetime) -> set[int]:
    rest = timedelta(seconds=Policy.current().decline_rest_s)
    refused = Assignment.objects.filter(interaction=item.interaction_id, end__in=REFUSED)
    return set(refused.filter(ended_at__lte=at, ended_at__gt=at - rest).values_list("operator_id", flat=True))
