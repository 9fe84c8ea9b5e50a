"""Which value survives: whatever the order in which sources speak."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from customers.survivorship import GOLDEN_FIELDS, OPERATOR, Said, survive

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
fields = st.dictionaries(
    st.sampled_from([*GOLDEN_FIELDS, "shoe_size"]), st.sampled_from(["", "a", "b", "c"]), max_size=4
)
records = st.lists(
    st.builds(
        Said,
        source=st.sampled_from(["shop", "crm", OPERATOR, "form"]),
        at=st.integers(0, 500).map(lambda n: BEGIN + timedelta(minutes=n)),
        fields=fields,
        by=st.none() | st.integers(1, 3),
    ),
    max_size=8,
    unique_by=lambda said: said.at,
)


@given(records, st.integers())
def test_the_order_of_records_does_not_matter(said, seed):
    shuffled = said[:]
    Random(seed).shuffle(shuffled)
    assert survive(shuffled) == survive(said)


@given(records)
def test_each_value_comes_from_the_one_who_may_say_it(said):
    for field, winner in survive(said).items():
        assert field in GOLDEN_FIELDS and winner["source"] != "form"
        speakers = [s for s in said if field in s.fields and s.source != "form"]
        edits = [s for s in speakers if s.source == OPERATOR]
        if edits:
            assert winner["value"] == max(edits, key=lambda s: s.at).fields[field]
        else:
            assert winner["value"] == max((s for s in speakers if s.fields[field]), key=lambda s: s.at).fields[field]


@given(records)
def test_a_field_has_a_value_if_anybody_trusted_gave_one(said):
    golden = survive(said)
    for field in GOLDEN_FIELDS:
        given_ = any(s.fields.get(field) and s.source != "form" for s in said)
        cleared = any(field in s.fields and s.source == OPERATOR for s in said)
        assert (field in golden) == (given_ or cleared)


@given(records, fields)
def test_what_a_visitor_typed_changes_nothing(said, typed):
    assert survive([*said, Said("form", BEGIN + timedelta(days=9), typed)]) == survive(said)
