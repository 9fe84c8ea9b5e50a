"""What is said in a stretch of sound: the recogniser, by faster-whisper with a model that lies in ASR_MODEL_DIR.

Both are optional. A recogniser is anything with the one method of `Recogniser`.
"""

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from interactions.sound import Samples

# What Whisper hears, Hz.
RATE = 16_000
AUTO = "auto"
PACKAGE = "faster_whisper"
# Without its tokenizer the package would go and fetch one.
FILES = ("model.bin", "config.json", "tokenizer.json")


@dataclass(frozen=True)
class Line:
    """What was said in one breath; `words` are (word, from, to) in seconds of the stretch."""

    words: list[tuple[str, float, float]]

    @property
    def text(self) -> str:
        """Its words, split at single spaces."""
        return " ".join(word for word, _start, _end in self.words)


class Recogniser(Protocol):
    """Turns one voice into lines."""

    def lines(self, samples: Samples, language: str) -> tuple[list[Line], str]:
        """Return what is said in samples of RATE, and in which language. Without a language it is told from the sound."""


def is_on() -> bool:
    """Tell whether recordings are recognised here."""
    return bool(settings.ASR_MODEL_DIR)


def check() -> None:
    """Raise ImproperlyConfigured, by the names of the settings, if recordings are to be recognised and cannot be."""
    if not is_on():
        return
    if importlib.util.find_spec(PACKAGE) is None:
        raise ImproperlyConfigured(
            "ASR_MODEL_DIR is set, but what recognises is not installed: tools/install.sh requirements-asr.txt"
        )
    missing = [name for name in FILES if not (Path(settings.ASR_MODEL_DIR) / name).is_file()]
    if missing:
        raise ImproperlyConfigured(
            f"ASR_MODEL_DIR: there is no {' and no '.join(missing)} in {settings.ASR_MODEL_DIR}; "
            "it must be a folder with a Whisper model in the form of CTranslate2"
        )


@cache
def recogniser() -> Recogniser:
    """Return the recogniser of this process; its model is loaded once. Raises ImproperlyConfigured."""
    check()
    return Whisper(settings.ASR_MODEL_DIR, settings.ASR_LANGUAGE)


class Whisper:
    """faster-whisper. Where nobody speaks (Silero's detector tells) it is not asked: it would make something up."""

    def __init__(self, folder: str, language: str) -> None:
        """Load the model. Raises ImproperlyConfigured."""
        from faster_whisper import WhisperModel

        try:
            self._model: Any = WhisperModel(folder, device="auto", compute_type="default", local_files_only=True)
        except Exception as error:  # of CTranslate2 and of the tokenizer: there is no class of its own
            raise ImproperlyConfigured(f"ASR_MODEL_DIR: the model in {folder} cannot be loaded: {error}") from error
        self._language = "" if language == AUTO else language
        if self._language and self._language not in self._model.supported_languages:
            known = ", ".join(self._model.supported_languages)
            raise ImproperlyConfigured(f"ASR_LANGUAGE: the model does not know {language!r}, but {known}")

    def lines(self, samples: Samples, language: str) -> tuple[list[Line], str]:
        """Return what is said."""
        segments, about = self._model.transcribe(
            samples,
            language=self._language or language or None,
            word_timestamps=True,
            vad_filter=True,
            # What it has misheard must not lead it on.
            condition_on_previous_text=False,
        )
        found = [Line(_whole_words(segment.words)) for segment in segments]
        found = [line for line in found if line.words]
        return found, about.language if found else language


def _whole_words(pieces: list[Any]) -> list[tuple[str, float, float]]:
    """Put together what belongs to one word: a piece that does not begin with a space goes on with the one before it."""
    words: list[tuple[str, float, float]] = []
    for piece in pieces:
        text = piece.word.strip()
        if not text:
            continue
        start, end = float(piece.start), float(piece.end)
        if words and not piece.word.startswith(" "):
            before, began, _ended = words.pop()
            text, start = before + text, began
        words.append((text, start, end))
    return words
