"""Calls of a SIP platform: what operators' browsers tell becomes sessions, visits and legs; what they are asked reaches them."""

import base64
import hashlib
import hmac
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from customers import actions as customers
from cxcenter.core import realtime
from cxcenter.core.errors import Conflict, Invalid
from interactions.actions import calls, commands
from interactions.adapters.voice.sip import CONTROLS
from interactions.calls.table import Control, Phase
from interactions.models import Call, CallCommand, CallFact, Exchange, Extension
from routing.actions import exchange_people, legs, offers, sip
from routing.models import Assignment, Presence, WorkItem
from tests.telephones import PHONE

pytestmark = pytest.mark.django_db(transaction=True)


def leg_of(user, call):
    return Assignment.objects.get(operator=user, interaction=call.pk)


def phases(call):
    return dict(calls.view_of(call.pk).phases)


def test_a_call_is_told_and_leaves_its_traces(hall):
    _identity, profile = customers.find_or_create_by_identity(kind="phone", value=PHONE, source="crm", name="Kate")
    call = hall.phones.rings(hall.phones.alice)
    assert (call.provider, call.direction, call.number, call.interaction.profile) == ("sip", "in", PHONE, profile)
    assert (leg_of(hall.alice, call).leg, leg_of(hall.alice, call).outside) == ("offered", True)
    for word in ("answered", "held", "resumed", "muted", "unmuted"):
        hall.phones.says(hall.phones.alice, word)
    assert leg_of(hall.alice, call).leg == "active"
    assert phases(call)[f"op:{hall.alice.pk}"] == Phase.TALKING
    hall.phones.says(hall.phones.alice, "ended", reason="customer")
    call.refresh_from_db()
    leg = leg_of(hall.alice, call)
    assert (call.interaction.close_reason, leg.leg, leg.end) == ("ended", "wrapup", "finished")
    assert WorkItem.objects.get(interaction=call.pk).outcome == "answered"
    assert Presence.objects.get(user=hall.alice).state == "wrapup"


def test_what_is_said_twice_is_heard_once(hall):
    call = hall.phones.rings(hall.phones.alice)
    for _time in range(3):
        hall.phones.says(hall.phones.alice, "answered", key="a")
    assert CallFact.objects.filter(call=call, kind="answered").count() == 1


def test_a_moment_is_that_of_the_browser_and_not_that_of_the_network(hall):
    hall.phones.says(hall.phones.alice, "rings", number=PHONE, ago_s=30)
    call = Call.objects.get()
    assert 29 < time.time() - call.began_at.timestamp() < 32
    hall.phones.says(hall.phones.alice, "answered", ago_s=1e9)
    answered = CallFact.objects.get(kind="answered")
    assert time.time() - answered.at.timestamp() < sip.MOST_AGO_S + 5


def test_of_two_who_are_rung_one_answers_and_the_other_is_let_go(hall):
    call = hall.phones.rings(hall.phones.alice, hall.phones.bob)
    hall.phones.says(hall.phones.bob, "answered")
    hall.phones.says(hall.phones.alice, "missed")
    assert (leg_of(hall.alice, call).leg, leg_of(hall.bob, call).leg) == ("ended", "active")
    call.refresh_from_db()
    assert call.ended_at is None


def test_a_caller_who_gives_up_is_abandoned_when_the_last_telephone_is_silent(hall):
    call = hall.phones.rings(hall.phones.alice, hall.phones.bob)
    hall.phones.says(hall.phones.alice, "missed")
    call.refresh_from_db()
    assert call.ended_at is None
    hall.phones.says(hall.phones.bob, "declined")
    call.refresh_from_db()
    assert call.ended_at and WorkItem.objects.get(interaction=call.pk).outcome == "abandoned"
    assert [leg_of(user, call).end for user in (hall.alice, hall.bob)] == ["withdrawn", "declined"]


def test_a_call_that_is_handed_over_rings_on_as_the_same_one(hall):
    call = hall.phones.rings(hall.phones.alice)
    hall.phones.says(hall.phones.alice, "answered")
    hall.phones.says(hall.phones.alice, "handed", to="1018")
    assert phases(call)[f"op:{hall.alice.pk}"] == Phase.TRANSFERRING
    again = hall.phones.says(hall.phones.bob, "rings", "c2", number=PHONE)
    assert (again, again.key) == (call, "c1")
    hall.phones.says(hall.phones.bob, "answered")
    hall.phones.says(hall.phones.alice, "taken", to="1018")
    call.refresh_from_db()
    assert call.ended_at is None
    assert (leg_of(hall.alice, call).end, leg_of(hall.bob, call).leg) == ("transferred", "active")
    hall.phones.says(hall.phones.bob, "ended", reason="customer")
    assert leg_of(hall.bob, call).leg == "wrapup"


def test_a_call_that_is_handed_to_somebody_outside_is_over_for_us(hall):
    call = hall.phones.rings(hall.phones.alice)
    for word in ("answered", "handed", "taken"):
        hall.phones.says(hall.phones.alice, word, to="" if word == "answered" else "1200")
    call.refresh_from_db()
    assert call.ended_at and not call.interaction.is_open
    assert leg_of(hall.alice, call).end == "transferred"


