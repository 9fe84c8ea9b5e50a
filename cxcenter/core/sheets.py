"""Tables for spreadsheets: CSV that opens as it was meant, in which no text is run as a formula."""

import csv
import io
from collections.abc import Iterable
from typing import Any

# A spreadsheet takes a text that begins so for a formula and runs it.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Without it spreadsheets take UTF-8 for the encoding of their system.
BOM = "\ufeff"


def defused(value: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(FORMULA) else value


def table(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as CSV."""
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()
