"""A report as a file for a spreadsheet: the numbers of the API, unrounded, in the lines and the order of the screen."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from cxcenter.core.sheets import BOM, defused, table
from cxcenter.reports.asking import Wanted
from cxcenter.reports.table import Ends, Names, ends_of, sorted_rows
from quality.metrics.dimensions import DIMENSIONS, label
from quality.metrics.metric import Number, Unit
from quality.metrics.registry import METRICS
from quality.metrics.reports import Report, Row

UNITS = {Unit.COUNT: "", Unit.SECONDS: ", s", Unit.SHARE: ", 0–1", Unit.SCORE: ""}


def csv_of(wanted: Wanted, told: Report, names: Names) -> str:
    """Return the whole report: a heading, its lines, and all of it together in the last."""
    ends = ends_of(wanted, told)
    rows = [_line(wanted, told, names, row, ends) for row in sorted_rows(wanted, told, names)]
    whole = [_time(wanted, told.since), _time(wanted, told.until), *([_("Total")] * len(told.by))]
    return BOM + table([_heading(told), *rows, [*whole, *map(_plain, told.whole.values())]])


def _heading(told: Report) -> list[str]:
    split = [str(DIMENSIONS[code].name) for code in told.by]
    metrics = [f"{METRICS[code].name}{UNITS[METRICS[code].unit]}" for code in told.metrics]
    return [defused(text) for text in (pgettext("period", "from"), pgettext("period", "to"), *split, *metrics)]


def _line(wanted: Wanted, told: Report, names: Names, row: Row, ends: Ends) -> list[Any]:
    times = [_time(wanted, max(row.at, told.since)), _time(wanted, ends[row.at])]
    split = [defused(label(row.keys[code], names[code])) for code in told.by]
    return [*times, *split, *map(_plain, row.values.values())]


def _time(wanted: Wanted, at: Any) -> str:
    """Write a moment with its offset: the hour that clocks go through twice stays two."""
    local = at.astimezone(wanted.zone)
    exact = local.utcoffset() % timedelta(minutes=1)
    return str(local.isoformat(sep=" ", timespec="seconds" if exact else "minutes"))


def _plain(value: Number) -> Number | str:
    return "" if value is None else value
