"""What is usual: forecast against fact and the same weekday a week ago, counted by hand at a moment within a quarter of an hour."""

import random
from collections import Counter
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cxcenter.board import counted, snapshot
from quality import forecast, policies
from routing.models import WorkItem
from tests.board.day import Day

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)
SEVEN_PAST = timedelta(hours=11, minutes=7)


class Weeks:
    """Four weeks before a day, each with arrivals by the clock on the wall; the second queue had people on one of the days only."""

    def __init__(self, day: date, zone: str) -> None:
        self.day, self.zone, self.place = day, ZoneInfo(zone), Day(visits=0)
        draw, self.came = random.Random(3), []
        for back in range(1, 5):
            for _visit in range(60):
                queue = self.place.queues[draw.choice([0, 0, 2] + [1] * (back < 2))]
                # Many within the hour that is asked for, some within the one that clocks change.
                minute = draw.choice([draw.randrange(24 * 60), 660 + draw.randrange(30), 120 + draw.randrange(60)])
                self.came.append((queue, draw.choice(self.place.channels), back, minute))
        self.plant(self.came)

    def plant(self, came) -> None:
        talks = self.place.talks([channel for _queue, channel, _back, _minute in came])
        items = []
        for talk, (queue, _channel, back, minute) in zip(talks, came, strict=True):
            at = self.at(timedelta(minutes=minute), back)
            outcome = ("answered", "abandoned")[minute % 3 == 0]
            items.append(
                WorkItem(
                    queue=queue, interaction=talk, visit="left", outcome=outcome, entered_at=at, waits_since=at,
                    rank_at=at, left_at=at + timedelta(seconds=minute % 60),
                )
            )  # fmt: skip
        WorkItem.objects.bulk_create(items)

    def at(self, clock: timedelta, back: int = 0) -> datetime:
        """The moment of a clock on the wall, so many weeks before the day."""
        midnight = datetime.combine(self.day - back * WEEK, datetime.min.time())
        return (midnight + clock).replace(tzinfo=self.zone)

    def of(self, queue, channel):
        return [(back, minute) for one, line, back, minute in self.came if (one, line) == (queue, channel)]


def passed(minute: int, until: timedelta) -> float:
    """How much of the quarter of a minute of the day has passed."""
    begins = minute // 15 * 15
    return min(1, max(0, (until / timedelta(minutes=1) - begins) / 15))


@pytest.mark.parametrize(
    ("day", "zone", "at_two"),
    [
        (date(2026, 11, 24), "Europe/Moscow", 1),
        # On the one day two o'clock is missing, on the other it is there twice.
        (date(2026, 3, 29), "Europe/Berlin", 0),
        (date(2026, 10, 25), "Europe/Berlin", 2),
    ],
)
def test_a_tile_tells_what_is_usual_by_now_and_what_came_a_week_ago(settings, monkeypatch, day, zone, at_two):
    settings.DEFAULT_ZONE = zone
    weeks = Weeks(day, zone)
    place, now = weeks.place, weeks.at(SEVEN_PAST)
    # What came by the same time and a minute too late.
    edge = [(place.queues[0], place.channels[0], 1, minute) for minute in (667, 668, 668)]
    weeks.plant(edge)
    weeks.came += edge
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    teams = snapshot.compute(now)
    numbers = {queue["id"]: queue["numbers"] for team in teams.values() for queue in team["queues"]}
    for queue in (place.queues[0], place.queues[2]):
        for channel in place.channels:
            found, mine = numbers[queue.pk][channel.kind], weeks.of(queue, channel)
            usual = sum(passed(minute, SEVEN_PAST) * (at_two if minute // 60 == 2 else 1) for _back, minute in mine) / 4
            assert found["usual"] == pytest.approx(usual, abs=0.051) and usual > 0
            before = [minute for back, minute in mine if back == 1 and minute <= 667]
            lost = sum(minute % 3 == 0 for minute in before)
            assert found["before"]["entered"] == len(before) == found["before"]["below"]
            assert (found["before"]["answered"], found["before"]["abandoned"]) == (len(before) - lost, lost)
            in_time = sum(minute % 3 > 0 and minute % 60 <= queue.target_s for minute in before)
            assert found["before"]["above"] == in_time
    # One day is too little to say what is usual.
    assert all(found["usual"] is None for found in numbers[place.queues[1].pk].values())


@pytest.mark.parametrize(
    ("day", "zone"), [(date(2026, 11, 24), "Europe/Moscow"), (date(2026, 10, 25), "Europe/Berlin")]
)
def test_the_outlook_of_a_team_is_by_the_quarters_of_its_day(settings, day, zone):
    settings.DEFAULT_ZONE = zone
    weeks = Weeks(day, zone)
    place = weeks.place
    teams = {queue.pk: queue.team_id for queue in place.queues}
    found = counted.outlook(forecast.past_of(day), day, teams)
    # The first and the third queue are of one team; the second has a past of one day.
    assert found.keys() == {place.teams[0].pk}
    # In Berlin the quarters from 2:00 to 3:00 are there twice.
    quarters = list(range(96)) if zone == "Europe/Moscow" else [*range(12), *range(8, 96)]
    mine = [(q, c, back, minute // 15) for q, c, back, minute in weeks.came if q != place.queues[1]]
    came, last = Counter(row[3] for row in mine), Counter(row[3] for row in mine if row[2] == 1)
    told = found[place.teams[0].pk]
    assert told["mean"] == pytest.approx([came[quarter] / 4 for quarter in quarters], abs=0.06)
    assert told["before"] == [last[quarter] for quarter in quarters]
    # The rate is known from four days: a quarter of its variance more.
    assert told["variance"] == pytest.approx([came[quarter] / 4 * 1.25 for quarter in quarters], abs=0.06)


def test_a_week_before_is_up_to_this_time_by_the_clock(settings, monkeypatch):
    """On the day on which clocks go back an hour of the past is neither lost nor counted twice."""
    settings.DEFAULT_ZONE = "Europe/Berlin"
    weeks = Weeks(date(2026, 10, 25), "Europe/Berlin")
    for hours, fold in ((1, 0), (2, 0), (2, 1), (4, 0), (23, 0)):
        now = weeks.at(timedelta(hours=hours, minutes=30)).replace(fold=fold)
        monkeypatch.setattr("django.utils.timezone.now", lambda now=now: now)
        told = counted.a_week_before(weeks.day, policies.holding())
        by_then = [one for one in weeks.came if one[2] == 1 and one[3] <= hours * 60 + 30]
        assert sum(row["entered"] for row in told.values()) == len(by_then)
