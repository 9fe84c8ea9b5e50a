"""All records of a list matched with each other: keys, pairs, levels, model, scores, clusters."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from customers.matching.cluster import Cluster, Pair, cluster, groups, review
from customers.matching.compare import FIELDS, PLACE, Ids, Levels, Table, compare, tabulate
from customers.matching.keys import candidates
from customers.matching.model import Model
from customers.matching.records import Person, prepare
from customers.matching.settings import LINK, MAX_COMPLETE
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
    scores, doubtful = _scored(model, table, left, right, levels)
    missing = [pair for pair in _inside(scores, len(people)) if pair not in scores]
    if missing:
        left, right = np.asarray(missing, np.int64).T
        more, also = _scored(model, table, left, right, compare(table, left, right))
        scores |= more
        doubtful |= also
    places = {person.key: place for place, person in enumerate(people)}
    never = {_pair(places[one], places[other]) for one, other in apart if one in places and other in places}
    found = cluster(len(people), scores, never, doubtful)
    return Found(found, review(found, scores, never), model)


def _pair(one: int, other: int) -> Pair:
    return min(one, other), max(one, other)


def _scored(model: Model, table: Table, left: Ids, right: Ids, levels: Levels) -> tuple[dict[Pair, float], set[Pair]]:
    """Return bits by pair, and the pairs whose facts contradict each other."""
    bits = model.weigh(table, left, right, levels)
    pairs = list(zip(left.tolist(), right.tolist(), strict=True))
    against = {pairs[row] for row in np.flatnonzero(contradict(levels))}
    return dict(zip(pairs, bits.tolist(), strict=True)), against


def contradict(levels: Levels) -> NDArray[np.bool_]:
    """Tell for each pair whether both the birthdays and the first names, known in full, have nothing in common."""
    apart = np.ones(len(levels), bool)
    for field in ("first", "birthday"):
        apart &= levels[:, FIELDS.index(field)] == PLACE[field]["differs"]
    return apart


def _inside(scores: dict[Pair, float], size: int) -> list[Pair]:
    """Return all pairs inside groups that links hold together: what joins them is judged by all of them."""
    linked = groups(size, [pair for pair, bits in scores.items() if bits >= LINK])
    return [pair for members in linked if len(members) <= MAX_COMPLETE for pair in combinations(members, 2)]
