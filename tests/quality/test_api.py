"""Metrics by REST and on the command line: the same numbers, of own teams for supervisors."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cxcenter.accounts.roles import Role
from quality import rollups
from quality.metrics.registry import METRICS
from quality.metrics.reports import Asked, report
from tests import world
from tests.api.callers import problem, session, token
from tests.quality.history import History
from tests.quality.test_reports import SINCE, UNTIL

pytestmark = pytest.mark.django_db
SPAN = "since=2026-03-27T20:00:00Z&until=2026-03-31T20:00:00Z"


@pytest.fixture
def history():
    return History(8).keep()


@pytest.fixture
def marina(history):
    return world.make_user("marina", Role.SUPERVISOR, history.queues[0].team)


def test_the_catalogue_tells_names_formulas_and_units_in_the_readers_language(history):
    rows = token("metrics:read").get("metrics/").json()["results"]
    assert [row["code"] for row in rows] == list(METRICS)
    level = next(row for row in rows if row["code"] == "level_v5")
    assert (level["formula"], level["unit"], level["parameters"]) == ("A_T / (A + L − L_S)", "share", ["T", "S"])
    assert all(row["name"] and row["formula"] and row["source"] for row in rows)


def test_a_report_is_that_of_the_product_and_of_the_command(history):
    told = report(Asked(SINCE, UNTIL, by=("queue", "priority")))
    body = token("metrics:read").get(f"metrics/report/?{SPAN}&by=queue,priority").json()
    out = io.StringIO()
    call_command(
        "metrics",
        since="2026-03-27T20:00:00Z",
        until="2026-03-31T20:00:00Z",
        by="queue,priority",
        json=True,
        stdout=out,
    )
    for answer in (body, json.loads(out.getvalue())):
        assert [(row["keys"], row["values"]) for row in answer["rows"]] == [(row.keys, row.values) for row in told.rows]
        assert answer["whole"] == told.whole
        assert answer["names"]["queue"] == {str(queue.pk): queue.name for queue in history.queues}
        assert answer["metrics"]["asa"] == "s"


def test_a_supervisor_sees_the_numbers_of_own_teams_and_quality_those_of_all(history, marina):
    own = {queue.pk for queue in history.queues if queue.team == marina.team}
    rows = session(marina).get(f"metrics/report/?{SPAN}&by=queue").json()["rows"]
    assert {row["keys"]["queue"] for row in rows} == own
    offered = sum(visit.queue_id in own for visit in history.written.visits)
    assert sum(row["values"]["offered"] for row in rows) == offered
    contacts = session(marina).rows(f"metrics/contacts/?{SPAN}&metric=offered&page_size=10")
    assert len(contacts) == offered
    assert session(marina).rows(f"metrics/contacts/?{SPAN}&metric=bot") == []
    other = next(queue.pk for queue in history.queues if queue.pk not in own)
    assert session(marina).rows(f"metrics/contacts/?{SPAN}&metric=offered&queue={other}") == []
    everybody = {queue.pk for queue in history.queues} | {None}
    judge = world.make_user("judge", Role.QUALITY)
    for caller in (session(judge), token("metrics:read")):
        rows = caller.get(f"metrics/report/?{SPAN}&by=queue").json()["rows"]
        assert {row["keys"]["queue"] for row in rows} == everybody
    for role in (Role.OPERATOR, Role.SENIOR, Role.MARKETER):
        problem(session(world.make_user(role, role)).get("metrics/"), 403, "permission_denied")


def test_times_of_operators_are_those_of_own_teams(history, marina):
    from datetime import timedelta

    from routing.models import Presence, PresenceInterval

    for user in history.operators:
        Presence.objects.create(user=user)
        PresenceInterval.objects.create(
            user=user, state="available", started_at=SINCE, ended_at=SINCE + timedelta(hours=1)
        )
    rows = session(marina).get(f"metrics/report/?{SPAN}&by=operator&metrics=login_s").json()["rows"]
    own = {user.pk for user in history.operators if user.team == marina.team}
    assert {row["keys"]["operator"] for row in rows if row["values"]["login_s"]} == own


def test_the_contacts_behind_a_number_of_a_row(history):
    caller = token("metrics:read")
    body = caller.get(f"metrics/report/?{SPAN}&by=queue,priority&metrics=abandoned,transferred,bot").json()
    for row in body["rows"]:
        keys = "&".join(f"{code}={'none' if key is None else key}" for code, key in row["keys"].items())
        for metric, kind in (("abandoned", "visit"), ("transferred", "leg"), ("bot", "session")):
            found = caller.rows(f"metrics/contacts/?{SPAN}&metric={metric}&{keys}")
            assert len(found) == row["values"][metric] and {one["kind"] for one in found} <= {kind}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("until=2026-03-27T20:00:00Z", "since"),
        ("since=2026-03-27T20:00:00Z", "until"),
        ("since=2026-03-27T20:00:00Z&until=2026-03-27T20:00:00", "until"),
        (f"{SPAN}&by=colour", "by"),
        (f"{SPAN}&metrics=joy", "metrics"),
        (f"{SPAN}&interval=week", "interval"),
        (f"{SPAN}&zone=Mars/Base", "zone"),
        (f"{SPAN}&queue=first", "queue"),
        (f"{SPAN}&policy=V11", "policy"),
        (f"{SPAN}&colour=red", "colour"),
        ("since=2026-03-27T20:01:00Z&until=2026-03-31T20:00:00Z", "since"),
    ],
)
def test_a_wrong_question_is_refused_with_its_field(history, query, field):
    body = problem(token("metrics:read").get(f"metrics/report/?{query}"), 400, "invalid")
    assert [one["field"] for one in body["errors"]] == [field], body


def test_the_cost_of_a_report_does_not_grow(history):
    caller = token("metrics:read")

    def queries(query):
        with CaptureQueriesContext(connection) as seen:
            assert caller.get(f"metrics/{query}").status_code == 200
        return len(seen)

    # A token notes now and then that it is used.
    queries(f"report/?{SPAN}")
    # The token, policies (queues and versions), which days are summed up, the sums, issues, opening hours and business time,
    # and the names of queues.
    assert queries(f"report/?{SPAN}&by=queue") == 9
    rollups.rebuild()
    assert queries(f"report/?{SPAN}&by=queue") == 9
    # The token, the page; by a policy those of the queues.
    assert queries(f"contacts/?{SPAN}&metric=answered") == 2
    assert queries(f"contacts/?{SPAN}&metric=service_level") == 4


def test_the_command_tells_a_table_the_catalogue_and_what_is_wrong(history):
    out = io.StringIO()
    call_command("metrics", "--from=2026-03-28", "--to=2026-03-29", "--by=queue", "--metrics=offered,asa", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0] == "\toffered\tspeed of answer (ASA)" and lines[-1].startswith("all\t")
    assert any(line.startswith("2026-03-28 00:00+03:00 Q0\t") for line in lines)
    out = io.StringIO()
    call_command("metrics", "--list", stdout=out)
    assert len(out.getvalue().splitlines()) == len(METRICS)
    for wrong, words in (
        ("--from=soon", "--from: soon is neither a day nor a time"),
        ("--zone=Mars", "--zone: there is no Mars"),
        ("--by=colour", "--by: There is no colour"),
        ("--policy=V11", "--policy: This is no policy"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("metrics", wrong)
