"""An archive of all personal data of a customer, written while it is sent: memory does not grow with the history."""

import json
from collections.abc import Iterator
from typing import IO, Any, cast
from zipfile import ZIP_DEFLATED, ZipFile

from django.http import StreamingHttpResponse
from django.utils import timezone

from cxcenter.core.personal import File, Section, Subject, holders

DATA = "customer.json"
MISSING = "missing.json"
# A piece of the answer; and of a file that is read.
PIECE = 64 * 1024


class _Sink:
    """What the archive is written to; it is taken away piece by piece."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        """Take bytes of the archive."""
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self, least: int = PIECE) -> Iterator[bytes]:
        """Yield what was written since, if there is enough of it."""
        if len(self._written) >= least:
            piece, self._written = bytes(self._written), bytearray()
            yield piece


def archive(subject: Subject, about: dict[str, Any]) -> Iterator[bytes]:
    """Yield a ZIP: `customer.json` with `about` and the sections of all apps, and the customer's files."""
    sink, missing = _Sink(), []
    with ZipFile(cast("IO[bytes]", sink), "w", ZIP_DEFLATED) as packed:
        with packed.open(DATA, "w", force_zip64=True) as out:
            for text in _json(subject, about):
                out.write(text.encode())
                yield from sink.taken()
        for file in _files(subject):
            if not (pieces := _read(file)):
                missing.append(file.name)
                continue
            with packed.open(file.name, "w", force_zip64=True) as out:
                for piece in pieces:
                    out.write(piece)
                    yield from sink.taken()
        if missing:
            packed.writestr(MISSING, json.dumps(missing, ensure_ascii=False))
    yield from sink.taken(least=1)


def zip_of(number: str, pieces: Iterator[bytes]) -> StreamingHttpResponse:
    """Return the answer that sends an archive of the customer of a number as a download."""
    name = f"{number}-{timezone.localdate()}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(pieces, content_type="application/zip", headers=headers)


def _json(subject: Subject, about: dict[str, Any]) -> Iterator[str]:
    """Yield one object: `about`, then each section as a list, row by row."""
    yield '{"about": ' + _text(about)
    for name, section in _sections().items():
        yield f',\n"{name}": ['
        between = "\n"
        for row in section(subject):
            yield between + _text(row)
            between = ",\n"
        yield "]"
    yield "}\n"


def _sections() -> dict[str, Section]:
    return {name: section for holder in holders() for name, section in holder.sections().items()}


def _files(subject: Subject) -> Iterator[File]:
    for holder in holders():
        yield from holder.files(subject)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_worded)


def _worded(value: Any) -> str:
    """Return a time as ISO, anything else as it is written."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _read(file: File) -> Iterator[bytes] | None:
    """Return the pieces of a file; None if it is not there: the export goes on without it and says so."""
    try:
        source = file.open()
    except OSError:
        return None

    def pieces() -> Iterator[bytes]:
        with source:
            while piece := source.read(PIECE):
                yield piece

    return pieces()
