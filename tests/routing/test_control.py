"""What a supervisor does to queues: close, pause, open, lend, priority, whisper, alerts; doors and entrances."""

from datetime import time, timedelta

import pytest
from django.utils import timezone

from cxcenter.core import realtime
from cxcenter.core.errors import Conflict, Forbidden, Invalid
from cxcenter.core.models import AuditEntry
from interactions.actions import talk
from interactions.models import Message, Topic
from routing import queries, waits
from routing.actions import control, legs, offers, presence
from routing.models import Alert, Assignment, BusinessHours, Entrance, OpeningInterval, Presence, Queue, QueueMember
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)
MINUTES = timedelta(minutes=10)


@pytest.fixture
def stranger():
    return world.make_user("stranger", "supervisor", world.make_team("Sales"))


def test_a_closed_queue_takes_nobody_and_serves_who_waits(floor, pushed):
    chat = floor.chat()
    pushed.heard()
    control.close_queue(queue=floor.queue, lasting=MINUTES, message="Back at noon", actor=floor.boss)
    line = Message.objects.get(code="announcement")
    assert line.args == {"reason": "Back at noon"} and line.customer_changed > 0
    assert pushed.kinds(realtime.customer_group(chat.thread_id)) == ["message"]
    presence.set_mode(user=floor.alice, mode="available", actor=floor.alice)
    assert floor.leg(chat).operator == floor.alice
    door = queries.door_of(Queue.objects.get())
    assert (door.open, door.why, door.message) == (False, "closed", "Back at noon")
    assert queries.door_of(Queue.objects.get(), timezone.now() + MINUTES).open, "it opens by itself"


def test_a_paused_queue_offers_nothing_until_it_is_opened(floor):
    floor.ready(floor.alice)
    control.pause_queue(queue=floor.queue, lasting=MINUTES, message="", actor=floor.boss)
    assert not Message.objects.exists(), "no message, no line"
    chat = floor.chat()
    assert floor.item(chat).visit == "waiting"
    control.open_queue(queue=floor.queue, actor=floor.boss)
    assert floor.leg(chat).operator == floor.alice
    assert [a.act for a in AuditEntry.objects.order_by("pk")] == ["queue.pause", "queue.open"]


def test_lending_begins_at_once_and_ends_by_itself(floor):
    carol = world.make_user("carol", team=floor.team)
    floor.ready(carol)
    chat = floor.chat()
    control.lend_operator(queue=floor.queue, user=carol, lasting=MINUTES, actor=floor.boss)
    assert floor.leg(chat).operator == carol
    control.lend_operator(queue=floor.queue, user=carol, lasting=2 * MINUTES, actor=floor.boss)
    member = QueueMember.objects.get(user=carol)
    assert member.until > timezone.now() + MINUTES
    control.lend_operator(queue=floor.queue, user=floor.alice, lasting=MINUTES, actor=floor.boss)
    assert QueueMember.objects.get(user=floor.alice).until is None, "a standing member stays one"


@pytest.mark.parametrize("lasting", [timedelta(0), timedelta(days=8), -MINUTES])
def test_how_long_must_make_sense(floor, lasting):
    for act in (control.close_queue, control.pause_queue):
        with pytest.raises(Invalid):
            act(queue=floor.queue, lasting=lasting, message="", actor=floor.boss)
    with pytest.raises(Invalid):
        control.lend_operator(queue=floor.queue, user=floor.bob, lasting=lasting, actor=floor.boss)
    assert not AuditEntry.objects.exists()


def test_another_teams_supervisor_and_an_operator_do_nothing(floor, stranger):
    item = floor.item(floor.chat())
    for actor in (stranger, floor.alice):
        for act in (
            lambda actor=actor: control.close_queue(queue=floor.queue, lasting=MINUTES, message="", actor=actor),
            lambda actor=actor: control.pause_queue(queue=floor.queue, lasting=MINUTES, message="", actor=actor),
            lambda actor=actor: control.open_queue(queue=floor.queue, actor=actor),
            lambda actor=actor: control.lend_operator(queue=floor.queue, user=actor, lasting=MINUTES, actor=actor),
            lambda actor=actor: control.set_priority(item=item, priority=9, actor=actor),
        ):
            with pytest.raises(Forbidden):
                act()
    assert not AuditEntry.objects.exists() and not QueueMember.objects.filter(user=stranger).exists()


def test_priority_is_a_head_start(floor):
    first, second = floor.chat(), floor.chat()
    for wrong in (-1, 21):
        with pytest.raises(Invalid):
            control.set_priority(item=floor.item(second), priority=wrong, actor=floor.boss)
    control.set_priority(item=floor.item(second), priority=5, actor=floor.boss)
    floor.ready(floor.alice, capacity=1)
    assert floor.leg(second).operator == floor.alice and floor.item(first).visit == "waiting"


def test_a_whisper_never_reaches_the_customer(floor, pushed):
    floor.ready(floor.alice)
    chat = floor.chat(floor.alice)
    chat.thread.refresh_from_db()
    before = chat.thread.customer_changes
    pushed.heard()
    control.whisper(interaction=chat, text="Offer him the spare car", actor=floor.boss)
    chat.thread.refresh_from_db()
    assert chat.thread.customer_changes == before
    groups = {group for group, _m in pushed.heard()}
    assert realtime.staff_group(chat.thread_id) in groups and realtime.customer_group(chat.thread_id) not in groups
    assert AuditEntry.objects.get().act == "interaction.whisper"


