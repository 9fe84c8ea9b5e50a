"""Sums of measures for the pieces of a report, in one statement.

A day that is over is summed up once (`quality.rollups`); all else, and every day that has changed since, is counted from its
rows in the same statement. So a number is the same however it came about.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import reduce
from operator import or_
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Func, IntegerField, Q

from quality.metrics.dimensions import DIMENSIONS
from quality.metrics.measures import ALL, BASES, IN_TIME, LARGEST, MEASURES, ON_DEMAND, in_time, rows_of
from quality.metrics.spans import Piece, midnight
from quality.models import RolledDay, Rollup
from quality.service_level import Policy

Counted = dict[str, int]
# When the intervals begin.
EDGES = "edges AS MATERIALIZED (SELECT %s::timestamptz[] AS begins)"
LINES = """
    line AS MATERIALIZED (SELECT * FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS line (queue_id, within, short))
"""
KEPT = """
    SELECT width_bucket(kept.at, (SELECT begins FROM edges)) - 1 AS bucket, {keys}, {sums}
    FROM quality_rollup kept
    JOIN quality_rolledday rolled ON rolled.day = kept.day AND rolled_at IS NOT NULL AND stale_since IS NULL
        AND edition >= {edition}
    LEFT JOIN line USING (queue_id)
    WHERE kept.level = {level} AND ({times}) AND {where}
    GROUP BY {groups}
"""
COUNTED = "SELECT f.bucket, {keys}, {sums} FROM ({rows}) f"
WHOLE = """
    WITH {lines}, {edges}
    SELECT bucket, {keys}, {sums} FROM ({parts}) part GROUP BY bucket, {keys}
"""
# Rollups that tell of one of these are of whole days, and from an edition on.
APART = {
    "operator": (Rollup.Level.OPERATORS, 0),
    "topic": (Rollup.Level.TOPICS, 1),
    "skill": (Rollup.Level.PATHS, 1),
}
ON_DEMAND_SINCE = 2
NOTHING, WHOLE_DAYS, QUARTERS, EVERYTHING = "nothing", "whole days", "quarters", "everything"
Span = tuple[datetime, datetime]


class Bucket(Func):
    """The number of the interval that a time is in, from 0."""

    template = "width_bucket(%(expressions)s, (SELECT begins FROM edges)) - 1"
    output_field = IntegerField()


@dataclass(frozen=True)
class Question:
    """What is asked: split by which dimensions (the queue always), by which policies of queues.

    `queues`: only of these; None: of all, and of contacts that came to none. `only`: dimension → its one value.
    `kept=False` counts everything from its rows. `zone`: whose hours and days of the week they are. `needs`: what is
    counted of ON_DEMAND; the rest of it is 0.
    """

    by: tuple[str, ...]
    policies: Mapping[int, Policy]
    queues: Collection[int] | None = None
    only: Mapping[str, Any] = field(default_factory=dict)
    kept: bool = True
    zone: tzinfo = UTC
    needs: Collection[str] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The dimensions of the answer."""
        return ("queue", *(code for code in self.by if code != "queue"))


