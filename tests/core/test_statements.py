"""Statements that are written out: what goes in is what PostgreSQL reads."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxcenter.core.statements import Statement

ECHO = Statement(
    "echo",
    "SELECT %(texts)s, %(numbers)s, %(moments)s, %(one)s",
    texts="text[]",
    numbers="bigint[]",
    moments="timestamptz[]",
    one="text",
)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
WORDS = st.sampled_from(["", "NULL", "null", "{}", "{a,b}", '"', "\\", "'", "a,b", " a ", "%s", "ё"])


@pytest.mark.django_db
@given(
    texts=st.lists(st.none() | WORDS | TEXTS, max_size=6),
    numbers=st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=6),
    hours=st.lists(st.integers(-10_000, 10_000), max_size=3),
    one=WORDS | TEXTS,
)
def test_lists_arrive_as_they_were_given(texts, numbers, hours, one):
    moments = [datetime(2026, 11, 30, tzinfo=UTC) + timedelta(hours=hour, microseconds=1) for hour in hours]
    assert ECHO.row(texts=texts, numbers=numbers, moments=moments, one=one) == (texts, numbers, moments, one)
