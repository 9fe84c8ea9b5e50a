"""Student's t, against printed tables."""

import math

import pytest

from quality.simulation.student import estimate, quantile

# Abramowitz and Stegun, table 26.10; the row of one degree is exact: tan(π(share − 1/2)).
TABLE = [
    (0.975, 1, 12.706), (0.975, 2, 4.303), (0.975, 3, 3.182), (0.975, 4, 2.776), (0.975, 9, 2.262),
    (0.975, 10, 2.228), (0.975, 19, 2.093), (0.975, 29, 2.045), (0.975, 30, 2.042), (0.975, 120, 1.980),
    (0.95, 5, 2.015), (0.95, 9, 1.833), (0.995, 9, 3.250), (0.995, 20, 2.845), (0.9995, 7, 5.408),
]  # fmt: skip


@pytest.mark.parametrize(("share", "degrees", "t"), TABLE)
def test_the_table(share, degrees, t):
    assert round(quantile(share, degrees), 3) == t


def test_exact_values():
    assert quantile(0.975, 1) == pytest.approx(math.tan(math.pi * 0.475), rel=1e-12)
    assert quantile(0.5, 7) == pytest.approx(0, abs=1e-12)


def test_an_estimate_of_few_values():
    found = estimate([1.0, 2.0, 3.0, 4.0])
    assert found.mean == 2.5
    assert found.half == pytest.approx(3.18245 * math.sqrt(5 / 3) / 2, rel=1e-5)
    assert found.holds(0.5) and found.holds(4.5) and not found.holds(0.4)
    assert (found.low, found.high) == (2.5 - found.half, 2.5 + found.half)


def test_one_value_has_no_interval():
    found = estimate([7.0])
    assert (found.mean, found.half, found.low, found.high, found.holds(7.0)) == (7.0, None, None, None, False)
