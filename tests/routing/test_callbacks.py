"""Callbacks: the place is kept, one per phone and queue, times within hours, attempts, and who comes in by himself."""

import threading
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connections, transaction
from django.utils import timezone

from customers import actions as customers
from customers.models import Identity, ProfileIdentity
from cxcenter.core import events
from cxcenter.core.errors import Conflict, CxError, Invalid
from cxcenter.core.models import AuditEntry, Event, Outbox
from interactions.actions import cases, moderation, talk
from interactions.models import Interaction, Message, Task
from interactions.wording import system_words
from routing import calls, locks, queries, sweeps
from routing.actions import callbacks, calling, control, handover, legs, offers, overflow, presence, queueing
from routing.models import Assignment, BusinessHours, Callback, OpeningInterval, Overflow, Presence, Queue, WorkItem
from tests import world
from tests.routing.test_handover import lock_waits
from tests.routing.test_sweeps import ghosts, seen, wrote

pytestmark = pytest.mark.django_db(transaction=True)
PHONE, OTHER = "+79005550184", "+79161230457"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def desk(floor):
    """A queue that routes callbacks; nobody is on duty yet."""
    Queue.objects.filter(pk=floor.queue.pk).update(callbacks=True)
    floor.queue.refresh_from_db()
    return floor


def wish(desk, chat=None, **said) -> callbacks.Wish:
    known = {"asked_in": chat.thread, "source": chat, "profile": chat.profile} if chat else {}
    return callbacks.Wish(**{"phone": PHONE, "queue": desk.queue, **known, **said})


def asked(desk, chat=None, **said) -> Callback:
    return again(callbacks.ask(wish(desk, chat, **said))[0])


def again(callback: Callback) -> Callback:
    return Callback.objects.with_calling().get(pk=callback.pk)


def planned(callback: Callback, moment: datetime) -> None:
    """Let it be due at a moment."""
    Callback.objects.filter(pk=callback.pk).update(due_at=moment)


def accepted(desk, callback: Callback, user=None) -> Callback:
    """Let an operator have the callback in his hands."""
    desk.ready(user or desk.alice)
    callback = again(callback)
    offers.accept_offer(leg_id=desk.leg(callback.session).pk, actor=user or desk.alice)
    return again(callback)


# --- The place ---


def test_who_asks_to_be_called_keeps_his_place_and_his_chat_does_not_count_as_abandoned(desk):
    first, second = desk.chat(text="Dents"), desk.chat()
    wrote(first, 300)
    wrote(second, 100)
    before = desk.item(first)
    queueing.change_priority(item_id=before.pk, priority=3)
    callback = asked(desk, first)
    old, new = WorkItem.objects.get(pk=before.pk), desk.item(callback.session)
    assert (old.outcome, callback.state, callback.session.kind) == ("callback", "queued", "callback")
    assert (new.waits_since, new.priority, new.queue) == (before.waits_since, 3, desk.queue)
    assert new.rank_at == queueing.rank(desk.queue, before.waits_since, 3)
    assert Interaction.objects.get(pk=first.pk).close_reason == "callback"
    desk.ready(desk.alice, capacity=1)
    leg = Assignment.objects.get(leg="offered")
    assert leg.interaction_id == callback.session_id, "before him who came later"
    assert callback.session.profile_id == first.profile_id and callback.session.says == {"contact": PHONE}
    # What was typed links nobody.
    assert not ProfileIdentity.objects.filter(identity__kind="phone").exists()


def test_his_place_is_told_where_he_asked(desk):
    chat = desk.chat()
    asked(desk, chat)
    assert [row[:3] for row in queries.waiting_order(5)] == [(desk.queue.pk, chat.thread_id, 1)]


def test_nobody_frees_the_place_of_a_call_that_is_made_and_who_vanishes_leaves_it_first_in_line(desk):
    callback = accepted(desk, asked(desk, desk.chat()))
    later = timezone.now() + 10 * HOUR
    assert (legs.sweep_idle(now=later), sweeps.close_silent(now=later), sweeps.queue_lost(now=later)) == (0, 0, 0)
    presence.set_mode(user=desk.alice, mode="offline", actor=desk.alice, move=True)
    assert queueing.is_first_in_line(desk.item(callback.session)) and again(callback).state == "queued"


