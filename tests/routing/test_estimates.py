"""Estimates of a wait: what each estimator says, the replay of a past, what visitors are told and how it is measured."""

import json
import random
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from cxcenter.widget import protocol
from quality.metrics.reports import Asked, report
from quality.metrics.spans import EPOCH, QUARTER
from routing import backtest, estimators, waits
from routing.actions import control, estimating, offers, queueing
from routing.estimators import ESTIMATORS, Line
from routing.models import Assignment, Backtest, WorkItem
from tests import world

# --- The estimators ---

whole = st.integers(0, 40)
seconds = st.floats(1, 5000)
lines = st.builds(
    Line,
    ahead=whole,
    slots=st.none() | st.integers(1, 50),
    handling_s=st.none() | seconds,
    patience_s=st.none() | seconds,
    last_s=st.none() | seconds,
    head_s=st.none() | seconds,
    recent_s=st.none() | seconds,
    waited_s=st.just(0.0) | seconds,
)


def test_the_figures_of_the_definitions():
    for ahead, plain, patient in ((0, 30.0, 30.0), (5, 180.0, 132.58), (11, 360.0, 208.12)):
        line = Line(ahead=ahead, slots=8, handling_s=240, patience_s=180)
        assert round(estimators.queue_length(line), 2) == plain
        assert round(estimators.patient_length(line), 2) == patient


@given(lines)
def test_an_estimate_is_no_less_than_nothing_and_needs_its_ground(line):
    for estimate in ESTIMATORS.values():
        found = estimate(line)
        assert found is None or found >= 0
    without = Line(ahead=line.ahead, waited_s=line.waited_s)
    assert {estimate(without) for estimate in ESTIMATORS.values()} == {None}
    plain, patient = estimators.queue_length(line), estimators.patient_length(line)
    assert (plain is None) == (patient is None) and (plain is None or patient <= plain + 1e-6)


@given(lines)
def test_who_has_waited_is_promised_the_rest_and_nothing_when_that_is_over(line):
    for estimate, said in (
        (estimators.last_served, line.last_s),
        (estimators.recent_mean, line.recent_s),
        (estimators.head_of_line, line.last_s if line.head_s is None else line.head_s),
    ):
        over = said is None or (line.waited_s > 0 and line.waited_s >= said)
        assert estimate(line) == (None if over else said - line.waited_s)


def test_measures_are_believed_within_bounds():
    odd = Line(ahead=0, slots=1, handling_s=0.001)
    assert estimators.queue_length(odd) == estimators.HANDLING_S[0]
    assert estimators.queue_length(Line(ahead=0, slots=1, handling_s=1e9)) == estimators.HANDLING_S[1]
    assert estimators.patience(3600, 9) is None, "too few gave up"
    assert estimators.patience(3600, 10) == 360
    assert estimators.patience(0, 10) == estimators.PATIENCE_S[0]


# --- The replay ---


@st.composite
def pasts(draw):
    visits = []
    for _visit in range(draw(st.integers(0, 25))):
        came = draw(st.integers(0, 300))
        wait = draw(st.sampled_from([0, 1, 2, 7, 30, 90]))
        end = draw(st.sampled_from(["answered", "answered", "abandoned", "flowed_out"]))
        had = (came + wait, came + wait + draw(st.sampled_from([0, 5, 60]))) if end == "answered" else None
        visits.append(backtest.Visit(came, came + wait, end, offered=came + wait, had=had))
    return sorted(visits, key=lambda one: one.came)


