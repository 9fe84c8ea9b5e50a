"""Call logs: the bank's, and files made to be odd."""

import csv
import gzip
import io
import json
import random
from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from customers.models import Customer, SourceRecord
from cxcenter.accounts.models import User
from cxcenter.core.models import Event, Outbox, WebhookDelivery, WebhookSubscription
from interactions.models import Channel, Interaction, Thread, Topic
from routing.actions import offers
from routing.models import Alert, Assignment, Presence, Queue, WorkItem
from routing.sweeps import sweep
from tests import world
from tests.bank import BANK, needs_bank

pytestmark = pytest.mark.django_db
HEAD = (
    "vru+line", "call_id", "customer_id", "priority", "type", "date", "vru_entry", "vru_exit", "vru_time", "q_start",
    "q_exit", "q_time", "outcome", "ser_start", "ser_exit", "ser_time", "server",
)  # fmt: skip
SERVED = {
    "vru+line": "AA0101", "call_id": "1", "customer_id": "17", "priority": "2", "type": "PS", "date": "990201",
    "vru_entry": "9:00:00", "vru_exit": "9:00:10", "vru_time": "10", "q_start": "9:00:10", "q_exit": "9:00:40",
    "q_time": "30", "outcome": "AGENT", "ser_start": "9:00:40", "ser_exit": "9:02:40", "ser_time": "120", "server": "DORIT",
}  # fmt: skip
NEVER = {"q_start": "0:00:00", "q_exit": "0:00:00", "q_time": "0"}
UNSERVED = {"ser_start": "0:00:00", "ser_exit": "0:00:00", "ser_time": "0", "server": "NO_SERVER"}
LOST = {**SERVED, "call_id": "2", "outcome": "HANG", **UNSERVED}
IN_MENU = {**LOST, "call_id": "3", **NEVER}


@pytest.fixture
def log(tmp_path):
    """Write rows as a log of the bank, return its path."""

    def write(*rows, name="calls.tsv", columns=HEAD):
        path = tmp_path / name
        with path.open("w", newline="") as file:
            out = csv.DictWriter(file, columns, delimiter="\t", extrasaction="ignore")
            out.writeheader()
            out.writerows(rows)
        return path

    return write


def run(path, **options):
    """Import a log; return what the command tells at its end."""
    out = io.StringIO()
    call_command("import_calls", str(path), json=True, stdout=out, stderr=io.StringIO(), **options)
    return json.loads(out.getvalue())


def at(clock, day=1):
    return datetime.fromisoformat(f"1999-02-{day:02} {clock}").replace(tzinfo=ZoneInfo("Asia/Jerusalem"))


def test_a_served_call_is_a_closed_session_a_visit_and_a_leg_with_the_times_of_the_log(log):
    assert run(log(SERVED))["new"] == 1
    visit = WorkItem.objects.select_related("interaction__topic", "queue__team").get()
    session, leg = visit.interaction, visit.legs.get()
    assert (visit.visit, visit.outcome, visit.priority, visit.queue.name) == ("left", "answered", 2, "Regular service")
    assert (visit.entered_at, visit.left_at) == (at("09:00:10"), at("09:00:40"))
    # It stands 90 s further ahead, and has waited for 30 s.
    assert (visit.waits_since, visit.rank_at) == (at("09:00:10"), at("08:58:40"))
    assert (leg.leg, leg.end, leg.holds) == ("ended", "finished", False)
    assert (leg.accepted_at, leg.ended_at, leg.operator.name) == (at("09:00:40"), at("09:02:40"), "DORIT")
    assert (session.kind, session.opened_at, session.closed_at) == ("voice", at("09:00:00"), at("09:02:40"))
    assert (session.subject, session.topic.name) == ("AA0101 1", "Regular service")
    record = SourceRecord.objects.get(source="bank_calls", external_id="17")
    assert session.profile_id == record.profile_id == session.thread.profile_id
    facts = Event.objects.filter(profile_id=record.profile_id, kind__startswith="interaction.")
    assert [fact.kind for fact in facts.order_by("at")] == ["interaction.opened", "interaction.closed"]


def test_an_operator_of_a_log_can_neither_sign_in_nor_get_work(log):
    run(log(SERVED, {**SERVED, "call_id": "4", "server": "NO_SERVER"}))
    for user in User.objects.filter(username__startswith="bank_calls."):
        assert not user.is_active and not user.has_usable_password()
    assert not Presence.objects.exists()
    assert not Queue.objects.filter(active=True).exists() and not Channel.objects.filter(active=True).exists()


