"""Three in a call: a colleague is consulted, joins and takes it; a supervisor listens, whispers, speaks. All by their tones."""

from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Troubles, Windows
from tests.browser.phones import COLLEAGUE_HZ, CUSTOMER_HZ, OPERATOR_HZ, Phones, holds, loud, sides

LONG = "Ekaterina Vorontsova-Bolshakova of the Norda Works"


def press(desk: Page, name: str) -> None:
    desk.locator("#cti").get_by_role("button", name=name, exact=True).click()


def connected(desk: Page) -> None:
    expect(desk.locator("#cti")).to_have_attribute("data-sound", "connected", timeout=8000)


def call_in(phones: Phones, button: str, other: Page) -> None:
    """Call the colleague into the call, and let him answer."""
    phones.press(button)
    phones.desk.locator("#dialog").get_by_role("button", name=f"{phones.name}b").click()
    toast = other.get_by_role("alertdialog", name="A colleague calls you")
    toast.get_by_role("button", name="Answer").click()
    connected(other)


def test_consulted_then_in_conference_then_it_is_his_call(
    phones: Phones, speak: Callable[[float], Browser], troubles: Troubles
) -> None:
    desks = Windows(speak(COLLEAGUE_HZ), troubles)
    other = phones.colleague(desks)
    phones.become_available()
    phones.call(LONG)
    phones.answer(LONG)

    call_in(phones, "Consult a colleague", other)
    expect(phones.desk.locator("#cti-words")).to_have_text("Consulting")
    names = phones.desk.locator("#cti .who")
    colleague = f"{phones.name}b".title()
    expect(names).to_have_attribute("title", f"{colleague} · {LONG}")
    expect(names.locator(".ell").first).to_have_text(f"· {colleague}")
    cut = "all => all.map((one) => one.scrollWidth > one.clientWidth)"
    assert names.locator(".ell").evaluate_all(cut) == [False, True], "the customer's name gives way"
    expect(phones.page.get_by_role("heading", name="On hold")).to_be_visible()
    phones.hears(phones.desk, colleague=True)
    phones.hears(other, operator=True)
    phones.hears(phones.page)

    phones.press("Bring all together")
    expect(phones.desk.locator("#cti-words")).to_have_text("Conference")
    phones.hears(phones.desk, customer=True, colleague=True)
    phones.hears(other, customer=True, operator=True)
    phones.hears(phones.page, operator=True, colleague=True)
    press(other, "Mute")
    phones.hears(phones.page, operator=True)
    press(other, "Switch the microphone on")

    other.reload()
    connected(other)
    phones.hears(other, customer=True, operator=True)
    phones.desk.reload()
    connected(phones.desk)
    phones.hears(phones.page, operator=True, colleague=True)
    phones.desk.wait_for_timeout(2500)

    phones.press("Leave the call to the others")
    expect(phones.desk.locator("#cti")).to_contain_text("No call")
    expect(other.locator("#cti-words")).to_have_text("Talking")
    phones.hears(phones.page, colleague=True)
    phones.hears(other, customer=True)
    phones.hears(phones.desk)
    press(other, "Hang up")
    expect(phones.page.get_by_role("heading", name="The call is over")).to_be_visible()
    left, right = sides(phones.recording())
    assert loud(left, CUSTOMER_HZ) and not holds(left, COLLEAGUE_HZ), "the customer is on the left, alone"
    assert loud(right, OPERATOR_HZ) and holds(right, COLLEAGUE_HZ), "what the customer heard is on the right"
    desks.close()


def test_on_a_narrow_desk_nothing_of_a_call_is_hidden_or_cut(
    phones: Phones, speak: Callable[[float], Browser], troubles: Troubles
) -> None:
    desks = Windows(speak(COLLEAGUE_HZ), troubles)
    other = phones.colleague(desks)
    phones.become_available()
    phones.call(LONG)
    phones.answer(LONG)
    whole = "all => all.every((one) => { const box = one.getBoundingClientRect(); return box.width > 0 && box.right <= innerWidth; })"

    def stay(desk: Page, *names: str) -> None:
        for width in (900, 1023, 1366):
            desk.set_viewport_size({"width": width, "height": 768})
            assert desk.locator("#cti > *:not(script)").evaluate_all(whole), width
            for name in names:
                expect(desk.locator("#cti").get_by_role("button", name=name, exact=True)).to_be_visible()

    stay(phones.desk, "Pause the recording", "Consult a colleague", "Hang up")
    phones.press("Consult a colleague")
    phones.desk.locator("#dialog").get_by_role("button", name=f"{phones.name}b").click()
    # Whether he has answered is read, however long the names are.
    does = phones.desk.locator("#cti .does")
    expect(does).to_have_text("(it rings)")
    assert does.evaluate("one => one.getBoundingClientRect().right <= one.closest('.st').getBoundingClientRect().right")
    other.get_by_role("alertdialog", name="A colleague calls you").get_by_role("button", name="Answer").click()
    connected(other)
    stay(phones.desk, "Bring all together", "Leave the call to the others")
    stay(other, "Leave the call")
    desks.close()


def test_a_colleague_who_declines_leaves_the_customer_on_hold(
    phones: Phones, speak: Callable[[float], Browser], troubles: Troubles
) -> None:
    desks = Windows(speak(COLLEAGUE_HZ), troubles)
    other = phones.colleague(desks)
    phones.become_available()
    phones.call("Kate Larsen")
    phones.answer("Kate Larsen")
    phones.press("Consult a colleague")
    phones.desk.locator("#dialog").get_by_label("Note to the colleague").fill("she asks for a discount")
    phones.desk.locator("#dialog").get_by_role("button", name=f"{phones.name}b").click()
    toast = other.get_by_role("alertdialog", name="A colleague calls you")
    expect(toast).to_contain_text("she asks for a discount")
    toast.get_by_role("button", name="Decline").click()
    expect(phones.desk.get_by_text("declined. The customer is still on hold.")).to_be_visible()
    expect(phones.desk.locator("#cti-words")).to_have_text("On hold")
    phones.press("Take back")
    phones.hears(phones.page, operator=True)
    desks.close()


def test_a_supervisor_listens_whispers_and_speaks(
    phones: Phones, speak: Callable[[float], Browser], troubles: Troubles
) -> None:
    desks = Windows(speak(COLLEAGUE_HZ), troubles)
    boss = phones.colleague(desks, "supervisor")
    phones.become_available()
    phones.call("Kate Larsen")
    phones.answer("Kate Larsen")
    session = phones.desk.locator("[data-line]").first.get_attribute("data-line")
    boss.goto(f"{phones.stack.url}/board/session/{session}/")
    boss.get_by_role("button", name="Listen", exact=True).click()
    expect(boss.locator("#cti-words")).to_have_text("Listening")
    connected(boss)
    expect(phones.desk.locator("#cti")).to_contain_text("(listens)")
    phones.hears(boss, customer=True, operator=True)
    phones.hears(phones.page, operator=True)
    phones.hears(phones.desk, customer=True)
    press(boss, "Whisper to the operator")
    phones.hears(phones.desk, customer=True, colleague=True)
    phones.hears(phones.page, operator=True)
    press(boss, "Speak with all")
    phones.hears(phones.page, operator=True, colleague=True)
    press(boss, "Only listen")
    phones.hears(phones.page, operator=True)
    phones.hears(phones.desk, customer=True)
    press(boss, "Leave the call")
    expect(boss.locator("#cti")).to_contain_text("No call")
    expect(phones.desk.locator("#cti")).not_to_contain_text("(listens)")
    desks.close()
