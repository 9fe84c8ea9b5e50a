"""Texts of messages: phrases of the demo's talks among words of a large vocabulary, drawn as often as words are said.

The first words of a vocabulary are those of the talks, by their frequency; the long tail is made of syllables with the
endings of its language, so that a stem comes in many forms.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import product
from random import Random

import numpy as np

from cxcenter.management.demo import dialogues_en, dialogues_ru
from cxcenter.management.demo.dialogue import CUSTOMER, STAFF

LANGUAGES = ("ru", "en")
TALKS = {"ru": dialogues_ru.DIALOGUES, "en": dialogues_en.DIALOGUES}
SIZE = {"ru": 60_000, "en": 40_000}
# Frequency of the word of rank r: 1 / (r + SHIFT) ** POWER (Zipf, Mandelbrot).
POWER, SHIFT = 1.05, 2.7
# So many messages have a phrase of the talks; drawn words are added to every one.
PHRASES, SHORTEST, LONGEST = 0.6, 3, 16
WORD = re.compile(r"[^\W\d_]+")
BLANKS = re.compile(r"\{\w+\}")


def _split(text: str) -> list[str]:
    return text.split()


ENDINGS = {
    # The first is none: the stem alone.
    "ru": [
        "",
        *_split("""
        а у е ы ом ой ам ами ах ов ать ает ают ал ала али ить ит ят ил ила или ный ная ное ные ного ному ным ность ности
        ник ника ники ка ки кой
        """),
    ],
    "en": ["", *_split("s ed ing er ers ly ness able ment ments tion tions al ful less est y ive")],
}
SYLLABLES = {
    "ru": (_split("б в г д ж з к л м н п р с т ф х ц ч ш"), _split("а е и о у я"), _split("б в г д к л м н п р с т ш")),
    "en": (_split("b c d f g h l m n p r s t v w st tr br"), _split("a e i o u ea"), _split("b d g l m n p r s t ck")),
}


@cache
def phrases(language: str) -> list[str]:
    """Return what is said in the talks of the demo, without the names that are filled in."""
    lines = [words for talk in TALKS[language] for who, words in talk.lines if who in {CUSTOMER, STAFF}]
    return [" ".join(BLANKS.sub("", line).split()).strip(" ,") for line in lines]


@cache
def vocabulary(language: str) -> list[str]:
    """Return the words of a language, the most frequent first; the same at every call."""
    said = Counter(word for line in phrases(language) for word in WORD.findall(line.lower()))
    made = (stem + ending for stem, ending in _shuffled(product(_stems(language), ENDINGS[language]), language))
    words = dict.fromkeys([word for word, _count in said.most_common()])
    for word in made:
        if len(words) == SIZE[language]:
            break
        words.setdefault(word)
    return list(words)


def _stems(language: str) -> list[str]:
    heads, vowels, tails = SYLLABLES[language]
    short = ["".join(parts) for parts in product(heads, vowels, tails)]
    draw = Random(language)
    return [draw.choice(heads) + draw.choice(vowels) + stem for stem in short] + short


def _shuffled(pairs: Iterator[tuple[str, str]], language: str) -> list[tuple[str, str]]:
    found = list(pairs)
    Random(language).shuffle(found)
    return found


class Writer:
    """Writes messages; the same ones for the same seed."""

    def __init__(self, language: str, seed: int) -> None:
        self._draw = np.random.default_rng([seed, LANGUAGES.index(language)])
        self._words = np.array(vocabulary(language), dtype=object)
        self._phrases = phrases(language)
        chances = 1 / (np.arange(len(self._words)) + SHIFT) ** POWER
        self._upto = np.cumsum(chances / chances.sum())

    def write(self, count: int) -> list[str]:
        """Return so many texts."""
        lengths = self._draw.integers(SHORTEST, LONGEST, count, endpoint=True)
        ranks = np.searchsorted(self._upto, self._draw.random(int(lengths.sum())))
        drawn = self._words[np.minimum(ranks, len(self._words) - 1)].tolist()
        chosen = self._draw.integers(0, len(self._phrases), count).tolist()
        has_phrase = (self._draw.random(count) < PHRASES).tolist()
        ends = np.cumsum(lengths).tolist()
        texts = []
        for place, end in enumerate(ends):
            words = " ".join(drawn[ends[place - 1] if place else 0 : end])
            texts.append(f"{self._phrases[chosen[place]]} {words}" if has_phrase[place] else words.capitalize())
        return texts
