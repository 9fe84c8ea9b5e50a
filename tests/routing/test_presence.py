"""An operator's states: chosen, forced, lost, and what becomes of his contacts."""

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cxcenter.core import heartbeats, liveness, realtime
from cxcenter.core.errors import Conflict, CxError, Forbidden, Invalid
from cxcenter.core.models import AuditEntry, Pulse, Tab
from interactions.models import Interaction, Message
from routing import sweeps
from routing.actions import handover, legs, offers, presence
from routing.models import Assignment, PauseReason, Policy, Presence, Queue, WorkItem
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


def states(user) -> list[str]:
    return list(user.presence_intervals.order_by("pk").values_list("state", flat=True))


# --- Chosen ---


def test_a_day_of_states_adds_up(floor, pushed):
    lunch = PauseReason.objects.create(name="Lunch")
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    leg = legs.finish(interaction_id=chat.pk, actor=floor.alice)
    legs.wrap_up(leg_id=leg.pk, actor=floor.alice)
    presence.set_mode(user=floor.alice, mode="pause", reason=lunch, actor=floor.alice)
    presence.set_mode(user=floor.alice, mode="available", actor=floor.alice)
    presence.set_mode(user=floor.alice, mode="offline", actor=floor.alice)
    assert states(floor.alice) == ["available", "busy", "wrapup", "available", "pause", "available", "offline"]
    assert "signal:presence" in pushed.kinds(realtime.user_group(floor.alice.pk))
    assert [i.reason for i in floor.alice.presence_intervals.order_by("pk")].count(lunch) == 1


def test_the_same_state_again_is_one_interval(floor):
    for _ in range(3):
        floor.ready(floor.alice)
    assert states(floor.alice) == ["available"]


def test_another_reason_is_another_pause(floor):
    lunch, training = PauseReason.objects.create(name="Lunch"), PauseReason.objects.create(name="Training")
    for reason in (lunch, lunch, training):
        presence.set_mode(user=floor.alice, mode="pause", reason=reason, actor=floor.alice)
    assert [i.reason for i in floor.alice.presence_intervals.order_by("pk")] == [lunch, training]


def test_what_cannot_be_chosen(floor):
    PauseReason.objects.create(name="Lunch")
    for mode in ("pause", "not_responding", "busy", "", "wrapup"):
        with pytest.raises(Invalid):
            presence.set_mode(user=floor.alice, mode=mode, actor=floor.alice)
    assert states(floor.alice) == []


def test_pause_gives_offers_back_and_keeps_contacts(floor):
    floor.ready(floor.alice)
    held, offered = floor.chat(floor.alice), floor.chat()
    presence.set_mode(user=floor.alice, mode="pause", actor=floor.alice)
    assert floor.leg(held).leg == "active" and floor.leg(offered).leg == "ended"
    assert floor.item(offered).visit == "waiting"
    assert floor.presence(floor.alice).load == 1
    assert offers.assign_next() == []


def test_pause_after_this_contact(floor):
    lunch = PauseReason.objects.create(name="Lunch")
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    presence.set_mode(user=floor.alice, mode="pause", reason=lunch, actor=floor.alice, after=True)
    assert (floor.presence(floor.alice).state, floor.presence(floor.alice).pause_after) == ("busy", True)
    waiting = floor.chat()
    assert floor.item(waiting).visit == "waiting", "nothing new comes"
    leg = legs.finish(interaction_id=chat.pk, actor=floor.alice)
    assert floor.presence(floor.alice).state == "wrapup"
    legs.wrap_up(leg_id=leg.pk, actor=floor.alice)
    state = floor.presence(floor.alice)
    assert (state.state, state.reason, state.pause_after) == ("pause", lunch, False)
    assert [(i.state, i.reason) for i in floor.alice.presence_intervals.order_by("pk")][-3:] == [
        ("busy", None), ("wrapup", None), ("pause", lunch),
    ]  # fmt: skip


