"""What time alone causes: visitors who leave, waits past their target, silent chats, loans that end. Each twice."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from cxcenter.core import liveness
from cxcenter.core.models import Event, Outbox, Pulse, Tab
from cxcenter.widget import doors
from interactions.actions import talk
from interactions.choices import Audience
from interactions.models import Channel, Interaction, Message, Task
from routing import ghosts as left
from routing import queries, sweeps
from routing.actions import legs, offers, presence
from routing.models import Alert, Assignment, BusinessHours, Presence, Queue, QueueMember, WorkItem
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


def seen(chat, ago_s: float) -> None:
    """Let the visitor's page have been heard last some time ago."""
    owner = liveness.visitor_key(chat.thread_id)
    Tab.objects.filter(owner=owner).delete()
    Tab.objects.create(owner=owner, seen_at=timezone.now() - timedelta(seconds=ago_s))


def wrote(chat, ago_s: float) -> None:
    then = timezone.now() - timedelta(seconds=ago_s)
    Interaction.objects.filter(pk=chat.pk).update(last_message_at=then, opened_at=then, waiting_since=then)
    Message.objects.filter(interaction=chat).update(at=then)
    WorkItem.objects.filter(interaction=chat).update(entered_at=then, waits_since=then, rank_at=then)


def ghosts(now=None, steady=HOUR) -> int:
    now = now or timezone.now()
    return left.abandon(now=now, steady_since=now - steady)


# --- Visitors who leave ---


def test_a_visitor_who_left_is_abandoned_at_the_moment_he_left(floor):
    chat = floor.chat()
    wrote(chat, 300)
    seen(chat, 59)
    assert ghosts() == 0
    seen(chat, 61)
    tab = Tab.objects.get()
    assert [ghosts() for _ in range(2)] == [1, 0]
    item = floor.item(chat)
    assert (item.outcome, item.left_at) == ("abandoned", tab.seen_at)
    chat.refresh_from_db()
    assert chat.close_reason == "left"
    assert not Task.objects.exists(), "he left no contact"
    assert Event.objects.filter(kind="interaction.closed").count() == 1


def test_who_waits_and_is_here_costs_the_sweep_nothing(floor, django_assert_num_queries):
    """One statement finds the silent ones, however many wait; so many of them go at once."""
    for _ in range(3):
        seen(floor.chat(), 5)
    assert ghosts() == 0
    with django_assert_num_queries(1):
        assert ghosts() == 0


def test_the_time_is_the_sites(floor):
    floor.site.gone_after_s = 120
    floor.site.save()
    chat = floor.chat()
    wrote(chat, 300)
    seen(chat, 119)
    assert ghosts() == 0
    seen(chat, 121)
    assert ghosts() == 1


def test_who_writes_is_here_though_his_socket_is_not(floor):
    chat = floor.chat()
    wrote(chat, 300)
    seen(chat, 3600)
    world.say(chat, "I am here")
    assert ghosts(timezone.now() + timedelta(seconds=30)) == 0
    assert ghosts(timezone.now() + timedelta(seconds=61)) == 1


def test_who_comes_back_while_the_sweep_runs_stays(floor, monkeypatch):
    chat = floor.chat()
    wrote(chat, 300)
    seen(chat, 3600)
    abandon = left._abandon

    def he_writes_first(item, left_at, now):
        world.say(chat, "I am back")
        return abandon(item, left_at, now)

    monkeypatch.setattr(left, "_abandon", he_writes_first)
    assert ghosts() == 0
    chat.refresh_from_db()
    assert chat.is_open and floor.item(chat).visit != "left"


def test_nobody_is_blamed_for_our_own_outage(floor):
    chat = floor.chat()
    wrote(chat, 300)
    seen(chat, 200)
    assert ghosts(steady=timedelta(seconds=50)) == 0
    assert ghosts() == 1


def test_an_offer_of_a_ghost_is_withdrawn_and_a_talk_in_work_stays(floor):
    floor.ready(floor.alice)
    held, offered = floor.chat(floor.alice), floor.chat()
    for chat in (held, offered):
        wrote(chat, 300)
        seen(chat, 200)
    assert ghosts() == 1
    assert floor.leg(offered).end == "withdrawn" and floor.leg(held).leg == "active"


