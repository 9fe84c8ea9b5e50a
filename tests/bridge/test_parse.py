"""Events of a telephony platform are read with care: what is wrong is said with its field and what to do."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interactions.adapters.voice.bridge.parse import FIELDS, Wrong, digest, id_of, parse
from interactions.calls.facts import Fact, Kind

NOW = 1_700_000_000.0
AT = "2023-11-14T22:13:20+00:00"
AGENTS, QUEUES = {"1017": 7, "1018": 8}, {"sales"}


def read(**said):
    return parse({"id": "e-1", "at": AT, "call": "c-1", **said}, agents=AGENTS, queues=QUEUES, now=NOW)


def test_each_kind_becomes_a_fact_of_its_party():
    began = read(type="began", party="customer", number="+79005550184", order=3)
    assert (began.fact, began.call, began.number) == (
        Fact("e-1", NOW, 3, Kind.BEGAN, "customer", {}),
        "c-1",
        "+79005550184",
    )
    assert read(type="queued", queue="sales").fact == Fact("e-1", NOW, 0, Kind.QUEUED, "customer", {"queue": "sales"})
    consulted = read(type="consulted", party="agent:1017", to="number:+79001112233").fact
    assert (consulted.party, consulted.data) == ("op:7", {"party": "ext:+79001112233"})
    transferred = read(type="transferred", party="agent:1017", how="blind").fact
    assert (transferred.kind, transferred.data) == (Kind.TRANSFERRED, {"how": "blind"})
    assert read(type="merged").fact.party == ""
    state = parse(
        {"id": "s", "at": AT, "type": "agent_state", "agent": "1018", "state": "paused", "reason": "Lunch"},
        agents=AGENTS, queues=QUEUES, now=NOW,
    )  # fmt: skip
    assert (state.agent, state.fact, state.data) == (8, None, {"state": "paused", "reason": "Lunch"})


def test_every_kind_of_fact_can_be_told():
    assert set(Kind) <= set(FIELDS)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"type": "rang"}, "type"),
        ({"type": None}, "type"),
        ({"type": "answered"}, "party"),
        ({"type": "answered", "party": "1017"}, "party"),
        ({"type": "answered", "party": "agent:1"}, "party"),
        ({"type": "answered", "party": "number:"}, "party"),
        ({"type": "answered", "party": "agent:1017", "queue": "sales"}, "queue"),
        ({"type": "answered", "party": "agent:1017", "when": AT}, "when"),
        ({"type": "queued", "queue": "vip"}, "queue"),
        ({"type": "queued", "queue": 5}, "queue"),
        ({"type": "refused", "party": "agent:1017", "reason": "asleep"}, "reason"),
        ({"type": "ended", "reason": "asleep"}, "reason"),
        ({"type": "transferred", "party": "agent:1017", "how": "warm"}, "how"),
        ({"type": "consulted", "party": "agent:1017", "to": "agent:9"}, "to"),
        ({"type": "merged", "id": ""}, "id"),
        ({"type": "merged", "id": "x" * 101}, "id"),
        ({"type": "merged", "id": "a\x00b"}, "id"),
        ({"type": "merged", "id": "\ud800"}, "id"),
        ({"type": "merged", "call": 12}, "call"),
        ({"type": "merged", "order": -1}, "order"),
        ({"type": "merged", "order": True}, "order"),
        ({"type": "merged", "at": "2023-11-14T22:13:20"}, "at"),
        ({"type": "merged", "at": "yesterday"}, "at"),
        ({"type": "merged", "at": 1_700_000_000}, "at"),
        ({"type": "merged", "at": "2023-11-14T22:18:21+00:00"}, "at"),
        ({"type": "merged", "at": "2023-11-13T22:13:19+00:00"}, "at"),
        ({"type": "recording", "url": "file:///etc/passwd", "started_at": AT}, "url"),
        ({"type": "recording", "url": "https://x.example/1.wav"}, "started_at"),
        ({"type": "agent_state", "agent": "1017", "state": "ready"}, "call"),
    ],
)
def test_what_is_wrong_is_said_with_its_field(said, field):
    with pytest.raises(Wrong) as wrong:
        read(**said)
    assert wrong.value.field == field
    assert len(wrong.value.words) > 15


def test_the_borders_of_time_are_taken():
    assert read(type="merged", at="2023-11-14T22:18:20+00:00").at == NOW + 300
    assert read(type="merged", at="2023-11-13T22:13:20+00:00").at == NOW - 86_400


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["id", "type", "at", "call", "party", "to", "queue", "how", "state", "agent"]),
        ANYTHING | st.sampled_from(list(FIELDS)),
    )
    | ANYTHING
)
def test_whatever_comes_is_an_event_or_wrong(raw):
    assert isinstance(id_of(raw), str) and len(digest(raw)) == 64
    with suppress(Wrong):
        parse(raw, agents=AGENTS, queues=QUEUES, now=NOW)
