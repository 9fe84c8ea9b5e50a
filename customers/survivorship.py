"""Which value of a field survives: pure, without Django.

An operator's edit beats other sources, then the newest value wins; an empty value never wins over a
filled one. What a visitor typed into a form is "says he is": it never becomes golden.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

GOLDEN_FIELDS = ("name", "company", "city", "language", "birthday", "about")
OPERATOR = "operator"
UNVERIFIED = {"form"}


@dataclass(frozen=True)
class Said:
    """What one source record says."""

    source: str
    at: datetime
    fields: dict[str, Any]
    by: int | None = None


def survive(records: Iterable[Said]) -> dict[str, dict[str, Any]]:
    """Return field → {value, source, at (ISO), by} of the winning records.

    An operator may clear a field: his empty value wins over older values.
    """
    winners: dict[str, Said] = {}
    for record in sorted(records, key=lambda said: (said.source == OPERATOR, said.at)):
        if record.source in UNVERIFIED:
            continue
        for field, value in record.fields.items():
            if field in GOLDEN_FIELDS and (value or record.source == OPERATOR):
                winners[field] = record
    return {
        field: {"value": said.fields[field], "source": said.source, "at": said.at.isoformat(), "by": said.by}
        for field, said in winners.items()
    }
