"""A simulated day: what must hold whatever the center, its rules and its contacts are."""

import math
from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.simulation import run as running
from routing.simulation.center import Center, Contact, Operator, Overflow, Queue, Shift
from routing.simulation.run import run
from routing.strategies import CHOICES, Rules, Steps, decide, filled, has_room

QUEUES, SKILLS = range(3), range(1, 4)
DAY = 100.0
TERMINAL = {"answered", "abandoned", "B2", "B3", "unserved"}

# The engine takes moments that are closer than a microsecond for one.
moments = st.integers(0, 90).map(float) | st.floats(0, 90).map(lambda moment: round(moment, 3))
needs = st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 5), max_size=2).map(lambda d: tuple(sorted(d.items())))


@st.composite
def paths(draw):
    after = sorted(draw(st.sets(st.sampled_from([0.1, 5.0, 12.0]), max_size=2)))
    return Steps((0.0, *after), tuple(draw(needs) for _step in range(len(after) + 1)))


@st.composite
def shifts(draw):
    edges = sorted(draw(st.lists(st.integers(0, 120), min_size=4, max_size=4, unique=True)))
    begins, *pause, ends = map(float, edges)
    return Shift(begins, ends, (tuple(pause),) if draw(st.booleans()) else ())


people = st.builds(
    Operator,
    name=st.just("one"),
    queues=st.frozensets(st.sampled_from(QUEUES), min_size=1),
    limits=st.fixed_dictionaries({"call": st.integers(0, 2), "chat": st.integers(0, 4), "mail": st.integers(0, 3)}),
    shifts=st.tuples(shifts()),
    skills=st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 5)),
)


@st.composite
def overflows(draw, number):
    later = QUEUES[number + 1 :]
    when = draw(st.sampled_from(["waited", "length", "nobody"]))
    limit = {"waited": st.sampled_from([3.0, 5.0, 20.0]), "length": st.integers(1, 3)}.get(when, st.none())
    then = draw(st.sampled_from(["queue", "close", "form"] if later else ["close", "form"]))
    return Overflow(when, then, draw(limit), draw(st.sampled_from(later)) if then == "queue" else None)


@st.composite
def centers(draw, choices=CHOICES[:3]):
    rules = st.builds(
        Rules,
        priority_weight=st.sampled_from([0.0, 1.0, 60.0]),
        wait_weight=st.sampled_from([0.0, 0.5, 1.0]),
        choice=st.sampled_from(choices),
    )
    queues = [
        Queue(
            name=str(number),
            rules=draw(rules),
            full_at=draw(st.none() | st.integers(0, 3)),
            overflow=tuple(draw(st.lists(overflows(number), max_size=3))),
        )
        for number in QUEUES
    ]
    return Center(queues, draw(st.lists(people, max_size=5)), DAY)


contacts = st.builds(
    Contact,
    at=moments,
    queue=st.sampled_from(QUEUES),
    kind=st.sampled_from(["call", "chat", "mail"]),
    service_s=st.integers(0, 30).map(float) | st.floats(0, 30),
    wrapup_s=st.sampled_from([0.0, 2.0, 4.5]),
    patience_s=st.sampled_from([math.inf, 0.0, 5.0, 20.0]),
    priority=st.integers(0, 2),
    steps=st.just(Steps()) | paths(),
    credit_s=st.sampled_from([0.0, 10.0]),
)
crowds = st.lists(contacts, max_size=25).map(lambda crowd: sorted(crowd, key=lambda contact: contact.at))
often = settings(max_examples=150, deadline=None)


class Thorough(running._Day):
    """A day whose engine is shown everybody each time; and after each moment nothing is left to decide."""

    def _shown(self):
        free = [
            desk.free(self._now) for desk in self.desks if any(desk.has_room(kind) for kind in desk.operator.limits)
        ]
        return [stay.row for stay in self._stays.values()], free

    def _ask_doors(self):
        left = decide(*self._shown(), now=self._now, rules=self._rules)
        assert not left, f"at {self._now} nobody was asked about {left}"
        super()._ask_doors()


