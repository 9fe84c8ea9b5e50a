"""One form for a name: alphabets, romanisations, short forms, parts of a full name."""

import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).with_name("given.txt")
CACHED = 100_000

# Zero-width characters, the soft hyphen and marks of direction that copied text brings along.
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"))
CYRILLIC = dict(zip("абвгдезийклмнопрстуфыэ", "abvgdeziyklmnoprstufye", strict=True))
CYRILLIC |= {"ё": "e", "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ь": ""}
CYRILLIC |= {"ю": "yu", "я": "ya", "і": "i", "ї": "yi", "є": "ye", "ґ": "g", "ў": "u"}
# Letters of ISO 9 and of scientific romanisation that would lose their sound with their diacritic.
ISO9 = {"ž": "zh", "č": "ch", "š": "sh", "ŝ": "shch", "â": "ya", "û": "yu", "ë": "e", "è": "e"}
LATIN = str.maketrans(CYRILLIC | ISO9)

# Consonants that romanisations write in several ways; a capital stands for one sound of several letters.
SOUNDS = (
    (re.compile(r"s[hc]+t?sch|shch|shh|sch|sh"), "S"),
    (re.compile(r"t?ch|tsch"), "C"),
    (re.compile(r"zh"), "Z"),
    (re.compile(r"kh|^x|x(?=[bcdfghklmnprstvz])"), "h"),
    (re.compile(r"ph"), "f"),
    (re.compile(r"[tc]z|ts|c(?=[eiyv]|ov|$)"), "T"),
    (re.compile(r"ck|[cq]"), "k"),
    (re.compile(r"x"), "ks"),
    (re.compile(r"w"), "v"),
    (re.compile(r"ff?\b"), "v"),
)
VOWELS = re.compile(r"[aeiouyj]+")
TWICE = re.compile(r"(.)\1+")

PATRONYMIC = re.compile(r"(ov|ev|v)ich$|(ov|ev)na$|i(ni)?chna$|^(il|kuz?m|fom|luk|nikit)[yi]*ch$|^(ogly|kyzy)$")
SURNAME = re.compile(
    r"([oe]va?|[iy]na?|[st]s?k(iy|y|ii|ij|i|aya|aia|aja)|[oeu]nko|[uy]uk|chuk|[iy]kh|yan|ian|shvili|dze|oy|aya|son|off)$"
)


class FullName(NamedTuple):
    """Parts of a person's name; a part that is absent is empty."""

    last: str = ""
    first: str = ""
    middle: str = ""


def fold(text: str) -> str:
    """Return text in lower case without invisible characters, one space between words, ё as е."""
    return " ".join(unicodedata.normalize("NFKC", text.translate(INVISIBLE)).lower().replace("ё", "е").split())


@lru_cache(CACHED)
def latin(text: str) -> str:
    """Return a word in plain Latin small letters and digits: Cyrillic is romanised, diacritics and hyphens go."""
    spelled = fold(text).translate(LATIN)
    if not spelled.isascii():
        spelled = unicodedata.normalize("NFKD", spelled)
    if spelled.isascii() and spelled.isalnum():
        return spelled
    return "".join(letter for letter in spelled if letter.isascii() and letter.isalnum())


@lru_cache(CACHED)
def skeleton(word: str) -> str:
    """Return what romanisations of a name (GOST, ISO 9, BGN, passports, informal) have in common.

    `word` is what `latin` returns. Vowels lose their iotation (Yevgeniy, Evgenii → evgeni), consonants their variants.
    """
    for pattern, sound in SOUNDS:
        word = pattern.sub(sound, word)
    return TWICE.sub(r"\1", VOWELS.sub(_vowel, word))


def _vowel(run: re.Match[str]) -> str:
    letters = re.sub("[yji]o", "e", run[0])
    return re.sub("[yji]", "", letters) or "i"


