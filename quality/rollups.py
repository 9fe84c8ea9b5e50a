"""Days that are over are summed up once, so that a report of a year reads thousands of rows and not millions.

A day is summed up when all its contacts have been over for a while: then nothing in it changes but by a late rating or an
import of old calls. These mark it as stale: from then on it is counted from its rows, and it is summed up anew when it has been
quiet for as long. Nothing true lives here: `rebuild` makes all again.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from interactions.models import Interaction
from quality.metrics.measures import ALL, IN_TIME, ON_DEMAND
from quality.metrics.reading import EDGES, Question, whole
from quality.metrics.spans import DAY, QUARTER, Piece, midnight
from quality.models import RolledDay, Rollup
from routing.models import WorkItem

# So long after their end contacts are still wrapped up and rated in numbers.
QUIET = timedelta(hours=24)
Level = Rollup.Level
SUMS = [code for code in ALL if code not in IN_TIME]
WAITS = ("answered", "abandoned", "callbacks")
PIECES = "piece AS MATERIALIZED (SELECT * FROM unnest(%s::int[], %s::timestamptz[]) AS piece (bucket, lo))"
ENDS = {"answered": "answered", "abandoned": "abandoned", "callbacks": "callback"}
# Waits in whole seconds, rounded up: "no longer than 20 s" stays what it is.
DISTRIBUTION = """
    WITH {edges}, waited AS (
        SELECT width_bucket(entered_at, (SELECT begins FROM edges)) - 1 AS bucket, queue_id, priority, kind AS channel,
            {of} AS apart, outcome, ceil(extract(epoch FROM left_at - entered_at))::int AS s, count(*) AS n
        FROM routing_workitem item JOIN interactions_interaction talk ON talk.id = item.interaction_id
        WHERE entered_at >= %s AND entered_at < %s AND outcome IN ('answered', 'abandoned', 'callback')
        GROUP BY 1, 2, 3, 4, 5, 6, 7
    ), summed AS (
        SELECT bucket, queue_id, priority, channel, apart, outcome, s,
            (sum(n) OVER (PARTITION BY bucket, queue_id, priority, channel, apart, outcome ORDER BY s))::int AS n
        FROM waited
    )
    SELECT bucket, queue_id, priority, channel, apart, {arrays} FROM summed GROUP BY 1, 2, 3, 4, 5
"""
SERVED_BY = """(
    SELECT operator_id FROM routing_assignment leg WHERE leg.item_id = item.id AND accepted_at IS NOT NULL
    ORDER BY accepted_at, id LIMIT 1
)"""
# What is told apart by days: the column of a rollup, the dimension, where its value stands in a visit and its contact.
APART = {
    Level.OPERATORS: ("operator_id", "operator", SERVED_BY),
    Level.TOPICS: ("topic_id", "topic", "talk.topic_id"),
    Level.PATHS: ("path", "skill", "item.path"),
}
# Raised when days are to be summed up anew: from 1 on there are topics and skills, from 2 on kinds of transfers and replies.
EDITION = 2
INSERT = """
    WITH {pieces}
    INSERT INTO quality_rollup (level, day, at, queue_id, priority, channel, {column}, {sums}, {arrays})
    SELECT {level}, (piece.lo AT TIME ZONE 'UTC')::date, piece.lo, d_queue, d_priority, d_channel, {apart}, {measures}, {arrays}
    FROM ({totals}) total JOIN piece USING (bucket)
    LEFT JOIN ({distribution}) waits ON waits.bucket = total.bucket AND waits.queue_id = d_queue
        AND waits.priority = d_priority AND waits.channel = d_channel AND coalesce(waits.apart, 0) = coalesce({apart}, 0)
