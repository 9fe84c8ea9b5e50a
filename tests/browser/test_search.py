"""The search box in a browser: a customer by a mistyped name and by last digits, a case, a message far up in its talk."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Windows
from tests.browser.desks import Desk, Place
from tests.servers import Stack

PERSON = """
from customers import actions
from cxcenter.accounts.models import User
from interactions.actions import cases
profile = actions.create_profile(source="shop", fields={"name": "Александр Щербаков", "city": "Тула"})
phone = actions.find_identity(kind="phone", value="+79005550739")
actions.link_identity(profile=profile, identity=phone, source="shop", verified=True)
operator = User.objects.get(username="operator1")
case = cases.register_case(actor=operator, profile=profile, subject="Разбито зеркало")
print(profile.customer_id, case.number)
"""


@pytest.fixture
def place(installation: Stack) -> Place:
    return Place(installation)


@pytest.fixture
def page(place: Place, windows: Windows) -> Page:
    return windows.sign_in(place.stack.url, "operator9")


def ask(page: Page, text: str) -> Locator:
    # A heading is there before the scripts have run: only then do keys mean something.
    page.wait_for_load_state()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search and commands").fill(text)
    return page.get_by_role("listbox", name="Found")


def test_a_customer_by_a_mistyped_name_in_the_other_alphabet_and_by_last_digits_and_a_case_by_its_number(
    page: Page, place: Place
) -> None:
    customer, case = place.run(PERSON).split()[-2:]
    for text in ("Sherbakof aleksandr", "щербоков", "8 (900) 555-07-39", "0739", f"c-{customer}"):
        found = ask(page, text)
        expect(found.get_by_role("option", name=re.compile("Александр Щербаков"))).to_be_visible()
        page.keyboard.press("Escape")
    ask(page, "щербоков").get_by_role("option", name=re.compile("Александр Щербаков")).wait_for()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Александр Щербаков")
    expect(ask(page, case.lower()).get_by_role("option", name=re.compile(f"{case}.*Разбито зеркало"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(ask(page, "qqqqq")).to_have_text("Nothing found")


def test_a_message_by_a_form_of_its_word_opens_in_its_place(place: Place, windows: Windows) -> None:
    place.seat("Searches", sara={})
    sara = Desk(place, windows, "sara")
    sara.become_available()
    sara.take("Simon")
    place.in_talk(
        "Simon", "world.say(chat, 'Мои заказы <b>потерялись</b>')\nfor n in range(90): world.say(chat, f'line {n}')"
    )
    found = ask(sara.page, "найденный заказ")
    expect(found).to_have_text("Nothing found")
    sara.page.keyboard.press("Escape")
    found = ask(sara.page, "заказ потерялся")
    message = found.get_by_role("option").filter(has_text="Мои заказы <b>потерялись</b>")
    expect(message.locator("mark")).to_have_text(["заказы", "потерялись"])
    expect(message).to_contain_text("Simon")
    message.click()
    expect(sara.log.locator(".is-target")).to_contain_text("Мои заказы")
    expect(sara.log.locator(".is-target")).to_be_in_viewport()
    sara.end_shift()
