"""The pure engine: a round over everything that waits, and one decision as the live selection asks for it."""

import random
import time
from collections.abc import Callable, Iterable

from routing.strategies import Free, Needs, Steps, Waiting, decide
from tests.bench.center import main
from tests.bench.report import Figure, middle

WAITING, OPERATORS, SKILLS, QUEUES = 10_000, 1_000, 50, 20
LIMITS = {"chat": 4, "call": 1, "mail": 5}
RUNS = 9


def measure() -> Iterable[Figure]:
    chance = random.Random(1)
    waiting, free = line(chance, WAITING), crowd(chance, OPERATORS)
    given = len(decide(waiting, free, now=0.0))
    batch = timed(lambda: decide(waiting, free, now=0.0))
    yield Figure(
        "routing.batch_ms", batch, timed(lambda: plainly(waiting, free)), f"{given:,} of {WAITING:,} given away"
    )
    # A contact comes and everybody has room; somebody has room and the first of each kind wait.
    comes = timed(lambda: decide(waiting[:1], free[:300], now=0.0))
    heads = line(chance, 60)
    frees = timed(lambda: decide(heads, free[:1], now=0.0, most=1))
    floor = timed(lambda: plainly(waiting[:1], free[:300]))
    yield Figure(
        "routing.decide_ms", max(comes, frees), floor, f"comes to 300 free: {comes:.3f}; frees for 60: {frees:.3f}"
    )


def line(chance: random.Random, count: int) -> list[Waiting]:
    needs = [_needs(chance) for _number in range(200)]
    paths = [Steps((0.0, 20.0, 45.0), (need, need[:-1], ())) for need in needs]
    return [
        Waiting(
            item,
            chance.randrange(QUEUES),
            since=-chance.random() * 60,
            priority=chance.randrange(5),
            kind=chance.choice(["chat", "chat", "call", "mail"]),
            steps=chance.choice(paths),
        )
        for item in range(count)
    ]


def _needs(chance: random.Random) -> Needs:
    asked = chance.sample(range(SKILLS), chance.randint(0, 3))
    return tuple(sorted((skill, chance.randint(1, 4)) for skill in asked))


def crowd(chance: random.Random, count: int) -> list[Free]:
    return [
        Free(
            operator,
            frozenset(chance.sample(range(QUEUES), 3)),
            LIMITS,
            idle_since=-chance.random() * 100,
            skills={skill: chance.randint(1, 5) for skill in chance.sample(range(SKILLS), 8)},
        )
        for operator in range(count)
    ]


def plainly(waiting: list[Waiting], free: list[Free]) -> list[tuple[int, int]]:
    """The floor: contacts in order of priority and age, to the next operator of the queue, whoever he is."""
    members: dict[int, list[int]] = {}
    for one in free:
        for queue in one.queues:
            members.setdefault(queue, []).append(one.operator)
    ordered = sorted(waiting, key=lambda one: (-one.priority, one.since))
    return [(one.item, members[one.queue].pop()) for one in ordered if members.get(one.queue)]


def timed(act: Callable[[], object]) -> float:
    """Return the median ms of several runs."""
    took = []
    for _run in range(RUNS):
        began = time.perf_counter()
        act()
        took.append((time.perf_counter() - began) * 1000)
    return middle(took)


if __name__ == "__main__":
    main(measure)
