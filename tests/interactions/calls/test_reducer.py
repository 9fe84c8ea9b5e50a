"""A call rebuilt from its facts, whatever has happened to them on the way."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interactions.calls.facts import Fact, Kind
from interactions.calls.reducer import Reducer, reduce
from interactions.calls.shift import ORDER, account
from interactions.calls.table import TABLE, Control, Phase
from interactions.calls.view import SUM_OF, Interval, micros
from tests.interactions.calls.stories import PARTIES, facts, logs

TALK = ("0 began customer", "1 queued customer", "5 offered op:1", "8 answered op:1")


def told(party: str, *words: str, now: float = 100) -> list[str]:
    """Return a party's stretches as `phase begin-end`."""
    view = reduce(facts(*words), now)
    return [
        f"{one.phase} {one.begin:g}-{'' if one.end is None else f'{one.end:g}'}"
        for one in view.intervals
        if one.party == party
    ]


@settings(max_examples=300)
@given(log=logs(), seed=st.integers(0, 2**32), cut=st.sets(st.integers(0, 25)))
def test_shuffled_doubled_and_cut_facts_tell_what_those_in_order_tell(log, seed, cut):
    kept = [fact for fact in log if fact.order not in cut]
    mixed = kept * 2
    Random(seed).shuffle(mixed)
    now = kept[-1].at + 5 if kept else 0
    whole = reduce(kept, now)
    assert reduce(mixed, now) == whole
    growing = Reducer()
    assert sum(growing.feed(fact) for fact in mixed) == len(kept)
    assert growing.view(now) == whole
    assert growing.view(now) == whole


@settings(max_examples=150)
@given(log=logs())
def test_intervals_are_the_phases_after_each_fact(log):
    """None overlap, none leave a gap: each moment of each party is in the one stretch that its phase says."""
    now = log[-1].at + 5 if log else 0
    view = reduce(log, now)
    for number, fact in enumerate(log):
        if number + 1 < len(log) and micros(log[number + 1].at) == micros(fact.at):
            continue
        then = reduce(log[: number + 1], now).phases
        for party in PARTIES:
            at = [one.phase for one in view.intervals if one.party == party and _covers(one, micros(fact.at))]
            assert at == [phase for phase in [then.get(party, Phase.ENDED)] if phase != Phase.ENDED]
    for one in view.intervals:
        assert one.end is None or micros(one.begin) < micros(one.end)


def _covers(one: Interval, at: int) -> bool:
    return micros(one.begin) <= at and (one.end is None or at < micros(one.end))


@settings(max_examples=300)
@given(log=logs(), muted=st.booleans(), recorded=st.booleans())
def test_no_control_outside_the_table_and_an_end_ends_it(log, muted, recorded):
    now = log[-1].at + 5 if log else 0
    view = reduce(log, now)
    for party, phase in view.phases.items():
        assert view.allowed(party, recorded=recorded) <= set(TABLE[phase])
        assert phase == Phase.ENDED or view.allowed(party, recorded=recorded)
    if any(fact.kind == Kind.ENDED for fact in log):
        assert set(view.phases.values()) <= {Phase.WRAPUP, Phase.ENDED}
    over = [Fact("end", now, 98, Kind.ENDED), Fact("done", now + 1, 99, Kind.WRAPPED_UP)]
    ended = reduce([*log, *over], now + 2)
    assert set(ended.phases.values()) <= {Phase.ENDED}


@given(log=logs())
def test_sums_are_those_of_the_stretches(log):
    now = log[-1].at + 5 if log else 0
    view = reduce(log, now)
    for party, times in view.times.items():
        for name in ("ring", "talk", "hold", "wrapup"):
            own = [one for one in view.intervals if one.party == party and SUM_OF[one.phase] == name]
            assert micros(getattr(times, f"{name}_s")) == sum(micros(one.end or now) - micros(one.begin) for one in own)


