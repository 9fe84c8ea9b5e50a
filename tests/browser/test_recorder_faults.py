"""Faults while a real browser records: its tab crashes, the server does not take what it sends, it has no store of its own."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, expect

from tests import sounds
from tests.browser.conftest import Windows, make_like
from tests.browser.test_player import RECORD, SESSION, told, until, wait
from tests.servers import Stack

PIECES = """
from interactions.models import Recording
print(sorted(Recording.objects.get(public_id="{key}").pieces.values_list("number", flat=True)))
"""
AGE = """
from datetime import timedelta
from django.utils import timezone
from interactions.models import Recording
Recording.objects.filter(public_id="{key}").update(last_piece_at=timezone.now() - timedelta(minutes=5))
"""
# What goes wrong is shown as the desk shows it.
SHOWN = RECORD.replace(
    "onTrouble: (error) => troubles.push(error && error.message)",
    "onTrouble: (error) => { troubles.push(error && error.message); if (error) complain(error); }",
).replace("const context", 'const { complain } = await import("/static/cx/toast.js");\n  const context', 1)  # fmt: skip
NO_STORE = {
    "none": "Object.defineProperty(window, 'indexedDB', { get() { throw new DOMException('no', 'SecurityError'); } });",
    "refused": "IDBFactory.prototype.open = function () { const asked = new EventTarget(); setTimeout(() => asked.onerror?.(), 10); return asked; };",
    "hangs": "IDBFactory.prototype.open = () => ({});",
    "full": "IDBObjectStore.prototype.add = function () { throw new DOMException('full', 'QuotaExceededError'); };",
}


@pytest.fixture
def who(installation: Stack, request: pytest.FixtureRequest) -> str:
    """An operator of the test's own: the call of the one before may still be in his hands."""
    name = re.sub(r"\W+", "-", request.node.name)[-30:]
    make_like(installation, "operator5", name)
    return name


def session_of(house: Stack, who: str) -> int:
    return int(house.run(SESSION.format(who=who)).split()[-1])


def here(house: Stack, key: str) -> list[int]:
    return [int(n) for n in re.findall(r"\d+", house.run(PIECES.format(key=key)).splitlines()[-1])]


def whole(house: Stack, key: str) -> float:
    """Its length in seconds, if both sides sound from its beginning to its end."""
    state, path, _marks, _pieces, _ended = told(house, key)
    assert state == "ready"
    both = sounds.decoded(Path(path).read_bytes())
    length = both.shape[1] / sounds.RATE
    for second in range(1, int(length) - 1):
        heard = sounds.part(both, second, second + 1)
        # Half as loud as can be; a busy machine drops some of it, but no second is silent.
        assert min(sounds.level(heard[0], 440), sounds.level(heard[1], 1200)) > 0.25, second
    return length


def test_a_tab_that_crashes_loses_5_seconds_at_the_most(installation: Stack, windows: Windows, who: str) -> None:
    """Its process is gone in the midst of the call, and the network was bad before: the next page sends what it had."""
    page = windows.sign_in(installation.url, who)
    page.route(re.compile("/pieces/[2-9]"), lambda route: route.abort())
    key = page.evaluate(SHOWN, [session_of(installation, who), 60])
    wait(page, 10)
    recorded = float(page.evaluate("recorder.at"))
    with page.expect_event("crash"):
        crash(page)
    assert here(installation, key) == [0, 1]
    other = page.context.new_page()
    other.goto(f"{installation.url}/desk/tasks/")
    for _ in range(60):
        if len(here(installation, key)) >= 3:
            break
        wait(other, 0.25)
    wait(other, 0.5)
    installation.run(AGE.format(key=key))
    lost = recorded - whole(installation, key)
    assert lost < 5, f"{lost:.1f} s are lost"
    assert here(installation, key) == list(range(len(here(installation, key))))


def crash(page: Page) -> None:
    """Let the process of a tab crash, as it stands (the command Page.crash does the same and never answers)."""
    with pytest.raises(Error, match=r"(?i)crash"):
        page.goto("chrome://crash")


@pytest.mark.parametrize("fault", ["507", "500", "cut"])
def test_what_the_server_does_not_take_is_said_and_comes_later(
    installation: Stack, windows: Windows, who: str, fault: str
) -> None:
    page = windows.sign_in(installation.url, who)
    assert windows.troubles is not None
    windows.troubles.own = "/pieces/1/"
    failed: list[str] = []

    def refuse(route) -> None:
        if len(failed) == 3:
            return route.fallback()
        failed.append(route.request.url)
        if fault == "cut":
            return route.abort("connectionreset")
        full = '{"code": "no_room", "message": "The recording could not be stored (No space left on device)."}'
        return route.fulfill(status=int(fault), content_type="application/json", body=full if fault == "507" else "{}")

    page.route(re.compile("/pieces/1/"), refuse)
    key = page.evaluate(SHOWN, [session_of(installation, who), 60])
    words = "No space left on device" if fault == "507" else "sent again"
    expect(page.locator("#toasts .bad", has_text=words)).to_be_visible(timeout=8000)
    assert here(installation, key) == [0], "the order stays"
    wait(page, 4)
    page.evaluate("recorder.stop().then(() => recorder.sent)")
    until(page, "troubles.length === 2")
    assert page.evaluate("troubles[1]") is None and len(failed) == 3, "said once, and once that it is over"
    assert here(installation, key) == list(range(len(here(installation, key)))) and len(here(installation, key)) >= 3
    assert whole(installation, key) > 6


@pytest.mark.parametrize("store", NO_STORE)
def test_a_browser_without_a_store_records_all_the_same(
    installation: Stack, windows: Windows, who: str, store: str
) -> None:
    page = windows.sign_in(installation.url, who)
    page.context.add_init_script(NO_STORE[store])
    page.goto(f"{installation.url}/desk/tasks/")
    failed: list[str] = []
    page.route(
        re.compile("/pieces/1/"),
        lambda route: route.fallback() if failed else (failed.append("once"), route.abort()),
    )
    key = page.evaluate(SHOWN, [session_of(installation, who), 60])
    wait(page, 7)
    page.evaluate("recorder.stop().then(() => recorder.sent)")
    pieces = here(installation, key)
    assert pieces == list(range(len(pieces))) and len(pieces) >= 3 and failed == ["once"]
    assert whole(installation, key) > 5.5
