"""Words of recordings: by a real Whisper model of the test's own, and by a recogniser that tells tones apart."""

import importlib.util
import io
import time
from datetime import timedelta

import numpy as np
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone

from cxcenter.core.errors import NoRoom
from interactions import sound, speech, vault
from interactions.actions import recordings, transcripts
from interactions.models import Recording, SpokenLine, Transcript
from tests import servers, sounds, whispers

pytestmark = pytest.mark.django_db(transaction=True)

needs_asr = pytest.mark.skipif(
    importlib.util.find_spec(speech.PACKAGE) is None,
    reason="faster-whisper is not installed: tools/install.sh requirements-asr.txt",
)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def short(monkeypatch):
    """Stretches of seconds, so that calls of seconds have several."""
    monkeypatch.setattr(sound, "STRETCH_S", 8)
    monkeypatch.setattr(sound, "CUT_S", 4)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return whispers.make(tmp_path_factory.mktemp("model"), language="ru")


class Tones:
    """Says of each stretch in which it hears a tone when that begins and how high it is, in thousands of hertz or not."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, str]] = []

    def lines(self, samples, language):
        self.asked.append((len(samples) / speech.RATE, language))
        loud = np.flatnonzero(np.abs(samples) > 0.1) / speech.RATE
        found = []
        # A tone is over where nothing is heard for half a second.
        for part in np.split(loud, np.flatnonzero(np.diff(loud) > 0.5) + 1) if loud.size else []:
            start, end = float(part[0]), float(part[-1])
            found.append(speech.Line([("tone", start, start + 0.1), (hertz(samples, start, end), start + 0.2, end)]))
        return found, "tones"


def hertz(samples: np.ndarray, start: float, end: float) -> str:
    heard = samples[round(start * speech.RATE) : round(end * speech.RATE)]
    return f"{np.sum(np.diff(np.signbit(heard).astype(int)) == 1) / (end - start):.0f}"


def kept(chat, customer: np.ndarray, operator: np.ndarray) -> Recording:
    return recordings.keep_file(chat.talk, io.BytesIO(sounds.wav(np.stack([customer, operator]))), timezone.now())


def beeps(hertz: float, seconds: list[float], length: float) -> np.ndarray:
    """A tone of a second at each of these seconds."""
    samples = sounds.quiet(length)
    for at in seconds:
        samples[round(at * sounds.RATE) :][: sounds.RATE] = sounds.tone(hertz, 1)
    return samples


def told() -> list[tuple[str, float, str]]:
    return [(one.side, round(one.start_s, 1), one.text[:6]) for one in SpokenLine.objects.order_by("start_s", "side")]


# --- By a stand-in: the way of the rows ---


def test_each_side_is_recognised_by_itself_and_in_its_place(chat, short):
    """A call of 22 s is three stretches, cut where nobody speaks: also the words near a cut stand at their second."""
    customer = beeps(400, [1, 7.6, 15, 20.5], 22)
    recording = kept(chat, customer, beeps(1000, [3, 9.2, 17], 22))
    ears = Tones()
    assert transcripts.recognise_all(ears) == 1
    assert told() == [
        ("customer", 1.0, "tone 4"),
        ("operator", 3.0, "tone 1"),
        ("customer", 7.6, "tone 4"),
        ("operator", 9.2, "tone 1"),
        ("customer", 15.0, "tone 4"),
        ("operator", 17.0, "tone 1"),
        ("customer", 20.5, "tone 4"),
    ]
    line = SpokenLine.objects.order_by("start_s")[1]
    assert line.text.split() == ["tone", "1000"] and line.times == [0, 10, 20, pytest.approx(100, abs=2)]
    assert line.end_s == pytest.approx(4, abs=0.05)
    assert sum(seconds for seconds, _language in ears.asked) == pytest.approx(2 * 22, abs=0.1)
    assert max(seconds for seconds, _language in ears.asked) <= sound.STRETCH_S + 1
    assert [language for _seconds, language in ears.asked] == ["", "", *["tones"] * (len(ears.asked) - 2)]
    row = recording.transcript
    assert (row.state, row.languages) == ("ready", {"customer": "tones", "operator": "tones"})
    assert transcripts.recognise_all(ears) == 0 and len(told()) == 7, "once"


def test_one_channel_is_nobodys_side(chat):
    recordings.keep_file(chat.talk, io.BytesIO(sounds.wav(beeps(400, [1], 4)[None])), timezone.now())
    transcripts.recognise_all(Tones())
    assert told() == [("both", 1.0, "tone 4")]


def test_what_was_paused_is_not_recognised(chat):
    """A pause is silence in the file: nothing is left of it to recognise."""
    kept(chat, beeps(400, [1, 6], 8), sounds.quiet(8))
    transcripts.recognise_all(Tones())
    assert [at for _side, at, _text in told()] == [1.0, 6.0]


def test_two_at_once_make_it_once(chat, short):
    recording = kept(chat, beeps(400, [1, 10], 12), sounds.quiet(12))
    mine, ears = transcripts._claim(), Tones()
    assert transcripts._claim() is None, "it is at work"
    Transcript.objects.update(claimed_until=timezone.now())
    theirs = transcripts._claim()
    assert transcripts.recognise(theirs, ears) is True
    assert transcripts.recognise(mine, ears) is False, "who was slow puts nothing beside it"
    assert [at for _side, at, _text in told()] == [1.0, 10.0] and recording.transcript.state == "ready"


def test_a_failure_is_tried_again_later_and_a_bounded_number_of_times(chat, short):
    kept(chat, beeps(400, [1, 10], 12), sounds.quiet(12))
    tried = []

    class Broken(Tones):
        def lines(self, samples, language):
            tried.append(timezone.now())
            if len(tried) > 2:
                raise MemoryError("of the model")
            return super().lines(samples, language)

    ears = Broken()
    pauses = []
    for _ in range(9):
        assert transcripts.recognise_all(ears) == 0
        row = Transcript.objects.get()
        pauses.append(round((row.claimed_until - timezone.now()) / timedelta(minutes=1)))
        assert transcripts.recognise_all(ears) == 0, "not at once"
        Transcript.objects.update(claimed_until=timezone.now())
    assert (row.state, row.error, row.tries) == ("failed", "MemoryError", transcripts.MOST_TRIES)
    assert len(tried) == 2 + transcripts.MOST_TRIES and pauses[:3] == [1, 6, 36]
    assert [at for _side, at, _text in told()] == [1.0], "what was done stays"
    transcripts.again(row)
    assert transcripts.recognise_all(Tones()) == 1
    assert [at for _side, at, _text in told()] == [1.0, 10.0]
    assert Transcript.objects.get().state == "ready"


def test_sound_that_is_away_is_a_failure_too(chat, monkeypatch):
    recording = kept(chat, beeps(400, [1], 3), sounds.quiet(3))
    with monkeypatch.context() as patch:
        patch.setattr(vault, "read", lambda *_: (_ for _ in ()).throw(OSError("away")))
        assert transcripts.recognise_all(Tones()) == 0
    assert recording.transcript.error == "OSError"
    Transcript.objects.update(claimed_until=timezone.now())
    assert transcripts.recognise_all(Tones()) == 1


def test_who_kills_his_worker_each_time_is_given_up(chat):
    kept(chat, beeps(400, [1], 3), sounds.quiet(3))
    for _ in range(transcripts.MOST_TRIES):
        assert transcripts._claim().state == "waiting"
        Transcript.objects.update(claimed_until=timezone.now())
    assert transcripts.recognise_all(Tones()) == 0
    row = Transcript.objects.get()
    assert (row.state, row.error) == ("failed", "killed") and not told()


def test_late_pieces_make_other_words(chat, settings):
    """The sound is put together anew: its words are as well, and none of the old ones stay."""
    recording = recordings.start(
        interaction=chat.talk, key="7b0d4d2a-52fc-4b41-9a52-111111111111", actor=chat.alice, content_type="audio/webm"
    )
    content = sounds.webm(np.stack([beeps(400, [1, 4], 6), sounds.quiet(6)]))
    from tests.interactions.test_recordings import fall_silent, send

    pieces = sounds.cut(content, 2)
    send(recording, 0, pieces[0])
    fall_silent(recording)
    recordings.finish_all()
    transcripts.recognise_all(Tones())
    first = Transcript.objects.get()
    assert first.state == "ready"
    send(recording, 1, pieces[1])
    recordings.finish(recording=recording, pieces=2)
    recordings.finish_all()
    assert Transcript.objects.get().state == "waiting" and not told()
    assert transcripts.recognise(first, Tones()) is False, "whoever still has the old sound adds nothing"
    transcripts.recognise_all(Tones())
    assert [at for _side, at, _text in told()] == [1.0, 4.0]


def test_the_words_go_with_the_sound(chat, short):
    """Its time is over, or the customer was erased: also while it is being recognised."""
    recording = kept(chat, beeps(400, [1, 10], 12), sounds.quiet(12))

    class Slow(Tones):
        def lines(self, samples, language):
            if len(self.asked) == 2:
                with transaction.atomic():
                    recordings.erase([recording.pk])
            return super().lines(samples, language)

    assert transcripts.recognise_all(Slow()) == 0
    assert not Transcript.objects.exists() and not told()
    other = kept(chat, beeps(400, [1], 3), sounds.quiet(3))
    transcripts.recognise_all(Tones())
    Recording.objects.filter(pk=other.pk).update(delete_after=timezone.now() - timedelta(days=1))
    assert recordings.expire() == 1 and not told()


def test_a_recording_that_could_not_be_stored_waits_for_no_words(chat, monkeypatch):
    monkeypatch.setattr(vault, "keep", lambda *_: (_ for _ in ()).throw(NoRoom("full")))
    with pytest.raises(NoRoom):
        kept(chat, beeps(400, [1], 3), sounds.quiet(3))
    assert not Transcript.objects.exists()


# --- By faster-whisper ---


@needs_asr
def test_a_real_model_hears_who_speaks_and_makes_nothing_up_of_silence(chat, model):
    voice = np.repeat(whispers.voice(5), sounds.RATE // whispers.RATE)
    customer = np.concatenate([sounds.quiet(2), voice, sounds.quiet(8)])
    kept(chat, customer, beeps(1000, [3, 6], 15))
    assert transcripts.recognise_all(speech.Whisper(str(model), "auto")) == 1
    [line] = SpokenLine.objects.all()
    assert (line.side, line.text) == ("customer", "good morning my order is late")
    assert 1.5 < line.start_s <= line.end_s < 8
    assert len(line.times) == 2 * len(line.text.split()) and line.times == sorted(line.times)
    assert Transcript.objects.get().languages == {"customer": "ru"}
    assert SpokenLine.objects.saying("orders").count() == 1 and not SpokenLine.objects.saying("tomorrow").exists()


@needs_asr
def test_pieces_of_a_word_are_put_together():
    class Piece:
        def __init__(self, word, start, end):
            self.word, self.start, self.end = word, start, end

    pieces = [Piece(" при", 1.0, 1.2), Piece("вет,", 1.2, 1.5), Piece(" ", 1.5, 1.5), Piece(" Анна", 1.6, 2.0)]
    assert speech._whole_words(pieces) == [("привет,", 1.0, 1.5), ("Анна", 1.6, 2.0)]


@needs_asr
def test_what_is_wrong_is_told_by_name(settings, model, tmp_path, monkeypatch):
    settings.ASR_MODEL_DIR = ""
    speech.check()
    settings.ASR_MODEL_DIR = str(model)
    speech.check()
    with pytest.raises(ImproperlyConfigured, match=r"ASR_LANGUAGE: the model does not know 'xx', but .*ru"):
        speech.Whisper(str(model), "xx")
    broken = tmp_path / "model"
    broken.mkdir()
    settings.ASR_MODEL_DIR = str(broken)
    with pytest.raises(ImproperlyConfigured, match=r"ASR_MODEL_DIR: there is no model.bin and no config.json"):
        speech.check()
    for name in speech.FILES:
        (broken / name).write_bytes(b"{}")
    with pytest.raises(ImproperlyConfigured, match=r"ASR_MODEL_DIR: the model in .* cannot be loaded"):
        speech.Whisper(str(broken), "auto")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ImproperlyConfigured, match=r"ASR_MODEL_DIR is set, but .*requirements-asr\.txt"):
        speech.check()


@needs_asr
@pytest.mark.live
def test_a_killed_worker_goes_on_where_it_was(chat, model, folder, settings):
    """Beat finds it by its row, the worker of the queue takes it; kill -9 in the midst costs the stretch at work."""
    voice = np.repeat(whispers.voice(3), sounds.RATE // whispers.RATE)
    minute = np.concatenate([voice, sounds.quiet(57)])
    recording = kept(chat, np.tile(minute, 4), np.tile(np.roll(minute, 30 * sounds.RATE), 4))
    where = {"database": settings.DATABASES["default"]["NAME"]}
    where["environment"] = {"ASR_MODEL_DIR": str(model), "MEDIA_DIR": str(folder), "OMP_NUM_THREADS": "1"}
    with servers.Stack(servers.session_databases(), **where) as stack:
        stack.start_worker("asr")
        stack.start_beat()
        _until(lambda: recording.transcript.done_s > 0, recording)
        stack.kill("asr")
        recording.refresh_from_db()
        broken = recording.transcript.done_s
        lines = set(SpokenLine.objects.values_list("pk", flat=True))
        assert 0 < broken < 4 * 60 and recording.transcript.state == "waiting" and lines
        Transcript.objects.update(claimed_until=timezone.now())
        stack.restart("asr")
        _until(lambda: recording.transcript.state == "ready", recording)
    assert lines < set(SpokenLine.objects.values_list("pk", flat=True)), "what was done is not done again"
    begins = SpokenLine.objects.order_by("start_s").values_list("side", "start_s")
    assert len(begins) == len({(side, round(at / 30)) for side, at in begins}) == 2 * 4


def _until(true, recording: Recording) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.05)
        recording.refresh_from_db()
