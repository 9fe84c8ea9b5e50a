"""The search box: whom somebody means by a number, a name with typing errors, the last digits of a phone, the beginning of an address.

What was typed is read in several ways, the surest first. Each way is one look into an index; a later one is tried
only if those before it have not found enough.
"""

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Length, Lower

from customers import normalise, words
from customers.choices import IdentityKind
from customers.models import LAST_DIGITS, Customer, Identity, ProfileIdentity, Word
from customers.queries import standing_for
from cxcenter.core.reading import number

if TYPE_CHECKING:
    from customers.querysets import CustomerQuerySet

# Fewer digits or letters are had by too many.
DIGITS, LETTERS = 4, 3
# Of many whom the words fit so many are looked at: the likeliest, or who was in touch last, stand first.
SAMPLE = 200
# So many words that begin as typed, or resemble it, are tried.
WORDS = 50
# Nobody types these.
HIDDEN = (IdentityKind.VISITOR, IdentityKind.DEVICE)

Meant = list[list[str]]


def best(rows: "CustomerQuerySet", text: str, *, contacts: bool, limit: int) -> list[Customer]:
    """Return up to `limit` live customers of `rows` whom a text means, the surest first. About ten queries at the most.

    `contacts`: whether phones and addresses are searched. Who may not see them could guess them digit by digit.
    """
    found: dict[int, Customer] = {}
    for way in _ways(text, contacts):
        fitting = rows.live().filter(way).exclude(pk__in=found)[:SAMPLE]
        found |= {row.pk: row for row in _ordered(fitting, text)[: limit - len(found)]}
        if len(found) >= limit:
            break
    return list(found.values())


def meaning(text: str, *, contacts: bool) -> Q:
    """Return the condition of all whom a text means, whatever the way."""
    first, *others = [Customer.objects.filter(way).values("pk") for way in (Q(pk=None), *_ways(text, contacts))]
    return Q(pk__in=first.union(*others))


def _ordered(rows: Iterable[Customer], text: str) -> list[Customer]:
    typed = [words.forms(word) for word in words.split(text)]

    def place(row: Customer) -> tuple[float, float]:
        return -_likeness(typed, row.words), -row.updated_at.timestamp()

    return sorted(rows, key=place)


def _likeness(typed: Meant, known: list[str]) -> float:
    return sum(max((words.likeness(one, other) for one in forms for other in known), default=0) for forms in typed)


# --- Ways ---


def _ways(text: str, contacts: bool) -> Iterator[Q]:
    """Yield conditions, one for each way to read a text. Those that need the table of words ask it when their turn comes."""
    typed = words.split(text)
    names = [word for word in typed if not word.isdecimal()]
    digits = "".join(word for word in typed if word.isdecimal())
    wanted = number(text.strip().upper().removeprefix("C-"))
    if wanted is not None:
        # The number of one who was merged into another means that other.
        yield Q(pk=standing_for([wanted]).get(wanted))
    if contacts and (reached := _reached(text, names, digits)):
        yield _of_identities(reached)
    if not typed:
        return
    yield _named([words.forms(word) for word in typed]) | Q(words__contains=[words.whole(text)])
    if contacts and names and len(digits) >= DIGITS:
        yield _named([words.forms(word) for word in names]) & _of_identities(_ending(digits))
    if names:
        yield from _nearly(typed)


def _nearly(typed: list[str]) -> Iterator[Q]:
    """Yield names that begin as typed, then those with typing errors, then those that lack one of several words."""
    *before, last = typed
    begun = _begun(last)
    if begun:
        yield _named([*map(words.forms, before), begun])
    near = _near(typed)
    meant = [[*words.forms(word), *near[word]] for word in typed]
    meant[-1] += begun
    if any(near.values()):
        yield _named(meant)
    if len(typed) > 2 and not any(word.isdecimal() for word in typed):
        yield _any_of(_named(list(some)) for some in combinations(meant, len(meant) - 1))


def _named(meant: Meant) -> Q:
    """Keep who has one of the words that each typed word may mean."""
    fitting = Q()
    for some in meant:
        fitting &= Q(words__overlap=some)
    return fitting


def _any_of(conditions: Iterable[Q]) -> Q:
    fitting = Q(pk=None)
    for condition in conditions:
        fitting |= condition
    return fitting


def _begun(word: str) -> list[str]:
    """Return known words that begin as a word does, the shortest first. One query."""
    if len(word) < LETTERS or word.isdecimal():
        return []
    begins = _any_of(Q(word__startswith=begun) for begun in words.beginnings(word))
    return list(Word.objects.filter(begins).order_by(Length("word"), "word").values_list("word", flat=True)[:WORDS])


def _near(typed: list[str]) -> dict[str, list[str]]:
    """Return known words that resemble each typed one, the likeliest first. One query."""
    spelt = {word: words.spelt(word) for word in typed if len(word) >= LETTERS and not word.isdecimal()}
    wanted = sorted({key for word in spelt.values() for key in words.keys(word)})
    known = list(Word.objects.filter(keys__overlap=wanted).values_list("word", flat=True)) if wanted else []
    return {word: _resembling(spelt[word], known) if word in spelt else [] for word in typed}


def _resembling(word: str, known: Iterable[str]) -> list[str]:
    alike = {other: words.likeness(word, other) for other in known}
    return sorted((other for other in alike if alike[other]), key=lambda other: -alike[other])[:WORDS]


# --- Phones, addresses, cards ---


def _reached(text: str, names: list[str], digits: str) -> "QuerySet[Any] | None":
    """Return identities that a text is, begins, or ends; None if it can be none."""
    if not names and len(digits) >= DIGITS:
        return _whole(text).union(_ending(digits), all=True)
    plain = text.strip()
    if " " not in plain and len(plain) >= LETTERS:
        return _whole(text).union(_beginning(plain), all=True)
    return None


def _shown() -> "QuerySet[Any]":
    return Identity.objects.exclude(kind__in=HIDDEN).order_by()


def _whole(text: str) -> "QuerySet[Any]":
    spellings = {value.lower() for value in normalise.spellings(text)}
    return _shown().annotate(low=Lower("value")).filter(low__in=spellings).values("pk")


def _beginning(text: str) -> "QuerySet[Any]":
    return _shown().annotate(low=Lower("value")).filter(low__startswith=text.lower()).values("pk")


def _ending(digits: str) -> "QuerySet[Any]":
    """Return identities that end in digits. Before the last ten stands how somebody dials abroad."""
    return _shown().annotate(turned=LAST_DIGITS).filter(turned__startswith=digits[-10:][::-1]).values("pk")


def _of_identities(identities: "QuerySet[Any]") -> Q:
    return Q(pk__in=ProfileIdentity.objects.filter(identity__in=identities).values("profile__customer_id"))
