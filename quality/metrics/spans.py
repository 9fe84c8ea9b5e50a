"""The intervals of a report, and how each is put together of whole days and quarters of an hour. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo

QUARTER, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(hours=24)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Interval(StrEnum):
    """How long the intervals of a report are. Without one the report is of the whole time."""

    QUARTER = "15m"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an interval: whole days of UTC (`whole`), or less; times as [lo, hi)."""

    bucket: int
    lo: datetime
    hi: datetime
    whole: bool


def starts(since: datetime, until: datetime, interval: Interval, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the beginnings (UTC) of the intervals that meet [since, until), by the zone's clock.

    A day in which clocks change is one interval of 23 or 25 hours; the hours and quarters of it are as many as there are.
    """
    at = since.astimezone(UTC) if interval == Interval.WHOLE else _floor(since, interval, zone)
    until = until.astimezone(UTC)
    while at < until:
        yield at
        if interval == Interval.WHOLE:
            return
        at = _next(at, interval, zone)


def _floor(at: datetime, interval: Interval, zone: ZoneInfo) -> datetime:
    at = at.astimezone(UTC)
    if interval == Interval.QUARTER:
        return at - (at - EPOCH) % QUARTER
    local = at.astimezone(zone)
    if interval == Interval.HOUR:
        into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return at - into
    return midnight(local.date().replace(day=1) if interval == Interval.MONTH else local.date(), zone)


def _next(at: datetime, interval: Interval, zone: ZoneInfo) -> datetime:
    if interval == Interval.QUARTER:
        return at + QUARTER
    if interval == Interval.HOUR:
        return _floor(at + HOUR, interval, zone)
    day = at.astimezone(zone).date()
    if interval == Interval.DAY:
        return midnight(day + timedelta(days=1), zone)
    return midnight(date(day.year + day.month // 12, day.month % 12 + 1, 1), zone)


def midnight(day: date, zone: tzinfo) -> datetime:
    """Return the moment (UTC) at which a day begins by the zone's clock; where its midnight is skipped, the first after it."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def pieces(begins: list[datetime], since: datetime, until: datetime) -> Iterator[Piece]:
    """Yield the pieces of intervals with these beginnings, cut to [since, until)."""
    for number, begin in enumerate(begins):
        lo = max(begin, since)
        hi = min(begins[number + 1], until) if number + 1 < len(begins) else until
        first, last = _up(lo), hi - (hi - EPOCH) % DAY
        if first >= last:
            yield Piece(number, lo, hi, whole=False)
            continue
        if lo < first:
            yield Piece(number, lo, first, whole=False)
        yield Piece(number, first, last, whole=True)
        if last < hi:
            yield Piece(number, last, hi, whole=False)


def _up(at: datetime) -> datetime:
    return at + (EPOCH - at) % DAY
