"""Missed calls as tasks: when there is one, for whom, how often, and when it is done by itself."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from customers import actions as customers
from customers.models import Identity
from interactions.actions import cases, talk
from interactions.choices import CloseReason
from interactions.models import Channel, Interaction, MissedCall, Task
from routing import missed
from routing.actions import callbacks, calling, offers
from routing.handlers import end_contact
from routing.models import Assignment, BusinessHours, Entrance, OpeningInterval
from tests import world
from tests.widget.client import Visitor

pytestmark = pytest.mark.django_db(transaction=True)
KATE = "+79005550184"


@pytest.fixture
def line():
    """A line of calls whose missed ones are tasks, with an operator on duty; what is offered to her she does not take."""
    team = world.make_team()
    alice = world.make_user("alice", team=team)
    world.on_duty(alice)
    queue = world.make_queue(team=team, members=(alice,), missed_tasks=True)
    return alice, queue, world.make_line(queue)


def miss(channel, phone: str = KATE, reason: str = CloseReason.LEFT) -> Interaction:
    call = world.open_call(channel, phone)
    talk.close_interaction(interaction_id=call.pk, reason=reason)
    return Interaction.objects.get(pk=call.pk)


def answer(alice, channel, phone: str = KATE) -> Interaction:
    call = world.open_call(channel, phone)
    offers.accept_offer(leg_id=Assignment.objects.get(interaction=call, leg="offered").pk, actor=alice)
    return call


def test_ten_missed_calls_of_a_day_are_one_task(line):
    alice, queue, channel = line
    first = miss(channel)
    for _ in range(9):
        miss(channel)
    task = Task.objects.get()
    assert (task.kind, task.team, task.contact, task.interaction) == ("callback", queue.team, KATE, first)
    assert (task.profile, task.assignee, task.created_by) == (first.profile, None, None)
    assert timedelta(minutes=25) < task.due_at - timezone.now() < timedelta(minutes=35)
    assert MissedCall.objects.filter(task=task).count() == 10
    end_contact(world_fact(first))
    assert MissedCall.objects.count() == 10 and Task.objects.count() == 1, "a fact that is handled twice counts once"
    client = Client()
    client.force_login(alice)
    assert "10 missed calls" in client.get("/desk/tasks/").content.decode()
    miss(channel, "+79005550199")
    assert Task.objects.count() == 2, "another customer is another task"
    Task.objects.update(created_at=timezone.now() - timedelta(days=1))
    miss(channel)
    assert Task.objects.count() == 3, "another day is another task"


def world_fact(call: Interaction):
    from interactions.events import InteractionClosed

    return InteractionClosed(interaction=call.pk, kind=call.kind, reason=call.close_reason)


@pytest.mark.parametrize("reason", [CloseReason.ENDED, CloseReason.REFUSED, CloseReason.NO_ANSWER])
def test_whatever_ended_it_unanswered(line, reason):
    miss(line[2], reason=reason)
    assert Task.objects.count() == 1


@pytest.mark.parametrize("reason", [CloseReason.CALLBACK, CloseReason.SPAM, CloseReason.CANCELLED])
def test_what_is_not_missed_is_no_task(line, reason):
    miss(line[2], reason=reason)
    assert not Task.objects.exists()


def test_off_by_itself_and_nothing_of_what_was_answered(line):
    alice, queue, channel = line
    call = answer(alice, channel)
    talk.close_interaction(interaction_id=call.pk, reason=CloseReason.LEFT)
    queue.missed_tasks = False
    queue.save()
    miss(channel, "+79005550199")
    assert not Task.objects.exists()


def test_it_is_done_when_he_calls_again_and_is_answered(line):
    alice, _queue, channel = line
    miss(channel)
    miss(channel, "+79005550199")
    mine = cases.create_task(title="Send a letter", assignee=alice, actor=alice, profile=Task.objects.first().profile)
    again = answer(alice, channel)
    kates = Task.objects.get(contact=KATE)
    assert (kates.done_at is not None, kates.done_by) == (True, alice)
    assert Task.objects.open().count() == 2 and Task.objects.open().filter(pk=mine.pk).exists()
    # Facts may be handled late: of a call that was missed before he was served there is no task any more.
    MissedCall.objects.all().delete()
    old = Interaction.objects.filter(close_reason="left", profile=again.profile).first()
    assert missed.note(interaction_id=old.pk) is None
    talk.close_interaction(interaction_id=again.pk, reason=CloseReason.FINISHED)
    miss(channel)
    assert Task.objects.open().filter(contact=KATE).count() == 1, "what he misses after it is a new one"


def test_who_is_called_back_anyhow_makes_no_task_and_reaching_him_ends_one(line):
    alice, queue, channel = line
    second = world.make_queue("Second", team=queue.team, members=(alice,), callbacks=True)
    missed_call = miss(channel)
    callbacks.ask(callbacks.Wish(phone=KATE, queue=second, profile=missed_call.profile))
    miss(channel)
    assert MissedCall.objects.count() == 1, "he is called back by his callback"
    leg = Assignment.objects.filter(leg="offered").latest("pk")
    offers.accept_offer(leg_id=leg.pk, actor=alice)
    assert Task.objects.open().exists(), "calling is not reaching"
    calling.report(interaction_id=leg.interaction_id, actor=alice, result="reached")
    assert not Task.objects.open().exists()


def test_out_of_hours_it_is_due_after_the_opening(line):
    _alice, queue, channel = line
    hours = BusinessHours.objects.create(name="Office", zone="UTC")
    now = timezone.now()
    tomorrow = now + timedelta(days=1)
    OpeningInterval.objects.create(hours=hours, day=tomorrow.weekday(), opens="09:00", closes="18:00")
    queue.hours = hours
    queue.save()
    miss(channel)
    opens = tomorrow.replace(hour=9, minute=30, second=0, microsecond=0)
    assert Task.objects.get().due_at == opens


def test_who_cannot_be_reached_makes_none_and_the_turned_away_make_one(line):
    alice, queue, _channel = line
    site = world.make_site(queue)
    site.voice = Channel.objects.create(name="Calls of the site", kind="voice")
    site.save()
    Entrance.objects.create(channel=site.voice, queue=queue)
    world.on_duty(alice, mode="offline")
    for contact in ("", "8 900 555-01-84", "kate@example.com"):
        caller = Visitor(site)
        caller.token = caller.post("call/session", {"site": site.key})["token"]
        key = "7a0e4b0e-0000-4000-8000-000000000001"
        assert caller.post("call/start", {"key": key, "name": "Kate", "contact": contact})["code"] == "away"
    assert Interaction.objects.filter(kind="voice", close_reason="refused").count() == 3
    assert sorted(Task.objects.values_list("kind", "contact")) == [("callback", KATE), ("write", "kate@example.com")]


def test_a_number_on_nobodys_card_is_counted_by_the_number(line):
    _alice, _queue, channel = line
    for name in ("Kate", "Tom"):
        profile = customers.create_profile(source="shop", fields={"name": name})
        identity = customers.find_identity(kind=Identity.Kind.PHONE, value=KATE)
        customers.link_identity(profile=profile, identity=identity, source="shop", verified=True)
    for _ in range(2):
        thread = talk.open_thread(channel=channel, identity=identity, profile=profile)
        call, _new = talk.open_interaction(thread=thread, whose=lambda _thread: None)
        talk.close_interaction(interaction_id=call.pk, reason=CloseReason.LEFT)
    assert (Task.objects.get().profile, MissedCall.objects.count()) == (None, 2)
