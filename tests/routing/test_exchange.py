"""Calls of a telephone exchange: what it tells becomes sessions, visits, legs and operators' load, however it comes."""

import random
import time

import pytest
from django.utils import timezone

from customers import actions as customers
from interactions.calls.facts import CUSTOMER, Fact, Kind
from interactions.models import Call, CallCommand, CallFact, Interaction
from routing import sweeps
from routing.actions import exchange as acts
from routing.actions import legs, offers
from routing.actions.exchange import Told
from routing.models import Assignment, Presence, WorkItem
from tests import world
from tests.ami_pbx import Pbx, a_call
from tests.exchange import Ear, make_exchange, rows_of

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = "+79001234567"


@pytest.fixture
def hall(floor):
    """A floor with an exchange: PJSIP/1017 is alice's, PJSIP/1018 is bob's."""
    floor.ready(floor.alice, floor.bob)
    floor.ear = Ear(make_exchange("PBX", floor.queue, floor.alice, floor.bob), Pbx(now=time.time() - 600))
    return floor


def ring(hall, number=PHONE):
    pbx = hall.ear.pbx
    customer = pbx.open("PJSIP/trunk", state="4", number=number, exten="800")
    pbx.queue(customer)
    pbx.wait(2)
    return customer, pbx.call_agent(customer, "PJSIP/1017")


def connect(hall, number=PHONE):
    customer, agent = ring(hall, number)
    hall.ear.pbx.wait(3)
    hall.ear.pbx.connect(customer, agent, "PJSIP/1017", ring_s=3, bridge=f"b{customer.unique}")
    hall.ear.hear()
    return customer, agent, Call.objects.get(key=customer.unique)


def load(hall, user):
    presence = Presence.objects.get(user=user)
    return presence.state, presence.load, presence.call_load


def test_a_call_goes_by(hall):
    pbx, ear = hall.ear.pbx, hall.ear
    customer = pbx.open("PJSIP/trunk", state="4", number=PHONE, exten="800")
    pbx.wait(10)
    pbx.queue(customer)
    ear.hear()
    call = Call.objects.get(key=customer.unique)
    talk = call.interaction
    item = WorkItem.objects.get(interaction=talk)
    assert (call.provider, call.direction, call.number, call.exchange) == ("asterisk", "in", PHONE, ear.exchange)
    assert (item.visit, item.queue, item.work) == ("outside", hall.queue, "call") and item.entered_at > call.began_at
    assert offers.assign_next() == [], "the exchange hands out its calls itself"
    agent = pbx.call_agent(customer, "PJSIP/1017")
    ear.hear()
    leg = Assignment.objects.get(interaction=talk)
    assert (leg.operator, leg.leg, leg.item, leg.expires_at) == (hall.alice, "offered", item, None)
    assert load(hall, hall.alice) == ("available", 1, 1)
    pbx.wait(3)
    pbx.connect(customer, agent, "PJSIP/1017", ring_s=3, bridge="b1")
    ear.hear()
    item.refresh_from_db()
    leg.refresh_from_db()
    assert (item.visit, item.outcome, leg.leg) == ("left", "answered", "active")
    assert leg.accepted_at == item.left_at and 3 <= (leg.accepted_at - leg.offered_at).total_seconds() < 3.1
    assert load(hall, hall.alice) == ("busy", 1, 1)
    pbx.wait(20)
    pbx.complete(customer, agent, "PJSIP/1017", why="caller", talk_s=20)
    ear.hear()
    leg.refresh_from_db()
    talk.refresh_from_db()
    assert (leg.leg, leg.end, talk.close_reason) == ("wrapup", "finished", "ended") and not talk.is_open
    assert leg.wrapup_until > timezone.now() and load(hall, hall.alice) == ("wrapup", 1, 1)
    legs.wrap_up(leg_id=leg.pk, actor=hall.alice, note="done")
    assert load(hall, hall.alice) == ("available", 0, 0)
    acts.follow_left(exchange=ear.exchange)
    leg.refresh_from_db()
    call.refresh_from_db()
    assert leg.leg == "ended" and leg.wrapped_at and call.followed == call.version
    keys = CallFact.objects.filter(call=call).values_list("kind", flat=True)
    assert set(keys) == {"began", "queued", "offered", "answered", "left", "ended", "wrapped_up"}


def test_who_gives_up_has_abandoned_his_visit_and_the_ringing_stops(hall):
    customer, agent = ring(hall)
    hall.ear.hear()
    pbx = hall.ear.pbx
    pbx.wait(15)
    pbx.say("QueueCallerAbandon", customer.snapshot(), Queue="sales", Position=1, OriginalPosition=1, HoldTime=17)
    pbx.hang_up(agent, customer)
    hall.ear.hear()
    talk = Call.objects.get(key=customer.unique).interaction
    [item], [leg] = WorkItem.objects.filter(interaction=talk), Assignment.objects.filter(interaction=talk)
    assert (item.visit, item.outcome, leg.leg, leg.end) == ("left", "abandoned", "ended", "withdrawn")
    assert 17 <= (item.left_at - item.entered_at).total_seconds() < 17.1
    assert talk.close_reason == "left" and load(hall, hall.alice) == ("available", 0, 0)


