"""Offers: who gets what, live; and the operator's answers."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cxcenter.core import realtime
from cxcenter.core.errors import Conflict, Forbidden
from cxcenter.core.models import Outbox
from interactions.actions import talk
from interactions.models import Interaction, Message
from routing import rows, strategies
from routing.actions import legs, offers, presence, queueing
from routing.models import Assignment, Policy, Presence, Queue, QueueMember, WorkItem
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_offer_says_why_and_is_pushed(floor, pushed):
    floor.ready(floor.alice)
    pushed.heard()
    chat = floor.chat()
    leg = floor.leg(chat)
    assert (leg.operator, leg.leg, leg.item.visit) == (floor.alice, "offered", "offered")
    assert leg.why["how"] == "least_loaded" and leg.why["free"] == 1 and leg.why["rules"] == strategies.RULES
    assert leg.expires_at - leg.offered_at == timedelta(seconds=floor.queue.offer_s)
    assert pushed.kinds(realtime.user_group(floor.alice.pk)) == ["offer"]
    assert Outbox.objects.count() == 0


def test_accept_ends_the_wait_and_tells_both(floor, pushed):
    floor.ready(floor.alice)
    chat = floor.chat()
    pushed.heard()
    leg = offers.accept_offer(leg_id=floor.leg(chat).pk, actor=floor.alice)
    assert (leg.leg, leg.item.visit, leg.item.outcome) == ("active", "left", "answered")
    assert leg.item.left_at == leg.accepted_at
    state = floor.presence(floor.alice)
    assert (state.state, state.load) == ("busy", 1)
    heard = pushed.heard()
    assert [m["message"]["code"] for g, m in heard if g == realtime.customer_group(chat.thread_id)] == ["joined"]
    signals = [m.get("what") for g, m in heard if g == realtime.user_group(floor.alice.pk)]
    assert set(signals) == {"presence", "sessions"}
    again = offers.accept_offer(leg_id=leg.pk, actor=floor.alice)
    assert again.accepted_at == leg.accepted_at
    assert pushed.heard() == []
    assert floor.presence(floor.alice).load == 1


def test_only_the_one_it_was_offered_to(floor):
    floor.ready(floor.alice)
    leg = floor.leg(floor.chat())
    with pytest.raises(Forbidden):
        offers.accept_offer(leg_id=leg.pk, actor=floor.bob)
    with pytest.raises(Forbidden):
        offers.decline_offer(leg_id=leg.pk, actor=floor.bob)


def test_an_offer_that_is_gone(floor):
    floor.ready(floor.alice)
    chat = floor.chat()
    talk.close_interaction(interaction_id=chat.pk, reason="ended")
    leg = floor.leg(chat)
    assert (leg.leg, leg.end) == ("ended", "withdrawn")
    assert floor.item(chat).outcome == "abandoned"
    with pytest.raises(Conflict) as refused:
        offers.accept_offer(leg_id=leg.pk, actor=floor.alice)
    assert refused.value.code == "gone"


def test_who_is_offline_accepts_nothing(floor):
    floor.ready(floor.alice)
    leg = floor.leg(floor.chat())
    Presence.objects.filter(user=floor.alice).update(mode="offline")
    with pytest.raises(Conflict) as refused:
        offers.accept_offer(leg_id=leg.pk, actor=floor.alice)
    assert refused.value.code == "offline"


def test_declined_goes_to_the_next_and_rests(floor):
    floor.ready(floor.alice, floor.bob)
    chat = floor.chat()
    first = floor.leg(chat)
    other = floor.bob if first.operator == floor.alice else floor.alice
    offers.decline_offer(leg_id=first.pk, actor=first.operator)
    second = floor.leg(chat)
    assert second.operator == other and second.item.waits_since == first.item.waits_since
    offers.decline_offer(leg_id=second.pk, actor=other)
    assert floor.item(chat).visit == "waiting"
    assert offers.assign_next() == []
    # Later it is offered again.
    Assignment.objects.update(ended_at=timezone.now() - timedelta(seconds=Policy.current().decline_rest_s + 1))
    assert len(offers.assign_next()) == 1


def test_not_accepted_in_time(floor):
    floor.ready(floor.alice)
    chat = floor.chat()
    due = timezone.now() + timedelta(seconds=floor.queue.offer_s + 1)
    assert offers.expire_offers(timezone.now()) == 0
    assert (offers.expire_offers(due), offers.expire_offers(due)) == (1, 0)
    assert floor.leg(chat).end == "expired" and floor.presence(floor.alice).state == "not_responding"
    assert floor.item(chat).visit == "waiting"


def test_who_could_not_accept_because_we_were_away_stays_available(floor):
    """The contact goes on to somebody else, as after any offer that ran out."""
    floor.ready(floor.alice)
    chat = floor.chat()
    first = floor.leg(chat)
    first_due = first.expires_at + timedelta(seconds=1)
    assert offers.expire_offers(first_due, steady_since=first.offered_at + timedelta(seconds=30)) == 1
    assert floor.leg(chat).end == "expired" and floor.presence(floor.alice).state == "available"
    assert floor.item(chat).visit == "waiting", "she rests from it"
    floor.ready(floor.bob)
    second = floor.leg(chat)
    assert second.operator == floor.bob
    assert offers.expire_offers(second.expires_at, steady_since=second.offered_at) == 1
    assert floor.presence(floor.bob).state == "not_responding"


def test_auto_accept(floor):
    Queue.objects.update(auto_accept=True)
    floor.ready(floor.alice)
    assert floor.leg(floor.chat()).leg == "active"


def test_nobody_over_capacity(floor):
    floor.ready(floor.alice, capacity=2)
    for _ in range(4):
        floor.chat()
    assert Assignment.objects.filter(leg="offered").count() == 2
    assert floor.presence(floor.alice).load == 2
    presence.set_capacity(user=floor.alice, capacity=3, actor=floor.boss)
    assert Assignment.objects.filter(leg="offered").count() == 3


def test_the_first_in_line_that_nobody_may_take_blocks_nobody(floor):
    """A contact for one person, and one that was just declined, stand not in the way of those behind."""
    floor.ready(floor.alice, capacity=1)
    declined = floor.chat()
    offers.decline_offer(leg_id=floor.leg(declined).pk, actor=floor.alice)
    for_bob = floor.chat()
    offers.decline_offer(leg_id=floor.leg(for_bob).pk, actor=floor.alice)
    until = timezone.now() + timedelta(minutes=3)
    WorkItem.objects.filter(interaction=for_bob).update(
        preferred=floor.bob, only_preferred=True, preferred_until=until, rank_at=timezone.now() - timedelta(hours=1)
    )
    behind = floor.chat()
    assert floor.leg(behind).operator == floor.alice


def test_only_preferred_ends_by_time(floor):
    floor.ready(floor.alice)
    chat = floor.chat()
    offers.decline_offer(leg_id=floor.leg(chat).pk, actor=floor.alice)
    Assignment.objects.all().update(ended_at=timezone.now() - timedelta(hours=1))
    item = WorkItem.objects.filter(interaction=chat)
    item.update(preferred=floor.bob, only_preferred=True, preferred_until=timezone.now() + timedelta(seconds=9))
    assert offers.assign_next() == []
    item.update(preferred_until=timezone.now())
    assert [leg.operator for leg in offers.assign_next()] == [floor.alice]


def test_paused_and_inactive_queues_offer_nothing(floor):
    floor.ready(floor.alice)
    Queue.objects.update(paused_until=timezone.now() + timedelta(minutes=5))
    chat = floor.chat()
    assert floor.item(chat).visit == "waiting"
    Queue.objects.update(paused_until=timezone.now())
    assert len(offers.assign_next()) == 1


def test_who_is_lent_serves_until_the_time(floor):
    carol = world.make_user("carol")
    floor.ready(carol)
    member = QueueMember.objects.create(queue=floor.queue, user=carol, until=timezone.now() - timedelta(seconds=1))
    chat = floor.chat()
    assert floor.item(chat).visit == "waiting"
    QueueMember.objects.filter(pk=member.pk).update(until=timezone.now() + timedelta(minutes=1))
    assert [leg.operator for leg in offers.assign_next()] == [carol]


def test_a_second_live_visit_is_impossible(floor):
    floor.ready(floor.alice)
    waiting, held = floor.chat(), floor.chat(floor.alice)
    for chat in (waiting, held):
        assert queueing.enqueue(interaction=chat, queue=floor.queue) is None
        assert WorkItem.objects.filter(interaction=chat).count() == 1
    talk.close_interaction(interaction_id=held.pk, reason="ended")
    assert queueing.enqueue(interaction=held, queue=floor.queue) is None
    assert WorkItem.objects.filter(interaction=held).count() == 1


def test_a_decision_costs_the_same_however_many_wait(floor):
    def queries_of_one_decision() -> int:
        floor.ready(floor.alice, capacity=0)
        presence.set_capacity(user=floor.alice, capacity=0, actor=floor.boss)
        Presence.objects.update(capacity=Presence.objects.get(user=floor.alice).load + 1)
        with CaptureQueriesContext(connection) as queries:
            assert len(offers.assign_next()) == 1
        return len(queries)

    for _ in range(4):
        floor.chat()
    # The first one plans its statements.
    queries_of_one_decision()
    few = queries_of_one_decision()
    for _ in range(15):
        floor.chat()
    assert queries_of_one_decision() == few <= 8


def test_who_ended_the_session_at_that_moment_is_not_joined(floor):
    """The end has committed, and what follows from it has not happened yet."""
    floor.ready(floor.alice)
    chat = floor.chat()
    offer = floor.leg(chat)
    Interaction.objects.filter(pk=chat.pk).update(closed_at=timezone.now(), close_reason="ended")
    with pytest.raises(Conflict) as refused:
        offers.accept_offer(leg_id=offer.pk, actor=floor.alice)
    assert refused.value.code == "gone"
    assert not Message.objects.filter(interaction=chat, code="joined").exists()
    for _ in range(2):
        legs.end_with_interaction(interaction_id=chat.pk)
    assert floor.leg(chat).leg == "ended" and floor.item(chat).outcome == "abandoned"


def test_a_fact_decides_in_its_own_queues_alone(floor, monkeypatch):
    """Next door somebody waits and somebody stands free, of which no fact tells: that is left to the decision by time."""
    carol = world.make_user("carol", team=floor.team)
    door = world.make_queue("Next door", members=(carol,), team=floor.team)
    beside = world.open_chat(world.make_site(door))
    world.on_duty(carol)
    asked, found = [], rows.waited_for
    monkeypatch.setattr(rows, "waited_for", lambda queues, now: asked.append(queues) or found(queues, now))
    with CaptureQueriesContext(connection) as queries:
        chat = floor.chat()
        floor.ready(floor.alice)
    assert floor.leg(chat).operator == floor.alice
    assert asked == [[floor.queue.pk]] * 2, "as he came, and as she had room"
    read = [one["sql"] for one in queries if "EXECUTE free" in one["sql"] or "EXECUTE next" in one["sql"]]
    assert read and not any(f"ARRAY[{door.pk}" in sql or f", {door.pk}" in sql for sql in read)
    assert not beside.legs.exists()
    assert [leg.operator for leg in offers.assign_next()] == [carol]
