"""One record and others, one by one: how surely they are one person, and why."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from customers.matching.compare import FIELDS, IMPLICIT, MISSING, PLACE, Ids, Levels, Table, compare, tabulate
from customers.matching.model import Model
from customers.matching.records import Person, prepare


class Evidence(NamedTuple):
    """What one field says of a pair: the level met and its weight in bits."""

    field: str
    level: str
    bits: float


class Explanation(NamedTuple):
    """A score in bits (log2 of the odds that it is one person), the probability, and the evidence that makes it up."""

    bits: float
    probability: float
    evidence: list[Evidence]


def score(model: Model, new: Person, candidates: Sequence[Person]) -> list[float]:
    """Return the bits (log2 of the odds that it is one person) of a new record and each candidate, in their order."""
    return model.weigh(*_compared(new, candidates)).tolist() if candidates else []


def explain(model: Model, one: Person, other: Person) -> Explanation:
    """Return the score of two records and what makes it up: each field, the household, the prior odds."""
    table, left, right, levels = _compared(one, [other])
    parts = model.parts(table, left, right, levels)[0].tolist()
    met = [*(_name(field, level) for field, level in zip(FIELDS, levels[0].tolist(), strict=True)), "", ""]
    evidence = [Evidence(*row) for row in zip((*FIELDS, "household", "prior"), met, parts, strict=True)]
    return Explanation(sum(parts), probability(sum(parts)), evidence)


def probability(bits: float) -> float:
    """Return the chance (0…1) that odds of so many bits stand for."""
    return float(1 / (1 + np.exp2(-bits)))


def _compared(one: Person, others: Sequence[Person]) -> tuple[Table, Ids, Ids, Levels]:
    table = tabulate([prepare(person) for person in (one, *others)])
    left, right = np.zeros(len(others), np.int64), np.arange(1, len(others) + 1)
    return table, left, right, compare(table, left, right)


def _name(field: str, level: int) -> str:
    return {MISSING: "missing", IMPLICIT: "implied"}.get(level) or [*PLACE[field]][level]
