"""The first rows of a file as they would be read: before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from customers.imports.mapping import Meaning, targets
from customers.imports.reading import Reader
from customers.imports.tables import Row, Table
from cxcenter.core.errors import Invalid

ROWS, SAMPLES, SHOWN = 10, 3, 60


@dataclass(frozen=True)
class Seen:
    """A row as it would be read, or why it would be rejected."""

    number: int
    reason: str = ""
    # (name for people, value) in the order of the card.
    fields: Sequence[tuple[str, Any]] = ()
    identities: Sequence[tuple[str, str]] = ()


def first_rows(table: Table) -> list[Row]:
    """Return the first rows of a file that was just opened."""
    return list(islice(table.rows(), ROWS))


def samples(columns: Sequence[str], rows: Sequence[Row]) -> dict[str, list[str]]:
    """Return some values of each column, cut short."""
    whole = [row.cells for row in rows if not row.reason]
    filled = {
        column: [str(cells[place])[:SHOWN] for cells in whole if cells[place] not in (None, "")]
        for place, column in enumerate(columns)
    }
    return {column: values[:SAMPLES] for column, values in filled.items()}


def as_read(rows: Sequence[Row], columns: Sequence[str], meaning: Meaning, source: str) -> list[Seen]:
    """Return the rows as they would be read under a meaning of the columns."""
    reader, names = Reader(meaning, columns, source), targets()
    return [_seen(row, reader, names) for row in rows]


def _seen(row: Row, reader: Reader, names: dict[str, str]) -> Seen:
    try:
        record = reader.read(row)
    except Invalid as error:
        return Seen(row.number, str(error.message))
    fields = [(names[field], record.fields[field]) for field in names if field in record.fields]
    return Seen(row.number, "", fields, [(names[reach.kind], reach.value) for reach in record.reaches])
