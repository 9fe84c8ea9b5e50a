"""The pure core: who gets what, when it is open, how long it takes."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.hours import Hours
from routing.strategies import Decision, Free, Waiting, decide, estimate_wait

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
QUEUES = range(1, 5)
PEOPLE = range(1, 9)

moments = st.integers(0, 20).map(lambda minutes: BEGIN + timedelta(minutes=minutes))
people = st.builds(
    Free,
    operator=st.sampled_from(PEOPLE),
    queues=st.frozensets(st.sampled_from(QUEUES), min_size=1),
    room=st.integers(0, 3),
    load=st.integers(0, 3),
    idle_since=moments,
)
contacts = st.builds(
    Waiting,
    item=st.integers(1, 1000),
    queue=st.sampled_from(QUEUES),
    rank=moments,
    preferred=st.none() | st.sampled_from(PEOPLE),
    only_preferred=st.booleans(),
    resting=st.frozensets(st.sampled_from(PEOPLE), max_size=3),
)
crowds = st.lists(people, max_size=8, unique_by=lambda p: p.operator)
lines = st.lists(contacts, max_size=25, unique_by=lambda c: c.item)


def willing(contact: Waiting, person: Free) -> bool:
    return contact.queue in person.queues and person.operator not in contact.resting


def waits_for_one(contact: Waiting) -> bool:
    """Whether a contact is for one person alone; when he has refused it, it is for all."""
    return contact.only_preferred and contact.preferred is not None and contact.preferred not in contact.resting


def slowly(line: list[Waiting], crowd: list[Free]) -> list[tuple[int, int]]:
    """The same decision, made by looking at everybody for every contact."""
    taken = {person.operator: 0 for person in crowd}
    pairs = []
    for contact in sorted(line, key=lambda c: (c.rank, c.item)):
        able = [p for p in crowd if willing(contact, p) and taken[p.operator] < p.room]
        wanted = [p for p in able if p.operator == contact.preferred]
        if not wanted and not waits_for_one(contact):
            wanted = sorted(able, key=lambda p: (p.load + taken[p.operator], p.idle_since, p.operator))
        if wanted:
            taken[wanted[0].operator] += 1
            pairs.append((contact.item, wanted[0].operator))
    return pairs


def pairs_of(decisions: list[Decision]) -> list[tuple[int, int]]:
    return [(decision.item, decision.operator) for decision in decisions]


@settings(max_examples=250, deadline=None)
@given(lines, crowds)
def test_it_decides_as_if_it_had_looked_at_everybody(line, crowd):
    assert pairs_of(decide(line, crowd)) == slowly(line, crowd)


@settings(max_examples=100, deadline=None)
@given(lines, crowds)
def test_nobody_over_room_nothing_twice_and_nobody_waits_beside_a_free_operator(line, crowd):
    decisions = decide(line, crowd)
    assert len({d.item for d in decisions}) == len(decisions)
    left = {p.operator: p.room - sum(d.operator == p.operator for d in decisions) for p in crowd}
    assert all(room >= 0 for room in left.values())
    given_ = {d.item for d in decisions}
    for contact in line:
        if contact.item in given_:
            continue
        able = [p for p in crowd if willing(contact, p) and left[p.operator]]
        assert not [p for p in able if not waits_for_one(contact) or p.operator == contact.preferred]


@settings(max_examples=100, deadline=None)
@given(lines, crowds)
def test_who_came_first_is_served_first(line, crowd):
    """Of two who ask for the same, the later one is never served while the earlier one waits."""
    alike = [replace(c, preferred=None, only_preferred=False, resting=frozenset()) for c in line]
    served = {d.item for d in decide(alike, crowd)}
    for queue in QUEUES:
        order = [c.item in served for c in sorted(alike, key=lambda c: (c.rank, c.item)) if c.queue == queue]
        assert order == sorted(order, reverse=True)


@settings(max_examples=100, deadline=None)
@given(lines, crowds, st.integers())
def test_the_same_facts_in_any_order_give_the_same(line, crowd, seed):
    shuffled_line, shuffled_crowd = line[:], crowd[:]
    Random(seed).shuffle(shuffled_line)
    Random(seed).shuffle(shuffled_crowd)
    assert decide(shuffled_line, shuffled_crowd) == decide(line, crowd)


@settings(max_examples=100, deadline=None)
@given(lines, crowds)
def test_the_reason_says_what_was_known(line, crowd):
    for decision in decide(line, crowd):
        assert decision.why["how"] in {"preferred", "even"}
        assert decision.why["free"] >= 1
        assert decision.why["load"] >= next(p.load for p in crowd if p.operator == decision.operator)


def person(operator: int, **fields) -> Free:
    return Free(**{"operator": operator, "queues": frozenset({1}), "room": 1, "load": 0, "idle_since": BEGIN, **fields})


def contact(item: int = 1, **fields) -> Waiting:
    return Waiting(**{"item": item, "queue": 1, "rank": BEGIN, **fields})


def test_least_loaded_then_longest_idle():
    busy, fresh, rested = person(1, load=1), person(2, idle_since=BEGIN + timedelta(minutes=1)), person(3)
    assert pairs_of(decide([contact(1), contact(2), contact(3)], [busy, fresh, rested])) == [(1, 3), (2, 2), (3, 1)]


def test_preferred_has_his_contact_though_others_have_less():
    assert pairs_of(decide([contact(preferred=2)], [person(1), person(2, load=3)])) == [(1, 2)]
    assert pairs_of(decide([contact(preferred=2)], [person(1), person(2, room=0)])) == [(1, 1)]
    assert decide([contact(preferred=2, only_preferred=True)], [person(1), person(2, room=0)]) == []


def test_preferred_must_serve_the_queue():
    """Who served the customer in another queue, and serves this one not, is no choice."""
    crowd = [person(1), person(2, queues=frozenset({2}))]
    assert pairs_of(decide([contact(preferred=2)], crowd)) == [(1, 1)]
    assert decide([contact(preferred=2, only_preferred=True)], crowd) == []


def test_who_refused_rests_from_it_even_if_preferred():
    crowd = [person(1), person(2)]
    refused = contact(preferred=2, only_preferred=True, resting=frozenset({2}))
    assert pairs_of(decide([refused], crowd)) == [(1, 1)]
    assert decide([refused], [person(2)]) == []
    assert decide([contact(resting=frozenset({1, 2}))], crowd) == []


# --- Waiting estimate: the figures of the definitions ---


@pytest.mark.parametrize(("ahead", "seconds"), [(0, 30), (5, 180), (11, 360)])
def test_estimate_of_the_table(ahead, seconds):
    assert estimate_wait(ahead=ahead, slots=8, handling_s=240) == pytest.approx(seconds)


def test_without_ground_there_is_no_estimate():
    assert estimate_wait(ahead=3, slots=0, handling_s=240) is None
    assert estimate_wait(ahead=3, slots=8, handling_s=0) is None


# --- Business hours ---

WORKDAYS = tuple((day, time(9), time(18)) for day in range(5))
BERLIN = "Europe/Berlin"


def hours(*weekly, zone="Europe/Moscow", special=None) -> Hours:
    return Hours(zone=zone, weekly=weekly, special=special or {})


def at(text: str, zone: str = "Europe/Moscow", fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-03-02 08:59:59", False),
        ("2026-03-02 09:00:00", True),
        ("2026-03-02 17:59:59.999999", True),
        ("2026-03-02 18:00:00", False),
        ("2026-03-07 12:00:00", False),
    ],
)
def test_open_from_the_first_to_before_the_last_minute(moment, is_open):
    assert hours(*WORKDAYS).is_open(at(moment)) is is_open


def test_the_zone_counts_and_not_the_callers():
    nine = at("2026-03-02 09:30")
    assert hours(*WORKDAYS).is_open(nine.astimezone(UTC))
    assert not hours(*WORKDAYS, zone="America/New_York").is_open(nine)
    # A day there may be another one here.
    vladivostok = hours((0, time(0), time(9)), zone="Asia/Vladivostok")
    assert vladivostok.is_open(datetime(2026, 3, 1, 15, 0, tzinfo=UTC))


def test_an_interval_may_end_with_the_day_and_go_on_after_it():
    night = hours((0, time(22), time(0)), (1, time(0), time(6)))
    for moment, is_open in (("02 21:59", False), ("02 23:59", True), ("03 00:00", True), ("03 06:00", False)):
        assert night.is_open(at(f"2026-03-{moment}")) is is_open


def test_all_day():
    assert hours(*((day, time(0), time(0)) for day in range(7))).is_open(at("2026-03-01 00:00"))


def test_several_intervals_a_day():
    lunch = hours((0, time(14), time(18)), (0, time(9), time(13)))
    assert [lunch.is_open(at(f"2026-03-02 {hour}:30")) for hour in (12, 13, 14)] == [True, False, True]
    assert lunch.next_opening(at("2026-03-02 08:00")) == at("2026-03-02 09:00")
    assert lunch.next_opening(at("2026-03-02 13:30")) == at("2026-03-02 14:00")
    assert lunch.next_opening(at("2026-03-02 18:30")) == at("2026-03-09 09:00")


def test_holidays_close_and_open():
    special = {date(2026, 3, 9): None, date(2026, 3, 7): (time(10), time(12))}
    calendar = hours(*WORKDAYS, special=special)
    assert not calendar.is_open(at("2026-03-09 12:00"))
    assert calendar.is_open(at("2026-03-07 11:00")) and not calendar.is_open(at("2026-03-07 12:00"))
    assert calendar.next_opening(at("2026-03-06 19:00")) == at("2026-03-07 10:00")
    assert calendar.next_opening(at("2026-03-07 13:00")) == at("2026-03-10 09:00")


def test_never_open_is_none():
    assert hours().next_opening(at("2026-03-02 12:00")) is None


def test_clocks_forward():
    """In Berlin 02:00 to 03:00 of 29 March 2026 does not exist."""
    opens = hours((6, time(2), time(4)), zone=BERLIN).next_opening(at("2026-03-29 01:00", BERLIN))
    assert opens.astimezone(UTC) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert opens.time() == time(3)
    skipped = hours((6, time(2), time(2, 30)), zone=BERLIN)
    assert skipped.next_opening(at("2026-03-29 01:00", BERLIN)) == at("2026-04-05 02:00", BERLIN)


def test_clocks_back():
    """In Berlin 02:00 to 03:00 of 25 October 2026 comes twice: an opening lies never in the past."""
    calendar = hours((6, time(2, 45), time(4)), zone=BERLIN)
    second = at("2026-10-25 02:30", BERLIN, fold=1)
    opens = calendar.next_opening(second.astimezone(UTC))
    assert opens.astimezone(UTC) == second.astimezone(UTC) + timedelta(minutes=15)


minutes = st.integers(0, 24 * 60 - 1).map(lambda m: time(m // 60, m % 60))
intervals = st.lists(st.tuples(st.integers(0, 6), minutes, minutes).filter(lambda i: i[1] < i[2]), max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    intervals,
    st.sampled_from(["2026-03-28", "2026-10-24", "2026-06-05"]),
    st.integers(0, 36 * 60),
)
def test_the_next_opening_is_open_and_still_to_come(weekly, day, minute):
    calendar = hours(*weekly, zone=BERLIN)
    moment = at(day, BERLIN).astimezone(UTC) + timedelta(minutes=minute)
    opens = calendar.next_opening(moment, days=1)
    if opens is not None:
        assert opens.astimezone(UTC) > moment and calendar.is_open(opens)
    if opens is None or calendar.is_open(moment) or day != "2026-06-05":
        return
    steps = int((opens - moment) / timedelta(minutes=1))
    assert not any(calendar.is_open(moment + timedelta(minutes=step)) for step in range(0, steps, 5))


def test_a_decision_says_why_in_figures():
    """Rules, the chosen one's figures, the next five, and how many were left out for which cause."""
    crowd = [Free(n, frozenset({1}), room=4, load=n // 3, idle_since=BEGIN + timedelta(minutes=n)) for n in range(1, 9)]
    crowd += [Free(20, frozenset({1}), room=0, load=4, idle_since=BEGIN), Free(21, frozenset({2}), 4, 0, BEGIN)]
    line = [Waiting(item=1, queue=1, rank=BEGIN, resting=frozenset({2, 21}))]
    (decision,) = decide(line, crowd)
    why = decision.why
    assert (decision.operator, why["how"], why["load"], why["free"]) == (1, "even", 0, 8)
    assert why["idle_since"] == (BEGIN + timedelta(minutes=1)).isoformat()
    assert [operator for operator, _load, _idle in why["next"]] == [3, 4, 5, 6, 7]
    assert why["next"][0][1:] == [1, (BEGIN + timedelta(minutes=3)).isoformat()]
    assert why["left_out"] == {"full": 1, "resting": 1}
