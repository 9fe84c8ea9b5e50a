"""A generated Russian–English set of people with duplicates: `python -m tests.bench.golden.people FILE [SEED] [SIZE]`.

Households of one to five draw a surname (a few very common, a long tail), an address and often a phone that all share.
Children are named after their father; some are twins. Some people are namesakes of others: the same full name, another
birthday, another address. Relatives, twins and namesakes are different entities. A third of the people has one to three
duplicates, each damaged in one way (`damage.DAMAGES`) and, three times in ten, by a typing error besides.
"""

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

from customers.matching.names import latin
from customers.matching.records import Person
from tests.bench.golden import words
from tests.bench.golden.damage import DAMAGES, RUSSIAN_ONLY, misspelt, phone

RUSSIAN, COMMON_NAME, SHARED_PHONE, TWINS, NAMESAKE = 0.75, 0.45, 0.5, 0.25, 0.04
DUPLICATED, NOISE = 0.35, 0.3
KNOWN = {
    "birthday": 0.92,
    "phones": 0.9,
    "emails": 0.6,
    "postcode": 0.8,
    "street": 0.85,
    "district": 0.5,
    "middle": 0.85,
}
SHORT_PATRONYMIC = {"Илья": ("Ильич", "Ильинична")}
PATRONYMIC_STEMS = {
    "Павел": "Павл",
    "Лев": "Льв",
    "Пётр": "Петр",
    "Яков": "Яковл",
    "Михаил": "Михайл",
}


@dataclass(frozen=True)
class Record:
    """A record with the truth: whose it is, and which error it has ("" for the first one of a person)."""

    person: Person
    entity: int
    error: str = ""


def make(seed: int, size: int, *, rare: float = 0.0) -> list[Record]:
    """Return so many records in random order; the same for the same seed.

    `rare`: the share of uncommon surnames that are rarer still. Twenty thousand people do without, a million do not.
    """
    rng = Random(seed)
    made: list[Record] = []
    for entity, person in enumerate(_people(rng, rare)):
        made += _records(rng, person, entity)
        if len(made) >= size:
            break
    rng.shuffle(made)
    return [replace(record, person=replace(record.person, key=key)) for key, record in enumerate(made[:size])]


def _records(rng: Random, person: Person, entity: int) -> Iterator[Record]:
    yield Record(_partly(rng, person), entity)
    if rng.random() < DUPLICATED:
        for _copy in range(rng.choice((1, 1, 1, 2, 3))):
            kinds = [kind for kind in DAMAGES if _fits(kind, person)]
            kind = rng.choice(kinds)
            copy = DAMAGES[kind](rng, _partly(rng, person))
            if rng.random() < NOISE:
                field = rng.choice(("last", "first", "street", "city", "postcode"))
                copy = replace(copy, **{field: misspelt(rng, getattr(copy, field))})
            yield Record(copy, entity, kind)


def _fits(kind: str, person: Person) -> bool:
    if kind == "married":
        return person.middle.endswith("на") or (person.city.isascii() and person.first in EN_WOMEN[0])
    return kind not in RUSSIAN_ONLY or not person.city.isascii()


def _partly(rng: Random, person: Person) -> Person:
    """Leave out what a source may not know."""
    unknown = {field: type(getattr(person, field))() for field, share in KNOWN.items() if rng.random() > share}
    return replace(person, **unknown)


def _people(rng: Random, rare: float) -> Iterator[Person]:
    seen: list[Person] = []
    taken: set[str] = set()
    while True:
        family = _household(rng, rare)
        namesakes = [_namesake(rng, rng.choice(seen[-500:])) for _one in family if seen and rng.random() < NAMESAKE]
        for person in (*family, *namesakes):
            address = person.emails[0]
            while address in taken:
                address = f"{rng.randrange(100)}{address}"
            taken.add(address)
            seen.append(replace(person, emails=(address,)))
            yield seen[-1]


def _household(rng: Random, rare: float) -> list[Person]:
    russian = rng.random() < RUSSIAN
    home = _home(rng, russian)
    last, shared = _surname(rng, russian, rare), phone(rng, home)
    father = _named(rng, replace(home, last=last), russian, man=True, years=(1945, 1990))
    family = [father]
    for number in range(rng.choice((0, 0, 1, 1, 2, 3, 4))):
        man = bool(number) and rng.random() < 0.5
        years = (1945, 1990) if number == 0 else (1985, 2010)
        child = _named(rng, replace(home, last=last), russian, man=man, years=years)
        family.append(
            child if number == 0 else replace(child, middle=_patronymic(father.first, man) if russian else "")
        )
    if len(family) > 3 and rng.random() < TWINS:
        family[-1] = replace(family[-1], birthday=family[-2].birthday)
    family = list({one.first: one for one in family}.values())
    if rng.random() < SHARED_PHONE:
        family = [replace(one, phones=(shared, *one.phones[: rng.randrange(2)])) for one in family]
    return family


