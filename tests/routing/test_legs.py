"""A contact in work: idle and back, snooze, finish, wrap up."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cxcenter.core import realtime
from cxcenter.core.errors import Conflict, Forbidden, Invalid
from cxcenter.core.models import Event
from interactions.actions import talk
from interactions.models import Channel, Disposition, Interaction, Message, Topic
from routing.actions import handover, legs, offers, presence
from routing.models import Assignment, Presence, Queue, WorkItem
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


def age(chat, seconds: int) -> None:
    """Let a chat have been silent for some time."""
    then = timezone.now() - timedelta(seconds=seconds)
    Interaction.objects.filter(pk=chat.pk).update(last_message_at=then)
    Assignment.objects.filter(interaction=chat).update(accepted_at=then)


def codes(chat) -> list[str]:
    return list(
        Message.objects.filter(thread=chat.thread_id, author="system").order_by("seq").values_list("code", flat=True)
    )


# --- Idle and back ---


def test_an_answered_contact_becomes_idle_and_frees_its_place(floor, pushed):
    floor.ready(floor.alice, capacity=1)
    chat = floor.chat(floor.alice)
    age(chat, 1000)
    assert legs.sweep_idle(now=timezone.now()) == 0, "an answer is due"
    world.reply(chat, floor.alice, "Good day")
    age(chat, chat.thread.channel.hold_s - 5)
    assert legs.sweep_idle(now=timezone.now()) == 0
    age(chat, chat.thread.channel.hold_s + 5)
    pushed.heard()
    assert (legs.sweep_idle(now=timezone.now()), legs.sweep_idle(now=timezone.now())) == (1, 0)
    state = floor.presence(floor.alice)
    assert (state.load, state.state) == (0, "available")
    assert floor.leg(chat).leg == "active" and not floor.leg(chat).holds
    assert set(pushed.kinds(realtime.user_group(floor.alice.pk))) == {"signal:presence", "signal:load"}


def test_a_message_at_the_same_moment_keeps_the_place(floor):
    """The sweep had found the contact idle; the customer's message came before it took the place."""
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    world.reply(chat, floor.alice, "Good day")
    age(chat, 1000)
    leg = floor.leg(chat)
    world.say(chat, "One more thing")
    legs._let_idle(leg.pk)
    assert floor.leg(chat).holds


@pytest.fixture
def idle(floor):
    floor.ready(floor.alice, capacity=1)
    chat = floor.chat(floor.alice)
    world.reply(chat, floor.alice, "Good day")
    age(chat, 1000)
    legs.sweep_idle(now=timezone.now())
    return chat


def test_the_customer_finds_his_operator_again(floor, idle):
    world.say(idle, "One more thing")
    assert floor.leg(idle).holds and floor.presence(floor.alice).load == 1
    assert WorkItem.objects.filter(interaction=idle).count() == 1


def test_if_he_has_no_room_the_contact_goes_to_the_queue_with_its_priority(floor, idle):
    WorkItem.objects.filter(interaction=idle).update(priority=7)
    other = floor.chat()
    offers.accept_offer(leg_id=floor.leg(other).pk, actor=floor.alice)
    world.say(idle, "One more thing")
    item = floor.item(idle)
    assert (item.visit, item.priority, item.preferred) == ("waiting", 7, floor.alice)
    assert floor.leg(idle).end == "returned"
    assert codes(idle)[-1] == "back_in_queue"
    # He is the first to get it when he is ready.
    floor.ready(floor.bob, capacity=0)
    talk.close_interaction(interaction_id=other.pk, reason="ended")
    legs.wrap_up(leg_id=floor.leg(other).pk, actor=floor.alice)
    assert floor.leg(idle).operator == floor.alice and floor.leg(idle).leg == "offered"


def test_talks_of_a_vanished_operator_wait_for_him(floor, idle):
    Presence.objects.filter(user=floor.alice).update(mode="offline", state="offline", vanished_at=timezone.now())
    floor.alice.presence_intervals.all().delete()
    world.say(idle, "One more thing")
    assert floor.leg(idle).leg == "active"


def test_after_the_time_of_return_it_goes_to_the_queue_though_he_is_ready(floor, idle):
    """Within the channel's time since what was said last it is his; after it anybody's, with its priority."""
    within = idle.thread.channel.return_s
    Message.objects.filter(thread=idle.thread_id).update(at=timezone.now() - timedelta(seconds=within + 5))
    WorkItem.objects.filter(interaction=idle).update(priority=7)
    world.say(idle, "One more thing")
    item = floor.item(idle)
    assert (item.visit, item.priority, item.preferred) == ("offered", 7, None)


def test_who_was_not_ready_is_the_first_for_the_rest_of_the_time_only(floor, idle):
    within = idle.thread.channel.return_s
    Message.objects.filter(thread=idle.thread_id).update(at=timezone.now() - timedelta(seconds=within - 60))
    presence.set_capacity(user=floor.alice, capacity=0, actor=floor.boss)
    world.say(idle, "One more thing")
    item = floor.item(idle)
    assert item.preferred == floor.alice
    assert timedelta(seconds=50) < item.preferred_until - timezone.now() <= timedelta(seconds=60)


