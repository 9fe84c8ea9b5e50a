"""The simulator on screen: scenarios are checked in the request and played by the worker, day by day."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from cxcenter.core import realtime
from cxcenter.core.models import AuditEntry
from quality import runs
from quality.models import SimulationRun
from quality.simulation.scenario import parse
from quality.simulation.study import play
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)

SCENARIO = {
    "title": "One or two",
    "levels": [{"formula": "V2", "within_s": 20}],
    "queues": {"line": {}},
    "operators": {
        "anna": {"queues": ["line"], "limits": {"call": 1}, "shifts": [{"begins": "08:00", "ends": "12:00"}]}
    },
    "streams": {
        "calls": {
            "queue": "line",
            "kind": "call",
            "service": {"exponential": {"mean_s": 200}},
            "patience": {"exponential": {"mean_s": 300}},
            "arrivals": {"begins": "08:00", "every_s": 3600, "expected": [15, 15, 15]},
        }
    },
    "rules": {"two": {"operators": {"anna": {"count": 2}}}},
}


@pytest.fixture
def boss(client):
    boss = world.make_user("marina", role="supervisor", team=world.make_team())
    client.force_login(boss)
    return boss


@pytest.fixture
def ask(client, boss):
    def do(document: object = None, days: int = 4, **said: object):
        text = document if isinstance(document, str) else json.dumps(document or SCENARIO)
        return client.post(reverse("board:simulator"), {"scenario": text, "days": days, **said})

    return do


def test_a_scenario_is_played_in_the_background_as_the_command_plays_it(ask, client, boss, monkeypatch):
    told = []
    monkeypatch.setattr(realtime, "push", lambda *pushes: told.extend(pushes))
    address = ask().json()["then"]
    assert 'max="4" value="0"' in client.get(address).content.decode()
    assert runs.work(seconds=60) is False
    run = SimulationRun.objects.get()
    assert (run.state, run.fault, run.played) == ("done", "", [])
    assert json.loads(run.result) == play(parse(json.dumps(SCENARIO)), seeds=range(1, 5)).as_data()
    assert [push["done"] for group, push in told if group == realtime.user_group(boss.pk)] == [1, 2, 3, 4]
    page = client.get(address).content.decode()
    assert "One or two" in page and "V2, 20 s" in page and "Δ two" in page and "▲" in page
    answer = client.get(reverse("board:simulation-json", args=[run.pk]))
    assert answer.content.decode() == run.result and "attachment" in answer["Content-Disposition"]
    assert (
        json.loads(client.get(reverse("board:simulation-json", args=[run.pk]) + "?what=scenario").content) == SCENARIO
    )


def test_faults_are_told_by_their_places_as_the_command_tells_them(ask):
    wrong = {**SCENARIO, "queues": {"lime": {"choice": "best"}}}
    answer = ask(wrong)
    words = [one["message"] for one in answer.json()["faults"]]
    assert answer.status_code == 400
    assert words == ['queues › lime › choice: choose least_loaded, longest_idle, even, random instead of "best"']
    assert ask("{").json()["faults"][0]["message"].startswith("line 1, column 2: not JSON")
    assert ask(" ").json()["field"] == "scenario"
    assert ask(days=1).json()["field"] == ask(days=999).json()["field"] == "days"
    big = {**SCENARIO, "operators": {"anna": {**SCENARIO["operators"]["anna"], "count": 2000}}, "rules": {}}
    big["operators"]["boris"] = big["operators"]["anna"]
    assert "4000 operators are too many" in ask(big).json()["message"]
    assert not SimulationRun.objects.exists()


def test_a_file_takes_the_place_of_the_text(ask):
    file = SimpleUploadedFile("x.json", json.dumps(SCENARIO).encode("utf-8-sig"))
    assert ask("nothing", file=file).status_code == 200
    assert ask("nothing", file=SimpleUploadedFile("x.json", b"\xff\xfe")).json()["field"] == "file"


def test_one_person_has_a_few_at_once_and_stops_them(ask, client):
    for _run in range(runs.AT_ONCE):
        assert ask().status_code == 200
    assert ask().json()["code"] == "busy"
    first = SimulationRun.objects.first()
    assert client.post(reverse("board:simulation-stop", args=[first.pk])).json() == {"said": "Stopped"}
    assert AuditEntry.objects.filter(act="simulation.stop", subject=f"simulation:{first.pk}").exists()
    assert client.post(reverse("board:simulation-stop", args=[first.pk])).json()["code"] == "ended"
    assert ask().status_code == 200
    runs.work(seconds=60)
    assert sorted(SimulationRun.objects.values_list("state", flat=True)) == ["done", "done", "done", "stopped"]


def test_a_turn_ends_in_time_and_the_next_goes_on_where_it_was(ask):
    ask()
    assert runs.work(seconds=0) is True
    run = SimulationRun.objects.get()
    while run.state != "done":
        before = len(run.played)
        runs._play_one(run.pk)
        run.refresh_from_db()
        assert run.state == "done" or len(run.played) == before + 1
    assert json.loads(run.result)["seeds"] == [1, 2, 3, 4]


def test_what_takes_too_long_fails_with_words(ask, monkeypatch):
    monkeypatch.setattr(runs, "LONGEST_S", 0.0)
    ask()
    runs.work(seconds=60)
    run = SimulationRun.objects.get()
    assert run.state == "failed" and "1 of 4 days" in run.fault


def test_others_runs_are_not_his_and_old_ones_are_cleared(ask, client):
    ask()
    run = SimulationRun.objects.get()
    client.force_login(world.make_user("rita", role="supervisor", team=world.make_team("Other")))
    for door in ("simulation", "simulation-part", "simulation-json", "simulation-save"):
        assert client.get(reverse(f"board:{door}", args=[run.pk])).status_code == 404, door
    assert client.post(reverse("board:simulation-stop", args=[run.pk])).status_code == 404
    SimulationRun.objects.update(state="done", made_at=timezone.now() - timedelta(days=31))
    runs.work(seconds=1)
    assert not SimulationRun.objects.exists()


def test_every_example_can_be_played(client, boss):
    page = client.get(reverse("board:simulator")).content.decode()
    examples = sorted(Path("docs/scenarios").glob("*.json"))
    assert examples
    for path in examples:
        address = reverse("board:simulator-example", args=[path.stem])
        assert address in page
        assert client.get(address).content.decode() == path.read_text()
    assert client.get("/board/simulator/examples/x/").status_code == 404
