"""Who gets what: pure, deterministic functions over plain values. Time and seed are arguments.

The same code runs live, in tests and in the simulator. No Django here. Moments are seconds of any one clock.
"""

import math
from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from random import Random
from typing import Any

# Named in every decision: a change of the rules changes it.
RULES = "skills-1"
# How many who came after the chosen one a decision remembers.
NEXT = 5
# A skill and the least level of it.
Needs = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Steps:
    """What a contact asks for, loosened by time alone: from `after_s[n]` seconds of waiting on it is `needs[n]`.

    Times ascend and begin with 0.
    """

    after_s: tuple[float, ...] = (0.0,)
    needs: tuple[Needs, ...] = ((),)

    def at(self, waited_s: float) -> Needs:
        """Return what is asked for after so many seconds."""
        return self.needs[max(bisect_right(self.after_s, waited_s) - 1, 0)]


ANYONE = Steps()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A contact that waits since `since`. `resting` operators declined it just now.

    `credit_s` is waiting that it is credited with in the order, not in its steps: who is put first in line has much of it.
    With `only_preferred` it waits for the preferred operator alone, until he has declined it.
    """

    item: int
    queue: int
    since: float
    priority: float = 0
    credit_s: float = 0
    kind: str = "chat"
    steps: Steps = ANYONE
    preferred: int | None = None
    only_preferred: bool = False
    resting: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Free:
    """An operator: what he serves and can, how many of each kind fill him (`limits`) and how many he has (`loads`).

    `served` counts what he was given in the period over which work is spread evenly. Of the kinds in `off` he takes none
    now; what he has of them is counted all the same.
    """

    operator: int
    queues: frozenset[int]
    limits: Mapping[str, int]
    idle_since: float = 0.0
    skills: Mapping[int, int] = field(default_factory=dict)
    loads: Mapping[str, int] = field(default_factory=dict)
    served: int = 0
    off: frozenset[str] = frozenset()


CHOICES = ("least_loaded", "longest_idle", "even", "random")


@dataclass(frozen=True, slots=True)
class Rules:
    """How a queue orders who waits, and chooses among operators who fit equally well.

    A contact's score is priority_weight × priority + wait_weight × seconds waited or credited: with (60, 1) a step of
    priority is a head start of a minute, with (1, 0) priority alone decides, then age. `choice` is one of CHOICES.
    """

    priority_weight: float = 60
    wait_weight: float = 1
    choice: str = "least_loaded"

    def score(self, contact: Waiting, now: float) -> float:
        """Return how urgent a contact is."""
        waited_s = now - contact.since + contact.credit_s
        return round(self.priority_weight * contact.priority + self.wait_weight * waited_s, 6)

    def place(self, contact: Waiting, now: float) -> tuple[float, float, int]:
        """Return the place in the order, the smallest first: the score; where waiting does not weigh, age; the id."""
        age = 0.0 if self.wait_weight else contact.since - contact.credit_s
        return -self.score(contact, now), age, contact.item


USUAL = Rules()
# Pairs of kinds: work of the first takes no room from the second.
Yields = frozenset[tuple[str, str]]
# As simulations have it: a mail gives way to a call.
YIELDS: Yields = frozenset({("mail", "call")})


@dataclass(frozen=True, slots=True)
class Decision:
    """One contact of a queue for one operator, and why."""

    item: int
    operator: int
    queue: int
    why: dict[str, Any] = field(default_factory=dict)
    kind: str = "chat"


def filled(limits: Mapping[str, int], loads: Mapping[str, int], kind: str, yields: Yields = YIELDS) -> float:
    """Return which part of an operator is taken where work of this kind is asked for; 1 is all of him.

    One call or four chats: with limits of 1 and 4 a chat takes a quarter. What he has without serving it takes all.
    """
    part = 0.0
    for other, number in loads.items():
        if number and (other, kind) not in yields:
            part += number / limits[other] if limits.get(other) else 1.0
    return round(part, 6)


def has_room(limits: Mapping[str, int], loads: Mapping[str, int], kind: str, yields: Yields = YIELDS) -> bool:
    """Tell whether an operator can take one more of a kind."""
    return _fits(limits.get(kind, 0), filled(limits, loads, kind, yields))


def _fits(limit: int, part: float) -> bool:
    return limit > 0 and part + 1 / limit < 1.00001


def decide(
    waiting: Iterable[Waiting],
    free: "Iterable[Free] | Crowd",
    *,
    now: float,
    seed: int = 0,
    rules: Mapping[int, Rules] | None = None,
    most: int | None = None,
) -> list[Decision]:
    """Give waiting contacts to operators with room, `most` at the most.

    Contacts by score, then id; for each the operator who fits best: whose levels of the skills that it asks for
    now add up to the most; among equals by the choice of the queue. So no contact waits while somebody of its queue
    could take it, nobody gets more than he has room for, and who waits long enough comes first wherever waiting
    weighs. A preferred operator of the queue gets his contact before all others if he has room and is willing.
    A crowd that is given instead of operators is changed: it holds their loads after the decision.
    """
    crowd = free if isinstance(free, Crowd) else Crowd(free)
    return list(_Round(waiting, crowd, now=now, seed=seed, rules=rules or {}).decisions(most))


class _Round:
    """One decision over all who wait and all who have room."""

    def __init__(
        self, waiting: Iterable[Waiting], crowd: "Crowd", *, now: float, seed: int, rules: Mapping[int, Rules]
    ) -> None:
        self._now, self._rules = now, rules
        self._by_idle = crowd
        self._seed = seed
        self._drawn: Crowd | None = None
        self._waiting = sorted((*(rules.get(one.queue) or USUAL).place(one, now), one) for one in waiting)

    def decisions(self, most: int | None) -> Iterator[Decision]:
        """Yield decisions in the order in which they are made."""
        left = len(self._waiting) if most is None else most
        # Room only shrinks in a round: what nobody can take once, nobody can take later.
        hopeless: set[tuple[int, str, Needs]] = set()
        for minus_score, _age, _item, contact in self._waiting:
            if left <= 0:
                return
            needs = contact.steps.at(self._now - contact.since)
            asked = (contact.queue, contact.kind, needs)
            if contact.preferred is None:
                if asked in hopeless:
                    continue
                if not self._by_idle.could(*asked):
                    hopeless.add(asked)
                    continue
            made = self._decide(contact, needs, -minus_score)
            if made is not None:
                yield made
                left -= 1

    def _decide(self, contact: Waiting, needs: Needs, score: float) -> Decision | None:
        choice = (self._rules.get(contact.queue) or USUAL).choice
        crowd = self._crowd(choice)
        wish = crowd.wish(contact, needs)
        chosen = crowd.preferred(contact)
        how = "preferred" if chosen is not None else choice
        best = list(islice(crowd.best(wish, choice), NEXT + 1))
        if chosen is None and best and not _is_for_one(contact):
            chosen = best[0][0]
        if chosen is None:
            return None
        why = {"how": how, "score": score, **crowd.why(wish, chosen, best)}
        decision = Decision(contact.item, chosen, contact.queue, why, contact.kind)
        for one in (self._by_idle, self._drawn):
            if one is not None:
                one.give(chosen, contact.kind)
        return decision

    def _crowd(self, choice: str) -> "Crowd":
        if choice != "random":
            return self._by_idle
        if self._drawn is None:
            self._drawn = self._by_idle.shuffled(self._seed)
        return self._drawn


def _is_for_one(contact: Waiting) -> bool:
    return contact.only_preferred and contact.preferred is not None and contact.preferred not in contact.resting


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a contact asks of operators: sets are whole numbers with a bit for each of the crowd."""

    kind: str
    needs: Needs
    members: int
    skilled: int
    willing: int