def test_where_nobody_is_named_it_is_not_known_how_long_it_took(log):
    told = run(log({**SERVED, "server": "NO_SERVER"}))
    leg = Assignment.objects.get()
    assert (leg.item.outcome, leg.leg, leg.ended_at, leg.accepted_at) == ("answered", "ended", None, at("09:00:40"))
    assert told["odd"] == {"unknown_operator": 1}


def test_who_hangs_up_in_the_menu_was_in_no_queue_and_who_hangs_up_in_the_queue_has_abandoned_it(log):
    run(log(LOST, IN_MENU))
    visit = WorkItem.objects.get()
    assert (visit.outcome, visit.interaction.subject, visit.legs.count()) == ("abandoned", "AA0101 2", 0)
    menu = Interaction.objects.get(subject="AA0101 3")
    assert (menu.closed_at, menu.close_reason, menu.visits.count()) == (at("09:00:10"), "left", 0)


def test_unknown_callers_are_on_nobodys_card_and_make_no_customers(log):
    run(log(*({**SERVED, "call_id": str(n), "customer_id": "0"} for n in range(5))))
    assert set(Interaction.objects.values_list("profile", flat=True)) == {None}
    assert (Thread.objects.count(), Customer.objects.count()) == (1, 1)


def test_a_customer_who_is_known_by_that_number_is_the_same_one(log):
    run(log(SERVED))
    profile = SourceRecord.objects.get().profile
    run(log({**SERVED, "call_id": "9"}, name="next.tsv"))
    assert set(Interaction.objects.values_list("profile", flat=True)) == {profile.pk}
    assert Thread.objects.count() == 1


def test_times_past_midnight_are_of_the_next_day(log):
    late = {
        **SERVED, "vru_entry": "23:59:50", "vru_exit": "23:59:58", "q_start": "23:59:58", "q_exit": "0:00:28",
        "q_time": "30", "ser_start": "0:00:28", "ser_exit": "0:01:28", "ser_time": "60",
    }  # fmt: skip
    told = run(log(late))
    visit = WorkItem.objects.get()
    assert (visit.entered_at, visit.left_at) == (at("23:59:58"), at("00:00:28", 2))
    assert visit.legs.get().ended_at == at("00:01:28", 2)
    assert told["odd"] == {"midnight": 1}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"vru_entry": "9:01:05", "vru_time": "-55"}, "backwards"),
        ({"ser_start": "9:00:40", "ser_exit": "9:00:40", "ser_time": "0"}, "no_length"),
        ({"q_start": "9:00:11", "q_exit": "9:00:41"}, "late"),
        ({"ser_exit": "9:02:41"}, "differs"),
        ({"outcome": "PHANTOM"}, "ignored"),
        ({"outcome": "HANG"}, "served_abandoned"),
        ({"ser_start": "9:00:39", "ser_exit": "9:02:39"}, "early"),
    ],
)
def test_what_is_odd_is_counted(log, changes, kind):
    assert run(log({**SERVED, **changes}))["odd"] == {kind: 1}


@pytest.mark.django_db(transaction=True)
def test_nothing_live_hears_of_it(log, admin_hook):
    run(log(SERVED, LOST, IN_MENU))
    sweep()
    offers.assign_next()
    assert not WorkItem.objects.exclude(visit="left").exists() and not Assignment.objects.exclude(leg="ended").exists()
    assert not Interaction.objects.open().exists()
    assert not Alert.objects.exists() and not WebhookDelivery.objects.exists() and not Outbox.objects.exists()


@pytest.fixture
def admin_hook(transactional_db):
    admin = world.make_user("admin", "admin")
    return WebhookSubscription.objects.create(name="all", url="https://1.1.1.1/", created_by=admin)


def rows_of_all():
    models = (Interaction, WorkItem, Assignment, Event, Thread, Customer, User, Queue, Channel)
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


def test_a_second_import_changes_nothing_and_a_longer_file_adds_its_end(log):
    run(log(SERVED, LOST))
    before = rows_of_all()
    told = run(log(SERVED, LOST))
    assert (told["new"], told["known"]) == (0, 2)
    assert rows_of_all() == before
    told = run(log(LOST, SERVED, IN_MENU, name="longer.tsv"))
    assert (told["new"], told["known"]) == (1, 2)
    assert Interaction.objects.count() == 3