def test_who_takes_a_callback_has_joined_no_chat(desk):
    callback = accepted(desk, asked(desk, desk.chat()))
    handover.take_over(interaction_id=callback.session_id, actor=desk.bob)
    lines = Message.objects.filter(interaction=callback.session, author="system").order_by("seq")
    assert [(line.code, line.audience) for line in lines][-2:] == [("calling", "staff")] * 2
    assert "joined" not in {line.code for line in lines}
    assert system_words("calling", lines.last().args) == f"{desk.bob.public_name} has taken the callback"


def test_an_overflow_and_a_hand_over_take_it_along(desk):
    other = world.make_queue("Second", team=desk.team, members=(desk.bob,))
    Overflow.objects.create(queue=desk.queue, when="waited", limit=1, then="queue", to=other)
    chat = desk.chat()
    wrote(chat, 60)
    callback = asked(desk, chat)
    since = desk.item(callback.session).waits_since
    WorkItem.objects.filter(interaction=callback.session).update(entered_at=timezone.now() - MINUTE)
    # The other queue takes him only while it lets somebody in.
    world.on_duty(desk.bob)
    assert overflow.sweep(now=timezone.now()) == 1
    assert desk.item(callback.session).waits_since == since
    callback = accepted(desk, callback, desk.bob)
    calling.report(interaction_id=callback.session_id, actor=desk.bob, result="no_answer")
    assert again(callback).queue == other, "who has it calls again"


# --- One per phone and queue ---


def test_asking_again_changes_it(desk):
    chat = desk.chat()
    wrote(chat, 60)
    one = asked(desk, chat)
    since = one.waits_since
    tomorrow = calls.slots(desk.queue)[0]
    for said in ({}, {"at": tomorrow}, {"at": tomorrow}, {"phone": OTHER}):
        callback, made = callbacks.ask(wish(desk, **{"asked_in": chat.thread, "profile": chat.profile, **said}))
        assert (callback.pk, made) == (one.pk, False)
    callback = again(one)
    assert (callback.phone, callback.at, callback.state, callback.waits_since) == (OTHER, None, "queued", since)
    assert Interaction.objects.open().count() == 1 and WorkItem.objects.exclude(visit="left").count() == 1
    assert next(e.payload["changed"] for e in Event.objects.filter(kind="callback.asked").order_by("pk")) is False


def test_two_who_ask_at_once_make_one(desk):
    chat = desk.chat()
    faults, gate = [], threading.Barrier(6)

    def ask() -> None:
        try:
            gate.wait()
            callbacks.ask(wish(desk, asked_in=chat.thread, profile=chat.profile))
        except Exception as error:
            faults.append(error)
        finally:
            connections.close_all()

    run(*[ask] * 6)
    assert not faults and Callback.objects.count() == 1
    assert WorkItem.objects.filter(interaction__kind="callback").exclude(visit="left").count() == 1


def test_what_is_written_to_one_callback_has_an_end(desk):
    """Whoever knows the phone may write to it, no more than is said as one message when the time has come."""
    at = calls.slots(desk.queue)[0]
    for letter in "ab":
        asked(desk, at=at, text=letter * 3999)
    with pytest.raises(Conflict, match="Much is written"):
        asked(desk, at=at, text="c")
    planned(Callback.objects.get(), timezone.now())
    calling.sweep(now=timezone.now())
    assert Message.objects.get(author="customer").text == "a" * 3999 + "\n" + "b" * 3999


def test_a_stranger_with_the_same_phone_moves_nothing_and_is_heard(desk):
    chat = desk.chat()
    one = asked(desk, chat)
    stranger = world.make_thread(desk.site)
    said = {"asked_in": stranger, "profile": stranger.profile, "at": calls.slots(desk.queue)[0], "text": "It is me"}
    callback, made = callbacks.ask(wish(desk, **said))
    assert (callback.pk, made) == (one.pk, False)
    one = again(one)
    assert (one.at, one.asked_in, one.profile, one.state) == (None, chat.thread, chat.profile, "queued")
    assert Message.objects.filter(interaction=one.session, author="customer").get().text == "It is me"


