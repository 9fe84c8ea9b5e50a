"""Personal data in a browser: everything about a customer as a file, and his erasure with its confirmation."""

import re
import zipfile

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows
from tests.servers import Stack

PERSON = """
from customers import actions
kate = actions.create_profile(source="shop", fields={"name": "Katerina Forgotten", "city": "Tula"})
print(kate.customer_id)
"""


@pytest.fixture
def customer(installation: Stack) -> str:
    return installation.run(PERSON).split()[-1]


@pytest.fixture
def card(installation: Stack, windows: Windows, customer: str) -> Page:
    page = windows.sign_in(installation.url, "admin")
    page.goto(f"{installation.url}/desk/customers/{customer}/")
    return page


def open_dialog(card: Page, name: str):
    card.locator(".cx-custhead summary").click()
    card.get_by_role("button", name=name).click()
    return card.get_by_role("dialog")


def test_everything_about_a_customer_is_downloaded(card: Page, customer: str) -> None:
    dialog = open_dialog(card, "Export data…")
    expect(dialog).to_contain_text("internal notes")
    dialog.get_by_label("Reason").select_option(label="An authority asked for it")
    with card.expect_download() as told:
        dialog.get_by_role("button", name="Export").click()
    assert told.value.suggested_filename.startswith(f"C-{customer}-")
    assert "Katerina Forgotten" in zipfile.ZipFile(told.value.path()).read("customer.json").decode()
    # The page stays where it is, without the dialog.
    expect(card.locator("#dialog")).to_be_hidden()
    expect(card.get_by_role("heading", level=1)).to_have_text("Katerina Forgotten")


def test_an_erasure_is_confirmed_by_the_number_and_leaves_a_page_that_says_so(
    card: Page, customer: str, installation: Stack
) -> None:
    dialog = open_dialog(card, "Erase…")
    expect(dialog.get_by_role("heading", name="Goes for good")).to_be_visible()
    dialog.get_by_label("Reason").select_option(label="The person asked for it")
    number = dialog.get_by_label(f"Type C-{customer} to confirm")
    number.fill("C-0")
    dialog.get_by_role("button", name="Erase for good").click()
    expect(dialog.get_by_role("alert")).to_have_text(f"Type C-{customer} to confirm.")
    number.fill(f"C-{customer}")
    dialog.get_by_role("button", name="Erase for good").click()
    expect(card.get_by_role("heading", level=1)).to_have_text(f"C-{customer} was erased")
    expect(card.get_by_text(re.compile("Erased on .* the person asked for it"))).to_be_visible()
    card.goto(f"{installation.url}/desk/customers/?q=Forgotten")
    expect(card.get_by_role("button", name="Find")).to_be_visible()
    expect(card.get_by_role("row", name=re.compile(rf"C-{customer}\b"))).to_have_count(0)
