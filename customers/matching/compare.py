"""Comparison of records field by field into levels, for many pairs at once: a batch and one new record alike."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

from customers.matching import names
from customers.matching.records import UNKNOWN, Prepared
from customers.matching.settings import AKIN, CROSSED, LEVELS, NEAR, NEAR_LENGTH

FIELDS = tuple(LEVELS)
PLACE = {field: {name: place for place, name in enumerate(levels)} for field, levels in LEVELS.items()}
# The level of a field that one of the two records does not have: it says nothing.
MISSING = max(map(len, LEVELS.values()))

Ids = NDArray[np.int64]
Levels = NDArray[np.int8]


@dataclass(frozen=True)
class Table:
    """Records by column: `values` are the different texts, `ids` the places in them, -1 for none, by record and field."""

    values: list[str]
    ids: dict[str, Ids]


def tabulate(records: Sequence[Prepared]) -> Table:
    """Return records as a table, in their order."""
    known: dict[str, int] = {}
    ids = {field: _column([getattr(record, field) for record in records], known) for field in FIELDS}
    return Table(list(known), ids)


def _column(cells: Sequence[tuple[str, ...]], known: dict[str, int]) -> Ids:
    column = np.full((len(cells), max(map(len, cells), default=1) or 1), -1, np.int64)
    for row, cell in enumerate(cells):
        for place, value in enumerate(cell):
            column[row, place] = known.setdefault(value, len(known))
    return column


def compare(table: Table, left: Ids, right: Ids) -> Levels:
    """Return the level of each field (columns, as in FIELDS) for each pair (rows) of places in the table."""
    straight = [_best(table, field, table.ids[field][left], table.ids[field][right]) for field in FIELDS]
    found = np.column_stack(straight)
    for field, other in CROSSED.items():
        _cross(table, field, other, left, right, found)
    return found


def _cross(table: Table, field: str, other: str, left: Ids, right: Ids, found: Levels) -> None:
    """Set the levels of two fields where neither agrees but one's value stands in the other one's place.

    If only one does, it counts as `field`: of a family it is the surname.
    """
    one, two = FIELDS.index(field), FIELDS.index(other)
    rows = np.flatnonzero((found[:, one] > PLACE[field]["near"]) & (found[:, two] > PLACE[other]["near"]))
    mine, its = table.ids[field], table.ids[other]
    forth = _best(table, field, mine[left[rows]], its[right[rows]])
    back = _best(table, field, its[left[rows]], mine[right[rows]])
    near = PLACE[field]["near"]
    crossed = np.minimum(forth, back) <= near
    rest = np.maximum(forth, back)[crossed]
    rows = rows[crossed]
    found[rows, one] = PLACE[field]["crossed"]
    found[rows, two] = np.select(
        [rest <= near, rest == MISSING], [PLACE[other]["crossed"], MISSING], PLACE[other]["differs"]
    )


def _best(table: Table, field: str, left: Ids, right: Ids) -> Levels:
    """Return the best level of all combinations of values."""
    best = np.full(len(left), MISSING, np.int8)
    for one in left.T:
        for other in right.T:
            rows = np.flatnonzero((one >= 0) & (other >= 0))
            best[rows] = np.minimum(best[rows], _by_value(table.values, field, one[rows], other[rows]))
    return best


def _by_value(values: list[str], field: str, left: Ids, right: Ids) -> Levels:
    """Return the level of each pair of values; equal pairs are compared once."""
    codes, back = np.unique(np.minimum(left, right) * len(values) + np.maximum(left, right), return_inverse=True)
    ones, others = codes // max(len(values), 1), codes % max(len(values), 1)
    level = np.zeros(len(codes), np.int8)
    differ = np.flatnonzero(ones != others) if field != "birthday" else np.arange(len(codes))
    if len(differ):
        level[differ] = MEASURES[field]([values[i] for i in ones[differ]], [values[i] for i in others[differ]])
    return level[back]


def _words(field: str, left: list[str], right: list[str]) -> Levels:
    place = PLACE[field]
    level = np.full(len(left), place["differs"], np.int8)
    alike = cpdist(left, right, scorer=JaroWinkler.similarity, score_cutoff=AKIN, dtype=np.float32)
    level[alike >= AKIN] = place["akin"]
    level[(alike >= NEAR) | _one_off(left, right)] = place["near"]
    return level


def _names(field: str, left: list[str], right: list[str]) -> Levels:
    place = PLACE[field]
    level = _words(field, left, right)
    for row, (one, other) in enumerate(zip(left, right, strict=True)):
        if not set(names.canonical(one)).isdisjoint(names.canonical(other)):
            level[row] = place["alike"]
        elif field == "first" and names.is_known(one) and names.is_known(other):
            # Maria and Marina are two people rather than one typing error.
            level[row] = place["differs"]
        elif 1 in (len(one), len(other)) and one[0] == other[0]:
            level[row] = place["initial"]
    return level


def _digits(field: str, left: list[str], right: list[str]) -> Levels:
    place = PLACE[field]
    return np.where(_one_off(left, right, shortest=2), place["near"], place["differs"]).astype(np.int8)


def _emails(field: str, left: list[str], right: list[str]) -> Levels:
    place = PLACE[field]
    level = np.where(_one_off(left, right), place["near"], place["differs"]).astype(np.int8)
    same = [one.partition("@")[0] == other.partition("@")[0] for one, other in zip(left, right, strict=True)]
    level[same] = place["mailbox"]
    return level


def _one_off(left: list[str], right: list[str], shortest: int = NEAR_LENGTH) -> NDArray[np.bool_]:
    """Tell where one letter is wrong, missing, added or exchanged with its neighbour (optimal string alignment)."""
    distance = cpdist(left, right, scorer=OSA.distance, score_cutoff=1, dtype=np.int32)
    long = np.fromiter((min(len(a), len(b)) >= shortest for a, b in zip(left, right, strict=True)), bool, len(left))
    return (distance <= 1) & long


def _birthdays(field: str, left: list[str], right: list[str]) -> Levels:
    place = PLACE[field]
    one, other = _bytes(left), _bytes(right)
    unknown = (one == ord(UNKNOWN)) | (other == ord(UNKNOWN))
    wrong = (one != other) & ~unknown
    parts = [wrong[:, start:end].any(1) for start, end in ((0, 4), (4, 6), (6, 8))]
    level = np.full(len(left), place["differs"], np.int8)
    level[sum(part.astype(int) for part in parts) == 1] = place["parts"]
    level[(wrong.sum(1) == 1) | _exchanged(one, other, wrong)] = place["slip"]
    level[unknown.any(1)] = place["differs"]
    level[unknown.any(1) & ~wrong.any(1)] = place["partial"]
    level[~unknown.any(1) & ~wrong.any(1)] = place["exact"]
    return level


def _exchanged(one: NDArray[np.uint8], other: NDArray[np.uint8], wrong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell where two neighbouring digits have changed places, or the day and the month."""
    same_year = ~wrong[:, :4].any(1)
    days = same_year & (one[:, 4:6] == other[:, 6:]).all(1) & (one[:, 6:] == other[:, 4:6]).all(1)
    turned = (wrong[:, :-1] & wrong[:, 1:]) & (one[:, :-1] == other[:, 1:]) & (one[:, 1:] == other[:, :-1])
    return days | ((wrong.sum(1) == 2) & turned.any(1))


def _bytes(texts: Iterable[str]) -> NDArray[np.uint8]:
    return np.frombuffer("".join(texts).encode(), np.uint8).reshape(-1, 8)


Measure = Callable[[list[str], list[str]], Levels]


def _measure(field: str) -> Measure:
    of = {"first": _names, "last": _names, "middle": _names, "birthday": _birthdays, "email": _emails}
    of |= dict.fromkeys(("phone", "postcode", "house", "region"), _digits)
    measure = of.get(field, _words)
    return lambda left, right: measure(field, left, right)


MEASURES: dict[str, Measure] = {field: _measure(field) for field in FIELDS}
