"""A contact in other hands: handed over, moved or taken by a supervisor."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.models import AuditEntry
from interactions.actions import talk
from interactions.models import Interaction, Message, Thread
from routing import queries
from routing.actions import handover, offers, presence
from routing.models import Assignment, Policy, Queue, QueueMember, WorkItem
from tests import world
from tests.routing.test_legs import codes

pytestmark = pytest.mark.django_db(transaction=True)


# --- Hand over ---


def test_transfer_to_a_queue(floor):
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    sales = world.make_queue("Sales", priority=5)
    item = handover.transfer(interaction_id=chat.pk, actor=floor.alice, queue=sales, note="wants a price")
    assert (item.queue, item.visit, item.priority, item.note, item.sent_by) == (
        sales,
        "waiting",
        5,
        "wants a price",
        floor.alice,
    )
    assert item.waits_since == chat.waiting_since, "his unanswered message counts"
    assert floor.leg(chat).end == "transferred" and floor.presence(floor.alice).load == 0
    assert codes(chat) == ["joined", "transferred", "transfer_note"]
    assert Message.objects.get(code="transfer_note").customer_changed == 0
    assert [w.outcome for w in WorkItem.objects.order_by("pk")] == ["answered", ""]


def test_transfer_to_a_person_is_for_him_alone_until_he_refuses(floor):
    carol = world.make_user("carol")
    QueueMember.objects.create(queue=floor.queue, user=carol)
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    floor.ready(carol, floor.bob, capacity=1)
    handover.transfer(interaction_id=chat.pk, actor=floor.alice, operator=floor.bob)
    assert floor.leg(chat).operator == floor.bob
    offers.decline_offer(leg_id=floor.leg(chat).pk, actor=floor.bob)
    assert floor.leg(chat).operator == carol, "his queue may take it, but not who has handed it over"


def test_transfer_waits_for_a_person_without_room(floor):
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    floor.ready(floor.bob, capacity=0)
    handover.transfer(interaction_id=chat.pk, actor=floor.alice, operator=floor.bob)
    assert floor.item(chat).visit == "waiting"
    presence.set_capacity(user=floor.bob, capacity=1, actor=floor.boss)
    assert floor.leg(chat).operator == floor.bob


def test_transfer_needs_one_target_and_the_session_in_hand(floor):
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    with pytest.raises(Invalid):
        handover.transfer(interaction_id=chat.pk, actor=floor.alice)
    with pytest.raises(Invalid):
        handover.transfer(interaction_id=chat.pk, actor=floor.alice, queue=floor.queue, operator=floor.bob)
    with pytest.raises(Invalid):
        handover.transfer(interaction_id=chat.pk, actor=floor.alice, operator=floor.boss)
    with pytest.raises(Conflict) as refused:
        handover.transfer(interaction_id=chat.pk, actor=floor.bob, queue=floor.queue)
    assert refused.value.code == "not_owner"
    assert floor.leg(chat).leg == "active"


def test_a_session_that_has_ended_goes_nowhere(floor):
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    Interaction.objects.filter(pk=chat.pk).update(closed_at=timezone.now())
    with pytest.raises(Conflict):
        handover.transfer(interaction_id=chat.pk, actor=floor.alice, queue=floor.queue)
    assert floor.leg(chat).leg == "active" and WorkItem.objects.count() == 1


# --- A supervisor ---


def test_supervisor_moves_what_waits_and_what_is_held(floor):
    sales = world.make_queue("Sales")
    waiting = floor.chat()
    handover.transfer(interaction_id=waiting.pk, actor=floor.boss, queue=sales, by_supervisor=True)
    assert [w.outcome for w in WorkItem.objects.filter(interaction=waiting).order_by("pk")] == ["flowed_out", ""]
    floor.ready(floor.alice)
    offered = floor.chat()
    handover.transfer(interaction_id=offered.pk, actor=floor.boss, queue=sales, by_supervisor=True)
    assert floor.leg(offered).end == "withdrawn" and floor.presence(floor.alice).load == 0
    held = floor.chat(floor.alice)
    handover.transfer(interaction_id=held.pk, actor=floor.boss, queue=sales, by_supervisor=True)
    assert floor.leg(held).end == "transferred"
    assert AuditEntry.objects.filter(act="interaction.move").count() == 3
    talk.close_interaction(interaction_id=held.pk, reason="ended")
    with pytest.raises(Conflict):
        handover.transfer(interaction_id=held.pk, actor=floor.boss, queue=sales, by_supervisor=True)


def test_take_over_from_an_operator_from_an_offer_and_from_the_queue(floor):
    waiting = floor.chat()
    floor.ready(floor.alice)
    chats = [floor.chat(floor.alice), floor.chat(), waiting]
    for chat in chats:
        taken = handover.take_over(interaction_id=chat.pk, actor=floor.boss)
        assert handover.take_over(interaction_id=chat.pk, actor=floor.boss).pk == taken.pk
        assert (floor.leg(chat).operator, floor.leg(chat).leg) == (floor.boss, "active")
        assert floor.item(chat).outcome == "answered"
    assert Assignment.objects.filter(end="taken").count() == 1
    assert floor.presence(floor.alice).load == 0 and floor.presence(floor.boss).load == 3
    assert AuditEntry.objects.filter(act="interaction.take_over").count() == 3
    talk.close_interaction(interaction_id=waiting.pk, reason="ended")
    with pytest.raises(Conflict):
        handover.take_over(interaction_id=waiting.pk, actor=floor.boss)


# --- What is handed over does not come back by itself ---


def test_what_is_handed_to_a_queue_does_not_bounce_back_to_its_sender(floor):
    """His load has just fallen and he serves that queue, too: he is the first by the rules, but rests from it."""
    sales = world.make_queue("Sales", members=(floor.alice,))
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    handover.transfer(interaction_id=chat.pk, actor=floor.alice, queue=sales)
    assert floor.item(chat).visit == "waiting"
    rested = timezone.now() - timedelta(seconds=Policy.current().decline_rest_s + 1)
    Assignment.objects.filter(end="transferred").update(ended_at=rested)
    offers.assign_next()
    assert floor.leg(chat).operator == floor.alice, "nobody else serves it"


def test_who_gets_it_back_by_name_gets_it_at_once(floor):
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    floor.ready(floor.bob)
    handover.transfer(interaction_id=chat.pk, actor=floor.alice, operator=floor.bob)
    offers.accept_offer(leg_id=floor.leg(chat).pk, actor=floor.bob)
    handover.transfer(interaction_id=chat.pk, actor=floor.bob, operator=floor.alice)
    assert floor.leg(chat).operator == floor.alice
    offers.accept_offer(leg_id=floor.leg(chat).pk, actor=floor.alice)
    handover.take_over(interaction_id=chat.pk, actor=floor.boss)
    handover.transfer(interaction_id=chat.pk, actor=floor.boss, operator=floor.alice, by_supervisor=True)
    assert floor.leg(chat).operator == floor.alice
    offers.decline_offer(leg_id=floor.leg(chat).pk, actor=floor.alice)
    assert floor.item(chat).visit == "waiting", "he has declined it now, and the other has just handed it over"


def test_a_transfer_carries_the_priority_and_the_wait(floor):
    sales = world.make_queue("Sales", priority=5)
    waiting = floor.chat()
    since = timezone.now() - timedelta(minutes=9)
    WorkItem.objects.filter(interaction=waiting).update(priority=3, waits_since=since)
    item = handover.transfer(interaction_id=waiting.pk, actor=floor.boss, queue=sales, by_supervisor=True)
    assert (item.priority, item.waits_since) == (7, since)
    floor.ready(floor.alice)
    held = floor.chat(floor.alice)
    WorkItem.objects.filter(interaction=held).update(priority=4)
    assert handover.transfer(interaction_id=held.pk, actor=floor.alice, queue=sales).priority == 8


# --- Where it may go ---


def able(floor, chat, user=None) -> tuple[set[str], set[str]]:
    queues, people = queries.who_can_take(chat, user or floor.alice)
    return {queue.name for queue in queues}, {person.user.username for person in people}


def test_only_those_who_can_take_it_are_listed(floor):
    carol, dan = world.make_user("carol", team=floor.team), world.make_user("dan", team=floor.team)
    sales = world.make_queue("Sales", floor.team, members=(floor.bob,))
    world.make_queue("Off", floor.team, members=(carol,), active=False)
    paused = world.make_queue("Paused", floor.team, members=(dan,), paused_until=timezone.now() + timedelta(hours=1))
    world.make_queue("Only mine", floor.team, members=(floor.alice,))
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    floor.ready(floor.bob, carol, dan)
    assert able(floor, chat) == ({"Sales"}, {"bob"}), "not where it is, not to who has it"
    assert able(floor, chat, floor.boss) == ({"Sales"}, {"bob"})
    Queue.objects.filter(pk=paused.pk).update(paused_until=timezone.now())
    assert able(floor, chat) == ({"Sales", "Paused"}, {"bob", "dan"})
    presence.set_mode(user=floor.bob, mode="pause", actor=floor.bob)
    assert able(floor, chat) == ({"Paused"}, {"dan"}), "who pauses cannot take it now"
    QueueMember.objects.filter(user=dan).update(until=timezone.now())
    assert able(floor, chat) == (set(), set()), "his loan is over"
    presence.set_mode(user=floor.bob, mode="available", actor=floor.bob)
    presence.set_capacity(user=floor.bob, capacity=0, actor=floor.boss)
    assert able(floor, chat) == ({"Sales"}, set()), "a queue may wait for him"
    with pytest.raises(Invalid):
        queries.queue_of_group(world.make_team("Others"), chat, floor.alice)
    assert queries.queue_of_group(floor.team, chat, floor.alice) == sales


def test_a_person_is_reached_by_the_queue_in_which_it_is_and_never_by_a_paused_one(floor):
    waiting = floor.chat()
    first = world.make_queue("First", members=(floor.alice,))
    second = world.make_queue("Second", members=(floor.alice, floor.bob))
    Queue.objects.filter(pk=first.pk).update(paused_until=timezone.now() + timedelta(hours=1))
    moved = {"interaction_id": waiting.pk, "actor": floor.boss, "by_supervisor": True}
    assert handover.transfer(operator=floor.alice, **moved).queue == floor.queue
    Queue.objects.filter(pk=floor.queue.pk).update(paused_until=timezone.now() + timedelta(hours=1))
    assert handover.transfer(operator=floor.alice, **moved).queue == second


# --- At the same moment ---


def lock_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def meanwhile(act, change) -> list[Exception]:
    """Let `act` begin, and `change` be committed before it sees the thread. Returns what `act` raised."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            act()
        except Conflict as error:
            raised.append(error)
        finally:
            connections.close_all()

    with transaction.atomic():
        Thread.objects.select_for_update().get()
        worker = threading.Thread(target=run)
        worker.start()
        while worker.is_alive() and not lock_waits():
            worker.join(0.05)
        change()
    worker.join(20)
    return raised


