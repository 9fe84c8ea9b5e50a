"""Thresholds: set per queue by who controls it, off without a number, told on the boards of the team."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cxcenter.board import snapshot
from cxcenter.core.errors import Forbidden, Invalid
from cxcenter.core.models import AuditEntry
from routing.actions.alerts import set_thresholds
from routing.models import Threshold, WorkItem
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
