"""Recordings of calls: they come in pieces while the call goes on, and are put together when it is over.

Nothing that was recorded is lost: pieces are kept until a day after the recording was put together, and one that comes late (the
network was away, the tab was closed) opens it again. A tab that dies is noticed by its silence.
"""

import hashlib
import math
import uuid
from datetime import datetime, timedelta
from io import BytesIO
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING, Any

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Invalid, NotFound
from cxcenter.core.events import announce
from interactions import sound, vault
from interactions.events import RecordingReady
from interactions.models import DoomedFile, Interaction, Recording, RecordingMark, RecordingPiece

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

    from cxcenter.accounts.models import User

log = structlog.get_logger(__name__)
# A piece has 2–3 s of sound, some 20 kB.
LARGEST_PIECE = 1024 * 1024
MOST_PIECES = 20_000
# A message of three minutes has some 1.2 MB. The browser's clock and ours are not one.
LARGEST_MESSAGE = 4 * 1024 * 1024
LONGEST_MESSAGE_S, MESSAGE_SLACK_S = 180, 10
# A tab that has sent nothing for so long is dead, or without network: what it has comes later.
SILENT = timedelta(seconds=45)
KEEP_PIECES = timedelta(days=1)
CLAIM = timedelta(minutes=15)
STORED = "recordings"


# --- While the call goes on --------------------------------------------------------------------


@transaction.atomic
def start(
    *, interaction: Interaction, key: uuid.UUID, actor: "User", content_type: str, started_at: datetime | None = None
) -> Recording:
    """Begin a recording. A repeated start finds the first one. Raises Conflict if the key is another's, Invalid.

    `content_type` is what the browser records: webm with Opus. `started_at` is when it began there: a start that the network
    held up. The caller has checked that the actor is in the call.
    """
    if not content_type.startswith(sound.RECORDED):
        raise Invalid(_("Only WebM with Opus can be recorded."), field="type")
    now = timezone.now()
    began = min(max(started_at or now, interaction.opened_at), now)
    found, _new = Recording.objects.get_or_create(
        public_id=key,
        defaults={
            "interaction": interaction,
            "operator": actor,
            "content_type": sound.RECORDED,
            "started_at": began,
        },
    )
    if found.operator_id != actor.pk or found.interaction_id != interaction.pk:
        raise Conflict(_("This key belongs to another recording."), code="other_recording")
    return found


def of_operator(*, key: uuid.UUID, actor: "User") -> Recording:
    """Return a recording that the actor makes. Raises NotFound: nobody else adds to it."""
    found = Recording.objects.filter(public_id=key, operator=actor).first()
    if found is None:
        raise NotFound(_("There is no such recording."))
    return found


def keep_piece(*, recording: Recording, number: int, content: bytes, sha256: str) -> None:
    """Store a piece. The same one twice is fine.

    Raises Invalid if it was damaged on its way, Conflict if its number has other content or the recording is closed for
    good, NoRoom if it cannot be stored now.
    """
    if not 0 < len(content) <= LARGEST_PIECE or not 0 <= number < MOST_PIECES:
        raise Invalid(_("This is no piece of a recording."), field="piece")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Invalid(_("The piece was damaged on its way. Send it again."), code="damaged", field="sha256")
    known = recording.pieces.filter(number=number).first()
    if known is not None:
        if known.sha256 != sha256:
            raise Conflict(_("This piece is here already, with other content."), code="other_piece")
        return
    piece = RecordingPiece(recording=recording, number=number, size=len(content), sha256=sha256, key_id=vault.key_now())
    # First the bytes: a row tells that they are there.
    vault.keep(piece.file, BytesIO(content))
    try:
        _add(piece)
    except Conflict:
        vault.discard(piece.file)
        raise


def _refuse_closed(recording: Recording) -> None:
    gone = recording.state == Recording.State.DELETED
    if gone or (recording.file and not recording.pieces.exists()):
        raise Conflict(_("This recording is closed: nothing can be added to it."), code="closed")