def test_pause_after_is_taken_back_by_available(floor):
    floor.ready(floor.alice)
    floor.chat(floor.alice)
    presence.set_mode(user=floor.alice, mode="pause", actor=floor.alice, after=True)
    floor.ready(floor.alice)
    assert floor.presence(floor.alice).pause_after is False
    assert floor.leg(floor.chat()).operator == floor.alice


def test_pause_after_with_empty_hands_is_at_once(floor):
    floor.ready(floor.alice)
    presence.set_mode(user=floor.alice, mode="pause", actor=floor.alice, after=True)
    assert floor.presence(floor.alice).state == "pause"


# --- Signing out ---


def test_going_with_contacts_asks(floor):
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    with pytest.raises(Conflict) as refused:
        presence.set_mode(user=floor.alice, mode="offline", actor=floor.alice)
    assert (refused.value.code, refused.value.detail["count"]) == ("open_contacts", 1)
    assert floor.presence(floor.alice).mode == "available"
    legs.finish(interaction_id=chat.pk, actor=floor.alice)
    presence.set_mode(user=floor.alice, mode="offline", actor=floor.alice)
    assert floor.presence(floor.alice).state == "offline"


@pytest.mark.parametrize("auto_accept", [False, True])
def test_moving_contacts_on_going(floor, auto_accept):
    """They go to the head of their queue, and never back to the one who goes."""
    Queue.objects.update(auto_accept=auto_accept)
    floor.ready(floor.alice)
    chats = [floor.chat() for _ in range(3)]
    for chat in chats[:2]:
        offers.accept_offer(leg_id=floor.leg(chat).pk, actor=floor.alice)
    presence.set_mode(user=floor.alice, mode="offline", actor=floor.alice, move=True)
    assert (floor.presence(floor.alice).state, floor.presence(floor.alice).load) == ("offline", 0)
    assert {floor.item(chat).visit for chat in chats} == {"waiting"}
    late = floor.chat()
    floor.ready(floor.bob, capacity=2)
    assert floor.leg(chats[0]).operator == floor.leg(chats[1]).operator == floor.bob
    assert floor.item(late).visit == "waiting"


def test_supervisor_moves_all_contacts_and_they_do_not_come_back_at_once(floor):
    floor.ready(floor.alice)
    chats = [floor.chat(floor.alice) for _ in range(2)]
    assert presence.move_all_to_queue(user=floor.alice, actor=floor.boss) == 2
    assert presence.move_all_to_queue(user=floor.alice, actor=floor.boss) == 0
    assert {floor.item(chat).visit for chat in chats} == {"waiting"}
    floor.ready(floor.bob)
    assert {floor.leg(chat).operator for chat in chats} == {floor.bob}
    assert AuditEntry.objects.filter(act="presence.move_all").count() == 2


def test_a_forced_state_is_audited_and_only_for_own_people(floor):
    floor.ready(floor.alice)
    presence.set_mode(user=floor.alice, mode="pause", actor=floor.boss)
    assert AuditEntry.objects.get(act="presence.force").detail == {"mode": "pause"}
    stranger = world.make_user("stranger", "supervisor", world.make_team("Sales"))
    presence.refuse_stranger(floor.boss, floor.alice)
    presence.refuse_stranger(floor.alice, floor.alice)
    for actor in (stranger, floor.bob):
        with pytest.raises(Forbidden):
            presence.refuse_stranger(actor, floor.alice)


def test_capacity(floor):
    floor.ready(floor.alice, capacity=0)
    chat = floor.chat()
    assert floor.item(chat).visit == "waiting"
    for wrong in (-1, 51):
        with pytest.raises(Invalid):
            presence.set_capacity(user=floor.alice, capacity=wrong, actor=floor.boss)
    presence.set_capacity(user=floor.alice, capacity=1, actor=floor.boss)
    assert floor.leg(chat).operator == floor.alice


# --- Vanishing ---


