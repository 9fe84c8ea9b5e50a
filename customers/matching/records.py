"""A person's record, and its comparable form that is computed once."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from customers.matching import names
from customers.matching.settings import MAX_VALUES

# Words that say only what kind of place follows, in their usual spellings.
KINDS = frozenset(
    re.findall(
        r"\S+",
        """
        улица ул проспект пр пр-т пр-кт переулок пер площадь пл бульвар б-р шоссе ш набережная наб проезд дом д корпус к
        корп строение стр квартира кв город г гор поселок пос село с деревня дер область обл край республика респ район
        р-н микрорайон мкр ulitsa ul prospekt pr-t pereulok per bulvar shosse dom kv gorod oblast obl kray rayon
        """,
    )
)
SHORT = {
    "st": "street",
    "rd": "road",
    "ave": "avenue",
    "av": "avenue",
    "cres": "crescent",
    "pl": "place",
    "dr": "drive",
}
WORDS = re.compile(r"[\w'’/-]+")
UNKNOWN = "?"


@dataclass(frozen=True, kw_only=True)
class Person:
    """What one record says of a person, as it was written; what is not known is empty.

    `birthday` is ISO ("1988-04-14", "1988-04", "1988"), "14.04.1988" or "19880414".
    """

    key: int | str
    first: str = ""
    middle: str = ""
    last: str = ""
    birthday: str = ""
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    postcode: str = ""
    region: str = ""
    city: str = ""
    district: str = ""
    street: str = ""
    house: str = ""


class Prepared(NamedTuple):
    """The comparable form of a record: each field has the values to compare, at most MAX_VALUES."""

    first: tuple[str, ...]
    middle: tuple[str, ...]
    last: tuple[str, ...]
    birthday: tuple[str, ...]
    phone: tuple[str, ...]
    email: tuple[str, ...]
    postcode: tuple[str, ...]
    region: tuple[str, ...]
    city: tuple[str, ...]
    district: tuple[str, ...]
    street: tuple[str, ...]
    house: tuple[str, ...]


def prepare(person: Person) -> Prepared:
    """Return the comparable form of a record."""
    return Prepared(
        first=_name(person.first),
        middle=_some(names.latin(person.middle)),
        last=_name(person.last),
        birthday=_some(birthday(person.birthday)),
        phone=_several(phone(text) for text in person.phones),
        email=_several(text.translate(names.INVISIBLE).strip().lower() for text in person.emails),
        postcode=_some(names.latin(person.postcode)),
        region=_some(place(person.region)),
        city=_some(place(person.city)),
        district=_some(place(person.district)),
        street=_some(place(person.street)),
        house=_some(place(person.house)),
    )


@lru_cache(names.CACHED)
def _name(text: str) -> tuple[str, ...]:
    """Return a name and, of a double one, its parts: half of it is often all that a source knows."""
    parts = re.split(r"[\s-]+", names.fold(text))
    return _several(names.latin(part) for part in ("".join(parts), *parts))


def _some(value: str) -> tuple[str, ...]:
    return (value,) if value else ()


def _several(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, values)))[:MAX_VALUES]


@lru_cache(names.CACHED)
def birthday(text: str) -> str:
    """Return a date as eight digits, year first, "?" for digits that are not known; empty if it is no date.

    The digits need not make a day of the calendar: a typing error leaves what can still be compared.
    """
    numbers = re.findall(r"\d+", text)
    if len(numbers) == 3 and len(numbers[2]) == 4:
        numbers.reverse()
    digits = "".join(number.zfill(2) for number in numbers)
    if len(digits) not in (4, 6, 8):
        return ""
    for part in (6, 4):
        if digits[part:] == "00":
            digits = digits[:part]
    return digits.ljust(8, UNKNOWN)


def phone(text: str) -> str:
    """Return the last ten digits of a phone, and its extension: how a country code is written does not matter."""
    number, _sign, extension = text.partition(";ext=")
    return "".join(filter(str.isdecimal, number))[-10:] + extension


@lru_cache(names.CACHED)
def place(text: str) -> str:
    """Return a part of an address in Latin letters and digits, without spaces and without "street" in Russian."""
    words = WORDS.findall(names.fold(text))
    telling = [SHORT.get(word, word) for word in words if word not in KINDS]
    return names.latin("".join(telling or words))