def test_who_does_not_answer_is_passed_over_and_the_next_has_it(hall):
    customer, agent = ring(hall)
    pbx = hall.ear.pbx
    pbx.wait(15)
    pbx.no_answer(customer, agent, "PJSIP/1017", ring_ms=15000)
    second = pbx.call_agent(customer, "PJSIP/1018")
    hall.ear.hear()
    pbx.wait(2)
    pbx.connect(customer, second, "PJSIP/1018", ring_s=2, bridge="b1")
    hall.ear.hear()
    talk = Call.objects.get(key=customer.unique).interaction
    first, other = Assignment.objects.filter(interaction=talk).order_by("offered_at")
    assert (first.operator, first.leg, first.end) == (hall.alice, "ended", "expired")
    assert (other.operator, other.leg, other.item_id) == (hall.bob, "active", first.item_id)
    assert load(hall, hall.alice) == ("available", 0, 0), "whether she is to be rung at the exchange decides"


def test_several_ring_at_once_and_one_answers(hall):
    customer, first = ring(hall)
    second = hall.ear.pbx.call_agent(customer, "PJSIP/1018")
    hall.ear.hear()
    talk = Call.objects.get(key=customer.unique).interaction
    assert {leg.operator for leg in Assignment.objects.filter(interaction=talk, leg="offered")} == {
        hall.alice,
        hall.bob,
    }
    hall.ear.pbx.wait(2)
    hall.ear.pbx.connect(customer, second, "PJSIP/1018", ring_s=2, bridge="b1")
    hall.ear.pbx.hang_up(first, cause=26)
    hall.ear.hear()
    ends = dict(Assignment.objects.filter(interaction=talk).values_list("operator__username", "leg"))
    assert ends == {"alice": "ended", "bob": "active"} and load(hall, hall.alice)[1] == 0


def test_a_blind_transfer_is_a_new_visit_with_another_leg(hall):
    customer, agent, call = connect(hall)
    pbx = hall.ear.pbx
    pbx.wait(30)
    to = {"Result": "Success", "Extension": "1018"}
    pbx.say("BlindTransfer", agent.snapshot("Transferer"), customer.snapshot("Transferee"), **to)
    pbx.hang_up(agent)
    pbx.leave(customer)
    other = pbx.open("PJSIP/1018", linked=customer.linked)
    pbx.dial(customer, other, "1018")
    hall.ear.hear()
    first, second = Assignment.objects.filter(interaction=call.pk).order_by("offered_at")
    assert (first.leg, first.end, second.leg, second.operator) == ("ended", "transferred", "offered", hall.bob)
    assert load(hall, hall.alice)[1] == 0, "who hands on has nothing to wrap up"
    pbx.wait(4)
    pbx.dialled(customer, other, "ANSWER")
    pbx.enter("c1", other, customer)
    pbx.wait(45)
    pbx.hang_up(other, customer)
    hall.ear.hear()
    visits = WorkItem.objects.filter(interaction=call.pk).order_by("entered_at")
    assert [(one.outcome, one.queue) for one in visits] == [("answered", hall.queue)] * 2
    second.refresh_from_db()
    assert second.item == visits[1] and second.leg == "wrapup"
    acts.follow_left(exchange=hall.ear.exchange)
    kinds = CallFact.objects.filter(call=call, kind="wrapped_up")
    assert [one.party for one in kinds] == [f"op:{hall.alice.pk}"]


def test_a_consultation_is_a_second_leg_of_the_same_visit(hall):
    customer, agent, call = connect(hall)
    pbx, ear = hall.ear.pbx, hall.ear
    pbx.wait(10)
    now = pbx.now
    alice, bob = (f"op:{user.pk}" for user in (hall.alice, hall.bob))
    facts = [
        Fact("c1", now, 1, Kind.CONSULTED, alice, {"party": bob}),
        Fact("c2", now, 2, Kind.OFFERED, bob),
        Fact("c3", now + 3, 1, Kind.ANSWERED, bob),
    ]
    acts.hear(exchange=ear.exchange, told=[Told(call.key, one) for one in facts])
    assert {leg.operator_id for leg in Assignment.objects.filter(interaction=call.pk, leg="active")} == {
        hall.alice.pk,
        hall.bob.pk,
    }
    over = [
        Fact("c4", now + 20, 1, Kind.TRANSFERRED, alice, {"how": "consult"}),
        Fact("c5", now + 60, 1, Kind.LEFT, CUSTOMER),
        Fact("c6", now + 60, 2, Kind.ENDED, "", {"reason": "customer"}),
    ]
    acts.hear(exchange=ear.exchange, told=[Told(call.key, one) for one in over])
    ends = list(Assignment.objects.filter(interaction=call.pk).order_by("offered_at").values_list("leg", "end"))
    assert ends == [("ended", "transferred"), ("wrapup", "finished")]
    assert WorkItem.objects.filter(interaction=call.pk).count() == 1


