"""Files as streams of rows: CSV, Excel, JSON lines. One that cannot be read is refused by one line, else a row by its reason.

Nothing is read whole: a row takes MAX_ROW letters at the most, whatever the file. Knows no rows of the database.
"""

import codecs
import csv
import io
import json
import re
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import openpyxl
from django.utils.translation import gettext as _

from cxcenter.core.errors import Invalid

# Letters of a row, lines that a cell in quotes may span, columns of a table.
MAX_ROW, MAX_LINES, MAX_COLUMNS = 1_000_000, 200, 500
SHOWN = 300
HEAD = 1_000_000
DELIMITERS = ",;\t|"
ENCODINGS = ("utf-8", "windows-1251", "utf-16", "utf-16-le", "utf-16-be", "koi8-r", "cp866", "latin-1")
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
STRANGE = re.compile(r"[\x00-\x08\x0e-\x1f]")
OLD_EXCEL = b"\xd0\xcf\x11\xe0"
ZIP = b"PK\x03\x04"
REPLACED = "\ufffd"
# What a workbook may unpack to, in bytes; what of it openpyxl holds whole; how many times its size a part may be.
MAX_UNPACKED, MAX_WHOLE, MAX_RATIO = 2_000_000_000, 250_000_000, 200
SHEETS = "xl/worksheets/"


class Row(NamedTuple):
    """A row of a file: its line and the last line it takes, its cells, and why it could not be read, if so."""

    number: int
    last: int
    cells: Sequence[Any]
    reason: str = ""


class Formula(str):
    """A formula of a spreadsheet, or an error it has led to."""

    __slots__ = ()


