"""Figures of days, sets of rules compared over seeds, and the command."""

import json
import math

import pytest
from django.core.management import CommandError, call_command

from quality.service_level import Policy
from quality.simulation.figures import ALL, figures, name_of
from quality.simulation.scenario import Scenario, read, understand
from quality.simulation.student import estimate
from quality.simulation.study import play, play_day
from routing.simulation.center import Center, Contact, Log, Operator, Queue, Shift, Visit
from routing.strategies import Steps
from tests.servers import ROOT

SCENARIOS = ROOT / "docs/scenarios"
POLICIES = [Policy("V2", 20), Policy("V5", 20, 5), Policy("V7", 20, 5), Policy("V9", 20), Policy("V4", 30)]
NEEDS = Steps((0.0,), (((0, 1), (1, 3)),))
CONTACTS = [
    Contact(0.0, 0, "call", 60.0, 10.0),
    Contact(0.0, 0, "call", 30.0, priority=2, steps=NEEDS),
    Contact(0.0, 0, "call", 30.0),
    Contact(0.0, 0, "call", 30.0, priority=2),
    Contact(0.0, 1, "call", 30.0, steps=Steps((0.0,), (((1, 2),),))),
    Contact(0.0, 1, "call", 30.0),
]
VISITS = [
    Visit(0, 0, 0.0, 10.0, "answered", 0),
    Visit(1, 0, 0.0, 25.0, "answered", 0),
    Visit(2, 0, 0.0, 4.0, "abandoned"),
    Visit(3, 0, 0.0, 15.0, "flowed_out"),
    Visit(3, 1, 15.0, 45.0, "unserved"),
    Visit(4, 1, 0.0, 22.0, "abandoned"),
    Visit(5, 1, 0.0, 0.0, "B2"),
]
TIMES = {"available": 50.0, "busy": 90.0, "wrapup": 10.0, "pause": 30.0, "overtime": 20.0}


@pytest.fixture(scope="module")
def told():
    one = Operator("one", frozenset({0, 1}), {"call": 1}, (Shift(0.0, 180.0),))
    scenario = Scenario(Center([Queue("first"), Queue("second")], [one], 200.0), (), ("EN", "RU"))
    return figures(scenario, Log(CONTACTS, VISITS, [TIMES], 0), POLICIES)


def test_figures_of_all_visits(told):
    assert told[ALL] == pytest.approx(
        {
            "visits": 7, "answered": 2, "abandoned": 3, "unserved": 1, "flowed_out": 1, "blocked": 1,
            "abandonment": 3 / 5,
            "wait_s": (10 + 25 + 4 + 15 + 30 + 22) / 6,
            "wait_p50_s": 15, "wait_p90_s": 30, "wait_p95_s": 30, "wait_p99_s": 30,
            "asa_s": 17.5, "aht_s": 50,
            "V2_20s": 1 / 5, "V5_20s_short5s": 1 / 4, "V7_20s_short5s": 1 / 5, "V9_20s_B1B2": 1 / 6, "V4_30s": 1.0,
            "occupancy": 120 / 170,
            "time_available": 50 / 200, "time_busy": 90 / 200, "time_wrapup": 10 / 200, "time_overtime": 20 / 200,
            "time_pause": 30 / 200, "overtime_h": 20 / 3600,
        }
    )  # fmt: skip


def test_figures_by_queue_skill_and_priority(told):
    groups = [
        ALL,
        ("queue", "first"), ("queue", "second"),
        ("skill", "EN"), ("skill", "RU"), ("skill", "none"),
        ("priority", "0"), ("priority", "2"),
    ]  # fmt: skip
    assert list(told) == groups
    assert [told[group]["visits"] for group in groups] == [7, 4, 3, 1, 2, 5, 4, 3]
    assert told["queue", "first"]["V2_20s"] == 1 / 3
    assert told["skill", "RU"]["abandonment"] == 1 / 2
    assert told["priority", "2"]["asa_s"] == 25
    # What nobody has done has no mean.
    assert "asa_s" not in told["queue", "second"] and "occupancy" not in told["queue", "first"]


