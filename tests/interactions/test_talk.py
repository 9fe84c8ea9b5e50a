"""A talk from outside: one effect per key, numbers without gaps, marks, taking back, ends, blocks."""

import random
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from cxcenter.core import realtime
from cxcenter.core.errors import Conflict, CxError, Forbidden, Invalid
from cxcenter.core.models import Event, Outbox
from interactions import pushes
from interactions.actions import moderation, talk
from interactions.choices import Audience, Author
from interactions.models import Block, Interaction, Message, Thread
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


def together(acts: list[Callable[[], Any]]) -> list[Any]:
    """Run acts in threads that begin at one moment; return their results, refusals included."""
    results: list[Any] = [None] * len(acts)
    start = threading.Barrier(len(acts))

    def run(place: int) -> None:
        start.wait()
        try:
            results[place] = acts[place]()
        except Exception as error:
            results[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    broken = [r for r in results if isinstance(r, Exception) and not isinstance(r, CxError)]
    assert not broken, broken
    return results


def changed_rows(thread_id: int) -> list[int]:
    return sorted(Message.objects.filter(thread=thread_id).values_list("staff_changed", flat=True))


# --- One channel, many threads ---


def test_two_may_open_in_one_channel_at_the_same_moment(chat):
    """Nobody who comes waits until the transaction of another one, in another thread, has ended."""
    site = chat.thread.channel.site
    first, second = world.make_thread(site), world.make_thread(site)
    opened: list[Interaction] = []

    def open_second() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout TO '2s'")
                opened.append(talk.open_interaction(thread=second)[0])
        finally:
            connections.close_all()

    with transaction.atomic():
        talk.open_interaction(thread=first)
        other = threading.Thread(target=open_second)
        other.start()
        other.join(30)
        assert [interaction.thread_id for interaction in opened] == [second.pk]


def test_who_waits_for_a_thread_that_changes_its_card_gets_it(chat):
    thread = world.make_thread(chat.thread.channel.site)
    card = world.make_thread(chat.thread.channel.site).profile
    opened: list[Interaction] = []

    def open_it() -> None:
        try:
            opened.append(talk.open_interaction(thread=thread)[0])
        finally:
            connections.close_all()

    other = threading.Thread(target=open_it)
    with transaction.atomic():
        Thread.objects.select_for_update().get(pk=thread.pk)
        Thread.objects.filter(pk=thread.pk).update(profile=card)
        other.start()
        with connection.cursor() as cursor:
            for _look in range(200):
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                if cursor.fetchone()[0]:
                    break
                time.sleep(0.05)
            else:
                pytest.fail("nobody waits for the thread")
        assert not opened
    other.join(30)
    assert [interaction.profile for interaction in opened] == [card]


# --- One effect per key ---


def test_the_same_key_at_once_is_one_row(chat):
    key = uuid.uuid4()
    results = together(
        [lambda: talk.post_message(thread_id=chat.talk.thread_id, author="customer", text="x", client_key=key)] * 5
    )
    assert len({message.pk for message, _new in results}) == 1
    assert sorted(new for _message, new in results) == [False] * 4 + [True]
    assert Message.objects.filter(client_key=key).count() == 1
    assert chat.fresh().unread == 2


def test_inbound_five_times_and_shuffled_has_one_effect_each(chat):
    said = [(f"ext-{n}", f"message {n}") for n in range(8)]
    deliveries = said * 5
    random.Random(4).shuffle(deliveries)
    post = [
        lambda e=external, t=text: talk.post_message(
            thread_id=chat.talk.thread_id, author="customer", text=t, external_id=e
        )
        for external, text in deliveries
    ]
    for begin in range(0, len(post), 8):
        together(post[begin : begin + 8])
    stored = Message.objects.filter(external_id__isnull=False)
    assert sorted(stored.values_list("external_id", "text")) == sorted(said)
    assert chat.thread.last_seq == Message.objects.count()
    assert chat.fresh().unread == 1 + len(said)


def test_a_retry_after_the_end_gets_the_stored_message(chat):
    key = uuid.uuid4()
    first = world.say(chat.talk, "Bye", key)
    talk.close_interaction(interaction_id=chat.talk.pk, reason="ended")
    assert world.say(chat.talk, "Bye", key).pk == first.pk
    with pytest.raises(Conflict) as refused:
        world.say(chat.talk, "Still there?")
    assert refused.value.code == "closed"


def test_the_key_of_a_note_opens_no_note(chat):
    """Whoever knows the key of somebody else's message does not get it by sending that key."""
    key = uuid.uuid4()
    world.reply(chat.talk, chat.alice, "the secret", audience=Audience.STAFF, client_key=key)
    with pytest.raises(Conflict) as refused:
        world.say(chat.talk, "give it to me", key)
    assert refused.value.code == "key_taken"


def test_one_external_number_in_two_threads_is_refused_in_words(chat):
    talk.post_message(thread_id=chat.talk.thread_id, author="customer", text="x", external_id="e-1")
    other = world.make_thread(chat.thread.channel.site)
    talk.open_interaction(thread=other)
    with pytest.raises(Conflict):
        talk.post_message(thread_id=other.pk, author="customer", text="x", external_id="e-1")


def test_opening_at_once_opens_one_session(chat):
    thread = world.make_thread(chat.thread.channel.site)
    results = together([lambda: talk.open_interaction(thread=thread)] * 6)
    assert len({interaction.pk for interaction, _new in results}) == 1
    assert sum(new for _interaction, new in results) == 1
    assert Interaction.objects.filter(thread=thread).count() == 1
    assert Event.objects.filter(kind="interaction.opened", profile_id=thread.profile_id).count() == 1


# --- Numbers ---


def test_eight_writers_at_once_leave_no_gap_and_no_double(chat, pushed):
    """Messages, notes and marks of both sides at once: each change has its own number, and none is missing."""
    before = chat.thread

    def customer(n: int) -> None:
        message = world.say(chat.talk, f"customer {n}")
        talk.mark_by_customer(thread_id=message.thread_id, got=message.seq, read=message.seq)

    def operator(n: int) -> None:
        message = world.reply(chat.talk, chat.alice, f"operator {n}")
        talk.mark_by_staff(interaction=chat.talk, seq=message.seq)

    def colleague(n: int) -> None:
        world.reply(chat.talk, chat.bob, f"note {n}", audience=Audience.STAFF)

    def write(what: Callable[[int], None]) -> None:
        for n in range(6):
            what(n)

    together(
        [
            lambda w=w: write(w)
            for w in (customer, customer, operator, operator, operator, colleague, colleague, colleague)
        ]
    )
    after = chat.thread
    messages = list(Message.objects.filter(thread=after).order_by("seq"))
    assert [m.seq for m in messages] == list(range(1, after.last_seq + 1))
    assert [m.at for m in messages] == sorted(m.at for m in messages), "times are in the order of places"
    heard = pushed.heard()
    for group, first, last in (
        (realtime.staff_group(after.pk), before.staff_changes, after.staff_changes),
        (realtime.customer_group(after.pk), before.customer_changes, after.customer_changes),
    ):
        numbers = sorted(m["changed"] for g, m in heard if g == group and "changed" in m)
        assert numbers == list(range(first + 1, last + 1)), group
    notes = [m for m in messages if m.audience == Audience.STAFF]
    assert len(notes) == 18 and not any(m.customer_changed for m in notes)
    assert "note" not in str([m for g, m in heard if g == realtime.customer_group(after.pk)])


def test_the_customers_counter_never_moves_for_what_he_may_not_see(chat, pushed):
    before = chat.thread
    note = world.reply(chat.talk, chat.alice, "he is angry", audience=Audience.STAFF)
    talk.withdraw_message(message_id=note.pk, actor=chat.alice)
    talk.post_system_line(thread_id=before.pk, code="transfer_note", args={"note": "x"}, audience=Audience.STAFF)
    talk.mark_by_customer(thread_id=before.pk, got=1, read=1)
    after = chat.thread
    assert after.customer_changes == before.customer_changes and after.staff_changes > before.staff_changes
    assert not [m for g, m in pushed.heard() if g == realtime.customer_group(after.pk)]


def test_a_push_says_what_the_row_says(chat, pushed):
    message = world.reply(chat.talk, chat.alice, "Good day")
    told = dict(pushed.heard())
    staff, customer = told[realtime.staff_group(message.thread_id)], told[realtime.customer_group(message.thread_id)]
    stored = Message.objects.get(pk=message.pk)
    assert staff["message"] == pushes.message_view(stored, files=[], name="Alice")
    assert customer["changed"] == stored.customer_changed
    assert set(customer["message"]) == {
        "id", "seq", "author", "text", "code", "at", "key", "withdrawn", "files", "args", "changed", "name",
    }  # fmt: skip


def test_a_customer_sees_only_public_arguments_of_a_line(chat, pushed):
    talk.post_system_line(
        thread_id=chat.talk.thread_id, code="transferred", args={"name": "Anna", "by": "Anna Ivanova", "note": "rude"}
    )
    told = dict(pushed.heard())[realtime.customer_group(chat.talk.thread_id)]
    assert told["message"]["args"] == {"name": "Anna"}


# --- Marks ---


def test_marks_move_forward_only_and_not_beyond_the_end(chat, pushed):
    for n in range(4):
        world.reply(chat.talk, chat.alice, f"line {n}")
    thread, last = chat.talk.thread_id, chat.thread.last_seq
    assert _marks(talk.mark_by_customer(thread_id=thread, got=4, read=3)) == (4, 3)
    assert _marks(talk.mark_by_customer(thread_id=thread, got=2, read=1)) == (4, 3)
    assert _marks(talk.mark_by_customer(thread_id=thread, got=3, read=5)) == (5, 5), "read is got"
    assert _marks(talk.mark_by_customer(thread_id=thread, got=10**9, read=0)) == (last, 5)
    pushed.heard()
    talk.mark_by_customer(thread_id=thread, got=1, read=1)
    assert pushed.heard() == [], "nothing moved, nothing is told"
    talk.mark_by_staff(interaction=chat.talk, seq=10**9)
    assert chat.thread.staff_read_seq == last
    talk.mark_by_staff(interaction=chat.talk, seq=-5)
    assert chat.thread.staff_read_seq == last


def _marks(thread) -> tuple[int, int]:
    return thread.customer_got_seq, thread.customer_read_seq


def test_reading_counts_what_is_left_unread(chat):
    first, _second = world.say(chat.talk, "one"), world.say(chat.talk, "two")
    talk.mark_by_staff(interaction=chat.talk, seq=first.seq)
    assert chat.fresh().unread == 1
    talk.mark_by_staff(interaction=chat.talk, seq=first.seq + 1)
    assert chat.fresh().unread == 0


def test_whoever_writes_has_read_what_stands_before(chat):
    world.reply(chat.talk, chat.alice, "Good day")
    message = world.say(chat.talk, "Good day")
    assert _marks(chat.thread) == (message.seq, message.seq)


# --- An answer is due ---


def test_since_when_an_answer_is_due(chat):
    first = chat.fresh().waiting_since
    world.say(chat.talk, "more")
    assert chat.fresh().waiting_since == first
    world.reply(chat.talk, chat.bob, "a note", audience=Audience.STAFF)
    talk.post_system_line(thread_id=chat.talk.thread_id, code="announcement")
    assert chat.fresh().waiting_since == first
    reply = world.reply(chat.talk, chat.alice, "Good day")
    fresh = chat.fresh()
    assert fresh.waiting_since is None and fresh.first_reply_at == reply.at
    again = world.say(chat.talk, "and?")
    assert chat.fresh().waiting_since == again.at
    world.reply(chat.talk, chat.alice, "yes")
    assert chat.fresh().first_reply_at == reply.at


# --- Taking back ---


def test_taken_back_is_gone_from_both_sides(chat, pushed):
    due = chat.fresh().waiting_since
    reply = world.reply(chat.talk, chat.alice, "Good dya")
    before = chat.thread
    pushed.heard()
    for _ in range(2):
        talk.withdraw_message(message_id=reply.pk, actor=chat.alice)
    told = pushed.heard()
    assert [m["message"]["text"] for _g, m in told if m["kind"] == "message"] == ["", ""]
    assert all(m["message"]["withdrawn"] for _g, m in told if m["kind"] == "message")
    after = chat.thread
    assert (after.staff_changes, after.customer_changes) == (before.staff_changes + 1, before.customer_changes + 1)
    fresh = chat.fresh()
    assert fresh.waiting_since == due and fresh.first_reply_at is None, "it answered nothing"
    assert fresh.last_message.text == "Hello"


def test_after_taking_back_one_of_two_the_other_is_the_answer(chat):
    first, second = world.reply(chat.talk, chat.alice, "one"), world.reply(chat.talk, chat.alice, "two")
    talk.withdraw_message(message_id=first.pk, actor=chat.alice)
    fresh = chat.fresh()
    assert (fresh.waiting_since, fresh.first_reply_at) == (None, second.at)


def test_a_note_taken_back_is_not_the_last_word(chat):
    world.reply(chat.talk, chat.alice, "Good day")
    note = world.reply(chat.talk, chat.alice, "he is rude", audience=Audience.STAFF)
    talk.withdraw_message(message_id=note.pk, actor=chat.alice)
    assert chat.fresh().last_message.text == "Good day" and chat.fresh().waiting_since is None


def test_only_ones_own_and_only_for_a_moment(chat):
    reply, said = world.reply(chat.talk, chat.alice, "Good day"), world.say(chat.talk, "Hi")
    with pytest.raises(Forbidden):
        talk.withdraw_message(message_id=reply.pk, actor=chat.bob)
    with pytest.raises(Forbidden):
        talk.withdraw_message(message_id=said.pk, actor=chat.alice)
    Message.objects.filter(pk=reply.pk).update(at=timezone.now() - timedelta(seconds=talk.UNDO_S + 2))
    with pytest.raises(Conflict) as refused:
        talk.withdraw_message(message_id=reply.pk, actor=chat.alice)
    assert refused.value.code == "too_late"


def test_taking_back_in_a_session_that_has_ended_opens_no_wait(chat):
    reply = world.reply(chat.talk, chat.alice, "Good day")
    talk.close_interaction(interaction_id=chat.talk.pk, reason="finished", actor=chat.alice)
    talk.withdraw_message(message_id=reply.pk, actor=chat.alice)
    assert chat.fresh().waiting_since is None


# --- A reply that crosses a colleague's ---


def test_a_reply_that_crosses_another_asks(chat):
    seen = chat.thread.last_seq
    world.reply(chat.talk, chat.bob, "note", audience=Audience.STAFF)
    world.say(chat.talk, "Hello?")
    assert world.reply(chat.talk, chat.alice, "mine", unless_after=seen).seq == seen + 3, (
        "notes and questions cross nothing"
    )
    crossing = world.reply(chat.talk, chat.bob, "Bob here")
    with pytest.raises(Conflict) as refused:
        world.reply(chat.talk, chat.alice, "again", unless_after=seen)
    assert (refused.value.code, refused.value.detail["seq"]) == ("crossed", crossing.seq)
    talk.withdraw_message(message_id=crossing.pk, actor=chat.bob)
    assert world.reply(chat.talk, chat.alice, "again", unless_after=seen)


# --- What may be said ---


@pytest.mark.parametrize("text", ["", "  \n\t ", "x" * (talk.MESSAGE_LIMIT + 1)])
def test_empty_and_endless_are_refused(chat, text):
    before = chat.thread.staff_changes
    with pytest.raises(Invalid) as refused:
        world.say(chat.talk, text)
    assert refused.value.detail["field"] == "text"
    assert chat.thread.staff_changes == before


@pytest.mark.parametrize("text", ["x" * talk.MESSAGE_LIMIT, "Ёж 🚗 עברית", "<script>alert(1)</script>", "zero\x00byte"])
def test_everything_else_is_kept(chat, text):
    assert Message.objects.get(pk=world.say(chat.talk, text).pk).text == text.replace("\x00", "")


# --- Ends and blocks ---


def test_closing_at_once_closes_once(chat):
    done = together([lambda: talk.close_interaction(interaction_id=chat.talk.pk, reason="ended")] * 5)
    assert sorted(done) == [False] * 4 + [True]
    assert Message.objects.filter(code="closed").count() == 1
    assert Event.objects.filter(kind="interaction.closed").count() == 1


def test_a_message_and_the_end_at_once(chat):
    """The message is stored before the end, or refused as too late: never stored in a closed session."""
    for _ in range(5):
        interaction, _new = talk.open_interaction(thread=chat.thread)
        end = partial(talk.close_interaction, interaction_id=interaction.pk, reason="ended")
        said, _closed = together([partial(world.say, interaction, "wait"), end])
        interaction.refresh_from_db()
        closed = Message.objects.get(interaction=interaction, code="closed")
        assert isinstance(said, Conflict) or said.seq < closed.seq
        assert interaction.waiting_since is None


def test_a_blocked_visitor_is_refused_at_once_and_let_in_again(chat):
    block = moderation.block_visitor(
        interaction=chat.talk, lasting=timedelta(hours=1), reason="abuse", actor=chat.alice
    )
    for act in (
        lambda: world.say(chat.talk, "ha"),
        lambda: (
            talk.close_interaction(interaction_id=chat.talk.pk, reason="spam"),
            talk.open_interaction(thread=chat.thread),
        ),
    ):
        with pytest.raises(Forbidden) as refused:
            act()
        assert refused.value.code == "blocked"
    moderation.lift_block(block=block, actor=chat.alice)
    assert talk.open_interaction(thread=chat.thread)[1]
    Block.objects.update(lifted_at=None, until=timezone.now())
    assert world.say(chat.talk, "I am back"), "the time is over"


def test_a_colleague_may_still_write_to_a_blocked_visitor(chat):
    moderation.block_visitor(interaction=chat.talk, lasting=timedelta(hours=1), reason="", actor=chat.alice)
    assert world.reply(chat.talk, chat.alice, "You are blocked for an hour")


@pytest.mark.parametrize("lasting", [timedelta(0), timedelta(seconds=-1), timedelta(days=366)])
def test_a_block_has_an_end(chat, lasting):
    with pytest.raises(Invalid):
        moderation.block_visitor(interaction=chat.talk, lasting=lasting, reason="", actor=chat.alice)


def test_nothing_is_left_to_handle(chat):
    world.say(chat.talk, "Hi")
    world.reply(chat.talk, chat.alice, "Good day")
    talk.close_interaction(interaction_id=chat.talk.pk, reason="ended")
    assert Outbox.objects.count() == 0
    assert Message.objects.filter(author=Author.SYSTEM).count() == 2
