"""Training without labels: u from random pairs, m by expectation–maximisation over the pairs that share a key."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from customers.matching.compare import FIELDS, MISSING, Ids, Levels, Table, compare, tabulate
from customers.matching.keys import candidates
from customers.matching.model import Floats, Model
from customers.matching.records import Person, prepare
from customers.matching.settings import (
    IMAGINED,
    LEVELS,
    MAX_FREQUENCIES,
    MAX_ROUNDS,
    MIN_RECORDS,
    OWN,
    RANDOM_PAIRS,
    RAREST,
    RAREST_LEVEL,
    TOLERANCE,
)

BASE = MISSING + 1


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
    started = replace(default, u=estimate_u(table, size, default.u, seed), frequencies=frequencies(table, size))
    return maximise(started, levels, pairs=size * (size - 1) / 2)


def frequencies(table: Table, size: int) -> dict[str, dict[str, float]]:
    """Return the share of records that have a value, by field, for values that more than one has."""
    return {field: _shares(table, field, size) for field in FIELDS}


def _shares(table: Table, field: str, size: int) -> dict[str, float]:
    ids = table.ids[field]
    found = Counter(ids[ids >= 0].tolist())
    filled = int((ids >= 0).any(axis=1).sum())
    common = [(value, count) for value, count in found.most_common(MAX_FREQUENCIES) if count > 1]
    return {table.values[value]: max(count / filled, RAREST) for value, count in common}


def estimate_u(table: Table, size: int, prior: Floats, seed: int) -> Floats:
    """Return how often levels are met among records drawn at random: nearly all of them are strangers."""
    draw = np.random.default_rng(seed)
    left = draw.integers(0, size, RANDOM_PAIRS)
    right = (left + draw.integers(1, size, RANDOM_PAIRS)) % size
    return _chances(compare(table, left, right), np.ones(RANDOM_PAIRS), prior)


def maximise(model: Model, levels: Levels, pairs: float) -> Model:
    """Return the model after expectation–maximisation (Dempster, Laird & Rubin 1977; Winkler 1988), u held.

    `pairs` is the number of all pairs: those without a common key count as strangers and need not be looked at.
    Equal rows of levels are taken together.
    """
    patterns, counts = _patterns(levels)
    for _round in range(MAX_ROUNDS):
        same, kin = _expect(model, patterns)
        better = replace(
            model,
            m=_chances(patterns, counts * same, model_prior("m")),
            k=_household(model, _chances(patterns, counts * kin, model_prior("k"))),
            prior=float((counts @ same + 1) / pairs),
            kin=float((counts @ kin + 1) / pairs),
        )
        settled = np.abs(better.m - model.m).max() < TOLERANCE
        model = better
        if settled:
            break
    return model


def model_prior(name: str) -> Floats:
    """Return the chances that training starts from."""
    chances: Floats = getattr(Model.default(), name)
    return chances


def _patterns(levels: Levels) -> tuple[Levels, Floats]:
    powers = BASE ** np.arange(len(FIELDS), dtype=np.int64)
    _codes, first, counts = np.unique(levels @ powers, return_index=True, return_counts=True)
    return levels[first], counts.astype(float)


def _expect(model: Model, patterns: Levels) -> tuple[Floats, Floats]:
    """Return the chance of each pattern to be of one person, and of one household."""
    fields = np.arange(len(FIELDS))
    logs = [np.log(chances)[fields, patterns].sum(axis=1) for chances in (model.m, model.k, model.u)]
    priors = np.log([model.prior, model.kin, 1 - model.prior - model.kin])
    joint = np.stack(logs) + priors[:, None]
    chances = np.exp(joint - np.logaddexp.reduce(joint, axis=0))
    return chances[0], chances[1]


def _chances(patterns: Levels, weights: Floats, prior: Floats) -> Floats:
    """Return weighted shares of levels by field, with IMAGINED pairs that follow the prior; 1 for "missing"."""
    chances = np.ones_like(prior)
    for row, levels in enumerate(LEVELS.values()):
        counts = np.bincount(patterns[:, row], weights, BASE)[: len(levels)] + IMAGINED * prior[row, : len(levels)]
        chances[row, : len(levels)] = np.maximum(counts / counts.sum(), RAREST_LEVEL)
    return chances


def _household(model: Model, k: Floats) -> Floats:
    """Return chances of a household in which what is one's own is met as among strangers, but for twins."""
    held = k.copy()
    for field in OWN:
        row = FIELDS.index(field)
        held[row] = model.u[row]
    birthday = FIELDS.index("birthday")
    twins = LEVELS["birthday"]["exact"][2]
    held[birthday, : len(LEVELS["birthday"])] *= 1 - twins
    held[birthday, 0] += twins
    return held