def test_a_call_of_an_operators_own_is_a_leg_without_a_wait(hall):
    pbx = hall.ear.pbx
    agent = pbx.open("PJSIP/1017", state="4", number="1017", exten="89005550184")
    customer = pbx.open("PJSIP/trunk", linked=agent.unique)
    pbx.dial(agent, customer, "trunk/89005550184")
    pbx.wait(5)
    pbx.dialled(agent, customer, "ANSWER")
    pbx.enter("b1", agent, customer)
    hall.ear.hear()
    call = Call.objects.get(key=agent.unique)
    [item], [leg] = WorkItem.objects.filter(interaction=call.pk), Assignment.objects.filter(interaction=call.pk)
    assert (call.direction, call.number) == ("out", "+79005550184") and call.interaction.profile is not None
    assert (item.outcome, item.entered_at, leg.leg) == ("outgoing", item.left_at, "active")
    assert WorkItem.objects.came().count() == 0
    assert "to" not in CallFact.objects.get(call=call, kind="began").data, "his number stands at the call alone"
    pbx.wait(30)
    pbx.hang_up(customer, agent)
    hall.ear.hear()
    leg.refresh_from_db()
    assert leg.leg == "wrapup"


def test_colleagues_who_call_each_other_are_no_contact(hall):
    pbx = hall.ear.pbx
    one = pbx.open("PJSIP/1017", state="4", number="1017", exten="1018")
    other = pbx.open("PJSIP/1018", linked=one.unique)
    pbx.dial(one, other, "1018")
    pbx.dialled(one, other, "ANSWER")
    hall.ear.hear()
    assert not Call.objects.exists() and hall.ear.left


def test_the_card_is_that_of_the_one_to_whom_the_number_leads(hall):
    _identity, anna = customers.find_or_create_by_identity(kind="phone", value=PHONE, source="crm", name="Anna")
    *_, call = connect(hall)
    assert call.interaction.profile == anna
    *_, same = connect(hall)
    assert same.interaction.profile == anna and same.interaction.thread != call.interaction.thread, "two calls at once"


def test_a_family_phone_leads_to_nobodys_card(hall):
    identity, _anna = customers.find_or_create_by_identity(kind="phone", value=PHONE, source="crm", name="Anna")
    boris = customers.create_profile(source="crm", fields={"name": "Boris"})
    customers.link_identity(profile=boris, identity=identity, source="crm", verified=True)
    *_, call = connect(hall)
    assert call.interaction.profile is None and call.number == PHONE


def test_what_somebody_has_typed_shows_nobody_elses_card(hall):
    anna = customers.create_profile(source="form", fields={"name": "Anna"})
    identity = customers.find_identity(kind="phone", value=PHONE)
    customers.link_identity(profile=anna, identity=identity, source="form", verified=False)
    *_, call = connect(hall)
    assert call.interaction.profile.customer != anna.customer


@pytest.mark.parametrize("number", ["<unknown>", "anonymous", "17", "x" * 300])
def test_a_hidden_number_is_on_nobodys_card(hall, number):
    *_, call = connect(hall, number)
    *_, other = connect(hall, number)
    assert call.interaction.profile is None and other.interaction_id != call.interaction_id
    assert Assignment.objects.filter(interaction=call.pk, leg="active").count() == 1


def test_an_unknown_phone_and_an_unknown_queue_lose_nothing(hall):
    pbx = hall.ear.pbx
    customer = pbx.open("PJSIP/trunk", state="4", number=PHONE)
    pbx.queue(customer, "bikes")
    stranger = pbx.call_agent(customer, "Local/" + "9" * 60 + "@agents", queue="bikes")
    pbx.connect(customer, stranger, "Local/" + "9" * 60 + "@agents", ring_s=1, bridge="b1", queue="bikes")
    hall.ear.hear()
    pbx.wait(9)
    pbx.hang_up(stranger, customer)
    hall.ear.hear()
    call = Call.objects.get(key=customer.unique)
    [item] = WorkItem.objects.filter(interaction=call.pk)
    assert (item.queue, item.outcome) == (hall.queue, "flowed_out") and call.ended_at
    assert not call.interaction.is_open and not Assignment.objects.filter(interaction=call.pk).exists()


