"""A callback at the desk: the offer, the phone, what came of the call; and on the board."""

import re

from playwright.sync_api import expect

from tests import world
from tests.browser.conftest import Windows
from tests.browser.desks import Desk, Place
from tests.servers import Stack

ASK = """
from routing.actions import callbacks
from routing.models import Queue
queue = Queue.objects.get(name="Chat of calls1")
callbacks.ask(callbacks.Wish(phone="+79005550184", queue=queue, name="Kate Larsen", text="Dents on the door", zone={zone!r}))
"""


def test_a_callback_is_offered_called_tried_again_and_reached(installation: Stack, windows: Windows) -> None:
    place = Place(installation)
    place.seat("Callers", calls1={"callbacks": True, "callback_attempts": 2})
    desk = Desk(place, windows, "calls1")
    desk.become_available()
    place.run(ASK.format(zone=world.zone_by_day()))
    desk.accept("Kate Larsen")
    call = desk.page.get_by_role("group", name="The call")
    expect(call.get_by_role("link", name="+79005550184")).to_have_attribute("href", "tel:+79005550184")
    expect(call.get_by_text(re.compile("attempt 1 of 2 · .+ where he is"))).to_be_visible()
    expect(desk.log.get_by_text("Dents on the door")).to_be_visible()
    expect(desk.page.get_by_role("tab", name="Reply")).to_have_count(0)
    expect(desk.page.get_by_role("button", name="Finish", exact=True)).to_have_count(0)
    call.get_by_role("button", name="No answer: again in 15 min").click()
    expect(call).to_be_hidden()
    boss = windows.sign_in(installation.url, "supervisor")
    boss.goto(f"{installation.url}/board/callbacks/")
    expect(boss.get_by_role("heading", name=re.compile("^Callbacks"))).to_be_visible()
    place.run("from routing.models import Callback; from django.utils import timezone; "
              "Callback.objects.filter(attempts=1).update(due_at=timezone.now())")  # fmt: skip
    desk.accept("Kate Larsen")
    expect(call.get_by_role("button", name="No answer: give up")).to_be_visible()
    call.get_by_role("button", name="Reached").click()
    expect(desk.page.get_by_role("form", name="Wrap-up")).to_be_visible()
