"""Patience, as a log of waits tells it: who was answered would have waited longer, nobody knows how long."""

from collections import Counter
from collections.abc import Iterable


def patience(waits: Iterable[tuple[float, bool]]) -> tuple[list[float | None], list[float]]:
    """Return times of patience with their weights, which add up to 1, from waits in seconds and whether they were given up.

    The estimate of Kaplan and Meier: at each time when somebody gave up, the share that gave up of those who still
    waited. Who is left at the end has patience without end (None). Without waits there is nothing but that.
    """
    given_up: Counter[float] = Counter()
    ended: Counter[float] = Counter()
    for wait_s, is_given_up in waits:
        ended[wait_s] += 1
        given_up[wait_s] += is_given_up
    left, still, values, weights = ended.total(), 1.0, list[float | None](), list[float]()
    for wait_s in sorted(ended):
        lost = still * given_up[wait_s] / left
        if lost:
            values.append(wait_s)
            weights.append(lost)
        still -= lost
        left -= ended[wait_s]
    if still > 1e-9 or not values:
        values.append(None)
        weights.append(still)
    return values, weights