def test_another_queue_has_one_of_its_own_and_calls_when_the_phone_is_free(desk):
    second = world.make_queue("Second", team=desk.team, members=(desk.bob,), callbacks=True)
    one = asked(desk, desk.chat())
    two = asked(desk, queue=second)
    assert two.pk != one.pk and two.state == "planned", "nobody is called by two at once"
    assert calling.sweep(now=timezone.now()) == 0
    callback = accepted(desk, one)
    calling.report(interaction_id=callback.session_id, actor=desk.alice, result="reached")
    assert [calling.sweep(now=timezone.now()) for _ in range(2)] == [1, 0]
    assert again(two).state == "queued"


def test_an_erased_and_a_blocked_phone_are_not_called(desk):
    one = asked(desk, at=calls.slots(desk.queue)[0])
    planned(one, timezone.now())
    block = moderation.Block.objects.create(identity=one.thread.identity, until=timezone.now() + HOUR)
    assert calling.sweep(now=timezone.now()) == 0
    assert again(one).result == "cancelled" and block.pk


# --- Times ---


def hours(*intervals: tuple[int, time, time], zone: str = "Europe/Berlin") -> BusinessHours:
    made = BusinessHours.objects.create(name="Office", zone=zone)
    for day, opens, closes in intervals:
        OpeningInterval.objects.create(hours=made, day=day, opens=opens, closes=closes)
    return made


EVERY_DAY = [(day, time(9), time(18)) for day in range(7)]


def test_a_chosen_time_enters_the_queue_then_with_its_head_start(desk):
    at = calls.slots(desk.queue)[0]
    one = asked(desk, at=at)
    assert (one.state, one.due_at) == ("planned", at)
    assert calling.sweep(now=at - timedelta(seconds=1)) == 0
    assert [calling.sweep(now=at) for _ in range(2)] == [1, 0]
    item = desk.item(again(one).session)
    ahead = timedelta(seconds=desk.queue.callback_ahead_s)
    assert item.rank_at == queueing.rank(desk.queue, item.waits_since, item.priority) - ahead
    assert not queueing.is_first_in_line(item)


def test_hours_of_the_queue_and_the_day_of_the_customer_bound_it(desk):
    desk.queue.hours = hours(*EVERY_DAY)
    desk.queue.save()
    night = datetime(2030, 6, 3, 20, 0, tzinfo=UTC)
    assert calls.first_moment(desk.queue, "", night) == datetime(2030, 6, 4, 7, 0, tzinfo=UTC)
    # 9:00 in Berlin is 3:00 in New York: there he is called from 8:00 on.
    assert calls.first_moment(desk.queue, "America/New_York", night) == datetime(2030, 6, 4, 12, 0, tzinfo=UTC)
    assert calls.first_moment(desk.queue, "Pacific/Pitcairn", night) is None, "their day is our night"
    for at in (night, timezone.now() - HOUR, timezone.now() + timedelta(days=15)):
        with pytest.raises(Invalid) as refused:
            asked(desk, at=at)
        assert refused.value.detail["field"] == "at"
    eastern = {
        slot.astimezone(ZoneInfo("America/New_York")).hour for slot in calls.slots(desk.queue, zone="America/New_York")
    }
    assert eastern and eastern <= set(range(8, 22))


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [((2030, 3, 31), 7, 16), ((2030, 10, 27), 8, 17), ((2030, 3, 30), 8, 17), ((2030, 10, 26), 7, 16)],
)
def test_hours_are_those_of_the_clock_on_the_wall_whenever_it_changes(desk, day, opens, closes):
    """In Berlin the clock changes on 31 March and 27 October 2030."""
    desk.queue.hours = hours(*EVERY_DAY)
    morning, evening = datetime(*day, 3, tzinfo=UTC), datetime(*day, 23, tzinfo=UTC)
    assert calls.first_moment(desk.queue, "Europe/Berlin", morning) == datetime(*day, opens, tzinfo=UTC)
    assert calls.may_call(desk.queue, "", datetime(*day, closes, tzinfo=UTC) - MINUTE)
    assert not calls.may_call(desk.queue, "", datetime(*day, closes, tzinfo=UTC))
    later = calls.first_moment(desk.queue, "", evening)
    assert later is not None and later.astimezone(ZoneInfo("Europe/Berlin")).hour == 9
    there = [slot for slot in calls.slots(desk.queue, morning) if slot.date() == morning.date()]
    assert [slot.astimezone(ZoneInfo("Europe/Berlin")).hour for slot in there] == list(range(9, 18))


