"""The visitor asks to be called: from the queue with his place kept, and from the form of a shut door."""

import re

import pytest
from playwright.sync_api import expect

from interactions.models import Interaction
from routing.actions import calling, offers
from routing.models import Assignment, Callback, Presence, Queue
from tests import world
from tests.browser.conftest import Windows
from tests.browser.shop import Shop
from tests.browser.widget.people import Place, Visitor, stored, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_call_me_back_from_the_first_word_to_the_last(windows: Windows, norda: Shop, place: Place) -> None:
    Presence.objects.update(capacity=0)
    Queue.objects.update(callbacks=True, callback_attempts=2)
    visitor = Visitor(windows.open(timezone_id=world.zone_by_day())).begin(norda.url, "Dents on the door")
    visitor.frame.get_by_role("button", name="Call me back: keep my place").click()
    ask = visitor.frame.get_by_role("button", name="Call me back", exact=True)
    visitor.frame.get_by_label("Phone").fill("12")
    ask.click()
    expect(visitor.frame.get_by_text("Write a phone with the country code")).to_be_visible()
    visitor.frame.get_by_label("Phone").fill("8 900 555-01-84")
    ask.click()
    expect(visitor.frame.get_by_role("heading", name="We will call you")).to_be_visible()
    expect(
        visitor.frame.get_by_text(re.compile("We will call .79005550184 when your turn comes. You are next."))
    ).to_be_visible()
    callback = Callback.objects.get()
    assert Interaction.objects.open().get() == callback.session
    # After a reload it is there again, and may be changed to a time of his choice.
    visitor.page.reload()
    visitor.open()
    visitor.frame.get_by_role("button", name="Change the phone or the time").click()
    visitor.frame.get_by_label("At a time I choose").check()
    visitor.frame.get_by_label("Day").select_option(index=1)
    ask.click()
    expect(visitor.frame.get_by_text(re.compile("We will call .79005550184 .+, before"))).to_be_visible()
    visitor.frame.get_by_role("button", name="Change the phone or the time").click()
    visitor.frame.get_by_label("When my turn comes").check()
    ask.click()
    expect(visitor.frame.get_by_text(re.compile("when your turn comes"))).to_be_visible()
    # What the operator does is told at once.
    Presence.objects.update(capacity=4)
    offers.assign_next()
    callback.refresh_from_db()
    leg = Assignment.objects.get(interaction=callback.session)
    offers.accept_offer(leg_id=leg.pk, actor=place.anna)
    expect(visitor.frame.get_by_role("heading", name="We are calling you now")).to_be_visible()
    calling.report(interaction_id=callback.session_id, actor=place.anna, result="no_answer")
    expect(visitor.frame.get_by_text(re.compile("nobody answered. We will try again"))).to_be_visible()
    visitor.frame.get_by_role("button", name="Write to us instead").click()
    visitor.say("I am here myself")
    stored("I am here myself")
    wait_for(lambda: Callback.objects.get().result == "came", "the place taken")
    expect(visitor.log.get_by_text("You keep the place of your callback. We will not call.")).to_be_visible()


def test_the_form_of_a_shut_door_asks_for_a_callback_and_it_can_be_cancelled(
    windows: Windows, norda: Shop, place: Place
) -> None:
    world.on_duty(place.anna, mode="offline")
    Queue.objects.update(callbacks=True)
    visitor = Visitor(windows.open(timezone_id=world.zone_by_day())).visit(norda.url).open()
    visitor.frame.get_by_label("Phone").fill("8 900 555-01-84")
    visitor.frame.get_by_label("Your question").fill("When is my car ready?")
    expect(visitor.frame.get_by_label("Day")).to_have_value("")
    visitor.frame.get_by_role("button", name="Book a call").click()
    expect(visitor.frame.get_by_role("heading", name="We will call you")).to_be_visible()
    assert Callback.objects.get().state == "queued"
    visitor.frame.get_by_role("button", name="Do not call me").click()
    wait_for(lambda: Callback.objects.get().result == "cancelled", "the callback cancelled")
    expect(visitor.frame.get_by_role("heading", name="We will call you")).to_be_hidden()