class Crowd:
    """Operators in one order, as bits of whole numbers: whole sets are joined in a step, and the lowest bit comes first.

    Who is best is found without walking through anybody: by groups of equal fit, in these by ranks (load and the like),
    in these by the order of the crowd. `yields` says which work takes no room from which.
    """

    def __init__(self, free: Iterable[Free], yields: Yields = YIELDS) -> None:
        self._yields = yields
        self._people = people = sorted(free, key=lambda one: (one.idle_since, one.operator))
        self._places = {one.operator: place for place, one in enumerate(people)}
        self._loads = [dict(one.loads) for one in people]
        self._given = [0] * len(people)
        self._everybody = (1 << len(people)) - 1
        self._members: dict[int, int] = {}
        for place, one in enumerate(people):
            for queue in one.queues:
                self._members[queue] = self._members.get(queue, 0) | 1 << place
        # By kind of work: which part of each is taken, and who has room.
        self._filled: dict[str, list[float]] = {}
        self._room: dict[str, int] = {}
        # By skill, then level: who has just that.
        self._levels: dict[int, dict[int, int]] = {}
        for place, one in enumerate(people):
            for skill, level in one.skills.items():
                levels = self._levels.setdefault(skill, {})
                levels[level] = levels.get(level, 0) | 1 << place
        # By what is asked for: who is able to, and in groups of equal fit.
        self._able: dict[Needs, int] = {}
        self._groups: dict[Needs, list[tuple[int, int]]] = {}
        self._ranks: dict[tuple[str, str], _Ranks] = {}

    def shuffled(self, seed: int) -> "Crowd":
        """Return the same crowd, as it stands now, in an order drawn by lot."""
        drawn = sorted(self._people, key=lambda one: one.operator)
        Random(seed).shuffle(drawn)  # noqa: S311 (a fair lot that can be drawn again, not a secret)
        # Given a place in time by their lot, they stand in its order.
        other = Crowd((replace(one, idle_since=float(lot)) for lot, one in enumerate(drawn)), self._yields)
        other._loads = [dict(self._loads[self._places[one.operator]]) for one in drawn]
        other._given = [self._given[self._places[one.operator]] for one in drawn]
        return other

    @property
    def operators(self) -> list[int]:
        """The operators in their order."""
        return [one.operator for one in self._people]

    def room(self, kinds: Iterable[str]) -> int:
        """Return how many more contacts of these kinds may fit, of one kind alone; 0 if nobody takes any."""
        return sum(
            self._people[place].limits[kind] - self._loads[place].get(kind, 0)
            for kind in kinds
            for place in _places(self._with_room(kind))
        )

    def could(self, queue: int, kind: str, needs: Needs) -> int:
        """Return how many operators have the skills and room for such work, willing or not."""
        return (self._skilled(queue, needs) & self._with_room(kind)).bit_count()

    def wish(self, contact: Waiting, needs: Needs) -> _Wish:
        """Return a contact's wish as sets of this crowd."""
        room, resting = self._with_room(contact.kind), 0
        for operator in contact.resting:
            if operator in self._places:
                resting |= 1 << self._places[operator]
        members = self._members.get(contact.queue, 0)
        return _Wish(contact.kind, needs, members, self._skilled(contact.queue, needs), room & ~resting)

    def preferred(self, contact: Waiting) -> int | None:
        """Return the operator for whom a contact is meant if he serves its queue, has room and is willing."""
        place = self._places.get(contact.preferred) if contact.preferred is not None else None
        if place is None or contact.preferred in contact.resting:
            return None
        ready = self._members.get(contact.queue, 0) & self._with_room(contact.kind)
        return contact.preferred if ready >> place & 1 else None

    def best(self, wish: _Wish, choice: str) -> Iterator[tuple[int, int]]:
        """Yield the operators who could take it now and their fit, the best first."""
        left = wish.skilled & wish.willing
        if not left:
            return
        ranks = self._ranks_of(choice, wish.kind)
        for fit, group in self._by_fit(wish.needs):
            here = group & left
            if here:
                for place in ranks.order(here):
                    yield self._people[place].operator, fit
                left &= ~here
                if not left:
                    return

    def why(self, wish: _Wish, chosen: int, best: list[tuple[int, int]]) -> dict[str, Any]:
        """Return the grounds of a choice: the chosen one's figures, the next best, who was left out and why."""
        room = self._room[wish.kind]
        able = wish.skilled & room
        figures = {operator: self._figures(operator, fit, wish.kind) for operator, fit in best}
        # Who was meant for it may have none of the skills.
        own = figures.pop(chosen, None) or self._figures(chosen, self._fit_of(chosen, wish), wish.kind)
        return {
            "rules": RULES,
            "needs": wish.needs,
            "chosen": own,
            "free": able.bit_count(),
            "next": list(figures.values())[:NEXT],
            "left_out": {
                "skills": (wish.members & ~wish.skilled).bit_count(),
                "full": (wish.skilled & ~room).bit_count(),
                "resting": (able & ~wish.willing).bit_count(),
            },
        }

    def give(self, operator: int, kind: str) -> None:
        """Count one more contact for an operator."""
        place = self._places[operator]
        one, loads = self._people[place], self._loads[place]
        loads[kind] = loads.get(kind, 0) + 1
        self._given[place] += 1
        for other, fills in self._filled.items():
            fills[place] = filled(one.limits, loads, other, self._yields)
            if not _fits(one.limits.get(other, 0), fills[place]):
                self._room[other] &= ~(1 << place)
        for (choice, of), ranks in self._ranks.items():
            ranks.move(place, self._rank(place, choice, of))

    def _fit_of(self, operator: int, wish: _Wish) -> int:
        return _fit(self._people[self._places[operator]], wish.needs)

    def _figures(self, operator: int, fit: int, kind: str) -> tuple[int, int, float, float]:
        place = self._places[operator]
        return operator, fit, self._filled[kind][place], self._people[place].idle_since

    def _skilled(self, queue: int, needs: Needs) -> int:
        return self._members.get(queue, 0) & self._able_to(needs)

    def _able_to(self, needs: Needs) -> int:
        if needs in self._able:
            return self._able[needs]
        able = self._everybody
        for skill, least in needs:
            levels = self._levels.get(skill, {})
            have = 0
            for level, who in levels.items():
                if level >= least:
                    have |= who
            able &= have if least > 0 else self._everybody
        self._able[needs] = able
        return able

    def _with_room(self, kind: str) -> int:
        if kind not in self._room:
            people = self._people
            loads = zip(people, self._loads, strict=True)
            self._filled[kind] = fills = [filled(one.limits, has, kind, self._yields) for one, has in loads]
            takers = ((place, one) for place, one in enumerate(people) if kind not in one.off)
            have = (place for place, one in takers if _fits(one.limits.get(kind, 0), fills[place]))
            self._room[kind] = _bits(have)
        return self._room[kind]

    def _by_fit(self, needs: Needs) -> list[tuple[int, int]]:
        """Return groups of equal fit, the best first; of skills alone, so it holds for all queues."""
        if not needs:
            return [(0, self._everybody)]
        if needs not in self._groups:
            groups = {0: self._everybody}
            for skill, least in needs:
                groups = self._parted(groups, skill, least)
            self._groups[needs] = sorted(groups.items(), reverse=True)
        return self._groups[needs]

    def _parted(self, groups: dict[int, int], skill: int, least: int) -> dict[int, int]:
        """Return groups of equal fit parted by the levels of one more skill, without those who have too little of it."""
        levels = {level: who for level, who in self._levels.get(skill, {}).items() if level >= least}
        if least <= 0:
            levels[0] = self._everybody
            for level, who in self._levels.get(skill, {}).items():
                levels[0] &= ~who if level else self._everybody
        parted: dict[int, int] = {}
        for fit, group in groups.items():
            for level, who in levels.items():
                if both := group & who:
                    parted[fit + level] = parted.get(fit + level, 0) | both
        return parted

    def _ranks_of(self, choice: str, kind: str) -> "_Ranks":
        if (choice, kind) not in self._ranks:
            ranks = [self._rank(place, choice, kind) for place in range(len(self._people))]
            self._ranks[choice, kind] = _Ranks(ranks)
        return self._ranks[choice, kind]

    def _rank(self, place: int, choice: str, kind: str) -> tuple[float, ...]:
        """Return what comes before the order of the crowd. Who has just been given something is idle no longer."""
        given = self._given[place]
        if choice == "random":
            return (given,)
        load = self._filled[kind][place]
        if choice == "longest_idle":
            # Idle is who has nothing; of the others, who was given something the longest ago, before this round.
            return load > 0, load if given else 0.0
        if choice == "even":
            return self._people[place].served + given, load, given > 0
        return load, given > 0


