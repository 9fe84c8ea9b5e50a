"""The chart of a report: its own numbers, as points that the page draws, for any of its metrics."""

from collections import defaultdict
from typing import Any

from django.utils.text import capfirst

from cxcenter.reports.asking import Wanted
from cxcenter.reports.table import Names, Table, begins_of, ends_of, interval_name, names_of, place_of, query_of
from quality.metrics.dimensions import label
from quality.metrics.metric import Unit
from quality.metrics.registry import METRICS
from quality.metrics.reports import Report, Row
from quality.metrics.spans import Interval

# As many lines can be told apart by their colours, as many bars by their names.
MOST_SERIES = 8
MOST_BARS = 40
# What a browser draws without a pause.
MOST_POINTS = 4000
SEPARATOR = " · "


def chart_of(wanted: Wanted, told: Report, table: Table, names: Names) -> dict[str, Any] | None:
    """Return what the page draws, plain values; None for a report of one line, which is no chart.

    Over time a line for each value of the dimensions; of a whole time bars, by the second dimension in groups.
    """
    rows = table.rows
    if len(rows) < 2:
        return None
    in_time = told.interval != Interval.WHOLE
    # The first of its names is the place of a row along the chart, the rest name its series.
    split = [names_of(wanted, told, names, row) for row in rows]
    xs = _times(wanted, told) if in_time else list(dict.fromkeys(one[0] for one in split))
    places = {name: place for place, name in enumerate(xs if in_time else xs[:MOST_BARS])}
    most = min(MOST_SERIES, max(1, MOST_POINTS // len(places)))
    every = _series(names, rows, told.by[0 if in_time else 1 :], most)
    numbers = {name: number for number, name in enumerate(every[:most])}
    ends = ends_of(wanted, told)
    points = [
        {
            "x": places[one[0]],
            "s": numbers[SEPARATOR.join(one[1:])],
            "q": query_of(wanted, told, row, ends),
            "v": list(row.values.values()),
        }
        for row, one in zip(rows, split, strict=True)
        if one[0] in places and SEPARATOR.join(one[1:]) in numbers
    ]
    return {
        "kind": "line" if in_time else "bar",
        "x": list(places),
        "series": list(numbers),
        "metrics": [_metric(code) for code in told.metrics],
        "chosen": wanted.chart if wanted.chart in told.metrics else _usual(told),
        "points": points,
        "left": max(0, len(every) - most) or max(0, len(xs) - len(places)),
    }


def _times(wanted: Wanted, told: Report) -> list[str]:
    """Return the names of all intervals: time goes on where nothing happened."""
    return [interval_name(at.astimezone(wanted.zone), told.interval) for at in begins_of(wanted, told)]


def _series(names: Names, rows: list[Row], by: tuple[str, ...], most: int) -> list[str]:
    """Return the names of the series by their order; if they are too many, those with the greatest values of the first metric before all."""
    weights: dict[tuple[Any, ...], float] = defaultdict(float)
    called: dict[tuple[Any, ...], str] = {}
    for row in rows:
        place = tuple(place_of(code, row, names) for code in by)
        called[place] = SEPARATOR.join(label(row.keys[code], names[code]) for code in by)
        weights[place] += next(iter(row.values.values()), 0) or 0
    heaviest = sorted(weights, key=lambda place: -weights[place])[:most]
    return [called[place] for place in [*sorted(heaviest), *(weights.keys() - set(heaviest))]]


def _metric(code: str) -> dict[str, Any]:
    metric = METRICS[code]
    return {"code": code, "name": capfirst(str(metric.name)), "unit": str(metric.unit)}


def _usual(told: Report) -> str:
    """Return the metric that is drawn unless another is chosen: the first, counts before all else."""
    return next((code for code in told.metrics if METRICS[code].unit == Unit.COUNT), told.metrics[0])
