"""Uploaded files, taken further by the worker in short turns: other long work waits in the same queue."""

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import DatabaseError
from django.utils import timezone, translation

from customers.imports import running
from customers.models import ImportRun
from cxcenter.core.errors import CxError

if TYPE_CHECKING:
    from django.db.models import QuerySet

log = structlog.get_logger(__name__)
# An uploaded file and its rejects hold contacts of people: so long they are kept after the end.
KEEP = timedelta(days=30)
GOING = (ImportRun.State.WAITING, ImportRun.State.RUNNING)
# The file that this process is at, so that the next turn need not read it from the beginning.
_open: dict[int, running.Importer] = {}


def work(*, seconds: float) -> bool:
    """Take imports further for so long; return whether there is more to do at once."""
    began, more = time.monotonic(), False
    sweep()
    for run in ImportRun.objects.filter(uploaded=True, state__in=GOING).select_related("actor").order_by("pk"):
        left = began + seconds - time.monotonic()
        with running.alone(run.source) as free, translation.override(run.actor.language if run.actor else None):
            # Taken by another process: it will be asked for again.
            more |= free and _turn(run, max(left, 0.0))
    return more


def _turn(run: ImportRun, seconds: float) -> bool:
    """Work on a run for so long, a batch at least; return whether it has more. What goes wrong is noted in the run."""
    began = time.monotonic()
    try:
        importer = _importer(run)
        importer.begin()
        while importer.step():
            if time.monotonic() > began + seconds:
                return True
    except running.StoppedError:
        pass
    except CxError as error:
        running.fail(run, str(error.message))
    except DatabaseError as error:
        # It goes on by itself as soon as the database does, unless a person has to make room.
        log.warning("import interrupted", run=run.pk, error=str(error)[:200])
        if running.is_full(error):
            running.fail(run, running.trouble(error))
    except Exception as error:
        log.exception("import failed", run=run.pk)
        running.fail(run, running.trouble(error))
    _forget(run.pk)
    return False


def _importer(run: ImportRun) -> running.Importer:
    """Return the open file of a run if this process has it where the run stands."""
    known = _open.get(run.pk)
    if known is not None and (known.run.position, known.run.started_at) == (run.position, run.started_at):
        return known
    for other in list(_open):
        _forget(other)
    _open[run.pk] = running.Importer(run)
    return _open[run.pk]


def _forget(pk: int) -> None:
    importer = _open.pop(pk, None)
    if importer is not None:
        importer.close()


def sweep() -> None:
    """Delete uploaded files, and their rejects, some time after the end."""
    _discard(_ended().filter(created_at__lt=timezone.now() - KEEP)[:100])


def discard_files() -> None:
    """Delete the files of all imports that have ended: somebody was erased, and may stand in any of them."""
    _discard(_ended())


def is_going() -> bool:
    """Tell whether an uploaded file is under way or waits for its turn."""
    return ImportRun.objects.filter(uploaded=True, state__in=GOING).exists()


def _ended() -> "QuerySet[ImportRun]":
    return ImportRun.objects.filter(uploaded=True).exclude(path="").exclude(state__in=GOING)


def _discard(runs: "QuerySet[ImportRun]") -> None:
    for run in runs:
        for path in filter(None, (run.path, run.rejects)):
            running.place_of(path).unlink(missing_ok=True)
        ImportRun.objects.filter(pk=run.pk).update(path="", rejects="", rejects_size=0)
