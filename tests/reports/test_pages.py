"""The reports from outside: the same numbers everywhere, each leads to its contacts, who sees what, what wrong questions get."""

import io
import json
import re
from datetime import timedelta
from threading import Event, Thread

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cxcenter.accounts.roles import Role
from cxcenter.core.models import AuditEntry
from cxcenter.reports.catalogue import GROUPS
from cxcenter.reports.numbers import said
from quality import policies, rollups
from quality.metrics.metric import Unit
from quality.metrics.registry import METRICS
from routing.models import Assignment, PauseReason, Presence, PresenceInterval, WorkItem
from tests import world
from tests.api.callers import session
from tests.quality.history import BEGIN, History, Written
from tests.reports.reading import listed, sheet, table

pytestmark = pytest.mark.django_db
# The days of the history in the zone of its people.
DAYS = "period=own&since=2026-03-28&until=2026-03-31"
CODES = ",".join(METRICS)


@pytest.fixture
def history():
    return History(8, contacts=40).keep()


def signed_in(role, team=None) -> Client:
    client = Client()
    client.force_login(world.make_user(f"{role}-{team}", role, team, zone="Europe/Moscow"))
    return client


@pytest.fixture
def judge(db):
    return signed_in(Role.QUALITY)


def within(history):
    """The visits of the days that are asked for."""
    return [visit for visit in history.written.visits if visit.entered_at >= BEGIN + timedelta(hours=1)]


def page(client, query) -> str:
    answer = client.get(f"/reports/?{query}")
    assert answer.status_code == 200, answer.content[:500]
    return answer.content.decode()


@pytest.mark.parametrize(
    ("by", "interval"),
    [
        ("queue", "day"),
        ("priority,channel", "whole"),
        ("operator", "whole"),
        ("hour,skill", "whole"),
        ("weekday,topic", "day"),
    ],
)
def test_screen_file_api_and_command_tell_the_same(history, judge, by, interval):
    span = {"since": "2026-03-27T21:00:00Z", "until": "2026-03-31T21:00:00Z"}
    query = f"{DAYS}&by={by}&interval={interval}&metrics={CODES}"
    _heads, lines = table(page(judge, query))
    rows = sheet(judge.get(f"/reports/report.csv?{query}").content)[1:]
    asked = {**span, "by": by, "interval": interval, "zone": "Europe/Moscow", "metrics": CODES}
    caller = session(world.make_user("other", Role.QUALITY))
    api = caller.client.get("/api/v1/metrics/report/", asked).json()
    out = io.StringIO()
    call_command("metrics", **{**asked, "interval": interval}, json=True, stdout=out)
    command = json.loads(out.getvalue())
    assert command["rows"] == api["rows"] and command["whole"] == api["whole"]
    values = [list(row["values"].values()) for row in [*api["rows"], {"values": api["whole"]}]]
    units = [METRICS[code].unit for code in METRICS]
    told = [[said(value, unit) for value, unit in zip(row, units, strict=True)] for row in values]
    exact = [["" if value is None else str(value) for value in row] for row in values]
    # The screen sorts by names; the API by numbers of rows.
    shown = [[cell.text for cell in line[-len(units) :]] for line in lines]
    assert sorted(shown[:-1]) == sorted(told[:-1]) and shown[-1] == told[-1]
    filed = [row[-len(units) :] for row in rows]
    assert sorted(filed[:-1]) == sorted(exact[:-1]) and filed[-1] == exact[-1]


@pytest.mark.parametrize("query", ["by=queue", "by=operator", "by=skill", "by=weekday&channel=voice", "queue=none"])
def test_every_number_leads_to_as_many_contacts_as_it_says(history, judge, query):
    heads, lines = table(page(judge, f"{DAYS}&interval=whole&metrics={CODES}&{query}"))
    names = len(heads) - len(METRICS)
    for line in lines:
        for (code, metric), cell in zip(METRICS.items(), line[names:], strict=True):
            if metric.unit == Unit.COUNT:
                found = len(listed(judge, cell.href)) if cell.href else 0
                assert str(found) == cell.text, (code, line)
            nothing = {"–", "0", "0.0 s"} if metric.of_times else {"–", "0"}
            assert bool(cell.href) == (cell.text not in nothing), (code, cell)