@often
@given(centers(), crowds)
def test_what_has_changed_decides_as_everybody_would(center, crowd):
    day = Thorough(center, crowd, 0)
    day.play()
    assert run(center, crowd).visits == day.visits


@often
@given(centers(CHOICES), crowds, st.integers(0, 5))
def test_the_same_again_gives_the_same(center, crowd, seed):
    assert run(center, crowd, seed=seed) == run(center, crowd, seed=seed)


@often
@given(centers(CHOICES), crowds)
def test_every_contact_ends_once(center, crowd):
    stays = defaultdict(list)
    for visit in run(center, crowd).visits:
        stays[visit.contact].append(visit)
    assert sorted(stays) == list(range(len(crowd)))
    for place, visits in stays.items():
        assert [visit.outcome in TERMINAL for visit in visits] == [False] * (len(visits) - 1) + [True]
        assert [visit.outcome for visit in visits[:-1]] == ["flowed_out"] * (len(visits) - 1)
        assert [visit.entered for visit in visits] == [crowd[place].at, *(visit.left for visit in visits[:-1])]
        assert visits[-1].left <= max(crowd[place].at + crowd[place].patience_s, crowd[place].at) + 1e-9
        assert visits[-1].left <= DAY


@often
@given(centers(CHOICES), crowds)
def test_whoever_answers_may_can_and_has_room(center, crowd):
    log = run(center, crowd)
    hands = defaultdict(list)
    for visit in log.visits:
        if visit.outcome != "answered":
            continue
        contact, operator = crowd[visit.contact], center.operators[visit.operator]
        assert visit.queue in operator.queues
        asked = contact.steps.at(visit.left - contact.at)
        assert all(operator.skills.get(skill, 0) >= least for skill, least in asked)
        shift = operator.shifts[0]
        assert shift.begins <= visit.left <= shift.ends
        assert not any(begins < visit.left < ends for begins, ends in shift.breaks)
        hands[visit.operator].append((visit.left, contact))
    for number, taken in hands.items():
        if all(contact.kind != "mail" for _at, contact in taken):
            assert_room(center.operators[number], taken)


def assert_room(operator, taken):
    """Nothing is laid aside here: what he has in hand follows from when he took it."""
    for place, (at, contact) in enumerate(taken):
        loads = defaultdict(int)
        for began, other in taken[:place]:
            if began + other.service_s + other.wrapup_s > at + 1e-9:
                loads[other.kind] += 1
        assert has_room(operator.limits, loads, contact.kind)


@often
@given(centers(CHOICES), crowds)
def test_nobody_is_ever_over_his_limits(center, crowd):
    class Watched(running._Day):
        def _begin(self, made):
            super()._begin(made)
            desk = self.desks[made.operator]
            assert filled(desk.operator.limits, desk._loads, crowd[made.item].kind) <= 1.00001

    Watched(center, crowd, 0).play()


@often
@given(centers(CHOICES), crowds)
def test_times_of_an_operator_add_up_to_his_shift(center, crowd):
    log = run(center, crowd)
    worked = defaultdict(float)
    for visit in log.visits:
        if visit.operator is not None:
            worked[visit.operator] += crowd[visit.contact].service_s + crowd[visit.contact].wrapup_s
    for number, (operator, times) in enumerate(zip(center.operators, log.times, strict=True)):
        shift = operator.shifts[0]
        assert sum(times.values()) - times["overtime"] == pytest.approx(shift.ends - shift.begins, abs=1e-6)
        handling = times["busy"] + times["wrapup"] + times["overtime"]
        assert handling <= worked[number] + 1e-6
        if set(operator.limits.values()) <= {0, 1} and not operator.limits["mail"]:
            assert handling == pytest.approx(worked[number], abs=1e-6)


