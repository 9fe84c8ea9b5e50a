"""The words by which a customer is found: one spelling for both alphabets, and keys that outlive a typing error."""

import re
from collections.abc import Iterable
from typing import Any

from rapidfuzz.distance import OSA

from customers.matching import names

WORD = re.compile(r"[^\W_]+")
APOSTROPHES = str.maketrans("", "", "'`’ʼ")
VOWELS = re.compile("[aeiou]")
LONGEST = 40
MOST = 60
# Letters of a word → how many of them may be wrong.
ERRORS = ((3, 0), (5, 1), (8, 2), (LONGEST, 3))


def spelt(word: str) -> str:
    """Return a word as it is looked for: Щербаков, Shcherbakov and Scherbakov are one. Other scripts stand as they are."""
    plain = names.latin(word) or names.fold(word)
    return (names.skeleton(plain) if plain.isalpha() and plain.isascii() else plain)[:LONGEST]


def split(text: str) -> list[str]:
    """Return the words of a text as they are written, without initials: they say too little."""
    found = WORD.findall(text.translate(APOSTROPHES))[:MOST]
    return [word for word in found if len(word) > 1 or not spelt(word).isascii() or word.isdecimal()]


def words_of(golden: dict[str, Any]) -> list[str]:
    """Return the words by which a golden record is found: its name, also in full (Саша as Александр), company, own fields."""
    own = [str(value) for value in golden["custom"].values() if isinstance(value, str | int | float)]
    texts = [golden["name"], golden["company"], *own]
    found = dict.fromkeys(spelt(word) for text in texts for word in split(text))
    found |= dict.fromkeys(form for word in split(golden["name"]) for form in _full(word))
    # A contract's number is typed with its dashes or without.
    found |= dict.fromkeys(whole(text) for text in own)
    return [word for word in found if word][:MOST]


def whole(text: str) -> str:
    """Return a value as one word, without what stands between its letters and digits."""
    return spelt("".join(split(text)))


def _full(word: str) -> tuple[str, ...]:
    return names.canonical(names.latin(word)) if names.is_given(word) else ()


def forms(word: str) -> list[str]:
    """Return the words that somebody means who types a word in full."""
    return list(dict.fromkeys([spelt(word), *_full(word)]))


def beginnings(word: str) -> list[str]:
    """Return what spelt words begin with whose beginning was typed: the next letter may change the sound of the last."""
    begun = dict.fromkeys([spelt(word), spelt(f"{word}b").removesuffix("b")])
    # One letter begins too much.
    return [letters for letters in begun if len(letters) > 1 or not letters.isascii()]


def keys(word: str) -> list[str]:
    """Return keys of a spelt word: of two words that differ by one letter, or by vowels and a consonant, some are the same."""
    bones = word[:1] + VOWELS.sub("", word[1:])
    near = {word, *(_without_one(word) if len(word) > 3 else ())}
    return sorted(near | {f"#{key}" for key in (bones, *(_without_one(bones) if len(bones) > 3 else ()))})


def _without_one(word: str) -> Iterable[str]:
    return (word[:place] + word[place + 1 :] for place in range(len(word)))


def likeness(one: str, other: str) -> float:
    """Return how alike two spelt words are, 0–1; 0 if more letters differ than a slip of the hand explains."""
    longest = max(len(one), len(other))
    allowed = next(errors for length, errors in ERRORS if longest <= length)
    wrong = OSA.distance(one, other)
    return 1 - wrong / longest if wrong <= allowed else 0.0
