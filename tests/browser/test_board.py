"""The board with real browsers: numbers that live, the way from a number to a talk, the acts of a supervisor."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Windows, make_like
from tests.browser.test_path import fits
from tests.servers import Stack

PAGES = ("", "queues/", "operators/", "alerts/", "contacts/?state=waiting", "contacts/?state=entered")


@pytest.fixture(scope="module")
def team(installation: Stack) -> None:
    installation.run("from tests.browser import plant_board; plant_board.plant()")
    for name in ("igor", "lev"):
        make_like(installation, "supervisor", name)


@pytest.fixture
def board(installation: Stack, team: None, windows: Windows) -> Page:
    page = windows.sign_in(installation.url, "rita")
    expect(page).to_have_url(re.compile("/board/$"))
    return page


def live(page: Page) -> Locator:
    return page.get_by_role("status").filter(has_text="● live")


def tile(page: Page, queue: str) -> Locator:
    return page.get_by_role("region", name="Queues").get_by_role("article", name=queue)


def open_menu(page: Page, of: str) -> None:
    page.get_by_label(of, exact=True).click()


def choose(page: Page, act: str) -> Locator:
    """Choose an act of the open menu; return its dialog."""
    page.locator("details[open]").get_by_role("button", name=act, exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def said(page: Page, text: str) -> None:
    expect(page.locator("#toasts").get_by_text(text)).to_be_visible()


def test_numbers_lead_to_the_contacts_behind_them(board: Page) -> None:
    expect(live(board)).to_be_visible()
    returns = tile(board, "Returns")
    waiting = returns.get_by_role("link", name="waiting 2")
    expect(waiting).to_be_visible()
    expect(board.get_by_role("link", name=re.compile("^Waiting 2"))).to_be_visible()
    expect(board.get_by_role("row", name=re.compile("Ann Ray Busy"))).to_be_visible()
    waiting.click()
    expect(board.get_by_role("heading", level=1)).to_have_text("Waiting 2")
    names = board.get_by_role("table").get_by_role("link")
    expect(names).to_have_text(["Walter First", "Wanda Second"])
    board.get_by_title("Remove this filter").click()
    expect(board).to_have_url(re.compile(r"\?state=waiting$"))
    board.get_by_role("link", name="Walter First").click()
    board.get_by_role("button", name="Why this operator").click()
    dialog = board.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name=re.compile("why nobody takes it now"))).to_be_visible()
    expect(dialog.get_by_role("row", name=re.compile("^Ann Ray full – 1.1 Busy"))).to_be_visible()
    fits(board)
    dialog.get_by_role("button", name="Close").last.click()
    expect(dialog).to_be_hidden()


def test_a_talk_is_read_whispered_into_and_taken_over(board: Page, installation: Stack, windows: Windows) -> None:
    ann = windows.sign_in(installation.url, "ann")
    expect(ann.get_by_role("log").get_by_text("The parcel is broken")).to_be_visible()

    board.get_by_role("row", name=re.compile("Ann Ray")).get_by_role("link", name="Load 1 of 1").click()
    board.get_by_role("link", name="Clara Held").click()
    log = board.get_by_role("log", name="Messages")
    expect(log.get_by_text("Please send a picture")).to_be_visible()
    expect(board.get_by_text("with Ann Ray")).to_be_visible()
    fits(board)
    board.get_by_label("Note to the operator").fill("Offer her a voucher")
    board.get_by_role("button", name="Whisper").click()
    said(board, "The note is in the session")
    expect(log.get_by_text("Offer her a voucher")).to_be_visible()
    expect(ann.get_by_role("log").get_by_text("Offer her a voucher")).to_be_visible()

    ann.get_by_label("Message", exact=True).fill("One moment")
    ann.keyboard.press("Enter")
    expect(log.get_by_text("One moment")).to_be_visible()

    board.get_by_role("button", name="Take over").click()
    dialog = board.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Take over the session with Clara Held")
    dialog.get_by_role("button", name="Take over").click()
    expect(board).to_have_url(re.compile(r"/desk/s/\d+/$"))
    expect(board.get_by_role("log").get_by_text("Offer her a voucher")).to_be_visible()


def test_who_waits_is_moved_and_raised(board: Page, installation: Stack) -> None:
    board.goto(f"{installation.url}/board/contacts/?state=waiting")
    board.get_by_role("link", name="Wanda Second").click()
    expect(board.locator("#head").get_by_text("waits")).to_be_visible()
    board.get_by_role("button", name="Priority").click()
    dialog = board.get_by_role("dialog")
    dialog.get_by_label("Priority").fill("99")
    dialog.get_by_role("button", name="Set the priority").click()
    expect(dialog.get_by_role("alert")).to_be_focused()
    dialog.get_by_label("Priority").fill("5")
    dialog.get_by_role("button", name="Set the priority").click()
    said(board, "The priority is 5")
    expect(board.get_by_text("priority 5")).to_be_visible()

    board.get_by_role("button", name="Move", exact=True).click()
    dialog = board.get_by_role("dialog")
    dialog.get_by_label("To", exact=True).select_option(label="Refunds")
    dialog.get_by_label("Note to the colleague").fill("Wants the money back")
    dialog.get_by_role("button", name="Move", exact=True).click()
    said(board, "The session is moved")
    expect(board.locator("#head").get_by_text("Refunds")).to_be_visible()
    expect(
        board.get_by_role("log", name="Messages").get_by_text("Note of Rita Ray: Wants the money back")
    ).to_be_visible()


def test_a_queue_is_closed_with_a_message_and_opened(board: Page) -> None:
    open_menu(board, "Acts on the queue Returns")
    dialog = choose(board, "Close")
    expect(dialog.get_by_role("heading")).to_have_text("Close the queue Returns")
    dialog.get_by_label("For").select_option(label="1 hour")
    dialog.get_by_label("Message to those who wait").fill("We are back in an hour")
    dialog.get_by_role("button", name="Close the queue").click()
    said(board, "Returns is closed")
    expect(tile(board, "Returns").get_by_text("closed")).to_be_visible()
    alerts = board.get_by_role("group", name=re.compile("Alerts"))
    expect(alerts.get_by_text("closed till")).to_be_visible()
    # A reader of the screen hears it once.
    expect(board.get_by_role("status").filter(has_text="Returns: closed till")).to_have_count(1)
    alerts.get_by_role("button", name="Open").click()
    board.get_by_role("dialog").get_by_role("button", name="Open the queue").click()
    expect(alerts.get_by_text("closed till")).to_be_hidden()
    expect(tile(board, "Returns").get_by_text("closed")).to_be_hidden()
    board.goto(board.url + "contacts/?state=waiting")
    board.get_by_role("link", name="Walter First").click()
    expect(board.get_by_role("log", name="Messages").get_by_text("We are back in an hour")).to_be_visible()


def test_an_operator_is_lent_and_his_state_is_set(board: Page) -> None:
    open_menu(board, "Acts on Bob Ray")
    dialog = choose(board, "Lend to a queue")
    dialog.get_by_label("Queue").select_option(label="Returns")
    dialog.get_by_role("button", name="Lend").click()
    said(board, "Bob Ray serves Returns too")
    expect(board.get_by_role("row", name=re.compile("Bob Ray Lunch"))).to_be_visible()
    open_menu(board, "Acts on Bob Ray")
    dialog = choose(board, "Change the state")
    dialog.get_by_label("State").select_option(label="Available")
    dialog.get_by_role("button", name="Set the state").click()
    said(board, "Bob Ray: Available")
    expect(board.get_by_role("row", name=re.compile("Bob Ray Available"))).to_be_visible()
    # What waited in the queue he was lent to is offered to him, and nobody takes it: he stops responding.
    open_menu(board, "Acts on Bob Ray")
    dialog = choose(board, "Move all contacts to the queue")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()


def test_operators_are_sorted_and_filtered(board: Page) -> None:
    rows = board.locator("#operators tr")
    expect(rows.first).to_be_visible()
    board.get_by_role("button", name="Operator", exact=True).click()
    expect(board.get_by_role("columnheader", name="Operator")).to_have_attribute("aria-sort", "ascending")
    names = rows.locator("a.name").all_text_contents()
    assert names == sorted(names) and len(names) >= 3
    board.get_by_role("group", name="State").get_by_role("button", name=re.compile("Free")).click()
    expect(rows.filter(has_not_text="Available")).to_have_count(0)


def test_the_wall_by_key_and_back(board: Page) -> None:
    live(board).wait_for()
    board.keyboard.press("w")
    expect(board.get_by_role("heading", name="Contact center, now")).to_be_visible()
    expect(board.get_by_role("navigation", name="Areas")).to_be_hidden()
    assert board.url.endswith("?wall")
    board.reload()
    expect(board.get_by_role("heading", name="Contact center, now")).to_be_visible()
    board.keyboard.press("Escape")
    expect(board.get_by_role("navigation", name="Areas")).to_be_visible()


def test_the_wall_has_an_address_is_dark_and_shows_all_without_scrolling(
    installation: Stack, team: None, windows: Windows
) -> None:
    page = windows.sign_in(installation.url, "rita", width=1920, height=1080)
    page.goto(f"{installation.url}/board/?wall")
    expect(page.get_by_role("heading", name="Contact center, now")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(tile(page, "Returns")).to_be_visible()
    # Nothing can be pressed; numbers stay links for a reader of the screen.
    expect(page.locator("button:visible, select:visible, summary:visible, input:visible")).to_have_count(0)
    assert page.evaluate("document.querySelector('#work').scrollHeight <= innerHeight")
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")


def test_a_threshold_rings_once_by_keyboard_and_is_muted(installation: Stack, team: None, windows: Windows) -> None:
    board = windows.sign_in(installation.url, "rita")
    board.add_init_script(
        """window.rung = 0; window.told = [];
        window.AudioContext = class { constructor() { window.rung += 1; throw new Error("no sound here"); } };
        window.Notification = class { static permission = "granted"; constructor(title, { body }) { window.told.push(title + ": " + body); } addEventListener() {} };
        Object.defineProperty(document, "visibilityState", { get: () => "hidden" });"""
    )
    board.goto(f"{installation.url}/board/")
    expect(live(board)).to_be_visible()
    menu = tile(board, "Returns").get_by_label("Acts on the queue Returns")

    def set_limit(value: str) -> None:
        menu.focus()
        board.keyboard.press("Enter")
        board.locator("details[open]").get_by_role("button", name="Thresholds").focus()
        board.keyboard.press("Enter")
        dialog = board.get_by_role("dialog")
        expect(dialog.get_by_role("heading")).to_have_text("When Returns calls")
        dialog.get_by_label("So many wait").fill(value)
        board.keyboard.press("Enter")
        expect(dialog).to_be_hidden()

    alert = board.get_by_role("group", name=re.compile("Alerts")).get_by_text(re.compile("wait, the limit is"))
    set_limit("99")
    expect(alert).to_have_count(0)
    set_limit("1")
    # How many wait there still, the tests before this one tell.
    expect(alert).to_have_text(re.compile(r"^\d wait, the limit is 1$"))
    # Other things may ring besides: a contact that is offered.
    reached = "told.filter((words) => words.startsWith('Returns'))"
    assert board.evaluate(reached) == [f"Returns: {alert.text_content()}"] and board.evaluate("rung") >= 1
    # What is reached when the page opens is shown and does not ring; the bell mutes it on this user's boards.
    board.reload()
    expect(alert).to_be_visible()
    assert board.evaluate(reached) == []
    bell = board.get_by_role("button", name="Mute the thresholds")
    bell.focus()
    board.keyboard.press("Enter")
    expect(bell).to_have_attribute("aria-pressed", "true")
    set_limit("")
    expect(alert).to_have_count(0)
    set_limit("1")
    expect(alert).to_be_visible()
    assert board.evaluate(reached) == []
    set_limit("")


def test_tiles_by_queue_channel_and_team(installation: Stack, team: None, windows: Windows) -> None:
    page = windows.sign_in(installation.url, "igor")
    page.goto(f"{installation.url}/board/")
    tiles = page.locator(".cx-tile")
    expect(tiles).to_have_count(6)
    page.get_by_label("Tiles").select_option(label="By team")
    expect(tiles).to_have_count(2)
    expect(tiles.first.get_by_role("link").first).to_have_attribute("href", re.compile(r"\?team=\d+$"))
    page.get_by_label("Tiles").select_option(label="By channel")
    expect(tiles).to_have_count(2)
    expect(page).to_have_url(re.compile("by=kind"))
    page.reload()
    for kind in ("Web chat", "Voice"):
        expect(page.locator(".cx-tile").get_by_role("link", name=kind, exact=True)).to_be_visible()


def test_a_lost_line_is_told_and_numbers_come_again(board: Page, installation: Stack) -> None:
    expect(live(board)).to_be_visible()
    board.context.set_offline(True)
    board.evaluate("window.dispatchEvent(new Event('offline'))")
    expect(board.get_by_role("status").filter(has_text="no connection")).to_be_visible(timeout=45_000)
    board.context.set_offline(False)
    expect(live(board)).to_be_visible(timeout=15_000)


def cut(page: Page) -> list[str]:
    """Return numbers and words of the board that do not fit their place."""
    return page.evaluate(
        """[...document.querySelectorAll(".cx-kpi .v, .cx-kpi .k, .cx-tile .v, .cx-tile .k, .cx-tile .ft, .cx-ph h2, .cx-ph .cx-chips, .cx-alert .act, .cx-wallfoot > div, .cx-ops td, .cx-table td")]
        .filter((el) => el.offsetParent && (el.scrollWidth > el.clientWidth + 1 || el.getBoundingClientRect().right > innerWidth + 1))
        .map((el) => el.className + ": " + el.textContent.trim().slice(0, 60))"""
    )


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1920, 1080)])
def test_nothing_overflows(
    installation: Stack, team: None, windows: Windows, language: str, width: int, height: int
) -> None:
    """He supervises what the supervisor of the demo does: two teams, six queues, long Russian names."""
    page = windows.sign_in(installation.url, "lev", width=width, height=height)
    speak(page, language)
    for address in PAGES:
        page.goto(f"{installation.url}/board/{address}")
        page.locator("#live span").filter(has_text="●").wait_for()
        fits(page)
        assert cut(page) == [], address
    page.goto(f"{installation.url}/board/?wall")
    page.locator(".cx-tile").first.wait_for()
    assert cut(page) == []
    assert page.evaluate("document.querySelector('#work').scrollHeight <= innerHeight")


def speak(page: Page, language: str) -> None:
    page.evaluate(
        """async (language) => {
            const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
            await fetch("/preferences/", {method: "POST", headers: {"X-CSRFToken": token}, body: new URLSearchParams({language})});
        }""",
        language,
    )


def test_one_team_of_several(installation: Stack, team: None, windows: Windows) -> None:
    page = windows.sign_in(installation.url, "igor")
    page.goto(f"{installation.url}/board/")
    tiles = page.locator(".cx-tile")
    expect(tiles).to_have_count(6)
    page.locator("#team").select_option(label="Sales")
    expect(tiles).to_have_count(2)
    # The choice goes along to the other sections, and with the numbers to their contacts.
    page.locator("#sections a").nth(1).click()
    expect(page.locator("#queues tr:not(.sub)")).to_have_count(2)
    page.locator("#sections a").first.click()
    expect(page.locator("[data-kpi=waiting]")).to_have_attribute("href", re.compile(r"team=\d+"))


def test_an_operator_has_no_way_to_the_board(installation: Stack, team: None, windows: Windows) -> None:
    page = windows.sign_in(installation.url, "eve")
    expect(page.get_by_role("navigation", name="Areas").get_by_text("Live board")).to_have_count(0)
    page.goto(f"{installation.url}/board/")
    expect(page.get_by_text("see the live board")).to_be_visible()
