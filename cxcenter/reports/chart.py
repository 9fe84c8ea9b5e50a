"""The chart of a report: its own numbers, as points that the page draws, for any of its metrics."""

from collections import defaultdict
from typing import Any

from django.utils.text import capfirst

from cxcenter.reports.asking import Wanted
from cxcenter.reports.table import Names, Table, begins_of, interval_name, names_of
from quality.metrics.registry import METRICS, Unit
from quality.metrics.reports import Report, Row
from quality.metrics.spans import Interval

# As many lines can be told apart by their colours, as many bars by their names.
MOST_SERIES = 8
MOST_BARS = 40


def chart_of(wanted: Wanted, told: Report, table: Table, names: Names) -> dict[str, Any] | None:
    """Return what the page draws, plain values; None for a report of one line, which is no chart.

    Over time a line for each value of the dimensions; of a whole time bars, by the second dimension in groups.
    """
    if len(table.lines) < 2:
        return None
    in_time = told.interval != Interval.WHOLE
    split = [names_of(wanted, told, names, row) for row in _rows(table)]
    xs = _times(wanted, told) if in_time else list(dict.fromkeys(one[0] for one in split))
    series = _most(table, [" · ".join(one[1:]) for one in split])
    places = {name: place for place, name in enumerate(xs if in_time else xs[:MOST_BARS])}
    numbers = {name: number for number, name in enumerate(series[:MOST_SERIES])}
    points = [
        {
            "x": places[one[0]],
            "s": numbers[" · ".join(one[1:])],
            "q": line.query,
            "v": list(line_values(told, line.row)),
        }
        for line, one in zip(table.lines, split, strict=True)
        if line.row and one[0] in places and " · ".join(one[1:]) in numbers
    ]
    return {
        "kind": "line" if in_time else "bar",
        "x": list(places),
        "series": list(numbers),
        "metrics": [_metric(code) for code in told.metrics],
        "chosen": wanted.chart if wanted.chart in told.metrics else _usual(told),
        "points": points,
        "left": max(0, len(series) - MOST_SERIES) or max(0, len(xs) - len(places)),
    }


def _rows(table: Table) -> list[Row]:
    return [line.row for line in table.lines if line.row]


def line_values(told: Report, row: Row) -> list[Any]:
    """Return the values of a row in the order of the report's metrics."""
    return [row.values[code] for code in told.metrics]


def _times(wanted: Wanted, told: Report) -> list[str]:
    """Return the names of all intervals: time goes on where nothing happened."""
    return [interval_name(at.astimezone(wanted.zone), told.interval) for at in begins_of(wanted, told)]


def _most(table: Table, names: list[str]) -> list[str]:
    """Return the names of the series, that with the greatest values of the first metric first."""
    weights: dict[str, float] = defaultdict(float)
    for row, name in zip(_rows(table), names, strict=True):
        weights[name] += next(iter(row.values.values()), 0) or 0
    return sorted(weights, key=lambda name: (-weights[name], name))


def _metric(code: str) -> dict[str, Any]:
    metric = METRICS[code]
    return {"code": code, "name": capfirst(metric.name), "unit": str(metric.unit), "linked": bool(metric.counted)}


def _usual(told: Report) -> str:
    """Return the metric that is drawn unless another is chosen: the first, counts before all else."""
    return next((code for code in told.metrics if METRICS[code].unit == Unit.COUNT), told.metrics[0])