@transaction.atomic
def _add(piece: RecordingPiece) -> None:
    """Write the row of a stored piece and open its recording again. The lock keeps it from being put together meanwhile."""
    recording = Recording.objects.select_for_update().get(pk=piece.recording_id)
    _refuse_closed(recording)
    RecordingPiece.objects.bulk_create([piece], ignore_conflicts=True)
    # Not ended, whatever was thought: more may come. Its end is told again, or its silence tells it.
    recording.state, recording.last_piece_at, recording.ended_at = Recording.State.UPLOADING, timezone.now(), None
    recording.save(update_fields=["state", "last_piece_at", "ended_at"])


def finish(*, recording: Recording, pieces: int) -> list[int]:
    """Say that it is over and had so many pieces; returns the numbers of those that are missing, to send them again."""
    there = set(recording.pieces.values_list("number", flat=True))
    missing = [number for number in range(min(pieces, MOST_PIECES)) if number not in there]
    if not missing:
        Recording.objects.filter(pk=recording.pk, ended_at=None).update(ended_at=timezone.now())
    return missing


def mark(*, recording: Recording, kind: str, at_s: float, actor: "User", text: str = "") -> RecordingMark:
    """Mark a second of a recording. The same mark twice is one. Raises Invalid."""
    if kind not in RecordingMark.Kind.values or not (math.isfinite(at_s) and at_s >= 0):
        raise Invalid(_("This is no mark of a recording."), field="kind")
    at_s = round(at_s, 3)
    made, _new = RecordingMark.objects.get_or_create(
        recording=recording, kind=kind, at_s=at_s, defaults={"text": text[:200], "user": actor}
    )
    return made


# --- When it is over ---------------------------------------------------------------------------


def finish_all() -> int:
    """Put together what is over and what dead tabs have left. Returns how many were."""
    done = 0
    while recording := _claim():
        done += put_together(recording)
    return done


def _claim() -> Recording | None:
    """Take the next recording to put together, so that no other process does."""
    with transaction.atomic():
        rows = Recording.objects.to_finish(silent_since=timezone.now() - SILENT)
        found: Recording | None = rows.select_for_update(skip_locked=True).order_by("claimed_until").first()
        if found is not None:
            found.claimed_until = timezone.now() + CLAIM
            found.save(update_fields=["claimed_until"])
    return found


def put_together(recording: Recording) -> bool:
    """Make one file of the pieces that are there. Returns whether it can be heard now.

    What cannot be read is marked broken, and its pieces stay; what cannot be stored now is tried again.
    """
    pieces = list(recording.pieces.order_by("number"))
    if not pieces:
        return _give_up(recording, 0)
    try:
        with NamedTemporaryFile() as whole:
            for piece in pieces:
                with vault.read(piece.file, piece.key_id) as opened:
                    whole.write(opened.read())
            whole.seek(0)
            return _keep_sound(recording, whole, made_of=len(pieces))
    except sound.Unplayable as error:
        log.warning("recording cannot be read", recording=str(recording.public_id), reason=str(error))
        return _give_up(recording, len(pieces))


