"""Student's t: intervals of confidence for a mean of few values."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean of `n` values and its interval; of one value the interval is unknown (None)."""

    mean: float
    half: float | None
    n: int

    @property
    def low(self) -> float | None:
        """The lower end of the interval."""
        return None if self.half is None else self.mean - self.half

    @property
    def high(self) -> float | None:
        """The upper end of the interval."""
        return None if self.half is None else self.mean + self.half

    def holds(self, value: float) -> bool:
        """Tell whether a value lies in the interval."""
        return self.half is not None and abs(value - self.mean) <= self.half


def estimate(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Return the mean of independent values with its interval of confidence, by Student's t."""
    n, mean = len(values), statistics.fmean(values)
    if n < 2:
        return Estimate(mean, None, n)
    return Estimate(mean, quantile((1 + confidence) / 2, n - 1) * statistics.stdev(values) / math.sqrt(n), n)


@cache
def quantile(share: float, degrees: int) -> float:
    """Return the t that so large a share, from 0.5 to below 1, does not exceed. Halving finds it to the last digits."""
    low, high = 0.0, 1.0
    while _share(high, degrees) < share:
        high *= 2
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _share(middle, degrees) < share else (low, middle)
    return high


def _share(t: float, degrees: int) -> float:
    """Return the distribution function for t ≥ 0, exact for whole degrees.

    M. Abramowitz and I. Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4: the share within ±t.
    """
    angle = math.atan(t / math.sqrt(degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    if degrees % 2:
        term, total = cosine, 0.0
        for power in range(3, degrees + 1, 2):
            total += term
            term *= cosine * cosine * (power - 1) / power
        within = (angle + sine * total) * 2 / math.pi
    else:
        term, total = 1.0, 0.0
        for power in range(2, degrees + 1, 2):
            total += term
            term *= cosine * cosine * (power - 1) / power
        within = sine * total
    return (1 + within) / 2