def slowly(visits, at, number):
    """What was known at an arrival, looked up row by row."""
    before = [one for n, one in enumerate(visits) if one.came < at or (one.came == at and n < number)]
    ahead = [one for one in before if one.left > at and one.left > one.came]
    over = [one for one in visits if one.left <= at and one.left > one.came and one.end in {"answered", "abandoned"}]
    answered = sorted((one for one in over if one.end == "answered"), key=lambda one: one.left)
    had = [one.had for one in visits if one.had]
    done = [had_[1] - had_[0] for had_ in had if had_[1] <= at]
    recent = [one.left - one.came for one in answered if one.left > at - 900]
    lost = sum(one.end == "abandoned" for one in over)
    return Line(
        ahead=len(ahead),
        slots=sum(begin <= at < end for begin, end in had) or None,
        handling_s=sum(done) / len(done) if done else None,
        patience_s=estimators.patience(sum(one.left - one.came for one in over), lost),
        last_s=None,
        head_s=at - min(one.came for one in ahead) if ahead else None,
        recent_s=sum(recent) / len(recent) if recent else None,
    )


@settings(max_examples=150, deadline=None)
@given(pasts())
def test_the_replay_knows_what_was_known_and_nothing_more(visits):
    asked = [(number, one) for number, one in enumerate(visits) if one.has_waited]
    told = list(backtest.replay(visits))
    assert [fact for _line, fact in told] == [one.left - one.came for _number, one in asked]
    for (number, visit), (line, _fact) in zip(asked, told, strict=True):
        expected = slowly(visits, visit.came, number)
        for name in ("ahead", "slots", "patience_s", "head_s"):
            assert getattr(line, name) == getattr(expected, name), name
        for name in ("handling_s", "recent_s"):
            assert getattr(line, name) == pytest.approx(getattr(expected, name)), name


def test_the_past_of_an_hour_ago_is_forgotten():
    early = [backtest.Visit(0, 100, "answered", 50, (100, 200)), backtest.Visit(250, 300, "answered", 300)]
    later = backtest.Visit(300 + 3600, 300 + 3700, "answered", 300 + 3700)
    known = list(backtest.replay([*early, later]))
    assert [line.last_s for line, _fact in known] == [None, 100, None]
    assert [line.recent_s for line, _fact in known] == [None, 100, None]
    assert list(backtest.replay([*early, later], since=3900)) == known[-1:]


def test_the_comparison_is_over_the_same_visits_and_needs_enough_of_them():
    def known(count, **line):
        return [(Line(**line), 100.0) for _one in range(count)]

    few = backtest.compare(known(29, last_s=100, recent_s=90))
    assert few.best is None and few.scores["les"] == backtest.Score(29, 0, 0)
    found = backtest.compare(known(60, last_s=120, recent_s=90) + known(10, last_s=100))
    assert (found.best, found.visits) == ("recent", 60), "what one of them cannot tell is compared for none"
    assert found.scores["recent"] == backtest.Score(60, -10, 10) and found.scores["hol"].bias_s == 20
    rare = backtest.compare(known(60, last_s=120) + known(10, last_s=120, slots=1, handling_s=100))
    assert "ql" not in rare.scores and rare.best == "les", "an estimator that is mostly silent is none"
    assert backtest.compare([]) == backtest.Comparison({}, None, 0)


# --- In the database ---

db = pytest.mark.django_db(transaction=True)


def plant(floor, *, visits=60, seed=1, handling=120.0):
    """Two operators with one place each serve by turns; a contact each 45 to 90 s: a line that grows and falls."""
    draw, begin = random.Random(seed), timezone.now() - timedelta(days=2)
    free, came = [0.0, 0.0], 0.0
    item = floor.item(floor.chat())
    rows, legs = [], []
    for _visit in range(visits):
        came += draw.uniform(30, 90)
        took = max(came, min(free))
        gave = took + draw.uniform(0.5, 1.5) * handling
        free[free.index(min(free))] = gave
        at = {
            name: begin + timedelta(seconds=value) for name, value in (("came", came), ("took", took), ("gave", gave))
        }
        rows.append(
            WorkItem(
                queue=floor.queue,
                interaction=item.interaction,
                visit="left",
                outcome="answered",
                entered_at=at["came"],
                waits_since=at["came"],
                rank_at=at["came"],
                left_at=at["took"],
            )
        )
        legs.append(
            Assignment(
                item=rows[-1],
                interaction=item.interaction,
                operator=floor.alice,
                leg="ended",
                end="finished",
                holds=False,
                offered_at=at["took"],
                accepted_at=at["took"],
                ended_at=at["gave"],
            )
        )
    item.delete()
    WorkItem.objects.bulk_create(rows)
    Assignment.objects.bulk_create(legs)
    return begin


