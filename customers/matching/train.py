"""Training without labels: u from random pairs, m by expectation–maximisation over the pairs that share a key."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Self

import numpy as np

from customers.matching.compare import FIELDS, IMPLICIT, Levels, Table, compare, tabulate
from customers.matching.keys import candidates
from customers.matching.model import Floats, Model
from customers.matching.records import Person, prepare
from customers.matching.settings import (
    IMAGINED,
    KIN_PRIOR,
    LEVELS,
    MAX_DIFFERS,
    MAX_FREQUENCIES,
    MAX_ROUNDS,
    MIN_RECORDS,
    NO_KIN,
    OWN,
    RANDOM_PAIRS,
    RAREST_LEVEL,
    TOLERANCE,
)

BASE = IMPLICIT + 1


class Patterns(NamedTuple):
    """Different rows of levels, how many pairs have each, and the number of all pairs.

    Pairs without a common key count as strangers and need not be looked at.
    """

    levels: Levels
    counts: Floats
    pairs: float

    @classmethod
    def of(cls, levels: Levels, pairs: float) -> Self:
        """Take equal rows together."""
        powers = BASE ** np.arange(len(FIELDS), dtype=np.int64)
        _codes, first, counts = np.unique(levels @ powers, return_index=True, return_counts=True)
        return cls(levels[first], counts.astype(float), pairs)


def train(people: Sequence[Person], *, seed: int = 0) -> Model:
    """Return a model trained on records without labels; the default one if they are fewer than MIN_RECORDS.

    All records of a small database, or a random sample of a large one: the chances in the model are by pair.
    """
    records = [prepare(person) for person in people]
    table = tabulate(records)
    left, right = candidates(records)
    return learn(table, compare(table, left, right), size=len(records), seed=seed)


def learn(table: Table, levels: Levels, *, size: int, seed: int) -> Model:
    """Return a model from the levels of all pairs that share a key, out of so many records."""
    default = Model.default()
    if size < MIN_RECORDS or not len(levels):
        return default
    started = replace(
        default, u=estimate_u(table, size, default.u, seed), frequencies=frequencies(table), rarest=1 / size
    )
    patterns = Patterns.of(levels, size * (size - 1) / 2)
    models = [maximise(replace(started, kin=kin), patterns) for kin in (KIN_PRIOR, NO_KIN)]
    return min(models, key=lambda model: criterion(model, patterns))


def frequencies(table: Table) -> dict[str, dict[str, float]]:
    """Return the share of records that have a value, by field, for values that more than one has."""
    return {field: _shares(table, field) for field in FIELDS}


def _shares(table: Table, field: str) -> dict[str, float]:
    ids = table.ids[field]
    found = Counter(ids[ids >= 0].tolist())
    filled = int((ids >= 0).any(axis=1).sum())
    common = [(value, count) for value, count in found.most_common(MAX_FREQUENCIES) if count > 1]
    return {str(table.values[value]): count / filled for value, count in common}


def estimate_u(table: Table, size: int, prior: Floats, seed: int) -> Floats:
    """Return how often levels are met among records drawn at random: nearly all of them are strangers."""
    draw = np.random.default_rng(seed)
    left = draw.integers(0, size, RANDOM_PAIRS)
    right = (left + draw.integers(1, size, RANDOM_PAIRS)) % size
    return _chances(compare(table, left, right), np.ones(RANDOM_PAIRS), prior)


def maximise(model: Model, patterns: Patterns) -> Model:
    """Return the model after expectation–maximisation (Dempster, Laird & Rubin 1977; Winkler 1988), u held.

    A model that starts without households stays without.
    """
    default = Model.default()
    for _round in range(MAX_ROUNDS):
        same, kin, _fit = _expect(model, patterns.levels)
        better = replace(
            model,
            m=_person(_chances(patterns.levels, patterns.counts * same, default.m)),
            k=_household(model, _chances(patterns.levels, patterns.counts * kin, default.k)),
            prior=float((patterns.counts @ same + 1) / patterns.pairs),
            kin=float(patterns.counts @ kin / patterns.pairs) if model.kin > NO_KIN else NO_KIN,
        )
        settled = np.abs(better.m - model.m).max() < TOLERANCE
        model = better
        if settled:
            break
    return model


def criterion(model: Model, patterns: Patterns) -> float:
    """Return the Bayesian information criterion (Schwarz 1978) of a model: the smaller, the better it explains the data.

    A class for households must be worth its parameters: where records have none, it would only take for relatives
    what are badly damaged records of one person.
    """
    _same, _kin, fit = _expect(model, patterns.levels)
    strangers = (patterns.pairs - patterns.counts.sum()) * np.log1p(-model.prior - model.kin)
    shared = sum(len(levels) - 1 for field, levels in LEVELS.items() if field not in OWN)
    free = shared if model.kin > NO_KIN else 0
    return float(free * np.log(patterns.counts.sum()) - 2 * (patterns.counts @ fit + strangers))


def _expect(model: Model, patterns: Levels) -> tuple[Floats, Floats, Floats]:
    """Return the chance of each pattern to be of one person, and of one household, and its log-likelihood."""
    fields = np.arange(len(FIELDS))
    logs = [np.log(chances)[fields, patterns].sum(axis=1) for chances in (model.m, model.k, model.u)]
    priors = np.log([model.prior, model.kin, 1 - model.prior - model.kin])
    joint = np.stack(logs) + priors[:, None]
    fit = np.logaddexp.reduce(joint, axis=0)
    chances = np.exp(joint - fit)
    return chances[0], chances[1], fit


def _chances(patterns: Levels, weights: Floats, prior: Floats) -> Floats:
    """Return weighted shares of levels by field, with IMAGINED pairs that follow the prior; 1 for "missing"."""
    chances = np.ones_like(prior)
    for row, levels in enumerate(LEVELS.values()):
        counts = np.bincount(patterns[:, row], weights, BASE)[: len(levels)] + IMAGINED * prior[row, : len(levels)]
        chances[row, : len(levels)] = np.maximum(counts / counts.sum(), RAREST_LEVEL)
    return chances


def _person(m: Floats) -> Floats:
    """Return chances of one person whose name and birthday differ now and then, and not as those of relatives do.

    Where hardly anybody is known twice, relatives are the most alike: unheld, they would be learnt as one person.
    """
    held = m.copy()
    for field in OWN:
        row, last = FIELDS.index(field), len(LEVELS[field]) - 1
        if held[row, last] > MAX_DIFFERS:
            held[row, :last] *= (1 - MAX_DIFFERS) / (1 - held[row, last])
            held[row, last] = MAX_DIFFERS
    return held


def _household(model: Model, k: Floats) -> Floats:
    """Return chances of a household in which what is one's own is met as among strangers, but for namesakes and twins."""
    held = k.copy()
    for field, same in OWN.items():
        row, last = FIELDS.index(field), len(LEVELS[field]) - 1
        held[row] = model.u[row]
        held[row, :last] *= same.factor
        held[row, 0] += same.added
        held[row, last] = 1 - held[row, :last].sum()
    return held