def page(user, seen_ago_s: float = 0) -> uuid.UUID:
    """Let a page of an operator have been heard some time ago."""
    tab = uuid.uuid4()
    seen = timezone.now() - timedelta(seconds=seen_ago_s)
    Tab.objects.create(pk=tab, owner=liveness.operator_key(user.pk), seen_at=seen)
    return tab


def on_duty_since(user, ago: timedelta = HOUR) -> None:
    Presence.objects.filter(user=user).update(since=timezone.now() - ago)
    Assignment.objects.filter(operator=user).update(accepted_at=timezone.now() - ago)


def test_all_pages_silent_for_the_grace_time(floor):
    now = timezone.now()
    floor.ready(floor.alice)
    held, offered = floor.chat(floor.alice), floor.chat()
    on_duty_since(floor.alice)
    page(floor.alice, 100)
    recent = page(floor.alice, 10)
    assert presence.sweep_vanished(now=now, steady_since=now - HOUR) == 0, "one page is enough"
    assert floor.leg(offered).leg == "offered"
    Tab.objects.filter(pk=recent).update(seen_at=now - timedelta(seconds=Policy.current().operator_grace_s + 1))
    assert presence.sweep_vanished(now=now, steady_since=now - timedelta(seconds=10)) == 0, "we were away ourselves"
    assert presence.sweep_vanished(now=now, steady_since=now - HOUR) == 1
    assert presence.sweep_vanished(now=now, steady_since=now - HOUR) == 0
    state = floor.presence(floor.alice)
    assert (state.state, state.vanished_at, state.load) == ("offline", now, 1)
    assert floor.item(offered).visit == "waiting" and floor.leg(held).leg == "active"


def test_who_has_just_begun_has_time_to_open_his_page(floor):
    """His page of yesterday is silent; the state he chose a moment ago counts, and his offers stay."""
    page(floor.alice, 80_000)
    floor.ready(floor.alice)
    offered = floor.chat()
    now = timezone.now() + timedelta(seconds=5)
    assert presence.sweep_vanished(now=now, steady_since=now - HOUR) == 0
    assert floor.leg(offered).leg == "offered" and floor.presence(floor.alice).state == "available"


def test_talks_are_kept_for_a_second_time_limit_then_first_in_line(floor):
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    on_duty_since(floor.alice)
    other = floor.chat()
    gone = timezone.now()
    presence.sweep_vanished(now=gone, steady_since=gone - HOUR)
    keep = timedelta(seconds=Policy.current().keep_talks_s)
    assert presence.sweep_kept_talks(now=gone + keep - timedelta(seconds=1), steady_since=gone - HOUR) == 0
    late = gone + keep + timedelta(seconds=1)
    assert presence.sweep_kept_talks(now=late, steady_since=late - timedelta(seconds=20)) == 0, "we were away"
    assert [presence.sweep_kept_talks(now=late, steady_since=gone - HOUR) for _ in range(2)] == [1, 0]
    item = floor.item(chat)
    assert floor.leg(chat).end == "vanished"
    assert item.rank_at < floor.item(other).rank_at, "first in line"
    floor.ready(floor.bob, capacity=1)
    assert floor.leg(chat).operator == floor.bob
    lines = chat.messages.filter(author="system", customer_changed__gt=0).values_list("code", flat=True)
    assert "back_in_queue" in lines, "the customer is told"


