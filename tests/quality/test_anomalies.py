"""Anomalies: the rule is quiet where nothing happens and speaks where something does; each is told once and ends by itself."""

import random
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from interactions.models import Interaction, Topic
from quality import forecast
from quality.anomalies import LEAST, RARE, Usual, at_least, at_most, is_drop, is_sharp, low_tail, tail, too_long_s
from quality.watch import Watch
from routing.models import Alert, Assignment, BusinessHours, OpeningInterval, WorkItem
from tests.board.day import Day

ZONE = ZoneInfo("Europe/Moscow")


# --- The rule ------------------------------------------------------------------------------------


def poisson(draw: random.Random, mean: float) -> int:
    """A Poisson count, by exponential gaps."""
    count, left = 0, draw.expovariate(1)
    while left < mean:
        count, left = count + 1, left + draw.expovariate(1)
    return count


def test_the_tail_is_that_of_the_negative_binomial():
    usual = Usual(total=40, quarters=4)
    shape, share = 40.5, 4 / 5
    mass, total = share**shape, 0.0
    for count in range(200):
        if count >= 25:
            total += mass
        mass *= (shape + count) / (count + 1) * (1 - share)
    assert tail(25, usual) == pytest.approx(total, rel=1e-6)
    top = at_most(usual)
    assert tail(top, usual) > RARE >= tail(top + 1, usual)
    assert not is_sharp(top, usual) and is_sharp(top + 1, usual)


def test_large_counts_do_not_break_it():
    usual = Usual(total=40_000, quarters=4)
    assert not is_sharp(14_999, usual) and is_sharp(15_000, usual)
    assert at_most(usual) == 14_999


def test_the_tail_below_is_that_of_the_same_distribution():
    usual = Usual(total=80, quarters=4)
    shape, share = 80.5, 4 / 5
    mass, total = share**shape, 0.0
    for count in range(7):
        total += mass
        mass *= (shape + count) / (count + 1) * (1 - share)
    assert low_tail(6, usual) == pytest.approx(total, rel=1e-6)
    least = at_least(usual)
    assert low_tail(least, usual) > RARE >= low_tail(least - 1, usual)
    assert not is_drop(least, usual) and is_drop(least - 1, usual)
    assert is_drop(6_600, Usual(40_000, 4)) and not is_drop(6_700, Usual(40_000, 4))


def test_where_few_are_usual_none_is_no_drop():
    assert not is_drop(0, Usual(40, 4)) and at_least(Usual(40, 4)) == 0
    assert is_drop(0, Usual(44, 4)) and at_least(Usual(44, 4)) == 1
    assert not is_drop(0, None)


def test_little_is_no_anomaly_and_little_known_tells_none():
    assert not is_sharp(LEAST - 1, Usual(0, 4))
    assert is_sharp(LEAST + 2, Usual(0, 4))
    assert not is_sharp(1_000, None)


def test_a_quiet_center_stays_quiet():
    """A year of quarters in queues of all sizes: no more false alarms than one in ten thousand promises."""
    draw = random.Random(7)
    alarms = drops = quarters = 0
    for mean in (0.2, 1, 4, 15, 60):
        for _quarter in range(6_000 if mean < 60 else 2_000):
            usual = Usual(sum(poisson(draw, mean) for _week in range(4)), 4)
            count = poisson(draw, mean)
            alarms += is_sharp(count, usual)
            drops += is_drop(count, usual)
            quarters += 1
    assert alarms <= 3 * RARE * quarters
    assert drops <= 3 * RARE * quarters


@pytest.mark.parametrize(("mean", "rise"), [(4, 26), (15, 48), (60, 110)])
def test_a_sharp_rise_is_found(mean, rise):
    draw = random.Random(mean)
    found = sum(is_sharp(poisson(draw, rise), Usual(sum(poisson(draw, mean) for _ in range(4)), 4)) for _ in range(300))
    assert found >= 270


@pytest.mark.parametrize(("mean", "left"), [(15, 0.3), (20, 1), (60, 25)])
def test_a_sharp_drop_is_found(mean, left):
    draw = random.Random(mean)
    usual = [Usual(sum(poisson(draw, mean) for _ in range(4)), 4) for _ in range(300)]
    assert sum(is_drop(poisson(draw, left), one) for one in usual) >= 240


def test_what_lasts_too_long_is_told_from_enough_contacts_only():
    assert too_long_s(29, 5.0, 0.5) is None
    assert too_long_s(30, 6.0, 0.5) == pytest.approx(2980.96, abs=0.01)
    assert too_long_s(30, 3.0, 0.1) == 600


# --- On rows -------------------------------------------------------------------------------------

TODAY = date(2026, 11, 30)


