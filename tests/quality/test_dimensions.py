"""Splits by what visits asked for and by the clock: skills overlap and the whole counts once; hours are those of the zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from interactions.models import Interaction
from quality import rollups
from quality.metrics.behind import contacts
from quality.metrics.registry import METRICS
from quality.metrics.reports import Asked, named, report
from quality.metrics.spans import Interval
from quality.models import RolledDay, Rollup
from routing.models import WorkItem
from tests.quality.history import History
from tests.quality.test_reports import SINCE, UNTIL

pytestmark = pytest.mark.django_db


@pytest.fixture
def skilled():
    """A history whose visits ask in turn for nothing, for Russian, and for Russian and mortgages (which loosen)."""
    history = History(11).keep()
    return history, *history.skills, list(history.asks)


def counted(history, paths):
    return sum(visit.path in paths for visit in history.written.visits)


def test_a_visit_stands_with_each_skill_it_asked_for_and_once_in_the_whole(skilled):
    history, russian, mortgage, (nothing, one, both) = skilled
    rollups.rebuild()
    for kept in (True, False):
        told = report(Asked(SINCE, UNTIL, by=("skill",), kept=kept))
        offered = {row.keys["skill"]: row.values["offered"] for row in told.rows}
        assert offered == {
            russian.pk: counted(history, {one, both}),
            mortgage.pk: counted(history, {both}),
            None: counted(history, {nothing}),
        }
        assert told.whole["offered"] == len(history.written.visits) < sum(offered.values())
        assert told.whole == report(Asked(SINCE, UNTIL, kept=kept)).whole | dict.fromkeys(
            ("repeat_rate", "fcr", "first_response_open")
        ) | {code: None if one.unit == "share" else 0 for code, one in METRICS.items() if one.of_times}
        assert told.whole["contacts"] == told.whole["agents"] + told.whole["bot"] + told.whole["queue"]
    assert named(told, "en")["skill"] == {russian.pk: "Russian", mortgage.pk: "Mortgages"}


def test_a_skill_narrows_and_splits_with_others_and_its_contacts_are_as_many(skilled):
    history, russian, mortgage, _paths = skilled
    narrowed = report(Asked(SINCE, UNTIL, by=("skill", "queue"), only={"skill": mortgage.pk}))
    assert {row.keys["skill"] for row in narrowed.rows} == {mortgage.pk}
    split = report(Asked(SINCE, UNTIL, by=("queue", "skill")))
    assert len({row.keys["queue"] for row in split.rows}) == len(history.queues) + 1
    counts = [code for code, one in METRICS.items() if one.unit == "count" and one.of_contacts]
    for row in split.rows:
        for code in counts:
            rows = contacts(Asked(SINCE, UNTIL, only=row.keys), code)
            assert rows.count() == row.values[code], (code, row.keys)
    for told in narrowed.rows:
        (same,) = [row for row in split.rows if row.keys == told.keys]
        assert same.values == told.values
    assert report(Asked(SINCE, UNTIL, only={"skill": 10**9})).whole["offered"] == 0


@pytest.mark.parametrize("code", ["skill", "topic"])
def test_days_that_are_summed_up_tell_skills_and_topics_as_their_rows_do(skilled, code):
    history, russian, *_rest = skilled
    chosen = {"skill": russian.pk, "topic": history.topics[0].pk}[code]
    asked = [
        {"by": (code,)},
        {"by": ("queue", code), "interval": Interval.DAY},
        {"by": ("channel",), "only": {code: chosen}},
        {"by": (), "only": {code: None}},
        {"by": (code, "priority"), "queues": [history.queues[0].pk]},
    ]
    raw = [report(Asked(SINCE, UNTIL, **one, kept=False)) for one in asked]
    assert rollups.rebuild() > 2
    for one, before in zip(asked, raw, strict=True):
        told = report(Asked(SINCE, UNTIL, **one))
        assert (told.rows, told.whole) == (before.rows, before.whole) and told.whole["offered"], one
    # What they are read from; days of an older edition are counted from their rows.
    level = {"skill": Rollup.Level.PATHS, "topic": Rollup.Level.TOPICS}[code]
    Rollup.objects.filter(level=level).update(offered=1000)
    assert report(Asked(SINCE, UNTIL, by=(code,))).whole["offered"] > 1000
    RolledDay.objects.update(edition=0)
    assert report(Asked(SINCE, UNTIL, by=(code,))).rows == raw[0].rows
    assert len(list(rollups.due())) == RolledDay.objects.count()


def test_a_topic_that_is_gone_is_none_in_sums_too(skilled):
    history, *_rest = skilled
    rollups.rebuild()
    history.topics[0].delete()
    told, raw = (report(Asked(SINCE, UNTIL, by=("topic",), kept=kept)) for kept in (True, False))
    assert told.rows == raw.rows and {row.keys["topic"] for row in told.rows} == {None, history.topics[1].pk}


def test_hours_and_days_are_those_of_the_zone_where_clocks_change():
    """In Berlin on 29 March 2026 two o'clock is missing, on 25 October it is there twice."""
    history = History(1, contacts=0)
    berlin = ZoneInfo("Europe/Berlin")
    for month, day, lengths in ((3, 29, {2: 0, 3: 4}), (10, 25, {2: 8, 3: 4})):
        begin = datetime(2026, month, day, tzinfo=berlin)
        end = datetime(2026, month, day + 1, tzinfo=berlin)
        at = begin.astimezone(UTC)
        while at < end:
            session = Interaction.objects.create(thread=history.threads[0], kind="voice", closed_at=at)
            WorkItem.objects.create(
                queue=history.queues[0], interaction=session, visit="left", outcome="abandoned", entered_at=at,
                waits_since=at, rank_at=at, left_at=at,
            )  # fmt: skip
            at += timedelta(minutes=15)
        told = report(Asked(begin, end, by=("hour", "weekday"), zone=berlin, metrics=("offered",)))
        found = {row.keys["hour"]: row.values["offered"] for row in told.rows}
        assert {hour: found.get(hour, 0) for hour in lengths} == lengths
        assert {row.keys["weekday"] for row in told.rows} == {7}
        assert named(told, "en")["hour"][3] == "03:00–04:00"
        for hour, number in found.items():
            assert contacts(Asked(begin, end, only={"hour": hour}, zone=berlin), "offered").count() == number


