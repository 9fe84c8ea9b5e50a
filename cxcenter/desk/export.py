"""The timeline as a file: CSV for a spreadsheet, JSON for a program. Written batch by batch, while it is sent."""

import json
from collections.abc import Iterable, Iterator

from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core.sheets import BOM, defused, table
from cxcenter.desk.timeline import Line
from cxcenter.desk.wording import joined


def csv_of(batches: Iterable[list[Line]]) -> Iterator[str]:
    """Yield a table: a heading, then the lines of each batch."""
    yield BOM + table([[_("Time"), _("Kind"), _("What"), _("Status"), _("Details")]])
    for lines in batches:
        yield table([[defused(value) for value in _values(line).values()] for line in lines])


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