def test_a_whisper_into_a_session_that_has_ended_does_not_land_in_the_next(floor):
    chat = floor.chat()
    talk.close_interaction(interaction_id=chat.pk, reason="ended")
    later = world.open_chat(None, "Me again", thread=chat.thread)
    with pytest.raises(Conflict) as refused:
        control.whisper(interaction=chat, text="Offer him the spare car", actor=floor.boss)
    assert refused.value.code == "closed"
    assert not Message.objects.filter(interaction=later, author="staff").exists()


def test_an_alert_seen_takes_the_older_ones_with_it(floor):
    alerts = [Alert.objects.create(kind="late", team=floor.team, queue=floor.queue) for _ in range(3)]
    control.see_alert(alert=alerts[1], actor=floor.boss)
    assert list(Alert.objects.order_by("pk").values_list("seen_by", flat=True)) == [floor.boss.pk, floor.boss.pk, None]
    assert AuditEntry.objects.get(act="alert.see").subject == f"alert:{alerts[1].pk}"
    of_alice, of_bob = (
        Alert.objects.create(kind="long_pause", team=floor.team, user=one) for one in (floor.alice, floor.bob)
    )
    control.see_alert(alert=of_bob, actor=floor.boss)
    of_alice.refresh_from_db()
    assert of_alice.seen_by is None, "of another operator"


# --- Doors ---


def test_doors(floor):
    assert queries.door_of(floor.queue).why == "nobody"
    Presence.objects.create(user=floor.alice, mode="pause", state="pause")
    assert queries.door_of(floor.queue).open, "who pauses comes back"
    floor.queue.max_waiting = 1
    floor.chat()
    assert queries.door_of(floor.queue).why == "full"
    hours = BusinessHours.objects.create(name="Mornings", zone="UTC")
    OpeningInterval.objects.create(hours=hours, day=0, opens=time(9), closes=time(12))
    floor.queue.hours, floor.queue.max_waiting = hours, None
    monday = timezone.now().replace(year=2026, month=3, day=2, hour=10, minute=0)
    assert queries.door_of(floor.queue, monday).open
    shut = queries.door_of(floor.queue, monday.replace(hour=12))
    assert (shut.why, shut.opens_at) == ("hours", monday.replace(day=9, hour=9, second=0, microsecond=0))


def test_entrances_by_topic_then_its_parent_then_the_channels_own(floor):
    channel = floor.site.channel
    cars = Topic.objects.create(name="Cars")
    repair = Topic.objects.create(name="Repair", parent=cars)
    garage = world.make_queue("Garage")
    assert queries.queue_for(channel=channel, topic=repair).queue == floor.queue
    Entrance.objects.create(channel=channel, topic=cars, queue=garage, boost=2)
    assert queries.queue_for(channel=channel, topic=repair).queue == garage
    assert queries.queue_for(channel=channel, topic=None).queue == floor.queue
    chat = world.open_chat(floor.site, topic=repair)
    assert (floor.item(chat).queue, floor.item(chat).priority) == (garage, garage.priority + 2)
    Queue.objects.filter(pk=garage.pk).update(active=False)
    assert queries.queue_for(channel=channel, topic=repair).queue == floor.queue


def test_places_are_honest(floor):
    chats = [floor.chat() for _ in range(3)]
    places = [waits.place_of(chat) for chat in chats]
    assert [p.position for p in places] == [1, 2, 3] and {p.estimate_s for p in places} == {None}
    assert [position for _q, _t, position, _at in queries.waiting_order(2)] == [1, 2]
    floor.ready(floor.alice, capacity=2)
    assert waits.place_of(chats[0]).position == 1, "an offer is not yet an answer"


def test_a_message_ends_with_the_pause_it_was_written_for(floor):
    floor.ready(floor.alice)
    control.pause_queue(queue=floor.queue, lasting=MINUTES, message="Back at noon", actor=floor.boss)
    queue = Queue.objects.get()
    assert queries.door_of(queue).message == "Back at noon"
    assert queries.door_of(queue, timezone.now() + MINUTES).message == ""
    control.close_queue(queue=floor.queue, lasting=MINUTES, message="Stocktaking", actor=floor.boss)
    Queue.objects.update(paused_until=None)
    assert queries.door_of(Queue.objects.get(), timezone.now() + MINUTES).message == ""


def test_the_estimate_counts_wrap_up_and_handled_contacts_only_and_promises_nothing_on_a_pause(floor):
    floor.ready(floor.alice, floor.bob)
    done, moved = floor.chat(), floor.chat()
    now = timezone.now()
    begin = now - timedelta(minutes=20)
    for chat, end in ((done, "finished"), (moved, "transferred")):
        leg = floor.leg(chat)
        offers.accept_offer(leg_id=leg.pk, actor=leg.operator)
        talk.close_interaction(interaction_id=chat.pk, reason="ended")
        legs.wrap_up(leg_id=leg.pk, actor=leg.operator)
        Assignment.objects.filter(pk=leg.pk).update(
            accepted_at=begin, ended_at=begin + timedelta(minutes=4), wrapped_at=begin + timedelta(minutes=5), end=end
        )
    assert waits.handling_s(now, [floor.queue.pk]) == {floor.queue.pk: 300}
    assert waits.slots_of(now, [floor.queue.pk]) == {floor.queue.pk: 8}
    assert waits.expected_s(floor.queue) == 0
    control.pause_queue(queue=floor.queue, lasting=MINUTES, message="", actor=floor.boss)
    waiting = floor.chat()
    assert waits.place_of(waiting) == waits.Place(1, None)
    floor.queue.refresh_from_db()
    assert waits.expected_s(floor.queue) is None
