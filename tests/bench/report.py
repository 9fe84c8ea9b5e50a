"""Figures against their bars: rows, the table, the file."""

import json
import math
import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# Tests have a folder of their own.
FOLDER = Path(os.environ.get("BENCH_FOLDER") or Path(__file__).resolve().parents[2] / "var/bench")


@dataclass(frozen=True)
class Bar:
    """What a group promises: the row's name, its unit, and the limit (`above`: at least, else at most)."""

    name: str
    unit: str
    limit: float
    above: bool = False

    def holds(self, value: float) -> bool:
        """Tell whether a value keeps the promise."""
        return value >= self.limit if self.above else value <= self.limit


@dataclass(frozen=True)
class Figure:
    """What a part of a group has measured. `floor`: the same by the plainest means. `note`: what one must know."""

    name: str
    value: float | None
    floor: float | None = None
    note: str = ""


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def middle(values: Iterable[float]) -> float:
    """Return the median of several runs."""
    return statistics.median(values)


def rows(bars: Sequence[Bar], figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """Return one row per bar, in its order; a bar without a figure is left out, which `missing` finds."""
    found = {figure.name: figure for figure in figures}
    return [_row(bar, found[bar.name]) for bar in bars if bar.name in found]


def _row(bar: Bar, figure: Figure) -> dict[str, Any]:
    value = None if figure.value is None else round(figure.value, 3 if figure.value < 10 else 1)
    return {
        "name": bar.name,
        "value": value,
        "unit": bar.unit,
        "floor": None if figure.floor is None else round(figure.floor, 3 if figure.floor < 10 else 1),
        "bar": bar.limit,
        "held": None if value is None else bar.holds(value),
        "note": figure.note,
    }


def missing(bars: Sequence[Bar], told: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names of bars without a row."""
    named = {row["name"] for row in told}
    return [bar.name for bar in bars if bar.name not in named]


def table(bars: Sequence[Bar], told: Sequence[dict[str, Any]]) -> str:
    """Return the rows as lines to read."""
    signs = {bar.name: "≥" if bar.above else "≤" for bar in bars}
    lines = [f"{'':2}{'name':<26}{'value':>10} {'unit':<7}{'bar':>9}{'floor':>11}  note"]
    for row in told:
        mark = {True: "✓", False: "✗", None: "–"}[row["held"]]
        value = "skipped" if row["value"] is None else f"{row['value']:g}"
        floor = "" if row["floor"] is None else f"{row['floor']:g}"
        limit = f"{signs[row['name']]} {row['bar']:g}"
        line = f"{mark:2}{row['name']:<26}{value:>10} {row['unit']:<7}{limit:>9}{floor:>11}  {row['note']}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def write(group: str, told: list[dict[str, Any]]) -> Path:
    """Write the rows to var/bench/GROUP.json and return its path."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{group}.json"
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    return path


def hand_over(path: Path, figures: Iterable[Figure]) -> None:
    """Write figures for the process that asked for them."""
    path.write_text(json.dumps([asdict(figure) for figure in figures]))


def take_over(path: Path) -> list[Figure]:
    """Read what `hand_over` has written; nothing if it is absent."""
    return [Figure(**row) for row in json.loads(path.read_text())] if path.exists() else []
