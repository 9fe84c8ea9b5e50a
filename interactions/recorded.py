"""Recordings of a customer's calls, in an export and in an erasure."""

from collections.abc import Iterator
from functools import partial

from django.db import transaction
from django.utils.translation import ngettext

from cxcenter.core.personal import File, Holder, Rows, Section, Subject, in_batches, register
from interactions import vault
from interactions.actions import recordings
from interactions.actions.files import discard_files
from interactions.models import Recording, RecordingMark, RecordingPiece, SpokenLine, Transcript
from interactions.personal import sessions_of


class Recordings(Holder):
    """Sound of calls, its pieces, its words, and what is noted in it."""

    tables = (Recording, RecordingPiece, RecordingMark, Transcript, SpokenLine)

    def obstacles(self, subject: Subject) -> list[str]:
        """Return how many recordings are on legal hold: they must not be erased."""
        held = Recording.objects.filter(interaction__in=sessions_of(subject), legal_hold=True).count()
        words = ngettext("%(count)s recording on legal hold", "%(count)s recordings on legal hold", held)
        return [words % {"count": held}] if held else []

    def sections(self) -> dict[str, Section]:
        """Return what is exported of them."""
        return {"recordings": _recordings, "words_of_recordings": _words}

    def files(self, subject: Subject) -> Iterator[File]:
        """Yield the sound of his calls."""
        for row in in_batches(Recording.objects.filter(interaction__in=sessions_of(subject)).exclude(file="")):
            yield File(_path(row), partial(vault.read, row.file, row.key_id))

    def erase(self, subject: Subject) -> None:
        """Delete the sound, wherever it lies, its words and those of the marks. When it was and how long each spoke stays."""
        ids = list(Recording.objects.filter(interaction__in=sessions_of(subject)).values_list("pk", flat=True))
        recordings.erase(ids)
        transaction.on_commit(discard_files, robust=True)


register(Recordings())


def _path(row: Recording) -> str:
    return f"recordings/{row.public_id}.webm"


def _recordings(subject: Subject) -> Rows:
    rows = Recording.objects.filter(interaction__in=sessions_of(subject)).prefetch_related("marks")
    for row in in_batches(rows):
        yield {
            "session": f"S-{row.interaction_id}",
            "started_at": row.started_at,
            "duration_s": row.duration_s,
            "state": row.state,
            "path": _path(row) if row.file else None,
            "marks": [{"at_s": mark.at_s, "kind": mark.kind, "text": mark.text} for mark in row.marks.all()],
        }


def _words(subject: Subject) -> Rows:
    lines = SpokenLine.objects.filter(recording__interaction__in=sessions_of(subject)).select_related("recording")
    for line in in_batches(lines):
        yield {
            "recording": _path(line.recording),
            "side": line.side,
            "start_s": line.start_s,
            "end_s": line.end_s,
            "text": line.text,
        }