def _home(rng: Random, russian: bool) -> Person:
    cities = words.RU_CITIES if russian else words.EN_CITIES
    place = min(int(rng.expovariate(1 / 8)), len(cities) - 1)
    region, area = (f"{place + 10}", f"{rng.randrange(40):02}")
    street = rng.choice(words.RU_STREETS if russian else words.EN_STREETS)
    return Person(
        key=0,
        postcode=f"{100 + place * 7}{area}{rng.randrange(10)}",
        region=region,
        city=cities[place],
        district=rng.choice(words.RU_DISTRICTS if russian else words.EN_DISTRICTS),
        street=f"ул. {street}" if russian else f"{street} {rng.choice(words.EN_KINDS)}",
        house=str(rng.randint(1, 150)) + rng.choice(["", "", "", "а" if russian else "a"]),
    )


def _surname(rng: Random, russian: bool, rare: float) -> str:
    common, stems, endings = (
        (words.RU_COMMON, words.RU_STEMS, words.RU_ENDINGS)
        if russian
        else (words.EN_COMMON, words.EN_STEMS, words.EN_ENDINGS)
    )
    if rng.random() < COMMON_NAME:
        return common[min(int(rng.expovariate(1 / 15)), len(common) - 1)]
    name: str = rng.choice(stems) + rng.choice(endings)
    # Without rare ones nothing is drawn: sets that are known by their seed stay as they are.
    return _rarer(rng, russian, name) if rare and rng.random() < rare else name


def _rarer(rng: Random, russian: bool, name: str) -> str:
    """Begin a surname with one syllable more, or with two: the first ones of the list are met most."""
    syllables = words.RU_RARE if russian else words.EN_RARE
    drawn = [syllables[int(len(syllables) * rng.random() ** 2)] for _one in range(rng.choice((1, 1, 2)))]
    return "".join((*drawn, name)).capitalize()


def _named(rng: Random, home: Person, russian: bool, *, man: bool, years: tuple[int, int]) -> Person:
    names, weights = {(True, True): RU_MEN, (True, False): RU_WOMEN, (False, True): EN_MEN, (False, False): EN_WOMEN}[
        russian, man
    ]
    first = rng.choices(names, weights)[0]
    last = home.last if man or not russian else _feminine(home.last)
    born = date(rng.randint(*years), 1, 1) + timedelta(rng.randrange(365))
    middle = _patronymic(rng.choices(*RU_MEN)[0], man) if russian else ""
    person = replace(home, first=first, last=last, middle=middle, birthday=born.isoformat())
    return replace(person, phones=(phone(rng, home),), emails=(_email(rng, person, born.year),))


def _feminine(last: str) -> str:
    if last.endswith("ский"):
        return last[:-2] + "ая"
    return last + "а" if last.endswith(("ов", "ев", "ёв", "ин")) else last


def _patronymic(father: str, man: bool) -> str:
    if father in SHORT_PATRONYMIC:
        return SHORT_PATRONYMIC[father][not man]
    stem = PATRONYMIC_STEMS.get(father, father)
    if stem.endswith("ий") and stem not in ("Дмитрий", "Георгий"):
        stem = stem[:-2] + "ьев"
    else:
        stem = stem[:-1] + "ев" if stem.endswith(("й", "ь")) else stem + "ов"
    return stem + ("ич" if man else "на")


def _email(rng: Random, person: Person, year: int) -> str:
    first, last = latin(person.first), latin(person.last)
    name = rng.choice(
        (f"{first[:1]}.{last}{year % 100}", f"{last}.{first}", f"{first}{rng.randrange(9999)}", f"{last}{year}")
    )
    return f"{name}@{rng.choice(words.EN_MAIL if person.city.isascii() else words.RU_MAIL)}"


def _namesake(rng: Random, person: Person) -> Person:
    """Return somebody else of the same full name, who lives elsewhere."""
    home = _home(rng, not person.city.isascii())
    born = date(rng.randint(1945, 2005), 1, 1) + timedelta(rng.randrange(365))
    other = replace(home, first=person.first, last=person.last, middle=person.middle, birthday=born.isoformat())
    return replace(other, phones=(phone(rng, home),), emails=(_email(rng, other, born.year),))


def _weighted(text: str) -> tuple[list[str], list[int]]:
    rows = [row.split() for row in text.strip().replace("|", "\n").split("\n")]
    return [row[1] for row in rows], [int(row[0]) for row in rows]


RU_MEN, RU_WOMEN = _weighted(words.RU_MEN), _weighted(words.RU_WOMEN)
EN_MEN, EN_WOMEN = _weighted(words.EN_MEN), _weighted(words.EN_WOMEN)


def main() -> None:
    """Write the set as CSV, with the truth in the last two columns."""
    path, seed, size = [*sys.argv[1:], *("1", "20000")[len(sys.argv) - 2 :]]
    names = [field.name for field in fields(Person)]
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow([*names, "entity", "error"])
        for record in make(int(seed), int(size)):
            values = [getattr(record.person, name) for name in names]
            cells = [" ".join(value) if isinstance(value, tuple) else value for value in values]
            out.writerow([*cells, record.entity, record.error])


if __name__ == "__main__":
    main()