def test_a_level_is_named_by_what_it_counts():
    assert name_of(Policy("V2", 20, 5)) == "V2_20s"
    assert name_of(Policy("V10", 7.5, 2, frozenset({"B1"}))) == "V10_7.5s_short2s_B1"


def test_a_difference_is_that_of_single_days():
    study = read(SCENARIOS / "mortgage.json")
    result = play(study, seeds=range(1, 5))
    pairs = [
        [play_day(study.scenarios[name], study.policies, seed=seed)[ALL]["wait_s"] for name in ("base", "sooner")]
        for seed in range(1, 5)
    ]
    found = result.differences["sooner"][ALL]["wait_s"]
    assert found == estimate([sooner - base for base, sooner in pairs])
    assert result.figures["base"][ALL]["wait_s"] == estimate([base for base, _sooner in pairs])
    # The days are the same, so their own ups and downs are not in the difference.
    assert found.high < 0
    assert result.differences["sooner"][ALL]["visits"] == estimate([0.0] * 4)


def test_one_day_has_no_interval():
    result = play(read(SCENARIOS / "line.json"), seeds=[5])
    assert result.figures["base"][ALL]["asa_s"].half is None


def test_a_day_without_contacts_has_no_figures():
    document = json.loads((SCENARIOS / "line.json").read_text())
    document["streams"]["calls"]["arrivals"]["expected"] = [0]
    found = play(understand(document), seeds=[1, 2]).figures["base"]
    assert list(found) == [ALL]
    assert found[ALL]["visits"].mean == 0
    assert "wait_s" not in found[ALL] and found[ALL]["occupancy"].mean == 0


def simulate(capsys, *arguments, **options):
    call_command("simulate", *map(str, arguments), **options)
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ["channels", "line", "mortgage"])
def test_the_command_plays_the_examples(capsys, tmp_path, name):
    out = tmp_path / "out.json"
    shown = simulate(capsys, SCENARIOS / f"{name}.json", json=out, seeds=2)
    told = json.loads(out.read_text())
    assert told["title"] in shown
    assert told["seeds"] == [1, 2]
    study = read(SCENARIOS / f"{name}.json")
    assert list(told["figures"]) == list(study.scenarios)
    assert list(told["differences"]) == [name for name in study.scenarios if name != "base"]
    assert [one["formula"] for one in told["levels"]] == [policy.formula for policy in study.policies]
    rows = {(row["by"], row["of"], row["figure"]): row for row in told["figures"]["base"]}
    first = rows["all", "", told["levels"][0]["figure"]]
    assert first["low"] < first["mean"] < first["high"] and first["days"] == 2
    assert f"{first['mean'] * 100:.2f}" in shown
    assert all(math.isfinite(row["mean"]) for row in rows.values())


def test_the_command_says_the_same_again(capsys):
    asked = (SCENARIOS / "channels.json",)
    first = simulate(capsys, *asked, seeds=1, seed=7)
    assert simulate(capsys, *asked, seeds=1, seed=7) == first
    assert simulate(capsys, *asked, seeds=1, seed=8) != first


def test_the_command_names_the_place_of_a_fault(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text((SCENARIOS / "line.json").read_text().replace('"kind": "call"', '"kind": "cal"'))
    with pytest.raises(CommandError) as told:
        call_command("simulate", str(path))
    assert str(told.value) == (
        "bad.json cannot be played:\n"
        "streams › calls › kind: there is no limit of an operator for “cal”; did you mean “call”?"
    )


def test_the_command_refuses_where_it_cannot_write(tmp_path):
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("simulate", str(SCENARIOS / "line.json"), json=tmp_path / "no/such/folder.json", seeds=1)


def test_the_command_wants_a_day_at_least():
    with pytest.raises(CommandError, match="--seeds"):
        call_command("simulate", str(SCENARIOS / "line.json"), "--seeds", "0")
