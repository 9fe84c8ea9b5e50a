"""All of it on small sets: quality, families, what is known not to be one person."""

from dataclasses import replace
from itertools import combinations

import pytest

from customers.matching.dedupe import Found, dedupe
from customers.matching.model import Model
from customers.matching.records import Person
from customers.matching.settings import NO_KIN
from tests.bench.golden.people import Record, make
from tests.bench.golden.truth import quality

IVAN = Person(
    key="a",
    first="Иван",
    middle="Петрович",
    last="Щербаков",
    birthday="1988-04-14",
    phones=("+79005550184",),
    postcode="630099",
    city="Новосибирск",
    street="Ленина",
    house="12",
)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return make(4, 2000)


@pytest.fixture(scope="module")
def found(records) -> Found:
    return dedupe([record.person for record in records])


def test_a_small_set_is_matched_without_labels(records, found):
    reached = quality([record.entity for record in records], [cluster.members for cluster in found.clusters])
    assert reached.f1 >= 0.95 and reached.precision >= 0.99, str(reached)


def test_twins_and_relatives_of_one_phone_stay_apart(records, found):
    wrong = {
        (records[one].person, records[other].person)
        for cluster in found.clusters
        for one, other in combinations(cluster.members, 2)
        if records[one].entity != records[other].entity
        and set(records[one].person.phones) & set(records[other].person.phones)
    }
    assert len(wrong) <= 2, wrong


def test_a_family_is_not_one_person():
    wife = replace(IVAN, key="b", first="Ольга", middle="Сергеевна", last="Щербакова", birthday="1990-11-02")
    twins = [
        replace(IVAN, key=name, first=name, middle="Иванович", birthday="2015-06-01") for name in ("Пётр", "Павел")
    ]
    again = replace(IVAN, key="c", first="Ivan", middle="", last="Scherbakov", birthday="14.04.1988")
    family = dedupe([IVAN, wife, *twins, again], model=Model.default())
    assert [cluster.members for cluster in family.clusters] == [(0, 4), (1,), (2,), (3,)]


def test_records_known_to_be_of_two_people_are_never_joined_again(records):
    people = [IVAN, replace(IVAN, key="b"), replace(IVAN, key="c")]
    assert [cluster.members for cluster in dedupe(people, model=Model.default()).clusters] == [(0, 1, 2)]
    apart = dedupe(people, model=Model.default(), apart=[("c", "a"), ("a", "gone")])
    assert not any({0, 2} <= set(cluster.members) for cluster in apart.clusters)
    assert (0, 2) not in apart.review


@pytest.mark.parametrize("has_households", [True, False])
def test_contradicting_facts_are_never_joined_unseen_where_there_are_households(has_households):
    """All but the first name and the birthday may outweigh them: then it may be a relative, where there are any."""
    default = Model.default()
    model = default if has_households else replace(default, kin=NO_KIN)
    other = replace(IVAN, key="b", first="Ольга", birthday="1961-10-30")
    both = dedupe([replace(IVAN, emails=("x7@y.ru",)), replace(other, emails=("x7@y.ru",))], model=model)
    joined = [cluster for cluster in both.clusters if cluster.size == 2 and not cluster.held]
    assert bool(joined) != has_households


def test_the_result_is_the_same_each_time(records, found):
    again = dedupe([record.person for record in records])
    assert again.clusters == found.clusters and again.review == found.review


def test_nobody_and_one_are_no_trouble():
    assert dedupe([]).clusters == []
    assert [cluster.members for cluster in dedupe([IVAN]).clusters] == [(0,)]
    empty = dedupe([Person(key=1), Person(key=2)])
    assert [cluster.members for cluster in empty.clusters] == [(0,), (1,)]


def test_the_generated_set_is_the_same_for_the_same_seed():
    assert make(9, 300) == make(9, 300) != make(10, 300)
    assert len(make(9, 300)) == 300
