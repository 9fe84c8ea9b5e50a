"""How well clusters meet the truth, by pairs of records: all pairs of a cluster against all pairs of an entity."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

Pair = tuple[int, int]


@dataclass(frozen=True)
class Quality:
    """True and found pairs, as places in the list of records."""

    true: set[Pair]
    found: set[Pair]

    @property
    def precision(self) -> float:
        """The share of found pairs that are true."""
        return len(self.true & self.found) / max(len(self.found), 1)

    @property
    def recall(self) -> float:
        """The share of true pairs that are found."""
        return len(self.true & self.found) / max(len(self.true), 1)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.precision * self.recall / max(self.precision + self.recall, 1e-9)

    def __str__(self) -> str:
        return (
            f"precision {self.precision:.4f}, recall {self.recall:.4f}, F1 {self.f1:.4f}, {len(self.true)} true pairs"
        )


def quality(entities: Sequence[object], clusters: Iterable[Sequence[int]]) -> Quality:
    """Compare clusters of places with the entity of each place."""
    owned = defaultdict(list)
    for place, entity in enumerate(entities):
        owned[entity].append(place)
    return Quality(_inside(owned.values()), _inside(clusters))


def _inside(groups: Iterable[Sequence[int]]) -> set[Pair]:
    return {pair for group in groups for pair in combinations(sorted(group), 2)}
