"""Comparison of records field by field into levels, for many pairs at once: a batch and one new record alike."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

from customers.matching import names
from customers.matching.records import UNKNOWN, Prepared
from customers.matching.settings import AKIN, CROSSED, IMPLIED, LEVELS, NEAR, NEAR_LENGTH

FIELDS = tuple(LEVELS)
PLACE = {field: {name: place for place, name in enumerate(levels)} for field, levels in LEVELS.items()}
# The level of a field that one of the two records does not have: it says nothing.
MISSING = max(map(len, LEVELS.values()))
# The level of a field whose agreement follows from that of another one: it is no news.
IMPLICIT = MISSING + 1

NAMES = ("first", "last", "middle")
EXACT = 0

Places = dict[str, int]
Ids = NDArray[np.int64]
Levels = NDArray[np.int8]


@dataclass(frozen=True)
class Table:
    """Records by column: `ids` holds places in `values`, -1 for none, by field: a row for each record.

    For names, which come first in `values`: the skeleton, the numbers of what it may stand for (-1 for none), and
    whether it is a known given name.
    """

    values: NDArray[np.object_]
    ids: dict[str, Ids]
    skeletons: NDArray[np.object_]
    meanings: Ids
    given: NDArray[np.bool_]

    @property
    def size(self) -> int:
        """How many records there are."""
        return len(self.ids[FIELDS[0]])


def tabulate(records: Sequence[Prepared]) -> Table:
    """Return records as a table, in their order."""
    known: dict[str, int] = {}
    ids = {field: _column([getattr(record, field) for record in records], known) for field in NAMES}
    named = list(known)
    for field in FIELDS:
        if field not in NAMES:
            ids[field] = _column([getattr(record, field) for record in records], known)
    return Table(
        values=np.array([*known], object),
        ids=ids,
        skeletons=np.array([names.skeleton(name) for name in named], object),
        meanings=_column([names.canonical(name) for name in named], {}),
        given=np.array([names.is_known(name) for name in named], bool),
    )


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
    for fields in CROSSED:
        _cross(table, fields, left, right, found)
    for fine, coarse in IMPLIED:
        one, two = FIELDS.index(fine), FIELDS.index(coarse)
        found[(found[:, one] == EXACT) & (found[:, two] == EXACT), two] = IMPLICIT
    return found


def _cross(table: Table, fields: tuple[str, str], left: Ids, right: Ids, found: Levels) -> None:
    """Set the levels of two fields where neither agrees but one's value stands in the other one's place.

    If only one does, it counts as the first of the two: of a family it is the surname.
    """
    field, other = fields
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
            best[rows] = np.minimum(best[rows], _by_value(table, field, one[rows], other[rows]))
    return best


def _by_value(table: Table, field: str, left: Ids, right: Ids) -> Levels:
    """Return the level of each pair of values; equal pairs are compared once."""
    size = max(len(table.values), 1)
    codes, back = np.unique(np.minimum(left, right) * size + np.maximum(left, right), return_inverse=True)
    ones, others = codes // size, codes % size
    level = np.full(len(codes), EXACT, np.int8)
    differ = (ones != others) | (field == "birthday")
    level[differ] = MEASURES.get(field, _words)(table, PLACE[field], ones[differ], others[differ])
    return level[back]


def _words(table: Table, place: Places, ones: Ids, others: Ids) -> Levels:
    level = np.full(len(ones), place["differs"], np.int8)
    left, right = table.values[ones].tolist(), table.values[others].tolist()
    alike = cpdist(left, right, scorer=JaroWinkler.similarity, score_cutoff=AKIN, dtype=np.float32)
    level[alike >= AKIN] = place["akin"]
    level[(alike >= NEAR) | _one_off(left, right, NEAR_LENGTH)] = place["near"]
    return level


def _names(table: Table, place: Places, ones: Ids, others: Ids) -> Levels:
    level = _words(table, place, ones, others)
    # One wrong Cyrillic letter may be several Latin ones, but is one of a skeleton.
    near = _one_off(table.skeletons[ones].tolist(), table.skeletons[others].tolist(), NEAR_LENGTH)
    level[near] = place["near"]
    level[_initials(table.values[ones].tolist(), table.values[others].tolist())] = place["initial"]
    one, other = table.meanings[ones][:, :, None], table.meanings[others][:, None, :]
    level[((one == other) & (one >= 0)).any((1, 2))] = place["alike"]
    return level


def _initials(left: list[str], right: list[str]) -> list[bool]:
    """Tell where one name is but the first letter of the other."""
    return [one[0] == other[0] and 1 in (len(one), len(other)) for one, other in zip(left, right, strict=True)]


def _given(table: Table, place: Places, ones: Ids, others: Ids) -> Levels:
    """Compare first names: Maria and Marina, both known, are two people rather than one typing error."""
    level = _names(table, place, ones, others)
    level[(level > place["alike"]) & table.given[ones] & table.given[others]] = place["differs"]
    return level


def _digits(table: Table, place: Places, ones: Ids, others: Ids) -> Levels:
    near = _one_off(table.values[ones].tolist(), table.values[others].tolist(), 2)
    return np.where(near, place["near"], place["differs"]).astype(np.int8)


def _emails(table: Table, place: Places, ones: Ids, others: Ids) -> Levels:
    left, right = table.values[ones].tolist(), table.values[others].tolist()
    level = np.where(_one_off(left, right, NEAR_LENGTH), place["near"], place["differs"]).astype(np.int8)
    level[[_same_mailbox(one, other) for one, other in zip(left, right, strict=True)]] = place["mailbox"]
    return level


def _same_mailbox(one: str, other: str) -> bool:
    """Tell whether two addresses differ by the provider; a mailbox without a digit is often but the person's name."""
    mailbox = one.partition("@")[0]
    return mailbox == other.partition("@")[0] and any(map(str.isdigit, mailbox))


