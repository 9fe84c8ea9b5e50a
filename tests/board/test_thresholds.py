"""Thresholds: set per queue by who controls it, off without a number, told on the boards of the team."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cxcenter.board import snapshot
from cxcenter.board.reached import Reached
from cxcenter.core.errors import Forbidden, Invalid
from cxcenter.core.models import AuditEntry
from routing.actions.alerts import set_thresholds
from routing.models import Alert, Threshold, WorkItem
from tests import world
from tests.board.day import Day

pytestmark = pytest.mark.django_db(transaction=True)
OFF = {"waiting": None, "longest_s": None, "level": None}


@pytest.fixture
def day():
    return Day(queues=2, operators=2, visits=0)


def wait(day: Day, count: int, seconds: int) -> None:
    since = timezone.now() - timedelta(seconds=seconds)
    for _ in range(count):
        WorkItem.objects.create(
            queue=day.queues[0],
            interaction=day.talk(day.channels[0]),
            rank_at=since,
            waits_since=since,
            entered_at=since,
        )


def end(day: Day, outcome: str, count: int, waited: int) -> None:
    at = timezone.now() - timedelta(seconds=waited)
    for _ in range(count):
        WorkItem.objects.create(
            queue=day.queues[0], interaction=day.talk(day.channels[0]), visit="left", outcome=outcome,
            rank_at=at, entered_at=at, left_at=timezone.now(),
        )  # fmt: skip


def reached(day: Day) -> dict[str, dict]:
    alerts = snapshot.compute()[day.teams[0].pk]["alerts"]
    return {alert["kind"]: alert for alert in alerts if alert["kind"].startswith("t_")}


def test_nothing_rings_until_a_limit_is_set(day):
    wait(day, 3, 300)
    end(day, "abandoned", 12, 0)
    assert reached(day) == {}
    set_thresholds(queue=day.queues[0], waiting=3, longest_s=300, level=80, actor=day.supervisor)
    found = reached(day)
    assert found.keys() == {"t_waiting", "t_longest", "t_level"}
    assert (found["t_waiting"]["count"], found["t_waiting"]["limit"]) == (3, 3)
    assert (found["t_longest"]["limit_s"], found["t_level"]["limit"]) == (300, 80)
    assert {alert["queue"] for alert in found.values()} == {day.queues[0].pk}
    set_thresholds(queue=day.queues[0], **OFF, actor=day.supervisor)
    assert reached(day) == {}


def test_limits_are_reached_exactly(day):
    wait(day, 2, 100)
    end(day, "answered", 16, 0)
    end(day, "abandoned", 4, 0)
    # 16 of 20 within the time: 80 %.
    set_thresholds(queue=day.queues[0], waiting=3, longest_s=200, level=80, actor=day.supervisor)
    assert reached(day) == {}
    set_thresholds(queue=day.queues[0], waiting=2, longest_s=100, level=81, actor=day.supervisor)
    assert reached(day).keys() == {"t_waiting", "t_longest", "t_level"}
    # It is over by itself.
    WorkItem.objects.filter(visit="waiting").update(visit="left", outcome="withdrawn", left_at=timezone.now())
    assert reached(day).keys() == {"t_level"}


def test_what_is_reached_is_kept_with_its_worst_value_and_ends_a_minute_after(day):
    keeper, queue = Reached(), day.queues[0]

    def look(seconds: float) -> int:
        return keeper.keep(snapshot.compute(timezone.now() + timedelta(seconds=seconds)))

    assert look(0) == 0
    wait(day, 3, 100)
    set_thresholds(queue=queue, waiting=3, longest_s=200, level=None, actor=day.supervisor)
    assert look(0) == 1
    kept = Alert.objects.get()
    assert (kept.kind, kept.team, kept.queue, kept.ended_at) == ("t_waiting", queue.team, queue, None)
    assert kept.args == {"limit": 3, "count": 3}
    wait(day, 2, 10)
    assert look(1) == 0 and Alert.objects.get().args["count"] == 3, "rows are not written each second"
    assert look(11) == 0 and Alert.objects.get().args["count"] == 5
    assert look(120) == 1
    longest = Alert.objects.get(kind="t_longest")
    assert longest.args["limit_s"] == 200 and longest.args["longest_s"] in range(219, 224)
    WorkItem.objects.filter(pk__in=WorkItem.objects.values("pk")[:2]).delete()
    look(140)
    assert Alert.objects.get(kind="t_waiting").args["count"] == 5, "the worst value stands"
    # To and fro about the limit is one alert; what is over for a minute has ended.
    WorkItem.objects.all().delete()
    assert look(150) == 0
    wait(day, 3, 1)
    assert look(160) == 0
    WorkItem.objects.all().delete()
    assert look(221) == 2 and not Alert.objects.filter(ended_at=None).exists()
    assert Alert.objects.count() == 2


def test_what_a_process_before_has_left_ends_with_the_first_look(day):
    queue = day.queues[0]
    about = {"kind": "t_level", "team": queue.team, "queue": queue, "subject": f"queue:{queue.pk}"}
    Alert.objects.create(**about, args={"limit": 80, "level": 62.5})
    assert Reached().keep(snapshot.compute()) == 1
    assert Alert.objects.get().ended_at is not None


def test_they_are_listed_in_words_a_page_at_a_time_and_not_doubled_on_the_board(client, day):
    queue = day.queues[0]
    wait(day, 3, 300)
    set_thresholds(queue=queue, waiting=2, longest_s=200, level=None, actor=day.supervisor)
    Reached().keep(snapshot.compute())
    assert sorted(reached(day)) == ["t_longest", "t_waiting"]
    old = timezone.now() - timedelta(days=1)
    about = {"kind": "t_level", "team": queue.team, "queue": queue, "args": {"limit": 80, "level": 62.5}}
    Alert.objects.bulk_create(Alert(**about, at=old, ended_at=old + timedelta(minutes=5)) for _ in range(60))
    client.force_login(day.supervisor)
    page = client.get(reverse("board:alerts")).content.decode()
    assert "Threshold: 3 waited at once, it calls from 2 on" in page
    assert "it calls from 200 s on" in page and "was 62.5 %, it calls below 80 %" in page
    assert page.count("<tr><td") == 50
    (further,) = re.findall(r'href="(\?before=\d+)"', page)
    with CaptureQueriesContext(connection) as caught:
        rest = client.get(reverse("board:alerts") + further).content.decode()
    assert rest.count("<tr><td") == 12 and "?before=" not in rest
    assert sum("routing_alert" in query["sql"] for query in caught) <= 4


def test_another_teams_board_says_nothing(day):
    wait(day, 3, 300)
    set_thresholds(queue=day.queues[0], waiting=1, longest_s=None, level=None, actor=day.supervisor)
    other = snapshot.compute()[day.teams[1].pk]
    assert not [alert for alert in other["alerts"] if alert["kind"].startswith("t_")]


def test_the_dialog_shows_what_is_set_and_keeps_what_is_said(client, day):
    address = reverse("board:thresholds", args=[day.queues[0].pk])
    client.force_login(day.supervisor)
    assert client.post(address, {"waiting": "5", "longest_s": "", "level": "70"}).status_code == 200
    threshold = Threshold.objects.get()
    assert (threshold.waiting, threshold.longest_s, threshold.level) == (5, None, 70)
    shown = client.get(address).content.decode()
    assert 'value="5"' in shown and 'value="70"' in shown
    refused = client.post(address, {"waiting": "0"})
    assert (refused.status_code, refused.json()["field"]) == (400, "waiting")
    entry = AuditEntry.objects.get(act="queue.thresholds")
    assert (entry.actor, entry.subject) == (day.supervisor, f"queue:{day.queues[0].pk}")


def test_who_does_not_control_a_queue_sets_nothing(client, day):
    stranger = world.make_user("eve", role="supervisor", team=world.make_team("Third"))
    with pytest.raises(Forbidden):
        set_thresholds(queue=day.queues[0], waiting=1, longest_s=None, level=None, actor=stranger)
    client.force_login(stranger)
    assert client.post(reverse("board:thresholds", args=[day.queues[0].pk]), {"waiting": "1"}).status_code == 404
    with pytest.raises(Invalid):
        set_thresholds(queue=day.queues[0], waiting=None, longest_s=None, level=101, actor=day.supervisor)
    assert not Threshold.objects.exists()
