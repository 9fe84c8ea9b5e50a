"""A report as JSON: for the command line and the API."""

from datetime import UTC, datetime
from typing import Any

from quality.metrics.registry import METRICS
from quality.metrics.reports import Report


def as_json(told: Report, names: dict[str, dict[Any, str]]) -> dict[str, Any]:
    """Return plain values: times in UTC, shares from 0 to 1, names of what the keys mean."""
    return {
        "from": moment(told.since),
        "to": moment(told.until),
        "interval": str(told.interval),
        "zone": told.zone,
        "by": list(told.by),
        "metrics": {code: str(METRICS[code].unit) for code in told.metrics},
        "names": {code: {str(key): name for key, name in found.items()} for code, found in names.items()},
        "rows": [{"at": moment(row.at), "keys": row.keys, "values": row.values} for row in told.rows],
        "whole": told.whole,
    }


def moment(at: datetime) -> str:
    """Return a time as the API writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
