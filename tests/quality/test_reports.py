"""Reports: the same numbers from rows, from rollups and by plain loops; intervals by the clocks of zones; the contacts behind."""

import itertools
import random
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from threading import Thread
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cxcenter.core.errors import Invalid
from interactions.models import Interaction, Message
from quality import policies, rollups
from quality.actions import record_survey
from quality.metrics.behind import contacts
from quality.metrics.reading import one_moment
from quality.metrics.registry import METRICS
from quality.metrics.reports import Asked, named, report
from quality.metrics.spans import Interval, pieces, starts
from quality.models import USED_BY, LevelPolicy, RolledDay, Rollup
from quality.service_level import FORMULAS, Policy
from routing.models import Assignment, PresenceInterval, WorkItem
from tests import world
from tests.quality.history import BEGIN, History
from tests.quality.plain import Plain

pytestmark = pytest.mark.django_db
SINCE, UNTIL = BEGIN, BEGIN + timedelta(days=4)
POLICY = Policy("V10", 20, 10, frozenset({"B1", "B2"}))
MOSCOW, KATHMANDU = ZoneInfo("Europe/Moscow"), ZoneInfo("Asia/Kathmandu")
SPLITS = (
    (),
    ("queue",),
    ("priority", "channel"),
    ("queue", "priority", "channel"),
    ("operator",),
    ("queue", "operator"),
    ("topic",),
    ("hour",),
    ("weekday", "channel"),
    ("skill",),
    ("skill", "queue"),
    ("segment",),
    ("segment", "priority"),
)


def key_of(by, begins, zone, asks):
    """Return how `Plain` names the groups of a report split so; `asks`: path → the skills that stand in it."""

    def key(at, visit, session, operator):
        begin = max(begin for begin in begins if begin <= at)
        values = {
            "queue": [visit.queue_id if visit else None],
            "priority": [visit.priority if visit else None],
            "channel": [session.kind],
            "operator": [operator],
            "topic": [session.topic_id],
            "hour": [at.astimezone(zone).hour],
            "weekday": [at.astimezone(zone).isoweekday()],
            "skill": asks[visit.path if visit else 0],
            "segment": [visit.segments[0] if visit and visit.segments else None],
        }
        return itertools.product([begin], *(values[code] for code in by))

    return key


def compare(history, by, interval, zone, **asked):
    """Compare a report with plain loops, group by group and metric by metric."""
    begins = list(starts(SINCE, UNTIL, interval, zone))
    plain = Plain(history.written, POLICY).groups(key_of(by, begins, zone, history.asks))
    told = report(Asked(SINCE, UNTIL, by=by, interval=interval, zone=zone, policy=POLICY, **asked))
    assert {(row.at, *row.keys.values()) for row in told.rows} == set(plain)
    for row in told.rows:
        expected = plain[(row.at, *row.keys.values())]
        assert {code: row.values[code] for code in expected} == expected, (by, row.keys, row.at)
    return told


@pytest.mark.parametrize("seed", range(4))
def test_rows_rollups_and_plain_loops_tell_the_same_in_every_split(seed):
    history = History(seed).keep()
    draw = random.Random(seed)
    for summed in (False, True):
        if summed:
            assert rollups.rebuild() == 5
            # Some days are not summed up (yet), some have changed since.
            RolledDay.objects.filter(day=date(2026, 3, 28)).delete()
            RolledDay.objects.filter(day=date(2026, 3, 30)).update(stale_since=datetime.now(UTC))
        for by in SPLITS:
            interval, zone = draw.choice(list(Interval)), draw.choice([UTC_, MOSCOW, KATHMANDU])
            compare(history, by, interval, zone)
            compare(history, by, Interval.WHOLE, zone)


UTC_ = ZoneInfo("UTC")


