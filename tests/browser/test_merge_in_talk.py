"""A merge while the customer is chatting, on both screens: no word is lost or doubled, the desk shows whose card it is."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Windows
from tests.browser.desks import TALK, Place
from tests.browser.people import Operator, Visitor
from tests.browser.shop import Shop
from tests.servers import Stack

NAME = "Nora Visitor"
# He is merged into another card and parted from it again and again; in the end they are one.
TURNS = """
import time
from customers import actions
user = User.objects.get(username="operator7")
second = actions.create_profile(source="shop", fields={"name": "Eleonora Second", "city": "Tver"})
for turn in range(6):
    (made,) = actions.merge_customers(survivor=second.customer_id, others=[chat.profile.home_id], actor=user)
    time.sleep(0.4)
    if turn < 5:
        actions.unmerge(merge_id=made.pk, actor=user)
        time.sleep(0.2)
print(second.customer_id, chat.profile.home_id)
"""
ORDER = """
from customers import actions
from customers.models import Customer
second = Customer.objects.get(pk={second}).profiles.get(home={second})
actions.record_site_event(profile_id=second.pk, type="page_view", data={{"title": "Bill of the other card"}})
"""
PART = """
from customers import actions
from customers.models import Merge
actions.unmerge(merge_id=Merge.objects.standing().get(absorbed=chat.profile.home_id).pk, actor=User.objects.get(username="operator7"))
"""


def said(log: Locator) -> list[str]:
    """What customer and operator said, as it stands in a log."""
    return [text for text in log.locator(".txt").all_inner_texts() if text.startswith(("customer", "staff"))]


def becomes(true: Callable[[], bool], what: Callable[[], object]) -> None:
    end = time.monotonic() + 15
    while not true():
        assert time.monotonic() < end, what()
        time.sleep(0.1)


def test_both_go_on_writing_while_the_card_is_merged_and_parted(
    installation: Stack, shop: Shop, windows: Windows
) -> None:
    place = Place(installation)
    desk = Operator(windows.sign_in(installation.url, "operator7"))
    desk.page.goto(f"{installation.url}/desk/")
    desk.become_available()
    visitor = Visitor(windows.open(), shop.url)
    visitor.start(NAME, "customer 0.")
    desk.accept(NAME)
    desk.page.evaluate("window.stays = true")
    side = desk.page.locator("#side")
    name = side.locator("h2")
    expect(name).to_have_text(NAME)
    desk.say("staff 0.")

    def write(first: int, last: int) -> None:
        for number in range(first, last):
            visitor.say(f"customer {number}.")
            desk.say(f"staff {number}.")

    write(1, 3)
    with ThreadPoolExecutor(1) as beside:
        turning = beside.submit(place.run, TALK.format(name=NAME) + TURNS)
        number = 3
        while not turning.done():
            write(number, number + 1)
            number += 1
    second, own = turning.result().split()[-2:]
    # The merge stands: his name and the side are those of the other card, its timeline too, and what happens there appears.
    for shown in (name, desk.page.get_by_role("heading", level=1)):
        expect(shown).to_have_text("Eleonora Second")
    expect(desk.page).to_have_title("Eleonora Second · CX Center")
    expect(side).to_contain_text(f"C-{second} · Tver")
    timeline = side.locator("#timeline")
    expect(timeline).to_contain_text(f"Merged: C-{own} into C-{second}")
    place.run(ORDER.format(second=second))
    expect(timeline).to_contain_text("Bill of the other card")
    write(number, number + 2)
    # Parted again, while half a sentence stands in the box.
    desk.message.fill("half a sentence")
    place.run(TALK.format(name=NAME) + PART)
    for shown in (name, desk.page.get_by_role("heading", level=1)):
        expect(shown).to_have_text(NAME)
    expect(side).to_contain_text(f"C-{own}")
    expect(side).not_to_contain_text("Eleonora Second")
    expect(timeline).not_to_contain_text("Bill of the other card")
    expect(timeline).to_contain_text(f"Merge undone: C-{own} out of C-{second}")
    expect(desk.message).to_have_value("half a sentence")
    write(number + 2, number + 4)
    wanted = {who: [f"{who} {n}." for n in range(number + 4)] for who in ("customer", "staff")}
    logs = (desk.log, visitor.frame.get_by_role("log"))
    becomes(lambda: said(logs[0]) == said(logs[1]), lambda: [said(log) for log in logs])
    for who, texts in wanted.items():
        assert [text for text in said(desk.log) if text.startswith(who)] == texts
    assert desk.page.evaluate("window.stays"), "the desk was loaded anew"
    # What the center keeps is what both see: the desk begins with the newest of it.
    desk.page.reload()
    newest = said(desk.log)
    assert newest and newest == said(logs[1])[-len(newest) :]
    desk.end_shift()