# --- Snooze ---


def test_a_snooze_that_ends_takes_a_place_only_if_there_is_one(floor):
    floor.ready(floor.alice, capacity=1)
    chat = floor.chat(floor.alice)
    until = timezone.now() + timedelta(minutes=10)
    legs.snooze(interaction_id=chat.pk, actor=floor.alice, until=until)
    other = floor.chat(floor.alice)
    assert [legs.sweep_snoozed(now=until) for _ in range(2)] == [1, 0]
    leg = floor.leg(chat)
    assert (leg.leg, leg.holds, leg.snoozed_until, floor.presence(floor.alice).load) == ("active", False, None, 1)
    legs.snooze(interaction_id=other.pk, actor=floor.alice, until=until)
    legs.wake(leg_id=leg.pk, force=True)
    legs.wake(leg_id=floor.leg(other).pk, force=True)
    assert floor.presence(floor.alice).load == 2, "what he pulls himself may exceed it"


def test_snooze_frees_the_place_and_wakes_by_time(floor):
    floor.ready(floor.alice, capacity=1)
    chat = floor.chat(floor.alice)
    until = timezone.now() + timedelta(minutes=10)
    with pytest.raises(Invalid):
        legs.snooze(interaction_id=chat.pk, actor=floor.alice, until=timezone.now())
    with pytest.raises(Conflict):
        legs.snooze(interaction_id=chat.pk, actor=floor.bob, until=until)
    legs.snooze(interaction_id=chat.pk, actor=floor.alice, until=until)
    legs.snooze(interaction_id=chat.pk, actor=floor.alice, until=until)
    assert floor.presence(floor.alice).load == 0
    assert legs.sweep_snoozed(now=timezone.now()) == 0
    assert (legs.sweep_snoozed(now=until), legs.sweep_snoozed(now=until)) == (1, 0)
    assert floor.presence(floor.alice).load == 1 and floor.leg(chat).snoozed_until is None


def test_snoozed_is_woken_by_its_operator_and_by_the_customer(floor):
    floor.ready(floor.alice, capacity=1)
    chat = floor.chat(floor.alice)
    for wake in (lambda: legs.wake(leg_id=floor.leg(chat).pk, force=True), lambda: world.say(chat, "Hello?")):
        legs.snooze(interaction_id=chat.pk, actor=floor.alice, until=timezone.now() + timedelta(hours=1))
        wake()
        assert floor.leg(chat).holds and floor.leg(chat).snoozed_until is None


def test_snoozed_of_who_has_gone_returns_to_the_queue(floor):
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    until = timezone.now() + timedelta(minutes=10)
    legs.snooze(interaction_id=chat.pk, actor=floor.alice, until=until)
    Presence.objects.filter(user=floor.alice).update(mode="offline")
    assert legs.sweep_snoozed(now=until) == 1
    assert floor.item(chat).visit == "waiting"


# --- Finish and wrap up ---


def test_finish_and_wrap_up(floor):
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    with pytest.raises(Conflict):
        legs.finish(interaction_id=chat.pk, actor=floor.bob)
    leg = legs.finish(interaction_id=chat.pk, actor=floor.alice)
    with pytest.raises(Conflict):
        legs.finish(interaction_id=chat.pk, actor=floor.alice)
    state = floor.presence(floor.alice)
    assert (state.state, state.load) == ("wrapup", 1)
    assert leg.wrapup_until - leg.ended_at == timedelta(seconds=floor.queue.wrapup_s)
    with pytest.raises(Forbidden):
        legs.wrap_up(leg_id=leg.pk, actor=floor.bob)
    solved = Disposition.objects.create(name="Solved", solved=True)
    topic = Topic.objects.create(name="Delivery")
    for _ in range(2):
        legs.wrap_up(leg_id=leg.pk, actor=floor.alice, disposition=solved, topic=topic, note="fine")
    chat.refresh_from_db()
    assert (chat.disposition, chat.topic, chat.solved, chat.wrap_note) == (solved, topic, True, "fine")
    assert (chat.close_reason, codes(chat)[-1]) == ("finished", "closed")
    assert floor.leg(chat).wrapped_at is not None
    assert (floor.presence(floor.alice).state, floor.presence(floor.alice).load) == ("available", 0)
    assert Event.objects.filter(kind="interaction.closed").count() == 1


def test_wrap_up_ends_by_time_and_can_be_longer(floor):
    floor.ready(floor.alice)
    leg = legs.finish(interaction_id=floor.chat(floor.alice).pk, actor=floor.alice)
    longer = legs.extend_wrapup(leg_id=leg.pk, actor=floor.alice)
    assert longer.wrapup_until - leg.wrapup_until == timedelta(seconds=60)
    with pytest.raises(Conflict):
        legs.extend_wrapup(leg_id=leg.pk, actor=floor.bob)
    assert legs.sweep_wrapups(now=leg.wrapup_until) == 0
    assert (legs.sweep_wrapups(now=longer.wrapup_until), legs.sweep_wrapups(now=longer.wrapup_until)) == (1, 0)
    with pytest.raises(Conflict):
        legs.extend_wrapup(leg_id=leg.pk, actor=floor.alice)


