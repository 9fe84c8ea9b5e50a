"""Who gets what: pure, deterministic functions over plain values. Time and seed are arguments.

The same code runs live, in tests and in the simulator to come. No Django here.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# Named in every decision: a change of the rules changes it.
RULES = "even-1"
# How many who came after the chosen one a decision remembers.
NEXT = 5


@dataclass(frozen=True)
class Waiting:
    """A contact that waits. `rank` orders a queue: smaller is sooner; `resting` operators declined it just now.

    With `only_preferred` it waits for the preferred operator alone, until he has declined it.
    """

    item: int
    queue: int
    rank: datetime
    preferred: int | None = None
    only_preferred: bool = False
    resting: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Free:
    """An operator with room for `room` more contacts."""

    operator: int
    queues: frozenset[int]
    room: int
    load: int
    idle_since: datetime


@dataclass(frozen=True)
class Decision:
    """One contact for one operator, and why."""

    item: int
    operator: int
    why: dict[str, Any] = field(default_factory=dict)


def score(operator: Free, taken: int) -> tuple[int, datetime, int]:
    """Return the order of choice: least loaded, then longest idle, then the smaller id (so that it repeats)."""
    return operator.load + taken, operator.idle_since, operator.operator


def decide(waiting: Iterable[Waiting], free: Iterable[Free]) -> list[Decision]:
    """Give waiting contacts to free operators: contacts by rank, operators by even distribution.

    Nobody gets more than his room, and no contact waits while an operator of its queue is free and willing.
    A preferred operator of the queue gets his contact whatever the others' load, if he has room and is willing.
    """
    people = {operator.operator: operator for operator in free}
    taken = dict.fromkeys(people, 0)
    heaps = _by_queue(people.values())
    decisions = []
    for contact in sorted(waiting, key=lambda w: (w.rank, w.item)):
        chosen = _preferred(contact, people, taken)
        how = "preferred"
        if chosen is None and not _is_for_one(contact):
            chosen = _least_loaded(contact, heaps.get(contact.queue, []), people, taken)
            how = "even"
        if chosen is None:
            continue
        decisions.append(_decision(contact, people, taken, chosen, how))
        taken[chosen] += 1
    return decisions


def _by_queue(people: Iterable[Free]) -> dict[int, list[tuple[int, datetime, int]]]:
    heaps: dict[int, list[tuple[int, datetime, int]]] = {}
    for operator in people:
        for queue in operator.queues:
            heaps.setdefault(queue, []).append(score(operator, 0))
    for heap in heaps.values():
        heapq.heapify(heap)
    return heaps


def _has_room(operator: int, people: dict[int, Free], taken: dict[int, int]) -> bool:
    return operator in people and taken[operator] < people[operator].room


def _is_for_one(contact: Waiting) -> bool:
    return contact.only_preferred and contact.preferred is not None and contact.preferred not in contact.resting


def _preferred(contact: Waiting, people: dict[int, Free], taken: dict[int, int]) -> int | None:
    wanted = contact.preferred
    if wanted is None or wanted in contact.resting or not _has_room(wanted, people, taken):
        return None
    return wanted if contact.queue in people[wanted].queues else None


def _least_loaded(
    contact: Waiting, heap: list[tuple[int, datetime, int]], people: dict[int, Free], taken: dict[int, int]
) -> int | None:
    """Return the best operator of the queue's heap. Its entries age as others take contacts: refresh lazily."""
    aside = []
    chosen = None
    while heap:
        entry = heapq.heappop(heap)
        operator = entry[2]
        if not _has_room(operator, people, taken):
            continue
        now = score(people[operator], taken[operator])
        if entry != now:
            heapq.heappush(heap, now)
            continue
        aside.append(entry)
        if operator not in contact.resting:
            chosen = operator
            break
    for entry in aside:
        heapq.heappush(heap, entry)
    return chosen


def _decision(contact: Waiting, people: dict[int, Free], taken: dict[int, int], chosen: int, how: str) -> Decision:
    """Return the decision with its grounds: the rules, the chosen one's figures, the next best, who was left out why."""
    members = [operator for operator in people.values() if contact.queue in operator.queues]
    free = [operator for operator in members if _has_room(operator.operator, people, taken)]
    willing = [operator for operator in free if operator.operator not in contact.resting]
    best = heapq.nsmallest(NEXT + 1, (score(operator, taken[operator.operator]) for operator in willing))
    operator = people[chosen]
    why = {
        "rules": RULES,
        "how": how,
        "load": operator.load + taken[chosen],
        "idle_since": operator.idle_since.isoformat(),
        "free": len(free),
        "next": [[other, load, idle.isoformat()] for load, idle, other in best if other != chosen][:NEXT],
        "left_out": {"full": len(members) - len(free), "resting": len(free) - len(willing)},
    }
    return Decision(item=contact.item, operator=chosen, why=why)


def estimate_wait(*, ahead: int, slots: int, handling_s: float) -> float | None:
    """Return the honest wait in seconds: (n+1)·AHT/s (docs: metrics, "Estimated wait"); None if nobody serves.

    `slots` counts contacts served at once: an operator who takes four chats serves four.
    """
    if slots <= 0 or handling_s <= 0:
        return None
    return (ahead + 1) * handling_s / slots
