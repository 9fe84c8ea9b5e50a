"""Scenarios: what is read, and how faults are told."""

import copy
import json
import math

import pytest
from jsonschema import Draft202012Validator

from quality.service_level import Policy
from quality.simulation.faults import MOST, SCHEMA, BadScenario
from quality.simulation.scenario import POLICIES, merged, read, understand
from routing.simulation.center import Overflow, Shift
from routing.simulation.chance import Exponential, Fixed
from routing.simulation.demand import Arrival, draw
from routing.strategies import Rules, Steps
from tests.servers import ROOT

EXAMPLES = sorted((ROOT / "docs/scenarios").glob("*.json"))
WHOLE = {
    "title": "A day",
    "closes": "20:00:30",
    "levels": [{"formula": "V10", "within_s": 30, "short_s": 5, "blocked": ["B1"]}],
    "queues": {
        "sales": {
            "choice": "longest_idle",
            "priority_weight": 90,
            "full_at": 5,
            "overflow": [
                {"when": "length", "limit": 3, "then": "close"},
                {"when": "waited", "limit": 60, "then": "queue", "to": "second"},
            ],
            "steps": [{"after_s": 0, "needs": {"RU": 4, "EN": 2}}, {"after_s": 20, "needs": {"RU": 3}}],
        },
        "second": {"overflow": [{"when": "waited", "limit": 300, "then": "close"}]},
    },
    "operators": {
        "anna": {
            "count": 2,
            "queues": ["sales", "second"],
            "limits": {"call": 1, "chat": 3},
            "skills": {"RU": 5, "EN": 3},
            "shifts": [{"begins": "08:00", "ends": 61200, "breaks": [{"begins": "12:00", "ends": "12:30"}]}],
        }
    },
    "streams": {
        "new": {
            "queue": "sales",
            "kind": "call",
            "service": {"exponential": {"mean_s": 180}},
            "arrivals": {"begins": "08:00", "every_s": 900, "expected": [2, 3.5]},
        },
        "known": {
            "queue": "second",
            "kind": "chat",
            "priority": 1,
            "needs": {"EN": 1},
            "service": {"fixed": {"value_s": 60}},
            "wrapup": {"fixed": {"value_s": 5}},
            "patience": {"empirical": {"values_s": [10, None], "weights": [1, 3]}},
            "log": [{"at": "09:00"}, {"at": 40000, "priority": 2, "patience_s": 7, "service_s": 8, "needs": {"RU": 2}}],
        },
    },
    "rules": {"age": {"queues": {"sales": {"priority_weight": 0}}, "operators": {"anna": {"count": 3}}}},
}


def test_a_whole_scenario_is_understood():
    study = understand(WHOLE)
    assert (study.title, list(study.scenarios)) == ("A day", ["base", "age"])
    assert study.policies == (Policy("V10", 30, 5, frozenset({"B1"})),)
    base = study.scenarios["base"]
    sales, second = base.center.queues
    assert base.skills == ("EN", "RU")
    assert sales.rules == Rules(priority_weight=90, choice="longest_idle")
    assert (sales.full_at, second.full_at) == (5, None)
    assert sales.overflow == (Overflow("length", "close", 3), Overflow("waited", "queue", 60, 1))
    assert second.overflow == (Overflow("waited", "close", 300),)
    anna, other = base.center.operators
    assert (anna.name, other.name, anna.skills) == ("anna 1", "anna 2", {0: 3, 1: 5})
    assert anna.shifts == (Shift(28800, 61200, ((43200, 45000),)),)
    assert base.center.closes == 72030
    new, known = base.streams
    assert (new.edges, new.expected, new.service) == ([28800, 29700, 30600], [2, 3.5], Exponential(180))
    assert new.steps == Steps((0, 20), (((0, 2), (1, 4)), ((1, 3),)))
    assert new.patience == Fixed(math.inf)
    assert known.log == [Arrival(32400), Arrival(40000, 2, Steps((0,), (((1, 2),),)), None, 7, 8)]
    assert (known.priority, known.steps, known.wrapup) == (1, Steps((0,), (((0, 1),),)), Fixed(5))
    assert [known.patience.quantile(share) for share in (0, 0.24, 0.26, 0.99)] == [10, 10, math.inf, math.inf]


