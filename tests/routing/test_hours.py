"""When a queue is open, and how long it takes: pure."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.hours import Hours
from routing.strategies import estimate_wait

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


def test_the_day_that_leap_years_have():
    leap = hours(*WORKDAYS)
    assert leap.is_open(at("2028-02-29 09:00")), "a Tuesday"
    assert leap.next_opening(at("2028-02-28 18:00")) == at("2028-02-29 09:00")
    assert leap.next_opening(at("2028-02-29 18:00")) == at("2028-03-01 09:00")
    holiday = hours(*WORKDAYS, special={date(2028, 2, 29): None})
    assert not holiday.is_open(at("2028-02-29 12:00")) and holiday.is_open(at("2028-02-28 12:00"))
    assert holiday.next_opening(at("2028-02-28 18:00")) == at("2028-03-01 09:00")
    # In a year without it Friday the 26th is followed by Monday the 1st.
    assert hours(*WORKDAYS).next_opening(at("2027-02-26 18:00")) == at("2027-03-01 09:00")


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


@settings(max_examples=60, deadline=None)
@given(
    weekly=st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 47), st.integers(0, 47)).filter(lambda one: one[1] != one[2]),
        min_size=1, max_size=12,
    ),
    day=st.sampled_from(["2026-03-27", "2026-10-23", "2028-02-27", "2026-06-05"]),
    holiday=st.booleans(),
)  # fmt: skip
def test_open_times_are_the_moments_at_which_it_is_open(weekly, day, holiday):
    """Half an hour by half an hour over five days: changes of clocks, a leap day, a holiday; intervals that meet are one."""
    intervals = [(n, time(a // 2, a % 2 * 30), time(b // 2, b % 2 * 30)) for n, a, b in weekly if a < b or b == 0]
    special = {date(2026, 10, 25): (time(1, 30), time(2, 30)), date(2028, 2, 29): None} if holiday else {}
    calendar = hours(*intervals, zone=BERLIN, special=special)
    since = at(day, BERLIN).astimezone(UTC)
    found = list(calendar.open_times(since, since + timedelta(days=5)))
    for step in range(5 * 48):
        moment = since + step * timedelta(minutes=30)
        assert calendar.is_open(moment) == any(opening <= moment < closing for opening, closing in found), moment
    assert all(opening < closing for opening, closing in found)
    assert all(before[1] < after[0] for before, after in pairwise(found))