def test_a_call_in_order():
    words = (*TALK, "20 held op:1", "25 resumed op:1", "40 ended reason=hung_up", "50 wrapped_up op:1")
    assert told("op:1", *words) == ["offered 5-8", "talking 8-20", "held 20-25", "talking 25-40", "wrapup 40-50"]
    assert told("customer", *words) == ["ringing 0-8", "talking 8-20", "held 20-25", "talking 25-40"]
    view = reduce(facts(*words), 100)
    times = view.times["op:1"]
    assert (times.ring_s, times.talk_s, times.hold_s, times.wrapup_s) == (3, 27, 5, 10)
    assert (view.began, view.ended, view.reason) == (0, 40, "hung_up")


def test_not_answered_in_time_it_rings_at_the_next():
    words = (*TALK[:3], "15 refused op:1 reason=no_answer", "16 offered op:2", "18 answered op:2")
    assert told("op:1", *words) == ["offered 5-15"]
    assert told("op:2", *words) == ["offered 16-18", "talking 18-"]
    assert told("customer", *words) == ["ringing 0-18", "talking 18-"]


def test_a_customer_who_hangs_up_in_the_queue_stops_the_ringing():
    assert told("op:1", *TALK[:3], "7 left customer") == ["offered 5-7"]


def test_of_all_at_whom_it_rings_one_answers():
    words = (*TALK[:3], "6 offered op:2", "8 answered op:2")
    assert told("op:1", *words) == ["offered 5-8"]


def test_an_outgoing_call_rings_until_it_is_answered_there():
    words = ("0 began op:1", "1 offered customer", "9 answered customer")
    assert told("op:1", *words) == ["ringing 0-9", "talking 9-"]
    assert told("customer", *words) == ["offered 1-9", "talking 9-"]
    busy = (*words[:2], "4 refused customer reason=busy")
    assert told("op:1", *busy) == ["ringing 0-4", "wrapup 4-"]
    assert told("customer", *words[:2], "12 held op:1") == ["offered 1-12", "held 12-"]


def test_a_consultation_and_each_way_out_of_it():
    ask = (*TALK, "20 consulted op:1 party=op:2", "21 offered op:2", "24 answered op:2")
    assert told("customer", *ask) == ["ringing 0-8", "talking 8-20", "held 20-"]
    assert told("op:2", *ask) == ["offered 21-24", "talking 24-"]
    assert told("op:1", *ask, "30 returned op:1")[2:] == ["consulting 20-30", "talking 30-"]
    assert told("op:2", *ask, "30 returned op:1")[1:] == ["talking 24-30", "wrapup 30-"]
    done = (*ask, "30 transferred op:1 how=consult")
    assert told("op:1", *done)[2:] == ["consulting 20-30", "wrapup 30-"]
    assert told("customer", *done)[2:] == ["held 20-30", "talking 30-"]
    merged = (*ask, "30 merged op:1")
    for party in ("customer", "op:1", "op:2"):
        assert told(party, *merged)[-1] == "conferenced 30-"
        assert told(party, *merged, "40 left op:2")[-1] == ("wrapup 40-" if party == "op:2" else "talking 40-")
    # The second party hangs up: the customer is on hold until he is taken back.
    assert told("op:1", *ask, "30 left op:2", "32 resumed op:1")[2:] == [
        "consulting 20-30",
        "held 30-32",
        "talking 32-",
    ]
    # The customer hangs up: there is nobody to return to.
    assert told("op:1", *ask, "30 left customer")[2:] == ["consulting 20-30", "talking 30-"]


def test_who_is_consulted_is_who_is_called_if_nobody_said_it():
    ask = (*TALK, "20 consulted op:1", "21 offered ext:+7900", "24 answered ext:+7900")
    assert told("ext:+7900", *ask) == ["offered 21-24", "talking 24-"]
    assert Control.MERGE not in reduce(facts(*ask[:-1]), 50).allowed("op:1", recorded=False)
    assert Control.MERGE in reduce(facts(*ask), 50).allowed("op:1", recorded=False)