def test_the_order_in_which_rows_come_changes_nothing():
    history = History(7)
    unwritten, told = history.written, []
    for order in (None, 1, 2, 3):
        history.written = deepcopy(unwritten)
        history.keep(shuffled=order)
        asked = Asked(SINCE, UNTIL, by=("queue", "priority"), interval=Interval.HOUR, policy=POLICY)
        told.append(report(asked))
        rollups.rebuild()
        told.append(report(asked))
        history.forget()
    assert all(one.rows == told[0].rows and one.whole == told[0].whole for one in told)


def test_a_rollup_that_is_made_again_is_the_same():
    History(3).keep()

    def rows():
        order = ("level", "at", "queue_id", "priority", "channel", "operator_id", "topic_id", "path")
        return list(Rollup.objects.order_by(*order).values())

    rollups.rebuild()
    first = [{**row, "id": 0} for row in rows()]
    rollups.rebuild()
    assert [{**row, "id": 0} for row in rows()] == first and first
    Rollup.objects.all().delete()
    assert rollups.rebuild(date(2026, 3, 28), date(2026, 3, 28)) == 1
    assert {row["day"] for row in rows()} == {date(2026, 3, 28)}


def test_reports_read_rollups_and_not_rows():
    """Otherwise the comparison above would prove nothing."""
    History(5).keep()
    rollups.rebuild()
    asked = Asked(SINCE, UNTIL, by=("queue",), interval=Interval.MONTH)
    before = report(asked)
    Rollup.objects.filter(level__in=[Rollup.Level.DAY, Rollup.Level.QUARTER]).update(offered=1000)
    assert report(asked).whole["offered"] != before.whole["offered"]
    raw = report(Asked(SINCE, UNTIL, by=("queue",), interval=Interval.MONTH, kept=False))
    assert raw.rows == before.rows


def test_a_report_is_as_many_statements_however_much_there_is():
    history = History(1).keep()

    def queries():
        with CaptureQueriesContext(
            connection,
        ) as seen:
            told = report(Asked(SINCE, UNTIL, by=("queue", "channel"), interval=Interval.QUARTER))
            named(told, "ru")
        return len(seen)

    few = queries()
    rollups.rebuild()
    # Policies (queues, versions), which days are summed up, the sums, issues, opening hours and business time, names of queues.
    assert few == queries() == 8
    assert history.written.visits


def test_late_ratings_and_imports_mark_the_day_and_the_number_is_right_at_once(django_capture_on_commit_callbacks):
    history = History(2).keep()
    rollups.rebuild()
    unrated = [v for v in Plain(history.written, POLICY).firsts if not hasattr(v.interaction, "survey")]
    asked = Asked(SINCE, UNTIL, metrics=("rated",))
    before = report(asked).whole["rated"]
    first = unrated[0]
    with django_capture_on_commit_callbacks(execute=True):
        record_survey(interaction=first.interaction, csat=5, ces=None)
    assert report(asked).whole["rated"] == before + 1
    row = RolledDay.objects.get(day=first.entered_at.date())
    assert row.stale_since is not None
    # It is summed up again when it has been quiet for a day.
    assert first.entered_at.date() not in list(rollups.due())
    assert first.entered_at.date() in list(rollups.due(datetime.now(UTC) + timedelta(hours=25)))
    rollups.roll_up(first.entered_at.date())
    assert report(asked).whole["rated"] == before + 1


def test_a_day_is_summed_up_when_its_contacts_have_been_over_for_a_day():
    history = History(2, contacts=20).keep()
    day = history.written.visits[0].entered_at.date()
    session = history.written.visits[0].interaction
    assert day in list(rollups.due())
    Interaction.objects.filter(pk=session.pk).update(closed_at=None)
    assert day not in list(rollups.due())
    Interaction.objects.filter(pk=session.pk).update(closed_at=datetime.now(UTC) - timedelta(hours=23))
    assert day not in list(rollups.due())
    Interaction.objects.filter(pk=session.pk).update(closed_at=datetime.now(UTC) - timedelta(hours=25))
    assert day in list(rollups.due())
    assert SINCE.date() not in list(rollups.due(SINCE + timedelta(hours=20)))


# --- Policies ---------------------------------------------------------------------------------