@often
@given(
    st.lists(st.tuples(moments, st.floats(0, 30)), min_size=1, max_size=40),
    st.integers(1, 4),
)
def test_one_more_operator_lets_nobody_of_a_plain_queue_wait_longer(drawn, size):
    """In one queue, served in the order of arrival by equals, without impatience: there it holds for each contact."""
    crowd = [Contact(at, 0, "call", service) for at, service in sorted(drawn)]
    one = Operator("one", frozenset({0}), {"call": 1}, (Shift(0.0, 10_000.0),))

    def waits(number):
        log = run(Center([Queue("plain")], [one] * number, 10_000.0), crowd)
        return {visit.contact: visit.wait_s for visit in log.visits}

    few, more = waits(size), waits(size + 1)
    assert all(more[place] <= few[place] + 1e-9 for place in few)


# Single days, to the second.


def day(queues, operators, crowd, **more):
    return [
        (visit.contact, visit.queue, visit.left, visit.outcome, visit.operator)
        for visit in run(Center(queues, operators, 1000.0), crowd, **more).visits
    ]


def operator(*, queues=(0,), limits=None, skills=None, breaks=(), begins=0.0, ends=1000.0):
    return Operator("one", frozenset(queues), limits or {"call": 1}, (Shift(begins, ends, breaks),), skills or {})


CALL = Contact(0.0, 0, "call", 10.0)
PLAIN = [Queue("plain")]


def test_a_step_starts_a_decision_when_it_falls_due():
    asks = replace(CALL, at=0.1, steps=Steps((0.0, 20.0, 45.0), (((1, 4),), ((1, 3),), ())))
    assert day(PLAIN, [operator(skills={1: 3})], [asks]) == [(0, 0, pytest.approx(20.1), "answered", 0)]
    assert day(PLAIN, [operator()], [asks]) == [(0, 0, pytest.approx(45.1), "answered", 0)]
    assert day(PLAIN, [operator(skills={1: 4})], [asks]) == [(0, 0, 0.1, "answered", 0)]


def test_a_step_is_not_asked_for_too_early():
    at, after_s = 76.1, 0.1
    assert at + after_s - at < after_s, "these two fall short"
    asks = replace(CALL, at=at, steps=Steps((0.0, after_s), (((1, 4),), ())))
    (_contact, _queue, left, outcome, _operator) = day(PLAIN, [operator()], [asks])[0]
    assert outcome == "answered"
    assert after_s <= left - at < after_s + 1e-9


def test_who_is_answered_at_the_last_moment_has_not_left():
    second = replace(CALL, at=1.0, patience_s=9.0)
    assert day(PLAIN, [operator()], [CALL, second])[1] == (1, 0, 10.0, "answered", 0)
    second = replace(second, patience_s=8.5)
    assert day(PLAIN, [operator()], [CALL, second])[1] == (1, 0, 9.5, "abandoned", None)


def test_wrap_up_holds_the_place_of_the_contact():
    assert day(PLAIN, [operator()], [replace(CALL, wrapup_s=5.0), replace(CALL, at=2.0)])[1][2] == 15.0


def test_priority_is_a_head_start_and_credit_is_waiting():
    later = replace(CALL, at=3.0, priority=1)
    busy = [CALL, replace(CALL, at=2.0), later]
    assert [row[0] for row in day(PLAIN, [operator()], busy)] == [0, 2, 1]
    strict = [Queue("age", Rules(priority_weight=0.5))]
    assert [row[0] for row in day(strict, [operator()], busy)] == [0, 1, 2]
    credited = [CALL, replace(CALL, at=2.0), replace(CALL, at=3.0, credit_s=1.5)]
    assert [row[0] for row in day(PLAIN, [operator()], credited)] == [0, 2, 1]


def test_a_full_queue_turns_away_the_last_who_came():
    crowd = [CALL, replace(CALL, at=1.0), replace(CALL, at=1.0), replace(CALL, at=2.0)]
    rows = day([Queue("small", full_at=1)], [operator()], crowd)
    assert [(row[0], row[3]) for row in rows] == [(0, "answered"), (2, "B2"), (3, "B2"), (1, "answered")]
    # Nobody may wait, but who finds an operator free need not.
    rows = day([Queue("none", full_at=0)], [operator()], crowd)
    assert [row[3] for row in rows] == ["answered", "B2", "B2", "B2"]


