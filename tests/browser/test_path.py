"""The whole path with real browsers: a visitor on another origin, operators at the desk."""

import re
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows
from tests.browser.people import Operator, Visitor
from tests.browser.shop import Shop
from tests.servers import Stack

LISTS = ("", "cases/", "cases/?show=overdue", "tasks/", "customers/", "customers/?q=Nobody", "knowledge/")


def picture(path: Path) -> Path:
    """Write a small PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\x00" + b"\x30\x80\xd0" * 40 for _ in range(40))
    head = struct.pack(">IIBBBBB", 40, 40, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    return path


def fits(page: Page) -> None:
    """Nothing overflows the window, no button's words are cut, and no section is scrolled away."""
    # Another font stands in for ours until it is here, and is wider.
    page.evaluate("document.fonts.ready.then(() => true)")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"the page is {wide} px wider than the window"
    cut = page.evaluate(
        """[...document.querySelectorAll("button:not(.ell), .cx-sec a, .cx-chip, .btn")]
        .filter((el) => el.offsetParent && !el.closest(".cx-tab, .cx-row, .cx-pick, .cx-scroll") &&
                (el.scrollWidth > el.clientWidth + 1 || el.getBoundingClientRect().right > innerWidth + 1))
        .map((el) => el.textContent.trim().slice(0, 40) || el.ariaLabel)"""
    )
    assert not cut, f"cut: {cut}"
    hidden = page.evaluate(
        "[...document.querySelectorAll('.cx-sec')].filter((el) => el.scrollWidth > el.clientWidth + 1).map((el) => el.ariaLabel)"
    )
    assert not hidden, f"sections scroll: {hidden} on {page.url}"


def numbers(board: Page, *names: str) -> dict[str, int]:
    """How many were answered today, and how many contacts each of these operators has handled, as the board says."""
    found = {"answered": int(board.locator("[data-kpi=answered] [data-f=value]").inner_text())}
    for name in names:
        told = board.locator("#operators tr").filter(has_text=name).locator("[data-f=aht]").get_attribute("title")
        found[name] = int(re.search(r"\d+", told or "")[0])
    return found


def becomes(read: Callable[[], object], wanted: object, limit_s: float = 30) -> None:
    """Wait until what is read is what is wanted."""
    deadline = time.monotonic() + limit_s
    while (found := read()) != wanted and time.monotonic() < deadline:
        time.sleep(0.3)
    assert found == wanted


def speak(installation: Stack, language: str, *logins: str) -> None:
    people = f"User.objects.filter(username__in={logins})"
    installation.run(f"from cxcenter.accounts.models import User; {people}.update(language={language!r})")