@contextmanager
def one_moment() -> Iterator[None]:
    """Let all that is asked inside see one moment of the database, whatever comes in meanwhile. In a transaction that is its caller's matter."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def totals(question: Question, pieces: Sequence[Piece]) -> dict[tuple[Any, ...], Counted]:
    """Return the sums of all measures by (interval, *question.keys). Two statements, of one moment if inside `one_moment`."""
    statement, params = whole(question, pieces)
    if not statement:
        return {}
    width = 1 + len(question.keys)
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return {row[:width]: dict(zip(ALL, row[width:], strict=True)) for row in cursor.fetchall()}


def whole(question: Question, pieces: Sequence[Piece]) -> tuple[str, list[Any]]:
    """Return the statement and its parameters, "" if no row can be meant."""
    params: list[Any] = [
        list(question.policies),
        [int(policy.within_s) for policy in question.policies.values()],
        [None if policy.short_s is None else int(policy.short_s) for policy in question.policies.values()],
        list({piece.bucket: piece.lo for piece in reversed(pieces)}.values())[::-1],
    ]
    parts: list[str] = []
    found = [_kept_part(question, level, spans) for level, spans in _kept_spans(question, pieces)]
    if spans := open_spans(question, pieces):
        found += [_counted(question, base, spans) for base in BASES]
    for sql, said in found:
        if sql:
            parts.append(sql)
            params += said
    if not parts:
        return "", []
    keys = ", ".join(f"d_{code}" for code in question.keys)
    sums = ", ".join(f"coalesce({_added(code)}(m_{code}), 0)::bigint AS m_{code}" for code in ALL)
    sql = WHOLE.format(lines=LINES, edges=EDGES, keys=keys, sums=sums, parts=" UNION ALL ".join(parts))
    return sql, params


def _kept(question: Question) -> str:
    """Return which pieces rollups can tell."""
    asked, apart = {*question.keys, *question.only}, _apart(question)
    by_clock = any(DIMENSIONS[code].clock for code in asked)
    if not question.kept or not all(DIMENSIONS[code].column or DIMENSIONS[code].clock for code in asked):
        return NOTHING
    if apart:
        return NOTHING if by_clock or len(apart) > 1 else WHOLE_DAYS
    return QUARTERS if by_clock else EVERYTHING


def _apart(question: Question) -> set[str]:
    return {*question.keys, *question.only} & APART.keys()


def _edition(question: Question) -> int:
    """Return from which edition on rollups tell what is asked."""
    return max([ON_DEMAND_SINCE if question.needs else 0, *(APART[code][1] for code in _apart(question))])


def open_spans(question: Question, pieces: Sequence[Piece]) -> list[Span]:
    """Return the times that no rollup tells: they are counted from their rows. One query, if rollups can tell any."""
    first, last, kept = pieces[0].lo, pieces[-1].hi, _kept(question)
    if kept == NOTHING:
        return [(first, last)]
    rolled = RolledDay.objects.filter(rolled_at__isnull=False, stale_since=None, day__range=(first.date(), last.date()))
    fresh = set(rolled.filter(edition__gte=_edition(question)).values_list("day", flat=True))
    found: list[Span] = []
    for piece in pieces:
        if kept == WHOLE_DAYS and not piece.whole:
            _add(found, piece.lo, piece.hi)
            continue
        lo = piece.lo
        while lo < piece.hi:
            hi = min(midnight(lo.date() + timedelta(days=1), UTC), piece.hi)
            if lo.date() not in fresh:
                _add(found, lo, hi)
            lo = hi
    return found


def _add(spans: list[Span], lo: datetime, hi: datetime) -> None:
    if spans and spans[-1][1] == lo:
        lo = spans.pop()[0]
    spans.append((lo, hi))


def _kept_spans(question: Question, pieces: Sequence[Piece]) -> Iterator[tuple[int, list[Span]]]:
    """Yield which rollups to read, and for what times: those of whole days where there are any, else of quarters."""
    kept = _kept(question)
    for whole_days in (True, False):
        spans: list[Span] = []
        for piece in pieces:
            if (piece.whole and kept != QUARTERS) == whole_days:
                _add(spans, piece.lo, piece.hi)
        if spans and (kept in {EVERYTHING, QUARTERS} or (kept == WHOLE_DAYS and whole_days)):
            (days, _edition_of) = APART[min(_apart(question))] if kept == WHOLE_DAYS else (Rollup.Level.DAY, 0)
            yield days if whole_days else Rollup.Level.QUARTER, spans


def _kept_part(question: Question, level: int, spans: list[Span]) -> tuple[str, list[Any]]:
    zone = str(question.zone)
    params: list[Any] = [zone for code in question.keys if DIMENSIONS[code].clock]
    params += [edge for span in spans for edge in span]
    times = " OR ".join(["(kept.at >= %s AND kept.at < %s)"] * len(spans))
    where = ["true"]
    if question.queues is not None:
        where.append("kept.queue_id = ANY(%s)")
        params.append(list(question.queues))
    for code, value in question.only.items():
        said, more = _kept_only(code, value)
        where.append(said)
        params += [zone, *more] if DIMENSIONS[code].clock else more
    keys = ", ".join(f"{_kept_value(code)} AS d_{code}" for code in question.keys)
    sums = ", ".join(f"{_added(code)}({_kept_sum(code)}) AS m_{code}" for code in ALL)
    groups = ", ".join(str(number + 1) for number in range(1 + len(question.keys)))
    where_said = " AND ".join(where)
    told = {"keys": keys, "sums": sums, "level": int(level), "edition": _edition(question), "times": times}
    return KEPT.format(**told, where=where_said, groups=groups), params


def _kept_only(code: str, value: Any) -> tuple[str, list[Any]]:
    """Return the condition of rollups that have a value, as `Dimension.among` says it of rows."""
    place, several = _kept_value(code), DIMENSIONS[code].several
    if several is None:
        return f"{place} IS NOT DISTINCT FROM %s", [value]
    return (f"coalesce({place}, 0) = 0", []) if value is None else (f"{place} = ANY(%s)", [several.standing(value)])


def _added(code: str) -> str:
    return "max" if code in LARGEST else "sum"


def _kept_value(code: str) -> str:
    """Return where a dimension stands in rollups; what a clock tells takes the zone as a parameter."""
    dimension = DIMENSIONS[code]
    return f"extract({dimension.clock} FROM kept.at AT TIME ZONE %s)::smallint" if dimension.clock else dimension.column


def _kept_sum(code: str) -> str:
    if code not in IN_TIME:
        return f"kept.{code}"
    waits, (_which, limit) = code.split("_", maxsplit=1)[0], IN_TIME[code]
    # The distribution of waits is cumulative: how many waited no longer than the limit stands at one place.
    return f"coalesce(kept.{waits}_n[width_bucket(line.{limit}, kept.{waits}_s)], 0)"


def _counted(question: Question, base: str, spans: list[Span]) -> tuple[str, list[Any]]:
    """Return the part of a statement that counts the rows of a base, "" if none of them can be meant."""
    asked = {code: DIMENSIONS[code].of.get(base) for code in (*question.keys, *question.only)}
    of = {code: place(question.zone) for code, place in asked.items() if place is not None}
    # Rows that know no such thing as a queue have none.
    elsewhere = any(code not in of and value is not None for code, value in question.only.items())
    if elsewhere or (question.queues is not None and "queue" not in of):
        return "", []
    rows, moment = rows_of(base)
    times = [Q(**{f"{moment}__gte": lo, f"{moment}__lt": hi}) for lo, hi in spans]
    rows = rows.filter(reduce(or_, times))
    rows = rows.alias(**{f"k_{code}": expression for code, expression in of.items()})
    for code, value in question.only.items():
        if code in of:
            rows = rows.filter(DIMENSIONS[code].among(f"k_{code}", value))
    if question.queues is not None:
        rows = rows.filter(k_queue__in=list(question.queues))
    skipped = ON_DEMAND.difference(question.needs)
    known = {**MEASURES, **in_time(question.policies)}
    measures = {code: one for code, one in known.items() if one.base == base and code not in skipped}
    groups = {"bucket": Bucket(moment), **{f"d_{code}": of[code] for code in question.keys if code in of}}
    rows = rows.order_by().values(**groups).annotate(**{f"m_{code}": one.aggregate() for code, one in measures.items()})
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return "", []
    keys = ", ".join(
        f"{f'f.d_{code}' if code in of else f'NULL::{DIMENSIONS[code].type}'} AS d_{code}" for code in question.keys
    )
    sums = ", ".join(f"{f'f.m_{code}' if code in measures else '0'} AS m_{code}" for code in ALL)
    return COUNTED.format(keys=keys, sums=sums, rows=sql), list(params)
