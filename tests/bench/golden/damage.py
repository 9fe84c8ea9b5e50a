"""What happens to a record on its way into a second system: one function by kind of error."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from customers.matching.records import Person
from tests.bench.golden import words

LETTERS = {True: "абвгдежзиклмнопрстуфхя", False: "abcdefghiklmnoprstuwy"}
TEXTS = ("first", "last", "middle", "city", "street", "district")
FIELDS = (*TEXTS, "postcode", "house", "birthday", "region")


def roman(rng: Random, person: Person) -> Person:
    """Write names and places in Latin letters, by one of the standards."""
    table = words.PLAIN | words.ROMAN[rng.choice(list(words.ROMAN))]

    def latin(text: str) -> str:
        return "".join(table.get(letter, letter) for letter in text.lower()).title()

    return replace(person, **{field: latin(getattr(person, field)) for field in TEXTS})


def misspelt(rng: Random, text: str) -> str:
    """Make one typing error: a letter wrong, lost, doubled, or exchanged with the next one."""
    if len(text) < 2:
        return text
    at = rng.randrange(len(text) - 1)
    head, one, two, tail = text[:at], text[at], text[at + 1], text[at + 2 :]
    digits = "0123456789" if one.isdigit() else LETTERS[text.isascii() is False]
    kind = rng.randrange(4)
    return head + (rng.choice(digits) + two, two, one + one + two, two + one)[kind] + tail


def typo(rng: Random, person: Person) -> Person:
    """Misspell the last name, often the first one, sometimes the patronymic."""
    fields = ["last", *(["first"] if rng.random() < 0.4 else []), *(["middle"] if rng.random() < 0.2 else [])]
    return replace(person, **{field: misspelt(rng, getattr(person, field)) for field in fields})


def swapped(rng: Random, person: Person) -> Person:
    """Exchange the first and the last name."""
    return replace(person, first=person.last, last=person.first)


def moved_phone(rng: Random, person: Person) -> Person:
    """Give another phone."""
    return replace(person, phones=(phone(rng, person),))


def phone(rng: Random, person: Person) -> str:
    """Draw a mobile phone of the person's country."""
    digits = "".join(rng.choices("0123456789", k=9))
    return f"+79{digits}" if not person.city.isascii() else f"+447{digits}"


def diminutive(rng: Random, person: Person) -> Person:
    """Call a person as friends do."""
    return replace(person, first=rng.choice(SHORT.get(person.first) or [person.first]))


def yo(rng: Random, person: Person) -> Person:
    """Write ё as е, or bring an invisible character along where there is none."""
    if any("ё" in getattr(person, field).lower() for field in TEXTS):
        return replace(person, **{f: getattr(person, f).replace("ё", "е").replace("Ё", "Е") for f in TEXTS})
    return replace(person, last=person.last[:2] + "\u200b" + person.last[2:], first=person.first.upper() + " ")


def no_patronymic(rng: Random, person: Person) -> Person:
    """Leave the patronymic out, or only its initial."""
    return replace(person, middle=rng.choice(["", "", person.middle[:1]]))


def birthday_swap(rng: Random, person: Person) -> Person:
    """Exchange day and month."""
    year, month, day = date(person)
    return replace(person, birthday="-".join(filter(None, (year, day, month))))


def birthday_digit(rng: Random, person: Person) -> Person:
    """Get one digit wrong."""
    at = rng.choice([place for place, digit in enumerate(person.birthday) if digit.isdigit()] or [0])
    if not person.birthday:
        return person
    wrong = rng.choice([digit for digit in "0123456789" if digit != person.birthday[at]])
    return replace(person, birthday=person.birthday[:at] + wrong + person.birthday[at + 1 :])


def birthday_year(rng: Random, person: Person) -> Person:
    """Keep the year only."""
    return replace(person, birthday=person.birthday[:4])


def date(person: Person) -> list[str]:
    """Return the parts of a birthday."""
    return [*person.birthday.split("-"), "", ""][:3]


def married(rng: Random, person: Person) -> Person:
    """Take another surname, keep the first name, the birthday and a phone or an address."""
    return replace(person, last=surname(rng, person))


def surname(rng: Random, person: Person) -> str:
    """Draw another surname of the person's language and sex."""
    if person.city.isascii():
        return rng.choice(words.EN_STEMS) + rng.choice(words.EN_ENDINGS)
    last = rng.choice(words.RU_STEMS) + rng.choice(words.RU_ENDINGS[:3])
    return last + "а" if person.middle.endswith("на") else last


def email(rng: Random, person: Person) -> Person:
    """Give another address, at times the same name at another provider."""
    if not person.emails:
        return replace(person, emails=(f"user{rng.randrange(10**6)}@gmail.com",))
    name = person.emails[0].partition("@")[0] if rng.random() < 0.4 else f"m{rng.randrange(10**7)}"
    return replace(person, emails=(f"{name}@{rng.choice(words.EN_MAIL)}",))


def missing(rng: Random, person: Person) -> Person:
    """Lose two to four fields."""
    lost = rng.sample(("birthday", "postcode", "street", "city", "house", "middle", "district"), rng.randint(2, 4))
    return replace(person, **dict.fromkeys(lost, ""), emails=() if rng.random() < 0.5 else person.emails)


def lines(rng: Random, person: Person) -> Person:
    """Write the lines of the address into each other's place, with a typing error."""
    return replace(person, street=misspelt(rng, person.district), district=person.street)


def relocated(rng: Random, person: Person) -> Person:
    """Move within the town."""
    russian = not person.city.isascii()
    street = rng.choice(words.RU_STREETS if russian else words.EN_STREETS)
    code = person.postcode[:3] + str(rng.randrange(100, 999))
    return replace(person, street=street, district="", house=str(rng.randint(1, 200)), postcode=code)


def heavy(rng: Random, person: Person) -> Person:
    """Damage five to eight times: typing errors anywhere, values lost, names or lines swapped, a digit of the date."""
    person = replace(person, emails=(), phones=person.phones if rng.random() < 0.5 else ())
    for _damage in range(rng.randint(5, 8)):
        kind = rng.random()
        field = rng.choice(FIELDS)
        if kind < 0.65:
            person = replace(person, **{field: misspelt(rng, getattr(person, field))})
        elif kind < 0.8:
            person = replace(person, **{rng.choice(FIELDS[2:]): ""})
        else:
            person = rng.choice([swapped, lines, birthday_digit])(rng, person)
    return person


def _short() -> dict[str, list[str]]:
    rows = f"{words.RU_MEN}{words.RU_WOMEN}{words.EN_MEN}{words.EN_WOMEN}".replace("|", "\n").splitlines()
    return {row.split()[1]: row.split()[2:] for row in rows if row}


SHORT = _short()
Damage = Callable[[Random, Person], Person]
DAMAGES: dict[str, Damage] = {
    damage.__name__: damage
    for damage in (
        typo, roman, swapped, moved_phone, diminutive, yo, no_patronymic, birthday_swap, birthday_digit, birthday_year,
        married, email, missing, lines, relocated, heavy,
    )
}  # fmt: skip
RUSSIAN_ONLY = {"roman", "no_patronymic"}