@pytest.mark.parametrize("way", ["vanished", "offline"])
def test_what_needs_no_answer_stays_with_who_went(floor, way):
    """An answered talk nobody need see: it is neither requeued nor ever counted as abandoned. His next word queues it."""
    floor.ready(floor.alice)
    answered, due, put_aside = (floor.chat(floor.alice) for _ in range(3))
    for chat in (answered, put_aside):
        world.reply(chat, floor.alice, "Good day")
    later = timezone.now() + HOUR
    legs.snooze(interaction_id=put_aside.pk, actor=floor.alice, until=later)
    if way == "offline":
        presence.set_mode(user=floor.alice, mode="offline", actor=floor.alice, move=True)
    else:
        on_duty_since(floor.alice)
        now = timezone.now()
        assert presence.sweep_vanished(now=now, steady_since=now - HOUR) == 1
        assert presence.sweep_kept_talks(now=now + HOUR, steady_since=now - HOUR) == 1
        legs.sweep_idle(now=now + 24 * HOUR)
    assert floor.item(due).visit == "waiting"
    assert [floor.leg(chat).leg for chat in (answered, put_aside)] == ["active", "active"]
    assert floor.presence(floor.alice).load == 0 and floor.leg(put_aside).snoozed_until == later
    now = timezone.now() + timedelta(minutes=1)
    assert presence.sweep_vanished(now=now, steady_since=now - HOUR) == 0, "he has gone already"
    legs.sweep_snoozed(now=later)
    assert floor.leg(put_aside).leg == "active" and floor.leg(put_aside).snoozed_until is None
    world.say(answered, "One more thing")
    if way == "vanished":
        presence.sweep_kept_talks(now=now + HOUR, steady_since=now - HOUR)
    assert floor.item(answered).visit == "waiting"


def test_idle_talks_ask_nobody_to_stay(floor):
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    world.reply(chat, floor.alice, "Good day")
    with pytest.raises(Conflict):
        presence.set_mode(user=floor.alice, mode="offline", actor=floor.alice)
    legs.snooze(interaction_id=chat.pk, actor=floor.alice, until=timezone.now() + HOUR)
    presence.set_mode(user=floor.alice, mode="offline", actor=floor.alice)
    assert floor.leg(chat).leg == "active"


def test_a_state_locks_work_before_the_operator_even_inside_another_act(floor):
    """The API keeps its answer in the same transaction: there the order of locks must hold over all of it."""
    floor.ready(floor.alice)
    offered = floor.chat()
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        presence.set_mode(user=floor.alice, mode="pause", actor=floor.alice)
    locked = [q["sql"] for q in asked if "FOR UPDATE" in q["sql"] or "_locked" in q["sql"] or "item_of_leg" in q["sql"]]
    items = [n for n, sql in enumerate(locked) if 'FROM "routing_workitem"' in sql or "item_of_leg" in sql]
    operators = [n for n, sql in enumerate(locked) if "EXECUTE presences_locked" in sql]
    assert items and items[0] < operators[0] and str(floor.item(offered).pk) in locked[items[0]]
    assert floor.item(offered).visit == "waiting"


def test_a_contact_first_in_line_stays_first_when_it_is_late(floor):
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    legs.return_to_queue(leg_id=floor.leg(chat).pk, first_in_line=True)
    presence.set_mode(user=floor.alice, mode="pause", actor=floor.alice)
    before = floor.item(chat).rank_at
    later = timezone.now() + timedelta(minutes=10)
    assert sweeps.escalate(now=later) == 1
    assert floor.item(chat).rank_at < before


def test_heard_again_in_time_he_keeps_his_talks(floor):
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    on_duty_since(floor.alice)
    now = timezone.now()
    presence.sweep_vanished(now=now, steady_since=now - HOUR)
    assert presence.sweep_returned(now=now) == 0
    liveness.write([(uuid.uuid4(), liveness.operator_key(floor.alice.pk))])
    assert [presence.sweep_returned(now=timezone.now()) for _ in range(2)] == [1, 0]
    assert presence.sweep_kept_talks(now=now + HOUR, steady_since=now - HOUR) == 0
    assert floor.leg(chat).leg == "active"
    floor.ready(floor.alice)
    assert floor.presence(floor.alice).state == "busy"


