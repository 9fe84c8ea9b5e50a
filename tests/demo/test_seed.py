"""The demo installation: made once, true to the acts, shut out of production."""

import io
import json
import time
from collections import defaultdict
from datetime import timedelta
from itertools import groupby, pairwise

import pytest
from django.apps import apps
from django.conf import settings as live_settings
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from customers.models import Consent, Customer, Membership, ProfileIdentity
from customers.queries import consents_of, permits
from cxcenter.accounts.checks import demo_is_shut_out
from cxcenter.accounts.models import User
from cxcenter.core.events import PAYLOADS
from cxcenter.core.models import Event, Outbox
from interactions.choices import Audience, Author
from interactions.models import Article, Case, Channel, Interaction, Message, QuickReply, Site, Task, Thread
from quality import forecast, rollups, runs, trials
from quality.metrics.reports import Asked, report
from quality.models import Survey
from routing import queries
from routing.actions import queueing
from routing.choices import Mode
from routing.models import Assignment, Presence, PresenceInterval, Queue, WorkItem
from routing.rules import document
from tests import world

pytestmark = pytest.mark.django_db


def seed(*arguments: str) -> str:
    out = io.StringIO()
    call_command("seed_demo", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(scope="module", autouse=True)
def planted(django_db_setup, django_db_blocker):
    """Plant once for all tests of this file, which run inside that transaction; gives the seconds of work."""
    with django_db_blocker.unblock(), transaction.atomic():
        began = time.process_time()
        seed()
        yield time.process_time() - began
        transaction.set_rollback(True)


@pytest.fixture
def where_the_demo_is():
    """Dates are those of the demo's people, as their pages have them: late in the evening of UTC it is tomorrow there."""
    with timezone.override(live_settings.DEFAULT_ZONE):
        yield


def all_rows() -> dict[str, list]:
    # The content types and permissions of Django itself are not ours to make.
    ours = [model for model in apps.get_models() if model._meta.app_label not in {"contenttypes", "auth", "sessions"}]
    return {model._meta.label: list(model.objects.order_by("pk").values_list()) for model in ours}


def test_it_is_fast(planted):
    assert planted < 15


def test_a_second_run_changes_nothing():
    before = all_rows()
    assert sum(map(len, before.values())) > 10_000
    seed()
    assert all_rows() == before


def test_people_sign_in_with_demo():
    names = [f"operator{n}" for n in range(1, 13)]
    names += ["senior1", "supervisor", "quality", "marketer", "admin", "integrator"]
    assert sorted(User.objects.values_list("username", flat=True)) == sorted(names)
    for name in ("operator1", "admin", "integrator"):
        assert Client().login(username=name, password="demo")
    admin = User.objects.get(username="admin")
    assert admin.is_staff
    assert admin.is_superuser
    assert User.objects.filter(is_staff=True).count() == 1
    assert User.objects.filter(role="operator", language="ru").count() == 6


def test_site_is_open_at_any_hour():
    site = Site.objects.get(key="demo")
    port = live_settings.PORT + 1
    assert set(site.origins) == {f"http://localhost:{port}", f"http://127.0.0.1:{port}"}
    Presence.objects.filter(user__username="operator1").update(mode=Mode.AVAILABLE)
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    for topic in site.topics.all():
        entrance = queries.queue_for(channel=site.channel, topic=topic)
        for hour in range(24):
            assert queries.door_of(entrance.queue, midnight.replace(hour=hour)).open, (topic, hour)
    office = Queue.objects.get(name="Fleet sales")
    assert not queries.hours_of(office).is_open(midnight.replace(hour=2))


def test_a_phone_leads_to_queues_whose_people_take_calls():
    line = Channel.objects.get(kind="voice", active=True)
    queue = queries.queue_for(channel=line, topic=None).queue
    Presence.objects.filter(user__username="operator1").update(mode=Mode.AVAILABLE)
    item = queueing.enqueue_new(interaction=world.open_call(line))
    assert (item.queue, item.work) == (queue, "call") and queries.door_of(queue).open
    assert all(presence.calls for presence in Presence.objects.filter(user__in=queue.members.all()))


def test_another_port_lets_its_shop_in(settings):
    settings.PORT = 9100
    seed()
    assert "http://localhost:9101" in Site.objects.get(key="demo").origins


def test_texts_are_there_in_both_languages():
    for language in ("en", "ru"):
        assert 8 <= Article.objects.filter(language=language).count() <= 12
        assert QuickReply.objects.filter(language=language, text__contains="{customer}").exists()


def test_there_are_customers_with_verified_contacts():
    assert Customer.objects.count() >= 200
    for kind in ("phone", "email", "visitor"):
        assert ProfileIdentity.objects.filter(identity__kind=kind, verified=True).count() >= 200
    named = Customer.objects.exclude(name="").first()
    assert named.provenance["name"] == {
        "value": named.name,
        "source": "dms",
        "at": named.provenance["name"]["at"],
        "by": None,
        "record": named.provenance["name"]["record"],
        "pinned": False,
    }


def test_there_are_companies_with_people_and_consents_with_proofs():
    roles = Membership.objects.values_list("company__customer__name", "person__customer__kind")
    assert len({name for name, _kind in roles}) == 3 and {kind for _name, kind in roles} == {"person"}
    assert Customer.objects.filter(kind="company", name="Bluebird Taxi").exists()
    asked = {*Consent.objects.values_list("profile__customer", flat=True)}
    assert len(asked) == 12 and all(consents_of(pk) for pk in asked)
    (changed,) = Consent.objects.filter(granted=False, purpose="marketing", channel="email")
    assert permits(changed.profile.customer_id, purpose="marketing", channel="email") is False
    assert all(one.proof["words"] and one.proof["user"] for one in Consent.objects.all())


def test_history_is_believable():
    now = timezone.now()
    sessions = Interaction.objects.all()
    assert sessions.count() > 600
    assert not sessions.filter(closed_at=None).exists()
    assert sessions.filter(opened_at__lt=now - timedelta(days=80)).exists()
    assert not sessions.filter(closed_at__gt=now).exists()
    assert 20 < sessions.filter(opened_at__gt=now - timedelta(hours=7)).count() < 80
    assert 0.02 < WorkItem.objects.filter(outcome="abandoned").count() / sessions.count() < 0.15
    assert Message.objects.filter(audience=Audience.STAFF, author=Author.STAFF).exists()
    assert {"en", "ru"} == set(sessions.values_list("language", flat=True))
    assert sum(case.is_overdue for case in Case.objects.open()) >= 3
    assert Task.objects.open().filter(assignee__username="operator1").exists()
    assert Task.objects.open().filter(assignee=None, team__isnull=False).exists()
    assert Survey.objects.count() > 100


def test_threads_are_as_the_acts_would_leave_them():
    by_thread = defaultdict(list)
    for message in Message.objects.order_by("thread_id", "seq"):
        by_thread[message.thread_id].append(message)
    assert by_thread
    for thread in Thread.objects.all():
        said = by_thread[thread.pk]
        assert [m.seq for m in said] == list(range(1, thread.last_seq + 1))
        assert [m.at for m in said] == sorted(m.at for m in said)
        staff, customer = [m.staff_changed for m in said], [m.customer_changed for m in said if m.customer_changed]
        assert staff == sorted(set(staff))
        assert customer == sorted(set(customer))
        assert staff[-1] <= thread.staff_changes
        assert customer[-1] <= thread.customer_changes
        assert all((m.customer_changed > 0) == (m.audience == Audience.ALL) for m in said)
        assert max(m.seq for m in said if m.author == Author.CUSTOMER) <= thread.customer_read_seq <= thread.last_seq
        assert thread.customer_read_seq == thread.customer_got_seq


def test_sessions_show_what_was_said():
    by_session = defaultdict(list)
    for message in Message.objects.order_by("interaction_id", "seq"):
        by_session[message.interaction_id].append(message)
    for session in Interaction.objects.all():
        spoken = [m for m in by_session[session.pk] if m.author != Author.SYSTEM]
        replies = [m for m in spoken if m.author == Author.STAFF and m.audience == Audience.ALL]
        assert session.last_message_id == spoken[-1].pk
        assert session.last_message_at == spoken[-1].at
        assert session.first_reply_at == (replies[0].at if replies else None)
        assert by_session[session.pk][-1].code == "closed"
        assert by_session[session.pk][-1].args["reason"] == session.close_reason
        assert session.opened_at < by_session[session.pk][0].at < session.closed_at
        assert session.waiting_since is None


def test_visits_and_legs_agree():
    legs = defaultdict(list)
    for leg in Assignment.objects.all():
        legs[leg.item_id].append(leg)
        assert leg.offered_at < leg.accepted_at <= leg.ended_at
        assert (leg.end == "finished") == (leg.wrapped_at is not None)
    for item in WorkItem.objects.select_related("queue", "interaction"):
        assert item.visit == "left"
        if item.outcome == "answered":
            (leg,) = legs[item.pk]
            assert leg.accepted_at == item.left_at
        else:
            assert legs[item.pk] == []
            assert item.interaction.close_reason == "left"
        assert item.rank_at == item.waits_since - timedelta(seconds=60 * item.priority)
        assert (item.escalated_at is not None) == (item.alerts.count() == 1)
        members = set(item.queue.memberships.values_list("user_id", flat=True))
        assert {leg.operator_id for leg in legs[item.pk]} <= members
    assert Assignment.objects.filter(end="transferred").exists()
    # What they asked for is what such work asks for now.
    assert WorkItem.objects.filter(path=0).exists() and WorkItem.objects.exclude(path=0).count() > 50


def test_nobody_has_two_talks_at_once():
    for _thread, sessions in groupby(Interaction.objects.order_by("thread", "opened_at"), lambda one: one.thread_id):
        assert all(before.closed_at < one.opened_at for before, one in pairwise(sessions))


def test_yesterday_tells_enough_to_try_rules_on(where_the_demo_is):
    supervisor, warranty = User.objects.get(username="supervisor"), Queue.objects.get(name="Warranty")
    now = document.current()
    rules = now["queues"][f"{warranty.pk}"]
    sooner = {"overflow": [{**rules["overflow"][0], "limit": 20}, *rules["overflow"][1:]]}
    run = trials.try_rules(edit={"queues": {f"{warranty.pk}": rules | sooner}}, why="Try", actor=supervisor)
    runs.work(seconds=120)
    run.refresh_from_db()
    assert (run.state, run.fault) == ("done", "")
    found = json.loads(run.result)
    base = {row["figure"]: row["mean"] for row in found["figures"]["base"] if row["by"] == "all"}
    assert base["visits"] > 100 and base["abandonment"] < 0.35
    (differs,) = [
        row for row in found["differences"]["changed"] if (row["of"], row["figure"]) == ("Warranty", "flowed_out")
    ]
    assert differs["low"] > 0


def test_the_same_weekday_of_a_week_ago_is_there_to_compare_with(where_the_demo_is):
    today = timezone.localdate()
    before = sum(sum(counts.values()) for counts in forecast.past_of(today).a_week_ago.values())
    assert before > 20


def test_reports_of_it_are_the_same_summed_up_and_from_rows():
    until = timezone.now().replace(minute=0, second=0, microsecond=0)
    since = until - timedelta(days=9)
    assert rollups.rebuild(since.date()) > 5
    kept, raw = (report(Asked(since, until, by=("queue", "priority"), kept=kept)) for kept in (True, False))
    assert kept.whole["offered"] > 200
    assert (kept.whole, kept.rows) == (raw.whole, raw.rows)


def test_presence_follows_from_the_contacts():
    intervals = defaultdict(list)
    for interval in PresenceInterval.objects.order_by("user_id", "started_at"):
        intervals[interval.user_id].append(interval)
    assert len(intervals) == 14
    for user_id, row in intervals.items():
        assert [i.ended_at for i in row] == [i.started_at for i in row[1:]] + [None]
        presence = Presence.objects.get(user=user_id)
        assert (row[-1].state, presence.state, presence.load) == ("offline", "offline", 0)
        assert presence.since == row[-1].started_at
        legs = list(Assignment.objects.filter(operator=user_id))
        for moment in [leg.accepted_at for leg in legs]:
            (now,) = [i for i in row if i.started_at <= moment and (i.ended_at is None or moment < i.ended_at)]
            assert now.state == "busy"
            at_once = sum(leg.accepted_at <= moment < (leg.wrapped_at or leg.ended_at) for leg in legs)
            assert at_once <= presence.capacity


def test_facts_can_be_read():
    assert not Outbox.objects.exists()
    kinds = defaultdict(set)
    for event in Event.objects.all():
        payload = PAYLOADS[event.kind](**event.payload)
        kinds[event.kind].add(getattr(payload, "interaction", event.pk))
    sessions = set(Interaction.objects.values_list("pk", flat=True))
    assert kinds["interaction.opened"] == kinds["interaction.closed"] == sessions
    assert len(kinds["case.opened"]) == Case.objects.count()
    assert len(kinds["task.done"]) == Task.objects.exclude(done_at=None).count()
    assert kinds["site.event"]


def test_production_refuses_the_demo(settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="--force"):
        seed()
    assert seed("--force")
    assert authenticate(username="operator1", password="demo") is None
    user = User.objects.get(username="operator1")
    user.set_password("long and personal 7")
    user.save()
    assert authenticate(username="operator1", password="long and personal 7") == user


def test_deploy_check_names_what_lets_the_demo_in(settings):
    settings.DEMO = "off"
    assert demo_is_shut_out() == []
    settings.DEMO = "on"
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    assert [problem.id for problem in demo_is_shut_out()] == ["accounts.E001", "accounts.E002"]
