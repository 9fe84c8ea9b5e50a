"""The numbers of the board equal those counted by hand, and cost the same however much there is."""

from collections import Counter, defaultdict
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cxcenter.board import counted, snapshot
from cxcenter.board.counted import start_of, today
from quality import policies
from routing.models import Alert, Assignment, Presence, WorkItem
from tests import world
from tests.board.day import Day

pytestmark = pytest.mark.django_db


def todays_visits() -> list[WorkItem]:
    start = start_of(today())
    every = WorkItem.objects.select_related("queue", "interaction").order_by("pk")
    return [item for item in every if item.entered_at >= start]


def waited(item: WorkItem) -> float:
    return (item.left_at - item.entered_at).total_seconds()


def test_day_counts_are_those_counted_by_hand():
    Day(visits=200)
    expected: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    for item in todays_visits():
        of = expected[item.queue_id, item.interaction.kind]
        of["entered"] += 1
        of[item.outcome] += 1
        of["in_time"] += item.outcome == "answered" and waited(item) <= item.queue.target_s
        # V2, by which queues without a policy of their own are counted.
        of["below"] += item.outcome in {"answered", "abandoned"}
    found = counted.day_counts(today(), policies.holding())
    assert len(expected) == 9
    assert found.keys() == expected.keys()
    for key, numbers in found.items():
        assert numbers == {**{name: expected[key][name] for name in counted.NAMES}, "above": expected[key]["in_time"]}


def test_what_goes_on_now_is_counted_by_hand():
    Day(visits=200)
    teams = snapshot.compute()
    waiting = [item for item in WorkItem.objects.select_related("interaction") if item.visit != "left"]
    legs = [leg for leg in Assignment.objects.select_related("item", "interaction") if leg.leg == "active"]
    assert waiting and legs
    for team in teams.values():
        for queue in team["queues"]:
            for kind, numbers in queue["numbers"].items():
                mine = [i for i in waiting if (i.queue_id, i.interaction.kind) == (queue["id"], kind)]
                assert numbers["waiting"] == len(mine)
                assert numbers["since"] == (round(min(i.waits_since for i in mine).timestamp(), 1) if mine else None)
                assert numbers["in_work"] == sum(
                    (leg.item.queue_id, leg.interaction.kind) == (queue["id"], kind) for leg in legs
                )
        for operator in team["operators"]:
            assert operator["contacts"] == sum(leg.operator_id == operator["id"] for leg in legs)


def test_handling_times_are_those_counted_by_hand():
    Day(visits=200)
    start = start_of(today())
    times = defaultdict(list)
    for leg in Assignment.objects.all():
        if leg.leg == "ended" and leg.accepted_at >= start:
            times[leg.operator_id].append(((leg.wrapped_at or leg.ended_at) - leg.accepted_at).total_seconds())
    found = counted.handled(today())
    assert found.keys() == times.keys() and times
    for operator, (n, mean) in found.items():
        assert n == len(times[operator])
        assert mean == pytest.approx(sum(times[operator]) / n, abs=0.06)