def test_times_of_states_lead_to_the_stretches_that_add_up_to_them(history, judge):
    """Cut at the edges of the report and of each line, those that go on and those of before as well."""
    anna, boris = history.operators[:2]
    lunch = PauseReason.objects.create(name="Lunch", name_ru="Обед", limit_min=30)
    midnight = BEGIN + timedelta(hours=1)
    plan = [
        (anna, "available", -30, 20), (anna, "busy", 20, 90), (anna, "wrapup", 90, 100), (anna, "pause", 100, 130),
        (anna, "meeting", 130, 190), (anna, "training", 190, 200), (anna, "not_responding", 200, 230),
        (anna, "offline", 230, 400), (boris, "available", 50, None),
    ]  # fmt: skip
    for user, state, begins, ends in plan:
        PresenceInterval.objects.create(
            user=user, state=state, reason=lunch if state == "pause" else None,
            started_at=midnight + timedelta(minutes=begins),
            ended_at=None if ends is None else midnight + timedelta(minutes=ends),
        )  # fmt: skip
    codes = [code for code, metric in METRICS.items() if metric.of_times]
    heads, lines = table(page(judge, f"{DAYS}&interval=hour&by=operator&metrics={','.join(codes)}"))
    assert len(lines) > 90
    told = 0
    for line in [*lines[:6], lines[-1]]:
        lengths = {}
        for code, cell in zip(codes, line[2:], strict=True):
            if cell.href:
                rows = listed(judge, cell.href)
                lengths[code] = sum(map(seconds_of, rows))
                if METRICS[code].unit == Unit.SECONDS:
                    assert said(lengths[code], Unit.SECONDS) == cell.text, (code, line)
                else:
                    below = sum(map(seconds_of, listed(judge, f"{cell.href}&of=all")))
                    assert said(lengths[code] / below, Unit.SHARE) == cell.text, (code, line)
                told += 1
        parts = ("available_s", "handling_s", "pause_s", "meeting_s", "training_s", "not_responding_s")
        assert sum(lengths.get(code, 0) for code in parts) == lengths["login_s"]
    assert told > 20
    pause = next(cell for code, cell in zip(codes, lines[-1][2:], strict=True) if code == "pause_s")
    (row,) = listed(judge, pause.href)
    assert anna.name in row and "Lunch" in row and "30:00" in row
    # Of people of other teams nothing is told; nor of what times know nothing of.
    boss = signed_in(Role.SUPERVISOR, history.operators[2].team)
    seen = set(Presence.objects.filter(user__team=history.operators[2].team).values_list("user_id", flat=True))
    assert anna.pk not in seen and not [row for row in listed(boss, pause.href) if anna.name in row]
    assert listed(judge, pause.href + "&queue=1") == []


def seconds_of(row):
    """The length at the end of a line."""
    *hours, minutes, seconds = re.search(r'class="r num">([\d:]+)<', row)[1].split(":")
    return int(hours[0] if hours else 0) * 3600 + int(minutes) * 60 + int(seconds)


def test_a_share_is_what_stands_above_the_line_of_what_stands_below_it(history, judge):
    policies.set_policy(queue=history.queues[0], formula="V6", within_s=20, short_s=10)
    policies.set_policy(queue=history.queues[1], formula="V10", within_s=20, short_s=5, blocked=["B1", "B3"])
    shares = [
        "service_level", "level_v3", "level_v4", "level_v8", "level_v9", "abandonment", "abandonment_net", "transfer_rate", "transfer_rate_blind", "transfer_rate_queue",
        "reaction_20", "csat", "fcr", "repeat_rate",
    ]  # fmt: skip
    html = page(judge, f"{DAYS}&interval=whole&by=queue&metrics={','.join(shares)}")
    assert "V6" in html and "S = 10 s" in html and "B = B1 + B3" in html
    for line in table(html)[1]:
        for code, cell in zip(shares, line[1:], strict=True):
            if cell.href:
                above, below = (len(listed(judge, cell.href + more)) for more in ("", "&of=all"))
                assert said(above / below, Unit.SHARE) == cell.text, (code, line)