def _keep_sound(recording: Recording, source: IO[bytes], *, made_of: int) -> bool:
    """Store the sound of a recording in the form that plays, and what was measured in it."""
    with NamedTemporaryFile() as target:
        heard = sound.convert(source, target.name)
        size, digest = vault.checksum(target)
        target.seek(0)
        name = f"{recording.folder}/{digest[:16]}.webm"
        vault.keep(name, target)
    with transaction.atomic():
        row = Recording.objects.select_for_update().get(pk=recording.pk)
        if row.state == Recording.State.DELETED or row.pieces.count() != made_of:
            # Erased meanwhile, or a late piece has come: then it is put together again.
            if row.file != name:
                DoomedFile.objects.create(name=name, storage=STORED)
            Recording.objects.filter(pk=row.pk).update(claimed_until=timezone.now())
            return False
        if row.file and row.file != name:
            DoomedFile.objects.create(name=row.file, storage=STORED)
        row.state, row.claimed_until = Recording.State.READY, timezone.now()
        row.ended_at = row.started_at + timedelta(seconds=heard.duration_s)
        row.file, row.size, row.sha256, row.key_id = name, size, digest, vault.key_now()
        row.content_type, row.duration_s = sound.PLAYED, heard.duration_s
        row.customer_s, row.operator_s = heard.customer_s, heard.operator_s
        row.silence_s, row.overlap_s = heard.silence_s, heard.overlap_s
        row.waveform = {"sides": heard.sides, "silences": heard.silences}
        row.save()
        gaps = [RecordingMark(recording=row, kind=RecordingMark.Kind.GAP, at_s=at) for at in heard.gaps]
        row.marks.filter(kind=RecordingMark.Kind.GAP).delete()
        RecordingMark.objects.bulk_create(gaps, ignore_conflicts=True)
        announce(RecordingReady(recording=str(row.public_id), interaction=row.interaction_id))
    return True


def _give_up(recording: Recording, pieces: int) -> bool:
    """Mark a recording broken that cannot be read, unless a piece has come meanwhile."""
    with transaction.atomic():
        row = Recording.objects.select_for_update().get(pk=recording.pk)
        row.claimed_until = timezone.now()
        if row.state == Recording.State.UPLOADING and row.pieces.count() == pieces:
            row.state = Recording.State.BROKEN
            row.ended_at = row.ended_at or row.last_piece_at
        row.save(update_fields=["state", "ended_at", "claimed_until"])
    return False


def keep_file(
    interaction: Interaction, fileobj: IO[bytes], started_at: datetime, *, key: uuid.UUID | None = None
) -> Recording:
    """Keep a whole file (WAV, MP3, Ogg, WebM) that a telephone exchange delivers. With the same `key` it is kept once.

    Raises Invalid if there is no sound in it, NoRoom if it cannot be stored.
    """
    recording, new = Recording.objects.get_or_create(
        public_id=key or uuid.uuid4(),
        defaults={
            "interaction": interaction,
            "started_at": started_at,
            "ended_at": started_at,
            "content_type": sound.PLAYED,
            # Not for the sweep: there are no pieces.
            "claimed_until": timezone.now() + CLAIM,
        },
    )
    if not new and recording.file:
        return recording
    try:
        _keep_sound(recording, fileobj, made_of=0)
    except sound.Unplayable:
        recording.delete()
        raise Invalid(_("There is no sound in this file that can be played."), code="no_sound", field="file") from None
    recording.refresh_from_db()
    return recording


def read_message(file: "UploadedFile[Any]") -> bytes:
    """Return the sound of an uploaded message, checked by its content. Raises Invalid: too large, too long, no sound."""
    if (file.size or 0) > LARGEST_MESSAGE:
        limit = LARGEST_MESSAGE // 1024 // 1024
        raise Invalid(
            _("The file is too large: %(limit)s MB at most.") % {"limit": limit}, code="too_large", field="file"
        )
    content = file.read()
    try:
        length = sound.length_s(BytesIO(content))
    except sound.Unplayable:
        raise Invalid(_("There is no sound in this file that can be played."), code="no_sound", field="file") from None
    if length > LONGEST_MESSAGE_S + MESSAGE_SLACK_S:
        minutes = LONGEST_MESSAGE_S // 60
        raise Invalid(
            _("The message is too long: %(limit)s minutes at most.") % {"limit": minutes}, code="too_long", field="file"
        )
    return content


