"""Which value survives: whatever the order in which sources speak."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.fields import GOLDEN_FIELDS, fields_of, unit_of
from customers.survivorship import OPERATOR, Rule, Said, rank, survive, survive_alone

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
fields = st.dictionaries(
    st.sampled_from([*GOLDEN_FIELDS, "custom.car", "shoe_size"]), st.sampled_from(["", "a", "b", "c"]), max_size=4
)
criteria = st.lists(st.sampled_from(["source", "verified", "newest", "complete"]), max_size=3, unique=True).map(tuple)
rules = st.builds(Rule, criteria=criteria, sources=st.permutations(["shop", "crm"]).map(tuple))


@st.composite
def record_sets(draw):
    many = draw(st.integers(0, 8))
    pins = st.dictionaries(st.sampled_from(["name", "address", "about"]), st.none() | st.integers(1, 9), max_size=1)
    return [
        Said(
            record=number + 1,
            source=draw(st.sampled_from(["shop", "crm", OPERATOR, "form"])),
            at=BEGIN + timedelta(minutes=draw(st.integers(0, 5))),
            fields=draw(fields),
            by=draw(st.none() | st.integers(1, 3)),
            verified=draw(st.booleans()),
            pins=draw(pins),
        )
        for number in range(many)
    ]


def filled(unit, said):
    return any(said.fields.get(name) for name in fields_of(unit))


@given(record_sets(), st.integers(), rules)
def test_the_order_of_records_does_not_matter(said, seed, rule):
    shuffled = said[:]
    Random(seed).shuffle(shuffled)
    by_group = {"name": rule, "address": rule, "custom": rule}
    assert survive(shuffled, by_group) == survive(said, by_group)


@given(record_sets(), rules)
def test_a_value_is_never_empty_and_never_a_visitors_word(said, rule):
    for field, winner in survive(said, {"name": rule, "about": rule}).items():
        record = said[winner["record"] - 1]
        assert winner["value"] and winner["source"] != "form" and record.fields[field] == winner["value"]


@given(record_sets())
def test_a_field_has_a_value_if_a_source_gave_one(said):
    golden = survive(said)
    for field in GOLDEN_FIELDS:
        if any(filled(unit_of(field), s) for s in said if s.source not in {"form", OPERATOR}):
            assert any(name in golden for name in fields_of(unit_of(field)))


@given(record_sets())
def test_parts_of_a_name_or_address_come_from_one_record(said):
    golden = survive(said)
    for unit in ("name", "address"):
        assert len({golden[name]["record"] for name in fields_of(unit) if name in golden}) <= 1


@given(record_sets())
def test_what_a_person_decided_last_wins(said):
    golden = survive(said)
    for unit in ("name", "address", "about"):
        decided = [s for s in said if unit in s.pins or (s.source == OPERATOR and set(s.fields) & set(fields_of(unit)))]
        if not decided:
            continue
        last = max(decided, key=lambda s: (s.at, s.record))
        chosen = last.pins.get(unit, last.record)
        if chosen and chosen <= len(said) and filled(unit, said[chosen - 1]) and said[chosen - 1].source != "form":
            given_ = [golden[name] for name in fields_of(unit) if name in golden]
            assert given_ and all(one["record"] == chosen and one["pinned"] for one in given_)


@given(record_sets(), fields)
def test_what_a_visitor_typed_changes_nothing(said, typed):
    assert survive([*said, Said(99, "form", BEGIN + timedelta(days=9), typed)]) == survive(said)


def said(record, source, days, verified=False, pins=None, **values):
    return Said(record, source, BEGIN + timedelta(days=days), values, verified=verified, pins=pins or {})


SHOP = said(1, "shop", 1, name="Kate Orlova", first_name="Kate", last_name="Orlova", verified=True)
CRM = said(2, "crm", 3, name="Kate")
DMS = said(3, "dms", 2, name="Ekaterina A. Orlova", first_name="Ekaterina", middle_name="A.", last_name="Orlova")


@pytest.mark.parametrize(
    ("rule", "order"),
    [
        (Rule(("verified", "newest")), [1, 2, 3]),
        (Rule(("newest",)), [2, 3, 1]),
        (Rule(("complete",)), [3, 1, 2]),
        (Rule(("source", "newest"), ("dms",)), [3, 2, 1]),
        (Rule(("source", "newest"), ("crm", "dms")), [2, 3, 1]),
    ],
)
def test_each_criterion(rule, order):
    assert [one.record for one in rank("name", [SHOP, CRM, DMS], rule).candidates] == order


def test_an_edit_wins_and_an_emptied_one_gives_the_word_back_to_the_sources():
    first = said(4, OPERATOR, 4, name="Katya")
    assert survive([SHOP, CRM, first])["name"]["value"] == "Katya"
    emptied = said(5, OPERATOR, 5, name="")
    assert survive([SHOP, CRM, first, emptied])["name"]["value"] == "Kate Orlova"
    # Where only the operator had said something nothing is left.
    assert "name" not in survive([first, emptied])
    # And both edits can still be chosen.
    assert [one.record for one in rank("name", [SHOP, first, emptied]).candidates] == [1, 4]


def test_a_pin_holds_until_it_is_taken_back_and_ends_with_its_record():
    pin = said(4, OPERATOR, 4, pins={"name": 2})
    golden = survive([SHOP, CRM, pin])["name"]
    assert (golden["value"], golden["pinned"]) == ("Kate", True)
    assert survive([SHOP, CRM, pin, said(5, OPERATOR, 5, pins={"name": None})])["name"]["value"] == "Kate Orlova"
    # After an unmerge the chosen record is no longer there.
    assert survive([SHOP, pin])["name"]["value"] == "Kate Orlova"


@given(fields, st.booleans(), st.none() | st.integers(1, 3))
def test_a_record_that_is_alone_gives_all_it_says(said, verified, by):
    one = Said(record=7, source="crm", at=BEGIN, fields=said, by=by, verified=verified)
    alone, rest = survive_alone(one), survive([one])
    assert alone == rest and list(alone) == list(rest)