def test_contacts_come_in_pages_in_the_order_of_their_coming(judge):
    History(9, contacts=220).keep()
    heads, lines = table(page(judge, f"{DAYS}&interval=whole&metrics=offered,handled,contacts"))
    for cell in lines[-1]:
        rows = listed(judge, cell.href)
        assert len(rows) == int(cell.text) > 100
        assert len({re.search(r'href="([^"]+)"', row)[1] for row in rows}) <= len(rows)
    times = [re.search(r'class="num">(\d+) Mar, ([\d:]+)<', row).groups() for row in rows]
    assert times == sorted(times, key=lambda at: (int(at[0]), at[1]))


def test_only_who_may_see_reports_does_and_of_own_teams_alone(history):
    team = history.queues[0].team
    own = {queue.pk for queue in history.queues if queue.team_id == team.pk}
    for role in (Role.OPERATOR, Role.SENIOR, Role.MARKETER):
        client = signed_in(role)
        for address in ("/reports/", "/reports/report.csv", "/reports/contacts/?metric=offered"):
            assert client.get(address).status_code == 403
        assert b'href="/reports/"' not in client.get("/desk/customers/").content
    assert Client().get("/reports/").url.startswith("/sign-in/")
    boss = signed_in(Role.SUPERVISOR, team)
    _heads, lines = table(page(boss, f"{DAYS}&interval=whole&by=queue&metrics=offered,bot"))
    offered = sum(visit.queue_id in own for visit in within(history))
    assert lines[-1][1].text == str(offered) and len(lines) == len(own) + 1 and lines[-1][2].text == "0"
    rows = listed(boss, lines[-1][1].href)
    assert len(rows) == offered and all('href="/board/session/' in row for row in rows)
    other = next(queue for queue in history.queues if queue.pk not in own)
    html = page(boss, f"{DAYS}&queue={other.pk}")
    assert "Nothing came" in html and other.name not in html.partition('id="report"')[2]
    assert (
        listed(
            boss, f"/reports/contacts/?metric=offered&since=2026-03-27T21:00Z&until=2026-03-31T21:00Z&queue={other.pk}"
        )
        == []
    )


def test_a_team_is_a_filter_for_who_sees_several(history, judge):
    team = history.queues[1].team
    own = [visit for visit in within(history) if visit.queue.team_id == team.pk]
    html = page(judge, f"{DAYS}&interval=whole&metrics=offered&team={team.pk}")
    cell = table(html)[1][-1][-1]
    assert cell.text == str(len(own)) and f"Team: {team.name}" in html
    assert len(listed(judge, cell.href)) == len(own)
    assert 'name="team"' not in page(signed_in(Role.SUPERVISOR, team), DAYS)


def test_the_file_runs_nothing_and_is_audited(history, judge):
    history.queues[0].name = "=HYPERLINK(1)"
    history.queues[0].save()
    answer = judge.get(f"/reports/report.csv?{DAYS}&by=queue&interval=hour&metrics=offered,service_level&channel=voice")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="report-2026-03-28-2026-03-31.csv"' in answer["Content-Disposition"]
    rows = sheet(answer.content)
    assert rows[0] == ["from", "to", "queue", "offered", "service level, 0–1"]
    assert rows[1][0].endswith("+03:00") and not any(cell.startswith("=") for row in rows for cell in row)
    assert "'=HYPERLINK(1)" in {row[2] for row in rows}
    entry = AuditEntry.objects.get(act="report.export")
    assert entry.subject == "report:2026-03-28_2026-03-31" and entry.actor.role == Role.QUALITY
    assert entry.detail["channel"] == "voice" and entry.detail["by"] == ["queue"]


def test_lines_are_sorted_by_what_is_chosen_and_those_without_a_value_stand_last(history, judge):
    def column(sort):
        heads, lines = table(page(judge, f"{DAYS}&interval=whole&by=operator,channel&metrics=offered,asa&sort={sort}"))
        return [line[2].text for line in lines[:-1]], [line[3].text for line in lines[:-1]]

    offered, _asa = column("-offered")
    assert offered == sorted(offered, key=int, reverse=True)
    assert column("offered")[0] == sorted(offered, key=int)
    for sort in ("asa", "-asa"):
        waits = column(sort)[1]
        assert "–" in waits and waits[-1] == "–" and waits[0] != "–"


