"""The talk holds: reloads, lost lines, dead processes, pushes that were missed."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from cxcenter.core import realtime
from cxcenter.core.models import Tab
from interactions.models import Message, Thread
from tests import world
from tests.browser.conftest import Troubles, Windows
from tests.browser.shop import Shop
from tests.browser.widget.people import Place, Visitor, stored, wait_for
from tests.servers import Stack

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_talk_is_there_after_reload_in_a_second_tab_and_the_next_visit(
    windows: Windows, norda: Shop, place: Place
) -> None:
    one = Visitor(windows.open()).begin(norda.url)
    chat = place.accept()
    world.reply(chat, place.anna, "Good day")
    expect(one.log.get_by_text("Good day")).to_be_visible()
    expect(one.frame.get_by_role("heading", level=1)).to_contain_text("Anna")
    one.page.reload()
    one.open()
    expect(one.log.get_by_text("Good day")).to_be_visible()
    assert one.texts() == ["Hello", "Good day"]
    two = Visitor(one.page.context.new_page()).visit(norda.url).open()
    expect(two.log.get_by_text("Good day")).to_be_visible()
    two.say("From the second tab")
    expect(one.log.get_by_text("From the second tab")).to_have_count(1)
    one.say("From the first tab")
    expect(two.log.get_by_text("From the first tab")).to_have_count(1)
    # What waits for its receipt stands last for that moment.
    said = ["Hello", "Good day", "From the second tab", "From the first tab"]
    wait_for(lambda: one.texts() == two.texts() == said, "the same order in both tabs")
    one.page.close()
    two.page.close()
    world.reply(chat, place.anna, "While you were away")
    again = Visitor(windows.contexts[0].new_page()).visit(norda.url)
    expect(again.page.get_by_role("button", name="Open chat. Unread: 1")).to_be_visible()
    again.open()
    expect(again.log.get_by_text("While you were away")).to_be_visible()
    assert Thread.objects.count() == 1


def test_what_was_typed_without_a_line_is_sent_once_when_it_is_back(
    windows: Windows, norda: Shop, place: Place
) -> None:
    visitor = Visitor(windows.open()).begin(norda.url)
    chat = place.accept()
    expect(visitor.frame.get_by_text("Anna joined the chat")).to_be_visible()
    visitor.page.context.set_offline(True)
    for text in ("first", "second", "third"):
        visitor.say(text)
    expect(visitor.frame.get_by_text("No connection.")).to_be_visible()
    expect(visitor.log.get_by_text("waits")).to_have_count(3)
    world.reply(chat, place.anna, "Said meanwhile")
    # The second tab of the same browser must not send them a second time.
    visitor.page.context.set_offline(False)
    other = Visitor(visitor.page.context.new_page()).visit(norda.url).open()
    for text in ("first", "second", "third"):
        stored(text)
    expect(visitor.log.get_by_text("Said meanwhile")).to_be_visible()
    expect(visitor.frame.get_by_text("No connection.")).to_be_hidden()
    expect(visitor.log.get_by_text("waits")).to_have_count(0)
    expected = list(Message.objects.exclude(author="system").order_by("seq").values_list("text", flat=True))
    assert expected == ["Hello", "Said meanwhile", "first", "second", "third"]
    assert visitor.texts() == expected
    expect(other.log.get_by_text("third")).to_have_count(1)
    assert other.texts() == expected


def test_what_waits_survives_a_reload(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).begin(norda.url)
    visitor.page.route("**/widget/api/messages", lambda route: route.abort())
    visitor.say("Do not lose me")
    expect(visitor.log.get_by_text("waits")).to_be_visible()
    visitor.page.unroute("**/widget/api/messages")
    visitor.page.reload()
    stored("Do not lose me")
    visitor.open()
    expect(visitor.log.get_by_text("Do not lose me")).to_have_count(1)
    time.sleep(1)
    assert Message.objects.filter(text="Do not lose me").count() == 1


def test_an_answer_that_got_lost_is_not_a_second_message(windows: Windows, norda: Shop, place: Place) -> None:
    """The center has stored it, the page never heard so, and sends again."""
    visitor = Visitor(windows.open()).begin(norda.url)
    lost = []

    def lose(route) -> None:
        if not lost:
            lost.append(route.fetch())
            route.abort()
        else:
            route.continue_()

    visitor.page.route("**/widget/api/messages", lose)
    visitor.say("Only once")
    expect(visitor.log.get_by_text("Only once")).to_have_count(1)
    visitor.page.wait_for_timeout(2500)
    assert lost[0].ok and len(lost) == 1
    expect(visitor.log.get_by_text("waits")).to_have_count(0)
    expect(visitor.log.get_by_text("Only once")).to_have_count(1)
    assert Message.objects.filter(text="Only once").count() == 1


def test_two_tabs_without_a_line_keep_each_others_words(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).begin(norda.url)
    other = Visitor(visitor.page.context.new_page())
    other.visit(norda.url).open()
    expect(other.log.get_by_text("Hello", exact=True)).to_be_visible()
    visitor.page.context.route("**/widget/api/messages", lambda route: route.abort())
    visitor.say("of the first")
    other.say("of the second")
    expect(visitor.log.get_by_text("waits")).to_have_count(2)
    visitor.say("again the first")
    expect(other.log.get_by_text("waits")).to_have_count(3)
    # The tab that wrote it is gone: the other one sends all.
    visitor.page.close()
    other.page.context.unroute("**/widget/api/messages")
    for text in ("of the first", "of the second", "again the first"):
        stored(text)
    expect(other.log.get_by_text("waits")).to_have_count(0)


def test_a_center_that_takes_no_text_is_not_hammered(
    windows: Windows, norda: Shop, place: Place, troubles: Troubles
) -> None:
    """It answers questions, and 503 to what is sent: the pauses grow."""
    troubles.own = "/widget/api/messages"
    visitor = Visitor(windows.open()).begin(norda.url)
    tried: list[float] = []
    visitor.page.route(
        "**/widget/api/messages", lambda route: (tried.append(time.monotonic()), route.fulfill(status=503))
    )
    visitor.say("Try, but not too often")
    visitor.page.wait_for_timeout(10_000)
    # After 0, 1, 3 and 7 s, and what the socket's own check adds.
    assert 3 <= len(tried) <= 6, tried
    expect(visitor.frame.get_by_text("No connection.")).to_be_visible()
    visitor.page.unroute("**/widget/api/messages")
    stored("Try, but not too often")
    expect(visitor.frame.get_by_text("No connection.")).to_be_hidden()


def test_what_a_proxy_refuses_as_too_large_is_said_and_not_sent_for_ever(
    windows: Windows, norda: Shop, place: Place, tmp_path: Path
) -> None:
    visitor = Visitor(windows.open()).begin(norda.url)
    tried: list[str] = []
    page = "<html><h1>413 Request Entity Too Large</h1></html>"
    visitor.page.route(
        "**/widget/api/files",
        lambda route: (tried.append(route.request.url), route.fulfill(status=413, content_type="text/html", body=page)),
    )
    (tmp_path / "photo.txt").write_text("much")
    visitor.frame.locator("input[type=file]").set_input_files(tmp_path / "photo.txt")
    expect(visitor.log.get_by_text("too large for this site")).to_be_visible()
    visitor.page.wait_for_timeout(3000)
    assert len(tried) == 1


def test_where_sockets_are_forbidden_the_talk_goes_on_by_asking(windows: Windows, norda: Shop, place: Place) -> None:
    page = windows.open()
    page.route_web_socket("**/ws/visitor/", lambda socket: socket.close())
    visitor = Visitor(page).begin(norda.url)
    chat = place.accept()
    world.reply(chat, place.anna, "Good day")
    expect(visitor.log.get_by_text("Good day")).to_be_visible(timeout=12_000)
    expect(visitor.frame.get_by_text("No connection.")).to_be_hidden()
    # And he counts as here.
    assert Tab.objects.filter(owner=f"thread:{chat.thread_id}").exists()


def test_pushes_that_were_missed_are_asked_for(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).begin(norda.url)
    chat = place.accept()
    expect(visitor.frame.get_by_text("Anna joined the chat")).to_be_visible()
    group = realtime.customer_group(chat.thread_id)
    real, told = realtime.publish, []
    try:
        # Every push but the last goes astray, and the last one comes twice.
        realtime.publish = lambda *pushes: told.extend(p for p in pushes if p[0] == group) or True
        for n in range(1, 6):
            world.reply(chat, place.anna, f"part {n}")
    finally:
        realtime.publish = real
    realtime.publish(told[-1], told[-1])
    expect(visitor.log.get_by_text("part 1")).to_be_visible()
    wait_for(lambda: visitor.texts() == ["Hello", *[f"part {n}" for n in range(1, 6)]], "all parts in order")


def test_a_web_process_dies_and_the_talk_goes_on(center: Stack, windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).begin(norda.url)
    chat = place.accept()
    expect(visitor.frame.get_by_text("Anna joined the chat")).to_be_visible()
    try:
        center.kill("web1")
        center.kill("web2")
        visitor.say("Written into the void")
        world.reply(chat, place.anna, "Said into the void")
        expect(visitor.log.get_by_text("waits")).to_be_visible()
    finally:
        center.restart("web1")
        center.restart("web2")
    stored("Written into the void")
    expect(visitor.log.get_by_text("Said into the void")).to_be_visible(timeout=20_000)
    assert visitor.texts() == ["Hello", "Said into the void", "Written into the void"]