def test_rules_are_what_differs():
    base, age = understand(WHOLE).scenarios.values()
    assert (age.center.queues[0].rules, base.center.queues[0].rules.priority_weight) == (
        Rules(0, 1, "longest_idle"),
        90,
    )
    assert [one.name for one in age.center.operators] == ["anna 1", "anna 2", "anna 3"]
    assert draw(age.streams, seed=3) == draw(base.streams, seed=3)


def test_a_merge_patch():
    # From the table of RFC 7396, appendix A.
    assert merged({"a": "b"}, {"a": "c"}) == {"a": "c"}
    assert merged({"a": "b", "b": "c"}, {"a": None}) == {"b": "c"}
    assert merged({"a": [{"b": "c"}]}, {"a": [1]}) == {"a": [1]}
    assert merged({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}) == {"a": {"b": "d"}}
    assert merged(["a", "b"], {"a": {"bb": {"ccc": None}}}) == {"a": {"bb": {}}}


def test_without_levels_all_ten_are_told_and_it_closes_with_the_last_shift():
    plain = {name: value for name, value in WHOLE.items() if name not in {"levels", "closes"}}
    study = understand(plain)
    assert study.policies == POLICIES
    assert [policy.formula for policy in POLICIES] == [f"V{number}" for number in range(1, 11)]
    assert study.scenarios["base"].center.closes == 61200


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_right(path):
    study = read(path)
    assert len(study.scenarios) > 1


def test_the_example_of_the_document_is_right():
    text = (ROOT / "docs/simulator.md").read_text()
    study = understand(json.loads(text.split("```json\n")[1].split("```")[0]))
    assert list(study.scenarios) == ["base", "sooner", "one more"]


def test_the_schema_is_one():
    Draft202012Validator.check_schema(json.loads(SCHEMA.read_text()))


def test_there_are_examples():
    assert [path.stem for path in EXAMPLES] == ["channels", "line", "mortgage"]


def changed(place: str, value: object) -> dict:
    document = copy.deepcopy(WHOLE)
    *path, last = place.split("/")
    part = document
    for step in path:
        part = part[int(step)] if isinstance(part, list) else part[step]
    if value is ...:
        del part[last]
    elif isinstance(part, list):
        part[int(last)] = value
    else:
        part[last] = value
    return document