def test_asked_out_of_hours_it_waits_for_the_morning_and_when_hours_end_it_goes_home_with_its_time(desk):
    now = timezone.now()
    today = now.astimezone(ZoneInfo("Europe/Berlin"))
    tomorrow = (today.weekday() + 1) % 7
    desk.queue.hours = hours((tomorrow, time(9), time(18)), ((tomorrow + 1) % 7, time(9), time(18)))
    desk.queue.save()
    chat = desk.chat()
    wrote(chat, 600)
    since = desk.item(chat).waits_since
    one = asked(desk, chat)
    opens = datetime.combine(today.date() + timedelta(days=1), time(9), tzinfo=ZoneInfo("Europe/Berlin"))
    assert (one.state, one.due_at, one.waits_since) == ("planned", opens, since)
    assert calling.sweep(now=opens) == 1
    assert desk.item(again(one).session).waits_since == since
    closed = opens + 9 * HOUR
    assert [calling.sweep(now=closed) for _ in range(2)] == [1, 0]
    one = again(one)
    assert (one.state, one.due_at, desk.item(one.session).outcome) == (
        "planned",
        opens + timedelta(days=1),
        "withdrawn",
    )
    assert calling.sweep(now=one.due_at) == 1
    assert desk.item(again(one).session).waits_since == since, "his time counts on"


def test_a_queue_closed_by_hand_calls_when_it_opens_and_keeps_who_is_in_it(desk):
    inside = asked(desk, desk.chat())
    control.close_queue(queue=desk.queue, lasting=HOUR, message="", actor=desk.boss)
    late = asked(desk, phone=OTHER)
    assert late.state == "planned" and late.due_at == desk.queue.closed_until
    assert calling.sweep(now=timezone.now()) == 0 and again(inside).state == "queued"


# --- Attempts ---


def test_nobody_answers_is_tried_again_so_often_as_the_queue_wants(desk):
    Queue.objects.update(callback_attempts=3, callback_pause_min=15, wrapup_s=60)
    one = accepted(desk, asked(desk, desk.chat()))
    calling.report(interaction_id=one.session_id, actor=desk.alice, result="no_answer")
    first = one.session
    one = again(one)
    pause = one.due_at - timezone.now()
    assert (one.state, one.attempts) == ("planned", 1) and 14 * MINUTE < pause <= 15 * MINUTE
    assert desk.leg(first).leg == "ended" and desk.presence(desk.alice).load == 0, "nothing to wrap up"
    assert Interaction.objects.get(pk=first.pk).close_reason == "no_answer"
    assert calling.sweep(now=one.due_at) == 1
    one = accepted(desk, one)
    assert one.session_id != first.pk
    calling.report(interaction_id=one.session_id, actor=desk.alice, result="no_answer", minutes=60)
    one = again(one)
    assert 59 * MINUTE < one.due_at - timezone.now() <= 60 * MINUTE
    assert calling.sweep(now=one.due_at) == 1
    one = accepted(desk, one)
    calling.report(interaction_id=one.session_id, actor=desk.alice, result="no_answer")
    one = again(one)
    assert (one.state, one.result, one.attempts, one.ended_by) == ("ended", "no_answer", 3, desk.alice)
    facts = Event.objects.filter(kind__startswith="callback").order_by("pk")
    assert list(facts.values_list("kind", flat=True)) == [
        "callback.asked",
        "callback.missed",
        "callback.missed",
        "callback.ended",
    ]


def test_reached_goes_on_with_the_wrap_up_and_a_wrong_number_ends_it(desk):
    one = accepted(desk, asked(desk, desk.chat()))
    with pytest.raises(Conflict):
        calling.report(interaction_id=one.session_id, actor=desk.bob, result="reached")
    with pytest.raises(Invalid):
        calling.report(interaction_id=one.session_id, actor=desk.alice, result="engaged")
    calling.report(interaction_id=one.session_id, actor=desk.alice, result="reached")
    assert desk.leg(one.session).leg == "wrapup" and again(one).result == "reached"
    # A callback fills its operator until its wrap-up is over.
    two = accepted(desk, asked(desk, desk.chat(), phone=OTHER), desk.bob)
    calling.report(interaction_id=two.session_id, actor=desk.bob, result="wrong_number")
    assert (again(two).result, desk.leg(two.session).leg) == ("wrong_number", "ended")
    with pytest.raises(Conflict):
        calling.report(interaction_id=two.session_id, actor=desk.bob, result="reached")


