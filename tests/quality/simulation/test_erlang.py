"""The simulator against the formulas: what they tell lies in the interval of confidence over seeds."""

import math
from heapq import heapify, heapreplace

import pytest

from quality import erlang
from quality.simulation.student import estimate
from routing.simulation.center import Center, Operator, Queue, Shift
from routing.simulation.chance import Exponential
from routing.simulation.demand import Stream, draw
from routing.simulation.run import run
from tests.quality.simulation.lines import HOUR, days, mean
from tests.quality.test_erlang import TABLE

# Some thirty figures are compared on seeds that nobody has chosen: each may miss once in a hundred times.
CONFIDENCE = 0.99


def assert_told(figure, values, formula, *, within):
    """The formula lies in the interval, and the interval is narrow enough to say something."""
    found = estimate(values, CONFIDENCE)
    words = f"{figure}: {found.mean:.4f} ± {found.half:.4f}, by the formula {formula:.4f}"
    assert found.holds(formula), words
    assert found.half < within * formula, words


@pytest.mark.parametrize(("row", "hours"), zip(TABLE[:3], (60, 60, 400), strict=True), ids=str)
def test_erlang_c(row, hours):
    calls, handling, minutes, within, _target, _load, servers, *_told = row
    load = calls * handling / (minutes * 60)
    waits = [
        [visit.wait_s for visit in visits]
        for visits in days(calls_per_hour=calls * 60 / minutes, handling_s=handling, servers=servers, hours=hours)
    ]
    assert_told("P(wait)", [mean(one > 0 for one in day) for day in waits], erlang.waiting(load, servers), within=0.2)
    asa = erlang.speed_of_answer(load, servers, handling_s=handling)
    assert_told("ASA", [mean(day) for day in waits], asa, within=0.35)
    late = 1 - erlang.service_level(load, servers, handling_s=handling, within_s=within)
    assert_told("1 - SL", [mean(one > within for one in day) for day in waits], late, within=0.35)


@pytest.mark.parametrize(
    ("load", "servers", "handling", "patience"),
    [(10, 14, 180, 180), (10, 10, 180, 180), (30, 25, 240, 120)],
)
def test_erlang_a(load, servers, handling, patience):
    told = erlang.with_patience(load, servers, handling_s=handling, patience_s=patience)
    found = list(
        days(
            calls_per_hour=load * HOUR / handling,
            handling_s=handling,
            servers=servers,
            patience=Exponential(patience),
            hours=6000 / (load * HOUR / handling),
        )
    )
    lost = [mean(visit.outcome == "abandoned" for visit in visits) for visits in found]
    assert_told("abandonment", lost, told.abandonment, within=0.2)
    assert_told("E[W]", [mean(visit.wait_s for visit in visits) for visits in found], told.wait_s, within=0.2)
    assert_told("P(wait)", [mean(visit.wait_s > 0 for visit in visits) for visits in found], told.waiting, within=0.2)


@pytest.mark.parametrize(("load", "servers"), [(10, 10), (3, 6)])
def test_erlang_b(load, servers):
    """A queue where nobody may wait blocks as many as there find no line."""
    found = days(calls_per_hour=load * 20, handling_s=180, servers=servers, hours=6000 / (load * 20), full_at=0)
    blocked = [mean(visit.outcome == "B2" for visit in visits) for visits in found]
    assert_told("blocked", blocked, erlang.blocking(load, servers), within=0.2)


def test_waits_equal_those_of_a_plain_recursion():
    """The largest row of the table: with one queue, whoever comes next gets the operator who is free first."""
    calls, handling, *_more = TABLE[3]
    servers, ends = 126, 4 * HOUR
    contacts = draw(
        [Stream("calls", 0, "call", Exponential(handling), edges=(0.0, ends), expected=(calls * 8,))], seed=1
    )
    free = [0.0] * servers
    heapify(free)
    waits = []
    for contact in contacts:
        begins = max(free[0], contact.at)
        heapreplace(free, begins + contact.service_s)
        waits.append(begins - contact.at)
    server = Operator("one", frozenset({0}), {"call": 1}, (Shift(0.0, 2 * ends),))
    log = run(Center([Queue("line")], [server] * servers, 2 * ends), contacts)
    assert {visit.contact: visit.wait_s for visit in log.visits} == dict(enumerate(waits))
    assert max(waits) > 10


def test_a_formula_that_does_not_fit_is_noticed():
    """The same day with one server fewer than the formula is told: its figures lie outside."""
    load, servers, handling = 10, 14, 180
    visits = days(calls_per_hour=200, handling_s=handling, servers=servers - 1, hours=20)
    found = estimate([mean(visit.wait_s > 0 for visit in day) for day in visits], CONFIDENCE)
    assert not found.holds(erlang.waiting(load, servers))
    assert math.isclose(found.mean, erlang.waiting(load, servers - 1), rel_tol=0.1)
