"""Rows of a call log as calls, and what is odd about them."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import normalise
from cxcenter.core.errors import Invalid
from routing.choices import Outcome
from routing.logs.mapping import NO_CALL, Mapping

HALF_DAY, DAY = timedelta(hours=12), timedelta(hours=24)
GZIP = b"\x1f\x8b"
MAX_NUMBER, MAX_NAME, SMALL = 100, 80, 2**15
# What is met and not hidden: every kind is counted, with the first lines that have it.
ODDITIES = {
    "ignored": gettext_lazy("no calls, as the log says: left out"),
    "unknown_operator": gettext_lazy("answered by nobody named: operator and handling time unknown"),
    "no_length": gettext_lazy("answered and handled in 0 s"),
    "midnight": gettext_lazy("go on past midnight"),
    "backwards": gettext_lazy("reach the queue before they began: taken to begin then"),
    "early": gettext_lazy("answered before the wait was over: clocks differ"),
    "late": gettext_lazy("enter the queue at another time than they left the menu"),
    "differs": gettext_lazy("a length that is not the difference of its times: the length counts"),
    "served_abandoned": gettext_lazy("abandoned, and yet with a time of service: it is left out"),
    "doubled": gettext_lazy("stand in the log already, word for word: one call"),
}
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `left` is None if it ended before a queue; `ended` is None if nobody knows how long it was handled.

    Two are equal if they say the same, wherever they stand.
    """

    line: int = field(compare=False)
    number: str
    customer: str
    queue: str
    topic: str
    priority: int
    began: datetime
    arrived: datetime
    left: datetime | None = None
    outcome: str = ""
    operator: str = ""
    accepted: datetime | None = None
    ended: datetime | None = None
    cells: Sequence[str] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is no call: its cells as they came, and why, with line and column."""

    line: int
    cells: Sequence[str]
    reason: str


@dataclass
class Oddities:
    """What is odd about a log, by kind: how many rows, and the first lines."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    lines: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def note(self, kind: str, line: int) -> None:
        """Count one row."""
        self.counts[kind] += 1
        if len(self.lines[kind]) < EXAMPLES:
            self.lines[kind].append(line)


class Log:
    """A file of calls, plain or gzip. Iterate over it: calls, and rows that are none; `oddities` fills up meanwhile."""

    def __init__(self, path: Path, mapping: Mapping) -> None:
        """Open the file. Raises Invalid if it cannot be read or lacks a column of the mapping."""
        self._mapping, self._zone = mapping, ZoneInfo(mapping.zone)
        self._file = _opened(path, mapping.encoding)
        self._rows = csv.reader(self._file, delimiter=mapping.delimiter)
        try:
            self.columns = next(self._rows, [])
        except (OSError, UnicodeError, csv.Error, EOFError) as error:
            raise _unreadable(error) from None
        absent = [name for names in mapping.columns.values() for name in names if name not in self.columns]
        if absent:
            named = {"columns": ", ".join(sorted(set(absent))), "all": ", ".join(self.columns)}
            raise Invalid(_("Line 1: there is no column %(columns)s; there are: %(all)s.") % named)
        self._places = {role: [self.columns.index(name) for name in names] for role, names in mapping.columns.items()}
        self.oddities = Oddities()
        # Number → the line that had it first, and what that said.
        self._seen: dict[str, tuple[int, int]] = {}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __iter__(self) -> Iterator[Call | Refused]:
        try:
            for cells in self._rows:
                line = self._rows.line_num
                try:
                    call = self._call(line, cells)
                except Invalid as error:
                    yield Refused(line, cells, str(error.message))
                else:
                    if call is not None:
                        yield call
        except (OSError, UnicodeError, csv.Error, EOFError) as error:
            raise _unreadable(error, self._rows.line_num + 1) from None

    def _call(self, line: int, cells: Sequence[str]) -> Call | None:
        """Return the call of a row, None if it is none by the log's own word. Raises Invalid with line and column."""
        if len(cells) != len(self.columns):
            said = {"line": line, "count": len(cells), "all": len(self.columns)}
            raise Invalid(_("Line %(line)s: %(count)s values for %(all)s columns.") % said)
        row = _Row(self, line, cells)
        outcome = self._mapping.outcomes.get(row.text("outcome"))
        if outcome is None:
            raise row.wrong("outcome")
        if outcome == NO_CALL:
            self.oddities.note("ignored", line)
            return None
        odd: set[str] = set()
        call = row.call(outcome, odd)
        self._compare(call)
        for kind in odd:
            self.oddities.note(kind, line)
        return call

    def _compare(self, call: Call) -> None:
        """Note a call that stands in the log already. Raises Invalid if its number is that of another call."""
        first, said = self._seen.setdefault(call.number, (call.line, hash(call)))
        if said != hash(call):
            told = {"line": call.line, "number": call.number, "first": first}
            raise Invalid(
                _("Line %(line)s: number %(number)s is that of line %(first)s, which says something else.") % told
            )
        if first != call.line:
            self.oddities.note("doubled", call.line)


