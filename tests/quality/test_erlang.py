"""Erlang B, C and A and the estimate of a wait, against the tables of the definitions and slow ways."""

import math

import pytest

from quality import erlang
from routing.strategies import estimate_wait

# calls, AHT s, interval min, T s, target | A, N, P(wait), SL, ASA s
TABLE = [
    (100, 180, 30, 20, 0.80, 10.0000, 14, 0.174132, 0.888350, 7.8359),
    (200, 240, 30, 20, 0.80, 26.6667, 32, 0.236264, 0.848512, 10.6319),
    (8, 600, 30, 60, 0.80, 2.6667, 5, 0.161635, 0.872003, 41.5634),
    (1000, 210, 30, 30, 0.90, 116.6667, 126, 0.295442, 0.922122, 6.6475),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} calls")
def test_the_table_of_the_definitions(row):
    calls, handling, minutes, within, target, load, servers, waits, reached, asa = row
    offered = calls * handling / (minutes * 60)
    assert round(offered, 4) == load
    assert erlang.staff(offered, handling_s=handling, within_s=within, target=target) == servers
    assert erlang.waiting(offered, servers) == pytest.approx(waits, abs=5e-7)
    level = erlang.service_level(offered, servers, handling_s=handling, within_s=within)
    assert level == pytest.approx(reached, abs=5e-7)
    assert erlang.speed_of_answer(offered, servers, handling_s=handling) == pytest.approx(asa, abs=5e-5)
    fewer = erlang.service_level(offered, servers - 1, handling_s=handling, within_s=within)
    assert fewer < target


def test_blocking_is_the_quotient_of_its_sum():
    for load, servers in ((0.5, 1), (10, 14), (30, 25)):
        terms = [load**number / math.factorial(number) for number in range(servers + 1)]
        assert erlang.blocking(load, servers) == pytest.approx(terms[-1] / sum(terms), rel=1e-12)


def test_a_line_that_grows_without_end():
    assert erlang.waiting(10, 10) == 1
    assert erlang.service_level(10, 10, handling_s=60, within_s=20) == 0
    assert erlang.speed_of_answer(12, 10, handling_s=60) == math.inf


def test_the_search_for_staff_begins_just_above_the_load():
    assert erlang.staff(10.0, handling_s=180, within_s=10_000, target=0.5) == 11
    with pytest.raises(ValueError, match="below 1"):
        erlang.staff(10, handling_s=180, within_s=20, target=1)


def balance(load: float, servers: int, handling: float, patience: float) -> tuple[float, float, float]:
    """Erlang A by the equations of balance: the share that waits, that abandons, and the mean wait."""
    arrivals = load / handling
    weights = [1.0]
    while weights[-1] > 1e-18 * max(weights) or len(weights) <= servers + load:
        state = len(weights)
        leaving = min(state, servers) / handling + max(state - servers, 0) / patience
        weights.append(weights[-1] * arrivals / leaving)
    whole = sum(weights)
    line = sum((state - servers) * weight for state, weight in enumerate(weights) if state > servers) / whole
    return sum(weights[servers:]) / whole, line / patience / arrivals, line / arrivals


@pytest.mark.parametrize("load", [2.6667, 9.5, 14, 30])
@pytest.mark.parametrize(("servers", "patience"), [(5, 60), (14, 180), (14, 2000)])
def test_erlang_a_equals_the_equations_of_balance(load, servers, patience):
    found = erlang.with_patience(load, servers, handling_s=200, patience_s=patience)
    waits, abandonment, wait = balance(load, servers, 200, patience)
    assert found.waiting == pytest.approx(waits, rel=1e-9)
    assert found.abandonment == pytest.approx(abandonment, rel=1e-7)
    assert found.wait_s == pytest.approx(wait, rel=1e-7)


def test_erlang_a_with_endless_patience_is_erlang_c():
    found = erlang.with_patience(10, 14, handling_s=180, patience_s=1e7)
    assert found.waiting == pytest.approx(erlang.waiting(10, 14), rel=1e-4)
    assert found.wait_s == pytest.approx(erlang.speed_of_answer(10, 14, handling_s=180), rel=1e-3)


def test_erlang_a_holds_where_the_line_is_long():
    found = erlang.with_patience(200, 100, handling_s=180, patience_s=1e6)
    assert (found.waiting, found.abandonment) == (1, 0.5)


@pytest.mark.parametrize(("ahead", "plain", "patient"), [(0, 30.00, 30.00), (5, 180.00, 132.58), (11, 360.00, 208.12)])
def test_the_estimate_of_a_wait(ahead, plain, patient):
    assert round(estimate_wait(ahead=ahead, slots=8, handling_s=240), 2) == plain
    assert round(estimate_wait(ahead=ahead, slots=8, handling_s=240, patience_s=180), 2) == patient
    assert estimate_wait(ahead=ahead, slots=0, handling_s=240) is None