def test_nobody_answers_where_it_was_handed_to_and_it_comes_back(hall):
    call = hall.phones.rings(hall.phones.alice)
    for word in ("answered", "handed", "returned"):
        hall.phones.says(hall.phones.alice, word, to="" if word == "answered" else "1200")
    assert phases(call)[f"op:{hall.alice.pk}"] == Phase.TALKING
    assert leg_of(hall.alice, call).leg == "active"


def test_an_operator_calls_a_customer(hall):
    call = hall.phones.says(hall.phones.alice, "calls", number=PHONE)
    assert call.direction == "out"
    hall.phones.says(hall.phones.alice, "answered_there")
    assert leg_of(hall.alice, call).leg == "active"
    other = hall.phones.says(hall.phones.bob, "calls", "c2", number="+79001234568")
    hall.phones.says(hall.phones.bob, "ended", "c2", reason="busy")
    other.refresh_from_db()
    assert other.interaction.close_reason == "no_answer"


def test_of_the_call_of_another_nothing_is_heard(hall):
    hall.phones.rings(hall.phones.alice)
    with pytest.raises(Conflict):
        hall.phones.says(hall.phones.bob, "ended", reason="customer")
    with pytest.raises(Invalid):
        hall.phones.says(hall.phones.bob, "rings", "")
    with pytest.raises(Conflict):
        hall.phones.says(hall.phones.bob, "answered", "unknown")
    assert Call.objects.get().ended_at is None


def test_a_page_that_comes_anew_has_lost_the_calls_of_the_one_before(hall):
    call = hall.phones.rings(hall.phones.alice)
    hall.phones.says(hall.phones.alice, "answered")
    kept = hall.phones.says(hall.phones.alice, "rings", "c2", number="+79001234568")
    assert sip.still(phone=hall.phones.alice, going=["c2"]) == 1
    call.refresh_from_db()
    kept.refresh_from_db()
    assert call.ended_at and kept.ended_at is None
    assert leg_of(hall.alice, call).leg == "wrapup"


def test_the_call_of_an_operator_who_has_vanished_is_over(hall):
    call = hall.phones.rings(hall.phones.alice)
    hall.phones.says(hall.phones.alice, "answered")
    now = timezone.now()
    assert sip.sweep_lost(now=now, steady_since=now - timedelta(hours=1)) == 0
    Presence.objects.filter(user=hall.alice).update(vanished_at=now)
    assert sip.sweep_lost(now=now, steady_since=now) == 0, "an outage of ours ends no call"
    assert sip.sweep_lost(now=now, steady_since=now - timedelta(hours=1)) == 1
    call.refresh_from_db()
    assert call.ended_at
    assert sip.sweep_lost(now=now, steady_since=now - timedelta(hours=1)) == 0


def test_controls_are_commands_to_the_operators_own_browser(hall, pushed):
    call = hall.phones.rings(hall.phones.alice)
    pushed.heard()
    offers.accept_offer(leg_id=leg_of(hall.alice, call).pk, actor=hall.alice)
    command = CallCommand.objects.get()
    asked = {"type": "push", "kind": "telephone", "command": command.pk, "call": "c1", "control": "answer", "value": ""}
    assert (realtime.user_group(hall.alice.pk), asked) in pushed.heard()
    assert not sip.done(phone=hall.phones.bob, command_id=command.pk), "of another's it says nothing"
    assert sip.done(phone=hall.phones.alice, command_id=command.pk)
    hall.phones.says(hall.phones.alice, "answered")
    legs.finish(interaction_id=call.pk, actor=hall.alice)
    second = CallCommand.objects.latest("pk")
    assert second.control == Control.HANG_UP
    assert sip.done(phone=hall.phones.alice, command_id=second.pk, words="No microphone")
    second.refresh_from_db()
    assert (second.state, second.words) == ("failed", "No microphone")


def test_a_browser_is_not_paused_at_its_platform(hall):
    assert exchange_people.pause_phones(user_id=hall.alice.pk) == 0
    assert not CallCommand.objects.exists()


def test_controls_are_those_that_a_browser_can_carry_out():
    assert set(Control) - CONTROLS == {Control.WRAP_UP}
    assert commands.controls_of(Exchange(kind="sip")) == CONTROLS


def test_credentials_are_short_lived_and_signed(hall):
    given = sip.registration(sip.phone_of(hall.alice))
    end, _colon, number = given["user"].partition(":")
    signed = hmac.new(b"shared", given["user"].encode(), hashlib.sha1).digest()
    assert (given["uri"], given["servers"], number) == ("sip:1017@sip.test", ["wss://sip.test/ws"], "1017")
    assert given["password"] == base64.b64encode(signed).decode()
    assert int(end) == given["expires"] and 0 < given["expires"] - time.time() <= sip.LIFE_S


def test_a_password_of_his_own_does_not_run_out(hall):
    Extension.objects.filter(pk=hall.phones.alice.pk).update(password="own")
    given = sip.registration(sip.phone_of(hall.alice))
    assert (given["user"], given["password"], given["expires"]) == ("1017", "own", 0)
    Exchange.objects.update(active=False)
    assert sip.phone_of(hall.alice) is None