def test_a_changed_policy_recomputes_the_past_and_the_old_version_stays_reproducible():
    history = History(4).keep()
    queue = history.queues[0]
    only = {"queue": queue.pk}

    def level(version=None):
        return report(Asked(SINCE, UNTIL, only=only, version=version, metrics=("service_level",))).whole[
            "service_level"
        ]

    def plain(policy):
        visits = [v for v in history.written.visits if v.queue_id == queue.pk]
        return Plain(type(history.written)(visits=visits), policy).groups(lambda *_: [0])[0]["service_level"]

    # The usual one: V2 with the time that the queue promises.
    assert level() == plain(Policy("V2", queue.target_s))
    first, second = Policy("V5", 20, 5), Policy("V10", 31, 20, frozenset({"B1"}))
    for policy in (first, second):
        said = {"within_s": int(policy.within_s), "short_s": int(policy.short_s), "blocked": policy.blocked}
        policies.set_policy(queue=queue, formula=policy.formula, **said)
    for summed in (False, True):
        if summed:
            rollups.rebuild()
        assert level() == plain(second) != level(1) == plain(first)
        assert level(0) == plain(Policy("V2", queue.target_s))
    assert list(LevelPolicy.objects.values_list("version", "formula")) == [(1, "V5"), (2, "V10")]


def test_queues_that_count_differently_have_no_level_together_and_those_that_count_alike_have_one():
    history = History(4).keep()
    asked = Asked(SINCE, UNTIL, metrics=("service_level", "level_v1"))
    assert report(asked).whole["service_level"] is not None
    policies.set_policy(queue=history.queues[0], formula="V4", within_s=10)
    whole = report(asked).whole
    assert whole["service_level"] is None and whole["level_v1"] is not None
    by_queue = report(Asked(SINCE, UNTIL, by=("queue",), metrics=("service_level",)))
    assert all(row.values["service_level"] is not None for row in by_queue.rows if row.keys["queue"])


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("V2,T=30", Policy("V2", 30)),
        ("V5,T=20,S=5", Policy("V5", 20, 5)),
        ("V9,T=20,B=B1", Policy("V9", 20, None, frozenset({"B1"}))),
        ("V9,B=", Policy("V9", blocked=frozenset())),
    ],
)
def test_a_policy_can_be_written(text, policy):
    assert policies.read(text) == policy


@pytest.mark.parametrize("text", ["", "V11", "V2,T=x", "V2,X=1", "V5,T=5,S=5", "V2,T=-1", "V2,B=B4", "V2,T=2.5"])
def test_what_is_no_policy_is_refused(text):
    with pytest.raises(Invalid, match="V2,T=20"):
        policies.read(text)


@pytest.mark.parametrize(
    ("said", "part"),
    [
        (("V11", 20, None, ()), "formula"),
        (("V2", -1, None, ()), "within"),
        (("V5", 5, 5, ()), "short"),
        (("V9", 20, None, ("B4",)), "blocked"),
    ],
)
def test_what_is_wrong_with_a_policy_is_said_in_words_of_the_reader(said, part):
    with pytest.raises(Invalid) as refused:
        policies.checked(*said)
    told = {"formulas": ", ".join(FORMULAS), "kinds": "B1, B2, B3"}
    assert refused.value.message == str(policies.WRONG[part]) % told
    assert set(USED_BY) == set(FORMULAS)


# --- Intervals --------------------------------------------------------------------------------


def hours(begins, until):
    return [(after - begin) / timedelta(hours=1) for begin, after in zip(begins, [*begins[1:], until], strict=True)]


def local(year, month, day, zone):
    return datetime(year, month, day, tzinfo=zone)


def test_days_in_which_clocks_change_have_23_and_25_hours():
    berlin = ZoneInfo("Europe/Berlin")
    for month, day, length in ((3, 29, 23), (10, 25, 25), (7, 1, 24)):
        since = local(2026, month, day, berlin)
        until = local(2026, month, day + 1, berlin)
        assert hours(list(starts(since, until, Interval.DAY, berlin)), until) == [length]
        assert len(list(starts(since, until, Interval.HOUR, berlin))) == length
        assert len(list(starts(since, until, Interval.QUARTER, berlin))) == 4 * length


