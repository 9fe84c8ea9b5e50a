"""The timeline in a browser: chips, words, a period, days, earlier pages, facts that come while it is open, the file."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Windows
from tests.browser.desks import Desk, Place
from tests.servers import Stack

# Sixty page views of sixty days, a purchase of yesterday.
PERSON = """
from datetime import timedelta
from django.utils import timezone
from customers import actions
from cxcenter.accounts.middleware import zone_of
from cxcenter.accounts.models import User
from cxcenter.core.models import Event
now = timezone.now()
profile = actions.create_profile(source="shop", fields={"name": "Tamara Line"})
Event.objects.filter(profile_id=profile.pk).delete()
Event.objects.bulk_create(
    Event(profile_id=profile.pk, kind="site.event", at=now - timedelta(days=n, seconds=5),
          payload={"type": "page_view", "data": {"title": f"Tyre no {n}", "url": f"https://shop.example/{n}"}})
    for n in range(60)
)
Event.objects.create(profile_id=profile.pk, kind="outside.event", at=now - timedelta(days=1),
                     payload={"type": "purchase", "source": "dms", "data": {"title": "Rims", "amount": 400, "currency": "EUR"}})
zone = zone_of(User.objects.get(username="operator9").zone)
print(profile.customer_id, timezone.localdate(now - timedelta(days=40, seconds=5), zone).isoformat())
"""
FACT = """
from customers import actions
from customers.models import Profile
actions.record_site_event(profile_id=Profile.objects.get(customer={customer}).pk, type="page_view", data={{"title": "{title}"}})
"""


@pytest.fixture
def place(installation: Stack) -> Place:
    return Place(installation)


@pytest.fixture
def customer(place: Place) -> tuple[str, str]:
    number, day = place.run(PERSON).split()[-2:]
    return number, day


@pytest.fixture
def card(place: Place, windows: Windows, customer: tuple[str, str]) -> Page:
    page = windows.sign_in(place.stack.url, "operator9")
    page.goto(f"{place.stack.url}/desk/customers/{customer[0]}/")
    return page


def lines(page: Page) -> Locator:
    return page.locator("#timeline-lines .cx-ev")


def days(page: Page) -> Locator:
    return page.locator("#timeline-lines .cx-day")


def test_chips_words_and_a_period_narrow_it(card: Page) -> None:
    expect(lines(card)).to_have_count(25)
    expect(days(card).nth(0)).to_have_text(re.compile("^Today, "))
    expect(days(card).nth(1)).to_have_text(re.compile("^Yesterday, "))
    card.get_by_text("Other systems").click()
    expect(lines(card)).to_have_count(1)
    expect(lines(card)).to_contain_text(re.compile("Purchase · Rims.*400 EUR.*source: dms"))
    # By the keyboard as by the mouse: the chips are one choice.
    card.keyboard.press("ArrowLeft")
    expect(lines(card)).to_have_count(25)
    search = card.get_by_label("Search in the timeline")
    search.press_sequentially("no 5")
    expect(lines(card)).to_have_count(11)
    expect(search).to_be_focused()
    search.fill("of nothing")
    expect(card.locator("#timeline-lines").get_by_text("Nothing found")).to_be_visible()
    search.fill("")
    expect(lines(card)).to_have_count(25)


def test_a_period_a_day_and_earlier_pages(card: Page, customer: tuple[str, str]) -> None:
    day = customer[1]
    card.get_by_label("Go to a day").fill(day)
    expect(lines(card).first).to_contain_text("Tyre no 40")
    card.get_by_label("Go to a day").fill("")
    expect(lines(card).first).to_contain_text("Tyre no 0")
    card.get_by_label("from").fill(day)
    card.get_by_label("to", exact=True).fill(day)
    expect(lines(card)).to_have_count(1)
    card.get_by_label("from").fill("")
    card.get_by_label("to", exact=True).fill("")
    expect(lines(card)).to_have_count(25)
    for count in (50, 61):
        card.get_by_role("button", name="Show earlier").click()
        expect(lines(card)).to_have_count(count)
    expect(card.get_by_role("button", name="Show earlier")).to_have_count(0)


def test_what_happens_appears_and_moves_nobody_who_reads_further(
    card: Page, customer: tuple[str, str], place: Place
) -> None:
    expect(lines(card)).to_have_count(25)
    place.run(FACT.format(customer=customer[0], title="Just now"))
    expect(lines(card).first).to_contain_text("Just now")
    card.get_by_role("button", name="Show earlier").click()
    expect(lines(card)).to_have_count(50)
    place.run(FACT.format(customer=customer[0], title="Later still"))
    new = card.get_by_role("button", name="Something new")
    expect(new).to_be_visible()
    expect(lines(card)).to_have_count(50)
    new.click()
    expect(lines(card).first).to_contain_text("Later still")
    expect(new).to_be_hidden()


def test_the_file_keeps_to_the_filters(card: Page) -> None:
    card.get_by_label("Search in the timeline").fill("no 59")
    expect(lines(card)).to_have_count(1)
    card.get_by_text("Export").click()
    with card.expect_download() as saved:
        card.get_by_role("link", name="CSV").click()
    written = saved.value.path().read_text()
    assert "Tyre no 59" in written and "Tyre no 58" not in written
    assert saved.value.suggested_filename.endswith(".csv")


def test_a_found_message_opens_in_its_talk_and_facts_appear_beside_it(place: Place, windows: Windows) -> None:
    place.seat("Timelines", tess={})
    tess = Desk(place, windows, "tess")
    tess.become_available()
    tess.take("Timur")
    place.in_talk("Timur", "for n in range(30): world.say(chat, f'line {n}')")
    side = tess.page.locator("#side #timeline")
    expect(side).to_contain_text("Web chat: a session began")
    place.in_talk(
        "Timur",
        "from customers import actions\n"
        "actions.record_site_event(profile_id=chat.profile_id, type='page_view', data={'title': 'Rims'})",
    )
    expect(side).to_contain_text("Page: Rims")
    tess.page.get_by_role("link", name="Open the full card").click()
    tess.page.get_by_label("Search in the timeline").fill("line 29")
    found = tess.page.locator("#timeline").get_by_role("link", name="Web chat: a session began")
    expect(lines(tess.page)).to_have_text([re.compile("line 29")])
    found.click()
    expect(tess.log.locator(".is-target")).to_contain_text("line 29")
    tess.end_shift()
