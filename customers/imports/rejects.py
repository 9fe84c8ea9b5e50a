"""The file of rejected rows: number, reason, the cells as they were. Put right, it can be imported as it is."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from customers.imports.tables import Row
from cxcenter.core.sheets import BOM, defused, table

NUMBER, REASON = "import_row", "import_reason"
# Of a cell so much is kept, in letters.
LIMIT = 1000


class Reject(NamedTuple):
    """A row that was not taken, and why."""

    row: Row
    reason: str


def add(path: Path, columns: Sequence[str], rejects: Iterable[Reject], *, after: int) -> int:
    """Write rejects behind the first `after` bytes of a file, whatever stood there; return how long it is now.

    What a killed process has written and not committed is so written anew. Raises OSError.
    """
    # Of a file of rejects the two columns are made anew.
    kept = [place for place, name in enumerate(columns) if name not in {NUMBER, REASON}]
    rows = [_line(reject, kept, len(columns)) for reject in rejects]
    if not rows and after == 0:
        path.unlink(missing_ok=True)
        return 0
    head = "" if after else BOM + table([[NUMBER, REASON, *(defused(columns[place]) for place in kept)]])
    with path.open("r+b" if after else "wb") as file:
        file.truncate(after)
        file.seek(after)
        file.write((head + table(rows)).encode("utf-8", "replace"))
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def _line(reject: Reject, kept: Sequence[int], width: int) -> list[str]:
    cells = reject.row.cells
    # A row that is no row of this table is kept as it came.
    places = kept if len(cells) == width else range(len(cells))
    texts = ["" if cells[place] is None else str(cells[place]) for place in places]
    return [str(reject.row.number), reject.reason, *(defused(text[:LIMIT].replace("\x00", "\ufffd")) for text in texts)]
