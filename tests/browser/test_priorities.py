"""The order of priorities in a real browser: by mouse, by buttons and by keys alone."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Windows
from tests.browser.test_path import fits
from tests.servers import Stack

PLANT = """
from interactions.models import Topic
for name in ("Zeta", "Zircon", "Zodiac"):
    Topic.objects.create(name=name)
"""


@pytest.fixture
def page(installation: Stack, windows: Windows) -> Page:
    installation.run(PLANT)
    page = windows.sign_in(installation.url, "admin")
    # All topics stand on the page at once: nothing scrolls under the mouse.
    page.set_viewport_size({"width": 1366, "height": 1100})
    page.goto(f"{installation.url}/board/priorities/")
    return page


def item(page: Page, name: str) -> Locator:
    return page.locator("[data-order=topics] [data-item]").filter(has_text=name)


def order(page: Page) -> list[str]:
    """What stands ahead of the rest, with its steps."""
    ahead = page.locator("[data-order=topics] [data-item]:has([data-steps]:not([hidden]))")
    return [re.sub(r"\s*\+", " +", text.strip()) for text in ahead.all_inner_texts()]


def test_an_order_is_made_by_keys_by_buttons_and_by_mouse_and_saved(page: Page) -> None:
    begun = order(page)
    grip = item(page, "Zeta").get_by_role("button", name="Move Zeta")
    grip.focus()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#orders [data-said]")).to_have_text(re.compile(r"^Zeta: \d+ of \d+, \+1$"))
    expect(grip).to_be_focused()
    item(page, "Zodiac").get_by_role("button", name="Sooner: Zodiac").click()
    assert order(page)[-2:] == ["Zeta +2", "Zodiac +1"]
    # By mouse before the others.
    item(page, "Zircon").drag_to(item(page, "Zeta"), target_position={"x": 60, "y": 2})
    assert order(page)[-3:] == ["Zircon +3", "Zeta +2", "Zodiac +1"]
    # By keys to the rest again.
    item(page, "Zodiac").get_by_role("button", name="Move Zodiac").focus()
    page.keyboard.press("ArrowDown")
    assert order(page)[-2:] == ["Zircon +2", "Zeta +1"]
    fits(page)
    page.get_by_role("button", name="Save the order").click()
    expect(page.locator("#toasts").get_by_text("Saved")).to_be_visible()
    page.reload()
    assert order(page) == [
        *(re.sub(r"\d+$", lambda n: str(int(n[0]) + 2), one) for one in begun),
        "Zircon +2",
        "Zeta +1",
    ]
