"""The model: training finds what made the data, rare values weigh more, an explanation adds up."""

import json
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from customers.matching.compare import FIELDS, IMPLICIT, PLACE
from customers.matching.model import Model
from customers.matching.records import Person
from customers.matching.score import explain, probability, score
from customers.matching.settings import LEVELS, LINK, MIN_RECORDS, NO_KIN
from customers.matching.train import Patterns, maximise, train
from tests.bench.golden.people import make

IVAN = Person(
    key=1,
    first="Иван",
    last="Иванов",
    birthday="1988-04-14",
    phones=("+79005550184",),
    city="Москва",
    street="Мира",
    house="3",
)


@pytest.fixture(scope="module")
def trained() -> Model:
    return train([record.person for record in make(5, 2000)])


def drawn(chances: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw levels of each field on its own, as the model believes they come."""
    return np.column_stack(
        [
            rng.choice(len(levels), size, p=row[: len(levels)] / row[: len(levels)].sum())
            for row, levels in zip(chances, LEVELS.values(), strict=True)
        ]
    ).astype(np.int8)


def test_em_finds_the_chances_that_made_the_levels():
    rng = np.random.default_rng(1)
    truth = Model.default()
    m = truth.m.copy()
    m[FIELDS.index("first"), : len(LEVELS["first"])] = (0.5, 0.2, 0.1, 0.05, 0.05, 0.05, 0.05)
    same, strangers = 4000, 60_000
    levels = np.concatenate([drawn(m, same, rng), drawn(truth.u, strangers, rng)])
    found = maximise(replace(truth, kin=NO_KIN, prior=1e-3), Patterns.of(levels, float(len(levels))))
    assert found.prior == pytest.approx(same / len(levels), rel=0.05)
    assert np.abs(found.m - m).max() < 0.03
    assert (found.u == truth.u).all()


def test_em_tells_relatives_from_one_person():
    rng = np.random.default_rng(2)
    truth = Model.default()
    sizes = {"m": 2000, "k": 6000, "u": 60_000}
    levels = np.concatenate([drawn(getattr(truth, name), size, rng) for name, size in sizes.items()])
    found = maximise(truth, Patterns.of(levels, float(len(levels))))
    assert found.prior == pytest.approx(sizes["m"] / len(levels), rel=0.1)
    assert found.kin == pytest.approx(sizes["k"] / len(levels), rel=0.1)


def test_households_are_found_where_there_are_some_and_only_there(trained):
    assert trained.kin > trained.prior
    # Relatives have numbers that follow each other: of twelve, one is kept.
    lonely = [record.person for record in make(6, 6000) if record.entity % 12 == 0]
    assert len(lonely) > MIN_RECORDS
    assert train(lonely).kin == NO_KIN


def test_where_nobody_is_known_twice_relatives_are_not_learnt_as_one_person():
    people = [record.person for record in make(6, 2000) if not record.error]
    model = train(people)
    assert model.kin > NO_KIN
    homes = defaultdict(list)
    for one in people:
        if one.street and one.birthday:
            homes[one.last.removesuffix("а"), one.city, one.street, one.house].append(one)
    pairs = [pair for home in homes.values() for pair in pairwise(home) if pair[0].first != pair[1].first]
    assert len(pairs) > 50
    assert max(score(model, one, [other])[0] for one, other in pairs) < LINK


def test_few_records_are_judged_by_the_default_model():
    people = [record.person for record in make(1, MIN_RECORDS - 1)]
    assert train(people).to_dict() == Model.default().to_dict()
    assert train([]).to_dict() == Model.default().to_dict()


def test_training_is_the_same_for_the_same_seed():
    people = [record.person for record in make(1, 600)]
    assert train(people, seed=3).to_dict() == train(people, seed=3).to_dict()


def test_chances_of_each_field_sum_to_one(trained):
    for chances in (trained.m, trained.u, trained.k):
        for row, levels in enumerate(LEVELS.values()):
            assert chances[row, : len(levels)].sum() == pytest.approx(1, abs=1e-3)
            assert (chances[row, len(levels) :] == 1).all() and chances.shape[1] == IMPLICIT + 1


def test_agreement_on_a_rare_name_says_more(trained):
    def bits(last: str) -> float:
        one = Person(key=1, first="Иван", last=last)
        return next(row.bits for row in explain(trained, one, replace(one, key=2)).evidence if row.field == "last")

    common, rare = bits("Иванов"), bits("Пржевальский")
    assert rare > common + 2
    assert rare == pytest.approx(np.log2(trained.m[FIELDS.index("last"), 0] / trained.rarest))


def test_an_explanation_sums_to_the_score(trained):
    other = replace(IVAN, key=2, first="Ваня", phones=("+79161112233",), street="")
    told = explain(trained, IVAN, other)
    assert sum(row.bits for row in told.evidence) == pytest.approx(told.bits)
    assert score(trained, IVAN, [other]) == [pytest.approx(told.bits)]
    assert told.probability == pytest.approx(probability(told.bits))
    assert [row.field for row in told.evidence] == [*FIELDS, "household", "prior"]
    levels = {row.field: row.level for row in told.evidence}
    assert levels["first"] == "alike" and levels["phone"] == "differs" and levels["street"] == "missing"
    assert all(row.bits == 0 for row in told.evidence if row.level == "missing")


def test_one_person_scores_above_a_relative_and_a_relative_above_nobody(trained):
    wife = replace(IVAN, key=3, first="Мария", last="Иванова", birthday="1990-11-02")
    stranger = Person(key=4, first="Пётр", last="Волков", birthday="1971-01-30", phones=("+79160000001",), city="Омск")
    same, family, other = score(trained, IVAN, [replace(IVAN, key=2, first="Ваня"), wife, stranger])
    assert same > 5 and family < -5 and other < -20
    assert score(trained, IVAN, []) == []


def test_the_default_model_links_what_is_clear_and_parts_what_is_not():
    default = Model.default()
    wife = replace(IVAN, first="Мария", birthday="1990-11-02")
    twin = replace(IVAN, first="Пётр")
    namesake = Person(key=5, first="Иван", last="Иванов", birthday="1961-10-30", phones=("+79160000001",), city="Омск")
    moved = replace(IVAN, phones=("+79160000001",), street="Ленина", house="8")
    bits = score(default, IVAN, [replace(IVAN, first="Vanya", last="Ivanov"), moved, wife, twin, namesake])
    assert min(bits[:2]) > 3 > -3 > max(bits[2:3] + bits[4:]) and bits[3] < 3


def test_a_model_survives_json(trained):
    again = Model.from_dict(json.loads(json.dumps(trained.to_dict())))
    assert again.to_dict() == trained.to_dict()
    other = replace(IVAN, key=2, last="Ivanoff")
    assert score(again, IVAN, [other]) == score(trained, IVAN, [other])


def test_models_of_samples_of_one_base_lie_near_each_other_and_far_from_the_default():
    base = [record.person for record in make(8, 6000)]
    one, other = (train(base[place::2]) for place in range(2))
    assert one.distance(one) == 0
    assert one.distance(other) == other.distance(one) < LINK < one.distance(Model.default())


def test_a_model_of_other_fields_is_refused(trained):
    data = trained.to_dict()
    del data["levels"]["phone"]
    with pytest.raises(KeyError):
        Model.from_dict(data)
    assert set(PLACE) == set(FIELDS)