def test_a_session_that_ends_by_another_door_ends_its_callback(desk):
    one = accepted(desk, asked(desk, desk.chat()))
    legs.finish(interaction_id=one.session_id, actor=desk.alice)
    assert again(one).result == "reached"
    two = asked(desk, phone=OTHER)
    talk.mark_spam(interaction_id=two.session_id, actor=desk.boss)
    assert again(two).result == "cancelled"


def test_nobody_writes_into_a_callback(desk):
    one = asked(desk, desk.chat())
    with pytest.raises(Conflict) as refused:
        talk.refuse_unread(one.session)
    assert refused.value.code == "no_reader"


# --- Cancelling and moving ---


def test_cancelled_leaves_the_queue_once_and_not_while_it_is_called(desk):
    one = asked(desk, desk.chat())
    for _ in range(2):
        assert callbacks.cancel(callback_id=one.pk, actor=desk.boss).result == "cancelled"
    assert AuditEntry.objects.filter(act="callback.cancel").count() == 1
    assert desk.item(one.session).outcome == "withdrawn" and not Interaction.objects.open().exists()
    two = accepted(desk, asked(desk, desk.chat()))
    with pytest.raises(Conflict) as refused:
        callbacks.cancel(callback_id=two.pk)
    assert refused.value.code == "calling" and again(two).calling


def test_a_supervisor_moves_it_with_its_wait(desk):
    second = world.make_queue("Second", team=desk.team)
    chat = desk.chat()
    wrote(chat, 120)
    one = asked(desk, chat)
    callbacks.move(callback_id=one.pk, queue=second, actor=desk.boss)
    item = desk.item(again(one).session)
    assert (again(one).queue, item.queue, item.waits_since) == (second, second, one.waits_since)
    two = asked(desk, at=calls.slots(desk.queue)[0])
    with pytest.raises(Conflict):
        callbacks.move(callback_id=two.pk, queue=second, actor=desk.boss)


# --- He comes in by himself ---


def test_who_writes_again_takes_the_place_of_his_callback(desk):
    chat = desk.chat()
    wrote(chat, 600)
    one = asked(desk, chat)
    since = one.waits_since
    back = desk.chat(thread=chat.thread)
    assert (again(one).result, desk.item(one.session).outcome) == ("came", "withdrawn")
    assert desk.item(back).waits_since == since
    lines = Message.objects.filter(interaction=back, code="callback_taken")
    assert lines.get().audience == "all", "he and whoever serves him see it"
    assert Interaction.objects.open().count() == 1


def test_who_comes_by_another_channel_takes_it_too_and_another_queue_leaves_it(desk):
    chat = desk.chat()
    wrote(chat, 600)
    one = asked(desk, chat)
    customer = chat.profile.customer_id
    elsewhere = world.make_site(world.make_queue("Sales", team=desk.team))
    other = world.open_chat(elsewhere, thread=thread_of(elsewhere, chat.profile))
    assert again(one).state == "queued" and [c.pk for c in callbacks.of_customer(other)] == [one.pk], (
        "shown, not touched"
    )
    messenger = world.make_site(desk.queue)
    came = world.open_chat(messenger, thread=thread_of(messenger, chat.profile))
    assert came.profile.customer_id == customer and again(one).result == "came"
    assert desk.item(came).waits_since == one.waits_since


def thread_of(site, profile):
    """Return a thread of the customer in another channel."""
    identity = Identity.objects.create(kind="telegram", value=f"{site.pk}")
    return talk.open_thread(channel=site.channel, identity=identity, profile=profile)


def test_the_phone_itself_is_he_though_it_is_on_nobodys_card(desk):
    one = asked(desk, desk.chat())
    line = world.make_site(desk.queue)
    caller = talk.open_thread(
        channel=line.channel, identity=one.thread.identity, profile=customers.create_profile(source="x")
    )
    came = world.open_chat(line, thread=caller)
    assert again(one).result == "came" and desk.item(came).waits_since == one.waits_since


