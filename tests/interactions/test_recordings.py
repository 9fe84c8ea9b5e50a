"""Recordings: pieces in any order and number, dead tabs, full disks, what is measured, where the bytes lie."""

import hashlib
import io
import random
import uuid
from base64 import b64encode
from datetime import timedelta

import numpy as np
import pytest
from django.core.files.storage import storages
from django.utils import timezone

from cxcenter.core.errors import Conflict, Invalid, NoRoom
from cxcenter.core.models import AuditEntry
from interactions import sound, vault
from interactions.actions import files, recordings
from interactions.models import DoomedFile, Recording
from tests import sounds

pytestmark = pytest.mark.django_db(transaction=True)

CALL = sounds.webm(sounds.call_of(6))
KEY, OTHER_KEY = (b64encode(bytes([one]) * 32).decode() for one in (1, 2))


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    """Recordings lie in a folder of the test's own."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def recording(chat):
    return recordings.start(
        interaction=chat.talk, key=uuid.uuid4(), actor=chat.alice, content_type="audio/webm;codecs=opus"
    )


def send(recording: Recording, number: int, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    recordings.keep_piece(recording=recording, number=number, content=content, sha256=digest)


def send_all(recording: Recording, pieces: list[bytes], *, only: list[int] | None = None) -> None:
    for number in only if only is not None else range(len(pieces)):
        send(recording, number, pieces[number])


def fall_silent(recording: Recording) -> None:
    """Its tab died a while ago."""
    Recording.objects.filter(pk=recording.pk).update(last_piece_at=timezone.now() - timedelta(minutes=2))


def heard(recording: Recording) -> np.ndarray:
    recording.refresh_from_db()
    return sounds.decoded(vault.read(recording.file, recording.key_id).read())


def test_pieces_shuffled_and_doubled_make_the_call(recording, folder):
    pieces = sounds.cut(CALL, 7)
    order = [*range(7), *range(7)]
    random.Random(4).shuffle(order)
    send_all(recording, pieces, only=order)
    assert recordings.finish_all() == 0, "the call goes on"
    assert recordings.finish(recording=recording, pieces=7) == []
    assert recordings.finish_all() == 1
    recording.refresh_from_db()
    content = vault.read(recording.file, "").read()
    assert (recording.state, recording.size, recording.sha256) == (
        "ready", len(content), hashlib.sha256(content).hexdigest(),
    )  # fmt: skip
    assert sounds.duration(CALL) == 0 and abs(sounds.duration(content) - 6) < 0.1, "a recorder's file has no duration"
    left, right = heard(recording)
    assert sounds.level(left, sounds.CUSTOMER) > 0.4 > 0.05 > sounds.level(left, sounds.OPERATOR)
    assert sounds.level(right, sounds.OPERATOR) > 0.4 > 0.05 > sounds.level(right, sounds.CUSTOMER)
    assert recordings.finish_all() == 0, "once"


def test_a_piece_with_other_content_or_damaged_is_refused(recording):
    send(recording, 0, b"one")
    with pytest.raises(Conflict):
        send(recording, 0, b"two")
    with pytest.raises(Invalid):
        recordings.keep_piece(recording=recording, number=1, content=b"one", sha256=hashlib.sha256(b"two").hexdigest())
    with pytest.raises(Invalid):
        send(recording, 2, b"")
    assert [*recording.pieces.values_list("number", flat=True)] == [0]


def test_a_dead_tab_loses_what_it_had_not_sent_and_no_more(recording):
    pieces = sounds.cut(CALL, 6)
    send_all(recording, pieces, only=[0, 1, 2, 3, 4])
    assert recordings.finish_all() == 0
    fall_silent(recording)
    assert recordings.finish_all() == 1
    assert 4.5 < heard(recording).shape[1] / sounds.RATE < 5.5


def test_what_comes_after_all_is_added(recording):
    """The network was away: the tab had it all the time, and sends it when the recording is already there."""
    pieces = sounds.cut(CALL, 6)
    send_all(recording, pieces, only=[0, 1, 2])
    fall_silent(recording)
    recordings.finish_all()
    first = Recording.objects.get().file
    assert heard(recording).shape[1] < 3.6 * sounds.RATE
    assert recordings.finish(recording=recording, pieces=6) == [3, 4, 5]
    send_all(recording, pieces, only=[5, 3, 4])
    assert recordings.finish(recording=recording, pieces=6) == []
    assert recordings.finish_all() == 1
    assert abs(heard(recording).shape[1] / sounds.RATE - 6) < 0.1
    assert files.discard_files() == 1 and not storages["recordings"].exists(first)


def test_a_hole_is_silence_in_its_place(recording):
    pieces = sounds.cut(CALL, 6)
    send_all(recording, pieces, only=[0, 1, 4, 5])
    fall_silent(recording)
    assert recordings.finish_all() == 1
    samples = heard(recording)
    gap = recording.marks.get()
    assert gap.kind == "gap" and 0.5 < gap.at_s < 2.5
    assert abs(samples.shape[1] / sounds.RATE - 6) < 0.1, "what follows it stays in its place"
    assert sounds.level(sounds.part(samples, gap.at_s + 0.5, gap.at_s + 1.5)[0], sounds.CUSTOMER) < 0.05
    assert sounds.level(sounds.part(samples, 5.2, 5.8)[0], sounds.CUSTOMER) > 0.4


def test_what_is_no_sound_is_broken_and_kept(recording):
    send(recording, 0, b"no sound at all" * 100)
    recordings.finish(recording=recording, pieces=1)
    assert recordings.finish_all() == 0
    recording.refresh_from_db()
    assert recording.state == "broken" and recording.pieces.count() == 1
    assert vault.read(recording.pieces.get().file, "").read().startswith(b"no sound")


def test_a_full_disk_says_so_and_the_piece_comes_again(recording, monkeypatch, folder):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storages["recordings"].__class__, "_save", full)
        with pytest.raises(NoRoom, match="No space left on device"):
            send(recording, 0, b"piece")
        assert not recording.pieces.exists()
    send(recording, 0, b"piece")
    assert recording.pieces.count() == 1


def test_a_full_disk_at_the_end_loses_nothing(recording, monkeypatch):
    send_all(recording, [CALL])
    recordings.finish(recording=recording, pieces=1)
    with monkeypatch.context() as patch:
        patch.setattr(vault, "keep", lambda *_a: (_ for _ in ()).throw(NoRoom("full")))
        with pytest.raises(NoRoom):
            recordings.put_together(recording)
    recordings.put_together(recording)
    assert heard(recording).shape[1] > 5 * sounds.RATE


def test_who_speaks_how_long(chat):
    """0–2 s the customer, 2–5 s the operator, 5–6 s both, 6–10 s nobody: the formula of sound.py, to a frame or so."""
    customer = np.concatenate([sounds.tone(440, 2), sounds.quiet(3), sounds.tone(440, 1), sounds.quiet(4)])
    operator = np.concatenate([sounds.quiet(2), sounds.tone(1200, 4), sounds.quiet(4)])
    kept = recordings.keep_file(chat.talk, io.BytesIO(sounds.wav(np.stack([customer, operator]))), timezone.now())
    assert (kept.state, kept.duration_s) == ("ready", pytest.approx(10, abs=0.05))
    for found, meant in ((kept.customer_s, 3), (kept.operator_s, 4), (kept.silence_s, 4), (kept.overlap_s, 1)):
        assert found == pytest.approx(meant, abs=0.1)
    assert kept.customer_s + kept.operator_s - kept.overlap_s + kept.silence_s == pytest.approx(
        kept.duration_s, abs=0.05
    )
    left, right = kept.waveform["sides"]
    assert len(left) == len(right) == 500
    assert left[50] > 40 > 2 > left[200] and right[200] > 40 > 2 > right[50]
    assert kept.waveform["silences"] == [[pytest.approx(6, abs=0.1), pytest.approx(10, abs=0.1)]]


@pytest.mark.parametrize("form", ["wav", "mp3", "ogg"])
def test_whole_files_of_an_exchange_are_kept_once(chat, form):
    content = sounds.wav(sounds.call_of(3))
    if form != "wav":
        content = reformed(content, form)
    key = uuid.uuid4()
    kept = [recordings.keep_file(chat.talk, io.BytesIO(content), timezone.now(), key=key) for _ in range(2)]
    assert kept[0].pk == kept[1].pk and kept[0].operator is None
    left, right = heard(kept[0])
    assert sounds.level(left, sounds.CUSTOMER) > 0.3 > 0.05 > sounds.level(left, sounds.OPERATOR)
    assert sounds.level(right, sounds.OPERATOR) > 0.3
    with pytest.raises(Invalid):
        recordings.keep_file(chat.talk, io.BytesIO(b"x" * 5000), timezone.now())
    assert Recording.objects.count() == 1


def reformed(content: bytes, form: str) -> bytes:
    import av

    out = io.BytesIO()
    with av.open(io.BytesIO(content)) as source, av.open(out, "w", format=form) as writer:
        stream = writer.add_stream({"mp3": "libmp3lame", "ogg": "libopus"}[form], rate=sounds.RATE, layout="stereo")
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="stereo", rate=sounds.RATE)
        for frame in source.decode(audio=0):
            for one in resampler.resample(frame):
                writer.mux(stream.encode(one))
        writer.mux(stream.encode(None))
    return out.getvalue()


# --- Where the bytes lie ---


def on_disk(folder) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_with_a_key_the_bytes_on_the_disk_are_no_sound(recording, folder, settings):
    settings.RECORDINGS_KEY = KEY
    pieces = sounds.cut(CALL, 3)
    send_all(recording, pieces)
    recordings.finish(recording=recording, pieces=3)
    assert recordings.finish_all() == 1
    recording.refresh_from_db()
    lie = on_disk(folder)
    assert b"webm" not in lie and b"OpusHead" not in lie and not any(piece[100:116] in lie for piece in pieces)
    sealed = storages["recordings"].open(recording.file).read()
    with pytest.raises(sound.Unplayable):
        sound.measure(io.BytesIO(sealed))
    assert sounds.level(heard(recording)[0], sounds.CUSTOMER) > 0.4


def test_an_old_key_still_opens_and_a_wrong_one_does_not(settings):
    settings.RECORDINGS_KEY = KEY
    vault.keep("a", io.BytesIO(b"words"))
    name = vault.key_now()
    settings.RECORDINGS_KEY, settings.RECORDINGS_OLD_KEYS = OTHER_KEY, [KEY]
    assert vault.read("a", name).read() == b"words"
    settings.RECORDINGS_OLD_KEYS = []
    with pytest.raises(vault.Unreadable):
        vault.read("a", name)


def test_any_part_of_a_sealed_file_can_be_read_and_a_change_is_noticed(settings, folder):
    settings.RECORDINGS_KEY = KEY
    plain = random.Random(1).randbytes(3 * vault.CHUNK + 777)
    vault.keep("a", io.BytesIO(plain))
    for start, size in (
        (0, 10),
        (vault.CHUNK - 3, 6),
        (2 * vault.CHUNK, vault.CHUNK),
        (len(plain) - 5, 100),
        (len(plain), 1),
    ):
        opened = vault.read("a", vault.key_now())
        opened.seek(start)
        assert opened.read(size) == plain[start : start + size]
    path = folder / "a"
    changed = bytearray(path.read_bytes())
    changed[vault.HEAD + 5] ^= 1
    path.write_bytes(changed)
    with pytest.raises(vault.Unreadable):
        vault.read("a", vault.key_now()).read(10)


# --- How long it is kept ---


def ready(chat) -> Recording:
    return recordings.keep_file(chat.talk, io.BytesIO(sounds.wav(sounds.call_of(1))), timezone.now())


def test_its_time_is_set_by_the_queue_and_its_file_goes_in_the_night_after_it(chat, folder):
    from routing.models import Queue

    Queue.objects.update(keep_recordings_days=30)
    kept = ready(chat)
    kept.refresh_from_db()
    assert kept.delete_after - kept.started_at == timedelta(days=30)
    assert recordings.expire() == 0
    Recording.objects.update(delete_after=timezone.now() - timedelta(minutes=1))
    assert recordings.expire() == 1
    files.discard_files()
    kept.refresh_from_db()
    assert (kept.state, kept.file, on_disk(folder)) == ("deleted", "", b"")
    assert kept.duration_s > 0.9, "its numbers stay"
    assert AuditEntry.objects.get().act == "recording.delete"


def test_a_hold_stops_it_and_wants_a_reason(chat, folder):
    kept = ready(chat)
    Recording.objects.update(delete_after=timezone.now() - timedelta(days=1))
    with pytest.raises(Invalid):
        recordings.hold(recording=kept, actor=chat.alice, reason=" ")
    recordings.hold(recording=kept, actor=chat.alice, reason="Claim 12 in court")
    assert recordings.expire() == 0 and on_disk(folder)
    recordings.release(recording=kept, actor=chat.alice)
    assert recordings.expire() == 1
    assert [*AuditEntry.objects.order_by("pk").values_list("act", flat=True)] == [
        "recording.hold", "recording.release", "recording.delete",
    ]  # fmt: skip


def test_pieces_go_a_day_after_they_were_put_together(recording, folder):
    send_all(recording, sounds.cut(CALL, 3))
    recordings.finish(recording=recording, pieces=3)
    recordings.finish_all()
    assert recordings.drop_pieces() == 0
    Recording.objects.update(last_piece_at=timezone.now() - timedelta(days=2))
    assert recordings.drop_pieces() == 1 and recording.pieces.count() == 0
    assert DoomedFile.objects.count() == files.discard_files() == 3
    assert [path.suffix for path in folder.rglob("*") if path.is_file()] == [".webm"]
    with pytest.raises(Conflict):
        send(recording, 3, b"much too late")
