"""Days of the demo on which many came: yesterday, on which rules can be tried, the weekday of today, and today itself."""

import random
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings

from cxcenter.management.demo import overflow
from cxcenter.management.demo.shifts import Shift
from routing.choices import Then
from routing.models import Queue

# How many come on such a day.
YESTERDAY, LIKE_TODAY = 230, 60
# Yesterday at noon a recall of cars was in the news: so many came at once, for each operator who was there for them.
RUSH = 16
RUSH_ABOUT, RUSH_FROM, RUSH_LASTS = "Warranty and repair", time(12, 0), timedelta(minutes=40)
# When they come: from 8 o'clock on, hour by hour.
OPENS = 8
BY_HOUR = (4, 8, 10, 11, 11, 9, 8, 9, 9, 8, 6, 4, 3, 2)
# How long people wait on the average, and at the most.
PATIENCE_S, LONGEST_S = 110, 300


class Arrival(NamedTuple):
    """Somebody who comes: when, and with which topic if it is known."""

    at: datetime
    about: str = ""


def yesterday(day: date, on_duty: Iterable[Shift], able: set[int], chance: random.Random) -> list[Arrival]:
    """Return who came yesterday, in the order of time: a day as usual, and a rush at those who are `able`."""
    begins = datetime.combine(day, RUSH_FROM, tzinfo=_zone())
    there = sum(shift.is_at(begins) and shift.user.pk in able for shift in on_duty)
    rush = [Arrival(begins + chance.random() * RUSH_LASTS, RUSH_ABOUT) for _one in range(RUSH * there)]
    return sorted([*like_today(day, chance, YESTERDAY), *rush])


def like_today(day: date, chance: random.Random, count: int = LIKE_TODAY) -> list[Arrival]:
    """Return who came on a day without a rush, in the order of time."""
    midnight = datetime.combine(day, time(), tzinfo=_zone())
    hours = chance.choices(range(len(BY_HOUR)), BY_HOUR, k=count)
    return sorted(Arrival(midnight + timedelta(hours=OPENS + hour + chance.random())) for hour in hours)


def today(begins: datetime, ends: datetime, chance: random.Random) -> list[Arrival]:
    """Return who came today between two moments, in the order of time: as many as on such days."""
    count = round(LIKE_TODAY * (ends - begins) / timedelta(hours=len(BY_HOUR)))
    return sorted(Arrival(begins + chance.random() * (ends - begins)) for _one in range(count))


def patience_s(queue: Queue, chance: random.Random) -> int:
    """Return how long somebody waits at the most: not so long that the queue would send him on."""
    sent_on = [rule.limit for rule in overflow.RULES if rule.queue == queue.name and rule.then == Then.QUEUE]
    most = min(filter(None, sent_on), default=LONGEST_S)
    return next(patience for patience in _patiences(chance) if patience < most)


def _patiences(chance: random.Random) -> Iterator[int]:
    while True:
        yield 20 + round(chance.expovariate(1 / PATIENCE_S))


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.DEFAULT_ZONE)
