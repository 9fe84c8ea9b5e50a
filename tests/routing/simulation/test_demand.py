"""Who comes and what is drawn for them."""

import math
import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.simulation.chance import AT_ONCE, NEVER, Empirical, Exponential, Fixed, Lognormal
from routing.simulation.demand import Arrival, Stream, draw
from routing.strategies import Steps

CHANCES = [Fixed(7.0), Exponential(120.0), Lognormal(200.0, 150.0), Empirical([5.0, 1.0, 9.0], [1.0, 2.0, 1.0])]
CALLS = Stream(
    "calls",
    0,
    "call",
    Exponential(180.0),
    Exponential(90.0),
    edges=(0.0, 100.0, 200.0, 300.0),
    expected=(400.0, 0.0, 100.0),
)


@pytest.mark.parametrize("chance", CHANCES, ids=lambda chance: type(chance).__name__)
@given(share=st.floats(0, 1, exclude_max=True), other=st.floats(0, 1, exclude_max=True))
def test_a_larger_lot_is_no_shorter_time(chance, share, other):
    low, high = sorted([share, other])
    assert 0 <= chance.quantile(low) <= chance.quantile(high) < math.inf


def test_distributions_have_the_moments_that_are_asked_for():
    lots = [(number + 0.5) / 200_000 for number in range(200_000)]
    exponential = [Exponential(120.0).quantile(lot) for lot in lots]
    assert statistics.fmean(exponential) == pytest.approx(120, rel=1e-3)
    assert statistics.pstdev(exponential) == pytest.approx(120, rel=1e-2)
    lognormal = [Lognormal(200.0, 150.0).quantile(lot) for lot in lots]
    assert statistics.fmean(lognormal) == pytest.approx(200, rel=1e-3)
    assert statistics.pstdev(lognormal) == pytest.approx(150, rel=1e-2)


def test_what_was_seen_comes_as_often_as_it_weighs():
    chance = Empirical([5.0, 1.0, math.inf], [1.0, 2.0, 1.0])
    assert [chance.quantile(share) for share in (0, 0.49, 0.5, 0.74, 0.75, 0.99)] == [1, 1, 5, 5, math.inf, math.inf]
    assert [Empirical([3.0, 1.0]).quantile(share) for share in (0.49, 0.5)] == [1, 3]
    assert (NEVER.quantile(0.5), AT_ONCE.quantile(0.5)) == (math.inf, 0)


def test_as_many_come_in_each_interval_as_are_expected():
    counts = [[0, 0, 0] for _seed in range(300)]
    for seed, count in enumerate(counts):
        for contact in draw([CALLS], seed=seed):
            count[int(contact.at // 100)] += 1
    first, none, last = zip(*counts, strict=True)
    # Poisson: the variance is the mean. Means of 300 days, within four standard errors.
    assert statistics.fmean(first) == pytest.approx(400, abs=4 * 20 / math.sqrt(300))
    assert statistics.fmean(last) == pytest.approx(100, abs=4 * 10 / math.sqrt(300))
    assert set(none) == {0}
    assert statistics.variance(first) == pytest.approx(400, rel=0.35)
    assert abs(statistics.correlation(first, last)) < 0.25


def test_a_seed_is_a_day():
    assert draw([CALLS], seed=1) == draw([CALLS], seed=1) != draw([CALLS], seed=2)
    times = [contact.at for contact in draw([CALLS], seed=1)]
    assert times == sorted(times)


def test_each_contact_has_a_lot_of_its_own():
    crowd = [one for seed in range(10) for one in draw([CALLS], seed=seed)]
    service, patience = [one.service_s for one in crowd], [one.patience_s for one in crowd]
    assert len(set(service)) == len(crowd) > 4000
    assert statistics.fmean(service) == pytest.approx(180, rel=0.06)
    assert statistics.fmean(patience) == pytest.approx(90, rel=0.06)
    # Independent of each other, of the next contact, of the same contact in another stream.
    limit = 4 / math.sqrt(len(crowd))
    assert abs(statistics.correlation(service, patience)) < limit
    assert abs(statistics.correlation(service[1:], service[:-1])) < limit
    other = [one.service_s for seed in range(10) for one in draw([replace(CALLS, name="other")], seed=seed)]
    size = min(len(service), len(other))
    assert abs(statistics.correlation(service[:size], other[:size])) < limit


def test_people_stay_the_same_under_other_rules():
    """Steps, priority, another stream beside it: arrivals, service and patience of each contact are the same."""
    other = replace(CALLS, priority=3, steps=Steps((0.0,), (((1, 2),),)), credit_s=5.0)
    beside = replace(CALLS, name="more", queue=1)

    def people(*streams):
        drawn = [contact for contact in draw(streams, seed=4) if contact.queue == 0]
        return [(one.at, one.service_s, one.wrapup_s, one.patience_s) for one in drawn]

    assert people(other) == people(CALLS) == people(beside, CALLS)


def test_a_longer_mean_stretches_the_time_of_each():
    longer = draw([replace(CALLS, service=Exponential(360.0))], seed=4)
    assert [one.service_s for one in longer] == [pytest.approx(2 * one.service_s) for one in draw([CALLS], seed=4)]


def test_a_log_is_taken_as_it_is_and_filled_up():
    log = (
        Arrival(50.0),
        Arrival(10.0, priority=2, credit_s=90.0, patience_s=7.0, service_s=8.0, steps=Steps((0.0,), (((0, 1),),))),
    )
    stream = Stream("log", 3, "mail", Fixed(60.0), Fixed(30.0), Fixed(5.0), priority=1, log=log)
    first, second = draw([stream], seed=1)
    assert (first.at, first.priority, first.credit_s, first.patience_s, first.service_s) == (10, 2, 90, 7, 8)
    assert first.steps.at(0) == ((0, 1),)
    assert (second.at, second.priority, second.credit_s, second.patience_s, second.service_s) == (50, 1, 0, 30, 60)
    assert {(one.queue, one.kind, one.wrapup_s) for one in (first, second)} == {(3, "mail", 5)}
    assert [one.at for one in draw([stream], seed=1, until=50.0)] == [10]