def keep_message(*, interaction: Interaction, key: uuid.UUID, content: bytes) -> Recording:
    """Keep the message that a caller has left, as the recording of his call. It is made playable in the background.

    Raises NoRoom if it cannot be stored now.
    """
    now = timezone.now()
    recording = Recording.objects.create(
        interaction=interaction,
        public_id=key,
        content_type=sound.RECORDED,
        started_at=interaction.opened_at,
        ended_at=now,
    )
    for number, start in enumerate(range(0, len(content), LARGEST_PIECE)):
        part = content[start : start + LARGEST_PIECE]
        digest = hashlib.sha256(part).hexdigest()
        piece = RecordingPiece(
            recording=recording, number=number, size=len(part), sha256=digest, key_id=vault.key_now()
        )
        vault.keep(piece.file, BytesIO(part))
        piece.save(force_insert=True)
    return recording


def drop_pieces() -> int:
    """Delete the pieces of recordings that were put together a day ago. Returns of how many."""
    before = timezone.now() - KEEP_PIECES
    old = Recording.objects.filter(state=Recording.State.READY, last_piece_at__lt=before, pieces__isnull=False)
    ids = list(old.distinct().values_list("pk", flat=True)[:1000])
    for pk in ids:
        with transaction.atomic():
            row = Recording.objects.select_for_update().get(pk=pk)
            if row.state == Recording.State.READY:
                _doom_pieces([pk])
    return len(ids)


# --- How long it is kept -----------------------------------------------------------------------


@transaction.atomic
def hold(*, recording: Recording, actor: "User", reason: str) -> None:
    """Keep a recording from being deleted, whatever the time of its queue. Raises Invalid without a reason."""
    if not reason.strip():
        raise Invalid(_("Write why it is held."), field="reason")
    row = Recording.objects.select_for_update().get(pk=recording.pk)
    if row.state == Recording.State.DELETED:
        raise Conflict(_("This recording was deleted."), code="deleted")
    row.legal_hold, row.hold_reason = True, reason.strip()[:200]
    row.save(update_fields=["legal_hold", "hold_reason"])
    audit.record(actor, "recording.hold", f"recording:{row.pk}", interaction=row.interaction_id)


@transaction.atomic
def release(*, recording: Recording, actor: "User") -> None:
    """Take a recording off its hold: its time counts again."""
    row = Recording.objects.select_for_update().get(pk=recording.pk)
    if row.legal_hold:
        row.legal_hold, row.hold_reason = False, ""
        row.save(update_fields=["legal_hold", "hold_reason"])
        audit.record(actor, "recording.release", f"recording:{row.pk}", interaction=row.interaction_id)


def expire() -> int:
    """Delete the sound of recordings whose time is over and that nobody holds. Returns how many."""
    ids = list(Recording.objects.outlived().values_list("pk", flat=True)[:10_000])
    done = 0
    for pk in ids:
        with transaction.atomic():
            # Asked again under the lock: a hold may have come in between.
            row = Recording.objects.outlived().select_for_update().filter(pk=pk).first()
            if row is not None:
                erase([pk])
                audit.record(None, "recording.delete", f"recording:{pk}", interaction=row.interaction_id)
                done += 1
    return done


def erase(ids: list[int]) -> None:
    """Delete the sound of recordings, its pieces and the words of its marks, inside a transaction. Their times stay."""
    rows = Recording.objects.filter(pk__in=ids)
    names = rows.exclude(file="").values_list("file", flat=True)
    DoomedFile.objects.bulk_create(DoomedFile(name=name, storage=STORED) for name in names)
    _doom_pieces(ids)
    RecordingMark.objects.filter(recording__in=ids).update(text="")
    rows.update(
        state=Recording.State.DELETED, file="", size=0, sha256="", waveform={}, delete_after=None, hold_reason=""
    )


def _doom_pieces(ids: list[int]) -> None:
    pieces = RecordingPiece.objects.filter(recording__in=ids).select_related("recording")
    DoomedFile.objects.bulk_create(DoomedFile(name=piece.file, storage=STORED) for piece in pieces)
    pieces.delete()