def test_a_contact_left_becomes_one_callback_task(floor):
    chat = floor.chat()
    Interaction.objects.filter(pk=chat.pk).update(says={"name": "Kate", "contact": "+79005550184"})
    wrote(chat, 300)
    seen(chat, 200)
    assert [ghosts() for _ in range(2)] == [1, 0]
    task = Task.objects.get()
    assert (task.kind, task.contact, task.team, task.title) == ("callback", "+79005550184", floor.team, "Kate")
    assert task.interaction == chat and task.profile == chat.profile and task.due_at > timezone.now()


def test_back_within_the_hour_he_keeps_his_place(floor):
    early, late = floor.chat(), floor.chat()
    wrote(early, 900)
    wrote(late, 600)
    seen(early, 200)
    seen(late, 1)
    assert ghosts() == 1
    since = floor.item(early).waits_since
    again = world.open_chat(floor.site, thread=early.thread)
    assert floor.item(again).waits_since == since
    floor.ready(floor.alice, capacity=1)
    assert floor.leg(again).operator == floor.alice


def test_after_the_hour_or_when_he_was_served_he_waits_anew(floor):
    chat = floor.chat()
    wrote(chat, 300)
    seen(chat, 200)
    ghosts()
    WorkItem.objects.update(left_at=timezone.now() - timedelta(seconds=floor.site.keep_place_s + 1))
    begin = timezone.now()
    again = world.open_chat(floor.site, thread=chat.thread)
    assert floor.item(again).waits_since >= begin
    WorkItem.objects.filter(outcome="abandoned").update(left_at=begin - timedelta(minutes=5))
    floor.ready(floor.alice)
    offers.accept_offer(leg_id=floor.leg(again).pk, actor=floor.alice)
    legs.finish(interaction_id=again.pk, actor=floor.alice)
    third = world.open_chat(floor.site, thread=chat.thread)
    assert floor.item(third).waits_since >= begin


def test_notes_and_replies_are_no_sign_of_the_visitor(floor):
    chat = floor.chat()
    wrote(chat, 300)
    seen(chat, 200)
    world.reply(chat, floor.boss, "Where is he?", audience=Audience.STAFF)
    assert ghosts() == 1
    assert floor.item(chat).left_at < timezone.now() - timedelta(seconds=199)


@pytest.mark.parametrize(("contact", "kind"), [("kate@norda.example", "write"), ("+79005550184", "callback")])
def test_the_task_of_who_left_is_done_when_he_is_back_and_served(floor, contact, kind):
    chat = floor.chat()
    Interaction.objects.filter(pk=chat.pk).update(says={"contact": contact})
    wrote(chat, 300)
    seen(chat, 200)
    ghosts()
    task = Task.objects.get()
    assert (task.kind, task.done_at) == (kind, None)
    floor.ready(floor.alice)
    again = world.open_chat(floor.site, thread=chat.thread)
    task.refresh_from_db()
    assert task.done_at is None, "he only waits again"
    offers.accept_offer(leg_id=floor.leg(again).pk, actor=floor.alice)
    task.refresh_from_db()
    assert task.done_at is not None and task.done_by == floor.alice


# --- The door shuts behind who waits ---


def lines(chat, code: str) -> int:
    return Message.objects.filter(thread=chat.thread_id, code=code, customer_changed__gt=0).count()


def test_who_waits_is_told_once_when_the_last_operator_goes(floor):
    floor.ready(floor.alice, capacity=0)
    chat = floor.chat()
    now = timezone.now()
    assert sweeps.tell_away(now=now) == 0, "somebody is there"
    presence.set_mode(user=floor.alice, mode="offline", actor=floor.alice)
    assert [sweeps.tell_away(now=now) for _ in range(2)] == [1, 0]
    assert lines(chat, "away") == 1 and floor.item(chat).visit == "waiting"
    doorway = doors.of_told(chat)
    assert doorway is not None and doorway.door.why == "nobody"
    floor.ready(floor.alice, capacity=0)
    assert doors.of_told(chat) is None, "somebody is there again"


