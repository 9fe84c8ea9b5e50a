"""A call as work: offered and not accepted, an operator who vanishes in it, and the rules of silence that it does not know."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cxcenter.core import liveness
from cxcenter.core.errors import Conflict
from cxcenter.core.models import Tab
from interactions.actions import talk
from interactions.models import Interaction, Message
from routing import explain, sweeps, waits
from routing.actions import handover, legs, offers, overflow, presence
from routing.models import Assignment, Overflow, Policy, Presence
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


def vanish(user, now) -> None:
    """Let all pages of an operator have been silent for the time of grace."""
    silent = now - timedelta(seconds=Policy.current().operator_grace_s + 1)
    Presence.objects.filter(user=user).update(since=now - HOUR)
    Assignment.objects.filter(operator=user).update(accepted_at=now - HOUR)
    Tab.objects.create(owner=liveness.operator_key(user.pk), seen_at=silent)
    assert presence.sweep_vanished(now=now, steady_since=now - HOUR) == 1


def codes(call) -> list[str]:
    return list(Message.objects.filter(thread=call.thread_id).order_by("seq").values_list("code", flat=True))


# --- Offered ---


def test_a_call_that_is_not_accepted_in_time_goes_on_to_the_next(floor, line):
    floor.ready(floor.alice)
    call = line.call()
    first, entered = floor.leg(call), floor.item(call)
    floor.ready(floor.bob)
    assert offers.expire_offers(timezone.now()) == 0
    assert offers.expire_offers(first.expires_at) == 1
    first.refresh_from_db()
    state = floor.presence(floor.alice)
    assert (first.end, state.state, state.load, state.call_load) == ("expired", "not_responding", 0, 0)
    second = floor.leg(call)
    assert (second.operator, second.leg, second.item_id) == (floor.bob, "offered", entered.pk), "the same visit goes on"
    assert floor.item(call).waits_since == entered.waits_since
    assert floor.item(line.call()).visit == "waiting", "nothing comes to who does not respond"


def test_a_caller_who_hangs_up_takes_the_offer_with_him(floor, line):
    floor.ready(floor.alice)
    call = line.call()
    talk.close_interaction(interaction_id=call.pk, reason="ended")
    assert (floor.item(call).outcome, floor.leg(call).end) == ("abandoned", "withdrawn")
    assert (floor.presence(floor.alice).load, floor.presence(floor.alice).call_load) == (0, 0)


# --- In talk ---


def test_a_call_in_talk_never_idles_nor_is_closed_for_silence(floor, line):
    floor.ready(floor.alice)
    call, channel = line.call(floor.alice), line.channel
    assert min(channel.hold_s, channel.warn_silent_s) > 0, "the channel would let a chat"
    long = timezone.now() - timedelta(days=2)
    Interaction.objects.filter(pk=call.pk).update(last_message_at=long, waiting_since=None)
    Assignment.objects.filter(interaction=call).update(accepted_at=long)
    now = timezone.now()
    assert (legs.sweep_idle(now=now), sweeps.close_silent(now=now), sweeps.queue_lost(now=now)) == (0, 0, 0)
    assert not legs._let_idle(floor.leg(call).pk)
    assert floor.leg(call).holds and floor.presence(floor.alice).call_load == 1
    assert "silent_warning" not in codes(call)
    Interaction.objects.filter(pk=call.pk).update(warned_silent_at=long)
    assert sweeps.close_silent(now=now) == 0
    call.refresh_from_db()
    assert call.is_open


def test_a_call_is_not_put_aside(floor, line):
    floor.ready(floor.alice)
    call = line.call(floor.alice)
    with pytest.raises(Conflict) as refused:
        legs.snooze(interaction_id=call.pk, actor=floor.alice, until=timezone.now() + HOUR)
    assert refused.value.code == "on_the_line"
    assert floor.leg(call).snoozed_until is None and floor.leg(call).holds


def test_who_waits_on_the_line_is_no_ghost_though_no_page_shows_him(floor, line):
    call = line.call()
    Interaction.objects.filter(pk=call.pk).update(opened_at=timezone.now() - HOUR)
    type(floor.item(call)).objects.update(entered_at=timezone.now() - HOUR)
    sweeps.sweep()
    assert floor.item(call).visit == "waiting"


# --- An operator who vanishes, and one who goes ---


def test_a_call_of_who_vanished_is_kept_for_the_time_of_grace_then_first_in_line(floor, line):
    floor.ready(floor.alice)
    call, now = line.call(floor.alice), timezone.now()
    waits_long = line.call()
    chat_queue = floor.item(call).queue
    assert presence.sweep_kept_talks(now=now, steady_since=now - HOUR) == 0, "she is there"
    vanish(floor.alice, now)
    assert floor.leg(call).leg == "active"
    assert presence.sweep_kept_talks(now=now, steady_since=now - timedelta(seconds=10)) == 0, "we were away ourselves"
    assert [presence.sweep_kept_talks(now=now, steady_since=now - HOUR) for _ in range(2)] == [1, 0]
    again = floor.item(call)
    assert floor.leg(call).end == "vanished" and (again.visit, again.queue) == ("waiting", chat_queue)
    assert again.rank_at < floor.item(waits_long).rank_at, "first in line"
    assert (floor.presence(floor.alice).load, floor.presence(floor.alice).call_load) == (0, 0)
    assert codes(call) == ["answered", "back_in_queue"]
    floor.ready(floor.bob)
    assert floor.leg(call).operator == floor.bob


def test_heard_again_in_time_she_keeps_her_call(floor, line):
    floor.ready(floor.alice)
    call, now = line.call(floor.alice), timezone.now()
    vanish(floor.alice, now)
    Tab.objects.create(owner=liveness.operator_key(floor.alice.pk), seen_at=now + timedelta(seconds=1))
    assert presence.sweep_returned(now=now) == 1
    assert presence.sweep_kept_talks(now=now + HOUR, steady_since=now - HOUR) == 0
    assert floor.leg(call).leg == "active"


def test_a_caller_who_hung_up_meanwhile_comes_to_nobody(floor, line):
    floor.ready(floor.alice)
    call, now = line.call(floor.alice), timezone.now()
    vanish(floor.alice, now)
    talk.close_interaction(interaction_id=call.pk, reason="ended")
    assert presence.sweep_kept_talks(now=now, steady_since=now - HOUR) == 0
    assert floor.leg(call).leg == "wrapup" and call.visits.count() == 1


def test_who_goes_is_asked_for_her_call_and_leaves_it_to_the_queue(floor, line):
    floor.ready(floor.alice)
    call = line.call(floor.alice)
    with pytest.raises(Conflict):
        presence.set_mode(user=floor.alice, mode="offline", actor=floor.alice)
    presence.set_mode(user=floor.alice, mode="offline", actor=floor.alice, move=True)
    assert floor.item(call).visit == "waiting" and floor.leg(call).end == "returned"


def test_a_call_is_handed_over_as_any_contact(floor, line):
    floor.ready(floor.alice, floor.bob)
    call = line.call(floor.alice)
    handover.transfer(interaction_id=call.pk, actor=floor.alice, operator=floor.bob)
    assert floor.leg(call).operator == floor.bob
    assert (floor.presence(floor.alice).call_load, floor.presence(floor.bob).call_load) == (0, 1)


# --- What is said of it ---


def test_why_says_who_is_on_a_call_or_takes_none(floor, line):
    carol = world.make_user("carol", team=floor.team)
    floor.queue.memberships.create(user=carol)
    floor.ready(floor.alice, floor.bob, carol)
    first = line.call()
    offers.accept_offer(leg_id=floor.leg(first).pk, actor=floor.leg(first).operator)
    busy = floor.leg(first).operator
    off = next(one for one in (floor.alice, floor.bob, carol) if one != busy)
    presence.switch_kinds(user=off, off=["call"], actor=off)
    second = line.call()
    [offer] = explain.offers_of(floor.item(second))
    verdicts = {one.name: one.verdict for one in offer.candidates}
    assert (verdicts[busy.name], verdicts[off.name]) == ("full", "off") and "chosen" in verdicts.values()


def test_a_caller_is_told_his_place_and_estimate_by_the_calls_that_his_queue_takes(floor, line):
    """Operators who take calls alone serve the queue too; of four chats at once a caller has nothing."""
    now, queue = timezone.now(), floor.queue.pk
    floor.ready(floor.alice, floor.bob, capacity=0)
    held = [line.call() for _ in range(2)]
    first, second = line.call(), line.call()
    assert {floor.item(one).visit for one in held} == {"offered"} and waits.slots_of(now, [queue]) == {queue: 2}
    assert [waits.place_of(one).position for one in (first, second)] == [3, 4], "an offer is not yet an answer"
    Presence.objects.update(capacity=4)
    presence.switch_kinds(user=floor.alice, off=["call"], actor=floor.alice)
    assert waits.slots_of(now, [queue]) == {queue: 1}
    for _ in range(5):
        floor.chat()
    assert waits.slots_of(now, [queue]) == {queue: 8}, "chats wait there too"


def test_who_calls_again_keeps_his_place_and_an_overflow_takes_him_on(floor, line):
    second = world.make_queue("Second", floor.team, members=(floor.bob,))
    phone = "+79005550184"
    first = world.open_call(line.channel, phone)
    came = floor.item(first).waits_since
    talk.close_interaction(interaction_id=first.pk, reason="ended")
    again = world.open_call(line.channel, phone)
    assert floor.item(again).waits_since == came, "he gave up a moment ago"
    Overflow.objects.create(queue=floor.queue, when="waited", limit=1, then="queue", to=second)
    presence.set_mode(user=floor.bob, mode="pause", actor=floor.bob)
    assert overflow.sweep(now=timezone.now() + timedelta(seconds=5)) == 1
    moved = floor.item(again)
    assert (moved.queue, moved.work, moved.waits_since) == (second, "call", came)
    presence.set_mode(user=floor.bob, mode="available", actor=floor.bob)
    assert floor.leg(again).operator == floor.bob and floor.presence(floor.bob).call_load == 1
