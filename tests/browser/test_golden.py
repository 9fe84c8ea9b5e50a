"""The golden record in a browser: where a value came from, another one chosen, two cards merged and taken apart."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows
from tests.servers import Stack

PEOPLE = """
from customers import actions
from customers.models import MatchingRules
MatchingRules.objects.update_or_create(pk=1, defaults={"joins": False})
kate = actions.create_profile(source="shop", fields={"name": "Katerina Golden", "city": "Tula"})
actions.add_record(profile=kate, source="crm", fields={"name": "Katya Golden", "birthday": "1988-04-14"}, verified=True)
twin = actions.create_profile(source="shop", fields={"name": "Katrin Golden", "city": "Tver", "company": "Oakline"})
print(kate.customer_id, twin.customer_id)
"""


@pytest.fixture
def cards(installation: Stack) -> tuple[str, str]:
    kate, twin = installation.manage("shell", "-c", PEOPLE).split()[-2:]
    return kate, twin


@pytest.fixture
def card(installation: Stack, windows: Windows, cards: tuple[str, str]) -> Page:
    page = windows.sign_in(installation.url, "operator9")
    page.goto(f"{installation.url}/desk/customers/{cards[0]}/")
    return page


def test_where_a_value_came_from_and_another_one_chosen(card: Page) -> None:
    expect(card.get_by_role("heading", level=1)).to_have_text("Katya Golden")
    opener = card.get_by_role("button", name="Why this value: name")
    opener.click()
    why = card.get_by_role("dialog", name="Why this value: name")
    expect(why).to_contain_text("Rule: verified first, then the newest.")
    expect(why.get_by_role("row").first).to_contain_text(re.compile("Katya Golden.*crm"))
    # By the keyboard: Escape closes it and gives the focus back.
    card.keyboard.press("Escape")
    expect(why).to_have_count(0)
    expect(opener).to_be_focused()
    card.keyboard.press("Enter")
    why.get_by_role("button", name="Choose").click()
    expect(card.get_by_role("heading", level=1)).to_have_text("Katerina Golden")
    card.get_by_role("button", name="Why this value: name").click()
    expect(why).to_contain_text("Chosen by hand.")
    why.get_by_role("button", name="Let the rule decide").click()
    expect(card.get_by_role("heading", level=1)).to_have_text("Katya Golden")


def test_two_cards_are_merged_and_the_merge_is_undone(card: Page, cards: tuple[str, str], installation: Stack) -> None:
    card.get_by_role("button", name="Merge with…").click()
    card.get_by_label("Phone, name, e-mail or ID").last.press_sequentially(f"C-{cards[1]}")
    card.get_by_role("button", name=re.compile("Katrin Golden")).click()
    compared = card.get_by_role("dialog")
    expect(compared.get_by_role("row", name=re.compile("^City Tula Tver differs"))).to_be_visible()
    compared.get_by_role("button", name="Merge").click()
    expect(card.get_by_text("2 profiles in one record")).to_be_visible()
    expect(card.get_by_role("button", name="Oakline")).to_be_visible()
    expect(card.get_by_role("heading", name=re.compile("Merged into this record"))).to_be_visible()
    # An old number leads on.
    card.goto(f"{installation.url}/desk/customers/{cards[1]}/")
    expect(card).to_have_url(re.compile(f"/desk/customers/{cards[0]}/$"))
    card.locator("section", has_text="Merged into this record").get_by_role("button", name="Undo").click()
    expect(card.get_by_text("The merge is undone")).to_be_visible()
    expect(card.get_by_text("1 profile", exact=False)).to_be_visible()
    expect(card.get_by_role("button", name="Oakline")).to_have_count(0)


def test_not_the_same_person_can_be_taken_back_at_once(card: Page, cards: tuple[str, str]) -> None:
    card.get_by_role("button", name="Merge with…").click()
    card.get_by_label("Phone, name, e-mail or ID").last.press_sequentially(f"C-{cards[1]}")
    card.get_by_role("button", name=re.compile("Katrin Golden")).click()
    card.get_by_role("dialog").get_by_role("button", name="Not the same person").click()
    expect(card.get_by_text("Kept apart")).to_be_visible()
    card.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(card.get_by_text("May be the same person as")).to_be_visible()
