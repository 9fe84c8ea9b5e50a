"""Sets of rules compared over seeds: each seed is one day, the same people under all rules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from quality.service_level import Policy
from quality.simulation.figures import Group, figures, name_of
from quality.simulation.scenario import BASE, Scenario, Study
from quality.simulation.student import Estimate, estimate
from routing.simulation.demand import draw
from routing.simulation.run import run

Day = Mapping[Group, Mapping[str, float]]
Figures = Mapping[Group, Mapping[str, Estimate]]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Result:
    """What a study has found: figures by set of rules, and how the others differ from the base.

    A difference is the mean of the differences of single days, with the interval of these: what the days have in common,
    their arrivals, patience and services, is not in it.
    """

    study: Study
    seeds: Sequence[int]
    figures: Mapping[str, Figures]
    differences: Mapping[str, Figures]

    def as_data(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "title": self.study.title,
            "seeds": list(self.seeds),
            "confidence": CONFIDENCE,
            "levels": [_level(policy) for policy in self.study.policies],
            "figures": {name: _rows(found) for name, found in self.figures.items()},
            "differences": {name: _rows(found) for name, found in self.differences.items()},
        }


def play(study: Study, *, seeds: Sequence[int], told: Callable[[str, int], None] | None = None) -> Result:
    """Play each set of rules on each seed. `told` hears which is about to be played."""
    days: dict[str, list[Day]] = {name: [] for name in study.scenarios}
    for seed in seeds:
        for name, scenario in study.scenarios.items():
            if told is not None:
                told(name, seed)
            days[name].append(play_day(scenario, study.policies, seed=seed))
    return compared(study, seeds=seeds, days=days)


def compared(study: Study, *, seeds: Sequence[int], days: Mapping[str, Sequence[Day]]) -> Result:
    """Return what the figures of played days, by set of rules in the order of the seeds, come to."""
    return Result(
        study=study,
        seeds=seeds,
        figures={name: _means(found) for name, found in days.items()},
        differences={name: _differences(days[BASE], found) for name, found in days.items() if name != BASE},
    )


def play_day(scenario: Scenario, policies: Sequence[Policy], *, seed: int) -> Day:
    """Draw a day, play it, return its figures."""
    contacts = draw(scenario.streams, seed=seed, until=scenario.center.closes)
    return figures(scenario, run(scenario.center, contacts, seed=seed), policies)


def _means(days: Sequence[Day]) -> Figures:
    """Return the mean of each figure over the days that have it."""
    values: dict[Group, dict[str, list[float]]] = {}
    for day in days:
        for group, found in day.items():
            for name, value in found.items():
                values.setdefault(group, {}).setdefault(name, []).append(value)
    return {
        group: {name: estimate(seen, CONFIDENCE) for name, seen in found.items()} for group, found in values.items()
    }


def _differences(base: Sequence[Day], others: Sequence[Day]) -> Figures:
    pairs = [
        {
            group: {name: value - one[group][name] for name, value in found.items() if name in one[group]}
            for group, found in other.items()
            if group in one
        }
        for one, other in zip(base, others, strict=True)
    ]
    return _means(pairs)


def _rows(found: Figures) -> list[dict[str, Any]]:
    return [
        {
            "by": group[0],
            "of": group[1],
            "figure": name,
            "mean": one.mean,
            "low": one.low,
            "high": one.high,
            "days": one.n,
        }
        for group, figures in found.items()
        for name, one in figures.items()
    ]


def _level(policy: Policy) -> dict[str, Any]:
    return {"figure": name_of(policy), "policy": str(policy), **asdict(policy), "blocked": sorted(policy.blocked)}