def test_a_midnight_that_is_skipped_and_half_hours_of_zones():
    # In Beirut the clocks go on at midnight; in Kathmandu a day begins at a quarter past.
    beirut = ZoneInfo("Asia/Beirut")
    begins = list(starts(local(2026, 3, 28, beirut), local(2026, 3, 31, beirut), Interval.DAY, beirut))
    assert hours(begins, local(2026, 3, 31, beirut)) == [24, 23, 24]
    (first, *_rest) = starts(local(2026, 3, 28, KATHMANDU), local(2026, 3, 29, KATHMANDU), Interval.HOUR, KATHMANDU)
    assert first == datetime(2026, 3, 27, 18, 15, tzinfo=UTC)
    howe = ZoneInfo("Australia/Lord_Howe")
    since, until = local(2026, 4, 5, howe), local(2026, 4, 6, howe)
    assert sum(hours(list(starts(since, until, Interval.HOUR, howe)), until)) == 24.5


def test_months_with_a_leap_day_and_over_new_year():
    begins = list(starts(local(2027, 12, 1, MOSCOW), local(2028, 4, 1, MOSCOW), Interval.MONTH, MOSCOW))
    assert hours(begins, local(2028, 4, 1, MOSCOW)) == [24 * days for days in (31, 31, 29, 31)]


@pytest.mark.parametrize("zone", [MOSCOW, KATHMANDU, ZoneInfo("America/New_York"), UTC_])
@pytest.mark.parametrize("interval", list(Interval))
def test_pieces_cover_the_time_once_and_whole_days_are_whole(zone, interval):
    draw = random.Random(1)
    for _time in range(20):
        since = BEGIN + timedelta(minutes=15 * draw.randrange(4000))
        until = since + timedelta(minutes=15 * (1 + draw.randrange(3000)))
        begins = list(starts(since, until, interval, zone))
        found = list(pieces(begins, since, until))
        assert found[0].lo == since and found[-1].hi == until
        assert all(one.hi == after.lo for one, after in itertools.pairwise(found))
        for one in found:
            assert begins[one.bucket] <= one.lo < one.hi
            assert one.bucket + 1 == len(begins) or one.hi <= begins[one.bucket + 1]
            if one.whole:
                assert {(edge - datetime(2026, 1, 1, tzinfo=UTC)) % timedelta(days=1) for edge in (one.lo, one.hi)} == {
                    timedelta(0)
                }


