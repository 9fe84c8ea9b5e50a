"""Play a day: events in the order of time, and the engine asked whenever somebody could get something.

It is asked as it is live: after arrivals, after somebody has room, and at every moment when a step of relaxation falls
due. As nobody is left waiting whom somebody free could take, only what has changed needs to be shown to it: who has
come or asks for less now, with all who are free for him; who has room now, with the first of each class that he could
take. The decision is the same as with everybody (tests/routing/simulation).
"""

import math
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import islice

from routing import doors
from routing.simulation.center import (
    ABANDONED,
    ANSWERED,
    FLOWED_OUT,
    UNSERVED,
    Center,
    Contact,
    Log,
    Visit,
)
from routing.simulation.desk import Desk
from routing.simulation.entrances import Entrances, Verdict
from routing.strategies import Decision, Free, Needs, Waiting, decide

# What happens at one moment happens in this order: people come and get free, a decision is made; then who was not
# answered loses patience or goes elsewhere; then the center closes.
CHANGE, LOSS, CLOSING = range(3)
# Where no queue lets somebody in who is to go on, it is tried again after so long, as it is live.
AGAIN_S = 1.0
# Those who wait under one condition: kind of work, priority, what is asked for now. Inside, the older comes first.
Class = tuple[str, float, Needs]
# When, in which order at that moment and among equals, what happens, about what.
Event = tuple[float, int, int, Callable[..., None], tuple[object, ...]]


def run(center: Center, contacts: Sequence[Contact], *, seed: int = 0) -> Log:
    """Play a day and return its log. `seed` draws operators where a queue chooses at random.

    The same arguments give the same log. Raises ValueError if somebody comes when the center has closed.
    """
    if any(contact.at >= center.closes for contact in contacts):
        raise ValueError("contacts come before the center closes")
    day = _Day(center, contacts, seed)
    day.play()
    return Log(contacts, day.visits, [desk.times for desk in day.desks], day.decisions)


@dataclass(slots=True)
class _Stay:
    """A contact in a queue, the `visit`-th of its way: as the engine sees it, and what it asks for now."""

    queue: int
    entered: float
    needs: Needs
    row: Waiting
    visit: int
    # When overflow to a queue that lets nobody in is tried next.
    again: float = -math.inf


