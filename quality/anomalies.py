"""What is sharply more or less than usual, and what lasts unusually long. Pure; docs/board.md tells the same to users.

Contacts of a quarter of an hour are compared with those that came in the same quarter of the same weekday in the last
weeks. If they come as before, today's count has a negative binomial distribution: a Poisson count whose rate is known
from as many quarters as there are, with the prior of Jeffreys. A count that high or higher is to be RARE, one quarter in
ten thousand, and to be much: LEAST contacts and RATIO times the usual ones. A quarter's count only grows, so it may be
looked at while the quarter lasts without more false alarms. A count that low or lower is judged alike, when its quarter
is over: as RARE, and RATIO times fewer than usual. Where fewer than ten or so are usual, not even none is that rare.

Handling times are about log-normal (Brown et al. 2005): of a contact that lasts longer than the mean of the logarithms and
SPREADS standard deviations, there is one in thirty thousand.
"""

import math
from dataclasses import dataclass

RARE = 1e-4
LEAST, RATIO = 5, 1.5
# So many days tell what is usual, and so many legs how long contacts last.
LEAST_DAYS, LEAST_LEGS = 2, 30
SPREADS, LEAST_S = 4.0, 600.0


@dataclass(frozen=True, slots=True)
class Usual:
    """How many came in all in so many quarters of an hour that are like this one."""

    total: int
    quarters: int

    @property
    def mean(self) -> float:
        """How many are expected."""
        return self.total / self.quarters

    @property
    def variance(self) -> float:
        """The variance of today's count: that of chance, and that of not knowing the rate any better."""
        return self.mean * (1 + 1 / self.quarters)


def tail(count: int, usual: Usual) -> float:
    """Return how probable it is that so many come, or more. `count` is not below the mean."""
    shape, share = usual.total + 0.5, usual.quarters / (usual.quarters + 1)
    log = math.lgamma(count + shape) - math.lgamma(shape) - math.lgamma(count + 1)
    term = math.exp(log + shape * math.log(share) + count * math.log(1 - share))
    total = 0.0
    while term > total * 1e-12:
        total += term
        term *= (shape + count) / (count + 1) * (1 - share)
        count += 1
    return total


def at_most(usual: Usual) -> int:
    """Return the largest count that is not sharply more than usual."""
    count = max(LEAST, math.ceil(RATIO * usual.mean))
    while tail(count, usual) > RARE:
        count += 1
    return count - 1


def is_sharp(count: int, usual: Usual | None) -> bool:
    """Tell whether a count is sharply more than usual; never where too little is known of what is."""
    if usual is None or count < max(LEAST, RATIO * usual.mean):
        return False
    return tail(count, usual) <= RARE


def low_tail(count: int, usual: Usual) -> float:
    """Return how probable it is that so few come, or fewer. `count` is not above the mean."""
    shape, share = usual.total + 0.5, usual.quarters / (usual.quarters + 1)
    log = math.lgamma(count + shape) - math.lgamma(shape) - math.lgamma(count + 1)
    term = math.exp(log + shape * math.log(share) + count * math.log(1 - share))
    total = 0.0
    while count >= 0 and term > total * 1e-12:
        total += term
        term *= count / ((shape + count - 1) * (1 - share))
        count -= 1
    return total


def at_least(usual: Usual) -> int:
    """Return the smallest count that is not sharply less than usual."""
    count = math.floor(usual.mean / RATIO)
    while count >= 0 and low_tail(count, usual) > RARE:
        count -= 1
    return count + 1


def is_drop(count: int, usual: Usual | None) -> bool:
    """Tell whether the count of a quarter that is over is sharply less than usual; never where too little is known."""
    return usual is not None and count * RATIO <= usual.mean and low_tail(count, usual) <= RARE


def too_long_s(legs: int, mean_ln: float, spread_ln: float) -> float | None:
    """Return after how many seconds a contact lasts unusually long: from the mean and spread of the logarithms of so many.

    None if there are too few of them.
    """
    return max(LEAST_S, math.exp(mean_ln + SPREADS * spread_ln)) if legs >= LEAST_LEGS else None