def test_a_blind_transfer_ends_with_the_answer_or_comes_back():
    handed = (*TALK, "20 transferred op:1 how=blind", "21 offered op:2")
    assert told("op:1", *handed, "25 answered op:2")[2:] == ["transferring 20-25", "wrapup 25-"]
    assert told("customer", *handed, "25 answered op:2")[1:] == ["talking 8-20", "ringing 20-25", "talking 25-"]
    assert told("op:1", *handed, "23 returned op:1")[2:] == ["transferring 20-23", "talking 23-"]
    assert told("op:2", *handed, "23 returned op:1") == ["offered 21-23"]
    assert told("op:1", *handed, "22 left op:1", "25 refused op:2")[2:] == ["transferring 20-22", "wrapup 22-"]
    assert told("op:1", *TALK, "20 queued customer", "22 answered op:2")[2:] == ["transferring 20-22", "wrapup 22-"]


def test_a_conference_has_room_for_four():
    words = (*TALK, "20 consulted op:1 party=op:2", "24 answered op:2", "30 merged op:1", "31 offered ext:+7900")
    assert Control.ADD not in reduce(facts(*words), 50).allowed("op:1", recorded=False)
    assert Control.ADD in reduce(facts(*words, "33 refused ext:+7900"), 50).allowed("op:1", recorded=False)
    assert told("ext:+7900", *words, "33 answered ext:+7900") == ["offered 31-33", "conferenced 33-"]
    # A member who holds hears nobody; the others talk on.
    assert told("op:1", *words, "40 held op:1", "44 resumed op:1")[-3:] == [
        "conferenced 30-40",
        "held 40-44",
        "conferenced 44-",
    ]
    assert told("customer", *words, "40 held op:1")[-1] == "conferenced 30-"


@pytest.mark.parametrize(
    ("words", "stretches"),
    [
        (("10 held op:1",), ["held 10-"]),
        (("5 offered op:1", "10 muted op:1"), ["offered 5-10", "talking 10-"]),
        (("5 offered op:1", "10 unmuted op:1"), ["offered 5-10", "talking 10-"]),
        (("10 resumed op:1",), ["talking 10-"]),
        (("10 answered op:1", "20 resumed op:1"), ["talking 10-"]),
        (("10 answered op:1", "20 wrapped_up op:1"), ["talking 10-20"]),
        (
            ("10 answered op:1", "20 left op:1", "22 wrapped_up", "30 held op:1"),
            ["talking 10-20", "wrapup 20-22", "held 30-"],
        ),
        # Late news of who has left prove nothing.
        (
            ("10 answered op:1", "20 left op:1", "21 unmuted op:1", "22 transferred op:1"),
            ["talking 10-20", "wrapup 20-"],
        ),
        (("10 left op:1",), []),
        (("10 answered op:1", "20 left customer"), ["talking 10-20", "wrapup 20-"]),
        (("10 answered op:1", "20 ended", "21 held op:1", "22 ended"), ["talking 10-20", "wrapup 20-"]),
        (("10 answered op:1", "20 left op:1", "25 answered op:1"), ["talking 10-20", "wrapup 20-25", "talking 25-"]),
        (("10 answered op:1", "11 refused op:1"), ["talking 10-"]),
    ],
)
def test_what_is_missing_is_inferred(words, stretches):
    assert told("op:1", *words) == stretches


def test_what_is_said_twice_or_late_changes_nothing():
    assert told("op:1", *TALK, "12 offered op:1") == ["offered 5-8", "talking 8-"]
    assert told("op:1", *TALK, "20 held op:1", "20 resumed op:1") == ["offered 5-8", "talking 8-"]
    # Whom it rang at beside the first one rings on, though nothing is known of the caller.
    assert told("op:2", "5 offered op:1", "5 offered op:2", "9 refused op:1") == ["offered 5-"]


def test_who_has_wrapped_up_does_not_do_so_for_an_offer_that_he_declines():
    over = (*TALK, "20 left op:1", "21 offered op:1", "25 refused op:1")
    assert told("op:1", *over)[-3:] == ["wrapup 20-21", "offered 21-25", "wrapup 25-"]
    done = (*TALK, "20 left op:1", "20.5 wrapped_up op:1", "21 offered op:1", "25 refused op:1")
    assert told("op:1", *done)[-2:] == ["wrapup 20-20.5", "offered 21-25"]