def test_overflow_and_wait_limit():
    queues = [Queue("first", overflow=(after(5.0, 1),)), Queue("second", overflow=(Overflow("waited", "close", 4.0),))]
    crowd = [CALL, CALL, CALL]
    rows = day(queues, [operator(), operator(queues=[1])], crowd)
    assert rows == [
        (0, 0, 0.0, "answered", 0),
        (1, 0, 5.0, "flowed_out", None),
        (2, 0, 5.0, "flowed_out", None),
        (1, 1, 5.0, "answered", 1),
        (2, 1, 9.0, "B2", None),
    ]


def after(limit, to):
    return Overflow("waited", "queue", limit, to)


def test_rules_of_a_queue_are_asked_in_their_order():
    """The second queue lets nobody in while one waits there: the rule after it is asked, and the first again each second."""
    small = Queue("small", full_at=1)
    queues = [Queue("first", overflow=(after(5.0, 1), after(8.0, 2))), small, Queue("third")]
    people = [operator(), operator(queues=[1]), operator(queues=[2])]
    others = [replace(CALL, queue=1), replace(CALL, queue=1, at=1.0, patience_s=5.5)]
    rows = day(queues, people, [CALL, CALL, *others])
    assert (1, 0, 7.0, "flowed_out", None) in rows, "it is tried again when the one who waits there has left"
    patient = [others[0], replace(others[1], patience_s=math.inf)]
    rows = day(queues, people, [CALL, CALL, *patient])
    assert (1, 0, 8.0, "flowed_out", None) in rows and (1, 2, 8.0, "answered", 2) in rows


def test_a_long_queue_sends_on_who_comes_and_what_is_before_it_comes_first():
    full = (Overflow("length", "queue", 1, 1), Overflow("length", "close", 2))
    crowd = [CALL, replace(CALL, at=1.0), replace(CALL, at=2.0)]
    rows = day([Queue("first", overflow=full), Queue("second")], [operator(), operator(queues=[1])], crowd)
    assert rows[1:3] == [(2, 0, 2.0, "flowed_out", None), (2, 1, 2.0, "answered", 1)]
    # Nobody is there, so that the second queue takes nobody; the other rule does not hold yet.
    rows = day([Queue("first", overflow=full), Queue("second")], [operator()], [*crowd, replace(CALL, at=3.0)])
    assert [row[3] for row in rows if row[0] in {2, 3}] == ["B2", "answered"]
    through = [
        Queue("first", overflow=(Overflow("length", "queue", 1, 1),)),
        Queue("second", overflow=(after_all,)),
        Queue("third"),
    ]
    rows = day(through, [operator(), operator(queues=[1, 2])], crowd)
    assert (2, 0, 2.0, "flowed_out", None) in rows


after_all = Overflow("length", "queue", 1, 2)


def test_where_nobody_is_there_rules_act_at_once_and_as_the_last_one_goes():
    early = replace(operator(), shifts=(Shift(10.0, 12.0),))
    nobody = Overflow("nobody", "queue", None, 1)
    crowd = [replace(CALL, at=1.0), replace(CALL, at=10.0), replace(CALL, at=11.0)]
    rows = day([Queue("first", overflow=(nobody,)), Queue("second")], [early, operator(queues=[1])], crowd)
    assert rows[:2] == [(0, 0, 1.0, "flowed_out", None), (0, 1, 1.0, "answered", 1)]
    assert (2, 0, 12.0, "flowed_out", None) in rows
    shut = day([Queue("first", overflow=(Overflow("nobody", "form"),))], [early], crowd)
    assert [(row[0], row[3]) for row in shut] == [(0, "B3"), (1, "answered"), (2, "unserved")]
    closed = day([Queue("first", overflow=(Overflow("nobody", "close"),))], [early], crowd)
    assert closed[-1] == (2, 0, 12.0, "B3", None)


def test_an_overflow_in_a_circle_is_refused():
    there, back = (Overflow("length", "close", 3), after(1.0, 1)), (Overflow("nobody", "queue", None, 0),)
    with pytest.raises(ValueError, match="comes back"):
        Center([Queue("a", overflow=there), Queue("b", overflow=back)], [], 10.0)