def test_an_address_keeps_the_days_of_its_maker(history, judge):
    told = table(page(judge, f"{DAYS}&interval=day&metrics=offered"))[1]
    far = world.make_user("far", Role.QUALITY, zone="America/New_York")
    client = Client()
    client.force_login(far)
    answer = judge.get(f"/reports/?{DAYS}&interval=day&metrics=offered", headers={"HX-Request": "true"})
    assert b"<html" not in answer.content and "HX-Request" in answer["Vary"]
    assert [[c.text for c in line] for line in table(client.get(answer["HX-Push-Url"]).content.decode())[1]] == [
        [c.text for c in line] for line in told
    ]
    assert table(page(client, f"{DAYS}&interval=day&metrics=offered"))[1] != told


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("period=soon", "period", "no such period"),
        ("period=own&since=2026-03-28", "until", "Give a day"),
        ("period=own&since=x&until=2026-03-28", "since", "Give a day"),
        ("period=own&since=2026-03-29&until=2026-03-28", "until", "before the first"),
        (f"{DAYS}&interval=week", "interval", "no such interval"),
        ("period=own&since=2025-01-01&until=2026-03-28&interval=15m", "interval", "More than 5000 intervals"),
        (f"{DAYS}&by=colour", "by", "no colour"),
        (f"{DAYS}&by=queue,channel,hour", "by", "two things"),
        (f"{DAYS}&metrics=joy", "metrics", "no joy"),
        (f"{DAYS}&queue=first", "queue", "Give a number"),
        (f"{DAYS}&queue={'9' * 30}", "queue", "Give a number"),
        (f"{DAYS}&team=x", "team", "Choose a team"),
        (f"{DAYS}&policy=V11", "policy", "the formula is one of V1"),
        (f"{DAYS}&policy=V5,T=5,S=5", "policy", "S is less than T"),
        (f"{DAYS}&policy=V2,T=99999999999", "policy", "This is no policy"),
        (f"{DAYS}&zone=Mars/Base", "zone", "no such time zone"),
    ],
)
def test_a_wrong_question_is_answered_in_words_and_what_was_typed_stays(judge, query, field, words):
    answer = judge.get(f"/reports/?{query}")
    html = answer.content.decode()
    assert answer.status_code == 400
    assert f'data-field="{field}"' in html and words in html.partition('id="wrong"')[2]
    assert 'id="ask"' in html and "cx-rail" in html
    part = judge.get(f"/reports/?{query}", headers={"HX-Request": "true"})
    assert part.status_code == 400 and words.encode() in part.content and b"<html" not in part.content
    assert judge.get(f"/reports/report.csv?{query}").status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "", "metric=joy", "metric=occupancy&since=2026-03-28T00:00Z", "metric=offered&since=soon",
        "metric=offered&since=2026-03-28T00:01Z&until=2026-03-29T00:00Z",
        "metric=offered&since=2026-03-28T00:00Z&until=2026-03-29T00:00Z&after=x",
        "metric=offered&since=2026-03-28T00:00Z&until=2026-03-29T00:00Z&after=2026-03-28_99999999999999999999",
    ],
)  # fmt: skip
def test_a_wrong_address_of_contacts_is_refused_with_a_page(judge, query):
    answer = judge.get(f"/reports/contacts/?{query}", headers={"Accept": "text/html"})
    assert answer.status_code == 400 and b"</html>" in answer.content


def test_a_time_without_contacts_says_what_to_do(judge):
    html = page(judge, "period=own&since=2020-01-01&until=2020-01-02")
    assert "Nothing came in this time" in html and "cx-reptable" not in html