def test_who_is_consulted_stays_so_when_others_are_called():
    ask = (*TALK, "20 consulted op:1 party=op:2", "21 offered op:2", "22 offered op:3", "24 answered op:2")
    assert reduce(facts(*ask[:-1]), 50).consults == reduce(facts(*ask), 50).consults == {"op:1": "op:2"}
    assert told("op:3", *ask) == ["offered 22-24"]
    assert reduce(facts(*TALK, "20 consulted op:1 party=customer", "21 offered op:2"), 50).consults == {"op:1": "op:2"}


def test_a_handing_over_before_the_second_party_has_answered():
    ask = (*TALK, "20 consulted op:1 party=op:2", "21 offered op:2", "23 transferred op:1 how=consult")
    assert told("customer", *ask, "26 answered op:2")[1:] == [
        "talking 8-20",
        "held 20-23",
        "ringing 23-26",
        "talking 26-",
    ]


def test_a_customer_who_had_put_us_on_hold_talks_to_the_next():
    words = (*TALK, "10 held customer", "12 transferred op:1 how=blind", "15 answered op:2")
    assert told("op:1", *words)[1:] == ["talking 8-12", "transferring 12-15", "wrapup 15-"]
    assert told("customer", *words)[1:] == ["talking 8-10", "held 10-12", "ringing 12-15", "talking 15-"]


def test_a_member_of_a_conference_who_is_put_into_a_queue_leaves_it():
    words = (*TALK, "20 consulted op:1 party=op:2", "24 answered op:2", "30 merged op:1", "40 queued customer")
    assert told("customer", *words)[-2:] == ["conferenced 30-40", "ringing 40-"]
    assert told("op:1", *words)[-2:] == ["conferenced 30-40", "talking 40-"]


def test_a_pause_of_the_recording_ends_with_the_call_at_last():
    words = (*TALK, "10 recording_paused op:1", "12 recording_resumed op:1", "20 recording_paused")
    view = reduce(facts(*words), 50)
    assert view.pauses == ((10, 12), (20, None)) and view.paused
    assert Control.RESUME_RECORDING in view.allowed("op:1", recorded=True)
    assert reduce(facts(*words, "30 ended"), 50).pauses == ((10, 12), (20, 30))


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.booleans()), max_size=6)


@settings(max_examples=200)
@given(
    login=spans,
    away=spans,
    calls=st.lists(st.tuples(st.sampled_from(Phase), st.integers(0, 60), st.integers(0, 60)), max_size=8),
)
def test_the_sums_of_a_shift_are_the_time_signed_in(login, away, calls):
    now = 60e-6
    cut = [(a * 1e-6, None if still else max(a, b) * 1e-6) for a, b, still in login]
    off = [(a * 1e-6, None if still else max(a, b) * 1e-6) for a, b, still in away]
    held = [Interval("op:1", phase, a * 1e-6, max(a, b) * 1e-6) for phase, a, b in calls]
    shift = account(held, cut, off, now)
    assert shift.adds_up
    # The same by counting each microsecond.
    counted = dict.fromkeys((*ORDER, "outside"), 0)
    for at in range(60):
        busy = {SUM_OF[one.phase] for one in held if one.phase != Phase.ENDED and _covers(one, at)}
        name = next((name for name in ORDER if name in busy), "not_ready" if _inside(off, at, now) else "idle")
        if _inside(cut, at, now):
            counted[name] += 1
        elif busy:
            counted["outside"] += 1
    assert {name: getattr(shift, name) for name in counted} == counted


def _inside(pairs, at, now):
    return any(micros(begin) <= at < micros(now if end is None else end) for begin, end in pairs)


@given(logs=st.lists(logs(), max_size=3))
def test_what_calls_leave_of_a_shift_is_idle(logs):
    own = [one for log in logs for one in reduce(log, 1_700_001_000).intervals if one.party == "op:1"]
    shift = account(own, [(1_699_999_999.000001, None)], [], 1_700_001_000)
    assert shift.adds_up and shift.login == 1_000_999_999 and not shift.outside
