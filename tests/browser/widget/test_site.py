"""The site around the frame: where its visitor was, what it reports, the demo shop."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from customers.models import Identity
from cxcenter.core.models import Event
from cxcenter.management.launch import services
from interactions.models import Interaction, Thread
from tests.browser.conftest import Windows
from tests.browser.shop import Shop
from tests.browser.widget.people import Place, Visitor, stored, wait_for
from tests.servers import ROOT, Stack

pytestmark = pytest.mark.django_db(transaction=True)


def test_where_a_visitor_was_comes_with_his_first_words(windows: Windows, norda: Shop, place: Place) -> None:
    with place.changed(tracked_types=["cart_add"]):
        visitor = Visitor(windows.open()).visit(norda.url, "/?utm_source=mail&utm_campaign=winter")
        expect(visitor.page.get_by_role("button", name="Open chat")).to_be_visible()
        visitor.page.evaluate("cxcenter.track('cart_add', {sku: 'W-16', price: 9800})")
        visitor.page.evaluate("history.pushState({}, '', '/wheels'); document.title = 'Wheels'")
        visitor.page.wait_for_timeout(500)
        assert Event.objects.filter(kind="site.event").count() == Identity.objects.filter(kind="visitor").count() == 0
        visitor.open().fill_in().say("Hello")
        stored("Hello")
    kept = [(e.payload["type"], e.payload["data"]) for e in Event.objects.filter(kind="site.event").order_by("pk")]
    assert ("cart_add", {"sku": "W-16", "price": 9800}) in kept
    assert [data["url"] for kind, data in kept if kind == "page_view"] == [f"{norda.url}/", f"{norda.url}/wheels"]
    chat = Interaction.objects.get()
    assert chat.page["url"] == f"{norda.url}/wheels" and chat.page["title"] == "Wheels"
    assert chat.page["utm"] == {"source": "mail", "campaign": "winter"}
    # From now on each page is told at once.
    visitor.page.evaluate("history.pushState({}, '', '/basket')")
    wait_for(lambda: Thread.objects.get().page["url"] == f"{norda.url}/basket", "the page he is on")


def test_a_chatty_site_does_not_lock_its_visitors_out(windows: Windows, norda: Shop, place: Place) -> None:
    warned: list[str] = []
    with place.changed(tracked_types=["seen"]):
        visitor = Visitor(windows.open()).visit(norda.url)
        visitor.page.on("console", lambda message: warned.append(message.text))
        visitor.page.evaluate("cxcenter.track('seen', {all: 'x'.repeat(100000)})")
        visitor.page.evaluate("cxcenter.track('seen', {cut: 'half a \\ud83d'})")
        visitor.page.evaluate("for (let n = 0; n < 25; n++) cxcenter.track('seen', {n, text: 'ы'.repeat(1000)})")
        visitor.open().fill_in().say("Hello")
        stored("Hello")
    kept = [e.payload["data"] for e in Event.objects.filter(kind="site.event", payload__type="seen").order_by("at")]
    assert len(kept) > 5 and kept[-1]["n"] == 24
    assert len([text for text in warned if "cxcenter.track: seen was dropped" in text]) == 2


def test_what_a_site_reports_survives_leaving_the_page(windows: Windows, norda: Shop, place: Place) -> None:
    """The visitor is gone before the frame is there: the next page brings the report."""
    with place.changed(tracked_types=["cart_add"]):
        page = windows.open()
        page.route("**/widget/frame/**", lambda route: None)
        page.goto(norda.url + "/one", wait_until="commit")
        page.wait_for_function("!!window.cxcenter")
        page.evaluate("cxcenter.track('cart_add', {sku: 'W-16'})")
        page.goto(norda.url + "/two")
        page.unroute("**/widget/frame/**")
        visitor = Visitor(page).begin(norda.url + "/three")
        kept = [(e.payload["type"], e.payload["data"]) for e in Event.objects.filter(kind="site.event").order_by("at")]
        assert [data["url"] for kind, data in kept if kind == "page_view"] == [
            f"{norda.url}/{name}" for name in ("one", "two", "three/")
        ]
        assert ("cart_add", {"sku": "W-16"}) in kept and len(kept) == 4
        assert page.evaluate("sessionStorage.length") == 0
        # So it does in a talk whose line is cut.
        page.route("**/widget/api/track", lambda route: route.abort())
        page.evaluate("cxcenter.track('cart_add', {sku: 'T-205'})")
        page.wait_for_timeout(300)
        page.unroute("**/widget/api/track")
        visitor.visit(norda.url, "/four")
        wait_for(lambda: Thread.objects.get().page["url"] == f"{norda.url}/four", "the page he is on")
    kept = [e.payload["data"] for e in Event.objects.filter(kind="site.event", payload__type="cart_add").order_by("at")]
    assert kept == [{"sku": "W-16"}, {"sku": "T-205"}]


def test_the_page_can_open_the_chat_and_says_who_is_signed_in(windows: Windows, norda: Shop, place: Place) -> None:
    import jwt

    visitor = Visitor(windows.open()).visit(norda.url)
    expect(visitor.page.get_by_role("button", name="Open chat")).to_be_visible()
    token = jwt.encode({"sub": "u-17", "exp": int(time.time()) + 200, "name": "Kate"}, place.site.user_secret, "HS256")
    visitor.page.evaluate("(token) => { cxcenter.identify(token); cxcenter.open(); }", token)
    expect(visitor.frame.get_by_label("Your name")).to_have_value("Kate")
    visitor.frame.get_by_role("button", name="Start the chat").click()
    visitor.say("It is me")
    stored("It is me")
    assert Thread.objects.get().identity.value == f"{place.site.key}:u-17"
    # After signing out nothing of his is left in the tab, nor for the next one at this computer.
    visitor.page.evaluate("cxcenter.identify(null)")
    expect(visitor.frame.get_by_role("button", name="Start the chat")).to_be_visible()
    expect(visitor.frame.get_by_text("It is me")).to_have_count(0)
    other = Visitor(visitor.page.context.new_page()).visit(norda.url).open()
    expect(other.frame.get_by_role("button", name="Start the chat")).to_be_visible()


def test_only_one_name_is_left_on_the_page(windows: Windows, norda: Shop, place: Place) -> None:
    page = windows.open()
    page.goto(norda.url)
    expect(page.get_by_role("button", name="Open chat")).to_be_visible()
    names = (
        "() => { const f = document.createElement('iframe'); document.body.append(f);"
        "const known = new Set(Object.getOwnPropertyNames(f.contentWindow)); f.remove();"
        "return Object.getOwnPropertyNames(window).filter((n) => !known.has(n) && isNaN(n) && !n.startsWith('__')) }"
    )
    assert page.evaluate(names) == ["cxcenter"]


@pytest.fixture
def demo_shop(center: Stack, place: Place) -> Iterator[str]:
    """The demo shop as the launcher serves it, allowed for the site."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://localhost:{listener.getsockname()[1]}"
        command = services.shop(listener.fileno(), ROOT / "demo_shop", center.url)
        process = subprocess.Popen(command, pass_fds=[listener.fileno()])
        with place.changed(origins=[url], tracked_types=["cart_add", "order_placed"]):
            yield url
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("russian", [False, True], ids=["en", "ru"])
def test_the_demo_shop_reports_its_basket(windows: Windows, demo_shop: str, russian: bool) -> None:
    """Under a content policy of its own, which names the center and nothing else."""
    page = windows.open()
    page.goto(f"{demo_shop}/{'ru.html' if russian else 'index.html'}")
    page.get_by_role("article").nth(1).get_by_role("link").click()
    page.get_by_role("button", name="В корзину" if russian else "Add to basket").click()
    # A page that is left before the one tag of the chat has come says nothing to anybody.
    page.wait_for_function("!!window.cxcenter?.open")
    page.get_by_role("link", name=re.compile("^(Basket|Корзина) 1")).click()
    expect(page.get_by_role("table")).to_contain_text("9\u00a0800")
    visitor = Visitor(page)
    page.get_by_role("button", name="Открыть чат" if russian else "Open chat").click()
    visitor.frame.locator("input[name=name]").fill("Kate")
    visitor.frame.locator("button[type=submit]").click()
    visitor.frame.locator("textarea").fill("Is it in stock?")
    visitor.frame.locator("button.go").click()
    stored("Is it in stock?")
    kept = [e.payload for e in Event.objects.filter(kind="site.event").order_by("at")]
    assert [one["data"] for one in kept if one["type"] == "cart_add"] == [{"sku": "W-16", "price": 9800}]
    assert len([one for one in kept if one["type"] == "page_view"]) == 3
    assert Interaction.objects.get().language == ("ru" if russian else "en")