def test_the_cost_does_not_grow(history, judge):
    def queries(address, **headers):
        with CaptureQueriesContext(connection) as seen:
            assert judge.get(address, headers=headers).status_code == 200
        return len(seen)

    query = f"{DAYS}&by=queue,operator&interval=day"
    part = queries(f"/reports/?{query}", **{"HX-Request": "true"})
    whole = queries(f"/reports/?{query}")
    contacts = "/reports/contacts/?since=2026-03-27T21:00Z&until=2026-03-31T21:00Z&metric="
    lists = [queries(contacts + code) for code in ("offered", "handled", "contacts")]
    history.forget()
    history.written = Written()
    for _contact in range(200):
        history._contact()
    history.keep()
    rollups.rebuild()
    assert part == queries(f"/reports/?{query}", **{"HX-Request": "true"})
    assert whole == queries(f"/reports/?{query}")
    assert lists == [queries(contacts + code) for code in ("offered", "handled", "contacts")]
    assert (part, whole, *lists) == (9, 16, 10, 9, 11)


def test_every_metric_stands_in_one_group_with_its_definition(judge):
    named = [code for codes in GROUPS.values() for code in codes]
    assert sorted(named) == sorted(METRICS)
    html = page(judge, DAYS)
    assert all(f'value="{code}"' in html for code in METRICS)
    assert "A_T / (A + L)" in html


@pytest.mark.django_db(transaction=True)
def test_a_number_and_its_list_are_of_one_moment_while_contacts_come_in():
    history = History(6, contacts=5)
    history.keep()
    client = signed_in(Role.QUALITY)
    visit = history.written.visits[0]
    stop, rounds = Event(), []
    fields = {
        "queue_id": visit.queue_id, "visit": "left", "outcome": "answered", "entered_at": visit.entered_at,
        "waits_since": visit.entered_at, "rank_at": visit.entered_at, "left_at": visit.left_at,
    }  # fmt: skip

    def come_and_go():
        """Visits come in by one and go all at once, as fast as another process could write them."""
        while not stop.is_set():
            made = [WorkItem.objects.create(interaction=visit.interaction, **fields).pk for _n in range(20)]
            WorkItem.objects.filter(pk__in=made).delete()
            rounds.append(1)
        connection.close()

    other = Thread(target=come_and_go)
    other.start()
    since = BEGIN.strftime("%Y-%m-%dT%H:%MZ")
    until = (BEGIN + timedelta(days=4)).strftime("%Y-%m-%dT%H:%MZ")
    found = set()
    try:
        for _time in range(12):
            html = client.get(f"/reports/contacts/?metric=answered&since={since}&until={until}").content.decode()
            told = int(re.search(r'id="total">(\d+)<', html)[1])
            assert told == html.partition("<tbody>")[2].count("<tr>")
            found.add(told)
            lines = table(page(client, f"{DAYS}&interval=whole&by=queue&metrics=answered"))[1]
            assert sum(int(line[1].text) for line in lines[:-1]) == int(lines[-1][1].text)
    finally:
        stop.set()
        other.join()
    assert len(rounds) > 2 and len(found) > 2


def test_a_number_that_has_changed_since_is_told(history, judge):
    cell = table(page(judge, f"{DAYS}&interval=whole&metrics=offered"))[1][-1][-1]
    before = judge.get(cell.href).content.decode()
    assert "contacts have come or changed" not in before
    visit = history.written.visits[-1]
    Assignment.objects.filter(item=visit).delete()
    visit.delete()
    after = judge.get(cell.href).content.decode()
    assert f"The report told {cell.text}: contacts have come or changed since." in after
    assert f'id="total">{int(cell.text) - 1}<' in after


def test_a_long_report_shows_its_first_lines_and_the_file_has_all(history, judge, monkeypatch):
    query = f"{DAYS}&interval=15m&by=queue,operator&metrics=offered"
    html = page(judge, query)
    whole = len(sheet(judge.get(f"/reports/report.csv?{query}").content)) - 2
    assert len(table(html)[1]) - 1 == whole and "more line" not in html
    monkeypatch.setattr("cxcenter.reports.table.MOST_LINES", 10)
    html = page(judge, query)
    assert len(table(html)[1]) - 1 == 10 and f"{whole - 10} more lines are in the file" in html
    # The chart has all of them, whatever the table shows.
    data = json.loads(re.search(r'id="chart-data" type="application/json">(.*?)</script>', html)[1])
    assert len(data["x"]) == 4 * 24 * 4 and data["kind"] == "line" and len(data["series"]) == 8
    shown = sum(point["v"][0] for point in data["points"])
    assert 10 < shown <= int(table(html)[1][-1][-1].text)
