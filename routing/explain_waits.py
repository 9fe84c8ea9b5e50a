"""Why a contact that waits is offered to nobody: everybody who serves its queue as he is now, and from when he could have it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from routing import queries, skills, strategies
from routing.capacity import fullest
from routing.choices import Mode, Visit
from routing.explain import REFUSED, Candidate, in_order
from routing.models import Assignment, GivesWay, OperatorSkill, Policy, Presence, WorkItem
from routing.strategies import Needs


@dataclass(frozen=True)
class Waits:
    """A contact that waits at this moment: what is asked for, when that loosens next and to what, who could have it.

    `meant_until` is None without end. `paused_until` tells that its queue hands out nothing now.
    """

    waited_s: float
    needs: Needs
    next_at: datetime | None
    next_needs: Needs
    meant_for: str
    meant_until: datetime | None
    only_meant: bool
    paused_until: datetime | None
    candidates: list[Candidate]


def waits_of(item: WorkItem, now: datetime | None = None) -> Waits | None:
    """Return why a visit still waits, or None if it does not. Half a dozen queries, however many serve the queue."""
    if item.visit != Visit.WAITING:
        return None
    now = now or timezone.now()
    steps = skills.steps_of([item.path])[item.path]
    waited_s = (now - item.waits_since).total_seconds()
    following = next((step for step in zip(steps.after_s, steps.needs, strict=True) if step[0] > waited_s), None)
    meant = item.preferred if item.preferred_until is None or item.preferred_until > now else None
    paused = item.queue.paused_until
    return Waits(
        waited_s=waited_s,
        needs=steps.at(waited_s),
        next_at=item.waits_since + timedelta(seconds=following[0]) if following else None,
        next_needs=following[1] if following else (),
        meant_for=meant.name if meant else "",
        meant_until=item.preferred_until if meant else None,
        only_meant=meant is not None and item.only_preferred,
        paused_until=paused if paused and paused > now else None,
        candidates=_Now(item, steps, now).candidates(),
    )


class _Now:
    """What is known of the members of a queue now, by which the engine would decide at this moment."""

    def __init__(self, item: WorkItem, steps: strategies.Steps, now: datetime) -> None:
        self._item, self._steps, self._now = item, steps, now
        self._needs = steps.at((now - item.waits_since).total_seconds())
        users = queries.members_of(item.queue, now).values("user")
        self._people = list(Presence.objects.filter(user__in=users).select_related("user"))
        self._levels: dict[int, dict[int, int]] = {one.user_id: {} for one in self._people}
        for held in OperatorSkill.objects.filter(user__in=list(self._levels), ended_at=None):
            self._levels[held.user_id][held.skill_id] = held.level
        self._gives_way = GivesWay.pairs()
        rest = timedelta(seconds=Policy.current().decline_rest_s)
        refused = Assignment.objects.filter(interaction=item.interaction_id, end__in=REFUSED, ended_at__gt=now - rest)
        if item.only_preferred:
            # Who is asked for alone is asked again in each new visit.
            refused = refused.exclude(~Q(item=item.pk), operator=item.preferred_id)
        # Until when each rests from it.
        self._rests = {
            user: ended + rest for user, ended in refused.order_by("ended_at").values_list("operator_id", "ended_at")
        }

    def candidates(self) -> list[Candidate]:
        """Return who serves the queue, who could have it soonest first."""
        return sorted((self._candidate(one) for one in self._people), key=in_order)

    def _candidate(self, presence: Presence) -> Candidate:
        levels = self._levels[presence.user_id]
        verdict, able_at = self._verdict(presence, levels)
        load, capacity = fullest(presence.limits, presence.loads, self._item.work)
        return Candidate(
            operator=presence.user_id,
            name=presence.user.name,
            verdict=verdict,
            levels=levels,
            fit=sum(levels.get(skill, 0) for skill, _level in self._needs),
            load=load,
            capacity=capacity,
            state=presence.state,
            state_since=presence.since,
            lacks=_lacking(self._needs, levels) if verdict == "skills" else (),
            able_at=able_at,
        )

    def _verdict(self, presence: Presence, levels: Mapping[int, int]) -> tuple[str, datetime | None]:
        """Return why he does not take it, and from when on that is no hindrance by time alone."""
        item, user = self._item, presence.user_id
        if presence.mode != Mode.AVAILABLE:
            return presence.state, None
        if self._is_meant_for_another(user):
            return "meant", item.preferred_until
        if user != self._meant and _lacking(self._needs, levels):
            return "skills", self._skilled_at(levels)
        if not strategies.has_room(presence.limits, presence.loads, item.work, self._gives_way):
            return "full", None
        if item.work in presence.off or presence.pause_after:
            return "off" if item.work in presence.off else "leaves", None
        return ("resting", self._rests[user]) if self._rests_at(user) else ("free", None)

    def _rests_at(self, user: int) -> bool:
        return user in self._rests and self._rests[user] > self._now

    @property
    def _meant(self) -> int | None:
        is_over = self._item.preferred_until is not None and self._item.preferred_until <= self._now
        return None if is_over else self._item.preferred_id

    def _is_meant_for_another(self, user: int) -> bool:
        return self._item.only_preferred and self._meant not in {None, user} and not self._rests_at(self._meant)

    def _skilled_at(self, levels: Mapping[int, int]) -> datetime | None:
        """Return from when on so little is asked for that he has it; None if that never comes."""
        waited_s = (self._now - self._item.waits_since).total_seconds()
        for after_s, needs in zip(self._steps.after_s, self._steps.needs, strict=True):
            if after_s > waited_s and not _lacking(needs, levels):
                return self._item.waits_since + timedelta(seconds=after_s)
        return None


def _lacking(needs: Needs, levels: Mapping[int, int]) -> Needs:
    return tuple((skill, least) for skill, least in needs if levels.get(skill, 0) < least)
