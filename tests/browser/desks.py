"""Desks of a test file's own: people, their queues, the chats that come to them."""

import re
import time
from dataclasses import dataclass

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Windows
from tests.browser.people import Operator
from tests.servers import Stack

# Each operator has a queue of his own. Nobody of the demo takes part.
TEAM = """
from tests import world
team = world.make_team("{title}")
for name, fields in {kept}.items():
    user = world.make_user(name, team=team, language="en")
    queue = world.make_queue("Chat of " + name, team=team, members=(user,), **{{"offer_s": 60, "wrapup_s": 300, **fields}})
    world.make_site(queue, key="desk-" + name)
"""
# A chat of each name, seen from the first moment under this name.
CHATS = """
from django.db import transaction
from tests import world
from interactions.actions import talk
from interactions.models import Site
for name in {names}:
    with transaction.atomic():
        thread = world.make_thread(Site.objects.get(key="desk-{user}"))
        chat, _new = talk.open_interaction(thread=thread)
        chat.says = {{"name": name}}
        chat.save(update_fields=["says"])
        world.say(chat, "Question of " + name)
"""
# What the scripts below begin with: the talk of a name.
TALK = """
from tests import world
from cxcenter.accounts.models import User
from interactions.models import Interaction
chat = Interaction.objects.select_related("thread", "profile__customer").get(says__name="{name}")
"""
# Sounds are counted where the browser makes them.
TONES = """
window.tones = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...args) { window.tones += 1; return start.apply(this, args); };
"""


@dataclass
class Place:
    """The installation with people of this file's own."""

    stack: Stack

    def run(self, script: str) -> str:
        return self.stack.run(script)

    def seat(self, title: str, **people: dict[str, object]) -> None:
        """Make a team and its people, each with a queue of the fields that differ."""
        self.run(TEAM.format(title=title, kept=people))

    def chats(self, user: str, *names: str) -> None:
        self.run(CHATS.format(user=user, names=names))

    def in_talk(self, name: str, script: str) -> None:
        self.run(TALK.format(name=name) + script)


class Desk(Operator):
    """An operator who is asked for more than on the main path."""

    def __init__(self, place: Place, windows: Windows, user: str, **options: object) -> None:
        super().__init__(windows.sign_in(place.stack.url, user, **options))
        self.place, self.user = place, user
        self.page.goto(f"{place.stack.url}/desk/")

    def take(self, *names: str) -> None:
        """Have a chat of each name and accept them one by one."""
        self.place.chats(self.user, *names)
        for name in names:
            self.accept(name)

    def open(self, name: str) -> None:
        self.page.get_by_role("tab", name=re.compile(name)).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(name)

    def composer_is_for_notes(self, yes: bool) -> None:
        name = "Internal note" if yes else "Reply"
        expect(self.page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")

    def offer(self, name: str) -> Locator:
        return self.page.get_by_role("alertdialog").filter(has_text=name)

    def row(self, name: str) -> Locator:
        return self.page.locator("#list .cx-row:visible").filter(has_text=name)

    def more(self, act: str) -> None:
        self.page.get_by_label("More").click()
        self.page.get_by_role("button", name=act).click()

    def hears(self, tones: int = 1) -> int:
        """Wait until so many sounds were made. Returns how many. (Waiting in the page is eval, which its CSP forbids.)"""
        end = time.monotonic() + 15
        while (made := self.page.evaluate("window.tones")) < tones:
            assert time.monotonic() < end, f"{made} sounds instead of {tones}"
            self.page.wait_for_timeout(100)
        return int(made)

    def undo(self) -> None:
        self.page.get_by_role("button", name="Undo").click()
