"""Business hours: is it open now, and when does it open next. Pure over rows that are given."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MIDNIGHT = time(0, 0)


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
