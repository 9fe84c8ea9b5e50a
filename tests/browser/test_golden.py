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
    kate, twin = installation.run(PEOPLE).split()[-2:]
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


# --- What belongs to a customer ---

COMPANY = """
from customers import actions
made = actions.create_profile(source="shop", fields={"name": "Oakline Logistics", "kind": "company"})
print(made.customer_id)
"""


def undo(page: Page) -> None:
    page.locator("#toasts").get_by_role("button", name="Undo").click()


def test_a_messenger_login_is_added_and_unlinked_and_each_is_undone(card: Page) -> None:
    ids = card.locator("section", has=card.get_by_role("heading", name="Identities"))

    def add() -> None:
        ids.get_by_role("button", name="Add").click()
        form = card.get_by_role("dialog")
        form.get_by_label("What it is").select_option(label="Telegram")
        form.get_by_label("Number, address or login").fill("@KGolden")
        form.get_by_role("button", name="Link").click()
        expect(ids.get_by_text("kgolden", exact=True)).to_be_visible()

    add()
    expect(card.locator("#timeline")).to_contain_text("Telegram: linked")
    undo(card)
    expect(ids.get_by_text("kgolden", exact=True)).to_have_count(0)
    add()
    ids.get_by_role("button", name=re.compile("Change: Telegram")).click()
    card.get_by_role("dialog").get_by_role("button", name="Unlink").click()
    expect(ids.get_by_text("kgolden", exact=True)).to_have_count(0)
    undo(card)
    expect(ids.get_by_text("kgolden", exact=True)).to_be_visible()


def test_who_has_a_phone_too_is_told_before_it_is_linked(
    card: Page, cards: tuple[str, str], installation: Stack
) -> None:
    phone = f"+7916{int(cards[1]) % 10_000_000:07}"
    give = (
        "from customers import actions; from customers.models import Customer;"
        f"p = Customer.objects.get(pk={cards[1]}).profiles.get(); i = actions.find_identity(kind='phone', value='{phone}');"
        "actions.link_identity(profile=p, identity=i, source='shop', verified=True)"
    )
    installation.run(give)
    ids = card.locator("section", has=card.get_by_role("heading", name="Identities"))
    ids.get_by_role("button", name="Add").click()
    form = card.get_by_role("dialog")
    form.get_by_label("Number, address or login").press_sequentially(phone)
    expect(form.get_by_text("Others have it too:")).to_be_visible()
    expect(form.get_by_role("link", name="Katrin Golden")).to_be_visible()
    form.get_by_label("They share it").check()
    form.get_by_role("button", name="Link").click()
    expect(ids.get_by_text(phone, exact=True)).to_be_visible()
    expect(ids.get_by_text("others have it too")).to_have_count(1)


def test_a_person_is_added_to_a_company(card: Page, cards: tuple[str, str], installation: Stack) -> None:
    company = installation.run(COMPANY).split()[-1]
    card.goto(f"{installation.url}/desk/customers/{company}/")
    people = card.locator("section", has=card.get_by_role("heading", name="People"))
    expect(people.get_by_text("Nobody of this company is known.")).to_be_visible()
    people.get_by_role("button", name="Add").click()
    form = card.get_by_role("dialog")
    form.get_by_label("Role there").fill("Buyer")
    form.get_by_label("Somebody who is known").press_sequentially(f"C-{cards[1]}")
    form.get_by_role("button", name=re.compile("Katrin Golden")).click()
    expect(people.get_by_text("Buyer")).to_be_visible()
    people.get_by_role("button", name="Add").click()
    form.get_by_label("Role there").fill("Driver")
    form.get_by_label("Name").fill("Oleg Wheel")
    form.get_by_role("button", name="Add somebody new").click()
    expect(people.get_by_role("link", name="Oleg Wheel")).to_be_visible()
    undo(card)
    expect(people.get_by_role("link", name="Oleg Wheel")).to_have_count(0)
    people.get_by_role("link", name="Katrin Golden").click()
    expect(card.locator("section", has=card.get_by_role("heading", name="Companies"))).to_contain_text(
        "Oakline Logistics"
    )


def test_a_withdrawal_is_recorded_with_its_proof(card: Page, cards: tuple[str, str], installation: Stack) -> None:
    mail = f"kate{cards[0]}@example.com"
    give = (
        "from customers import actions; from customers.models import Customer;"
        f"p = Customer.objects.get(pk={cards[0]}).profiles.get(); i = actions.find_identity(kind='email', value='{mail}');"
        "actions.link_identity(profile=p, identity=i, source='shop', verified=True)"
    )
    installation.run(give)
    card.reload()
    consents = card.locator("section", has=card.get_by_role("heading", name="Consents"))
    expect(consents.get_by_text("Never asked")).to_be_visible()
    consents.get_by_role("button", name="Record").click()
    form = card.get_by_role("dialog")
    form.get_by_label("takes it back").check()
    form.get_by_label("What for").select_option(label="Advertising and offers")
    form.get_by_label("How and in which words").fill("“No more letters, please”")
    form.get_by_role("button", name="Record").click()
    expect(card.get_by_text("The withdrawal is recorded.")).to_be_visible()
    expect(consents).to_contain_text(re.compile("Advertising and offers.*withdrawn.*No more letters", re.DOTALL))
    consents.get_by_role("button", name=re.compile("History")).click()
    expect(card.get_by_role("dialog").get_by_role("row").last).to_contain_text(mail)


def test_a_note_appears_on_a_second_page_and_is_changed_and_taken_back(
    card: Page, cards: tuple[str, str], windows: Windows, installation: Stack
) -> None:
    other = windows.sign_in(installation.url, "operator11")
    other.goto(f"{installation.url}/desk/customers/{cards[0]}/")
    for page in (card, other):
        expect(page.locator("#timeline-lines")).to_contain_text("First contact")
    note = card.get_by_label("Note, for colleagues only")
    note.fill("Prefers calls after six")
    card.get_by_role("button", name="Add a note").click()
    expect(other.locator("#timeline-lines")).to_contain_text("Prefers calls after six")
    expect(card.locator("#timeline-lines")).to_contain_text("Prefers calls after six")
    expect(note).to_have_value("")
    # Only its author has the means to change it.
    expect(other.get_by_role("button", name="Change the note")).to_have_count(0)
    card.get_by_role("button", name="Change the note").click()
    card.get_by_role("dialog").get_by_label("Note, for colleagues only").fill("Prefers letters")
    card.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(other.locator("#timeline-lines")).to_contain_text("Prefers letters")
    card.get_by_role("button", name="Take the note back").click()
    expect(other.locator("#timeline-lines")).to_contain_text("A note was taken back")
    undo(card)
    expect(other.locator("#timeline-lines")).to_contain_text("Prefers letters")
