"""The Fellegi–Sunter model: how much each agreement and disagreement weighs, and what they say together.

A pair of records is of one person, of two people of one household, or of two strangers. For each field and level,
m, k and u are how often the level is met among such pairs. The weight of a level is log2(m/u) bits (Fellegi & Sunter,
"A Theory for Record Linkage", JASA 1969). Agreement on a value that the share f of all records has weighs log2(m/f)
instead: a rare name says more than a common one (Winkler 1988; Linacre et al., "Splink", 2022).

Households are a class of their own because their agreements come together: relatives share surname, address and
phone, which a model of two classes would add up as if each were news.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from customers.matching.compare import EXACT, FIELDS, IMPLICIT, PLACE, Ids, Levels, Table
from customers.matching.settings import KIN_PRIOR, LEVELS, OWN, PRIOR

Floats = NDArray[np.float64]
# So many pairs are weighed at a time: the parts of their scores take memory.
AT_ONCE = 200_000


@dataclass(frozen=True)
class Model:
    """Probabilities by field (rows, as in FIELDS) and level (columns) for one person, strangers and household.

    Columns that a field has no level for hold 1 in all three: "missing" and "implied" weigh nothing. `prior` and `kin`
    are the chances that two records drawn at random are of one person and of one household. `frequencies`: field →
    value → share of records; `rarest`: the share of a value that they do not have.
    """

    m: Floats
    u: Floats
    k: Floats
    prior: float
    kin: float
    frequencies: Mapping[str, Mapping[str, float]]
    rarest: float

    @classmethod
    def default(cls) -> Self:
        """Return the model to work with before there are records to train on."""
        m, u, k = _defaults()
        return cls(m, u, k, PRIOR, KIN_PRIOR, {}, 1.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the model as what JSON can hold, by names of fields and levels."""
        return {
            "levels": {
                field: {
                    level: [float(p[row, place]) for p in (self.m, self.u, self.k)] for level, place in places.items()
                }
                for row, (field, places) in enumerate(PLACE.items())
            },
            "prior": self.prior,
            "kin": self.kin,
            "frequencies": {field: dict(shares) for field, shares in self.frequencies.items()},
            "rarest": self.rarest,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the model that `to_dict` has written. Raises KeyError if its fields or levels are not those of today."""
        m, u, k = _defaults()
        for row, (field, places) in enumerate(PLACE.items()):
            for level, place in places.items():
                m[row, place], u[row, place], k[row, place] = data["levels"][field][level]
        return cls(m, u, k, data["prior"], data["kin"], data["frequencies"], data["rarest"])

    def distance(self, other: "Model") -> float:
        """Return by how many bits two models differ at the most, before anything is compared or in what one field says.

        Of a field full agreement and disagreement count: levels between them are rare, and wander from sample to sample.
        """
        moved = np.abs(np.log2(self.m / self.u) - np.log2(other.m / other.u))
        ends = [moved[row, [EXACT, len(levels) - 1]].max() for row, levels in enumerate(LEVELS.values())]
        return float(max(*ends, abs(np.log2(self.prior / other.prior))))

    def weigh(self, table: Table, left: Ids, right: Ids, levels: Levels) -> Floats:
        """Return the score of each pair in bits: log2 of the odds that it is one person."""
        slices = [slice(start, start + AT_ONCE) for start in range(0, len(levels), AT_ONCE)]
        parts = [self.parts(table, left[some], right[some], levels[some]).sum(axis=1) for some in slices]
        return np.concatenate([np.zeros(0), *parts])

    def parts(self, table: Table, left: Ids, right: Ids, levels: Levels) -> Floats:
        """Return what each pair's score is the sum of: one column by field, one for households, one for the prior."""
        fields = np.arange(len(FIELDS))
        rare = self._rarity(table, left, right, levels)
        same = np.log2(self.m / self.u)[fields, levels] + rare
        kin = np.log2(self.k / self.u)[fields, levels] + rare * [field not in OWN for field in FIELDS]
        odds = np.log2(self.kin / (1 - self.prior - self.kin)) + kin.sum(axis=1)
        prior = np.full(len(levels), np.log2(self.prior / (1 - self.prior - self.kin)))
        return np.column_stack([same, -np.logaddexp2(0, odds), prior])

    def _rarity(self, table: Table, left: Ids, right: Ids, levels: Levels) -> Floats:
        """Return log2(u/f) where a pair agrees on a value that the share f of the records has, else 0."""
        bits = np.zeros(levels.shape)
        for row, field in enumerate(FIELDS):
            shares = self.frequencies.get(field)
            if not shares:
                continue
            pairs = np.flatnonzero(levels[:, row] == EXACT)
            common = _shared(table.ids[field][left[pairs]], table.ids[field][right[pairs]])
            values, back = np.unique(common, return_inverse=True)
            share = np.array([shares.get(table.values[value], self.rarest) for value in values])
            bits[pairs, row] = np.log2(self.u[row, EXACT] / share)[back]
        return bits


def _shared(left: Ids, right: Ids) -> Ids:
    """Return for each pair a value that both have."""
    found = left[:, 0].copy()
    for one in left.T:
        for other in right.T:
            same = (one == other) & (one >= 0)
            found[same] = one[same]
    return found


def _defaults() -> tuple[Floats, Floats, Floats]:
    filled = np.ones((3, len(FIELDS), IMPLICIT + 1))
    for row, levels in enumerate(LEVELS.values()):
        for place, chances in enumerate(levels.values()):
            filled[:, row, place] = chances
    return filled[0], filled[1], filled[2]
