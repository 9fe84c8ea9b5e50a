"""A run goes through its file batch by batch; how far it has come is written in the transaction of each batch."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Self

import structlog
from django.conf import settings
from django.db import DatabaseError, DataError, IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.actions.sources import OutsideRecord
from customers.events import CustomersImported
from customers.imports import rejects
from customers.imports.ahead import Ahead
from customers.imports.mapping import Meaning
from customers.imports.planning import plan
from customers.imports.reading import Reader
from customers.imports.tables import Row, Table, open_table
from customers.imports.writing import write
from customers.locks import MovedMeanwhileError
from customers.models import ImportRun
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.events import announce

log = structlog.get_logger(__name__)
# Rows of a transaction, and how often one is tried again after somebody else was faster.
BATCH, TRIES = 5000, 8
# Names the lock in PostgreSQL: one import of a source at a time.
LOCK = 0x1F0
DEADLOCK, DISK_FULL = "40P01", "53100"


class StoppedError(Exception):
    """Somebody has stopped the run."""


class _Read(NamedTuple):
    row: Row
    said: OutsideRecord | None
    reason: str


@contextmanager
def alone(source: str) -> Iterator[bool]:
    """Hold the one place for imports of a source; yields False if it is taken. It is free as soon as its process is dead."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [LOCK, source])
        got = bool(cursor.fetchone()[0])
    try:
        yield got
    finally:
        # With the connection the lock has gone as well.
        with suppress(DatabaseError):
            if got:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [LOCK, source])


def place_of(path: str) -> Path:
    """Return where a file lies: relative ones are uploads."""
    return Path(settings.MEDIA_ROOT) / path


def open_file(run: ImportRun) -> tuple[Table, Meaning]:
    """Open the file of a run; it was found whole before. Raises Invalid in one line if it cannot be read."""
    meaning = Meaning.read(run.meaning)
    options = {"name": run.name, "encoding": meaning.encoding, "delimiter": meaning.delimiter}
    return open_table(place_of(run.path), **options, whole=True), meaning


