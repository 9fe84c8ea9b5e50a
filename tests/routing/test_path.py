"""The whole path below the screens: a visitor writes, the right operator answers."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from cxcenter.core import liveness
from interactions.models import Interaction, Message
from quality.models import Survey  # noqa: F401 — its table exists
from routing import ghosts, queries, sweeps
from routing.actions import handover, legs, offers, presence
from routing.models import Assignment, Presence, WorkItem
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place():
    team = world.make_team()
    alice, bob = world.make_user("alice", team=team), world.make_user("bob", team=team)
    queue = world.make_queue(members=(alice, bob), team=team)
    return alice, bob, queue, world.make_site(queue)


def test_visitor_is_offered_served_finished(place):
    alice, _bob, _queue, site = place
    world.on_duty(alice)
    chat = world.open_chat(site)
    leg = Assignment.objects.get(interaction=chat)
    assert (leg.operator, leg.leg) == (alice, "offered")
    offers.accept_offer(leg_id=leg.pk, actor=alice)
    assert Presence.objects.get(user=alice).state == "busy"
    world.reply(chat, alice, "Good day")
    chat.refresh_from_db()
    assert chat.waiting_since is None and chat.first_reply_at is not None
    legs.finish(interaction_id=chat.pk, actor=alice)
    legs.wrap_up(leg_id=leg.pk, actor=alice, note="done")
    chat.refresh_from_db()
    assert not chat.is_open
    assert Presence.objects.get(user=alice).load == 0
    assert WorkItem.objects.get(interaction=chat).outcome == "answered"
    codes = list(Message.objects.filter(thread=chat.thread_id).order_by("seq").values_list("author", "code"))
    assert codes == [("customer", ""), ("system", "joined"), ("staff", ""), ("system", "closed")]


def test_offer_not_accepted_goes_back_with_its_wait(place):
    alice, bob, _queue, site = place
    world.on_duty(alice)
    chat = world.open_chat(site)
    item = WorkItem.objects.get(interaction=chat)
    sweeps.offers.expire_offers(timezone.now() + timedelta(seconds=30))
    assert Presence.objects.get(user=alice).state == "not_responding"
    assert Assignment.objects.get(interaction=chat).end == "expired"
    world.on_duty(bob)
    presence.set_mode(user=bob, mode="available", actor=bob)
    leg = Assignment.objects.get(interaction=chat, leg="offered")
    assert leg.operator == bob
    assert leg.item.waits_since == item.waits_since


def test_transfer_to_a_person_is_a_new_visit(place):
    alice, bob, _queue, site = place
    world.on_duty(alice)
    chat = world.open_chat(site)
    offers.accept_offer(leg_id=Assignment.objects.get(interaction=chat).pk, actor=alice)
    world.on_duty(bob)
    handover.transfer(interaction_id=chat.pk, actor=alice, operator=bob, note="wants a date")
    leg = Assignment.objects.get(interaction=chat, leg="offered")
    assert leg.operator == bob
    assert WorkItem.objects.filter(interaction=chat).count() == 2
    assert Presence.objects.get(user=alice).load == 0


def test_a_visitor_who_left_is_nobodys_work(place):
    alice, _bob, _queue, site = place
    chat = world.open_chat(site)
    now = timezone.now() + timedelta(minutes=2)
    assert ghosts.abandon(now=now, steady_since=timezone.now() - timedelta(hours=1)) == 1
    assert WorkItem.objects.get(interaction=chat).outcome == "abandoned"
    assert not Interaction.objects.get(pk=chat.pk).is_open
    world.on_duty(alice)
    assert offers.assign_next() == []


def test_vanished_operator_keeps_talks_for_a_while(place):
    alice, bob, _queue, site = place
    world.on_duty(alice)
    chat = world.open_chat(site)
    offers.accept_offer(leg_id=Assignment.objects.get(interaction=chat).pk, actor=alice)
    Presence.objects.filter(user=alice).update(since=timezone.now() - timedelta(hours=1))
    later = timezone.now() + timedelta(minutes=2)
    # An outage of ours signs nobody off.
    assert presence.sweep_vanished(now=later, steady_since=later) == 0
    assert presence.sweep_vanished(now=later, steady_since=later - timedelta(hours=2)) == 1
    assert Presence.objects.get(user=alice).state == "offline"
    assert presence.sweep_kept_talks(now=later, steady_since=later - timedelta(hours=2)) == 0
    world.on_duty(bob)
    assert presence.sweep_kept_talks(now=later + timedelta(minutes=3), steady_since=later - timedelta(hours=2)) == 1
    assert Assignment.objects.get(interaction=chat, leg="offered").operator == bob


def test_operator_who_is_heard_again_keeps_his_talks(place):
    alice, _bob, _queue, site = place
    world.on_duty(alice)
    chat = world.open_chat(site)
    offers.accept_offer(leg_id=Assignment.objects.get(interaction=chat).pk, actor=alice)
    gone = timezone.now() - timedelta(minutes=1)
    Presence.objects.filter(user=alice).update(mode="offline", state="offline", vanished_at=gone)
    assert presence.sweep_returned(now=timezone.now()) == 0
    liveness.write([(uuid.uuid4(), liveness.operator_key(alice.pk))])
    assert presence.sweep_returned(now=timezone.now()) == 1
    assert Presence.objects.get(user=alice).state == "not_responding"
    now = timezone.now()
    assert presence.sweep_kept_talks(now=now + timedelta(hours=1), steady_since=now - timedelta(hours=1)) == 0
    assert Assignment.objects.get(interaction=chat).leg == "active"


def test_transfer_to_a_group_takes_its_queue_that_waits_least(place):
    alice, bob, queue, site = place
    other = world.make_queue("Parts", team=queue.team, members=(bob,))
    world.on_duty(alice)
    chat = world.open_chat(site)
    offers.accept_offer(leg_id=Assignment.objects.get(interaction=chat).pk, actor=alice)
    world.open_chat(site)
    world.on_duty(bob)
    spare = world.make_queue("Spare", team=queue.team, members=(bob,))
    Presence.objects.filter(user=alice).update(pause_after=True)
    world.open_chat(site)
    assert queries.queue_of_group(queue.team, chat, alice) == other
    WorkItem.objects.exclude(interaction=chat).update(queue=other, visit="waiting")
    assert queries.queue_of_group(queue.team, chat, alice) == spare