def test_a_channel_without_an_entrance_keeps_the_call_itself(hall):
    hall.ear.exchange.channel.entrance_set.all().delete()
    hall.ear.exchange.queues.all().delete()
    *_, call = connect(hall)
    assert call.answered_at and not WorkItem.objects.exists()


def test_two_exchanges_name_their_calls_alike(hall):
    other = Ear(make_exchange("Branch", world.make_queue("Branch"), hall.bob), Pbx(now=hall.ear.pbx.now))
    mine, theirs = a_call(hall.ear.pbx), a_call(other.pbx)
    hall.ear.hear()
    other.hear()
    assert mine == theirs and Call.objects.filter(key=mine).count() == 2
    operators = Assignment.objects.order_by("pk").values_list("operator__username", "item__queue__name")
    assert set(operators) == {("alice", "Warranty"), ("bob", "Branch")}


def test_hung_up_by_us_as_spam_it_is_done_with(hall):
    from interactions.actions import talk

    customer, agent, call = connect(hall)
    talk.mark_spam(interaction_id=call.pk, actor=hall.alice)
    hall.ear.pbx.say("Hold", agent.snapshot())
    hall.ear.hear()
    assert Assignment.objects.get(interaction=call.pk).leg == "wrapup"
    hall.ear.pbx.hang_up(agent, customer)
    hall.ear.hear()
    assert Assignment.objects.get(interaction=call.pk).leg == "wrapup"


def test_our_own_rules_of_offers_leave_it_alone(hall):
    from datetime import timedelta

    from cxcenter.core.errors import Conflict
    from routing.actions import presence

    customer, _agent = ring(hall)
    hall.queue.auto_accept = True
    hall.queue.save()
    hall.ear.hear()
    leg = Assignment.objects.get()
    later = timezone.now() + timedelta(hours=1)
    assert (offers.accept_left(), offers.expire_offers(later)) == (0, 0)
    with pytest.raises(Conflict, match="phone"):
        offers.accept_offer(leg_id=leg.pk, actor=hall.alice)
    offers.decline_offer(leg_id=leg.pk, actor=hall.alice)
    assert CallCommand.objects.get(call=leg.interaction_id).control == "decline", "the exchange is asked"
    presence.set_mode(user=hall.alice, mode="pause", actor=hall.alice)
    sweeps.sweep()
    leg.refresh_from_db()
    assert leg.leg == "offered" and WorkItem.objects.get().visit == "outside"


STORIES = ("whole", "passed", "handed")


def story(pbx, which):
    from tests.bench.voice import replay

    {"whole": a_call, "passed": replay.a_passed_call, "handed": replay.a_transferred_call}[which](pbx, "PJSIP/1018")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("which", STORIES)
def test_shuffled_and_doubled_it_leaves_the_same_rows(hall, which, seed):
    pbx = hall.ear.pbx
    phones = {"PJSIP/1000": hall.alice, "PJSIP/1001": hall.alice}
    hall.ear.translator = type(hall.ear.translator)({"PJSIP/1018": hall.bob.pk, **{k: u.pk for k, u in phones.items()}})
    plain = Ear(make_exchange("Plain", hall.queue), Pbx(now=pbx.now))
    plain.translator = type(plain.translator)({"PJSIP/1018": hall.bob.pk, **{k: u.pk for k, u in phones.items()}})
    story(plain.pbx, which)
    plain.hear()
    story(pbx, which)
    hall.ear.mixed(random.Random(seed))
    one, other = Call.objects.order_by("pk")
    assert rows_of(one) == rows_of(other)
    assert Interaction.objects.filter(closed_at=None).count() == 0


@pytest.mark.parametrize("size", [1, 10])
def test_what_changes_the_call_alone_costs_the_same_for_ten_and_for_a_hundred_facts(
    hall, size, django_assert_max_num_queries
):
    keys = [connect(hall)[2].key for _ in range(10)]
    acts.follow_left(exchange=hall.ear.exchange)
    now, party = hall.ear.pbx.now + 10, f"op:{hall.alice.pk}"
    told = [
        Told(key, Fact(f"h{n}", now + n, n, (Kind.HELD, Kind.RESUMED)[n % 2], party))
        for key in keys
        for n in range(size)
    ]
    with django_assert_max_num_queries(9):
        acts.hear(exchange=hall.ear.exchange, told=told)


def test_a_hundred_facts_of_new_calls_cost_so_much_for_each_call(hall, django_assert_max_num_queries):
    for _ in range(10):
        a_call(hall.ear.pbx)
    told = hall.ear.told()
    assert len(told) >= 100
    # From the first word to the wrap-up: so much for each call, whatever the number of its facts.
    with django_assert_max_num_queries(10 * 92):
        acts.hear(exchange=hall.ear.exchange, told=told)
    assert Assignment.objects.filter(leg="wrapup").count() == 10