class Importer:
    """Takes a run from its position to the end, `step` by `step`. Hold `alone` meanwhile."""

    def __init__(self, run: ImportRun) -> None:
        """Open the file at the run's position. Raises Invalid if it cannot be read."""
        self.run = run
        self._table, meaning = open_file(run)
        meaning.check(self._table.columns)
        self._reader = Reader(meaning, self._table.columns, run.source)
        self._ahead = Ahead(self._read(row) for row in self._table.rows(run.position))
        self._rows = iter(self._ahead)
        self._waiting: deque[_Read] = deque()
        self._size = BATCH

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._ahead.close()
        self._table.close()

    def begin(self) -> None:
        """Note that the run is under way. Raises Conflict if it has ended."""
        states = [ImportRun.State.PREPARED, ImportRun.State.WAITING, ImportRun.State.RUNNING]
        now = timezone.now()
        changes = {
            "state": ImportRun.State.RUNNING,
            "started_at": self.run.started_at or now,
            "moved_at": now,
            "error": "",
        }
        if not ImportRun.objects.filter(pk=self.run.pk, state__in=states).update(**changes):
            raise Conflict(_("This import has ended."), code="ended")
        self.run.refresh_from_db()

    def step(self) -> bool:
        """Keep the next rows; False when there are none left, and the run is done. Raises StoppedError."""
        batch = self._next()
        if not batch:
            self._end()
            return False
        try:
            self._keep(batch)
        except DataError as error:
            self._part(batch, error)
        return True

    def _next(self) -> list[_Read]:
        self._waiting.extend(islice(self._rows, max(self._size - len(self._waiting), 0)))
        return [self._waiting.popleft() for _place in range(min(self._size, len(self._waiting)))]

    def _read(self, row: Row) -> _Read:
        try:
            return _Read(row, self._reader.read(row), "")
        except Invalid as error:
            return _Read(row, None, str(error.message))

    def _keep(self, batch: list[_Read]) -> None:
        for left in reversed(range(TRIES)):
            try:
                taken = self._try(batch)
            except (MovedMeanwhileError, IntegrityError) as error:
                if not left:
                    raise
                log.info("batch tried again", run=self.run.pk, why=repr(error)[:200])
            except OperationalError as error:
                if not left or _code(error) != DEADLOCK:
                    raise
            else:
                self._waiting.extendleft(reversed(batch[taken:]))
                self._size = BATCH
                return

    def _try(self, batch: list[_Read]) -> int:
        """Write as many rows as can be in one transaction, and the position with them; return how many."""
        run = self.run
        with transaction.atomic():
            said = [one.said for one in batch if one.said]
            counts: Counter[str] = Counter()
            erased: set[str] = set()
            if said:
                made = plan(said, writes=not run.trial)
                batch = _until(batch, made.taken)
                counts, erased = made.counts, made.erased
                if not run.trial:
                    write(made, actor=run.actor)
            refused = [rejects.Reject(one.row, reason) for one in batch if (reason := _why_refused(one, erased))]
            counts["rejected"] += len(refused)
            size = rejects.add(place_of(run.rejects), self._table.columns, refused, after=run.rejects_size)
            moved = {
                "position": batch[-1].row.last,
                "share": self._table.share,
                "counts": {**run.counts, **{name: run.counts.get(name, 0) + number for name, number in counts.items()}},
                "rejects_size": size,
                "moved_at": timezone.now(),
            }
            if not ImportRun.objects.filter(pk=run.pk, state=ImportRun.State.RUNNING).update(**moved):
                raise StoppedError
        for name, value in moved.items():
            setattr(run, name, value)
        return len(batch)

    def _part(self, batch: list[_Read], error: DataError) -> None:
        """Try fewer rows after one that the database does not take; alone it is rejected."""
        if len(batch) == 1:
            log.warning("row refused by the database", run=self.run.pk, row=batch[0].row.number, error=str(error)[:200])
            batch = [_Read(batch[0].row, None, _("The database cannot keep it: %(why)s") % {"why": str(error)[:200]})]
        self._size = max(1, len(batch) // 2)
        self._waiting.extendleft(reversed(batch))

    def _end(self) -> None:
        run, now = self.run, timezone.now()
        done = {"state": ImportRun.State.DONE, "share": 1.0, "ended_at": now, "moved_at": now}
        with transaction.atomic():
            if not ImportRun.objects.filter(pk=run.pk, state=ImportRun.State.RUNNING).update(**done):
                raise StoppedError
            if not run.trial:
                announce(CustomersImported(run=run.pk, source=run.source, counts=run.counts))
        for name, value in done.items():
            setattr(run, name, value)


def _why_refused(one: _Read, erased: set[str]) -> str:
    """Return why a row is not kept, "" if it is."""
    if one.said is None:
        return one.reason
    return _("This customer was erased.") if one.said.external_id in erased else ""


def _until(batch: list[_Read], taken: int) -> list[_Read]:
    """Return the rows before the one whose record was not taken."""
    for place, one in enumerate(batch):
        if one.said is not None:
            if not taken:
                return batch[:place]
            taken -= 1
    return batch


def _code(error: DatabaseError) -> str:
    return str(getattr(error.__cause__, "pgcode", "") or "")


def fail(run: ImportRun, reason: str) -> None:
    """Note why a run has ended early, if the database can be reached. What it has kept stays, and it can be continued."""
    with suppress(DatabaseError):
        failed = {"state": ImportRun.State.FAILED, "error": reason[:2000], "ended_at": timezone.now()}
        ImportRun.objects.filter(pk=run.pk).update(**failed)


def is_full(error: Exception) -> bool:
    """Tell whether the disk of the database is full: then a person has to make room."""
    return isinstance(error, DatabaseError) and _code(error) == DISK_FULL


def trouble(error: Exception) -> str:
    """Return in one line what happened outside of the file: to the disk or the database."""
    if isinstance(error, OSError):
        return _("A file cannot be written: %(why)s.") % {"why": error.strerror or str(error)}
    if is_full(error):
        return _("The disk of the database is full.")
    if isinstance(error, DatabaseError):
        return _("The database does not answer: %(why)s") % {"why": (str(error).strip().splitlines() or [""])[0][:200]}
    return _("An error of the program: %(why)s") % {"why": f"{type(error).__name__}: {error}"[:200]}