@db
def test_the_command_compares_and_keeps_the_best_and_the_night_does_so_for_all(floor):
    begin = plant(floor)
    said = {"queue": "Warranty", "since": begin.isoformat(), "until": timezone.now().isoformat()}
    out = StringIO()
    call_command("estimates", **said, json=True, stdout=out)
    told = json.loads(out.getvalue())["Warranty"]
    assert told["visits"] >= backtest.ENOUGH and not told["kept"] and not Backtest.objects.exists()
    best = min(told["estimators"].values(), key=lambda one: one["mae_s"])
    assert told["estimators"][told["best"]] == best
    call_command("estimates", **said, keep=True, stdout=out)
    kept = Backtest.objects.get()
    assert (kept.queue, kept.estimator, kept.visits) == (floor.queue, told["best"], told["visits"])
    assert set(kept.figures) == set(told["estimators"]) and "used from now on" in out.getvalue()
    Backtest.objects.all().delete()
    world.make_queue("Empty", team=floor.team)
    assert estimating.choose_all() == 1
    assert Backtest.objects.get().estimator == told["best"]
    for wrong in ({"queue": "Nowhere"}, {"since": "soon"}, {"since": "2026-02-01", "until": "2026-01-01"}):
        with pytest.raises(CommandError):
            call_command("estimates", **{**said, **wrong})


@db
def test_too_few_waits_choose_nothing(floor):
    begin = plant(floor, visits=12)
    found = estimating.backtest(queue=floor.queue, since=begin, until=timezone.now())
    assert found.best is None
    assert estimating.keep(queue=floor.queue, since=begin, until=timezone.now(), found=found) is None
    assert not Backtest.objects.exists()


def answered(floor, wait_s, ago_s, handling_s=60):
    """A contact that was answered so long ago, after so long a wait."""
    chat = floor.chat()
    now = timezone.now()
    left = now - timedelta(seconds=ago_s)
    WorkItem.objects.filter(interaction=chat).update(
        visit="left", outcome="answered", entered_at=left - timedelta(seconds=wait_s), left_at=left
    )
    Assignment.objects.create(
        item=floor.item(chat), interaction=chat, operator=floor.bob, leg="ended", end="finished", holds=False,
        offered_at=left, accepted_at=left, ended_at=left + timedelta(seconds=handling_s),
    )  # fmt: skip
    return chat


def use(floor, estimator):
    now = timezone.now()
    Backtest.objects.update_or_create(
        queue=floor.queue, defaults={"estimator": estimator, "since": now, "until": now, "visits": 30}
    )


@db
def test_each_estimator_is_used_live_as_it_was_compared(floor):
    for wait_s, ago_s in ((400, 1200), (100, 600), (200, 300)):
        answered(floor, wait_s, ago_s)
    floor.ready(floor.alice, capacity=1)
    busy = floor.chat(floor.alice)
    now = timezone.now()
    WorkItem.objects.filter(interaction=busy).update(
        entered_at=now - timedelta(hours=2), left_at=now - timedelta(hours=2)
    )
    first, second = floor.chat(), floor.chat()
    WorkItem.objects.filter(interaction=first).update(entered_at=now - timedelta(seconds=50))
    expected = {"ql": 120, "qla": 120, "les": 200, "hol": 50, "recent": 150}
    for estimator, seconds_ in expected.items():
        use(floor, estimator)
        place = waits.place_of(second)
        assert (place.position, place.estimator) == (2, estimator)
        assert place.estimate_s == pytest.approx(seconds_, abs=2), estimator
    use(floor, "hol")
    assert waits.place_of(first).estimate_s == pytest.approx(150, abs=2), (
        "the first is not behind himself: the last one's wait"
    )
    WorkItem.objects.filter(interaction=first).update(entered_at=now - timedelta(seconds=300))
    assert waits.place_of(first).estimate_s is None, "he has waited longer than it foretold"
    assert waits.place_of(first).position == 1
    control.pause_queue(queue=floor.queue, lasting=timedelta(minutes=5), message="", actor=floor.boss)
    assert waits.place_of(second).estimate_s is None, "nobody serves it now"
    assert waits.expected_s(floor.queue) is None