def test_charts_are_those_counted_by_hand():
    day = Day(visits=300)
    start = start_of(today())
    found = counted.charts(today())
    edges = [10, 20, 30, 40, 50, 60, 90, 120, 180, float("inf")]
    for team in day.teams:
        items = [item for item in todays_visits() if item.queue.team_id == team.pk]
        slots = Counter(int((item.entered_at - start).total_seconds() // 900) for item in items)
        assert found[team.pk]["arrivals"] == dict(slots)
        waits = Counter(
            next(n for n, e in enumerate(edges) if waited(i) <= e) for i in items if i.outcome == "answered"
        )
        assert found[team.pk]["waits"] == [waits[n] for n in range(10)]
        for kind, reaction in found[team.pk]["reactions"].items():
            seconds = [
                (i.interaction.first_reply_at - i.entered_at).total_seconds()
                for i in items
                if i.interaction.kind == kind and i.interaction.first_reply_at
            ]
            columns = [(0, 10), (10, 20), (20, 30), (30, float("inf"))]
            assert reaction["n"] == [sum(low < s <= high for s in seconds) for low, high in columns]
            assert reaction["mean"] == pytest.approx(sum(seconds) / len(seconds), abs=0.06)


def test_a_second_visit_of_a_session_is_no_second_reaction():
    day = Day(visits=0)
    talk = day.talk(day.channels[0])
    start = start_of(today())
    for n in range(2):
        WorkItem.objects.create(
            queue=day.queues[0], interaction=talk, visit="left", outcome="answered", rank_at=start,
            entered_at=start + timedelta(seconds=n), left_at=start + timedelta(seconds=n + 1),
        )  # fmt: skip
    talk.first_reply_at = start + timedelta(seconds=15)
    talk.save()
    reactions = counted.charts(today())[day.teams[0].pk]["reactions"]
    assert reactions == {"webchat": {"n": [0, 1, 0, 0], "mean": 15.0}}


def test_numbers_are_split_by_team():
    day = Day()
    teams = snapshot.compute()
    for team in day.teams:
        mine = teams[team.pk]
        assert {queue["id"] for queue in mine["queues"]} == {q.pk for q in day.queues if q.team_id == team.pk}
        assert {o["id"] for o in mine["operators"]} == {o.pk for o in day.operators if o.team_id == team.pk}


def test_the_load_of_an_operator_is_that_of_the_work_that_takes_the_most_of_him():
    day = Day(visits=0)
    talker, writer, phone = (user.pk for user in day.operators[:3])
    Presence.objects.filter(user=talker).update(state="busy", load=2, call_load=1, capacity=4, calls=1)
    Presence.objects.filter(user=writer).update(state="busy", load=2, capacity=4)
    Presence.objects.filter(user=phone).update(capacity=0, calls=1)
    teams = snapshot.compute()
    shown = {one["id"]: one for team in teams.values() for one in team["operators"]}
    loads = [[shown[user][name] for name in ("taken", "most", "load", "calls")] for user in (talker, writer, phone)]
    assert loads == [[1, 1, 2, 1], [2, 4, 2, 0], [0, 1, 0, 0]]


def test_an_operator_who_vanished_with_contacts_stays_on_the_board():
    day = Day(visits=0)
    gone, away = day.operators[:2]
    for user in (gone, away):
        Presence.objects.filter(user=user).update(mode="offline", state="offline", vanished_at=timezone.now())
    item = WorkItem.objects.create(
        queue=day.queues[0], interaction=day.talk(day.channels[0]), visit="left", rank_at=timezone.now()
    )
    Assignment.objects.create(
        item=item, interaction=item.interaction, operator=gone, leg="active", accepted_at=timezone.now()
    )
    teams = snapshot.compute()
    shown = {operator["id"] for team in teams.values() for operator in team["operators"]}
    assert gone.pk in shown and away.pk not in shown
    kinds = [(alert["kind"], alert.get("operator")) for alert in teams[gone.team_id]["alerts"]]
    assert ("vanished", gone.pk) in kinds


def test_alerts_of_one_queue_are_one_line_until_nobody_waits():
    day = Day(visits=0)
    queue = day.queues[0]
    since = timezone.now() - timedelta(minutes=5)
    items = [
        WorkItem.objects.create(
            queue=queue, interaction=day.talk(day.channels[0]), rank_at=since, waits_since=since, entered_at=since
        )
        for _ in range(3)
    ]
    last = [Alert.objects.create(kind="late", team=queue.team, queue=queue, item=item) for item in items][-1]
    (late,) = [alert for alert in snapshot.compute()[queue.team_id]["alerts"] if alert["kind"] == "late"]
    assert late == {
        "kind": "late",
        "queue": queue.pk,
        "count": 3,
        "last": last.pk,
        "since": round(since.timestamp(), 1),
    }
    WorkItem.objects.update(visit="left", outcome="abandoned", left_at=timezone.now())
    assert not [alert for alert in snapshot.compute()[queue.team_id]["alerts"] if alert["kind"] == "late"]


def queries_of(compute) -> int:
    with CaptureQueriesContext(connection) as caught:
        compute()
    return len(caught)


def test_the_number_of_queries_does_not_grow():
    day = Day(queues=2, operators=2, visits=10)
    few = queries_of(snapshot.compute)
    for n in range(6):
        team = world.make_team(f"Team {n}")
        world.make_queue(f"More {n}", team=team, members=tuple(day.operators))
        world.on_duty(world.make_user(f"more{n}", team=team))
    for _ in range(80):
        day.visit()
    assert queries_of(snapshot.compute) == few == 23


def test_an_operators_contact_is_told_to_the_team_of_its_queue_alone():
    day = Day(visits=0, operators=1)
    (operator,) = day.operators
    now = timezone.now()
    for number, (queue, minutes) in enumerate(((day.queues[1], 30), (day.queues[0], 20), (day.queues[0], 10))):
        talk = day.talk(day.channels[0])
        talk.profile.customer.__class__.objects.filter(pk=talk.profile.customer_id).update(name=f"Customer {number}")
        item = WorkItem.objects.create(queue=queue, interaction=talk, visit="left", rank_at=now)
        accepted = now - timedelta(minutes=minutes)
        Assignment.objects.create(item=item, interaction=talk, operator=operator, leg="active", accepted_at=accepted)
    (row,) = snapshot.compute()[operator.team_id]["operators"]
    assert row["contacts"] == 3
    # The one that lasts longest is another team's: only that he has it is known here.
    assert (row["current"]["name"], row["current"]["kind"]) == ("Customer 1", "webchat")