def at(hour: int, minute: int = 0, *, weeks: int = 0) -> datetime:
    return datetime(2026, 11, 30, hour, minute, tzinfo=ZONE) - timedelta(weeks=weeks)


@pytest.fixture
def place(db, settings) -> Day:
    """Twenty contacts a quarter from 10:00 to 12:00 on each of the last four Mondays; half of them with a topic."""
    settings.DEFAULT_ZONE = "Europe/Moscow"
    day = Day(queues=2, operators=1, visits=0)
    day.topic = Topic.objects.create(name="Delivery", name_ru="Доставка")
    day.below = Topic.objects.create(name="Late delivery", parent=day.topic)
    for week in range(1, 5):
        for quarter in range(8):
            come(day, at(10, weeks=week) + quarter * timedelta(minutes=15), 20)
    return day


def come(
    day: Day, begin: datetime, count: int, *, waited: float = 5, topic: Topic | None = None, queue: int = 0
) -> None:
    """Let so many contacts come within a quarter of an hour; every second has a topic, at the top or below it."""
    moments = [begin + timedelta(minutes=14) * number / count for number in range(count)]
    talks = day.talks([day.channels[0]] * count)
    for number, talk in enumerate(talks):
        talk.topic = topic or (day.topic if number % 4 == 0 else day.below if number % 4 == 2 else None)
    Interaction.objects.bulk_update(talks, ["topic"])
    WorkItem.objects.bulk_create(
        WorkItem(
            queue=day.queues[queue], interaction=talk, visit="left", outcome="answered", entered_at=moment,
            waits_since=moment, rank_at=moment, left_at=moment + timedelta(seconds=waited),
        )
        for moment, talk in zip(moments, talks, strict=True)
    )  # fmt: skip


def standing() -> set[tuple[str, str]]:
    return set(Alert.objects.filter(ended_at=None).values_list("kind", "subject"))


def test_the_usual_is_the_mean_of_the_same_quarter_of_the_same_weekday(place):
    come(place, at(11, weeks=1), 8)
    # A day on which nothing came is no day; another weekday is not asked.
    WorkItem.objects.filter(entered_at__lt=at(0, weeks=3)).delete()
    come(place, at(11) - timedelta(days=1), 50)
    past = forecast.past_of(TODAY)
    queue, quarter = place.queues[0].pk, 44
    assert past.days(queue) == 3
    assert past.usual_of_queue(queue, quarter) == Usual(68, 3)
    assert past.usual_of_queue(place.queues[1].pk, quarter) is None
    assert past.a_week_ago[queue, "webchat"][quarter] == 28
    assert past.usual_of_topic(place.teams[0].pk, place.topic.pk, quarter) == Usual(34, 3)


def test_quarters_are_by_the_clock_when_clocks_change(settings):
    settings.DEFAULT_ZONE = "Europe/Berlin"
    spring, autumn, plain = (forecast.quarters_of(date(2026, month, day)) for month, day in ((3, 29), (10, 25), (6, 1)))
    assert (len(spring), len(autumn), len(plain)) == (92, 100, 96)
    assert spring[7:9] == [7, 12] and autumn[8:12] == autumn[12:16] == [8, 9, 10, 11]


def test_an_ordinary_day_is_quiet(place):
    watch = Watch()
    for quarter in range(8):
        come(place, at(10) + quarter * timedelta(minutes=15), 22)
        watch.run(at(10, 14) + quarter * timedelta(minutes=15))
    assert not Alert.objects.exists()


def test_a_rise_is_told_once_with_its_numbers_and_ends_by_itself(place):
    watch = Watch()
    come(place, at(10), 20)
    come(place, at(10, 15), 30, topic=place.below)
    assert watch.run(at(10, 20)) == 1
    assert standing() == {("topic", f"topic:{place.topic.pk}")}
    come(place, at(10, 15), 30)
    assert watch.run(at(10, 29)) == 1
    assert watch.run(at(10, 29)) == watch.run(at(10, 31)) == 0
    rise = Alert.objects.get(kind="arrivals")
    assert (rise.queue, rise.team, rise.at) == (place.queues[0], place.teams[0], at(10, 29))
    assert rise.args == {
        "count": 60, "usual": 20.0, "at_most": at_most(Usual(80, 4)), "day": "2026-11-30", "slot": 41,
        "begin": at(10, 15).timestamp(),
    }  # fmt: skip
    topic = Alert.objects.get(kind="topic")
    assert (topic.args["name"], topic.args["count"]) == ("Delivery", 45)
    # The rise goes on in the next quarter: the same alert tells the newer numbers.
    come(place, at(10, 30), 55)
    watch.run(at(10, 44))
    assert Alert.objects.get(kind="arrivals").args["slot"] == 42
    come(place, at(10, 45), 20)
    watch.run(at(10, 59))
    assert ("arrivals", rise.subject) in standing(), "the quarter before is beyond what is usual still"
    watch.run(at(11, 14))
    assert standing() == set()
    assert Alert.objects.get(pk=rise.pk).ended_at == at(11, 14)
    # A new rise is a new alert.
    come(place, at(11, 15), 60)
    watch.run(at(11, 29))
    assert Alert.objects.filter(kind="arrivals").count() == 2