def test_a_time_that_he_chose_stays_until_somebody_serves_him(desk):
    chat = desk.chat()
    one = asked(desk, chat, at=calls.slots(desk.queue)[0])
    back = desk.chat(thread=chat.thread)
    assert again(one).state == "planned"
    desk.ready(desk.alice)
    offers.accept_offer(leg_id=desk.leg(back).pk, actor=desk.alice)
    one = again(one)
    assert (one.result, one.ended_by) == ("came", desk.alice)
    assert Message.objects.get(interaction=back, code="callback_over").audience == "staff"


def test_who_is_being_called_is_not_disturbed(desk):
    chat = desk.chat()
    one = accepted(desk, asked(desk, chat))
    back = desk.chat(thread=chat.thread)
    assert again(one).calling and again(one).state == "queued"
    assert desk.item(back).waits_since > one.waits_since
    assert [c.pk for c in callbacks.of_customer(back)] == [one.pk], "who serves him sees it"
    with pytest.raises(Conflict) as refused:
        callbacks.ask(wish(desk, asked_in=chat.thread, profile=chat.profile, at=calls.slots(desk.queue)[0]))
    assert refused.value.code == "calling"


def test_whom_an_operator_has_accepted_may_not_leave_his_talk_for_a_call(desk):
    chat = desk.chat()
    desk.ready(desk.alice)
    offers.accept_offer(leg_id=desk.leg(chat).pk, actor=desk.alice)
    with pytest.raises(Conflict) as refused:
        asked(desk, chat)
    assert refused.value.code == "served" and not Callback.objects.exists()
    assert desk.leg(chat).leg == "active"


def run(*acts) -> None:
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_he_comes_in_while_operators_accept(desk):
    """Both at once, again and again: either he is called, or his chat has the place; never both, never neither."""
    desk.ready(desk.alice, capacity=100)
    Presence.objects.filter(user=desk.alice).update(callbacks=100)
    for _round in range(6):
        chat = desk.chat()
        wrote(chat, 600)
        one = asked(desk, chat)
        offers.assign_next()
        leg = desk.leg(again(one).session)
        faults, gate = [], threading.Barrier(2)

        def accept(leg=leg, gate=gate, faults=faults) -> None:
            try:
                gate.wait()
                offers.accept_offer(leg_id=leg.pk, actor=desk.alice)
            except CxError:
                pass
            except Exception as error:
                faults.append(error)
            finally:
                connections.close_all()

        def come(chat=chat, gate=gate, faults=faults) -> None:
            try:
                gate.wait()
                world.open_chat(desk.site, thread=chat.thread)
            except Exception as error:
                faults.append(error)
            finally:
                connections.close_all()

        run(accept, come)
        assert not faults
        one, back = again(one), Interaction.objects.filter(thread=chat.thread).latest("pk")
        called = desk.leg(one.session).leg == "active"
        assert called == (one.state == "queued") and called == (one.result != "came")
        item = desk.item(back)
        assert (item.waits_since == one.waits_since) != called, "the place is one"
        for talk_ in Interaction.objects.open():
            talk.close_interaction(interaction_id=talk_.pk, reason="ended")
        Callback.objects.open().update(state="ended")
    assert not Outbox.objects.exists()


# --- Who left, and the tasks that were ---


def test_who_left_a_phone_is_called_back_in_his_turn_and_his_return_takes_it(desk):
    chat = desk.chat()
    Interaction.objects.filter(pk=chat.pk).update(says={"contact": PHONE, "name": "Kate"})
    wrote(chat, 300)
    seen(chat, 120)
    since = desk.item(chat).waits_since
    assert [ghosts() for _ in range(2)] == [1, 0]
    one = Callback.objects.get()
    assert (one.state, one.waits_since, one.name, one.phone) == ("queued", since, "Kate", PHONE)
    assert not Task.objects.exists() and desk.item(chat).outcome == "abandoned"
    back = desk.chat(thread=chat.thread)
    assert again(one).result == "came" and desk.item(back).waits_since == since