def test_hours_of_days_that_are_summed_up_are_read_from_their_quarters():
    History(5).keep()
    asked = {"by": ("hour", "queue"), "only": {"weekday": 7}, "zone": ZoneInfo("Asia/Kathmandu")}
    raw = report(Asked(SINCE, UNTIL, **asked, kept=False))
    rollups.rebuild()
    told = report(Asked(SINCE, UNTIL, **asked))
    assert told.rows == raw.rows and told.whole == raw.whole and told.whole["offered"]
    Rollup.objects.filter(level=Rollup.Level.QUARTER).update(offered=1000)
    assert report(Asked(SINCE, UNTIL, **asked)).whole["offered"] > 1000


def test_what_came_to_no_queue_is_told_alike_with_and_without_sums():
    """Asked for alone it is what its line in a split says."""
    History(12).keep()
    rollups.rebuild()
    for kept in (True, False):
        for code in ("queue", "priority", "operator", "skill"):
            split = report(Asked(SINCE, UNTIL, by=(code,), kept=kept, interval=Interval.WHOLE))
            (line,) = [row for row in split.rows if row.keys[code] is None]
            alone = report(Asked(SINCE, UNTIL, only={code: None}, kept=kept, metrics=("bot", "contacts", "offered")))
            assert alone.whole == {name: line.values[name] for name in alone.whole} and alone.whole["bot"] > 0
