"""First replies in business time: counted quarter by quarter of an hour, over nights, weekends, holidays and a change of clocks."""

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from interactions.models import Interaction
from quality.metrics.behind import contacts
from quality.metrics.reports import Asked, report
from quality.metrics.spans import Interval
from routing.models import BusinessHours, Holiday, OpeningInterval, WorkItem
from routing.queries import hours_of
from tests.quality.history import History

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 3, 26, tzinfo=ZONE).astimezone(UTC)
UNTIL = datetime(2026, 4, 2, tzinfo=ZONE).astimezone(UTC)
QUARTER = timedelta(minutes=15)
CODES = ("first_response", "first_response_open")


@pytest.fixture
def history():
    """One queue is always open, one by day but for a holiday, one in the night in which an hour is missing."""
    history = History(1, contacts=0)
    _always, by_day, by_night = history.queues
    plans = ((by_day, range(5), time(9), time(18)), (by_night, range(7), time(0, 30), time(4)))
    for queue, days, opens, closes in plans:
        queue.hours = BusinessHours.objects.create(name=queue.name, zone="Europe/Berlin")
        queue.save()
        for day in days:
            OpeningInterval.objects.create(hours=queue.hours, day=day, opens=opens, closes=closes)
    Holiday.objects.create(hours=by_day.hours, date=date(2026, 3, 30), opens=time(10), closes=time(12))
    Holiday.objects.create(hours=by_day.hours, date=date(2026, 3, 31))
    return history


def come(history, queue, at, reply):
    thread = history.draw.choice(history.threads)
    session = Interaction.objects.create(
        thread=thread, kind=thread.channel.kind, topic=history.draw.choice([*history.topics, None]), opened_at=at,
        closed_at=at, first_reply_at=reply,
    )  # fmt: skip
    return WorkItem.objects.create(
        queue=queue, interaction=session, visit="left", outcome="answered", entered_at=at, waits_since=at, rank_at=at,
        left_at=reply or at,
    )  # fmt: skip


def open_s(queue, begin, end):
    """How long a queue was open, quarter by quarter."""
    hours, found = hours_of(queue), timedelta(0)
    while begin < end:
        found += QUARTER if hours is None or hours.is_open(begin) else timedelta(0)
        begin += QUARTER
    return found.total_seconds()


def test_business_time_is_that_of_the_opening_hours_in_every_split(history):
    draw, visits = random.Random(5), []
    for _visit in range(120):
        at = BEGIN + QUARTER * draw.randrange(7 * 96 - 4)
        reply = at + QUARTER * draw.randrange(200) if draw.random() < 0.9 else None
        visits.append(come(history, draw.choice(history.queues), at, reply))
    for by in ((), ("queue",), ("channel", "topic")):
        told = report(Asked(BEGIN, UNTIL, by=by, interval=Interval.DAY, zone=ZONE, metrics=CODES))
        expected = {}
        for visit in visits:
            if visit.interaction.first_reply_at:
                day = datetime.combine(visit.entered_at.astimezone(ZONE), time(), tzinfo=ZONE).astimezone(UTC)
                values = {
                    "queue": visit.queue_id,
                    "channel": visit.interaction.kind,
                    "topic": visit.interaction.topic_id,
                }
                took = open_s(visit.queue, visit.entered_at, visit.interaction.first_reply_at)
                expected.setdefault((day, *(values[code] for code in by)), []).append(took)
        found = {(row.at, *row.keys.values()): row.values["first_response_open"] for row in told.rows}
        assert {key: value for key, value in found.items() if value is not None} == {
            key: sum(times) / len(times) for key, times in expected.items()
        }
    assert contacts(Asked(BEGIN, UNTIL), "first_response_open").count() == sum(map(len, expected.values()))
    own = report(Asked(BEGIN, UNTIL, queues=[history.queues[1].pk], metrics=CODES))
    only = report(Asked(BEGIN, UNTIL, only={"queue": history.queues[1].pk}, metrics=CODES))
    assert own.whole == only.whole and own.whole["first_response_open"] < own.whole["first_response"]


def test_it_is_exact_to_the_microsecond_and_nothing_where_the_queue_was_shut(history):
    always, by_day, _by_night = history.queues
    friday = datetime(2026, 3, 27, 17, 59, 59, 750_000, tzinfo=ZONE).astimezone(UTC)
    # The weekend, a day of two hours, a holiday, and a second of the Wednesday.
    wednesday = datetime(2026, 4, 1, 9, 0, 1, tzinfo=ZONE).astimezone(UTC)
    come(history, by_day, friday, wednesday)
    told = report(Asked(BEGIN, UNTIL, metrics=CODES)).whole
    assert told == {"first_response": (wednesday - friday).total_seconds(), "first_response_open": 0.25 + 7200 + 1}
    come(history, by_day, friday + timedelta(seconds=1), friday + timedelta(hours=3))
    assert report(Asked(BEGIN, UNTIL, metrics=CODES)).whole["first_response_open"] == 7201.25 / 2
    come(history, always, friday, friday + timedelta(seconds=3))
    by_queue = report(Asked(BEGIN, UNTIL, by=("queue",), metrics=CODES)).rows
    assert {row.keys["queue"]: row.values["first_response_open"] for row in by_queue} == {
        always.pk: 3, by_day.pk: 7201.25 / 2,
    }  # fmt: skip
    # By an operator it is not told: he did not choose when the queue is open.
    assert report(Asked(BEGIN, UNTIL, by=("operator",), metrics=CODES)).whole["first_response_open"] is None
