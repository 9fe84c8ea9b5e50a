"""A call from a visitor's browser to an operator's: two real browsers, each with a tone of its own for a voice."""

import re
from collections.abc import Callable

import numpy as np
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Troubles, Windows
from tests.browser.phones import CUSTOMER_HZ, OPERATOR_HZ, RATE, Phones, become_available, loud, sides


def test_two_browsers_talk_hold_mute_reload_and_hang_up(phones: Phones) -> None:
    phones.become_available()
    phones.call("Kate Larsen")
    phones.answer("Kate Larsen")
    phones.hears(phones.desk, customer=True)
    phones.hears(phones.page, operator=True)

    phones.press("Hold")
    expect(phones.desk.locator("#cti-words")).to_have_text("On hold")
    expect(phones.page.get_by_role("heading", name="On hold")).to_be_visible()
    phones.hears(phones.desk)
    phones.hears(phones.page)
    phones.page.wait_for_timeout(1000)
    phones.press("Take back")
    phones.hears(phones.page, operator=True)

    phones.press("Mute")
    phones.hears(phones.page)
    phones.hears(phones.desk, customer=True)
    phones.desk.reload()
    expect(phones.desk.locator("#cti-words")).to_have_text("Muted")
    expect(phones.desk.locator("#cti")).to_have_attribute("data-sound", "connected", timeout=5000)
    phones.hears(phones.desk, customer=True)
    phones.press("Switch the microphone on")
    phones.hears(phones.page, operator=True)

    phones.page.reload()
    expect(phones.page.locator("#call")).to_have_attribute("data-sound", "connected", timeout=5000)
    phones.hears(phones.page, operator=True)
    phones.hears(phones.desk, customer=True)

    phones.press("Pause the recording")
    phones.hears(phones.page, operator=True)
    phones.page.wait_for_timeout(1000)
    phones.press("Record again")
    phones.page.wait_for_timeout(1500)
    for name in ("Hang up", "Transfer"):
        expect(phones.desk.get_by_role("button", name=name, exact=True)).to_have_count(1)
    phones.desk.keyboard.press("Alt+KeyW")
    expect(phones.page.get_by_role("heading", name="The call is over")).to_be_visible()
    expect(phones.desk.get_by_role("form", name="Wrap-up")).to_be_visible()
    times = phones.stack.run("from interactions.models import Call; call = Call.objects.latest('began_at'); "
                             "print(call.talk_s > 3, call.hold_s > 1, call.ended_at is not None, call.talk_s, call.hold_s)")  # fmt: skip
    assert times.split()[:3] == ["True", "True", "True"], times
    left, right = sides(phones.recording())
    assert loud(left, CUSTOMER_HZ) and not loud(left, OPERATOR_HZ), "the customer is on the left, alone"
    assert loud(right, OPERATOR_HZ) and not loud(right, CUSTOMER_HZ), "the operator is on the right, alone"
    quiet = np.abs(left).reshape(-1, RATE // 10).max(axis=1) + np.abs(right).reshape(-1, RATE // 10).max(axis=1) < 0.004
    runs = "".join("q" if one else "." for one in quiet).split(".")
    assert max(map(len, runs)) >= 8, f"the pause left silence: {quiet.astype(int)}"


def test_a_call_is_handed_to_a_colleague_who_is_heard_then(
    phones: Phones, speak: Callable[[float], Browser], troubles: Troubles
) -> None:
    other = f"{phones.name}b"
    desks = Windows(speak(OPERATOR_HZ), troubles)
    second = phones.colleague(desks)
    phones.become_available()
    phones.call("Kate Larsen")
    phones.answer("Kate Larsen")
    phones.desk.keyboard.press("Alt+KeyT")
    phones.desk.locator("#dialog").get_by_role("button", name=re.compile(other, re.IGNORECASE)).click()
    expect(phones.page.get_by_role("heading", name="Calling…")).to_be_visible()
    expect(phones.desk.locator("#cti")).to_contain_text("No call")
    second.get_by_role("alertdialog").get_by_role("button", name=re.compile("Answer")).click()
    expect(second.locator("#cti")).to_have_attribute("data-sound", "connected")
    phones.hears(second, customer=True)
    phones.hears(phones.page, operator=True)
    phones.hears(phones.desk)
    phones.page.get_by_role("button", name="Hang up").click()
    expect(second.get_by_role("form", name="Wrap-up")).to_be_visible()
    desks.close()


def test_one_hears_oneself_before_a_call(phones: Phones) -> None:
    desk = phones.desk
    desk.locator("#cti-quality").click()
    expect(desk.locator("#sound-heard")).to_have_text("You are heard.")
    meter = desk.get_by_role("meter", name="How loud you are")
    ground, height = meter.evaluate("one => [getComputedStyle(one).backgroundColor, one.offsetHeight]")
    assert ground != "rgba(0, 0, 0, 0)" and height == 6, "the line is seen also where nothing is heard"
    button = desk.locator("#sound-echo")
    button.click()
    expect(button).to_have_text("Speak now…")
    expect(button).to_have_text("This is how you sound…")
    expect(button).to_have_text("Hear yourself")
    expect(desk.locator("#toasts > *")).to_have_count(0)


def test_an_operator_without_a_microphone_knows_before_it_rings(phones: Phones, windows: Windows) -> None:
    desk = windows.sign_in(phones.stack.url, phones.name)
    button = desk.locator("#cti-quality")
    expect(button).to_have_attribute("data-microphone", "none")
    expect(button).to_have_attribute("title", re.compile("There is no microphone"))
    become_available(desk)
    expect(button).to_have_attribute("data-microphone", "none")
    phones.desk.close()
    phones.call("Kate Larsen")
    desk.get_by_role("alertdialog").get_by_role("button", name=re.compile("Answer")).click()
    told = desk.locator("#toasts").get_by_text("There is no microphone")
    expect(told).to_be_visible()
    # The call is his all the same: he can hand it over, and the customer is in it.
    expect(desk.locator("#cti-words")).to_have_text("Talking")
    desk.locator("#cti").get_by_role("button", name="Hang up").click()
    expect(phones.page.get_by_role("heading", name="The call is over")).to_be_visible()
    expect(button).to_have_attribute("data-microphone", "none")


def test_without_a_microphone_nobody_waits(phones: Phones, windows: Windows) -> None:
    phones.become_available()
    page = windows.open(locale="en-GB")
    page.goto(f"{phones.stack.url}/widget/call/call-{phones.name}/")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("microphone")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    made = phones.stack.run(
        "from interactions.models import Interaction; "
        f"print(Interaction.objects.filter(thread__channel__name='Calls of {phones.name}').count())"
    )
    assert made.strip() == "0"