class _Day:
    def __init__(self, center: Center, contacts: Sequence[Contact], seed: int) -> None:
        self.visits: list[Visit] = []
        self.desks = [Desk(number, operator) for number, operator in enumerate(center.operators)]
        self.decisions = 0
        self._center, self._contacts, self._seed = center, contacts, seed
        self._rules = {number: queue.rules for number, queue in enumerate(center.queues)}
        self._now = 0.0
        self._stays: dict[int, _Stay] = {}
        # By queue, by class: places of contacts with the time since when they wait.
        self._lines: list[dict[Class, list[tuple[float, int]]]] = [{} for _queue in center.queues]
        self._lengths = [0] * len(center.queues)
        self._entrances = Entrances(center, self._lengths, self._is_staffed)
        self._members = [
            frozenset(number for number, one in enumerate(center.operators) if queue in one.queues)
            for queue in range(len(center.queues))
        ]
        self._roomy: dict[str, set[int]] = {kind: set() for one in center.operators for kind in one.limits}
        # What the next decision is about.
        self._came: dict[int, None] = {}
        self._entered: list[int] = []
        self._freed: dict[int, None] = {}
        self._number = 0
        self._events = self._known()

    def _known(self) -> list[Event]:
        events: list[Event] = []
        for number, desk in enumerate(self.desks):
            for at, duty in desk.duties():
                events.append((at, CHANGE, len(events), self._on_duty, (number, duty)))
        for place, contact in enumerate(self._contacts):
            events.append((contact.at, CHANGE, len(events), self._on_arrival, (place,)))
        events.append((self._center.closes, CLOSING, len(events), self._on_closing, ()))
        self._number = len(events)
        heapify(events)
        return events

    def play(self) -> None:
        """Let everything happen."""
        events = self._events
        while events:
            moment = events[0][:2]
            self._now = moment[0]
            while events and events[0][:2] == moment:
                _at, _order, _number, happen, about = heappop(events)
                happen(*about)
            if self._came or self._freed:
                self._assign()
            self._ask_doors()
            if self._came:
                self._assign()

    def _later(self, at: float, order: int, happen: Callable[..., None], *about: object) -> None:
        self._number += 1
        heappush(self._events, (at, order, self._number, happen, about))

    # What happens.

    def _on_duty(self, number: int, duty: str | None) -> None:
        self.desks[number].turn_to(duty, self._now)
        self._look(number)
        if duty is None:
            for place, stay in self._stays.items():
                if stay.queue in self.desks[number].operator.queues:
                    self._later(self._now, LOSS, self._on_overflow, place, stay.visit)

    def _on_arrival(self, place: int) -> None:
        contact = self._contacts[place]
        self._enter(place, contact.queue, visit=0)
        self._entered.append(place)
        if contact.patience_s < math.inf:
            self._later(_due(contact.at, contact.patience_s), LOSS, self._on_patience, place)

    def _on_patience(self, place: int) -> None:
        if place in self._stays:
            self._leave(place, ABANDONED)

    def _on_step(self, place: int, visit: int) -> None:
        stay = self._stays.get(place)
        if stay is None or stay.visit != visit:
            return
        self._take_out(place, stay)
        stay.needs = stay.row.steps.at(self._now - stay.row.since)
        self._put_in(place, stay)
        self._came[place] = None
        self._await_step(place, stay)

    def _on_overflow(self, place: int, visit: int) -> None:
        stay = self._stays.get(place)
        if stay is None or stay.visit != visit:
            return
        verdict = self._entrances.while_waiting(stay.queue, self._now - stay.entered)
        self._obey(place, stay, verdict)
        if verdict == () and stay.again <= self._now:
            stay.again = self._now + AGAIN_S
            self._later(stay.again, LOSS, self._on_overflow, place, visit)

    def _on_end(self, number: int, place: int, turn: int) -> None:
        desk = self.desks[number]
        work = desk.works.get(place)
        if work is None or work.turn != turn:
            return
        wrapup_s = self._contacts[place].wrapup_s
        if work.is_wrapup or not wrapup_s:
            self._await_ends(number, desk.let_go(place, self._now))
            self._look(number)
        else:
            self._await_ends(number, desk.wrap_up(place, wrapup_s, self._now))

    def _on_closing(self) -> None:
        for place in list(self._stays):
            self._leave(place, UNSERVED)

    # Queues.

    def _enter(self, place: int, queue: int, *, visit: int) -> None:
        contact = self._contacts[place]
        row = Waiting(
            item=place,
            queue=queue,
            since=contact.at,
            priority=contact.priority,
            credit_s=contact.credit_s,
            kind=contact.kind,
            steps=contact.steps,
        )
        stay = _Stay(queue, self._now, contact.steps.at(self._now - contact.at), row, visit)
        self._stays[place] = stay
        self._lengths[queue] += 1
        self._put_in(place, stay)
        self._came[place] = None
        self._await_step(place, stay)
        for rule in self._center.queues[queue].overflow:
            if rule.when == doors.WAITED:
                self._later(_due(self._now, rule.limit or 0), LOSS, self._on_overflow, place, visit)

    def _leave(self, place: int, outcome: str, operator: int | None = None) -> None:
        stay = self._stays.pop(place)
        self._take_out(place, stay)
        self._lengths[stay.queue] -= 1
        self._came.pop(place, None)
        self.visits.append(Visit(place, stay.queue, stay.entered, self._now, outcome, operator))

    def _put_in(self, place: int, stay: _Stay) -> None:
        line = self._lines[stay.queue].setdefault((stay.row.kind, stay.row.priority, stay.needs), [])
        insort(line, (stay.row.since - stay.row.credit_s, place))

    def _take_out(self, place: int, stay: _Stay) -> None:
        lines, key = self._lines[stay.queue], (stay.row.kind, stay.row.priority, stay.needs)
        del lines[key][bisect_left(lines[key], (stay.row.since - stay.row.credit_s, place))]
        if not lines[key]:
            del lines[key]

    def _await_step(self, place: int, stay: _Stay) -> None:
        """Come back when the contact asks for something else."""
        steps, since = stay.row.steps, stay.row.since
        for after_s, needs in zip(steps.after_s, steps.needs, strict=True):
            if after_s > self._now - since and needs != stay.needs:
                self._later(_due(since, after_s), CHANGE, self._on_step, place, stay.visit)
                return

    # Overflow.

    def _ask_doors(self) -> None:
        """Send on or refuse who came now and found nobody free, the last one first."""
        for place in reversed(self._entered):
            stay = self._stays.get(place)
            if stay is not None:
                self._obey(place, stay, self._entrances.at_door(stay.queue))
        self._entered.clear()

    def _obey(self, place: int, stay: _Stay, verdict: Verdict) -> None:
        if isinstance(verdict, str):
            self._leave(place, verdict)
            return
        for visit, queue in enumerate(verdict or (), start=stay.visit + 1):
            self._leave(place, FLOWED_OUT)
            self._enter(place, queue, visit=visit)

    def _is_staffed(self, queue: int) -> bool:
        return any(self.desks[number].is_there for number in self._members[queue])

    # Operators.

    def _look(self, number: int) -> None:
        """Note where an operator has room now."""
        desk = self.desks[number]
        has_any = False
        for kind in desk.operator.limits:
            if desk.has_room(kind):
                self._roomy[kind].add(number)
                has_any = True
            else:
                self._roomy[kind].discard(number)
        if has_any:
            self._freed[number] = None
        else:
            self._freed.pop(number, None)

    def _await_ends(self, number: int, moved: Iterable[int]) -> None:
        works = self.desks[number].works
        for place in moved:
            work = works[place]
            self._later(work.ends, CHANGE, self._on_end, number, place, work.turn)

    # Decisions.

    def _assign(self) -> None:
        """Ask the engine about what has changed, and do as it says."""
        shown = self._shown()
        self._came.clear()
        self._freed.clear()
        if shown is None:
            return
        self.decisions += 1
        for made in self._decide(*shown):
            self._begin(made)
        # Whom a decision has left with room had nothing to take.
        self._freed.clear()

    def _decide(self, waiting: Iterable[Waiting], free: Iterable[Free]) -> list[Decision]:
        seed = (self._seed << 32) + self.decisions
        return decide(waiting, free, now=self._now, seed=seed, rules=self._rules)

    def _shown(self) -> tuple[list[Waiting], list[Free]] | None:
        """Return what the engine needs to see, or None if nobody could get anything."""
        places, people = dict(self._first()), dict(self._freed)
        for place in self._came:
            stay = self._stays[place]
            ready = self._roomy.get(stay.row.kind, set()) & self._members[stay.queue]
            if ready:
                places[place] = None
                people.update(dict.fromkeys(ready))
        if not places:
            return None
        return [self._stays[place].row for place in places], [self.desks[number].free(self._now) for number in people]

    def _first(self) -> Iterator[tuple[int, None]]:
        """Yield of each class the first whom the operators with new room could take."""
        if not self._freed or not self._stays:
            return
        could: dict[tuple[int, Class], int] = {}
        for number in self._freed:
            one = self.desks[number].operator
            for queue in one.queues:
                for key in self._lines[queue]:
                    kind, _priority, needs = key
                    if number in self._roomy.get(kind, ()) and _is_able(one.skills, needs):
                        could[queue, key] = could.get((queue, key), 0) + one.limits[kind]
        for (queue, key), most in could.items():
            for _since, place in islice(self._lines[queue][key], most):
                yield place, None

    def _begin(self, made: Decision) -> None:
        contact = self._contacts[made.item]
        self._leave(made.item, ANSWERED, made.operator)
        moved = self.desks[made.operator].take(made.item, contact.kind, contact.service_s, self._now)
        self._await_ends(made.operator, moved)
        self._look(made.operator)


def _is_able(skills: Mapping[int, int], needs: Needs) -> bool:
    return all(skills.get(skill, 0) >= least for skill, least in needs)


def _due(since: float, after_s: float) -> float:
    """Return the first moment that, counted from `since`, is not before `after_s`: sums of floats may fall short."""
    moment = since + after_s
    while moment - since < after_s:
        moment = math.nextafter(moment, math.inf)
    return moment
