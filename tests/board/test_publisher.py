"""What is told, to whom, and that nothing is told twice. Heard as the sockets hear it, over the real Valkey."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgpack
import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cxcenter.board import counted, publisher
from cxcenter.core import realtime
from cxcenter.core.pace import Paced
from interactions.models import Interaction
from routing.models import Assignment, Presence, WorkItem
from tests import world
from tests.board.day import Day

pytestmark = pytest.mark.django_db(transaction=True)


class Ear:
    """Hears what is published to any group."""

    def __init__(self) -> None:
        self.pubsub = redis.Redis.from_url(settings.REDIS_URL).pubsub(ignore_subscribe_messages=True)
        self.pubsub.psubscribe("cx__group__*")
        self.pubsub.get_message(timeout=1)
        time.sleep(0.05)

    def heard(self) -> list[tuple[str, dict]]:
        time.sleep(0.1)
        found = []
        while (message := self.pubsub.get_message()) is not None:
            said = msgpack.unpackb(message["data"])
            said = json.loads(said["text"]) if "text" in said else said
            found.append((message["channel"].decode().removeprefix("cx__group__"), said))
        return found


@pytest.fixture
def ear() -> Iterator[Ear]:
    cache.clear()
    listening = Ear()
    yield listening
    listening.pubsub.close()


@pytest.fixture
def telling():
    cache.clear()
    return publisher.Publisher()


def boards(heard):
    return [(group, said) for group, said in heard if said["kind"] == "board"]


def test_boards_hear_what_changed_and_only_that(ear, telling):
    day = Day(queues=2, operators=2, visits=4)
    telling.run()
    first = boards(ear.heard())
    groups = [realtime.team_group(team.pk) for team in day.teams]
    assert {group for group, _said in first} == {*groups, realtime.team_group("all")}
    assert all(set(publisher.SECTIONS) <= said.keys() for _group, said in first)

    telling.run()
    assert boards(ear.heard()) == []

    Presence.objects.filter(user=day.operators[0]).update(load=3)
    telling.run()
    changed = boards(ear.heard())
    assert [group for group, _said in changed] == [groups[0], realtime.team_group("all")]
    assert "operators" in changed[0][1]
    assert not {"queues", "alerts", "charts"} & changed[0][1].keys()
    assert changed[0][1]["team"] == day.teams[0].pk


def test_everything_is_told_again_after_a_while(ear, telling, monkeypatch):
    Day(queues=2, operators=2, visits=4)
    telling.run()
    ear.heard()
    monkeypatch.setattr(publisher, "FULL_EVERY_S", 0)
    telling.run()
    again = boards(ear.heard())
    assert len(again) == 4 and all(set(publisher.SECTIONS) <= said.keys() for _group, said in again)


def test_desks_hear_how_many_wait_in_their_queues(ear, telling):
    day = Day(queues=2, operators=0, visits=0)
    telling.run()
    ear.heard()
    since = timezone.now() - timedelta(seconds=50)
    WorkItem.objects.create(
        queue=day.queues[0], interaction=day.talk(day.channels[0]), rank_at=since, waits_since=since
    )
    telling.run()
    told = [(group, said) for group, said in ear.heard() if said["kind"] == "queues"]
    assert [group for group, _said in told] == [realtime.queues_group(day.teams[0].pk)]
    waits = told[0][1]["queues"][str(day.queues[0].pk)]
    assert waits == {"waiting": 1, "longest_since": round(since.timestamp(), 1)}


def places(heard):
    return {
        int(group.split(".")[1]): (said["position"], said["estimate_s"])
        for group, said in heard
        if said["kind"] == "queue"
    }


def test_visitors_hear_their_place_when_it_changes(ear, telling):
    team = world.make_team()
    alice = world.make_user("alice", team=team)
    queue = world.make_queue(members=(alice,), team=team)
    site = world.make_site(queue)
    chats = [world.open_chat(site) for _ in range(3)]
    telling.run()
    heard = ear.heard()
    assert places(heard) == {chat.thread_id: (n + 1, None) for n, chat in enumerate(chats)}
    assert {group for group, said in heard if said["kind"] == "queue"} == {
        realtime.customer_group(chat.thread_id) for chat in chats
    }
    telling.run()
    assert places(ear.heard()) == {}
    WorkItem.objects.filter(interaction=chats[0]).update(visit="left", outcome="abandoned", left_at=timezone.now())
    telling.run()
    assert places(ear.heard()) == {chats[1].thread_id: (1, None), chats[2].thread_id: (2, None)}


def test_the_estimate_is_that_of_the_definition(ear, telling):
    team = world.make_team()
    alice = world.make_user("alice", team=team)
    queue = world.make_queue(members=(alice,), team=team)
    site = world.make_site(queue)
    world.on_duty(alice, capacity=2)
    # Nobody is offered while she pauses after this contact; she still serves two at once.
    Presence.objects.filter(user=alice).update(pause_after=True)
    done = world.open_chat(site)
    ended = timezone.now()
    item = WorkItem.objects.get(interaction=done)
    Assignment.objects.create(
        item=item, interaction=done, operator=alice, leg="ended", end="finished",
        accepted_at=ended - timedelta(seconds=240), ended_at=ended,
    )  # fmt: skip
    WorkItem.objects.filter(pk=item.pk).update(visit="left", outcome="answered", left_at=ended)
    Interaction.objects.filter(pk=done.pk).update(closed_at=ended)
    chats = [world.open_chat(site) for _ in range(2)]
    ear.heard()
    telling.run()
    # (n + 1) · AHT / slots, n ahead: 240 s handling, two at once.
    assert places(ear.heard()) == {chats[0].thread_id: (1, 120.0), chats[1].thread_id: (2, 240.0)}


def test_one_run_costs_the_same_however_much_there_is(telling):
    day = Day(queues=2, operators=2, visits=30)
    assert WorkItem.objects.waiting().exists(), "some have to be told their place"
    telling.run()

    def cost():
        cache.delete(publisher.TELLER)
        with CaptureQueriesContext(connection) as caught:
            assert publisher.Publisher().run()
        return len(caught)

    few = cost()
    for n in range(5):
        world.make_queue(f"More {n}", team=world.make_team(f"Team {n}"), members=tuple(day.operators))
    for _ in range(60):
        day.visit()
    assert cost() == few


def test_of_two_workers_one_tells_and_the_other_takes_his_place(ear):
    """A number that went there and back while another told is told all the same."""
    day = Day(queues=1, operators=1, visits=2)
    one, other = publisher.Publisher(), publisher.Publisher()

    def heard_load() -> int | None:
        said = [message for _group, message in boards(ear.heard()) if "operators" in message]
        return said[-1]["operators"][0]["load"] if said else None

    before = Presence.objects.get().load
    assert one.run() and not other.run()
    assert heard_load() == before
    Presence.objects.filter(user=day.operators[0]).update(load=before + 1)
    # He dies: nobody else tells while he might be heard of, and then another does.
    assert not other.run()
    cache.delete(publisher.TELLER)
    assert other.run() and not one.run()
    assert heard_load() == before + 1
    Presence.objects.filter(user=day.operators[0]).update(load=before)
    cache.delete(publisher.TELLER)
    assert one.run() and not other.run()
    assert heard_load() == before
    client = redis.Redis.from_url(settings.REDIS_URL)
    assert 0 < client.pttl(cache.make_key(publisher.TELLER)) <= publisher.STANDS_S * 1000


def test_who_took_so_long_that_another_tells_tells_nothing(ear, telling, monkeypatch):
    Day(queues=1, operators=1, visits=2)
    compute = publisher.snapshot.compute
    monkeypatch.setattr(
        publisher.snapshot, "compute", lambda **said: cache.set(publisher.TELLER, "another") or compute(**said)
    )
    assert telling.run() == 0 and boards(ear.heard()) == []


def test_a_page_takes_the_published_numbers_while_they_are_fresh(telling):
    cache.clear()
    Day(queues=2, operators=2, visits=4)
    telling.run()
    with CaptureQueriesContext(connection) as caught:
        publisher.current()
    assert len(caught) == 1
    kept = cache.get(publisher.KEY)
    cache.set(publisher.KEY, {pk: {**team, "at": team["at"] - 60} for pk, team in kept.items()})
    assert all(team["at"] > time.time() - 5 for team in publisher.current().values())


def test_a_new_team_is_on_the_board_at_once(telling):
    Day(queues=2, operators=2, visits=0)
    telling.run()
    team = world.make_team("Fresh")
    assert team.pk in publisher.current()


def test_costly_numbers_are_asked_more_seldom():
    asked = []

    def slow(day):
        asked.append(day)
        time.sleep(0.05)
        return day

    paced = Paced(slow)
    for _ in range(3):
        assert paced("monday") == "monday"
    assert asked == ["monday"]
    assert paced("tuesday") == "tuesday"
    assert asked == ["monday", "tuesday"]
    time.sleep(0.6)
    paced("tuesday")
    assert asked == ["monday", "tuesday", "tuesday"]


def test_today_begins_in_the_zone_of_the_installation(settings):
    settings.DEFAULT_ZONE = "Pacific/Auckland"
    day = counted.today(datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    assert str(day) == "2026-03-02"
    assert counted.start_of(day) == datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