def _one_off(left: list[str], right: list[str], shortest: int) -> NDArray[np.bool_]:
    """Tell where one letter is wrong, missing, added or exchanged with its neighbour (optimal string alignment)."""
    off = cpdist(left, right, scorer=OSA.distance, score_cutoff=1, dtype=np.int32) <= 1
    return off & (np.minimum(_lengths(left), _lengths(right)) >= shortest)


def _lengths(texts: list[str]) -> Ids:
    return np.fromiter(map(len, texts), np.int64, len(texts))


def _birthdays(table: Table, place: Places, ones: Ids, others: Ids) -> Levels:
    one, other = _bytes(table.values[ones]), _bytes(table.values[others])
    unknown = (one == ord(UNKNOWN)) | (other == ord(UNKNOWN))
    wrong = (one != other) & ~unknown
    known = ~unknown.any(1)
    parts = np.column_stack([wrong[:, start:end].any(1) for start, end in ((0, 4), (4, 6), (6, 8))])
    level = np.full(len(ones), place["differs"], np.int8)
    level[known & (parts.sum(1) == 1)] = place["parts"]
    level[known & ((wrong.sum(1) == 1) | _exchanged(one, other, wrong))] = place["slip"]
    level[~known & ~wrong.any(1)] = place["partial"]
    level[known & ~wrong.any(1)] = place["exact"]
    return level


def _exchanged(one: NDArray[np.uint8], other: NDArray[np.uint8], wrong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell where two neighbouring digits have changed places, or the day and the month."""
    same_year = ~wrong[:, :4].any(1)
    days = same_year & (one[:, 4:6] == other[:, 6:]).all(1) & (one[:, 6:] == other[:, 4:6]).all(1)
    turned = (wrong[:, :-1] & wrong[:, 1:]) & (one[:, :-1] == other[:, 1:]) & (one[:, 1:] == other[:, :-1])
    return days | ((wrong.sum(1) == 2) & turned.any(1))


def _bytes(texts: Iterable[str]) -> NDArray[np.uint8]:
    return np.frombuffer("".join(texts).encode(), np.uint8).reshape(-1, 8)


# How values are compared that are not the same; other fields hold words.
MEASURES: dict[str, Callable[[Table, Places, Ids, Ids], Levels]] = {
    "first": _given,
    "last": _names,
    "middle": _names,
    "birthday": _birthdays,
    "email": _emails,
    "phone": _digits,
    "postcode": _digits,
    "house": _digits,
    "region": _digits,
}