class Table:
    """A file of rows, open. `columns` are the names of its heading."""

    form = ""
    columns: Sequence[str]
    encoding = ""
    delimiter = ""

    def rows(self, after: int = 0) -> Iterator[Row]:
        """Yield the rows that begin behind a line. Empty ones are left out."""
        raise NotImplementedError

    @property
    def share(self) -> float:
        """How much of the file was read, 0 to 1."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the file."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def open_table(path: Path, *, name: str = "", encoding: str = "", delimiter: str = "", whole: bool = False) -> Table:
    """Open a file; `name` is what its owner calls it. Encoding and delimiter are found out unless they are given.

    Of one that is known to be `whole` the check sums are not read again.

    Raises Invalid, in one line, if it is no table.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise Invalid(_("The file cannot be opened: %(why)s.") % {"why": error.strerror}, code="no_file") from None
    if not head:
        raise Invalid(_("The file is empty."), code="empty")
    if head.startswith(OLD_EXCEL):
        raise Invalid(_("This is a file of an old Excel. Save it as .xlsx or CSV."), code="old_excel")
    if head.startswith(ZIP):
        return Workbook(path, whole=whole)
    encoding = encoding or encoding_of(head)
    text = _decoded(head, encoding)
    if not text.strip():
        raise Invalid(_("The file is empty."), code="empty")
    if len(STRANGE.findall(text)) > len(text) / 10:
        raise Invalid(_("This is neither a text nor an Excel file. Use CSV, XLSX or JSON lines."), code="no_table")
    if text.lstrip().startswith("{"):
        return JsonLines(path, encoding)
    if text.lstrip().startswith("[") and (name or path.name).lower().endswith((".json", ".jsonl")):
        raise Invalid(_("This is one JSON list. Write JSON lines: one object in each line."), code="no_table")
    return Csv(path, encoding, delimiter or delimiter_of(text))


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text by its first bytes: by its mark, as UTF-16 by its zeros, else UTF-8 or that of Windows."""
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding
    zeros = [head[start::2].count(0) / (len(head) / 2) for start in (0, 1)]
    if max(zeros) > 0.3 and min(zeros) < max(zeros) / 4:
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    text = _decoded(head, "utf-8")
    wrong = text.count(REPLACED)
    right = sum(not letter.isascii() for letter in text) - wrong if wrong else 0
    # A few broken letters are broken rows; where most are broken it is another encoding.
    return "utf-8" if wrong <= right else "windows-1251"


def _decoded(head: bytes, encoding: str) -> str:
    """Return the text of the first bytes; the last letter may be cut in two."""
    try:
        text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    except LookupError:
        raise Invalid(_("There is no such encoding: %(name)s.") % {"name": encoding}, code="encoding") from None
    except UnicodeError:
        raise Invalid(_("The file is not in the encoding %(name)s.") % {"name": encoding}, code="encoding") from None
    return text.removeprefix("\ufeff")


def delimiter_of(text: str) -> str:
    """Return what stands between the cells: that of which the first lines have equally many, and most."""
    lines = [line for line in text[:100_000].splitlines()[:20] if line.strip()]

    def fits(delimiter: str) -> tuple[int, int]:
        counts = [_width(line, delimiter) for line in lines]
        return (sum(count == counts[0] for count in counts) if counts[0] > 1 else 0, counts[0])

    return max(DELIMITERS, key=fits)


def _width(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return line.count(delimiter) + 1


class Line(NamedTuple):
    """A line of a text, cut short if it is too long."""

    number: int
    text: str
    too_long: bool = False


class Text(Table):
    """A text that is read line by line."""

    def __init__(self, path: Path, encoding: str) -> None:
        """Open it."""
        self.encoding = encoding
        self._size = max(path.stat().st_size, 1)
        self._binary = path.open("rb")
        plain = "utf-8-sig" if encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else encoding
        self._file = io.TextIOWrapper(self._binary, encoding=plain, errors="replace", newline="")
        self._number = 0
        self._again: deque[Line] = deque()

    @property
    def share(self) -> float:
        """How many of the bytes were read."""
        return min(self._binary.tell() / self._size, 1.0)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _rewind(self) -> None:
        self._file.seek(0)
        self._number = 0

    def _next(self) -> Line | None:
        if self._again:
            return self._again.popleft()
        text = self._file.readline(MAX_ROW)
        if not text:
            return None
        self._number += 1
        if len(text) < MAX_ROW or text.endswith("\n"):
            return Line(self._number, text)
        while (rest := self._file.readline(MAX_ROW)) and not rest.endswith(("\n", "\r")):
            pass
        return Line(self._number, text[:SHOWN], too_long=True)

    def _lines(self, after: int) -> Iterator[Line]:
        while (line := self._next()) is not None:
            if line.number > after and line.text.strip():
                yield line


def _fault(text: str, encoding: str) -> str:
    """Return why a text cannot be kept, "" if it can."""
    if "\x00" in text:
        return _("There is a zero byte in it.")
    return _("There are letters in it that are not %(name)s.") % {"name": encoding} if REPLACED in text else ""


def _too_long() -> str:
    return _("It is longer than %(limit)s letters.") % {"limit": f"{MAX_ROW:,}"}


class Csv(Text):
    """Values with delimiters between; in quotes a value may have the delimiter and line ends."""

    form = "csv"

    def __init__(self, path: Path, encoding: str, delimiter: str) -> None:
        """Open it and read its heading."""
        super().__init__(path, encoding)
        self.delimiter = delimiter
        self.columns = ()
        first = next(self._records(0), None)
        if first is None or first.reason:
            raise Invalid(_("The heading cannot be read: %(why)s") % {"why": first.reason if first else ""})
        self.columns = _heading(first.cells)

    def rows(self, after: int = 0) -> Iterator[Row]:
        """Yield the rows behind the heading. One whose cells are not those of the heading is wrong."""
        for row in self._records(after):
            yield row if row.reason else _fitted(row, len(self.columns))

    def _records(self, after: int) -> Iterator[Row]:
        for line in self._lines(after):
            if line.too_long:
                yield Row(line.number, line.number, [line.text], _too_long())
                continue
            row = self._record(line)
            if row.reason or any(row.cells):
                yield row

    def _record(self, line: Line) -> Row:
        """Return the row that begins at a line. A quote that is not closed spoils this line alone: the next begins anew."""
        fault = _fault(line.text, self.encoding)
        if fault:
            return Row(line.number, line.number, [line.text[:SHOWN]], fault)
        if '"' not in line.text:
            return Row(line.number, line.number, line.text.rstrip("\r\n").split(self.delimiter))
        cells = self._parsed([line.text])
        if cells is not None:
            return Row(line.number, line.number, cells)
        return self._spanning(line) or Row(
            line.number,
            line.number,
            [line.text[:SHOWN]],
            _("A quote is not closed, or stands in the midst of a value."),
        )

    def _spanning(self, first: Line) -> Row | None:
        """Return a row of several lines; None if they make none, then they are read again one by one."""
        taken, quotes, size = [first], first.text.count('"'), len(first.text)
        while quotes % 2 and len(taken) < MAX_LINES and size < MAX_ROW:
            line = self._next()
            if line is None:
                break
            taken.append(line)
            quotes, size = quotes + line.text.count('"'), size + len(line.text)
            if line.too_long or _fault(line.text, self.encoding):
                break
        else:
            cells = self._parsed([line.text for line in taken]) if quotes % 2 == 0 else None
            if cells is not None and len(cells) == (len(self.columns) or len(cells)):
                return Row(first.number, taken[-1].number, cells)
        self._again.extendleft(reversed(taken[1:]))
        return None

    def _parsed(self, lines: list[str]) -> list[str] | None:
        csv.field_size_limit(MAX_ROW * 2)
        try:
            rows = list(csv.reader(lines, delimiter=self.delimiter, strict=True))
        except csv.Error:
            return None
        return rows[0] if len(rows) == 1 else None


def _heading(cells: Sequence[Any]) -> list[str]:
    """Return the names of columns; one without a name is called by its place. Raises Invalid for too many, or two of a name."""
    names = [str(cell).strip() if cell is not None else "" for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        raise Invalid(_("There are more than %(limit)s columns.") % {"limit": MAX_COLUMNS}, code="columns")
    if not names:
        raise Invalid(_("The first row must hold the names of the columns."), code="columns")
    seen: set[str] = set()
    for name in filter(None, names):
        if name.casefold() in seen:
            raise Invalid(
                _("Two columns are called “%(name)s”. Give each a name of its own.") % {"name": name[:80]},
                code="columns",
            )
        seen.add(name.casefold())
    return [name[:200] or _("column %(place)s") % {"place": place} for place, name in enumerate(names, start=1)]


def _fitted(row: Row, width: int) -> Row:
    cells = row.cells
    if len(cells) == width:
        return row
    if len(cells) > width and not any(cell not in (None, "") for cell in cells[width:]):
        return Row(row.number, row.last, cells[:width])
    told = {"found": len(cells), "wanted": width}
    return Row(row.number, row.last, cells, _("It has %(found)s cells, the heading has %(wanted)s.") % told)


class JsonLines(Text):
    """One JSON object in each line. The columns are the keys of the first thousand."""

    form = "jsonl"

    def __init__(self, path: Path, encoding: str) -> None:
        """Open it and gather the columns."""
        super().__init__(path, encoding)
        columns: dict[str, None] = {}
        letters = 0
        # One line may be longer than all that is looked at: those behind it have columns, too.
        for line in islice(self._lines(0), 1000):
            found = _json_object(line.text)
            columns |= dict.fromkeys(found) if isinstance(found, dict) else {}
            letters += len(line.text)
            if letters > HEAD:
                break
        self._rewind()
        if len(columns) > MAX_COLUMNS:
            raise Invalid(_("There are more than %(limit)s columns.") % {"limit": MAX_COLUMNS}, code="columns")
        if not columns:
            raise Invalid(_("No line holds a JSON object."), code="no_table")
        self.columns = list(columns)

    def rows(self, after: int = 0) -> Iterator[Row]:
        """Yield the objects; keys that were not seen at the beginning are left out."""
        for line in self._lines(after):
            yield self._row(line)

    def _row(self, line: Line) -> Row:
        fault = _too_long() if line.too_long else _fault(line.text, self.encoding)
        found = None if fault else _json_object(line.text)
        if isinstance(found, dict):
            return Row(line.number, line.number, [found.get(column) for column in self.columns])
        reason = fault or found or _("It is no JSON object.")
        return Row(line.number, line.number, [line.text[:SHOWN]], reason)


def _json_object(text: str) -> dict[str, Any] | str | None:
    """Return the object in a line, or what is wrong with it."""
    try:
        found = json.loads(text)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return _("It is not well-formed JSON.")
    if not isinstance(found, dict):
        return None
    return _("There is a zero byte in it.") if "\\u0000" in text else found


class Workbook(Table):
    """The first sheet of an Excel file."""

    form = "xlsx"

    def __init__(self, path: Path, *, whole: bool = False) -> None:
        """Check that it is whole and no bomb; open it and read its heading."""
        _check_archive(path, whole=whole)
        self._file = path.open("rb")
        try:
            self._book = openpyxl.load_workbook(self._file, read_only=True, keep_links=False)
            self._sheet = self._book.worksheets[0]
            self._rows = 0
            first = next((row for row in self._records(0) if any(row.cells)), None)
        except Exception as error:
            # openpyxl has no error of its own for a broken part: whatever it met, the file is not readable.
            raise Invalid(_("This Excel file is damaged."), code="damaged") from error
        if first is None:
            raise Invalid(_("The file is empty."), code="empty")
        self.columns, self._heading = _heading(first.cells), first.number

    @property
    def share(self) -> float:
        """How many of the rows were read; the sheet says how many it has."""
        return min(self._rows / max(self._sheet.max_row or self._rows, 1), 1.0)

    def close(self) -> None:
        """Close the file."""
        self._book.close()
        self._file.close()

    def rows(self, after: int = 0) -> Iterator[Row]:
        """Yield the rows behind the heading."""
        try:
            for row in self._records(max(after, self._heading)):
                if any(cell not in (None, "") for cell in row.cells):
                    whole = Row(row.number, row.last, _padded(row.cells, len(self.columns)))
                    yield _checked(_fitted(whole, len(self.columns)))
        except Invalid:
            raise
        except Exception as error:
            told = {"row": self._rows + 1}
            raise Invalid(_("This Excel file is damaged at row %(row)s.") % told, code="damaged") from error

    def _records(self, after: int) -> Iterator[Row]:
        for number, cells in enumerate(self._sheet.iter_rows(), start=1):
            self._rows = number
            if number > after:
                yield Row(number, number, [_value(cell) for cell in cells])


def _value(cell: Any) -> Any:
    return Formula(cell.value) if cell.data_type in {"f", "e"} else cell.value


def _padded(cells: Sequence[Any], width: int) -> Sequence[Any]:
    """Complete a row: a sheet leaves out empty cells at the end."""
    return [*cells, *[None] * (width - len(cells))]


def _checked(row: Row) -> Row:
    if sum(len(cell) for cell in row.cells if isinstance(cell, str)) > MAX_ROW:
        return Row(row.number, row.last, [str(cell)[:SHOWN] for cell in row.cells], _too_long())
    return row


def _check_archive(path: Path, *, whole: bool) -> None:
    """Raise Invalid for an archive that is broken, no workbook, or unpacks to more than anybody needs."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_parts(archive.infolist())
            broken = None if whole else archive.testzip()
    except Invalid:
        raise
    except Exception as error:
        # zipfile has its own error, and each of the packers another one.
        raise Invalid(_("This Excel file is damaged."), code="damaged") from error
    if broken:
        raise Invalid(_("This Excel file is damaged."), code="damaged")


def _check_parts(parts: Iterable[zipfile.ZipInfo]) -> None:
    found = list(parts)
    if not any(part.filename == "xl/workbook.xml" for part in found):
        raise Invalid(_("This is an archive, but no Excel file. Unpack it first."), code="no_table")
    whole = sum(part.file_size for part in found if not part.filename.startswith(SHEETS))
    swollen = any(part.file_size > HEAD and part.file_size > MAX_RATIO * part.compress_size for part in found)
    if swollen or whole > MAX_WHOLE or sum(part.file_size for part in found) > MAX_UNPACKED:
        raise Invalid(_("This Excel file unpacks to far too much. Save it as CSV."), code="bomb")