@pytest.mark.parametrize("russian", [False, True], ids=["en", "ru"])
def test_whole_path(installation: Stack, shop: Shop, windows: Windows, tmp_path: Path, russian: bool) -> None:
    def _(english: str, russian_words: str) -> str:
        return russian_words if russian else english

    first_login, second_login = ("operator2", "operator4") if russian else ("operator1", "operator3")
    speak(installation, _("en", "ru"), first_login, second_login)
    name = _("Ekaterina Vorontsova", "Екатерина Воронцова")
    board = windows.sign_in(installation.url, "supervisor")
    board.goto(f"{installation.url}/board/")
    answered, waiting = (board.locator(f"[data-kpi={name}] [data-f=value]") for name in ("answered", "waiting"))
    expect(answered).to_have_text(re.compile(r"^\d+$"), timeout=20_000)
    first = Operator(windows.sign_in(installation.url, first_login), russian=russian)
    first_name = first.page.locator("body").get_attribute("data-name")

    # He who is on duty is not free: the visitor waits and sees his place, the supervisor sees who waits.
    first.pause()
    visitor = Visitor(windows.open(), shop.url, russian=russian)
    visitor.start(name, "Where is my car?")
    place = visitor.frame.get_by_role("status").filter(
        has_text=re.compile(_("You are (next|number)", "Ваша очередь — следующая|Ваше место в очереди"))
    )
    expect(place).to_be_visible()
    expect(waiting).to_have_text("1")
    before = numbers(board, first_name)
    fits(first.page)
    first.become_available()
    expect(first.page.get_by_role("alertdialog").filter(has_text=name)).to_be_visible()
    fits(first.page)
    first.accept(name)
    expect(place).to_be_hidden()
    visitor.reads(first_name.split()[0])
    expect(waiting).to_have_text("0")
    fits(first.page)

    first.say("Good day, I am looking into it")
    visitor.reads("Good day, I am looking into it")
    visitor.send_file(picture(tmp_path / "order.png"))
    expect(first.log.get_by_text("order.png")).to_be_visible()
    first.note("Ask the dealer first")
    visitor.say("Thank you")
    expect(first.log.get_by_text("Thank you")).to_be_visible()
    assert visitor.frame.get_by_text("Ask the dealer first").count() == 0
    for section in (_("Cases", "Обращения"), _("Tasks", "Задачи"), _("Knowledge", "База знаний")):
        first.open_section(section)
        fits(first.page)
    first.open_section(_("Customer card", "Карточка клиента"))

    second = Operator(windows.sign_in(installation.url, second_login), russian=russian)
    second.become_available()
    second_name = second.page.locator("body").get_attribute("data-name")
    before[second_name] = numbers(board, second_name)[second_name]
    fits(first.open_transfer().page)
    first.page.keyboard.press("Escape")
    first.transfer_to(second_name, "She needs a date")
    expect(second.page.get_by_role("alertdialog").get_by_text("She needs a date")).to_be_visible()
    fits(second.page)
    second.accept(name)
    expect(second.log.get_by_text("Where is my car?")).to_be_visible()
    second.say("The car is ready on Friday")
    visitor.reads("The car is ready on Friday")

    second.finish()
    fits(second.page)
    second.wrap_up("Promised Friday")
    rating = visitor.frame.locator("form.wd-rate")
    rating.locator("input[name=csat][value='5']").check(force=True)
    rating.locator("input[name=ces][value='6']").check(force=True)
    rating.get_by_role("textbox").fill("Quick and clear")
    rating.locator("button[type=submit]").click()
    expect(rating).to_be_hidden()

    # The board has counted: he was answered by both, and both have handled him.
    after = {
        "answered": before["answered"] + 2,
        first_name: before[first_name] + 1,
        second_name: before[second_name] + 1,
    }
    becomes(lambda: numbers(board, first_name, second_name), after)

    # The timeline of his card tells of it, and leads to the session with the transfer in it.
    second.page.goto(f"{installation.url}/desk/customers/")
    second.page.get_by_role("table").get_by_role("link").first.click()
    timeline = second.page.locator("#timeline .cx-tlist")
    rated = _("Rated: satisfaction 5 of 5, effort 6 of 7", "Оценка: удовлетворённость 5 из 5, лёгкость 6 из 7")
    ended = _("Session ended: finished by the operator", "Конец сессии: завершено оператором")
    began = _("Web chat: a session began", "Чат на сайте: начало сессии")
    expect(timeline.get_by_role("listitem").filter(has_text=rated)).to_have_count(1)
    expect(timeline.get_by_role("listitem").filter(has_text=ended)).to_have_count(1)
    fits(second.page)
    timeline.get_by_role("link", name=began).click()
    expect(second.page.get_by_role("heading", level=1)).to_have_text(name)
    expect(second.log.get_by_text("She needs a date")).to_be_visible()
    first.end_shift()
    second.end_shift()
    expect(second.page.locator("#status summary")).to_have_attribute("data-current", "offline")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_nothing_overflows_on_the_other_pages(installation: Stack, windows: Windows, language: str) -> None:
    speak(installation, language, "senior1")
    page = windows.open(locale=language)
    page.goto(f"{installation.url}/sign-in/")
    fits(page)
    page = windows.sign_in(installation.url, "senior1")
    expect(page.locator("html")).to_have_attribute("lang", language)
    for address in LISTS:
        page.goto(f"{installation.url}/desk/{address}")
        fits(page)
        first = page.get_by_role("main").get_by_role("link").first
        if address.endswith("/") and first.count():
            first.click()
            page.wait_for_load_state()
            fits(page)


def test_reload_and_a_second_browser_show_the_same(installation: Stack, shop: Shop, windows: Windows) -> None:
    operator = Operator(windows.sign_in(installation.url, "operator5"))
    operator.page.goto(f"{installation.url}/desk/")
    language = operator.page.locator("html").get_attribute("lang")
    operator.ru = language == "ru"
    operator.become_available()
    visitor = Visitor(windows.open(), shop.url)
    visitor.start("Timur Safin", "Do you have pads?")
    operator.accept("Timur Safin")
    operator.say("Yes, on Monday")
    operator.message.fill("half a thought")
    operator.page.wait_for_timeout(1800)
    again = Operator(windows.sign_in(installation.url, "operator5"), russian=operator.ru)
    again.page.goto(operator.page.url)
    expect(again.log.get_by_text("Yes, on Monday")).to_be_visible()
    expect(again.message).to_have_value("half a thought")
    operator.page.reload()
    expect(operator.message).to_have_value("half a thought")
    assert operator.log.inner_text() == again.log.inner_text()
    # What one window sends the other shows, once.
    operator.message.fill("")
    operator.say("Shall I keep a set?")
    expect(again.log.get_by_text("Shall I keep a set?")).to_have_count(1)
    # The visitor comes back to his talk after a reload.
    visitor.page.reload()
    visitor.open_chat()
    visitor.reads("Shall I keep a set?")
    operator.finish()
    operator.wrap_up("")
    operator.end_shift()
