"""Issues: contacts of one customer about one topic, over all channels. Which come again, which were solved at the first."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL

# A contact within W of one before it, W itself included, belongs to the same issue.
WINDOW = timedelta(days=7)
# Where the dimensions stand: a contact is counted where its first visit was.
PLACES = {"queue": "queue_id", "priority": "priority", "channel": "kind", "topic": "topic_id"}
STATEMENT = """
    WITH contact AS (
        SELECT talk.id, kind, topic_id, last_message_at, opened_at AS at,
            lag(opened_at) OVER issue AS before, lead(opened_at) OVER issue AS after
        FROM interactions_interaction talk JOIN customers_profile profile ON profile.id = talk.profile_id
        WHERE topic_id IS NOT NULL AND last_message_at >= %(since)s::timestamptz - %(window)s::interval
            AND opened_at <= %(until)s::timestamptz + %(window)s::interval
        WINDOW issue AS (PARTITION BY customer_id, topic_id ORDER BY opened_at, talk.id)
    ), placed AS (
        SELECT contact.*, queue_id, priority, coalesce(entered_at, last_message_at) AS arrived,
            before IS NULL OR before < at - %(window)s::interval AS is_first,
            after IS NULL OR after > at + %(window)s::interval AS is_last,
            at + %(window)s::interval < now() AS is_over
        FROM contact LEFT JOIN LATERAL (
            SELECT queue_id, priority, entered_at FROM routing_workitem item
            WHERE item.interaction_id = contact.id ORDER BY item.id LIMIT 1
        ) visit ON true
    )
    SELECT {what} FROM placed WHERE arrived >= %(since)s AND arrived < %(until)s {where}
"""
BUCKET = "width_bucket(arrived, %(begins)s::timestamptz[]) - 1"
# What is counted of contacts, by the conditions that list them as well.
WHICH = {
    "issue_contacts": "true",
    "repeats": "NOT is_first",
    "issues": "is_first AND is_over",
    "solved_first": "is_first AND is_over AND is_last",
}


def tells(by: Iterable[str], only: Iterable[str]) -> bool:
    """Tell whether issues can be split so."""
    return {*by, *only} <= PLACES.keys()


def totals(
    *,
    begins: list[datetime],
    since: datetime,
    until: datetime,
    by: tuple[str, ...],
    only: Mapping[str, Any],
    queues: Collection[int] | None,
) -> dict[tuple[Any, ...], dict[str, int]]:
    """Return the sums by (interval, *by). One statement."""
    where, params = narrowed(only, queues)
    counts = [f"count(*) FILTER (WHERE {which})" for which in WHICH.values()]
    groups = ", ".join(str(number + 1) for number in range(1 + len(by)))
    statement = STATEMENT.format(
        what=", ".join([BUCKET, *(PLACES[code] for code in by), *counts]), where=f"{where} GROUP BY {groups}"
    )
    params |= {"begins": begins, "since": since, "until": until, "window": WINDOW}
    width = 1 + len(by)
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return {row[:width]: dict(zip(WHICH, row[width:], strict=True)) for row in cursor.fetchall()}


def sessions(
    counted: str, *, since: datetime, until: datetime, only: Mapping[str, Any], queues: Collection[int] | None
) -> RawSQL:
    """Return the ids of the sessions that one of WHICH counts, for a condition."""
    where, params = narrowed(only, queues)
    params |= {"since": since, "until": until, "window": WINDOW}
    statement = STATEMENT.format(what="id", where=f"{where} AND {WHICH[counted]}")
    # A part of another statement has its parameters by place.
    names = re.findall(r"%\((\w+)\)s", statement)
    return RawSQL(re.sub(r"%\(\w+\)s", "%s", statement), [params[name] for name in names])  # noqa: S611 — our own text


def narrowed(only: Mapping[str, Any], queues: Collection[int] | None) -> tuple[str, dict[str, Any]]:
    """Return the condition on what is asked, and its parameters."""
    where = "".join(f" AND {PLACES[code]} IS NOT DISTINCT FROM %(only_{code})s" for code in only)
    params: dict[str, Any] = {f"only_{code}": value for code, value in only.items()}
    if queues is not None:
        where += " AND queue_id = ANY(%(queues)s)"
        params["queues"] = list(queues)
    return where, params