class _Ranks:
    """Sets of equal rank, ascending."""

    def __init__(self, ranks: Sequence[tuple[float, ...]]) -> None:
        self._of = list(ranks)
        self._sets: dict[tuple[float, ...], int] = {}
        for place, rank in enumerate(ranks):
            self._sets[rank] = self._sets.get(rank, 0) | 1 << place
        self._ascending = sorted(self._sets)

    def order(self, among: int) -> Iterator[int]:
        """Yield the places of a set by rank, then place."""
        for rank in self._ascending:
            here = self._sets[rank] & among
            while here:
                low = here & -here
                yield low.bit_length() - 1
                here ^= low

    def move(self, place: int, rank: tuple[float, ...]) -> None:
        """Give a place another rank."""
        self._sets[self._of[place]] &= ~(1 << place)
        self._of[place] = rank
        if rank not in self._sets:
            self._sets[rank] = 0
            insort(self._ascending, rank)
        self._sets[rank] |= 1 << place


def _fit(one: Free, needs: Needs) -> int:
    return sum(one.skills.get(skill, 0) for skill, _level in needs)


def _bits(places: Iterable[int]) -> int:
    found = 0
    for place in places:
        found |= 1 << place
    return found


def _places(bits: int) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def estimate_wait(*, ahead: int, slots: float, handling_s: float, patience_s: float = math.inf) -> float | None:
    """Return the honest wait in seconds behind so many others (docs: metrics, "Estimated wait"); None if nobody serves.

    `slots` counts contacts served at once: an operator who takes four chats serves four. Those ahead may lose their
    patience, after `patience_s` on average; with endless patience it is (n+1)·AHT/s.
    """
    if slots <= 0 or handling_s <= 0:
        return None
    rate = slots / handling_s
    return sum(1 / (rate + place / patience_s) for place in range(ahead + 1))