def test_a_visit_at_midnight_belongs_to_the_day_that_begins():
    history = History(1, contacts=0)
    session = Interaction.objects.create(thread=history.threads[0], kind="voice", closed_at=BEGIN)
    midnight = local(2026, 3, 29, ZoneInfo("Europe/Berlin"))
    at = {"entered_at": midnight, "waits_since": midnight, "rank_at": midnight, "left_at": midnight}
    WorkItem.objects.create(queue=history.queues[0], interaction=session, visit="left", outcome="answered", **at)
    told = report(
        Asked(
            midnight - timedelta(days=1), midnight + timedelta(days=1), zone=ZoneInfo("Europe/Berlin"),
            interval=Interval.DAY, metrics=("offered",),
        )
    )  # fmt: skip
    assert [(row.at, row.values["offered"]) for row in told.rows] == [(midnight.astimezone(UTC), 1)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"since": SINCE + timedelta(minutes=1)}, "full quarter"),
        ({"until": SINCE}, "end after it begins"),
        ({"by": ("colour",)}, "There is no colour; there are: queue, priority"),
        ({"metrics": ("joy",)}, "There is no joy; there are: offered"),
        ({"interval": Interval.QUARTER, "until": SINCE + timedelta(days=60)}, "More than 5000 intervals"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(change, words):
    with pytest.raises(Invalid, match=words):
        report(Asked(**{"since": SINCE, "until": UNTIL, **change}))


# --- Issues and states ------------------------------------------------------------------------


def test_repeats_and_first_contact_resolution_by_customer_and_topic():
    history = History(1, contacts=0)
    thread, other = history.threads[:2]
    topic = history.topics[0]
    days = timedelta(days=1)
    told = [
        (thread, topic, 0), (thread, topic, 7 * days), (thread, topic, 14.001 * days), (other, topic, 1 * days),
        (thread, history.topics[1], 2 * days), (thread, None, 3 * days),
    ]  # fmt: skip
    for whose, about, after in told:
        at = BEGIN + (after or timedelta(0))
        Interaction.objects.create(
            thread=whose, profile=whose.profile, kind=whose.channel.kind, topic=about, opened_at=at, closed_at=at,
            last_message_at=at,
        )  # fmt: skip
    whole = report(Asked(BEGIN, BEGIN + 30 * days, metrics=("repeat_rate", "fcr"))).whole
    # Five with a topic; one came again within seven days, the seventh included.
    assert whole["repeat_rate"] == 1 / 5
    # Issues: at 0 (two contacts), at 14, of the other customer, of the other topic.
    assert whole["fcr"] == 3 / 4


def test_times_of_states_add_up_and_are_cut_at_the_edges_of_intervals():
    user = world.make_user("anna")
    hour = timedelta(hours=1)
    midnight = datetime(2026, 3, 28, tzinfo=UTC)
    for state, begins, ends in (
        ("available", -0.5, 0.25), ("busy", 0.25, 1), ("wrapup", 1, 1.5), ("pause", 1.5, 1.75), ("not_responding", 1.75, 2),
        ("offline", 2, 5),
    ):  # fmt: skip
        PresenceInterval.objects.create(
            user=user, state=state, started_at=midnight + begins * hour, ended_at=midnight + ends * hour
        )
    codes = (
        "login_s", "available_s", "handling_s", "pause_s", "not_responding_s", "occupancy", "utilisation", "shrinkage",
    )  # fmt: skip
    told = report(Asked(midnight, midnight + 5 * hour, by=("operator",), interval=Interval.HOUR, metrics=codes))
    found = [(row.at.hour, row.keys["operator"], *row.values.values()) for row in told.rows]
    assert found[:2] == [
        (0, user.pk, 3600, 900, 2700, 0, 0, 0.75, 0.75, 0),
        (1, user.pk, 3600, 0, 1800, 900, 900, 1, 0.5, 0.5),
    ]
    assert told.whole["login_s"] == 7200 and told.whole["occupancy"] == 4500 / 5400
    # A queue has no operators' time of its own.
    assert report(Asked(midnight, midnight + 5 * hour, by=("queue",), metrics=codes)).whole["occupancy"] is None


def test_a_reply_answers_the_first_message_since_the_one_before_and_is_charged_to_who_holds_the_contact():
    history = History(1, contacts=0)
    thread, (anna, boris, _other) = history.threads[0], history.operators

    def at(seconds):
        return BEGIN + timedelta(seconds=seconds)

    session = Interaction.objects.create(thread=thread, kind="webchat", opened_at=at(0), closed_at=at(900))
    moments = {"entered_at": at(0), "waits_since": at(0), "rank_at": at(0), "left_at": at(30)}
    first, second = (
        WorkItem.objects.create(
            queue=history.queues[0],
            interaction=session,
            visit="left",
            outcome="answered",
            only_preferred=meant,
            **moments,
        )
        for meant in (False, True)
    )
    ends = {"leg": "ended", "holds": False, "interaction": session}
    Assignment.objects.create(
        item=first, operator=anna, accepted_at=at(30), ended_at=at(300), end="transferred", **ends
    )
    Assignment.objects.create(
        item=second, operator=boris, accepted_at=at(320), ended_at=at(900), end="transferred", **ends
    )
    talk = [
        # He waited for 40 s, his second message changes nothing; what a colleague writes meanwhile is Anna's.
        ("customer", 5, anna), ("customer", 25, anna), ("system", 30, anna), ("staff", 45, boris), ("staff", 50, anna),
        # The bot has answered this one; nobody holds the contact as this one is written.
        ("customer", 60, anna), ("bot", 61, anna), ("staff", 70, anna), ("customer", 290, anna), ("staff", 310, anna),
        ("customer", 315, boris), ("staff", 335, boris), ("customer", 400, boris), ("staff", 402, boris),
    ]  # fmt: skip
    for seq, (author, seconds, user) in enumerate(talk):
        session.last_message = Message.objects.create(
            thread=thread, interaction=session, channel=thread.channel, seq=seq, staff_changed=0, author=author,
            user=user if author == "staff" else None, at=at(seconds),
        )  # fmt: skip
    session.save()
    codes = ("response_time", "transfer_rate", "transfer_rate_blind", "transfer_rate_queue")
    told = report(Asked(SINCE, UNTIL, by=("operator",), metrics=codes))
    found = {row.keys["operator"]: tuple(row.values.values()) for row in told.rows}
    # Anna's went to one person, Boris's to no visit that is known.
    assert found == {anna.pk: (40, 1, 1, 0), boris.pk: ((20 + 2) / 2, 1, 0, 1)}
    assert told.whole["response_time"] == (40 + 20 + 2) / 3
    behind = contacts(Asked(SINCE, UNTIL), "response_time")
    assert {leg.operator_id for leg in behind} == {anna.pk, boris.pk}
    # Without being asked for it is not counted.
    with CaptureQueriesContext(connection) as seen:
        report(Asked(SINCE, UNTIL, metrics=("offered", "aht")))
    assert not any("interactions_message" in query["sql"] for query in seen)


# --- The contacts behind a number -------------------------------------------------------------


def test_behind_each_count_stand_as_many_contacts():
    History(6).keep()
    told = report(Asked(SINCE, UNTIL, by=("queue", "channel"), policy=POLICY))
    counts = [code for code, one in METRICS.items() if one.unit == "count" and one.of_contacts]
    for row in told.rows:
        for code in counts:
            rows = contacts(Asked(SINCE, UNTIL, only=row.keys, policy=POLICY), code)
            assert rows.count() == row.values[code], (code, row.keys)


def test_behind_a_share_stand_those_above_the_line():
    history = History(6).keep()
    late = contacts(Asked(SINCE, UNTIL), "reaction_late")
    assert {row.pk for row in late} == {
        v.pk
        for v in Plain(history.written, POLICY).firsts
        if v.interaction.first_reply_at and v.interaction.first_reply_at > v.entered_at + timedelta(seconds=30)
    }
    transferred = contacts(Asked(SINCE, UNTIL), "transfer_rate")
    assert {leg.end for leg in transferred} == {"transferred"} and transferred.model is Assignment
    with pytest.raises(Invalid, match="of times or cases, not of contacts"):
        contacts(Asked(SINCE, UNTIL), "occupancy")


@pytest.mark.django_db(transaction=True)
def test_a_report_sees_one_moment_while_contacts_come_in():
    history = History(6)
    history.keep()
    rollups.rebuild()
    asked = Asked(SINCE, UNTIL, by=("queue",))

    def come_in():
        """One more visit, as another process would write it."""
        visit = history.written.visits[0]
        WorkItem.objects.create(
            queue=visit.queue, interaction=visit.interaction, visit="left", outcome="answered", entered_at=visit.entered_at,
            waits_since=visit.entered_at, rank_at=visit.entered_at, left_at=visit.left_at,
        )  # fmt: skip
        RolledDay.objects.update(stale_since=datetime.now(UTC))
        connection.close()

    with one_moment():
        before = report(asked)
        other = Thread(target=come_in)
        other.start()
        other.join()
        assert report(asked) == before
    assert report(asked).whole["offered"] == before.whole["offered"] + 1
