"""The simulator: a day of 10,000 contacts and 100 operators, drawn, played, counted.

The floor plays the same contacts as one line at equal desks: no queues, skills, kinds, shifts, patience, reasons.
"""

import time
from collections.abc import Iterable, Sequence
from heapq import heapify, heapreplace
from random import Random

from quality.simulation.figures import ALL
from quality.simulation.scenario import understand
from quality.simulation.study import play_day
from routing.simulation.center import Contact
from routing.simulation.demand import draw
from tests.bench.center import main
from tests.bench.report import Figure, middle

CONTACTS, OPERATORS = 10_000, 100
QUEUES, SKILLS, STREAMS = 6, 10, 12
KINDS = ("call", "call", "chat", "mail")
CHOICES = ("least_loaded", "longest_idle", "even")
OPENS, HOURS = 8, 12
RUNS = 3


def measure() -> Iterable[Figure]:
    study = understand(document())
    scenario = study.scenarios["base"]
    took = []
    for seed in range(1, RUNS + 1):
        began = time.perf_counter()
        day = play_day(scenario, study.policies, seed=seed)
        took.append(time.perf_counter() - began)
    contacts = draw(scenario.streams, seed=RUNS)
    began = time.perf_counter()
    plainly(contacts)
    floor = time.perf_counter() - began
    seen = day[ALL]
    note = (
        f"{len(contacts):,} contacts, {len(scenario.center.operators)} operators, occupancy {seen['occupancy']:.0%}, "
        f"abandonment {seen['abandonment']:.1%}, wait {seen['wait_s']:.0f} s; draw, play, V1–V10 by queue, skill, priority"
    )
    yield Figure("routing.simulate_s", middle(took), floor, note)


def plainly(contacts: Sequence[Contact]) -> float:
    """Return the mean wait of one line at equal desks."""
    free = [0.0] * OPERATORS
    heapify(free)
    waited = 0.0
    for contact in contacts:
        begins = max(free[0], contact.at)
        heapreplace(free, begins + contact.service_s + contact.wrapup_s)
        waited += begins - contact.at
    return waited / len(contacts)


def document() -> dict:
    """Return a scenario: three kinds, skills that are relaxed, priorities, shifts with breaks, an overflow."""
    lot = Random(1)
    queues: dict = {
        f"queue {number}": {"choice": CHOICES[number % len(CHOICES)], "full_at": 200} for number in range(QUEUES)
    }
    queues["queue 0"]["overflow"] = [{"when": "waited", "limit": 180, "then": "queue", "to": "queue 1"}]
    return {
        "closes": f"{OPENS + HOURS}:00",
        "queues": queues,
        "operators": {f"operator {number}": operator(number, lot) for number in range(OPERATORS)},
        "streams": {f"stream {number}": stream(number, lot) for number in range(STREAMS)},
    }


def operator(number: int, lot: Random) -> dict:
    begins, pause = OPENS + number % 4, (OPENS + number % 4 + 4) * 3600 + number % 8 * 900
    return {
        "queues": [f"queue {queue}" for queue in lot.sample(range(QUEUES), 3)],
        "limits": {"call": 1, "chat": 3, "mail": 5},
        "skills": {f"skill {skill}": lot.randint(1, 5) for skill in lot.sample(range(SKILLS), 6)},
        "shifts": [
            {"begins": f"{begins}:00", "ends": f"{begins + 9}:00", "breaks": [{"begins": pause, "ends": pause + 1800}]}
        ],
    }


def stream(number: int, lot: Random) -> dict:
    first, second = (f"skill {skill}" for skill in lot.sample(range(SKILLS), 2))
    needs = {first: lot.randint(2, 4), second: lot.randint(1, 3)}
    return {
        "queue": f"queue {number % QUEUES}",
        "kind": KINDS[number % len(KINDS)],
        "priority": number % 3,
        "steps": [
            {"after_s": 0, "needs": needs},
            {"after_s": 20, "needs": {first: needs[first]}},
            {"after_s": 45, "needs": {}},
        ],
        "service": {"lognormal": {"mean_s": 300, "sd_s": 200}},
        "wrapup": {"fixed": {"value_s": 20}},
        "patience": {"exponential": {"mean_s": 300}},
        "arrivals": {
            "begins": f"{OPENS}:00",
            "every_s": 900,
            "expected": [CONTACTS / STREAMS / HOURS / 4] * HOURS * 4,
        },
    }


if __name__ == "__main__":
    main(measure)
