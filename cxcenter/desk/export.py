"""The timeline as a file: CSV for a spreadsheet, JSON for a program. Written batch by batch, while it is sent."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.desk.timeline import Line
from cxcenter.desk.wording import joined

# A spreadsheet takes a text that begins so for a formula and runs it.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Without it spreadsheets take UTF-8 for the encoding of their system.
BOM = "\ufeff"


def csv_of(batches: Iterable[list[Line]]) -> Iterator[str]:
    """Yield a table: a heading, then the lines of each batch."""
    yield BOM + _table([[_("Time"), _("Kind"), _("What"), _("Status"), _("Details")]])
    for lines in batches:
        yield _table([[_defused(value) for value in _values(line).values()] for line in lines])


def json_of(batches: Iterable[list[Line]]) -> Iterator[str]:
    """Yield a list of objects, one in each row."""
    between = "[\n"
    for lines in batches:
        for line in lines:
            yield between + json.dumps({"id": line.id, **_values(line)}, ensure_ascii=False)
            between = ",\n"
    yield "\n]\n" if between == ",\n" else "[]\n"


def _values(line: Line) -> dict[str, str]:
    return {
        "at": timezone.localtime(line.at).isoformat(timespec="seconds"),
        "kind": line.kind,
        "title": line.said.title,
        "tag": line.said.tag,
        "detail": joined(line.said.text, line.said.detail),
    }


def _defused(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA) else value


def _table(rows: list[list[Any]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()
