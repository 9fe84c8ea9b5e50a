"""First replies in business time: of the time from the arrival to the reply only what lies in the opening hours of the queue.

The hours are those of today, for the past as well: nothing of it is summed up by days. A queue without hours is always open.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from quality.metrics.issues import PLACES, narrowed
from routing.models import Queue
from routing.queries import hours_of

US = timedelta(microseconds=1)
# One row for queues of the same hours: when these open and close, and how long they were open before each opening.
OPEN = "open (queues, opens, closes, before) AS (VALUES {rows})"
ROW = "(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::bigint[])"
UP_TO = """coalesce(
    before[width_bucket({at}, opens)] + (extract(epoch FROM
        least({at}, closes[width_bucket({at}, opens)]) - opens[width_bucket({at}, opens)]
    ) * 1000000)::bigint, 0
)"""
STATEMENT = """
    WITH {open}, placed AS (
        SELECT queue_id, priority, kind, topic_id, entered_at AS arrived, first_reply_at AS replied
        FROM routing_workitem item JOIN interactions_interaction talk ON talk.id = item.interaction_id
        WHERE entered_at >= %s AND entered_at < %s AND first_reply_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM routing_workitem earlier WHERE earlier.interaction_id = item.interaction_id AND earlier.id < item.id
        )
    )
    SELECT width_bucket(arrived, %s::timestamptz[]) - 1, {keys} count(*), sum(
        CASE WHEN opens IS NULL THEN (extract(epoch FROM replied - arrived) * 1000000)::bigint ELSE {replied} - {arrived} END
    )::bigint
    FROM placed LEFT JOIN open ON queue_id = ANY(queues) WHERE true {where} GROUP BY {groups}
"""


def totals(
    *,
    begins: list[datetime],
    since: datetime,
    until: datetime,
    by: tuple[str, ...],
    only: Mapping[str, Any],
    queues: Collection[int] | None,
) -> dict[tuple[Any, ...], dict[str, int]]:
    """Return how many were replied to and after how much business time, by (interval, *by); split as issues are."""
    where, named = narrowed(only, queues)
    rows = _open(since, timezone.now())
    statement = STATEMENT.format(
        open=OPEN.format(rows=", ".join([ROW] * len(rows))),
        keys="".join(f"{PLACES[code]}, " for code in by),
        replied=UP_TO.format(at="replied"),
        arrived=UP_TO.format(at="arrived"),
        where=re.sub(r"%\(\w+\)s", "%s", where),
        groups=", ".join(str(number + 1) for number in range(1 + len(by))),
    )
    params: list[Any] = [part for row in rows for part in row] + [since, until, begins]
    params += [named[name] for name in re.findall(r"%\((\w+)\)s", where)]
    width = 1 + len(by)
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return {row[:width]: {"business": row[width], "business_us": row[width + 1]} for row in cursor.fetchall()}


def _open(since: datetime, until: datetime) -> list[tuple[list[Any], ...]]:
    """Return the rows of OPEN; one of no queues stands for none."""
    alike: dict[int | None, list[Queue]] = defaultdict(list)
    related = Queue.objects.exclude(hours=None).select_related("hours")
    for queue in related.prefetch_related("hours__intervals", "hours__holidays"):
        alike[queue.hours_id].append(queue)
    rows: list[tuple[list[Any], ...]] = [([], [], [], [])]
    for queues in alike.values():
        hours = hours_of(queues[0])
        assert hours is not None
        opens, closes, before, total = [], [], [], 0
        for opening, closing in hours.open_times(since, until):
            opens.append(opening)
            closes.append(closing)
            before.append(total)
            total += (closing - opening) // US
        rows.append(([queue.pk for queue in queues], opens, closes, before))
    return rows
