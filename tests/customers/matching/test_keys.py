"""Keys: records of one person meet whatever the error, and there are not too many of them."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.matching.keys import candidates, keys
from customers.matching.records import Person, birthday, phone, place, prepare
from customers.matching.settings import MAX_BLOCK, MAX_KEY, MAX_KEYS

PERSON = Person(
    key=1,
    first="Александр",
    middle="Сергеевич",
    last="Щербаков",
    birthday="1988-04-14",
    phones=("+7 900 555-01-84",),
    emails=("a.scherbakov@mail.ru",),
    postcode="630099",
    city="Новосибирск",
    street="ул. Ленина",
    house="12",
)
BARE = replace(PERSON, phones=(), emails=(), postcode="", city="", street="", house="")


@pytest.mark.parametrize(
    "change",
    [
        {"last": "Щербокав"},
        {"last": "Щрбаков", "first": "Алксандр"},
        {"last": "Shcherbakov", "first": "Aleksandr", "middle": "Sergeevich"},
        {"last": "Александр", "first": "Щербаков"},
        {"first": "Саша"},
        {"first": "Sasha", "last": "Scherbakoff"},
        {"last": "ЩЕРБАКОВ ", "first": "Алекс\u200bандр"},
        {"birthday": "1988-14-04"},
        {"birthday": "1988-04-15"},
        {"birthday": "1989-04-14"},
        {"birthday": "1988-05-14", "first": "Саша"},
        {"birthday": "1988"},
        {"last": "Иванов"},
        {"middle": ""},
        {"birthday": "", "last": "Shcherbakow"},
    ],
)
def test_names_and_birthday_alone_bring_a_damaged_record_together(change):
    assert set(keys(BARE)) & set(keys(replace(BARE, **change)))


@pytest.mark.parametrize("kept", ["phones", "emails"])
def test_one_identity_is_enough(kept):
    other = Person(key=2, first="Кто-то", last="Другой", **{kept: getattr(PERSON, kept)})
    assert set(keys(PERSON)) & set(keys(other))


def test_a_moved_phone_leaves_the_name_and_the_birthday():
    assert set(keys(PERSON)) & set(keys(replace(PERSON, phones=("+79135550000",), emails=(), postcode="", street="")))


def test_lines_of_an_address_may_be_swapped():
    there = Person(key=2, first="А", street="Заельцовский район", district="ул. Ленина", house="12")
    assert set(keys(there)) & set(keys(Person(key=3, first="Б", street="улица Ленина", house="12")))


def test_strangers_do_not_meet():
    stranger = Person(
        key=2, first="Ольга", last="Волкова", birthday="1971-11-30", phones=("+79161112233",), city="Москва"
    )
    assert not set(keys(PERSON)) & set(keys(stranger))


texts = st.text(max_size=12)


@settings(max_examples=50, deadline=None)
@given(
    st.builds(
        Person,
        key=st.just(0),
        first=texts | st.just("Слава"),
        last=texts,
        birthday=st.dates().map(str) | texts,
        postcode=st.text(max_size=200),
        phones=st.lists(texts, max_size=9).map(tuple),
        emails=st.lists(texts, max_size=9).map(tuple),
        street=texts,
        district=texts,
        house=texts,
    )
)
def test_keys_are_few_short_and_without_repeats(person):
    found = keys(person)
    assert len(found) <= MAX_KEYS and len(set(found)) == len(found)
    assert found == keys(person) and all(len(key) <= MAX_KEY for key in found)


def test_a_key_says_what_it_is_made_of():
    found = keys(PERSON)
    assert "phone:9005550184" in found and "initials+year+month:S+a:1988:04" in found


def test_candidates_are_all_pairs_of_small_blocks_and_no_others():
    people = [Person(key=n, phones=(f"+7900000000{n % 3}",)) for n in range(9)]
    left, right = candidates([prepare(person) for person in people])
    assert set(zip(left.tolist(), right.tolist(), strict=True)) == {
        pair for pair in combinations(range(9), 2) if pair[0] % 3 == pair[1] % 3
    }


def test_a_key_of_too_many_brings_nobody_together():
    crowd = [prepare(Person(key=n, phones=("+79000000000",))) for n in range(MAX_BLOCK + 1)]
    assert len(candidates(crowd)[0]) == 0
    assert len(candidates(crowd[1:])[0]) == MAX_BLOCK * (MAX_BLOCK - 1) // 2
    assert len(candidates([])[0]) == 0


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("1988-04-14", "19880414"),
        ("14.04.1988", "19880414"),
        ("19880414", "19880414"),
        ("1988-04", "198804??"),
        ("1988", "1988????"),
        ("1988-00-00", "1988????"),
        ("1988-4-1", "19880401"),
        ("19160017", "19160017"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_a_birthday_is_digits_with_holes(text, digits):
    assert birthday(text) == digits


def test_country_codes_and_kinds_of_streets_do_not_matter():
    assert phone("8 (900) 555-01-84") == phone("+79005550184")
    assert place("ул. Ленина") == place("Ленина улица") == place("ul. Lenina") == "lenina"
    assert place("Rupp St") == place("rupp street") and place("дом") == "dom"
