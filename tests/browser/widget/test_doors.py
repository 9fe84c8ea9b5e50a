"""The door: a queue that is open, nobody on duty, hours that change meanwhile."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from cxcenter.core import realtime
from interactions.models import Interaction, Message, Task, Thread
from routing.actions import overflow
from routing.models import Overflow, Presence, Queue, WorkItem
from tests import world
from tests.browser.conftest import Windows
from tests.browser.shop import Shop
from tests.browser.widget.people import Place, Visitor, stored

pytestmark = pytest.mark.django_db(transaction=True)


def test_place_in_the_queue_comes_by_push(windows: Windows, norda: Shop, place: Place) -> None:
    Presence.objects.update(capacity=1)
    for _ in range(2):
        world.open_chat(place.site, "Somebody else")
    visitor = Visitor(windows.open()).begin(norda.url)
    expect(visitor.frame.get_by_text("You are number 3 in the queue.")).to_be_visible()
    thread = Thread.objects.latest("pk")
    told = {"kind": "queue", "position": 1, "estimate_s": 240}
    realtime.publish((realtime.customer_group(thread.pk), told))
    expect(visitor.frame.get_by_text("You are next.")).to_be_visible()
    expect(visitor.frame.get_by_text(re.compile(r"The wait is about 4\smin\."))).to_be_visible()


def test_with_nobody_on_duty_a_request_is_left(windows: Windows, norda: Shop, place: Place) -> None:
    """He lives where it is evening when the center begins its day: only hours of his own day are offered."""
    world.on_duty(place.anna, mode="offline")
    visitor = Visitor(windows.open(timezone_id="Asia/Vladivostok")).visit(norda.url).open()
    expect(visitor.frame.get_by_role("heading", name="We are away now")).to_be_visible()
    visitor.frame.get_by_label("Phone").fill("12")
    visitor.frame.get_by_role("button", name="Book a call").click()
    expect(visitor.frame.get_by_text("Write a phone with the country code")).to_be_visible()
    visitor.frame.get_by_label("Phone").fill("8 900 555-01-84")
    visitor.frame.get_by_label("Your question").fill("When is my car ready?")
    hours = visitor.frame.get_by_label("Time").locator("option").all_inner_texts()
    assert {int(hour[:2]) for hour in hours} <= set(range(16, 22))
    visitor.frame.get_by_role("button", name="Book a call").click()
    expect(visitor.frame.get_by_text("Your request is taken")).to_be_visible()
    task = Task.objects.get()
    assert (task.contact, task.text) == ("+79005550184", "When is my car ready?")


def test_a_door_that_opens_meanwhile_lets_in(windows: Windows, norda: Shop, place: Place) -> None:
    """When it was to open, and for who opens the chat anew; what was begun as a request becomes the message."""
    Queue.objects.filter(pk=place.queue.pk).update(closed_until=timezone.now() + timedelta(seconds=8))
    visitor = Visitor(windows.open()).visit(norda.url).open()
    expect(visitor.frame.get_by_role("heading", name="We are away now")).to_be_visible()
    visitor.frame.get_by_label("Your name").fill("Kate")
    visitor.frame.get_by_label("Your question").fill("Is it ready?")
    expect(visitor.frame.get_by_label("Your name")).to_have_value("Kate")
    expect(visitor.frame.get_by_role("button", name="Start the chat")).to_be_visible(timeout=30_000)
    world.on_duty(place.anna, mode="offline")
    visitor.frame.get_by_role("button", name="Minimise").click()
    visitor.open()
    expect(visitor.frame.get_by_label("Your question")).to_be_visible()
    world.on_duty(place.anna)
    visitor.frame.get_by_role("button", name="Minimise").click()
    visitor.open()
    visitor.frame.get_by_role("button", name="Start the chat").click()
    expect(visitor.box).to_have_value("Is it ready?")
    visitor.frame.get_by_role("button", name="Send", exact=True).click()
    stored("Is it ready?")
    assert Interaction.objects.get().says["name"] == "Kate"


def test_a_door_that_shuts_meanwhile_keeps_the_question(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).visit(norda.url).open().fill_in()
    expect(visitor.box).to_be_visible()
    world.on_duty(place.anna, mode="offline")
    visitor.say("Where is my order?")
    expect(visitor.frame.get_by_label("Your question")).to_have_value("Where is my order?")
    assert not Interaction.objects.open().exists()


def test_a_contact_the_center_cannot_read_leads_back_to_the_form(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).visit(norda.url).open().fill_in(**{"Phone or e-mail": "+7 900 000"})
    visitor.say("Hello there")
    expect(visitor.frame.get_by_text("This is not a phone number.")).to_be_visible()
    visitor.frame.get_by_label("Phone or e-mail").fill("+7 900 555-01-84")
    visitor.frame.get_by_role("button", name="Start the chat").click()
    expect(visitor.box).to_have_value("Hello there")
    visitor.frame.get_by_role("button", name="Send", exact=True).click()
    stored("Hello there")
    assert Interaction.objects.get().says == {"name": "Kate", "contact": "+79005550184"}


def test_all_that_waits_at_a_shut_door_becomes_the_question(windows: Windows, norda: Shop, place: Place) -> None:
    """Two texts and a file of one who was offline; what he had begun in the form stays in front."""
    visitor = Visitor(windows.open()).begin(norda.url)
    visitor.frame.get_by_role("button", name="End the chat").click()
    visitor.frame.get_by_role("button", name="End", exact=True).click()
    expect(visitor.frame.get_by_text("You ended the chat")).to_be_visible()
    visitor.page.context.set_offline(True)
    visitor.say("Hello again")
    visitor.say("Is it ready?")
    visitor.frame.locator("input[type=file]").set_input_files(
        {"name": "bill.txt", "mimeType": "text/plain", "buffer": b"1"}
    )
    world.on_duty(place.anna, mode="offline")
    visitor.page.context.set_offline(False)
    question = visitor.frame.get_by_label("Your question")
    expect(question).to_have_value("Hello again\nIs it ready?")
    visitor.frame.get_by_label("Phone").fill("8 900 555-01-84")
    visitor.frame.get_by_role("button", name="Book a call").click()
    expect(visitor.frame.get_by_text("Your request is taken")).to_be_visible()
    assert Task.objects.get().text == "Hello again\nIs it ready?"
    assert not Message.objects.filter(text__in=("Hello again", "Is it ready?")).exists()


def test_overflow_tells_who_waits_and_who_comes(windows: Windows, norda: Shop, place: Place) -> None:
    """The form is offered at the last line that offers it; a door that is shut with words shows them, and no form."""
    Presence.objects.update(capacity=0)
    visitor = Visitor(windows.open()).begin(norda.url)
    expect(visitor.frame.get_by_text("You are next.")).to_be_visible()
    rule = Overflow.objects.create(queue=place.queue, when="waited", limit=1, then="form")
    WorkItem.objects.update(entered_at=timezone.now() - timedelta(minutes=1))
    overflow.sweep(now=timezone.now())
    line = visitor.frame.get_by_text("You have waited long.")
    expect(line).to_be_visible()
    line.get_by_role("button", name="Leave a request").click()
    expect(visitor.frame.get_by_label("Phone")).to_be_visible()
    expect(visitor.frame.get_by_role("heading", name="All operators are busy")).to_be_visible()
    rule.delete()
    Overflow.objects.create(queue=place.queue, when="length", limit=1, then="close", words="Please come tomorrow")
    late = Visitor(windows.open()).visit(norda.url).open()
    expect(late.frame.get_by_text("Please come tomorrow")).to_be_visible()
    expect(late.frame.get_by_role("button", name="Book a call")).to_have_count(0)
