"""Rules of overflow in a real browser: added, put in order by keys and by buttons, refused at their fields, saved."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows
from tests.browser.test_path import fits
from tests.servers import Stack


def order(page: Page) -> list[str]:
    """What the rules do, in the order of the page."""
    return page.locator("[data-line] select[name^=then]").evaluate_all("all => all.map((one) => one.value)")


def test_rules_of_overflow_are_added_ordered_by_keys_and_saved(installation: Stack, windows: Windows) -> None:
    page = windows.sign_in(installation.url, "admin")
    page.goto(f"{installation.url}/board/rules/")
    page.get_by_role("link", name="Fleet sales", exact=True).click()
    overflow = page.locator("#overflow")
    expect(overflow.get_by_label("Rule 1: How many")).to_be_hidden()
    overflow.get_by_role("button", name="Rule", exact=True).click()
    expect(overflow.get_by_label("Rule 2: When")).to_be_focused()
    expect(overflow.get_by_label("Rule 2: Which queue")).to_be_visible()
    overflow.get_by_label("Rule 2: Then").select_option("message")
    expect(overflow.get_by_label("Rule 2: Which queue")).to_be_hidden()
    page.get_by_role("button", name=re.compile("^Save")).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Rule 2: How many: Write how many seconds")
    expect(alert).to_contain_text("Rule 2: Words to the visitor: Write what the visitor is told.")
    overflow.get_by_label("Rule 2: How many").fill("9000")
    words = overflow.get_by_label("Rule 2: Words to the visitor")
    words.fill("We have not forgotten you")
    words.press("Alt+ArrowUp")
    expect(overflow.locator("[data-said]")).to_have_text("Rule 1 of 2")
    expect(overflow.get_by_label("Rule 1: Words to the visitor")).to_be_focused()
    assert order(page) == ["message", "form"]
    overflow.get_by_role("button", name="Move down").first.click()
    assert order(page) == ["form", "message"]
    overflow.get_by_role("button", name="Move up").last.click()
    fits(page)
    page.get_by_role("button", name=re.compile("^Save")).click()
    expect(page).to_have_url(re.compile("/board/rules/$"))
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="Fleet sales", exact=True))
    expect(row).to_contain_text(re.compile(r"after 9000 s: a message\s*out of hours: the form"))
    row.get_by_role("link", name="Fleet sales").click()
    overflow.get_by_role("button", name="Remove this rule").first.click()
    # A page that is opened again shows what is saved, whatever stood in its fields.
    page.reload()
    assert order(page) == ["message", "form"]
    expect(overflow.get_by_label("Rule 1: How many")).to_have_value("9000")
