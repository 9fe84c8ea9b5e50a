"""Patience out of a log, against sums by hand and against what it was drawn from."""

import math
from random import Random

import pytest

from quality.simulation.patience import patience
from routing.simulation.chance import Empirical


def test_by_hand():
    waits = [(2, True), (3, False), (5, True), (5, False), (7, True), (9, False)]
    values, weights = patience(waits)
    # Of six, four and two who still waited one gave up each time.
    assert values == [2, 5, 7, None]
    assert weights == pytest.approx([1 / 6, 5 / 6 / 4, 5 / 6 * 3 / 4 / 2, 5 / 6 * 3 / 4 / 2])


def test_everybody_gave_up():
    values, weights = patience([(4, True), (1, True)])
    assert (values, weights) == ([1, 4], pytest.approx([0.5, 0.5]))


def test_nobody_gave_up():
    assert patience([(4, False)]) == patience([]) == ([None], [1.0])


def test_it_finds_what_the_waits_were_made_of():
    lot = Random(1)
    pairs = [(lot.expovariate(1 / 120), lot.expovariate(1 / 90)) for _contact in range(20_000)]
    values, weights = patience([(min(pair), pair[0] < pair[1]) for pair in pairs])
    found = Empirical([math.inf if value is None else value for value in values], weights)
    for share in (0.1, 0.3, 0.5, 0.7):
        assert found.quantile(share) == pytest.approx(-120 * math.log(1 - share), rel=0.06)
    # The mean of those who gave up says nothing of the kind.
    assert sum(gone for gone, served in pairs if gone < served) / sum(gone < served for gone, served in pairs) < 60