"""


def roll_up(day: date) -> None:
    """Sum up one day (UTC)."""
    begin = midnight(day, UTC)
    quarters = [Piece(n, begin + n * QUARTER, begin + (n + 1) * QUARTER, whole=False) for n in range(DAY // QUARTER)]
    with transaction.atomic():
        # Who marks the day as stale meanwhile waits, and marks it after we have written it.
        RolledDay.objects.get_or_create(day=day)
        RolledDay.objects.select_for_update().get(day=day)
        Rollup.objects.filter(day=day).delete()
        _insert(Level.QUARTER, quarters)
        _insert(Level.DAY, [Piece(0, begin, begin + DAY, whole=True)])
        for level in APART:
            _insert(level, [Piece(0, begin, begin + DAY, whole=True)])
        RolledDay.objects.filter(day=day).update(rolled_at=timezone.now(), stale_since=None, edition=EDITION)


def _insert(level: int, pieces: list[Piece]) -> None:
    column, code, of = APART.get(Level(level), ("operator_id", "", "NULL::bigint"))
    by = ("queue", "priority", "channel", *([code] if code else []))
    totals, params = whole(Question(by=by, policies={}, kept=False, needs=ON_DEMAND), pieces)
    shown: list[Any] = [[piece.bucket for piece in pieces], [piece.lo for piece in pieces]]
    names = ", ".join(f"{waits}_{part}" for waits in WAITS for part in "sn")
    arrays = ", ".join(
        f"array_agg({part} ORDER BY s) FILTER (WHERE outcome = '{ENDS[waits]}') AS {waits}_{part}"
        for waits in WAITS
        for part in "sn"
    )
    statement = INSERT.format(
        pieces=PIECES,
        sums=", ".join(SUMS),
        arrays=names,
        level=int(level),
        column=column,
        apart=f"d_{code}" if code else "NULL::bigint",
        measures=", ".join(f"m_{code}" for code in SUMS),
        totals=totals,
        distribution=DISTRIBUTION.format(edges=EDGES, of=of, arrays=arrays),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*shown, *params, shown[1], pieces[0].lo, pieces[-1].hi])


def mark(since: datetime, until: datetime) -> None:
    """Note that numbers of the days of [since, until] have changed. Days that are not summed up yet are left alone."""
    now = timezone.now()
    first, last = since.astimezone(UTC).date(), min(until, now - QUIET).astimezone(UTC).date()
    days = [RolledDay(day=day, stale_since=now) for day in _between(first, last)]
    RolledDay.objects.bulk_create(
        days, update_conflicts=True, unique_fields=["day"], update_fields=["stale_since"], batch_size=1000
    )


def _between(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=1)


def due(now: datetime | None = None) -> Iterator[date]:
    """Yield the days that can be summed up and are not, or have changed and are quiet since."""
    now = now or timezone.now()
    for day in days(now):
        row = RolledDay.objects.filter(day=day).first()
        fresh = row is not None and row.rolled_at is not None and row.stale_since is None and row.edition == EDITION
        hushed = row is None or row.stale_since is None or row.stale_since <= now - QUIET
        if not fresh and hushed and _is_quiet(day, now):
            yield day


def _is_quiet(day: date, now: datetime) -> bool:
    """Tell whether all contacts of a day have ended long enough ago."""
    begin = midnight(day, UTC)
    lively = Q(closed_at=None) | Q(closed_at__gt=now - QUIET)
    visits = WorkItem.objects.filter(entered_at__gte=begin, entered_at__lt=begin + DAY)
    sessions = Interaction.objects.filter(last_message_at__gte=begin, last_message_at__lt=begin + DAY)
    return not (
        visits.filter(Q(interaction__closed_at=None) | Q(interaction__closed_at__gt=now - QUIET)).exists()
        or sessions.filter(lively).exists()
    )


def days(now: datetime) -> Iterator[date]:
    """Yield the days (UTC) with visits that have been over for long enough, one look-up each."""
    until = (now - QUIET).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    at = datetime.min.replace(tzinfo=UTC)
    while at < until:
        found = WorkItem.objects.filter(entered_at__gte=at, entered_at__lt=until).order_by("entered_at")
        first = found.values_list("entered_at", flat=True).first()
        if first is None:
            return
        day = first.astimezone(UTC).date()
        yield day
        at = midnight(day, UTC) + DAY


def rebuild(since: date = date.min, until: date = date.max) -> int:
    """Sum up all days of [since, until] again that are over. Return how many. Reports go on meanwhile."""
    now = timezone.now()
    chosen = [day for day in days(now) if since <= day <= until and _is_quiet(day, now)]
    gone = RolledDay.objects.filter(day__gte=since, day__lte=until).exclude(day__in=chosen)
    with transaction.atomic():
        Rollup.objects.filter(day__in=gone.values("day")).delete()
        gone.delete()
    for day in chosen:
        roll_up(day)
    return len(chosen)