class _Row:
    """One row under its roles."""

    def __init__(self, log: Log, line: int, cells: Sequence[str]) -> None:
        self._log, self._line, self._cells = log, line, cells
        self._mapping, self._places = log._mapping, log._places  # noqa: SLF001 — a part of it
        self._zone = log._zone  # noqa: SLF001

    def text(self, role: str) -> str:
        """Return a value, "" where there is no such column."""
        return " ".join(self._cells[place].strip() for place in self._places.get(role, ()))

    def wrong(self, role: str) -> Invalid:
        """Return the error of a cell."""
        column = ", ".join(self._log.columns[place] for place in self._places[role])
        said = {"line": self._line, "column": column, "value": self.text(role)[:40]}
        return Invalid(_("Line %(line)s, column %(column)s: %(value)s is not understood.") % said, field=column)

    def _whole(self, role: str) -> int:
        try:
            return int(self.text(role) or 0)
        except ValueError:
            raise self.wrong(role) from None

    def _length(self, role: str) -> timedelta:
        seconds = self._whole(role)
        if seconds < 0:
            raise self.wrong(role)
        return timedelta(seconds=seconds)

    def _moment(self, role: str, near: datetime | None = None) -> datetime | None:
        """Return a time, None if there is none; a time of day is put on the day that brings it nearest to another time."""
        text = self.text(role)
        if not text or (role != "arrived" and text == self._mapping.no_time):
            return None
        try:
            found = self._of_day(text) if "day" in self._places else datetime.fromisoformat(text)
        except ValueError:
            raise self.wrong(role) from None
        if near is not None and "day" in self._places:
            # Compared as the clock on the wall shows it: so it is written.
            wall = near.astimezone(self._zone).replace(tzinfo=None)
            while found - wall < -HALF_DAY:
                found += DAY
            while found - wall > HALF_DAY:
                found -= DAY
        return (found if found.tzinfo else found.replace(tzinfo=self._zone)).astimezone(UTC)

    def _of_day(self, text: str) -> datetime:
        hours, minutes, seconds = (int(part) for part in text.split(":"))
        try:
            day = _day(self.text("day"), self._mapping.day_format)
        except ValueError:
            raise self.wrong("day") from None
        return day.replace(hour=hours, minute=minutes, second=seconds)

    def call(self, outcome: str, odd: set[str]) -> Call:
        """Return the call. Raises Invalid."""
        began, arrived = self._began(odd)
        told = self._told() | {"began": began, "arrived": arrived}
        wait = self._length("wait_s")
        queued = self._moment("queued", arrived)
        if outcome == Outcome.ABANDONED:
            if self._length("handled_s"):
                odd.add("served_abandoned")
            if queued is None and "queued" in self._places:
                return Call(**told)
        left = self._moment("left", queued or arrived)
        if queued is not None and queued != arrived:
            odd.add("late")
        if queued is not None and left is not None and left - queued != wait:
            odd.add("differs")
        times = [began, arrived, queued, left]
        if outcome == Outcome.ANSWERED:
            times += self._served(told, arrived + wait, odd)
        if len({one.astimezone(self._zone).date() for one in times if one}) > 1:
            odd.add("midnight")
        return Call(**told, left=arrived + wait, outcome=outcome)

    def _began(self, odd: set[str]) -> tuple[datetime, datetime]:
        """Return when the call began, and when it reached the queue or ended before one."""
        began = self._moment("began")
        arrived = self._moment("arrived", began)
        if arrived is None:
            raise self.wrong("arrived")
        if began is not None and began > arrived:
            odd.add("backwards")
        return min(began or arrived, arrived), arrived

    def _told(self) -> dict[str, Any]:
        """Return what the row says besides times. Raises Invalid."""
        told: dict[str, Any] = {
            "line": self._line,
            "cells": self._cells,
            "number": self.text("number"),
            "customer": self._customer(),
            "queue": self._mapping.queue or self._mapping.label(self.text("queue")),
            "topic": self._mapping.label(self.text("topic")),
            "priority": self._whole("priority"),
        }
        right = {
            "number": 0 < len(told["number"]) <= MAX_NUMBER,
            "queue": 0 < len(told["queue"]) <= MAX_NAME,
            "topic": len(told["topic"]) <= MAX_NAME,
            "priority": -SMALL <= told["priority"] < SMALL,
        }
        for role, holds in right.items():
            if not holds:
                raise self.wrong(role)
        return told

    def _customer(self) -> str:
        number = self.text("customer")
        if not number or number in self._mapping.no_customer:
            return ""
        try:
            normalise.identity(self._mapping.customer_kind, number)
        except Invalid:
            raise self.wrong("customer") from None
        return number

    def _served(self, told: dict[str, Any], left: datetime, odd: set[str]) -> list[datetime | None]:
        """Add who answered, when and for how long; nobody named: neither is known. Return the times of the log."""
        operator = self.text("operator")
        accepted = self._moment("accepted", left)
        ended = self._moment("ended", accepted or left)
        if not operator or operator in self._mapping.no_operator:
            odd.add("unknown_operator")
            told |= {"accepted": left}
            return [accepted, ended]
        handled = self._length("handled_s")
        if not handled:
            odd.add("no_length")
        if accepted is not None and accepted < left:
            odd.add("early")
        if accepted is not None and ended is not None and ended - accepted != handled:
            odd.add("differs")
        begins = accepted or left
        told |= {"operator": operator, "accepted": begins, "ended": begins + handled}
        return [accepted, begins + handled]


@lru_cache(maxsize=64)
def _day(text: str, written: str) -> datetime:
    """Return the midnight of a day, as the wall's clock shows it. Raises ValueError."""
    return datetime.strptime(text, written)  # noqa: DTZ007 — the caller knows the zone


def _opened(path: Path, encoding: str) -> IO[str]:
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP
        if packed:
            return gzip.open(path, "rt", encoding=encoding, newline="")
        return path.open(encoding=encoding, newline="")
    except OSError as error:
        raise Invalid(_("The file cannot be opened: %(why)s.") % {"why": error.strerror}) from None
    except LookupError:
        raise Invalid(_("There is no encoding %(name)s.") % {"name": encoding}) from None


def _unreadable(error: Exception, line: int = 1) -> Invalid:
    return Invalid(_("Line %(line)s cannot be read: %(why)s.") % {"line": line, "why": error})
