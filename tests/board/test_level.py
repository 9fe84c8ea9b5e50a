"""Board and report tell one service level: that of the policy which holds for the queue; and the list behind it is as long."""

import random
from datetime import timedelta

import pytest

from cxcenter.board import contacts, snapshot
from cxcenter.board.alerts import LEVEL_FROM, level
from cxcenter.board.counted import start_of, today
from quality import policies
from quality.metrics.reports import Asked, report
from quality.service_level import FORMULAS
from routing.models import Queue, WorkItem
from tests import world
from tests.board.day import Day

pytestmark = pytest.mark.django_db


@pytest.fixture
def day():
    """Ten queues, each with a formula of its own, and visits that ended in all ways."""
    day, draw = Day(queues=10, visits=600), random.Random(2)
    items = list(WorkItem.objects.filter(visit="left"))
    for item in items:
        if item.outcome == "blocked":
            item.blocked_kind = draw.choice(["B1", "B2", "B3"])
        elif draw.random() < 0.1:
            item.outcome = "callback"
    WorkItem.objects.bulk_update(items, ["blocked_kind", "outcome"])
    for queue, formula in zip(day.queues, FORMULAS, strict=True):
        # The first version holds no more.
        policies.set_policy(queue=queue, formula="V1", within_s=1)
        short = draw.choice([None, 4, 5, 10])
        policies.set_policy(
            queue=queue, formula=formula, within_s=75, short_s=short, blocked=draw.sample(["B1", "B2", "B3"], 2)
        )
    return day


def levels(*by: str) -> dict[tuple, float | None]:
    """The service level of today as the report tells it."""
    asked = Asked(start_of(today()), start_of(today() + timedelta(days=1)), by=by, metrics=("service_level",))
    return {tuple(row.keys.values()): row.values["service_level"] for row in report(asked).rows}


def test_board_and_report_tell_one_level_by_every_formula(day):
    by_queue, by_kind = levels("queue"), levels("queue", "channel")
    compared = 0
    for team in snapshot.compute().values():
        for queue in team["queues"]:
            sums = [0, 0]
            for kind, numbers in queue["numbers"].items():
                if numbers["entered"]:
                    told = numbers["above"] / numbers["below"] if numbers["below"] > 0 else None
                    assert told == by_kind[queue["id"], kind], queue["policy"]
                sums = [sums[0] + numbers["above"], sums[1] + numbers["below"]]
            assert sums[0] / sums[1] == by_queue[queue["id"],], queue["policy"]
            if sums[1] >= LEVEL_FROM:
                assert level(queue) == pytest.approx(100 * by_queue[queue["id"],])
            compared += 1
    assert compared == 10


def test_the_list_behind_a_level_is_what_stands_below_its_line(day):
    boss = world.make_user("boss", role="admin")
    seen = set()
    for team in snapshot.compute().values():
        for queue in team["queues"]:
            numbers = queue["numbers"].values()
            totals = {
                state: contacts.page_of(boss, {"queue": str(queue["id"]), "state": state}, language="en")[1]
                for state in ("level", "in_time", "late", "answered")
            }
            assert totals["level"] == sum(one["below"] for one in numbers), queue["policy"]
            assert totals["in_time"] == sum(one["in_time"] for one in numbers)
            assert totals["in_time"] + totals["late"] == totals["answered"]
            seen.add(queue["policy"]["name"])
    assert seen == set(FORMULAS)


def test_a_new_policy_is_on_the_board_at_once():
    day = Day(queues=1, visits=60)
    (queue,) = day.queues
    counted = snapshot.Counted()

    def told():
        (row,) = snapshot.compute(counted=counted)[queue.team_id]["queues"]
        return row["policy"], sum(numbers["in_time"] for numbers in row["numbers"].values())

    policy, before = told()
    assert (policy["name"], policy["within_s"], policy["formula"]) == ("V2", queue.target_s, "A_T / (A + L)")
    policies.set_policy(queue=queue, formula="V5", within_s=500, short_s=5)
    policy, after = told()
    assert (policy["name"], policy["within_s"]) == ("V5", 500)
    assert after > before
    # Without a policy of its own it is the time that its settings promise.
    other = world.make_queue("Other", team=queue.team, target_s=33)
    rows = {row["id"]: row for row in snapshot.compute(counted=counted)[queue.team_id]["queues"]}
    assert rows[other.pk]["policy"]["within_s"] == 33
    assert Queue.objects.count() == 2
