"""How long it took to solve cases: less the time it was agreed to wait, by topic and who is responsible, with the cases behind."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.db import connection
from django.test import Client

from cxcenter.accounts.roles import Role
from interactions.actions.cases import change_case, register_case
from interactions.choices import CaseStatus
from interactions.models import Case, Topic
from quality.metrics.behind import cases_of
from quality.metrics.reports import Asked, report
from quality.metrics.spans import Interval
from routing.models import Presence
from tests import world
from tests.reports.reading import listed, table

pytestmark = pytest.mark.django_db
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
UNTIL = BEGIN + timedelta(days=5)
HOUR = timedelta(hours=1)
DAYS = "period=own&since=2026-03-02&until=2026-03-06&zone=UTC&interval=whole"


class Desk:
    """Cases of two people of two teams, at times of our own."""

    def __init__(self, monkeypatch):
        self.patch = monkeypatch
        self.topic = Topic.objects.create(name="Delivery")
        self.teams = [world.make_team("Support"), world.make_team("Sales")]
        self.anna, self.boris = (world.make_user(name, team=team) for name, team in zip("ab", self.teams, strict=True))
        for user in (self.anna, self.boris):
            Presence.objects.create(user=user)

    def at(self, hours):
        now = BEGIN + hours * HOUR
        self.patch.setattr("django.utils.timezone.now", lambda: now)

    def open(self, hours, actor, **fields):
        self.at(hours)
        return register_case(
            actor=actor, profile=None, subject="Where is it?", opened_at=BEGIN + hours * HOUR, **fields
        )

    def change(self, hours, case, actor, **fields):
        self.at(hours)
        return change_case(case_id=case.pk, version=None, actor=actor, **fields)


@pytest.fixture
def desk(monkeypatch):
    monkeypatch.setattr(
        "interactions.actions.cases.CASE_FIELDS",
        {*import_module("interactions.actions.cases").CASE_FIELDS, "opened_at"},
    )
    return Desk(monkeypatch)


def solve(desk):
    """Three cases: one waited twice, one was opened again, one waits still."""
    first = desk.open(1, desk.anna, topic=desk.topic)
    for hours, fields in (
        (2, {"status": CaseStatus.WAITING}), (3, {"subject": "Where is the box?"}), (7, {"status": CaseStatus.OPEN}),
        (8, {"status": CaseStatus.WAITING}), (10, {"status": CaseStatus.SOLVED}),
    ):  # fmt: skip
        desk.change(hours, first, desk.anna, **fields)
    second = desk.open(24, desk.boris, status=CaseStatus.WAITING)
    for hours, status in (
        (26, CaseStatus.SOLVED),
        (28, CaseStatus.OPEN),
        (30, CaseStatus.CLOSED),
        (40, CaseStatus.SOLVED),
    ):
        desk.change(hours, second, desk.boris, status=status)
    third = desk.open(30, desk.anna)
    desk.change(31, third, desk.anna, status=CaseStatus.WAITING)
    return first, second, third


def test_resolution_time_is_less_the_time_it_was_agreed_to_wait(desk):
    first, second, third = solve(desk)
    codes = ("solved", "resolution_time")
    told = report(Asked(BEGIN, UNTIL, by=("operator",), interval=Interval.DAY, metrics=codes))
    found = {(row.at, row.keys["operator"]): tuple(row.values.values()) for row in told.rows}
    # 9 h less 5 and 2; 6 h, opened again included, less 2.
    assert found == {
        (BEGIN, desk.anna.pk): (1, 2 * 3600), (BEGIN + timedelta(days=1), desk.boris.pk): (1, 4 * 3600),
    }  # fmt: skip
    assert told.whole == {"solved": 2, "resolution_time": 3 * 3600}
    by_topic = report(Asked(BEGIN, UNTIL, by=("topic",), metrics=codes)).rows
    assert {row.keys["topic"]: row.values["resolution_time"] for row in by_topic} == {desk.topic.pk: 7200, None: 14400}
    assert list(cases_of(Asked(BEGIN, UNTIL))) == [first, second]
    assert list(cases_of(Asked(BEGIN, UNTIL, only={"topic": None}))) == [second]
    # A queue has no cases.
    assert report(Asked(BEGIN, UNTIL, by=("queue",), metrics=codes)).whole["solved"] == 0
    assert not cases_of(Asked(BEGIN, UNTIL, only={"queue": 1}))
    third.refresh_from_db()
    assert (third.waited, third.waiting_since) == (timedelta(0), BEGIN + 31 * HOUR)


def test_the_waits_of_cases_of_before_are_those_of_their_facts(desk):
    solve(desk)
    fields = ("pk", "waited", "waiting_since")
    before = list(Case.objects.order_by("pk").values_list(*fields))
    second = before[1][0]
    Case.objects.update(waited=timedelta(0), waiting_since=None)
    with connection.cursor() as cursor:
        cursor.execute(import_module("interactions.migrations.0007_case_waits").FILL)
    # That it waited from its opening on no fact tells.
    expected = [(pk, timedelta(0) if pk == second else waited, since) for pk, waited, since in before]
    assert list(Case.objects.order_by("pk").values_list(*fields)) == expected


def test_the_number_leads_to_its_cases_those_of_own_people_for_a_supervisor(desk, monkeypatch):
    first, second, _third = solve(desk)
    monkeypatch.undo()

    def lines(role, team=None):
        client = Client()
        client.force_login(world.make_user(role, role, team, zone="UTC"))
        html = client.get(f"/reports/?{DAYS}&metrics=solved,resolution_time").content.decode()
        cells = table(html)[1][-1]
        assert len(listed(client, cells[0].href)) == len(listed(client, cells[1].href)) == int(cells[0].text)
        return listed(client, cells[1].href)

    every = lines(Role.QUALITY)
    assert [case.number in row for case, row in zip((first, second), every, strict=True)] == [True, True]
    assert "Where is the box?" in every[0] and ">7:00:00<" in every[0] and ">2:00:00<" in every[0]
    (own,) = lines(Role.SUPERVISOR, desk.teams[1])
    assert second.number in own
