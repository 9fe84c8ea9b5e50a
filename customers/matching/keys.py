"""Blocking keys: short texts that records of one person are likely to share, whatever errors they have."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from customers.matching import names
from customers.matching.records import UNKNOWN, Person, Prepared, prepare
from customers.matching.settings import KEYS, MAX_BLOCK, MAX_CODE, MAX_KEY, MAX_KEYS, MAX_MEANINGS

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


def keys(person: Person) -> list[str]:
    """Return the blocking keys of a record: at most MAX_KEYS of MAX_KEY letters, without repeats, the surest first.

    Two records are to be compared if they share a key that at most MAX_BLOCK records have.
    """
    return keys_of(prepare(person))


def keys_of(record: Prepared) -> list[str]:
    """Return the blocking keys of a prepared record."""
    return list(dict.fromkeys(_made(record)))[:MAX_KEYS]


def _made(record: Prepared) -> Iterator[str]:
    parts = {name: part(record) for name, part in PARTS.items()}
    for recipe in KEYS:
        for values in product(*(parts[part] for part in recipe)):
            # Named by its parts, so that stored keys keep their meaning when others come and go.
            yield f"{'+'.join(recipe)}:{':'.join(values)}"[:MAX_KEY]


def _names(record: Prepared) -> list[str]:
    """Return codes of the first and the last name alike: they may have been swapped."""
    meant = [word for first in record.first for word in names.canonical(first)[:MAX_MEANINGS]]
    return _once([names.code(word)[:MAX_CODE] for word in (*record.last, *meant)])


def _born(record: Prepared) -> list[str]:
    """Return a full date with day and month in either order."""
    full = [day for day in record.birthday if UNKNOWN not in day]
    return [day[:4] + "".join(sorted((day[4:6], day[6:]))) for day in full]


def _lines(record: Prepared) -> list[str]:
    """Return codes of the lines of an address: they may have been swapped."""
    return _once([names.code(line)[:MAX_CODE] for line in (*record.street, *record.district)])


def _digits(start: int, end: int) -> Callable[[Prepared], list[str]]:
    return lambda record: [day[start:end] for day in record.birthday if UNKNOWN not in day[start:end]]


def _twos(values: Sequence[str]) -> list[str]:
    """Return all twos of values, whichever of the two comes first."""
    return ["+".join(sorted(pair)) for pair in combinations(values, 2)]


def _once(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, values)))


PARTS: dict[str, Callable[[Prepared], Sequence[str]]] = {
    "phone": lambda record: record.phone,
    "email": lambda record: record.email,
    "mailbox": lambda record: [address.partition("@")[0] for address in record.email],
    "name": _names,
    "names": lambda record: _twos(_names(record)),
    "initial": lambda record: _once([name[0] for name in _names(record)]),
    "initials": lambda record: _once(_twos([name[0] for name in _names(record)])),
    "born": _born,
    "year": _digits(0, 4),
    "month": _digits(4, 6),
    "day": _digits(6, 8),
    "line": _lines,
    "lines": lambda record: _twos(_lines(record)),
    "house": lambda record: record.house,
    "postcode": lambda record: record.postcode,
}


def candidates(records: Sequence[Prepared]) -> Pairs:
    """Return places (left < right) of all pairs that share a key of at most MAX_BLOCK records."""
    known: dict[str, int] = {}
    owners: list[int] = []
    numbers: list[int] = []
    for owner, record in enumerate(records):
        for key in keys_of(record):
            owners.append(owner)
            numbers.append(known.setdefault(key, len(known)))
    return _pairs(np.asarray(owners, np.int64), np.asarray(numbers, np.int64), len(records))


def _pairs(owners: NDArray[np.int64], numbers: NDArray[np.int64], size: int) -> Pairs:
    """Return each pair once: members of a block that stand 1, 2, … places apart."""
    order = np.argsort(numbers, kind="stable")
    owners, numbers = owners[order], numbers[order]
    useful = np.bincount(numbers)[numbers] <= MAX_BLOCK if len(numbers) else np.zeros(0, bool)
    owners, numbers = owners[useful], numbers[useful]
    found = [np.zeros(0, np.int64)]
    for apart in range(1, MAX_BLOCK):
        same = numbers[:-apart] == numbers[apart:]
        if not same.any():
            break
        found.append(owners[:-apart][same] * size + owners[apart:][same])
    codes = np.unique(np.concatenate(found))
    return codes // max(size, 1), codes % max(size, 1)