def test_shifts_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="ends after it begins"):
        Shift(10.0, 5.0)
    with pytest.raises(ValueError, match="within it"):
        Shift(0.0, 10.0, ((8.0, 12.0),))
    with pytest.raises(ValueError, match="overlap"):
        Operator("one", frozenset(), {}, (Shift(0.0, 10.0), Shift(9.0, 12.0)))


def test_who_comes_too_late_is_refused():
    with pytest.raises(ValueError, match="before the center closes"):
        run(Center(PLAIN, [operator()], 10.0), [replace(CALL, at=10.0)])


def test_a_call_lays_mail_aside_and_mail_goes_on_after_it():
    mail, call = replace(CALL, kind="mail", service_s=100.0), replace(CALL, at=10.0, wrapup_s=5.0)
    one = operator(limits={"call": 1, "mail": 1})
    log = run(Center(PLAIN, [one], 1000.0), [mail, call, replace(mail, at=20.0)])
    assert [(visit.contact, visit.left) for visit in log.visits] == [(0, 0.0), (1, 10.0), (2, 115.0)]
    assert log.times[0] == {"available": 785.0, "busy": 210.0, "wrapup": 5.0, "pause": 0.0, "overtime": 0.0}


def test_what_is_in_hand_at_a_break_and_at_the_end_is_finished():
    crowd = [replace(CALL, at=8.0), replace(CALL, at=19.0), replace(CALL, at=25.0), replace(CALL, at=26.0)]
    log = run(Center(PLAIN, [operator(breaks=((10.0, 20.0),), ends=30.0)], 40.0), crowd)
    assert [(visit.left, visit.outcome) for visit in log.visits] == [
        (8.0, "answered"),
        (20.0, "answered"),
        (40.0, "unserved"),
        (40.0, "unserved"),
    ]
    assert log.times[0] == {"available": 8.0, "busy": 20.0, "wrapup": 0.0, "pause": 2.0, "overtime": 0.0}
    late = run(Center(PLAIN, [operator(ends=30.0)], 40.0), [replace(CALL, at=29.0)])
    assert late.times[0]["overtime"] == 9.0


def test_even_distribution_counts_the_last_hour():
    queues = [Queue("even", Rules(choice="even"))]

    def who(*moments):
        early, late = operator(ends=20_000.0), operator(begins=90.0, ends=20_000.0)
        log = run(Center(queues, [early, late], 20_000.0), [replace(CALL, at=at, service_s=1.0) for at in moments])
        return [visit.operator for visit in log.visits]

    assert who(0.0, 20.0, 40.0, 100.0, 120.0, 140.0, 160.0, 180.0) == [0, 0, 0, 1, 1, 1, 0, 1]
    # What was taken an hour ago is forgotten one by one.
    assert who(0.0, 20.0, 40.0, 100.0, 3610.0, 3630.0) == [0, 0, 0, 1, 1, 0]


def test_who_comes_on_duty_fills_all_his_places():
    chats = [replace(CALL, kind="chat", at=float(number)) for number in range(6)]
    rows = day(PLAIN, [operator(limits={"chat": 4}, begins=20.0)], chats)
    assert [(row[0], row[2]) for row in rows] == [(0, 20.0), (1, 20.0), (2, 20.0), (3, 20.0), (4, 30.0), (5, 30.0)]


def test_idle_is_who_has_nothing_in_hand():
    chats = [replace(CALL, kind="chat", at=at, service_s=takes) for at, takes in ((0.0, 100.0), (1.0, 4.0), (6.0, 1.0))]
    queues = [Queue("idle", Rules(choice="longest_idle"))]
    assert [row[4] for row in day(queues, [operator(limits={"chat": 2})] * 2, chats)] == [0, 1, 1]


def test_a_seed_draws_operators_where_the_queue_says_so():
    crowd = [replace(CALL, at=20.0 * number) for number in range(30)]
    queues = [Queue("lot", Rules(choice="random"))]
    drawn = [tuple(row[4] for row in day(queues, [operator()] * 5, crowd, seed=seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert set(drawn[0]) == set(range(5))
