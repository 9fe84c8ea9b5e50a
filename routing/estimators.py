"""How long somebody will wait, foretold from what is known when he comes: pure functions, no Django rows.

Two families, as the literature has them. By the length of the queue: W. Whitt, "Predicting queueing delays", Management
Science 45(6), 1999; with abandonment: R. Ibrahim and W. Whitt, "Real-time delay estimation in overloaded multiserver queues
with abandonments", Management Science 55(10), 2009. By the delays of others: R. Ibrahim and W. Whitt, "Real-time delay
estimation based on delay history", Manufacturing & Service Operations Management 11(3), 2009. Which of them errs least
depends on the queue: that is found out by replaying its past (`routing/backtest.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

from routing.choices import Estimator
from routing.strategies import estimate_wait

# What is measured is believed within these: one odd contact must not promise a second or a week. In seconds.
HANDLING_S = (5.0, 4 * 3600.0)
PATIENCE_S = (10.0, 24 * 3600.0)
# Fewer who gave up tell nothing of the patience of the others.
ENOUGH_LOST = 10
DEFAULT = Estimator.LENGTH


@dataclass(frozen=True, slots=True)
class Line:
    """What is known of a queue as somebody comes or waits. Times in seconds; None: there is no ground for it.

    `ahead`: how many wait before him. `slots`: how many contacts are served at once. `patience_s`: after how long people give
    up, on average (None: they do not). `last_s`: the wait of the one who was answered last. `head_s`: how long the first in
    line has waited. `recent_s`: the mean wait of those answered lately. `waited_s`: how long he has waited himself.
    """

    ahead: int = 0
    slots: float | None = None
    handling_s: float | None = None
    patience_s: float | None = None
    last_s: float | None = None
    head_s: float | None = None
    recent_s: float | None = None
    waited_s: float = 0.0


def queue_length(line: Line) -> float | None:
    """Return (n + 1) · AHT / s, the estimate QL (Whitt 1999): each of those ahead is served, none gives up."""
    if line.slots is None or line.handling_s is None:
        return None
    return estimate_wait(ahead=line.ahead, slots=line.slots, handling_s=within(line.handling_s, HANDLING_S))


def patient_length(line: Line) -> float | None:
    """Return the sum of 1 / (s/AHT + i/patience) for i from 0 to n, the estimate QL_m (Whitt 1999; Ibrahim and Whitt 2009).

    Those ahead may give up, after an exponential time. Without a measured patience it is QL.
    """
    if line.slots is None or line.handling_s is None:
        return None
    patience = inf if line.patience_s is None else within(line.patience_s, PATIENCE_S)
    handling = within(line.handling_s, HANDLING_S)
    return estimate_wait(ahead=line.ahead, slots=line.slots, handling_s=handling, patience_s=patience)


def last_served(line: Line) -> float | None:
    """Return the wait of the one who entered service last, the estimate LES (Ibrahim and Whitt 2009)."""
    return _rest(line.last_s, line)


def head_of_line(line: Line) -> float | None:
    """Return how long the first in line has waited so far, the estimate HOL (Ibrahim and Whitt 2009); if none waits, LES."""
    return _rest(line.last_s if line.head_s is None else line.head_s, line)


def recent_mean(line: Line) -> float | None:
    """Return the mean wait of those answered lately: delay history averaged (Ibrahim and Whitt 2009, for comparison)."""
    return _rest(line.recent_s, line)


def _rest(whole_s: float | None, line: Line) -> float | None:
    """Return what is left of a whole wait for one who has waited; None if he has waited longer: it foretells nothing then."""
    if whole_s is None or (line.waited_s > 0 and whole_s <= line.waited_s):
        return None
    return whole_s - line.waited_s


ESTIMATORS: Mapping[str, Callable[[Line], float | None]] = {
    Estimator.LENGTH: queue_length,
    Estimator.PATIENT: patient_length,
    Estimator.LAST: last_served,
    Estimator.HEAD: head_of_line,
    Estimator.RECENT: recent_mean,
}


def within(value: float, bounds: tuple[float, float]) -> float:
    """Return a value, or the bound that it passes."""
    return min(max(value, bounds[0]), bounds[1])


def patience(waited_s: float, lost: int) -> float | None:
    """Return the mean patience in seconds: all time waited by anybody / those who gave up; None of too few.

    The maximum likelihood of an exponential patience where those who were answered are censored.
    """
    return within(waited_s / lost, PATIENCE_S) if lost >= ENOUGH_LOST else None