def test_who_waits_is_told_when_the_hours_end(floor):
    floor.ready(floor.alice, capacity=0)
    chat = floor.chat()
    hours = BusinessHours.objects.create(name="Never", zone="Europe/Moscow")
    Queue.objects.update(hours=hours)
    assert sweeps.tell_away(now=timezone.now()) == 1 and lines(chat, "away") == 1


# --- Past the target ---


def test_late_is_raised_and_told_once(floor):
    chat, fresh = floor.chat(), floor.chat()
    wrote(chat, floor.queue.target_s + 5)
    before = floor.item(chat)
    now = timezone.now()
    assert [sweeps.escalate(now=now) for _ in range(3)] == [1, 0, 0]
    item = floor.item(chat)
    assert item.priority == before.priority + 1 and floor.item(fresh).escalated_at is None
    assert before.rank_at - item.rank_at == timedelta(seconds=floor.queue.priority_weight)
    alert = Alert.objects.get()
    assert (alert.kind, alert.team, alert.queue, alert.item) == ("late", floor.team, floor.queue, item)


def test_what_is_offered_or_answered_is_not_late(floor):
    floor.ready(floor.alice)
    for chat in (floor.chat(floor.alice), floor.chat()):
        wrote(chat, 1000)
    assert sweeps.escalate(now=timezone.now()) == 0


# --- Silent chats ---


@pytest.fixture
def answered(floor):
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    world.reply(chat, floor.alice, "Anything else?")
    return chat


def silent(chat, seconds: int) -> None:
    Interaction.objects.filter(pk=chat.pk).update(last_message_at=timezone.now() - timedelta(seconds=seconds))


def warned(chat) -> int:
    return Message.objects.filter(thread=chat.thread_id, code="silent_warning").count()


def test_a_silent_customer_is_warned_then_the_chat_closes(floor, answered):
    channel = floor.site.channel
    now = timezone.now()
    assert sweeps.close_silent(now=now) == 0
    silent(answered, channel.warn_silent_s + 1)
    assert [sweeps.close_silent(now=now) for _ in range(2)] == [1, 0]
    assert warned(answered) == 1
    later = now + timedelta(seconds=channel.close_silent_s + 1)
    assert [sweeps.close_silent(now=later) for _ in range(2)] == [1, 0]
    answered.refresh_from_db()
    assert answered.close_reason == "silent" and floor.leg(answered).leg == "wrapup"


def test_who_answers_the_warning_is_warned_anew(floor, answered):
    silent(answered, floor.site.channel.warn_silent_s + 1)
    now = timezone.now()
    sweeps.close_silent(now=now)
    world.say(answered, "Yes, wait")
    assert sweeps.close_silent(now=now + HOUR) == 0, "an answer is due from us"
    world.reply(answered, floor.alice, "I wait")
    assert sweeps.close_silent(now=timezone.now() + timedelta(seconds=floor.site.channel.close_silent_s + 1)) == 0
    silent(answered, floor.site.channel.warn_silent_s + 1)
    assert sweeps.close_silent(now=now) == 1 and warned(answered) == 2


def test_an_operator_who_writes_after_the_warning_gives_new_time(floor, answered):
    silent(answered, floor.site.channel.warn_silent_s + 1)
    now = timezone.now()
    sweeps.close_silent(now=now)
    world.reply(answered, floor.alice, "Are you still there?")
    assert sweeps.close_silent(now=now + timedelta(seconds=floor.site.channel.close_silent_s + 1)) == 0
    answered.refresh_from_db()
    assert answered.is_open


def test_a_snoozed_chat_and_a_channel_without_warning_are_left(floor, answered):
    silent(answered, 100_000)
    legs.snooze(interaction_id=answered.pk, actor=floor.alice, until=timezone.now() + HOUR)
    assert sweeps.close_silent(now=timezone.now()) == 0
    legs.wake(leg_id=floor.leg(answered).pk, force=True)
    Channel.objects.update(warn_silent_s=0)
    assert sweeps.close_silent(now=timezone.now()) == 0


# --- The rest ---


def test_lost_sessions_are_found(floor):
    chat = floor.chat()
    WorkItem.objects.all().delete()
    now = timezone.now()
    assert sweeps.queue_lost(now=now) == 0, "somebody may be about to queue it"
    assert [sweeps.queue_lost(now=now + timedelta(seconds=31)) for _ in range(2)] == [1, 0]
    item = floor.item(chat)
    assert (item.visit, item.waits_since) == ("waiting", chat.waiting_since)


