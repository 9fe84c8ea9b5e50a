"""Times of operators' states, cut at the edges of intervals. One is in one state at a time, so nothing counts twice."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from routing.choices import State

STATES: dict[str, list[str]] = {
    "login_us": [state for state in State.values if state != State.OFFLINE],
    "available_us": [State.AVAILABLE],
    "handling_us": [State.BUSY, State.WRAPUP],
    "pause_us": [State.PAUSE],
    "meeting_us": [State.MEETING],
    "training_us": [State.TRAINING],
    "not_responding_us": [State.NOT_RESPONDING],
    # What the shares are made of: time for contacts, time that was worked, time that was not for contacts.
    "ready_us": [State.AVAILABLE, State.BUSY, State.WRAPUP],
    "productive_us": [State.BUSY, State.WRAPUP, State.MEETING, State.TRAINING],
    "shrunk_us": [State.PAUSE, State.MEETING, State.TRAINING, State.NOT_RESPONDING],
}
STATEMENT = """
    WITH stretch AS (
        SELECT user_id, state, greatest(started_at, %(since)s) AS began, least(coalesce(ended_at, now()), %(until)s) AS ended
        FROM routing_presenceinterval
        WHERE started_at < %(until)s AND coalesce(ended_at, now()) > %(since)s {where}
    ), cut AS (
        SELECT bucket - 1 AS bucket, user_id, state,
            least(ended, (%(ends)s::timestamptz[])[bucket]) - greatest(began, (%(begins)s::timestamptz[])[bucket]) AS spent
        FROM stretch, generate_series(
            width_bucket(began, %(begins)s::timestamptz[]),
            width_bucket(ended - interval '1 microsecond', %(begins)s::timestamptz[])
        ) AS bucket
        WHERE ended > began
    )
    SELECT bucket, {keys} {sums} FROM cut GROUP BY {groups}
"""


def tells(by: Iterable[str], only: Iterable[str]) -> bool:
    """Tell whether times of states can be split so: by operator, and by nothing of contacts."""
    return {*by, *only} <= {"operator"}


def totals(
    *,
    begins: list[datetime],
    since: datetime,
    until: datetime,
    by: tuple[str, ...],
    only: Mapping[str, Any],
    operators: Collection[int] | None,
) -> dict[tuple[Any, ...], dict[str, int]]:
    """Return the sums by (interval, *by). One statement."""
    params: dict[str, Any] = {"begins": begins, "ends": [*begins[1:], until], "since": since, "until": until, **STATES}
    where = ""
    if "operator" in only:
        where += " AND user_id = %(one)s"
        params["one"] = only["operator"]
    if operators is not None:
        where += " AND user_id = ANY(%(operators)s)"
        params["operators"] = list(operators)
    spent = "coalesce(sum(extract(epoch FROM spent)) FILTER (WHERE state = ANY(%({name})s)) * 1000000, 0)::bigint"
    statement = STATEMENT.format(
        where=where,
        keys="".join("user_id, " for _code in by),
        sums=", ".join(spent.format(name=name) for name in STATES),
        groups="1, 2" if by else "1",
    )
    width = 1 + len(by)
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return {row[:width]: dict(zip(STATES, row[width:], strict=True)) for row in cursor.fetchall()}
