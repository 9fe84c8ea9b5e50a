"""What is usual: the same quarter of an hour of the same weekday in the last WEEKS weeks.

Means, not medians: those of queues, channels, topics and quarters add up to those of what they make together, and a queue to
which somebody comes once a day has one. A day on which nothing came (closed, a holiday) is left out. Quarters are by the
clock of the installation's zone, so that 9:00 is compared with 9:00 whatever clocks did in between.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Avg, Count, DateField, F, FloatField, Func, IntegerField, Q, QuerySet, StdDev, Value
from django.utils import timezone

from interactions.models import Topic
from quality import metrics
from quality.anomalies import LEAST_DAYS, Usual, too_long_s
from quality.metrics.spans import QUARTER, midnight
from routing.choices import Leg, LegEnd
from routing.models import Assignment, WorkItem

WEEKS = 4
WEEK = timedelta(days=7)
# From so many days it is told how long contacts last.
LASTING_DAYS = 14
Counts = dict[int, int]


class LocalQuarter(Func):
    """The quarter of an hour of a local day, from 0."""

    template = "FLOOR(EXTRACT(EPOCH FROM (%(expressions)s)::time) / 900)::int"
    arg_joiner = " AT TIME ZONE "
    output_field = IntegerField()


class LocalDay(Func):
    """The local day."""

    template = "(%(expressions)s)::date"
    arg_joiner = " AT TIME ZONE "
    output_field = DateField()


class Logarithm(Func):
    """The natural logarithm of a duration in seconds, of at least one."""

    template = "LN(GREATEST(EXTRACT(EPOCH FROM %(expressions)s), 1))"
    arg_joiner = " - "
    output_field = FloatField()


@dataclass(frozen=True)
class Past:
    """Counts by quarter of the days that a day is compared with, and how many days those are.

    `arrivals` and `a_week_ago` by (queue, channel kind), `overdue` by queue, `topics` by (team, topic at the top).
    """

    arrivals: dict[tuple[int, str], Counts]
    a_week_ago: dict[tuple[int, str], Counts]
    overdue: dict[int, Counts]
    topics: dict[tuple[int, int], Counts]
    days_of_queue: dict[int, int]
    days_of_team: dict[int, int]

    def days(self, queue: int) -> int:
        """Return on how many of the days somebody came to a queue."""
        return self.days_of_queue.get(queue, 0)

    def tells(self, queue: int) -> bool:
        """Tell whether these are enough to say what is usual in a queue."""
        return self.days(queue) >= LEAST_DAYS

    def usual_arrivals(self, queue: int, quarter: int, kind: str) -> Usual:
        """Return how many usually come to a queue by a channel in a quarter. Ask only of what `tells`."""
        return Usual(self.arrivals.get((queue, kind), {}).get(quarter, 0), self.days(queue))

    def usual_of_queue(self, queue: int, quarter: int) -> Usual | None:
        """Return how many usually come to a queue in a quarter; None if too little is known."""
        total = sum(counts.get(quarter, 0) for (known, _kind), counts in self.arrivals.items() if known == queue)
        return _usual(total, self.days(queue))

    def usual_overdue(self, queue: int, quarter: int) -> Usual | None:
        """Return how many who come to a queue in a quarter usually wait longer than it promises."""
        return _usual(self.overdue.get(queue, {}).get(quarter, 0), self.days(queue))

    def usual_of_topic(self, team: int, topic: int, quarter: int) -> Usual | None:
        """Return how many usually come to the queues of a team with a topic in a quarter."""
        return _usual(self.topics.get((team, topic), {}).get(quarter, 0), self.days_of_team.get(team, 0))


def _usual(total: int, days: int) -> Usual | None:
    return Usual(total, days) if days >= LEAST_DAYS else None


def zone() -> ZoneInfo:
    """Return the zone by whose clock the day of the installation goes."""
    return ZoneInfo(settings.DEFAULT_ZONE)


def quarters_of(day: date) -> list[int]:
    """Return the quarters of a local day in their order: 96, or fewer or more when clocks change."""
    begin, end = midnight(day, zone()), midnight(day + timedelta(days=1), zone())
    return [quarter_at(begin + number * QUARTER) for number in range((end - begin) // QUARTER)]


def quarter_at(moment: datetime) -> int:
    """Return the quarter of the local day in which a moment is."""
    local = moment.astimezone(zone())
    return local.hour * 4 + local.minute // 15


def past_of(day: date) -> Past:
    """Return what came on the days that a day is compared with. Four statements over WEEKS days."""
    visits = (
        WorkItem.objects.came().filter(reduce(or_, (_on(day - week * WEEK) for week in range(1, WEEKS + 1)))).order_by()
    )
    clock = Value(str(zone()))
    by_quarter = visits.annotate(quarter=LocalQuarter("entered_at", clock))
    days = Count(LocalDay("entered_at", clock), distinct=True)
    arrivals, before = _nested(), _nested()
    overdue: dict[int, Counts] = defaultdict(lambda: defaultdict(int))
    told = {
        "came": Count("pk"),
        "last": Count("pk", filter=_on(day - WEEK)),
        "late": Count("pk", filter=metrics.overdue(timezone.now())),
    }
    for queue, kind, quarter, came, last, late in _rows(by_quarter, "queue_id", "interaction__kind", **told):
        arrivals[queue, kind][quarter] = came
        before[queue, kind][quarter] = last
        overdue[queue][quarter] += late
    topics: dict[tuple[int, int], Counts] = defaultdict(lambda: defaultdict(int))
    with_topic, top = by_quarter.filter(interaction__topic__isnull=False), tops()
    for team, topic, quarter, came in _rows(with_topic, "queue__team_id", "interaction__topic_id", came=Count("pk")):
        topics[team, top[topic]][quarter] += came
    return Past(
        arrivals=arrivals,
        a_week_ago=before,
        overdue=overdue,
        topics=topics,
        days_of_queue=dict(visits.values_list("queue_id").annotate(days=days)),
        days_of_team=dict(visits.values_list("queue__team_id").annotate(days=days)),
    )


def tops() -> dict[int, int]:
    """Return for each topic the one at the top that it is under: which of those below it is, is often said at the end only."""
    parents = dict(Topic.objects.values_list("pk", "parent_id"))

    def top(topic: int) -> int:
        parent = parents[topic]
        return topic if parent is None else top(parent)

    return {topic: top(topic) for topic in parents}


def _nested() -> dict[Any, Counts]:
    return defaultdict(dict)


def _on(day: date) -> Q:
    """Return the condition of visits that came on a local day."""
    return Q(entered_at__gte=midnight(day, zone()), entered_at__lt=midnight(day + timedelta(days=1), zone()))


def _rows(visits: "QuerySet[WorkItem]", *keys: str, **counts: Count) -> Iterable[tuple[Any, ...]]:
    return visits.values_list(*keys, "quarter").annotate(**counts)


def lasting_s(now: datetime) -> dict[tuple[int, str], float]:
    """Return by queue and channel kind after how many seconds in work a contact lasts unusually long."""
    ended = Assignment.objects.filter(leg=Leg.ENDED, end=LegEnd.FINISHED, ended_at__isnull=False)
    ended = ended.filter(accepted_at__gte=now - timedelta(days=LASTING_DAYS))
    length = Logarithm(F("ended_at"), F("accepted_at"))
    rows = (
        ended.values_list("item__queue_id", "interaction__kind")
        .annotate(legs=Count("pk"), mean=Avg(length), spread=StdDev(length))
        .order_by()
    )
    found = {(queue, kind): too_long_s(legs, mean, spread) for queue, kind, legs, mean, spread in rows}
    return {key: limit for key, limit in found.items() if limit is not None}
