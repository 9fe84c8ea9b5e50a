"""From pairs to people: groups that no chain of weak links glues together."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations, product

from customers.matching.settings import CLIP, GUARD, LINK, MAX_CLUSTER, REVIEW, VETO

Pair = tuple[int, int]


@dataclass(frozen=True)
class Cluster:
    """Places of records taken for one person.

    `weakest`: bits of the weakest link that joined them, none for a single record. `held`: why a steward has to confirm
    it before anything is merged ("large", "contradiction", "loose"), or empty.
    """

    members: tuple[int, ...]
    weakest: float | None = None
    held: str = ""

    @property
    def size(self) -> int:
        """How many records there are."""
        return len(self.members)


class Scores(dict[Pair, float]):
    """Bits by pair; a pair that was never compared speaks against, as much as anything may."""

    def __missing__(self, pair: Pair) -> float:
        return -CLIP


def cluster(
    size: int, scores: Mapping[Pair, float], apart: Collection[Pair] = (), doubtful: Collection[Pair] = ()
) -> list[Cluster]:
    """Return the people among records 0…size-1, single ones too.

    `scores`: bits of pairs (lower place first). Links are taken from the strongest down; two groups are joined if all
    pairs between them have GUARD bits on average (average linkage, Sokal & Michener 1958), so that one link alone does
    not join them. `apart`: pairs that are never of one person, whatever their links. `doubtful`: pairs whose facts
    contradict each other; a cluster that has one is held.
    """
    known, forbidden, doubts = Scores(scores), set(apart), set(doubtful)
    own = {place: Cluster((place,)) for place in range(size)}
    for bits, (one, other) in _links(scores):
        if own[one] is not own[other] and _may_join(own[one], own[other], known, forbidden):
            joined = _joined(own[one], own[other], bits)
            own.update(dict.fromkeys(joined.members, joined))
    found = {found.members[0]: found for found in own.values()}
    return [_judged(found[first], known, doubts) for first in sorted(found)]


def _links(scores: Mapping[Pair, float]) -> list[tuple[float, Pair]]:
    links = [(bits, pair) for pair, bits in scores.items() if bits >= LINK]
    return sorted(links, key=lambda link: (-link[0], link[1]))


def _may_join(one: Cluster, other: Cluster, scores: Scores, forbidden: set[Pair]) -> bool:
    """Tell whether nothing between two groups forbids to join them, and all in all speaks for it."""
    pairs = [(min(pair), max(pair)) for pair in product(one.members, other.members)]
    vetoed = not forbidden.isdisjoint(pairs) or any(scores.get(pair, 0) < VETO for pair in pairs)
    return not vetoed and _mean(pairs, scores) >= GUARD


def _mean(pairs: Collection[Pair], scores: Scores) -> float:
    return sum(max(-CLIP, min(CLIP, scores[pair])) for pair in pairs) / len(pairs)


def _joined(one: Cluster, other: Cluster, bits: float) -> Cluster:
    return Cluster(tuple(sorted(one.members + other.members)), bits)


def _judged(found: Cluster, scores: Scores, doubtful: set[Pair]) -> Cluster:
    """Return a cluster with the reason, if any, why it must not be trusted unseen."""
    inside = list(combinations(found.members, 2))
    if found.size > MAX_CLUSTER:
        held = "large"
    elif not doubtful.isdisjoint(inside):
        held = "contradiction"
    else:
        held = "loose" if inside and _mean(inside, scores) < LINK else ""
    return Cluster(found.members, found.weakest, held)


def review(
    clusters: Iterable[Cluster], scores: Mapping[Pair, float], apart: Collection[Pair] = ()
) -> dict[Pair, float]:
    """Return pairs of different clusters that may be one person after all: REVIEW bits at least, not held apart."""
    owner = {place: found.members[0] for found in clusters for place in found.members}
    forbidden = set(apart)
    return {
        pair: bits
        for pair, bits in scores.items()
        if bits >= REVIEW and owner[pair[0]] != owner[pair[1]] and pair not in forbidden
    }


def groups(size: int, pairs: Iterable[Pair]) -> list[list[int]]:
    """Return the connected groups of places 0…size-1 that have more than one member, in order."""
    parent = list(range(size))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    found: dict[int, list[int]] = {}
    for place in range(size):
        found.setdefault(root(place), []).append(place)
    return [members for members in found.values() if len(members) > 1]