def test_where_a_queue_wants_none_it_stays_a_task_and_where_it_cannot_call_too(desk):
    Queue.objects.update(callbacks=False)
    chat = desk.chat()
    Interaction.objects.filter(pk=chat.pk).update(says={"contact": PHONE})
    wrote(chat, 300)
    seen(chat, 120)
    assert ghosts() == 1 and Task.objects.get().kind == "callback" and not Callback.objects.exists()
    never = BusinessHours.objects.create(name="Never")
    Queue.objects.update(callbacks=True, hours=never)
    chat = desk.chat()
    Interaction.objects.filter(pk=chat.pk).update(says={"contact": OTHER})
    wrote(chat, 300)
    seen(chat, 120)
    assert ghosts() == 1 and Task.objects.count() == 2, "nothing is lost"


# --- At the same moment ---


def while_locked(lock, act, change) -> list[Exception]:
    """Take a lock, let `act` come to it, and do `change` before it is free. Returns what `act` raised."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            act()
        except Exception as error:
            raised.append(error)
        finally:
            connections.close_all()

    worker = threading.Thread(target=run)
    with transaction.atomic():
        lock()
        worker.start()
        while worker.is_alive() and not lock_waits():
            worker.join(0.05)
        change()
    worker.join(20)
    return raised


def test_who_leaves_as_he_changes_his_callback_waits_for_nobody_who_waits_for_him(desk):
    first = desk.chat()
    one = asked(desk, first, at=calls.slots(desk.queue)[0])
    chat = desk.chat(thread=first.thread)
    Interaction.objects.filter(pk=chat.pk).update(says={"contact": PHONE})
    wrote(chat, 300)
    seen(chat, 120)
    raised = while_locked(
        lambda: locks.lock_callback(Callback.objects.filter(pk=one.pk)), ghosts, lambda: locks.lock_live_item(chat.pk)
    )
    assert not raised and desk.item(chat).outcome == "abandoned"


def test_a_callback_is_moved_where_somebody_asks_for_one_at_this_moment(desk):
    second = world.make_queue("Second", team=desk.team, callbacks=True)
    one = asked(desk)
    raised = while_locked(
        lambda: asked(desk, queue=second),
        lambda: callbacks.move(callback_id=one.pk, queue=second, actor=desk.boss),
        lambda: None,
    )
    assert [error.code for error in raised] == ["exists"]
    assert again(one).queue == desk.queue and desk.item(one.session).queue == desk.queue


# --- Crashes ---


def test_killed_between_the_steps_everything_is_done_once(desk, monkeypatch):
    """A process that dies after the commit leaves its facts to the sweep; one that dies before has done nothing."""
    chat = desk.chat()
    wrote(chat, 600)

    def die(*_args, **_kwargs):
        raise SystemExit("killed")

    with monkeypatch.context() as patched:
        patched.setattr(calling, "enter", die)
        with pytest.raises(SystemExit):
            asked(desk, chat)
    assert not Callback.objects.exists() and desk.item(chat).visit == "waiting"
    one = asked(desk, chat)
    with monkeypatch.context() as patched:
        # Nothing after the commit runs: the session is opened, and nobody has given it a queue.
        patched.setattr(events, "_dispatch", lambda *_args: None)
        back = desk.chat(thread=chat.thread)
    assert not WorkItem.objects.filter(interaction=back).exists() and again(one).state == "queued"
    Outbox.objects.update(claimed_until=timezone.now() - MINUTE)
    for _ in range(2):
        events.sweep()
    assert again(one).result == "came" and WorkItem.objects.filter(interaction=back).count() == 1
    two = asked(desk, phone=OTHER)
    WorkItem.objects.filter(interaction=two.session).update(visit="left", outcome="withdrawn")
    assert [calling.sweep(now=timezone.now()) for _ in range(2)] == [1, 0], "what lies lost is queued again"


def test_the_desk_serves_it_like_everything_else(desk):
    """With chats beside it: the order is the score, the offer runs out, the next one gets it."""
    chat = desk.chat()
    wrote(chat, 600)
    one = asked(desk, chat)
    desk.chat()
    desk.ready(desk.alice, capacity=1)
    leg = desk.leg(one.session)
    offers.expire_offers(leg.expires_at)
    assert desk.presence(desk.alice).state == "not_responding"
    desk.ready(desk.bob, capacity=1)
    assert desk.leg(one.session).operator == desk.bob
    cases.create_task(title="x", team=desk.team)
    handover.take_over(interaction_id=one.session_id, actor=desk.boss)
    assert again(one).calling
