"""Plain lines of calls, of which formulas tell the figures.

`python -m tests.quality.simulation.lines` plays long days and prints the tables of docs/simulator.md.
"""

from collections.abc import Iterable, Iterator

from quality import erlang
from quality.simulation.student import estimate
from routing.simulation.center import Center, Operator, Queue, Shift, Visit
from routing.simulation.chance import NEVER, Chance, Exponential
from routing.simulation.demand import Stream, draw
from routing.simulation.run import run
from tests.quality.test_erlang import TABLE

# The center opens empty and closes: the first hour and the last are not counted.
HOUR = 3600.0
SEEDS = range(1, 11)


def days(
    *,
    calls_per_hour: float,
    handling_s: float,
    servers: int,
    patience: Chance = NEVER,
    hours: float,
    full_at: int | None = None,
) -> Iterator[list[Visit]]:
    """Return the visits of each seed's day that count."""
    ends = (hours + 2) * HOUR
    server = Operator("one", frozenset({0}), {"call": 1}, (Shift(0.0, ends),))
    center = Center([Queue("line", full_at=full_at)], [server] * servers, ends)
    # Days of one seed are alike under one name: each line has its own, so that they are independent.
    stream = Stream(
        f"{calls_per_hour:g} calls of {handling_s:g} s to {servers}",
        0,
        "call",
        Exponential(handling_s),
        patience,
        edges=(0.0, ends),
        expected=(calls_per_hour * ends / HOUR,),
    )
    for seed in SEEDS:
        visits = run(center, draw([stream], seed=seed), seed=seed).visits
        yield [visit for visit in visits if HOUR <= visit.entered < ends - HOUR]


def mean(values: Iterable[float]) -> float:
    """Return the mean."""
    seen = list(values)
    return sum(seen) / len(seen)


def main() -> None:
    """Print what the formulas tell and what the simulator has found, with intervals of 95 %."""
    for row, hours in zip(TABLE, (200, 100, 1500, 60), strict=True):
        calls, handling, minutes, within, _target, _load, servers, *_told = row
        load = calls * handling / (minutes * 60)
        found = list(days(calls_per_hour=calls * 60 / minutes, handling_s=handling, servers=servers, hours=hours))
        waits = [[visit.wait_s for visit in visits] for visits in found]
        show(
            f"{calls} calls, N = {servers}: P(wait)",
            erlang.waiting(load, servers),
            [mean(one > 0 for one in day) for day in waits],
        )
        level = erlang.service_level(load, servers, handling_s=handling, within_s=within)
        show("SL", level, [mean(one <= within for one in day) for day in waits])
        show("ASA", erlang.speed_of_answer(load, servers, handling_s=handling), [mean(day) for day in waits])
    for load, servers, handling, patience in (
        (10, 14, 180, 180),
        (10, 10, 180, 180),
        (30, 25, 240, 120),
        (4, 3, 300, 600),
    ):
        told = erlang.with_patience(load, servers, handling_s=handling, patience_s=patience)
        per_hour = load * HOUR / handling
        found = list(
            days(
                calls_per_hour=per_hour,
                handling_s=handling,
                servers=servers,
                patience=Exponential(patience),
                hours=20_000 / per_hour,
            )
        )
        lost = [mean(visit.outcome == "abandoned" for visit in visits) for visits in found]
        show(f"A = {load}, N = {servers}, AHT {handling}, patience {patience}: abandonment", told.abandonment, lost)
        show("E[W]", told.wait_s, [mean(visit.wait_s for visit in visits) for visits in found])


def show(name: str, formula: float, values: list[float]) -> None:
    """Print a line."""
    found = estimate(values)
    print(
        f"{name} | {formula:.4f} | {found.mean:.4f} ± {found.half:.4f} | {'' if found.holds(formula) else 'outside'}",
        flush=True,
    )


if __name__ == "__main__":
    main()
