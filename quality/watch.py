"""Looks out for anomalies: sharp rises of contacts, of a topic, of late contacts; sharp drops; operators who are stuck in one.

Rises are looked for in the quarter of an hour that goes on and in the one before: who comes at its end is late in the next.
An alert begins when a count is beyond what is usual and ends when neither quarter is. Drops are looked for in the quarter
before alone: the one that goes on is not over.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count
from django.utils import timezone

from cxcenter.core.pace import Paced
from interactions.models import Topic
from quality import forecast, metrics
from quality.anomalies import Usual, at_least, at_most, is_drop, is_sharp
from quality.metrics.spans import EPOCH, QUARTER, midnight
from routing.actions.alerts import Finding, keep_alerts
from routing.choices import AlertKind
from routing.models import Assignment, Queue, WorkItem
from routing.queries import hours_of

KINDS = (AlertKind.ARRIVALS, AlertKind.DROP, AlertKind.TOPIC, AlertKind.WAITS, AlertKind.STUCK)
# The past changes little in this time.
PAST_S = 3600


@dataclass(frozen=True)
class Seen:
    """What came in one quarter of an hour: visits and late ones by (team, queue), visits by (team, topic at the top)."""

    begin: datetime
    arrivals: dict[tuple[int, int], int]
    overdue: dict[tuple[int, int], int]
    topics: dict[tuple[int, int], int]


class Watch:
    """Keeps the past for a while, and looks at what goes on."""

    def __init__(self) -> None:
        """Begin without a past."""
        self._past = [Paced(forecast.past_of, every_s=PAST_S) for _quarter in range(2)]
        self._lasting = Paced(lambda: forecast.lasting_s(timezone.now()), every_s=PAST_S)

    def run(self, now: datetime | None = None) -> int:
        """Look once. Returns how many alerts came and ended."""
        now = now or timezone.now()
        current = now - (now - EPOCH) % QUARTER
        found: dict[tuple[Any, ...], Finding] = {}
        # What is true of both quarters is told of the newer one.
        for begin, past in zip((current - QUARTER, current), self._past, strict=True):
            known, came = past(begin.astimezone(forecast.zone()).date()), seen(begin, now)
            found |= {finding.key: finding for finding in rises(came, known)}
            if begin < current:
                found |= {finding.key: finding for finding in drops(came, known)}
        found |= {finding.key: finding for finding in stuck(now, self._lasting())}
        return keep_alerts(found=found.values(), kinds=KINDS, now=now)


def seen(begin: datetime, now: datetime) -> Seen:
    """Return what came in a quarter of an hour. Three statements."""
    visits = WorkItem.objects.came().filter(entered_at__gte=begin, entered_at__lt=begin + QUARTER).order_by()
    late = Count("pk", filter=metrics.overdue(now))
    rows = list(visits.values_list("queue__team_id", "queue_id").annotate(came=Count("pk"), late=late))
    with_topic, top = visits.filter(interaction__topic__isnull=False), forecast.tops()
    topics: Counter[tuple[int, int]] = Counter()
    for team, topic, came in with_topic.values_list("queue__team_id", "interaction__topic_id").annotate(
        came=Count("pk")
    ):
        topics[team, top[topic]] += came
    return Seen(
        begin=begin,
        arrivals={(team, queue): came for team, queue, came, _late in rows},
        overdue={(team, queue): late for team, queue, _came, late in rows},
        topics=topics,
    )


def rises(of: Seen, past: forecast.Past) -> Iterator[Finding]:
    """Yield what is sharply more than usual in a quarter of an hour."""
    quarter, when = forecast.quarter_at(of.begin), _place(of.begin)
    for (team, queue), count in of.arrivals.items():
        usual = past.usual_of_queue(queue, quarter)
        if usual and is_sharp(count, usual):
            yield Finding(AlertKind.ARRIVALS, team, f"queue:{queue}", when | _numbers(count, usual), queue=queue)
    for (team, queue), count in of.overdue.items():
        usual = past.usual_overdue(queue, quarter)
        if usual and is_sharp(count, usual):
            yield Finding(AlertKind.WAITS, team, f"queue:{queue}", when | _numbers(count, usual), queue=queue)
    sharp = []
    for (team, topic), count in of.topics.items():
        usual = past.usual_of_topic(team, topic, quarter)
        if usual and is_sharp(count, usual):
            sharp.append((team, topic, _numbers(count, usual)))
    names = _names(topic for _team, topic, _said in sharp)
    for team, topic, said in sharp:
        yield Finding(AlertKind.TOPIC, team, f"topic:{topic}", when | said | {"topic": topic, **names[topic]})


def drops(of: Seen, past: forecast.Past) -> Iterator[Finding]:
    """Yield the queues to which sharply fewer came than usual in a quarter of an hour, though they were open throughout."""
    quarter, when = forecast.quarter_at(of.begin), _place(of.begin)
    came = Counter({queue: count for (_team, queue), count in of.arrivals.items()})
    usual = {queue: past.usual_of_queue(queue, quarter) for queue in past.days_of_queue}
    low = {queue: known for queue, known in usual.items() if known and is_drop(came[queue], known)}
    if not low:
        return
    queues = Queue.objects.filter(pk__in=low, active=True).select_related("hours")
    for queue in queues.prefetch_related("hours__intervals", "hours__holidays"):
        if _was_open(queue, of.begin):
            said = {"count": came[queue.pk], "usual": round(low[queue.pk].mean, 1), "at_least": at_least(low[queue.pk])}
            yield Finding(AlertKind.DROP, queue.team_id, f"queue:{queue.pk}", when | said, queue=queue.pk)


def _was_open(queue: Queue, begin: datetime) -> bool:
    """Tell whether a queue was open from the beginning to the end of a quarter of an hour."""
    hours, last = hours_of(queue), begin + QUARTER - timedelta(seconds=1)
    is_closed = queue.closed_until is not None and queue.closed_until > begin
    return not is_closed and (hours is None or (hours.is_open(begin) and hours.is_open(last)))


def _place(begin: datetime) -> dict[str, Any]:
    """Return which quarter it is: the day, its number since midnight, its beginning."""
    day = begin.astimezone(forecast.zone()).date()
    slot = (begin - midnight(day, forecast.zone())) // QUARTER
    return {"day": day.isoformat(), "slot": slot, "begin": begin.timestamp()}


def _numbers(count: int, usual: Usual) -> dict[str, Any]:
    return {"count": count, "usual": round(usual.mean, 1), "at_most": at_most(usual)}


def _names(topics: Iterable[int]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = defaultdict(lambda: {"name": "", "name_ru": ""})
    for topic in Topic.objects.filter(pk__in=list(topics)):
        found[topic.pk] = {"name": topic.name, "name_ru": topic.name_ru}
    return found


def stuck(now: datetime, lasting: dict[tuple[int, str], float]) -> Iterator[Finding]:
    """Yield contacts that operators have had in work for unusually long, not counting those that are put aside."""
    legs = Assignment.objects.filter(metrics.IN_WORK, holds=True, snoozed_until=None, accepted_at__isnull=False)
    for leg in legs.select_related("item__queue", "interaction"):
        limit = lasting.get((leg.item.queue_id, leg.interaction.kind))
        if limit and leg.accepted_at and (now - leg.accepted_at).total_seconds() > limit:
            args = {"begin": leg.accepted_at.timestamp(), "limit_s": round(limit)}
            yield Finding(
                AlertKind.STUCK,
                leg.item.queue.team_id,
                f"leg:{leg.pk}",
                args,
                queue=leg.item.queue_id,
                user=leg.operator_id,
                item=leg.item_id,
            )