def test_an_offer_of_a_queue_that_accepts_by_itself_is_accepted_though_its_process_died(floor):
    floor.ready(floor.alice)
    chat = floor.chat()
    Queue.objects.update(auto_accept=True)
    assert [offers.accept_left() for _ in range(2)] == [1, 0]
    assert floor.leg(chat).leg == "active" and floor.presence(floor.alice).mode == "available"


def test_a_queue_that_is_switched_off_still_serves_who_waits_in_it(floor):
    chat = floor.chat()
    Queue.objects.update(active=False)
    floor.ready(floor.alice)
    assert floor.leg(chat).operator == floor.alice
    held = floor.leg(chat)
    offers.accept_offer(leg_id=held.pk, actor=floor.alice)
    floor.ready(floor.bob)
    legs.return_to_queue(leg_id=held.pk)
    assert floor.leg(chat).leg == "offered"
    assert queries.queue_for(channel=floor.site.channel, topic=None) is None, "but it takes nobody new"


def test_the_whole_sweep_does_what_is_due_and_the_second_finds_nothing(floor):
    floor.ready(floor.alice)
    lent = QueueMember.objects.create(queue=floor.queue, user=floor.boss, until=timezone.now() - HOUR)
    held = floor.chat(floor.alice)
    legs.finish(interaction_id=held.pk, actor=floor.alice)
    Assignment.objects.filter(interaction=held).update(wrapup_until=timezone.now())
    offered = floor.chat()
    Assignment.objects.filter(interaction=offered).update(expires_at=timezone.now())
    now = timezone.now()
    Pulse.objects.create(name="routing", ran_at=now, steady_since=now - HOUR)
    first = sweeps.sweep() | sweeps.decide()
    assert {name: count for name, count in first.items() if count} == {"expired": 1, "wrapped": 1, "told": 1, "lent": 1}
    assert not QueueMember.objects.filter(pk=lent.pk).exists()
    second = sweeps.sweep() | sweeps.decide()
    assert set(second) == set(first) and not any(second.values())
    assert Outbox.objects.count() == 0


@pytest.fixture
def broken_alerts():
    """The database refuses alerts."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no alerts today'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON routing_alert EXECUTE FUNCTION refuse();
            """
        )
        yield
        cursor.execute("DROP TRIGGER refuse ON routing_alert; DROP FUNCTION refuse()")


def test_a_part_that_fails_does_not_stop_the_rest(floor, broken_alerts):
    late = floor.chat()
    wrote(late, 1000)
    seen(late, 1)
    floor.ready(floor.alice)
    offered = floor.leg(late)
    presence.set_mode(user=floor.alice, mode="pause", actor=floor.alice)
    assert floor.item(late).visit == "waiting"
    Assignment.objects.filter(pk=offered.pk).update(ended_at=timezone.now() - HOUR)
    floor.ready(floor.bob, capacity=0)
    Presence.objects.filter(user=floor.bob).update(capacity=1)
    assert "escalated" not in sweeps.sweep() and sweeps.decide() == {"due": 0, "offered": 1}
    assert floor.item(late).escalated_at is None


def test_a_note_to_a_waiting_session_answers_nothing(floor):
    chat = floor.chat()
    world.reply(chat, floor.boss, "Look at his last order", audience=Audience.STAFF)
    chat.refresh_from_db()
    assert chat.waiting_since is not None and chat.first_reply_at is None


def test_queue_without_limit_of_time_is_escalated_by_its_own_target(floor):
    slow = world.make_queue("Slow", target_s=10_000)
    chat = floor.chat()
    WorkItem.objects.update(queue=slow)
    wrote(chat, 5000)
    assert sweeps.escalate(now=timezone.now()) == 0
    Queue.objects.filter(pk=slow.pk).update(target_s=1000)
    assert sweeps.escalate(now=timezone.now()) == 1


def test_a_closed_session_is_not_warned(floor, answered):
    silent(answered, 100_000)
    talk.close_interaction(interaction_id=answered.pk, reason="ended")
    assert sweeps.close_silent(now=timezone.now()) == 0