def test_a_broken_entrance_is_told_when_the_quarter_is_over_and_ends_by_itself(place):
    watch, queue = Watch(), place.queues[0]
    come(place, at(10), 20)
    come(place, at(10, 15), 2)
    assert watch.run(at(10, 29)) == 0, "the quarter is not over"
    assert watch.run(at(10, 31)) == 1
    drop = Alert.objects.get()
    assert (drop.kind, drop.subject, drop.queue, drop.team) == ("drop", f"queue:{queue.pk}", queue, place.teams[0])
    assert drop.args == {
        "count": 2, "usual": 20.0, "at_least": at_least(Usual(80, 4)), "day": "2026-11-30", "slot": 41,
        "begin": at(10, 15).timestamp(),
    }  # fmt: skip
    come(place, at(10, 30), 18)
    assert watch.run(at(10, 44)) == 0
    watch.run(at(10, 46))
    assert standing() == set() and Alert.objects.get().ended_at == at(10, 46)
    # In the quarter after that nobody comes at all.
    watch.run(at(11, 1))
    assert standing() == {("drop", f"queue:{queue.pk}")}


@pytest.mark.parametrize("why", ["closed", "hours", "off"])
def test_who_is_not_let_in_is_no_drop(place, why):
    queue = place.queues[0]
    if why == "closed":
        queue.closed_until = at(11)
    elif why == "hours":
        queue.hours = BusinessHours.objects.create(name="Afternoon", zone="Europe/Moscow")
        OpeningInterval.objects.create(hours=queue.hours, day=0, opens=time(10, 20), closes=time(18))
    else:
        queue.active = False
    queue.save()
    Watch().run(at(10, 31))
    assert standing() == set()


def test_late_contacts_are_counted_while_they_wait(place):
    watch = Watch()
    come(place, at(10), 20, waited=5)
    watch.run(at(10, 14))
    assert standing() == set()
    come(place, at(10, 15), 16, waited=place.queues[0].target_s + 1)
    watch.run(at(10, 29))
    assert standing() == {("waits", f"queue:{place.queues[0].pk}")}
    # Who came at the end of the quarter is late in the next one.
    Alert.objects.all().delete()
    WorkItem.objects.filter(entered_at__gte=at(10)).delete()
    come(place, at(10, 15), 16)
    WorkItem.objects.filter(entered_at__gte=at(10, 15)).update(visit="waiting", outcome="", left_at=None)
    Watch().run(at(10, 31))
    assert ("waits", f"queue:{place.queues[0].pk}") in standing()


def test_an_operator_who_is_stuck_is_told_until_he_lets_go(place):
    (operator,), queue = place.operators, place.queues[0]
    come(place, at(10, 15), 20)
    for item in WorkItem.objects.order_by("-pk")[:40]:
        begun = at(9) + timedelta(minutes=item.pk % 40)
        Assignment.objects.create(
            item=item, interaction=item.interaction, operator=operator, leg="ended", end="finished",
            accepted_at=begun, ended_at=begun + timedelta(seconds=250 + item.pk % 100),
        )  # fmt: skip
    talk = place.talk(place.channels[0])
    item = WorkItem.objects.create(queue=queue, interaction=talk, visit="left", outcome="answered", rank_at=at(10))
    leg = Assignment.objects.create(item=item, interaction=talk, operator=operator, leg="active", accepted_at=at(10, 0))
    watch = Watch()
    watch.run(at(10, 5))
    assert standing() == set()
    watch.run(at(10, 30))
    alert = Alert.objects.get()
    assert (alert.kind, alert.subject, alert.user, alert.item) == ("stuck", f"leg:{leg.pk}", operator, item)
    assert alert.args["limit_s"] == 600
    Assignment.objects.filter(pk=leg.pk).update(holds=False, snoozed_until=at(12))
    watch.run(at(10, 31))
    assert standing() == set()


def test_looking_costs_the_same_however_many_come(place):
    def cost() -> int:
        watch = Watch()
        watch.run(at(10, 20))
        with CaptureQueriesContext(connection) as caught:
            watch.run(at(10, 20))
        return len(caught)

    come(place, at(10, 15), 10)
    few = cost()
    come(place, at(10, 15), 25, queue=1)
    assert cost() == few
