"""A visitor in the shop's page, and the place that serves him."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import FrameLocator, Page, expect

from cxcenter.accounts.models import User
from interactions.models import Interaction, Message, Site
from routing.actions import offers
from routing.models import Assignment, Queue

ROW = 900_001


SECRET = "the secret of the shop, long enough for its signature"


# What a test changes in the site must have been forgotten, before and after it.
FORGET_S = 5.2


@dataclass
class Place:
    """A queue with one operator, and the site `demo` that leads to it."""

    anna: User
    queue: Queue
    site: Site

    @contextmanager
    def changed(self, **fields: object) -> Iterator[None]:
        """The site with other settings; the tests after this one have it as it was."""
        Site.objects.filter(pk=ROW).update(**fields)
        time.sleep(FORGET_S)
        yield
        time.sleep(FORGET_S)

    def accept(self) -> Interaction:
        offered = Assignment.objects.filter(leg="offered")
        wait_for(offered.exists, "an offer")
        return offers.accept_offer(leg_id=offered.latest("pk").pk, actor=self.anna).interaction


@dataclass
class Visitor:
    """A page of the shop with its chat, and all that came to it."""

    page: Page
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("response", self._keep)
        self.page.on("websocket", lambda s: s.on("framereceived", lambda data: self.heard.append(str(data))))

    def _keep(self, response: object) -> None:
        if "/widget/api/" in response.url:
            try:
                self.heard.append(response.text())
            except Exception:
                # The page went away while it was read.
                return

    def visit(self, url: str, path: str = "/") -> "Visitor":
        self.page.goto(url + path)
        return self

    @property
    def frame(self) -> FrameLocator:
        return self.page.frame_locator("iframe[src*='/widget/frame/']")

    @property
    def log(self):
        return self.frame.get_by_role("log")

    @property
    def box(self):
        return self.frame.get_by_label("Your message")

    def open(self) -> "Visitor":
        self.page.get_by_role("button", name=re.compile("^Open chat")).click()
        return self

    def fill_in(self, **fields: str) -> "Visitor":
        for label, text in {"Your name": "Kate", **fields}.items():
            self.frame.get_by_label(label).fill(text)
        self.frame.get_by_role("button", name="Start the chat").click()
        return self

    def say(self, text: str) -> None:
        self.box.fill(text)
        self.frame.get_by_role("button", name="Send", exact=True).click()

    def begin(self, url: str, text: str = "Hello") -> "Visitor":
        self.visit(url).open().fill_in().say(text)
        expect(self.log.get_by_text(text, exact=True)).to_be_visible()
        stored(text)
        return self

    def texts(self) -> list[str]:
        return self.log.locator(".txt").all_inner_texts()


def stored(text: str, count: int = 1) -> None:
    """Wait until the center has the message, so many times."""
    wait_for(lambda: Message.objects.filter(text=text).count() == count, f"{text!r} {count} times")


def wait_for(true, what: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.05)
