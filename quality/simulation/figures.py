"""Figures of one simulated day: of all visits, by queue, by skill that is asked for, by priority."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from quality.service_level import ABANDONED, ANSWERED, FLOWED_OUT, FORMULAS, Policy, count, level
from quality.simulation.scenario import Scenario
from routing.simulation.center import AVAILABLE, BUSY, OVERTIME, PAUSE, UNSERVED, WRAPUP, Contact, Log, Visit

# What is told about: everything ("all", ""), or visits of one queue, skill or priority.
Group = tuple[str, str]
ALL: Group = ("all", "")
SORTS = ("all", "queue", "skill", "priority")
PERCENTILES = (50, 90, 95, 99)
HANDLING = (BUSY, WRAPUP, OVERTIME)


def figures(scenario: Scenario, log: Log, policies: Sequence[Policy]) -> dict[Group, dict[str, float]]:
    """Return figures by group; what has no value (a mean of nothing) is left out.

    Shares are from 0 to 1, times are seconds. Waits are of all who queued; who still waited when the center closed has
    abandoned, and is counted as unserved besides. Occupancy and the shares of operators' time are of the whole center.
    """
    grouped: dict[Group, list[Visit]] = defaultdict(list, {ALL: []})
    for visit in log.visits:
        for group in _groups(scenario, log.contacts[visit.contact], visit):
            grouped[group].append(visit)
    told = {group: _of_visits(visits, log.contacts, policies) for group, visits in grouped.items()}
    told[ALL] |= _of_times(log.times)
    return {group: told[group] for group in sorted(told, key=lambda group: (SORTS.index(group[0]), group[1]))}


def _groups(scenario: Scenario, contact: Contact, visit: Visit) -> Iterable[Group]:
    yield ALL
    yield "queue", scenario.center.queues[visit.queue].name
    yield "priority", f"{contact.priority:g}"
    for skill in [scenario.skills[skill] for skill, _level in contact.steps.needs[0]] or ["none"]:
        yield "skill", skill


def _of_visits(visits: Sequence[Visit], contacts: Sequence[Contact], policies: Sequence[Policy]) -> dict[str, float]:
    ends = Counter(visit.outcome for visit in visits)
    lost = ends[ABANDONED] + ends[UNSERVED]
    queued = sorted(visit.wait_s for visit in visits if visit.outcome in {ANSWERED, ABANDONED, UNSERVED, FLOWED_OUT})
    answered = [visit for visit in visits if visit.outcome == ANSWERED]
    handling = sum(contacts[visit.contact].service_s + contacts[visit.contact].wrapup_s for visit in answered)
    found = {
        "visits": float(len(visits)),
        "answered": float(len(answered)),
        "abandoned": float(lost),
        "unserved": float(ends[UNSERVED]),
        "flowed_out": float(ends[FLOWED_OUT]),
        "blocked": float(len(visits) - len(queued)),
        "abandonment": _quotient(lost, len(answered) + lost),
        "wait_s": _quotient(sum(queued), len(queued)),
        **{f"wait_p{percent}_s": _percentile(queued, percent) for percent in PERCENTILES},
        "asa_s": _quotient(sum(visit.wait_s for visit in answered), len(answered)),
        "aht_s": _quotient(handling, len(answered)),
        **_levels(visits, policies),
    }
    return {name: value for name, value in found.items() if value is not None}


def _levels(visits: Iterable[Visit], policies: Sequence[Policy]) -> dict[str, float | None]:
    rows = [(ABANDONED if visit.outcome == UNSERVED else visit.outcome, visit.wait_s) for visit in visits]
    thresholds = {policy: replace(policy, formula=next(iter(FORMULAS)), blocked=frozenset()) for policy in policies}
    counts = {policy: count(policy, rows) for policy in set(thresholds.values())}
    return {name_of(policy): level(policy, counts[thresholds[policy]]) for policy in policies}


def name_of(policy: Policy) -> str:
    """Return the name of a policy's figure, like V2_20s or V5_20s_short5s."""
    short = "" if policy.short_s is None or "L_S" not in _terms(policy) else f"_short{policy.short_s:g}s"
    blocked = "_" + "".join(sorted(policy.blocked)) if "B" in _terms(policy) else ""
    return f"{policy.formula}_{policy.within_s:g}s{short}{blocked}"


def _terms(policy: Policy) -> set[str]:
    formula = FORMULAS[policy.formula]
    return {*formula.above, *formula.below, *formula.less}


def _of_times(times: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for one in times:
        total.update(one)
    handling, logged_in = sum(total[state] for state in HANDLING), sum(total.values())
    occupancy = _quotient(handling, handling + total[AVAILABLE])
    shares = {f"time_{state}": _quotient(total[state], logged_in) for state in (AVAILABLE, *HANDLING, PAUSE)}
    found = {"occupancy": occupancy, **shares, "overtime_h": total[OVERTIME] / 3600}
    return {name: value for name, value in found.items() if value is not None}


def _quotient(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _percentile(ordered: Sequence[float], percent: int) -> float | None:
    """Return the smallest value that so many percent do not exceed."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else None