def test_what_was_kept_before_an_interruption_stays_and_the_next_run_goes_on(log, monkeypatch):
    from cxcenter.management.commands import import_calls

    monkeypatch.setattr(import_calls, "BATCH", 2)
    calls = [{**SERVED, "call_id": str(n)} for n in range(7)]
    kept = import_calls.keep_calls
    turns = iter([True, True, False])

    def broken(**said):
        if not next(turns):
            raise OSError(28, "No space left on device")
        return kept(**said)

    monkeypatch.setattr(import_calls, "keep_calls", broken)
    with pytest.raises(CommandError, match="No space left"):
        run(log(*calls))
    assert Interaction.objects.count() == 4
    monkeypatch.setattr(import_calls, "keep_calls", kept)
    told = run(log(*calls))
    assert (told["new"], told["known"]) == (3, 4)
    assert WorkItem.objects.count() == Assignment.objects.count() == 7


@pytest.mark.parametrize("batch", [2, 2000])
def test_a_log_in_which_rows_stand_twice_in_any_order_gives_the_same(log, monkeypatch, batch):
    from cxcenter.management.commands import import_calls

    monkeypatch.setattr(import_calls, "BATCH", batch)
    calls = [{**one, "call_id": f"{n}{one['call_id']}"} for n in range(4) for one in (SERVED, LOST, IN_MENU)]
    with transaction.atomic():
        run(log(*calls))
        once = facts_of_all()
        transaction.set_rollback(True)
    twice = calls * 2
    random.Random(batch).shuffle(twice)
    path = log(*twice)
    told = run(path)
    assert (told["new"], told["known"], told["rejected"], told["odd"]) == (12, 12, 0, {"doubled": 12})
    assert facts_of_all() == once
    assert not path.with_name("calls.tsv.rejects.csv").exists()


def facts_of_all():
    fields = (
        "subject", "opened_at", "closed_at", "profile__records__external_id", "topic__name", "visits__queue__name",
        "visits__entered_at", "visits__left_at", "visits__outcome", "visits__priority", "legs__operator__username",
        "legs__accepted_at", "legs__ended_at",
    )  # fmt: skip
    return sorted(map(repr, Interaction.objects.values_list(*fields)))


@pytest.mark.parametrize("batch", [2, 2000])
@pytest.mark.parametrize("change", [{"q_time": "31"}, {"customer_id": "18"}, {"server": "ANAT"}, {"type": "NW"}])
def test_another_call_with_a_number_of_the_log_is_put_beside_and_the_import_goes_on(log, monkeypatch, batch, change):
    from cxcenter.management.commands import import_calls

    monkeypatch.setattr(import_calls, "BATCH", batch)
    path = log(SERVED, LOST, SERVED, {**SERVED, **change}, IN_MENU)
    told = run(path)
    assert (told["new"], told["known"], told["rejected"]) == (3, 1, 1)
    with path.with_name("calls.tsv.rejects.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["import_reason"] == "Line 5: number AA0101 1 is that of line 2, which says something else."
    assert {name: row[name] for name in change} == change
    assert WorkItem.objects.get(outcome="answered").left_at == at("09:00:40")


@pytest.mark.parametrize(
    "change", [{"q_time": "31"}, {"ser_time": "121"}, {"priority": "1"}, {"outcome": "HANG"}, {"vru_entry": "8:59:59"}]
)
def test_another_call_with_a_number_of_an_earlier_import_is_put_beside(log, change):
    run(log(SERVED))
    before = rows_of_all()
    path = log({**SERVED, **change}, {**SERVED, **change}, name="next.tsv")
    told = run(path)
    assert (told["new"], told["known"], told["rejected"]) == (0, 0, 2)
    assert rows_of_all() == before
    with path.with_name("next.tsv.rejects.csv").open() as file:
        reasons = [row["import_reason"] for row in csv.DictReader(file)]
    assert reasons == [
        f"Line {line}: a call of number AA0101 1 was imported before, with other times or another end."
        for line in (2, 3)
    ]


def test_a_known_call_stays_known_when_its_queue_topic_and_operator_are_called_otherwise(log):
    run(log(SERVED, LOST, IN_MENU))
    Queue.objects.update(name="Retail")
    Topic.objects.update(name="Retail")
    User.objects.filter(username="bank_calls.DORIT").update(username="dorit")
    told = run(log(SERVED, LOST, IN_MENU))
    assert (told["new"], told["known"], told["rejected"]) == (0, 3, 0)


def test_a_bad_row_is_put_beside_with_its_line_and_column_and_the_others_are_kept(log, tmp_path):
    bad = [
        ({"q_time": "soon"}, "Line 2, column q_time: soon is not understood."),
        ({"q_time": "-5"}, "Line 3, column q_time: -5 is not understood."),
        ({"vru_exit": "9:70:00"}, "Line 4, column vru_exit: 9:70:00 is not understood."),
        ({"date": "991301"}, "Line 5, column date: 991301 is not understood."),
        ({"outcome": "LOST"}, "Line 6, column outcome: LOST is not understood."),
        ({"priority": "high"}, "Line 7, column priority: high is not understood."),
    ]
    path = log(*({**SERVED, "call_id": f"b{n}", **change} for n, (change, _reason) in enumerate(bad)), SERVED)
    told = run(path)
    assert (told["new"], told["rejected"]) == (1, 6)
    with path.with_name("calls.tsv.rejects.csv").open() as file:
        rejects = list(csv.DictReader(file))
    assert [row["import_reason"] for row in rejects] == [reason for _change, reason in bad]
    assert rejects[0]["q_time"] == "soon"
    # Put right, nothing is left of it.
    run(log(SERVED))
    assert not path.with_name("calls.tsv.rejects.csv").exists()


def test_a_file_that_is_no_such_log_is_refused_in_one_line(log, tmp_path):
    with pytest.raises(CommandError, match="Line 1: there is no column q_time; there are: vru"):
        run(log(SERVED, columns=[name for name in HEAD if name != "q_time"]))
    with pytest.raises(CommandError, match="cannot be opened: No such file"):
        run(tmp_path / "absent.tsv")
    broken = tmp_path / "broken.gz"
    broken.write_bytes(gzip.compress(log(*({**SERVED, "call_id": str(n)} for n in range(2000))).read_bytes())[:-2000])
    with pytest.raises(CommandError, match=r"Line \d+ cannot be read"):
        run(broken)
    assert not Interaction.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colums": {}}, "knows no colums; it knows: channel, columns"),
        ({"columns": {"wait": "q_time"}}, "there is no wait; there are: number, day"),
        ({"columns": {"number": "call_id"}}, "say which column is arrived"),
        ({"outcomes": {"AGENT": "served"}}, "there is no served; there are: answered, abandoned, ignored"),
        ({"zone": "Mars/Base"}, "there is no Mars/Base"),
        ({"source": "operator"}, "not like a source of the product itself"),
    ],
)
def test_a_mapping_that_will_not_do_is_refused_in_words(log, tmp_path, change, words):
    from routing.logs.mapping import SHIPPED

    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps(json.loads((SHIPPED / "bank_calls.json").read_text()) | change))
    with pytest.raises(CommandError, match=words):
        run(log(SERVED), mapping=mapping)


