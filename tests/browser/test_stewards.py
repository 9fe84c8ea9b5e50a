"""Who may be the same person, in a browser: the banner of a card and the steward's queue, with every way back."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Windows
from tests.servers import Stack

# Two cards that look alike, the likeliest pair of the queue. Nobody joins them but a person.
TWINS = """
from customers import actions
from customers.models import Likeness, MatchingRules
MatchingRules.objects.update_or_create(pk=1, defaults={"joins": False})
said = [{"city": "Tula", "birthday": "1988-04-14"}, {"city": "Tver", "birthday": "1988-04-15", "company": "Oakline"}]
one, other = [actions.create_profile(source="shop", fields={"name": "Vera Lindgren", **fields}) for fields in said]
Likeness.objects.all().delete()
evidence = [["last", "exact", 8.1], ["birthday", "slip", 6.0], ["city", "differs", -2.0]]
Likeness.objects.create(one=one, other=other, probability=0.87, evidence=evidence)
print(one.customer_id, other.customer_id)
"""
# What can be taken back stays in reach for a minute: a busy machine is slower than a person.
PATIENCE = """
const soon = window.setTimeout;
window.setTimeout = (act, ms, ...rest) => soon(act, ms === 5000 ? 60000 : ms, ...rest);
"""


@pytest.fixture
def twins(installation: Stack) -> tuple[str, str]:
    one, other = installation.run(TWINS).split()[-2:]
    return one, other


@pytest.fixture
def page(installation: Stack, windows: Windows, twins: tuple[str, str]) -> Page:
    page = windows.sign_in(installation.url, "operator9")
    page.add_init_script(PATIENCE)
    return page


def undo(page: Page) -> None:
    page.locator("#toasts").get_by_role("button", name="Undo").click()


def compared(page: Page, opener: Locator, twins: tuple[str, str]) -> Locator:
    """Open the comparison; check that both stand beside each other with what differs marked, and why."""
    opener.get_by_role("button", name="Compare").click()
    dialog = page.get_by_role("dialog")
    for number in twins:
        expect(dialog.get_by_role("columnheader", name=re.compile(f"Vera Lindgren C-{number}$"))).to_be_visible()
    expect(dialog.locator("tr.differs").get_by_role("rowheader")).to_have_text(["Birthday", "City"])
    expect(dialog.get_by_role("row", name=re.compile("^City Tula Tver differs"))).to_be_visible()
    expect(dialog.get_by_role("row", name=re.compile("^Company – Oakline$"))).to_be_visible()
    expect(dialog.get_by_role("row", name=re.compile("^Why"))).to_contain_text("last name: the same")
    return dialog


def test_a_twin_is_merged_from_the_banner_and_the_merge_is_undone(
    page: Page, twins: tuple[str, str], installation: Stack
) -> None:
    cards = [f"{installation.url}/desk/customers/{number}/" for number in twins]
    page.goto(cards[0])
    banner = page.get_by_role("note")
    expect(banner).to_contain_text(f"C-{twins[1]}")
    expect(banner).to_contain_text("87 %")
    expect(banner).to_contain_text("Last name: the same, birthday: one digit or two exchanged.")
    other = page.context.new_page()
    compared(page, banner, twins).get_by_role("button", name="Merge").click()
    expect(page.get_by_text("2 profiles in one record")).to_be_visible()
    expect(page.locator("section", has_text="Merged into this record")).to_contain_text(f"C-{twins[1]}")
    expect(page.get_by_role("button", name="Oakline")).to_be_visible()
    expect(banner).to_have_count(0)
    other.goto(cards[1])
    expect(other).to_have_url(cards[0])
    expect(other.get_by_text("2 profiles in one record")).to_be_visible()
    undo(page)
    expect(banner).to_contain_text(f"C-{twins[1]}")
    expect(page.get_by_text("2 profiles in one record")).to_have_count(0)
    expect(page.get_by_role("button", name="Oakline")).to_have_count(0)
    other.goto(cards[1])
    expect(other).to_have_url(cards[1])
    expect(other.get_by_role("button", name="Oakline")).to_be_visible()
    expect(other.get_by_role("note")).to_contain_text(f"C-{twins[0]}")
    # Without a look at both it is one click, and its way back is the same.
    banner.get_by_role("button", name="Merge").click()
    expect(page.get_by_text("2 profiles in one record")).to_be_visible()
    undo(page)
    expect(banner).to_contain_text(f"C-{twins[1]}")
    banner.get_by_role("button", name="Not the same").click()
    expect(banner).to_have_count(0)
    undo(page)
    expect(banner).to_contain_text(f"C-{twins[1]}")


def test_the_steward_decides_on_a_pair_of_the_queue_and_takes_it_back(
    page: Page, twins: tuple[str, str], installation: Stack
) -> None:
    page.goto(f"{installation.url}/desk/customers/")
    page.get_by_role("link", name=re.compile("The same person")).click()
    pair = page.get_by_role("main").get_by_role("row").filter(has_text=f"C-{twins[0]}")
    expect(pair).to_contain_text(re.compile(f"87 %.*C-{twins[0]}.*Tula.*C-{twins[1]}.*Tver.*last name: the same"))
    dialog = compared(page, pair, twins)
    dialog.get_by_role("row", name=re.compile("^City")).get_by_role("radio", name="Tula").check()
    dialog.get_by_role("button", name="Merge").click()
    expect(pair).to_have_count(0)
    # What was chosen stands, and where nothing was the rule decides: the newest.
    card = page.context.new_page()
    card.goto(f"{installation.url}/desk/customers/{twins[0]}/")
    expect(card.locator("[data-edit=city]")).to_have_text("Tula")
    expect(card.locator("[data-edit=birthday]")).to_have_text("15 Apr 1988")
    card.get_by_role("button", name="Why this value: city").click()
    expect(card.get_by_role("dialog")).to_contain_text("Chosen by hand.")
    undo(page)
    expect(pair).to_be_visible()
    card.reload()
    expect(card.locator("[data-edit=birthday]")).to_have_text("14 Apr 1988")
    # Not the same person: from the comparison, and from the list.
    compared(page, pair, twins).get_by_role("button", name="Not the same person").click()
    expect(page.get_by_text("Kept apart")).to_be_visible()
    expect(pair).to_have_count(0)
    undo(page)
    pair.get_by_role("button", name="Not the same").click()
    expect(page.get_by_text("Nobody waits for a decision")).to_be_visible()
    page.reload()
    expect(pair).to_have_count(0)
