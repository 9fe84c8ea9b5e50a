"""Service level: the ten formulas, against the check of the definitions."""

from random import Random

import pytest

from quality.service_level import FORMULAS, Counts, Policy, count, level

CHECK = Counts(answered=1000, abandoned=60, answered_in_time=860, abandoned_in_time=20, abandoned_short=10)


def share(formula: str, counts: Counts, **policy) -> float | None:
    return level(Policy(formula, within_s=20, short_s=5, **policy), counts)


@pytest.mark.parametrize(
    ("formula", "percent"),
    [("V1", 86.00), ("V2", 81.13), ("V3", 82.69), ("V4", 83.02), ("V5", 81.90), ("V6", 82.08)],
)
def test_the_numbers_of_the_definitions(formula, percent):
    assert round(100 * share(formula, CHECK), 2) == percent


def test_flow_outs_callbacks_and_blocked_count_where_the_formula_has_them():
    more = CHECK + Counts(callbacks=40, callbacks_in_time=30, flowed_out=50, blocked={"B1": 7, "B2": 5, "B3": 100})
    for formula in ("V1", "V2", "V3", "V4", "V5", "V6"):
        assert share(formula, more) == share(formula, CHECK)
    assert share("V7", more) == 860 / (1000 + 60 - 10 + 50)
    assert share("V8", more) == (860 + 20 + 30) / (1000 + 60 + 40 + 50)
    assert share("V9", more) == 860 / (1000 + 60 + 12)
    assert share("V10", more) == 860 / (1000 + 60 - 10 + 12)


def test_a_policy_names_the_kinds_of_blocked_that_count():
    counts = Counts(answered=10, answered_in_time=10, blocked={"B1": 10, "B2": 20, "B3": 40})
    assert share("V9", counts, blocked=frozenset({"B1"})) == 10 / 20
    assert share("V9", counts, blocked=frozenset({"B1", "B2", "B3"})) == 10 / 80
    assert share("V9", counts, blocked=frozenset()) == 1


def test_of_nothing_there_is_no_level():
    assert [share(formula, Counts()) for formula in FORMULAS] == [None] * 10
    assert share("V3", Counts(abandoned=4, abandoned_in_time=4)) is None


def test_thresholds_are_inclusive():
    visits = [("answered", 20.0), ("answered", 20.001), ("abandoned", 5.0), ("abandoned", 5.001), ("abandoned", 21.0)]
    counts = count(Policy("V2", within_s=20, short_s=5), visits)
    assert (counts.answered, counts.answered_in_time) == (2, 1)
    assert (counts.abandoned, counts.abandoned_in_time, counts.abandoned_short) == (3, 2, 1)


def test_without_a_threshold_no_abandon_is_short():
    assert count(Policy("V5"), [("abandoned", 0.0)]).abandoned_short == 0
    assert count(Policy("V5", short_s=0), [("abandoned", 0.0)]).abandoned_short == 1


def test_counts_of_intervals_add_up():
    draw = Random(1)
    outcomes = ["answered", "abandoned", "callback", "flowed_out", "B1", "B2", "B3", "withdrawn"]
    visits = [(draw.choice(outcomes), draw.uniform(0, 40)) for _visit in range(200)]
    policy = Policy("V8", short_s=5)
    whole = count(policy, visits)
    assert count(policy, visits[:70]) + count(policy, visits[70:]) == whole
    assert whole.queued == sum(outcome in {"answered", "abandoned", "callback", "flowed_out"} for outcome, _s in visits)


def test_formulas_can_be_shown():
    assert str(Policy("V2")) == "V2, 20 s: A_T / (A + L)"
    assert str(FORMULAS["V3"]) == "A_T / (A + L − L_T)"
    assert str(FORMULAS["V8"]) == "(A_T + L_T + C_T) / Q"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"formula": "V11"}, "one of V1, V2"),
        ({"within_s": -1}, "0 s or more"),
        ({"within_s": 20, "short_s": 20}, "short below"),
        ({"short_s": -1}, "short below"),
        ({"blocked": frozenset({"B4"})}, "not B4"),
    ],
)
def test_a_policy_that_cannot_be(wrong, words):
    with pytest.raises(ValueError, match=words):
        Policy(**wrong)
