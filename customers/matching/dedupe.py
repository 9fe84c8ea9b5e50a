"""All records of a list matched with each other: keys, pairs, levels, model, scores, clusters."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from customers.matching.cluster import Cluster, Pair, cluster, groups, review
from customers.matching.compare import FIELDS, PLACE, Ids, Levels, Table, compare, tabulate
from customers.matching.keys import candidates
from customers.matching.model import Floats, Model
from customers.matching.records import Person, prepare
from customers.matching.settings import LINK, MAX_COMPLETE, NO_KIN, REVIEW
from customers.matching.train import learn

Key = int | str


@dataclass(frozen=True)
class Found:
    """People found: clusters of places in the list of records, pairs to review (places → bits), and the model used."""

    clusters: list[Cluster]
    review: dict[Pair, float]
    model: Model


def dedupe(
    people: Sequence[Person], *, model: Model | None = None, apart: Collection[tuple[Key, Key]] = (), seed: int = 0
) -> Found:
    """Return the people among records; the same for the same records, order and seed.

    `model`: the weights to use; trained on these records without one. `apart`: keys of records that are known not to be
    of one person.
    """
    records = [prepare(person) for person in people]
    table = tabulate(records)
    left, right = candidates(records)
    levels = compare(table, left, right)
    model = model or learn(table, levels, size=len(people), seed=seed)
    bits = model.weigh(table, left, right, levels)
    # Nearly all pairs are of strangers: those that matter are few.
    likely = np.flatnonzero(bits >= REVIEW)
    scores = _by_pair(left[likely], right[likely], bits[likely])
    contradicting = _complete(model, table, scores)
    # A contradiction tells of relatives, where records have relatives.
    doubtful = contradicting if model.kin > NO_KIN else set()
    places = {person.key: place for place, person in enumerate(people)}
    never = {_pair(places[one], places[other]) for one, other in apart if one in places and other in places}
    found = cluster(len(people), scores, never, doubtful)
    return Found(found, review(found, scores, never), model)


def _pair(one: int, other: int) -> Pair:
    return min(one, other), max(one, other)


def _by_pair(left: Ids, right: Ids, bits: Floats) -> dict[Pair, float]:
    return dict(zip(zip(left.tolist(), right.tolist(), strict=True), bits.tolist(), strict=True))


def _complete(model: Model, table: Table, scores: dict[Pair, float]) -> set[Pair]:
    """Add all pairs inside groups that links hold together; return those whose facts contradict each other."""
    linked = groups(table.size, [pair for pair, bits in scores.items() if bits >= LINK])
    inside = [pair for members in linked if len(members) <= MAX_COMPLETE for pair in combinations(members, 2)]
    left, right = np.asarray(inside, np.int64).reshape(-1, 2).T
    levels = compare(table, left, right)
    scores |= _by_pair(left, right, model.weigh(table, left, right, levels))
    return {inside[row] for row in np.flatnonzero(contradict(levels))}


def contradict(levels: Levels) -> NDArray[np.bool_]:
    """Tell for each pair whether both the birthdays and the first names, known in full, have nothing in common."""
    apart = np.ones(len(levels), bool)
    for field in ("first", "birthday"):
        apart &= levels[:, FIELDS.index(field)] == PLACE[field]["differs"]
    return apart
