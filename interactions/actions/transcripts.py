"""The words of recordings: recognised in the background, side by side, stretch by stretch, and kept as lines.

Each stretch is stored when it is done, so that whoever comes after a kill goes on from there. What cannot be recognised is
tried some times more, later and later, and then says so.
"""

from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from interactions import sound, speech, vault
from interactions.models import Recording, SpokenLine, Transcript

log = structlog.get_logger(__name__)
# A stretch is a minute of both sides: even the largest model on a slow machine is through with it by then.
CLAIM = timedelta(minutes=10)
MOST_TRIES = 4
FIRST_PAUSE = timedelta(minutes=1)
LONGER = 6
SIDES = {1: [SpokenLine.Side.BOTH], 2: [SpokenLine.Side.CUSTOMER, SpokenLine.Side.OPERATOR]}


def ask(recording: Recording) -> None:
    """Have a recording recognised, inside the transaction that gives it its sound. Lines of other sound go."""
    made, new = Transcript.objects.select_for_update().get_or_create(
        recording=recording, defaults={"sha256": recording.sha256}
    )
    if not new and made.sha256 != recording.sha256:
        SpokenLine.objects.filter(recording=recording).delete()
        Transcript(recording=recording, sha256=recording.sha256).save(force_update=True)


def again(transcript: Transcript) -> None:
    """Try once more what could not be recognised: its model or its place was put right."""
    failed = Transcript.objects.filter(pk=transcript.pk, state=Transcript.State.FAILED)
    failed.update(state=Transcript.State.WAITING, tries=0, error="", claimed_until=timezone.now())


@transaction.atomic
def forget(ids: list[int]) -> None:
    """Delete the words of recordings. Who is recognising them finds nowhere to put more."""
    rows = Transcript.objects.filter(recording__in=ids)
    list(rows.select_for_update().order_by("pk").values_list("pk"))
    SpokenLine.objects.filter(recording__in=ids).delete()
    rows.delete()


def recognise_all(recogniser: speech.Recogniser) -> int:
    """Recognise what waits, one recording after another. Returns how many are ready."""
    done = 0
    while transcript := _claim():
        done += recognise(transcript, recogniser)
    return done


@transaction.atomic
def _claim() -> Transcript | None:
    """Take the next one, so that no other process does. Its tries are counted now: who is killed counts as well."""
    found: Transcript | None = Transcript.objects.to_make().select_for_update(skip_locked=True).first()
    if found is None:
        return None
    found.tries += 1
    found.claimed_until = timezone.now() + CLAIM
    if found.tries > MOST_TRIES:
        # Whoever had it was killed each time.
        found.tries, found.claimed_until = MOST_TRIES, timezone.now()
        found.state, found.error = Transcript.State.FAILED, found.error or "killed"
        log.error("recording not recognised", recording=found.pk, reason=found.error)
    found.save(update_fields=["tries", "claimed_until", "state", "error"])
    return found


def recognise(transcript: Transcript, recogniser: speech.Recogniser) -> bool:
    """Recognise what is still to be recognised of a claimed recording. Returns whether it is ready now."""
    if transcript.state != Transcript.State.WAITING:
        return False
    recording = Recording.objects.get(pk=transcript.pk)
    if not recording.file:
        return False
    try:
        with vault.read(recording.file, recording.key_id) as opened:
            for at, samples in sound.stretches(opened, rate=speech.RATE, after=transcript.done_s):
                if not _keep(transcript, _spoken(transcript, recogniser, at, samples), at, samples):
                    return False
        return _end(transcript)
    except Exception as error:  # of the storage, the sound, the model
        _fail(transcript, error)
        return False


def _spoken(
    transcript: Transcript, recogniser: speech.Recogniser, at: float, samples: sound.Samples
) -> list[SpokenLine]:
    """Return the lines of a stretch, of each side by itself; the language of a side is told once."""
    found = []
    for side, voice in zip(SIDES[len(samples)], samples, strict=True):
        lines, language = recogniser.lines(voice, transcript.languages.get(side, ""))
        if lines and language:
            transcript.languages.setdefault(side, language)
        found += [_line(transcript, side, at, line) for line in lines]
    return found


def _line(transcript: Transcript, side: str, at: float, line: speech.Line) -> SpokenLine:
    begins = line.words[0][1]
    return SpokenLine(
        recording_id=transcript.pk,
        side=side,
        start_s=round(at + begins, 2),
        end_s=round(at + line.words[-1][2], 2),
        text=line.text,
        times=[round(100 * (second - begins)) for _word, *ends in line.words for second in ends],
    )


@transaction.atomic
def _keep(transcript: Transcript, lines: list[SpokenLine], at: float, samples: sound.Samples) -> bool:
    """Store a stretch, unless the words were forgotten, the sound is another, or somebody else has stored it."""
    row = _ours(transcript)
    if row is None or row.done_s != transcript.done_s:
        return False
    SpokenLine.objects.bulk_create(lines)
    # What comes next has its own tries, of which this is the first.
    transcript.done_s, transcript.tries = at + samples.shape[1] / speech.RATE, 1
    transcript.claimed_until = timezone.now() + CLAIM
    transcript.save(update_fields=["done_s", "tries", "languages", "claimed_until"])
    return True


def _ours(transcript: Transcript) -> Transcript | None:
    rows = Transcript.objects.select_for_update().filter(pk=transcript.pk, sha256=transcript.sha256)
    found: Transcript | None = rows.filter(state=Transcript.State.WAITING).first()
    return found


@transaction.atomic
def _end(transcript: Transcript) -> bool:
    row = _ours(transcript)
    if row is None:
        return False
    row.state, row.error, row.claimed_until = Transcript.State.READY, "", timezone.now()
    row.save(update_fields=["state", "error", "claimed_until"])
    return True


@transaction.atomic
def _fail(transcript: Transcript, error: Exception) -> None:
    """Try it again later, or give it up. The log has the reason; the row has its kind, which names nobody."""
    log.warning("recording not recognised", recording=transcript.pk, tries=transcript.tries, exc_info=error)
    row = _ours(transcript)
    if row is None:
        return
    row.error = type(error).__name__[:200]
    row.claimed_until = timezone.now() + FIRST_PAUSE * LONGER ** (row.tries - 1)
    if row.tries >= MOST_TRIES:
        row.state = Transcript.State.FAILED
    row.save(update_fields=["state", "error", "claimed_until"])
