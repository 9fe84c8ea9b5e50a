"""Open tabs through bad luck: dropped lines, killed processes, a killed Valkey and PostgreSQL.

Nothing is lost, doubled or out of order, on either side, and the visitor's page never learns of a note.
"""

import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows
from tests.browser.people import Operator, Visitor
from tests.browser.shop import Shop
from tests.servers import Stack

ROUNDS = 24
SHOWN = (
    "[...document.querySelectorAll('.cx-msg:not(.note)')].map((m) => (m.querySelector('.txt') || m).innerText.trim())"
)
STORED = (
    "from interactions.models import Message; "
    "print('\\n'.join(m.text for m in Message.objects.filter(audience='all', author__in=['customer', 'staff'])"
    ".order_by('thread_id', 'seq') if m.text.startswith('#')))"
)


@pytest.fixture(scope="module")
def own() -> Stack:
    """An installation of its own: its servers are killed."""
    with Stack() as stack:
        stack.manage("migrate", "--verbosity=0")
        stack.manage("seed_demo")
        stack.start_web(2)
        stack.start_worker("now")
        stack.start_beat()
        yield stack


def drop_lines(page: Page) -> None:
    """Cut the page's network for a moment: its sockets break, its requests fail."""
    page.context.set_offline(True)
    page.wait_for_timeout(400)
    page.context.set_offline(False)


def strike(stack: Stack, number: int, operator: Operator, visitor: Visitor) -> None:
    """What happens in which round."""
    if number == 5:
        stack.kill("web1")
        stack.restart("web1")
    elif number == 9:
        stack.kill("valkey")
        stack.restart("valkey")
    elif number == 13:
        stack.kill("postgres")
        stack.restart("postgres")
        stack.wait_ready()
    elif number % 6 == 3:
        drop_lines(operator.page)
    elif number % 6 == 1:
        drop_lines(visitor.page)


def settled(read, wanted: list[str], limit_s: float = 60) -> list[str]:
    """Wait until `read()` shows what is wanted; returns what it shows at last."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if (shown := read()) == wanted:
            break
        time.sleep(0.5)
    return shown


def test_nothing_is_lost_doubled_or_out_of_order(own: Stack, chromium) -> None:
    # Errors of the server are what this test makes: only the outcome counts here.
    windows = Windows(chromium, None)
    with Shop(own.url) as shop:
        own.run(
            f"from interactions.models import Site; s = Site.objects.get(key='demo'); s.origins = ['{shop.url}']; s.save()",
        )
        operator = Operator(windows.sign_in(own.url, "operator1"))
        operator.ru = operator.page.locator("html").get_attribute("lang") == "ru"
        operator.become_available()
        visitor_page = windows.open()
        heard: list[str] = []
        visitor_page.on("websocket", lambda ws: ws.on("framereceived", lambda payload: heard.append(str(payload))))
        visitor = Visitor(visitor_page, shop.url)
        visitor.start("Ekaterina Vorontsova", "#v0 hello")
        operator.accept("Ekaterina Vorontsova")

        for number in range(1, ROUNDS + 1):
            strike(own, number, operator, visitor)
            operator.message.fill(f"#o{number} answer")
            operator.page.keyboard.press("Enter")
            visitor.frame.get_by_label("Your message").fill(f"#v{number} question")
            visitor.frame.get_by_role("button", name="Send").click()
            if number % 8 == 0:
                operator.note(f"secret {number}")
            operator.page.wait_for_timeout(120)

        sent = {f"#o{n} answer" for n in range(1, ROUNDS + 1)} | {f"#v{n} question" for n in range(1, ROUNDS + 1)}
        end = time.monotonic() + 60
        stored: list[str] = []
        while time.monotonic() < end and set(stored) != sent | {"#v0 hello"}:
            stored = [line for line in own.run(STORED).splitlines() if line.startswith("#")]
        assert sorted(stored) == sorted(sent | {"#v0 hello"}), "lost or doubled on the way in"

        def at_operator() -> list[str]:
            return [text for text in operator.page.evaluate(SHOWN) if text.startswith("#")]

        def at_visitor() -> list[str]:
            lines = visitor.frame.get_by_role("log").inner_text().splitlines()
            return [line.strip() for line in lines if line.strip().startswith("#")]

        assert settled(at_operator, stored) == stored
        assert settled(at_visitor, stored) == stored
        expect(operator.log.get_by_text("secret 16")).to_have_count(1)
        assert "secret" not in visitor.frame.get_by_role("log").inner_text()
        assert not [frame for frame in heard if "secret" in frame]
    windows.close()