@pytest.mark.parametrize("act", ["take_over", "transfer"])
def test_what_ends_meanwhile_is_not_taken_nor_moved(floor, act):
    """A supervisor's new leg must not stay active on a session that has ended."""
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    sales = world.make_queue("Sales")
    acts = {
        "take_over": lambda: handover.take_over(interaction_id=chat.pk, actor=floor.boss),
        "transfer": lambda: handover.transfer(interaction_id=chat.pk, actor=floor.alice, queue=sales),
    }
    raised = meanwhile(acts[act], lambda: talk.close_interaction(interaction_id=chat.pk, reason="ended"))
    assert [error.code for error in raised] == ["closed"]
    assert not Assignment.objects.filter(interaction=chat, leg="active").exists()
    assert floor.leg(chat).operator == floor.alice and floor.leg(chat).leg == "wrapup"
    assert not WorkItem.objects.exclude(visit="left").exists()


def test_who_takes_over_an_offer_locks_both_operators_in_their_order(floor):
    floor.ready(floor.alice)
    chat = floor.chat()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        handover.take_over(interaction_id=chat.pk, actor=floor.boss)
    locked = [q["sql"] for q in asked if "EXECUTE presences_locked" in q["sql"]]
    assert f"ARRAY[{floor.alice.pk},{floor.boss.pk}]" in locked[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE name = 'presences_locked'")
        (statement,) = cursor.fetchone()
    assert 'ORDER BY "routing_presence"."user_id" ASC' in statement and "FOR UPDATE" in statement