@lru_cache(CACHED)
def code(word: str) -> str:
    """Return the first letter and the consonants of a skeleton: typing errors in vowels do not change it."""
    bones = skeleton(word)
    return bones[:1] + re.sub("[aeiou]", "", bones[1:])


def _table() -> dict[str, tuple[str, ...]]:
    """Read given.txt: a full name a line, after a colon what it becomes among friends and abroad.

    A form is looked up by its skeleton, so that Саша is found by Sasha too, and may stand with several names.
    """
    table: dict[str, dict[str, None]] = {}
    for row in TABLE.read_text(encoding="utf-8").splitlines():
        name, _colon, forms = row.partition(":")
        canonical = skeleton(latin(name))
        for form in (name, *forms.split()):
            table.setdefault(skeleton(latin(form)), {})[canonical] = None
    return {form: tuple(names) for form, names in table.items()}


GIVEN = _table()


@lru_cache(CACHED)
def canonical(word: str) -> tuple[str, ...]:
    """Return skeletons of the full given names that a name in Latin letters may stand for, itself if it is unknown."""
    bones = skeleton(word)
    return GIVEN.get(bones, (bones,))


def is_known(word: str) -> bool:
    """Tell whether the table of given names has a name in Latin letters."""
    return skeleton(word) in GIVEN


def is_given(word: str) -> bool:
    """Tell whether the table of given names has a word, in either alphabet."""
    return is_known(latin(word))


def is_patronymic(word: str) -> bool:
    """Tell whether a word ends as patronymics do, in either alphabet."""
    return bool(PATRONYMIC.search(latin(word)))


def is_surname(word: str) -> bool:
    """Tell whether a word ends as Russian surnames do, in either alphabet."""
    return bool(SURNAME.search(latin(word)))


def split(text: str) -> FullName:
    """Return the parts of a full name written as one text, in any usual order."""
    head, comma, tail = text.partition(",")
    if comma and head.strip() and tail.strip():
        first, *middle = tail.replace(",", " ").split()
        return FullName(head.strip(), first, " ".join(middle))
    words = text.replace(",", " ").split()
    if len(words) < 2:
        return _one(words[0] if words else "")
    return _with_patronymic(words) or (_two(*words) if len(words) == 2 else _several(words))


def _one(word: str) -> FullName:
    return FullName(last=word) if is_surname(word) and not is_given(word) else FullName(first=word)


def _with_patronymic(words: list[str]) -> FullName | None:
    """Read "last first patronymic" and "first patronymic last"; a surname may look like a patronymic."""
    places = [place for place, word in enumerate(words) if place and is_patronymic(word)]
    if not places or (len(words) == 2 and not _is_polite(*words)):
        return None
    place = next((place for place in places if is_given(words[place - 1])), places[-1])
    rest = words[: place - 1] + words[place + 1 :]
    return FullName(" ".join(rest), words[place - 1], words[place])


def _is_polite(first: str, patronymic: str) -> bool:
    """Tell whether somebody is called as Анна Сергеевна is; Roman Abramovich is rather called by his surname."""
    return is_given(first) and (_is_cyrillic(patronymic) or patronymic.lower().endswith("na"))


def _is_cyrillic(word: str) -> bool:
    return any("а" <= letter <= "я" for letter in fold(word))


def _two(one: str, other: str) -> FullName:
    """Read "first last" or "last first": by the table, then by endings, then as each alphabet is used to."""
    straight, turned = FullName(other, one), FullName(one, other)
    for known in (is_given, lambda word: not is_surname(word)):
        if known(one) != known(other):
            return straight if known(one) else turned
    return turned if _is_cyrillic(one) else straight


def _several(words: list[str]) -> FullName:
    """Read three words and more without a patronymic: "first middle last", or the surname first."""
    if is_surname(words[0]) and not is_given(words[0]) and is_given(words[1]):
        return FullName(words[0], words[1], " ".join(words[2:]))
    return FullName(words[-1], words[0], " ".join(words[1:-1]))
