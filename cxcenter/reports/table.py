"""A report as a table: lines with their names, values as they are read, and for each the way to its contacts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from cxcenter.reports.asking import Wanted, written
from cxcenter.reports.numbers import said
from quality.metrics.dimensions import DIMENSIONS, label
from quality.metrics.metric import Number, Unit
from quality.metrics.registry import METRICS
from quality.metrics.reports import Report, Row
from quality.metrics.spans import Interval, starts

# Lines on the screen; the file has all.
MOST_LINES = 500
AT = "at"
Names = dict[str, dict[Any, str]]
Ends = dict[datetime, datetime]


@dataclass(frozen=True)
class Head:
    """The head of a column: `href` sorts by it, `order` is how it is sorted now, as aria-sort says it."""

    code: str
    name: str
    is_number: bool
    href: str
    order: str
    formula: str = ""


@dataclass(frozen=True)
class Cell:
    """A value, and the address of what stands behind it ("": there is nothing to show)."""

    text: str
    href: str


@dataclass(frozen=True)
class Line:
    """One line: its interval and dimensions, and its values."""

    names: list[str]
    cells: list[Cell]


@dataclass(frozen=True)
class Table:
    """The lines of a report that the screen shows, and what all are together. `rows`: all of them, in their order."""

    heads: list[Head]
    rows: list[Row]
    lines: list[Line]
    total: Line

    @property
    def left_out(self) -> int:
        """How many lines only the file has."""
        return len(self.rows) - len(self.lines)


def table_of(wanted: Wanted, told: Report, names: Names) -> Table:
    """Return a report as a table, sorted as it was asked for."""
    ends, rows = ends_of(wanted, told), sorted_rows(wanted, told, names)
    lines = [_line(wanted, told, names, row, ends) for row in rows[:MOST_LINES]]
    named = int(told.interval != Interval.WHOLE) + len(told.by)
    whole = _cells(told.whole, _behind(wanted, told.since, told.until, {}))
    return Table(_heads(wanted, told), rows, lines, Line([_("Total"), *([""] * (named - 1))] if named else [], whole))


def _line(wanted: Wanted, told: Report, names: Names, row: Row, ends: Ends) -> Line:
    return Line(names_of(wanted, told, names, row), _cells(row.values, query_of(wanted, told, row, ends)))


def query_of(wanted: Wanted, told: Report, row: Row, ends: Ends) -> str:
    """Return what names the contacts of a row, as the query of their list."""
    return _behind(wanted, max(row.at, told.since), ends[row.at], row.keys)


def _cells(values: dict[str, Number], query: str) -> list[Cell]:
    address = reverse("reports:contacts")
    return [Cell(said(value, METRICS[code].unit), _href(address, code, value, query)) for code, value in values.items()]


def _href(address: str, code: str, value: Number, query: str) -> str:
    metric = METRICS[code]
    # A split by what times know nothing of tells none.
    is_sum = metric.unit == Unit.COUNT or (metric.of_times and metric.unit == Unit.SECONDS)
    if value is None or (is_sum and not value):
        return ""
    told = f"&told={value}" if metric.unit == Unit.COUNT else ""
    return f"{address}?metric={code}&{query}{told}"


def _behind(wanted: Wanted, since: datetime, until: datetime, keys: dict[str, Any]) -> str:
    times = {"since": _moment(since), "until": _moment(until)}
    narrowed = {**wanted.narrowing(), **{code: written(key) for code, key in keys.items()}}
    return urlencode({name: value for name, value in {**times, **narrowed}.items() if value}, safe=",/:")


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def begins_of(wanted: Wanted, told: Report) -> list[datetime]:
    """Return when the intervals of a report begin, those of which nothing is told as well."""
    return list(starts(told.since, told.until, told.interval, wanted.zone))


def ends_of(wanted: Wanted, told: Report) -> Ends:
    """Return when each interval of a report ends, by its beginning."""
    return dict(pairwise([*begins_of(wanted, told), told.until]))


# --- Names and order ----------------------------------------------------------------------------


def names_of(wanted: Wanted, told: Report, names: Names, row: Row) -> list[str]:
    """Return how a line is called: its interval, and the value of each dimension."""
    at = [] if told.interval == Interval.WHOLE else [interval_name(row.at.astimezone(wanted.zone), told.interval)]
    return at + [label(row.keys[code], names[code]) for code in told.by]


def interval_name(at: datetime, interval: Interval) -> str:
    """Return how an interval is called that begins at a moment of its zone."""
    if interval == Interval.MONTH:
        return date_format(at.date(), "YEAR_MONTH_FORMAT")
    if interval == Interval.DAY:
        return date_format(at.date(), _("D, j M") if at.year == timezone.localdate().year else _("j M Y"))
    # Two hours of a day in which clocks go back have one name: the second is told apart by its zone.
    return date_format(at, _("j M, H:i")) + (f" {at:%Z}" if at.fold else "")


def sorted_rows(wanted: Wanted, told: Report, names: Names) -> list[Row]:
    """Return the rows by what `sort` names ("-": the greatest first), else by time and by name."""
    rows = sorted(told.rows, key=lambda row: (row.at, *(place_of(code, row, names) for code in told.by)))
    code, down = wanted.sort.removeprefix("-"), wanted.sort.startswith("-")
    if code in told.metrics:
        known = [row for row in rows if row.values[code] is not None]
        # What has no value stands last in either order.
        unknown = [row for row in rows if row.values[code] is None]
        return sorted(known, key=lambda row: row.values[code] or 0, reverse=down) + unknown
    order: dict[str, Callable[[Row], Any]] = {name: partial(place_of, name, names=names) for name in told.by}
    order[AT] = lambda row: row.at
    return sorted(rows, key=order[code], reverse=down) if code in order else rows


def place_of(code: str, row: Row, names: Names) -> tuple[bool, Any]:
    """Return the place of a row among those of a dimension: numbers that count by their size, all else by name."""
    key = row.keys[code]
    counts = DIMENSIONS[code].type == "smallint"
    return key is None, (key or 0) if counts else label(key, names[code]).casefold()


def _heads(wanted: Wanted, told: Report) -> list[Head]:
    at = [] if told.interval == Interval.WHOLE else [(AT, _("Interval"))]
    named = at + [(code, capfirst(str(DIMENSIONS[code].name))) for code in told.by]
    heads = [Head(code, name, False, *_sorting(wanted, code, first="")) for code, name in named]
    for code in told.metrics:
        metric = METRICS[code]
        href, order = _sorting(wanted, code, first="-")
        heads.append(Head(code, capfirst(str(metric.name)), True, href, order, str(metric.formula)))
    return heads


def _sorting(wanted: Wanted, code: str, *, first: str) -> tuple[str, str]:
    """Return the address that sorts by a column (numbers the greatest first, again the other way), and how it is now."""
    other = "" if first else "-"
    now = {f"{first}{code}": f"{other}{code}"}.get(wanted.sort, f"{first}{code}")
    order = {code: "ascending", f"-{code}": "descending"}.get(wanted.sort, "none")
    return f"?{wanted.query(sort=now)}", order