FAULTS = [
    ("queues", ..., "“queues” is missing"),
    ("title", 7, "title: write a text instead of 7"),
    ("queues", {}, "queues: it is empty: write at least one"),
    ("queues/sales/chioce", "even", "queues › sales: there is no setting “chioce”; did you mean “choice”?"),
    ("queues/sales/choice", "best", "queues › sales › choice: choose least_loaded, longest_idle, even, random instead"),
    ("queues/sales/full_at", -1, "queues › sales › full_at: write 0 or more instead of -1"),
    ("queues/sales/full_at", 1.5, "queues › sales › full_at: write a whole number instead of 1.5"),
    ("queues/sales/overflow/1/to", "secnd", "queues › sales › overflow › 2 › to: there is no queue “secnd”; did you mean “second”"),
    ("queues/second/overflow/0", {"when": "nobody", "then": "queue", "to": "sales"}, "overflow › 2 › to: contacts would go in a circle (sales → second"),
    ("queues/sales/overflow/0", {"when": "length", "then": "close"}, "overflow › 1: “length” needs a number: write “limit”"),
    ("queues/sales/overflow/0", {"when": "nobody", "then": "close", "limit": 3}, "“nobody” needs no “limit”: take it out"),
    ("queues/sales/overflow/0", {"when": "nobody", "then": "queue"}, "overflow › 1: to which queue? Write “to”"),
    ("queues/sales/overflow/0/to", "second", "overflow › 1: only “queue” needs “to”: take it out"),
    ("queues/sales/overflow/0/when", "hours", "overflow › 1 › when: choose waited, length, nobody instead of"),
    ("queues/sales/steps/0/after_s", 1, "queues › sales › steps › 1 › after_s: the first step begins at 0"),
    ("queues/sales/steps/1/after_s", 0, "queues › sales › steps › 2 › after_s: a step begins later than"),
    ("queues/sales/steps/0/needs", {"UR": 3}, "queues › sales › steps › 1 › needs: there is no skill of an operator “UR”; there is EN, RU"),
    ("queues/sales/steps/0/needs", {"RU": 6}, "steps › 1 › needs › RU: write 5 or less instead of 6"),
    ("levels/0/short_s", 30, "levels › 1: an abandon is short below"),
    ("levels/0/formula", "V0", "levels › 1 › formula: choose V1, V2"),
    ("operators/anna/queues", ["nothing"], "operators › anna › queues › 1: there is no queue “nothing”; there is sales, second"),
    ("operators/anna/shifts/0/begins", "8 am", "shifts › 1 › begins: write a time like 08:30 or 08:30:15 instead of \"8 am\""),
    ("operators/anna/shifts/0/begins", "18:00", "operators › anna › shifts › 1: a shift ends after it begins"),
    ("operators/anna/shifts", [{"begins": 0, "ends": 9}, {"begins": 8, "ends": 99999}], "shifts › 2: a shift begins after the one"),
    ("operators/anna/limits", {}, "operators › anna › limits: it is empty"),
    ("streams/new/service", {"fixd": {"value_s": 1}}, "streams › new › service: there is no setting “fixd”; did you mean “fixed”?"),
    ("streams/new/service", {}, "streams › new › service: it is empty"),
    ("streams/new/service", {"fixed": {"value_s": 1}, "exponential": {"mean_s": 1}}, "service: write no more than 1, not 2"),
    ("streams/new/service", {"exponential": {"mean_s": 0}}, "exponential › mean_s: write more than 0 instead of 0"),
    ("streams/new/service", {"empirical": {"values_s": [None]}}, "values_s: null is for patience"),
    ("streams/known/patience/empirical/weights", [1], "weights: write one weight for each value"),
    ("streams/new/service", ..., "streams › new: “service” is missing"),
    ("streams/new/queue", "sale", "streams › new › queue: there is no queue “sale”; did you mean “sales”?"),
    ("streams/new/kind", "mail", "streams › new › kind: there is no limit of an operator for “mail”; there is call, chat"),
    ("streams/new/log", [{"at": 0}], "streams › new: write either “arrivals” or “log”"),
    ("streams/known/steps", [{"after_s": 0, "needs": {}}], "streams › known: write either “needs” or “steps”"),
    ("streams/new/arrivals/begins", "19:45", "arrivals: they end at 20:15, but the center closes at 20:00:30"),
    ("streams/known/log/0/at", "20:00:30", "streams › known › log › 1 › at: it comes when the center has closed (20:00:30)"),
    ("streams/known/log/1/needs", {"FR": 1}, "log › 2 › needs: there is no skill of an operator “FR”; there is EN, RU"),
    ("rules/age/queues/sales/choice", "x", "rules › age: queues › sales › choice: choose"),
    ("rules/base", {}, "“base” is the scenario itself"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "value", "words"), FAULTS, ids=[words for _place, _value, words in FAULTS])
def test_a_fault_is_told_with_its_place(place, value, words):
    with pytest.raises(BadScenario) as told:
        understand(changed(place, value))
    assert words in str(told.value)


def test_nobody_works():
    document = changed("operators/anna/shifts", [])
    with pytest.raises(BadScenario, match="operators: nobody has a shift"):
        understand({name: value for name, value in document.items() if name != "closes"})


def test_all_faults_are_told_at_once_but_not_too_many():
    document = changed("title", 7)
    document["queues"] = {f"q{number}": {"full_at": -1} for number in range(MOST + 2)}
    with pytest.raises(BadScenario) as told:
        understand(document)
    assert len(str(told.value).splitlines()) == MOST + 1
    assert str(told.value).endswith("and 3 more")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b'{"title": "x",\n "queues": }', "line 2, column 12: not JSON"),
        (b'{"queues": {"a": {}, "a": {}}}', "“a” stands twice"),
        ("{“".encode("utf-16"), "is not UTF-8"),
        (b'{"title": NaN}', "NaN is not a number of JSON"),
        (b"[]", "write an object {…} instead of []"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path, text, words):
    path = tmp_path / "scenario.json"
    path.write_bytes(text)
    with pytest.raises(BadScenario) as told:
        read(path)
    assert words in str(told.value)


def test_no_file(tmp_path):
    with pytest.raises(BadScenario, match="cannot be read: No such file"):
        read(tmp_path / "none.json")


def test_a_mark_at_the_beginning_of_the_file_is_no_fault(tmp_path):
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(WHOLE), encoding="utf-8-sig")
    assert read(path).title == "A day"
