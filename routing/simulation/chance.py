"""Times that are drawn: each distribution tells its quantile, so one number from 0 to 1 becomes one time.

The same number drawn for a contact gives it the same time under all rules, and a longer one under a longer mean.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import NormalDist
from typing import Protocol

_NORMAL = NormalDist()
# Lots are whole multiples of this; of 0 itself there is no quantile.
_LEAST = 2.0**-53


class Chance(Protocol):
    """A distribution of seconds."""

    def quantile(self, share: float) -> float:
        """Return the time that so large a share, from 0 to below 1, does not reach."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same; infinite for endless patience."""

    value_s: float

    def quantile(self, share: float) -> float:
        """Return the time."""
        return self.value_s


NEVER = Fixed(math.inf)
AT_ONCE = Fixed(0.0)


@dataclass(frozen=True, slots=True)
class Exponential:
    """Without memory."""

    mean_s: float

    def quantile(self, share: float) -> float:
        """Return the time that so large a share does not reach."""
        return -self.mean_s * math.log1p(-share)


@dataclass(frozen=True, slots=True)
class Lognormal:
    """What times of handling usually look like."""

    mean_s: float
    sd_s: float

    def quantile(self, share: float) -> float:
        """Return the time that so large a share does not reach."""
        variance = math.log1p((self.sd_s / self.mean_s) ** 2)
        middle = math.log(self.mean_s) - variance / 2
        return math.exp(middle + math.sqrt(variance) * _NORMAL.inv_cdf(max(share, _LEAST)))


class Empirical:
    """Times that were seen, by weight."""

    def __init__(self, values_s: Sequence[float], weights: Sequence[float] | None = None) -> None:
        rows = sorted(zip(values_s, weights or [1.0] * len(values_s), strict=True))
        self._values = [value for value, _weight in rows]
        self._sums = list(accumulate(weight for _value, weight in rows))

    def quantile(self, share: float) -> float:
        """Return the time that so large a share does not reach."""
        place = bisect_right(self._sums, share * self._sums[-1])
        return self._values[min(place, len(self._values) - 1)]