def test_a_supervisor_off_duty_who_took_over_and_vanished(floor):
    """He was never available: what he holds comes back all the same."""
    chat = floor.chat()
    handover.take_over(interaction_id=chat.pk, actor=floor.boss)
    now = timezone.now()
    assert presence.sweep_vanished(now=now, steady_since=now - HOUR) == 0
    on_duty_since(floor.boss)
    assert presence.sweep_vanished(now=now, steady_since=now - HOUR) == 1
    late = now + timedelta(hours=1)
    assert presence.sweep_kept_talks(now=late, steady_since=now) == 1
    assert floor.item(chat).visit == "waiting"


def test_the_whole_sweep_after_an_outage_signs_nobody_off_and_lasts_over_a_restart(floor):
    """A pulse is a row: a new process goes on with it; after a gap it begins anew."""
    floor.ready(floor.alice)
    on_duty_since(floor.alice)
    page(floor.alice, 600)
    now = timezone.now()
    liveness.beat(liveness.WEB, now=now)
    Pulse.objects.update(steady_since=now - HOUR)
    Pulse.objects.create(name="routing", ran_at=now - timedelta(minutes=5), steady_since=now - HOUR)
    sweeps.sweep()
    assert floor.presence(floor.alice).state == "available"
    Pulse.objects.update(ran_at=timezone.now() - timedelta(seconds=3), steady_since=now - HOUR)
    sweeps.sweep()
    assert floor.presence(floor.alice).state == "offline"


def test_while_no_web_process_runs_nobody_is_gone(floor):
    """The sweep goes on, the pages cannot be heard: operators stay, visitors keep waiting, talks stay in hands."""
    floor.ready(floor.alice)
    held = floor.chat(floor.alice)
    presence.set_mode(user=floor.alice, mode="pause", actor=floor.alice)
    waiting = floor.chat()
    on_duty_since(floor.alice)
    page(floor.alice, 600)
    long_ago = timezone.now() - timedelta(minutes=10)
    WorkItem.objects.update(entered_at=long_ago)
    Interaction.objects.update(opened_at=long_ago, last_message_at=long_ago)
    Message.objects.update(at=long_ago)
    Pulse.objects.create(name="routing", ran_at=timezone.now(), steady_since=timezone.now() - HOUR)
    web = Pulse.objects.create(name=liveness.WEB, ran_at=long_ago, steady_since=timezone.now() - HOUR)
    sweeps.sweep()
    assert floor.presence(floor.alice).state == "pause" and floor.leg(held).leg == "active"
    assert floor.item(waiting).visit == "waiting"
    web.ran_at = timezone.now()
    web.save()
    sweeps.sweep()
    assert floor.presence(floor.alice).state == "offline" and floor.item(waiting).outcome == "abandoned"


def test_the_pages_of_a_web_process_beat_for_it():
    """The task that writes who is here says that it runs."""

    async def one_beat():
        heartbeats.ensure_running()
        async with asyncio.timeout(5):
            while not await Pulse.objects.filter(name=liveness.WEB).aexists():
                await asyncio.sleep(0.05)
        await sync_to_async(connections.close_all)()

    asyncio.run(one_beat())
    assert Pulse.objects.filter(name=liveness.WEB).exists()


def test_moving_all_locks_work_before_the_operator(floor):
    """He finishes a contact at the same moment: neither waits for what the other has."""
    floor.ready(floor.alice)
    chats = [floor.chat(floor.alice) for _ in range(4)]
    with ThreadPoolExecutor(2) as pool:
        moved = pool.submit(closing(move_in_one_act), floor)
        done = pool.submit(closing(finish_all), floor, chats)
        moved.result(30)
        done.result(30)
    assert not Assignment.objects.owned().filter(operator=floor.alice).exists()


def move_in_one_act(floor):
    with transaction.atomic():
        presence.move_all_to_queue(user=floor.alice, actor=floor.boss)


def finish_all(floor, chats):
    for chat in reversed(chats):
        with suppress(CxError):
            legs.finish(interaction_id=chat.pk, actor=floor.alice)


def closing(act):
    def run(*args):
        try:
            act(*args)
        finally:
            connection.close()

    return run
