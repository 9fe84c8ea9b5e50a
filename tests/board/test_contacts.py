"""The list behind a number has as many rows as the number says, and shows nobody else's."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cxcenter.board import contacts, counted, snapshot
from interactions.models import Interaction, Topic
from quality import metrics
from quality.metrics.spans import QUARTER
from quality.watch import seen
from tests import world
from tests.board.day import Day

pytestmark = pytest.mark.django_db


@pytest.fixture
def day():
    return Day(visits=200)


def total(user, **query) -> int:
    page = contacts.page_of(user, {name: str(value) for name, value in query.items()}, language="en")
    return page[1]


def test_each_number_of_a_queue_equals_its_list(day):
    boss = world.make_user("boss", role="admin")
    compared = 0
    for team in snapshot.compute().values():
        for queue in team["queues"]:
            for kind, numbers in queue["numbers"].items():
                for name in ("waiting", "in_work", "entered", "answered", "in_time", "abandoned", "flowed_out"):
                    assert numbers[name] == total(boss, queue=queue["id"], kind=kind, state=name), (kind, name)
                    compared += numbers[name]
    assert compared > 400


def test_each_number_of_an_operator_equals_his_list(day):
    boss = world.make_user("boss", role="admin")
    for team in snapshot.compute().values():
        for operator in team["operators"]:
            assert operator["handled"] == total(boss, operator=operator["id"], state="handled") > 0
            assert operator["contacts"] == total(boss, operator=operator["id"], state="in_work")


def test_each_column_of_a_chart_equals_its_list(day):
    for team, boss in zip(day.teams, (day.supervisor, day.other), strict=True):
        drawn = counted.charts(counted.today())[team.pk]
        for slot, n in drawn["arrivals"].items():
            assert n == total(boss, state="entered", slot=slot)
        assert sum(drawn["waits"]) > 20
        for column, n in enumerate(drawn["waits"]):
            assert n == total(boss, state="answered", wait=column)
        for kind, reaction in drawn["reactions"].items():
            assert sum(reaction["n"]) == total(boss, state="replied", kind=kind)
            for column, n in enumerate(reaction["n"]):
                assert n == total(boss, state="replied", kind=kind, reaction=column)


def test_each_count_of_a_quarter_of_an_hour_equals_its_list(day):
    """What an anomaly counts is behind its link: of a queue, of those who waited too long, of a topic and those under it."""
    top = Topic.objects.create(name="Delivery")
    topics = [top, Topic.objects.create(name="Late", parent=top), None]
    for talk in Interaction.objects.all():
        talk.topic = topics[talk.pk % 3]
        talk.save(update_fields=["topic"])
    boss, today, compared = world.make_user("boss", role="admin"), counted.today(), 0
    slots = sorted(counted.charts(today)[day.teams[0].pk]["arrivals"])[:4]
    for slot in slots:
        found = seen(counted.start_of(today) + slot * QUARTER, timezone.now())
        where = {"day": today.isoformat(), "slot": slot}
        for (_team, queue), n in found.arrivals.items():
            assert n == total(boss, state="entered", queue=queue, **where)
        for (_team, queue), n in found.overdue.items():
            assert n == total(boss, state="overdue", queue=queue, **where)
            compared += n
        for (team, topic), n in found.topics.items():
            assert n == total(boss, state="entered", team=team, topic=topic, **where)
            assert topic == top.pk
            compared += n
    assert compared > 5


def test_another_day_is_asked_for_by_its_date(day):
    boss, yesterday = world.make_user("boss", role="admin"), counted.today() - timedelta(days=1)
    assert total(boss, state="entered", day=yesterday.isoformat()) == 20
    assert total(boss, state="entered", day="nonsense") == total(boss, state="entered") == 180


def test_the_level_is_made_of_its_lists(day):
    boss = day.supervisor
    late, in_time, abandoned = (total(boss, state=state) for state in ("late", "in_time", "abandoned"))
    assert late + in_time == total(boss, state="answered") > 0
    assert late + in_time + abandoned == total(boss, state="level")


def test_pages_hold_everybody_once_and_in_order(day):
    boss, after, seen = day.supervisor, "", []
    while True:
        _filter, count, page, after = contacts.page_of(boss, {"state": "entered"}, language="en", after=after)
        seen += [contact.item for contact in page]
        if not after:
            break
    assert len(seen) == len({item.pk for item in seen}) == count > contacts.PAGE
    assert [item.entered_at for item in seen] == sorted((item.entered_at for item in seen), reverse=True)


def test_who_waits_longest_comes_first(day):
    page = contacts.page_of(day.supervisor, {"state": "waiting"}, language="en")[2]
    since = [contact.since for contact in page]
    assert len(since) > 1 and since == sorted(since)


def test_another_team_has_other_contacts(day):
    mine = {contact.item.queue.team_id for contact in contacts.page_of(day.supervisor, {}, language="en")[2]}
    assert mine == {day.teams[0].pk}
    foreign = next(queue for queue in day.queues if queue.team_id == day.teams[1].pk)
    assert total(day.other, queue=foreign.pk) > 0
    assert total(day.supervisor, queue=foreign.pk) == 0


@pytest.mark.parametrize(
    "query",
    [
        {"state": "x"},
        {"queue": "x"},
        {"slot": "-1"},
        {"wait": "99"},
        {"reaction": "'"},
        {"team": "9" * 30},
    ],
)
def test_nonsense_in_the_address_is_no_error(client, day, query):
    client.force_login(day.supervisor)
    assert client.get(reverse("board:contacts"), query).status_code == 200


def test_the_list_costs_the_same_however_long(client, day):
    client.force_login(day.supervisor)
    address = reverse("board:contacts")
    client.get(address)

    def cost(query):
        with CaptureQueriesContext(connection) as caught:
            client.get(address, query)
        return len(caught)

    few = cost({"kind": "voice", "state": "late"})
    assert total(day.supervisor, kind="voice", state="late") < total(day.supervisor, state="late") > 10
    assert cost({"state": "late"}) == few


def test_columns_cover_all_times():
    assert list(metrics.WAIT_EDGES) == sorted(metrics.WAIT_EDGES)
    assert list(metrics.REACTION_EDGES) == [10, 20, 30]