@db
def test_patience_is_measured_and_shortens_the_wait(floor):
    for _one in range(10):
        lost = floor.chat()
        now = timezone.now()
        WorkItem.objects.filter(interaction=lost).update(
            visit="left", outcome="abandoned", entered_at=now - timedelta(seconds=180), left_at=now
        )
    assert waits.patience_s(timezone.now(), [floor.queue.pk]) == {floor.queue.pk: 180}
    answered(floor, 0, 300, handling_s=240)
    floor.ready(floor.alice, capacity=8)
    for _one in range(8):
        floor.chat(floor.alice)
    chats = [floor.chat() for _one in range(6)]
    use(floor, "qla")
    # Of the table of the definitions; those who were answered have waited a moment, too.
    assert waits.place_of(chats[-1]).estimate_s == pytest.approx(132.58, abs=0.2)
    use(floor, "ql")
    assert waits.place_of(chats[-1]).estimate_s == pytest.approx(180.0)


@db
def test_places_of_other_queues_count_for_none_while_people_wait(floor):
    other = world.make_queue("Other", members=(floor.alice,), team=floor.team)
    floor.ready(floor.alice, capacity=4)
    now = timezone.now()
    assert waits.served_at_once(now, [floor.queue.pk, other.pk]) == {floor.queue.pk: 4, other.pk: 4}
    for _one in range(3):
        floor.chat(floor.alice)
    assert waits.served_at_once(now, [floor.queue.pk, other.pk]) == {floor.queue.pk: 3, other.pk: 4}


@db
def test_what_a_visitor_is_told_first_is_kept_and_measured(floor):
    answered(floor, 0, 300, handling_s=90)
    floor.ready(floor.alice, capacity=1)
    floor.chat(floor.alice)
    chat = floor.chat()
    assert floor.item(chat).estimated_at is None
    before = timezone.now()
    told = protocol.state(chat.thread)["queue"]
    assert told == {"position": 1, "estimate_s": 90}
    item = floor.item(chat)
    assert (item.estimate_s, item.estimator) == (90, "ql") and before <= item.estimated_at <= timezone.now()
    use(floor, "les")
    protocol.state(chat.thread)
    assert floor.item(chat).estimated_at == item.estimated_at, "what he is told later changes nothing"
    floor.ready(floor.bob)
    offers.accept_offer(leg_id=floor.leg(chat).pk, actor=floor.bob)
    item = floor.item(chat)
    fact_s = (item.left_at - item.estimated_at).total_seconds()
    begin = item.entered_at - (item.entered_at - EPOCH) % QUARTER
    told = report(
        Asked(begin, begin + 2 * QUARTER, by=("queue",), metrics=("foretold", "estimate_bias_s", "estimate_mae_s"))
    )
    assert told.rows[0].values == {
        "foretold": 1,
        "estimate_bias_s": pytest.approx(90 - fact_s),
        "estimate_mae_s": pytest.approx(90 - fact_s),
    }


@db
def test_without_ground_nothing_is_told_and_nothing_kept(floor):
    chat = floor.chat()
    assert protocol.state(chat.thread)["queue"] == {"position": 1, "estimate_s": None}
    assert floor.item(chat).estimated_at is None
    floor.ready(floor.alice)
    answered(floor, 0, 300)
    assert floor.item(chat).visit == "offered"
    protocol.state(chat.thread)
    assert floor.item(chat).estimated_at is None, "how long an operator thinks is not foretold"
    queueing.note_estimate(item_id=floor.item(chat).pk, estimate_s=5, estimator="ql")
    assert floor.item(chat).estimated_at is None