def test_a_log_of_whole_times_with_commas_in_another_zone(tmp_path):
    mapping = {
        "source": "pbx", "delimiter": ",", "zone": "Europe/Moscow", "queue": "Sales", "customer_kind": "phone",
        "columns": {
            "number": "id", "arrived": "at", "wait_s": "wait", "outcome": "result", "handled_s": "talk",
            "operator": "who", "customer": "phone",
        },
        "outcomes": {"ok": "answered", "lost": "abandoned"},
    }  # fmt: skip
    (tmp_path / "pbx.json").write_text(json.dumps(mapping))
    path = tmp_path / "pbx.csv"
    path.write_text(
        "id,at,wait,result,talk,who,phone\n"
        "1,2026-03-01 10:00:00,5,ok,60,Ann,8 (916) 123-45-67\n"
        "2,2026-03-01T07:10:00Z,9,lost,0,,12\n"
    )
    told = run(path, mapping=tmp_path / "pbx.json")
    assert (told["new"], told["rejected"]) == (1, 1)
    visit = WorkItem.objects.select_related("queue", "interaction__thread__identity").get()
    assert visit.entered_at.isoformat() == "2026-03-01T07:00:00+00:00"
    assert visit.queue.name == "Sales" and visit.interaction.thread.identity.value == "+79161234567"
    leg = visit.legs.get()
    assert ((leg.ended_at - leg.accepted_at).total_seconds(), leg.operator.first_name) == (60, "Ann")


def test_all_calls_can_go_into_one_queue(log):
    run(log(SERVED, {**LOST, "type": "NW"}), queue="All")
    assert [queue.name for queue in Queue.objects.all()] == ["All"]


@needs_bank
def test_the_banks_log_is_taken_whole():
    from tests import bank

    told = run(BANK)
    calls = list(bank.rows())
    parts = Counter(map(bank.part, calls))
    assert (told["new"], told["rejected"], told["odd"]["ignored"]) == (len(calls), 0, 143)
    assert parts == {"agents": 14405, "bot": 1023, "queue": 1885}
    assert Interaction.objects.count() == parts.total()
    assert Interaction.objects.filter(visits=None).count() == parts["bot"]
    assert WorkItem.objects.filter(outcome="answered").count() == Assignment.objects.count() == parts["agents"]
    assert WorkItem.objects.filter(outcome="abandoned").count() == parts["queue"]
    assert Assignment.objects.filter(ended_at=None).count() == told["odd"]["unknown_operator"] == 275
