"""Levels of a pair: what each means, and the same for one pair as among many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.matching.compare import FIELDS, IMPLICIT, MISSING, PLACE, compare, tabulate
from customers.matching.records import Person, prepare


def level(field: str, one: dict, other: dict) -> str:
    table = tabulate([prepare(Person(key=1, **one)), prepare(Person(key=2, **other))])
    found = int(compare(table, np.array([0]), np.array([1]))[0, FIELDS.index(field)])
    return {MISSING: "missing", IMPLICIT: "implied"}.get(found) or [*PLACE[field]][found]


@pytest.mark.parametrize(
    ("field", "one", "other", "expected"),
    [
        ("first", "Иван", "ИВАН", "exact"),
        ("first", "Александр", "Саша", "alike"),
        ("first", "Юлия", "Iuliia", "alike"),
        ("first", "Bill", "William", "alike"),
        ("first", "Владимир", "Владимер", "near"),
        ("first", "Вера", "Вжра", "near"),
        ("first", "И.", "Иван", "initial"),
        ("first", "Мария", "Марина", "differs"),
        ("first", "Иван", "Пётр", "differs"),
        ("first", "", "Пётр", "missing"),
        ("last", "Щербаков", "Scherbakov", "alike"),
        ("last", "Щербаков", "Щербокав", "near"),
        ("last", "Щербакова-Ли", "Щербакова", "exact"),
        ("last", "Щербакова Ли", "li", "exact"),
        ("middle", "Петрович", "П", "initial"),
        ("birthday", "1988-04-14", "14.04.1988", "exact"),
        ("birthday", "1988-04-11", "1988-11-04", "slip"),
        ("birthday", "1988-04-14", "1988-04-15", "slip"),
        ("birthday", "1988-04-14", "1998-04-14", "slip"),
        ("birthday", "1988-04-14", "1988-04-41", "slip"),
        ("birthday", "1988-04-14", "1988-04-28", "parts"),
        ("birthday", "1988-04-14", "1988", "partial"),
        ("birthday", "1988", "1988", "partial"),
        ("birthday", "1988-04-14", "1975", "differs"),
        ("birthday", "1988-04-14", "1975-11-30", "differs"),
        ("postcode", "630099", "630990", "differs"),
        ("postcode", "630099", "630009", "near"),
        ("house", "12", "12а", "near"),
        ("house", "1", "2", "differs"),
        ("street", "ул. Ленина", "Ленина", "exact"),
        ("street", "ул. Ленина", "Lenina street", "akin"),
        ("city", "Новосибирск", "Новосибиск", "near"),
    ],
)
def test_a_level_means_what_it_is_called(field, one, other, expected):
    assert level(field, {field: one}, {field: other}) == expected
    assert level(field, {field: other}, {field: one}) == expected


@pytest.mark.parametrize(
    ("field", "one", "other", "expected"),
    [
        ("phones", ("+79005550184", "+74951112233"), ("84951112233",), "exact"),
        ("phones", ("+79005550184",), ("+79005550148",), "near"),
        ("phones", ("+79005550184",), ("+79161112233",), "differs"),
        ("emails", ("Ivan@Mail.ru",), ("x@y.ru", "ivan@mail.ru"), "exact"),
        ("emails", ("ivan@mail.ru",), ("ivan@mal.ru",), "near"),
        ("emails", ("lynx1988@mail.ru",), ("lynx1988@gmail.com",), "mailbox"),
        ("emails", ("ivan.ivanov@mail.ru",), ("ivan.ivanov@gmail.com",), "differs"),
        ("emails", (), ("ivan@mail.ru",), "missing"),
    ],
)
def test_of_several_phones_and_addresses_the_best_counts(field, one, other, expected):
    assert level(field.rstrip("s"), {field: one}, {field: other}) == expected


def test_swapped_names_are_crossed():
    names, swapped = {"first": "Иван", "last": "Щербаков"}, {"first": "Щербаков", "last": "Иван"}
    assert level("first", names, swapped) == level("last", names, swapped) == "crossed"


def test_a_relative_with_swapped_names_shares_the_surname_only():
    names, swapped = {"first": "Иван", "last": "Щербаков"}, {"first": "Щербаков", "last": "Ольга"}
    assert level("last", names, swapped) == "crossed" and level("first", names, swapped) == "differs"


def test_a_line_of_the_address_in_the_other_place_is_crossed():
    assert level("street", {"street": "Bingley Crescent"}, {"district": "bingley cres"}) == "crossed"
    assert level("district", {"street": "Bingley Crescent"}, {"district": "bingley cres"}) == "missing"


def test_a_town_that_follows_from_the_postcode_is_no_news():
    here, there = {"postcode": "630099", "city": "Бердск", "region": "54"}, {"city": "Бердск", "region": "54"}
    assert level("city", here, here) == level("region", here, here) == "implied"
    assert level("city", here, there) == "exact" and level("region", here, there) == "implied"


words = st.sampled_from(
    ["", "Иван", "Иванов", "ivanov", "Саша", "Александр", "Иваноф", "И", "Мария", "Smith", "ул. Мира"]
)
people = st.lists(
    st.builds(
        Person,
        key=st.just(0),
        first=words,
        middle=words,
        last=words,
        birthday=st.sampled_from(["", "1988-04-14", "1988", "1988-14-04", "1988-04-15", "2001-01-01"]),
        phones=st.lists(st.sampled_from(["+79005550184", "+79005550185", "+79161112233"]), max_size=3).map(tuple),
        emails=st.lists(st.sampled_from(["a1@b.ru", "a1@c.ru", "ivanov@mail.ru"]), max_size=2).map(tuple),
        postcode=st.sampled_from(["", "630099", "630098", "101000"]),
        city=words,
        street=words,
        district=words,
        house=st.sampled_from(["", "12", "12а", "7"]),
    ),
    min_size=2,
    max_size=8,
)


@settings(deadline=None, max_examples=40)
@given(people)
def test_levels_are_the_same_for_one_pair_as_among_many_and_in_either_order(group):
    records = [prepare(person) for person in group]
    left, right = np.triu_indices(len(records), 1)
    many = compare(tabulate(records), left, right)
    assert (many == compare(tabulate(records), right, left)).all()
    for row, (one, other) in enumerate(zip(left, right, strict=True)):
        alone = compare(tabulate([records[one], records[other]]), np.array([0]), np.array([1]))
        assert (alone[0] == many[row]).all()
