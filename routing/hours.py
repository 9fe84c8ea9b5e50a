"""Business hours: is it open now, and when does it open next. Pure over rows that are given."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MIDNIGHT = time(0, 0)
MINUTE = timedelta(minutes=1)


def is_reversed(opens: time, closes: time) -> bool:
    """Tell whether an interval ends before it begins; one that ends at 00:00 ends with the day."""
    return closes != MIDNIGHT and opens >= closes


@dataclass(frozen=True)
class Hours:
    """Weekly intervals (weekday, opens, closes) in a zone, and days that differ (None: closed all day)."""

    zone: str
    weekly: tuple[tuple[int, time, time], ...]
    special: dict[date, tuple[time, time] | None]

    def _intervals(self, day: date) -> Iterable[tuple[time, time]]:
        if day in self.special:
            interval = self.special[day]
            return [interval] if interval else []
        return [(opens, closes) for weekday, opens, closes in self.weekly if weekday == day.weekday()]

    def is_open(self, moment: datetime) -> bool:
        """Tell whether `moment` (aware) lies in an interval. An interval ends before its closing minute."""
        local = moment.astimezone(ZoneInfo(self.zone))
        now = local.time().replace(tzinfo=None)
        return any(
            opens <= now and (closes == MIDNIGHT or now < closes) for opens, closes in self._intervals(local.date())
        )

    def open_times(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield in their order the times (UTC) that it is open and that meet [since, until), each whole; none meets another."""
        zone = ZoneInfo(self.zone)
        day, last = since.astimezone(zone).date() - timedelta(days=1), until.astimezone(zone).date()
        now: tuple[datetime, datetime] | None = None
        while day <= last:
            for opening, closing in sorted(self._open_on(day, zone)):
                if now and opening <= now[1]:
                    now = (now[0], max(now[1], closing))
                    continue
                if now and now[1] > since:
                    yield now
                now = (opening, closing)
            day += timedelta(days=1)
        if now and now[0] < until and now[1] > since:
            yield now

    def _open_on(self, day: date, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        """Yield when it is open on a local day: as the clock on the wall says it, before and after it is changed."""
        for begin, end in _unchanged(day, zone):
            offset = begin.astimezone(zone).utcoffset() or timedelta(0)
            for opens, closes in self._intervals(day):
                ends = day + timedelta(days=1) if closes == MIDNIGHT else day
                opening, closing = (
                    datetime.combine(one, clock, tzinfo=UTC) - offset for one, clock in ((day, opens), (ends, closes))
                )
                if max(opening, begin) < min(closing, end):
                    yield max(opening, begin), min(closing, end)

    def next_opening(self, moment: datetime, days: int = 30) -> datetime | None:
        """Return the next moment of opening after `moment`, or None if it never opens within `days`."""
        zone = ZoneInfo(self.zone)
        local = moment.astimezone(zone)
        for offset in range(days + 1):
            day = local.date() + timedelta(days=offset)
            # A clock change skips some times, which are then read after it, and has others twice (fold). Moments
            # are compared in UTC: within one zone Python compares what the clock on the wall shows.
            openings = [
                datetime.combine(day, opens, tzinfo=zone).replace(fold=fold).astimezone(UTC)
                for opens, _closes in self._intervals(day)
                for fold in (0, 1)
            ]
            later = [opening for opening in openings if opening > moment and self.is_open(opening)]
            if later:
                return min(later).astimezone(zone)
        return None


def _unchanged(day: date, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """Return the parts (UTC) of a local day in which its clock is not changed: the day, or two parts of it."""
    begin, end = (
        datetime.combine(one, MIDNIGHT, tzinfo=zone).astimezone(UTC) for one in (day, day + timedelta(days=1))
    )
    before = begin.astimezone(zone).utcoffset()
    if before == (end - MINUTE).astimezone(zone).utcoffset():
        return [(begin, end)]
    minutes = range((end - begin) // MINUTE)
    change = bisect_left(minutes, True, key=lambda n: (begin + n * MINUTE).astimezone(zone).utcoffset() != before)
    return [(begin, begin + change * MINUTE), (begin + change * MINUTE, end)]