def test_a_wrap_up_is_extended_as_much_as_its_queue_allows(floor):
    Queue.objects.filter(pk=floor.queue.pk).update(wrapup_s=30, wrapup_more_s=90)
    floor.ready(floor.alice)
    leg = legs.finish(interaction_id=floor.chat(floor.alice).pk, actor=floor.alice)
    assert floor.leg(leg.interaction).wrapup_left_s == 90
    left = [legs.extend_wrapup(leg_id=leg.pk, actor=floor.alice).wrapup_left_s for _ in range(2)]
    assert left == [30, 0]
    longest = floor.leg(leg.interaction).wrapup_until
    assert longest == leg.ended_at + timedelta(seconds=120)
    with pytest.raises(Conflict) as refused:
        legs.extend_wrapup(leg_id=leg.pk, actor=floor.alice)
    assert refused.value.code == "limit" and floor.leg(leg.interaction).wrapup_until == longest
    Queue.objects.filter(pk=floor.queue.pk).update(wrapup_more_s=0)
    assert floor.leg(leg.interaction).wrapup_left_s == 0


def test_without_wrap_up(floor):
    Queue.objects.update(wrapup_s=0)
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    legs.finish(interaction_id=chat.pk, actor=floor.alice)
    assert floor.leg(chat).leg == "ended" and floor.presence(floor.alice).state == "available"


def test_an_idle_contact_that_ends_takes_nobody_over_his_capacity(floor, idle):
    offers.accept_offer(leg_id=floor.leg(floor.chat()).pk, actor=floor.alice)
    assert floor.presence(floor.alice).load == 1
    leg = legs.finish(interaction_id=idle.pk, actor=floor.alice)
    assert (leg.leg, leg.holds, floor.presence(floor.alice).load) == ("wrapup", False, 1)
    legs.wrap_up(leg_id=leg.pk, actor=floor.alice)
    assert floor.presence(floor.alice).load == 1


def test_the_outcome_is_written_only_by_who_finished(floor):
    """Who has handed a session over, or holds it still, writes no outcome of it."""
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    note = {"actor": floor.alice, "note": "not mine to say"}
    with pytest.raises(Conflict):
        legs.wrap_up(leg_id=floor.leg(chat).pk, **note)
    leg = floor.leg(chat)
    floor.ready(floor.bob)
    handover.transfer(interaction_id=chat.pk, actor=floor.alice, operator=floor.bob)
    with pytest.raises(Conflict):
        legs.wrap_up(leg_id=leg.pk, **note)
    assert Interaction.objects.get(pk=chat.pk).wrap_note == ""


@pytest.mark.parametrize("reason", ["ended", "silent", "left", "spam"])
def test_a_session_that_ends_by_itself_leaves_its_leg_in_wrap_up(floor, reason):
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    assert talk.close_interaction(interaction_id=chat.pk, reason=reason)
    assert not talk.close_interaction(interaction_id=chat.pk, reason=reason)
    assert (floor.leg(chat).leg, floor.presence(floor.alice).state) == ("wrapup", "wrapup")


def test_a_customer_who_comes_again_finds_who_served_him(floor):
    floor.ready(floor.alice, floor.bob)
    first = floor.chat()
    served = floor.leg(first).operator
    offers.accept_offer(leg_id=floor.leg(first).pk, actor=served)
    legs.wrap_up(leg_id=legs.finish(interaction_id=first.pk, actor=served).pk, actor=served)
    again = world.open_chat(floor.site, thread=first.thread)
    assert floor.leg(again).operator == served and floor.leg(again).why["how"] == "preferred"
    talk.close_interaction(interaction_id=again.pk, reason="ended")
    Channel.objects.update(return_s=0)
    later = world.open_chat(floor.site, thread=first.thread)
    assert floor.leg(later).why["how"] == "least_loaded"


def test_what_was_answered_before_it_was_handled_again_wakes_nothing(floor):
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    message = world.say(chat, "Are you there?")
    world.reply(chat, floor.alice, "Yes")
    legs.snooze(interaction_id=chat.pk, actor=floor.alice, until=timezone.now() + timedelta(hours=1))
    legs.revive(message_id=message.pk)
    assert floor.leg(chat).snoozed_until is not None


def test_pages_hear_of_a_message_before_what_follows_from_it(floor, idle, pushed):
    """Its operator has no room any more: the contact goes to the queue, and the customer is told."""
    floor.chat(floor.alice)
    pushed.heard()
    world.say(idle, "One thing more")
    group = realtime.customer_group(idle.thread_id)
    changes = [m["changed"] for heard, m in pushed.heard() if heard == group and m["kind"] == "message"]
    assert len(changes) > 1 and changes == sorted(changes)
