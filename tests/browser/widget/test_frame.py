"""What the frame shows: launcher, marks, files, typing, rating, sound, colours, sizes."""

import re
from pathlib import Path

import pytest
import redis
from django.conf import settings
from playwright.sync_api import expect

from cxcenter.core import realtime
from interactions.actions import talk
from interactions.choices import CloseReason
from interactions.models import Interaction, Message, Thread
from quality.models import Survey
from routing.actions import legs
from routing.models import Assignment
from tests import world
from tests.browser.conftest import Windows
from tests.browser.shop import Shop
from tests.browser.widget.people import Place, Visitor, stored, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_launcher_tells_of_news_and_the_title_calls(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).begin(norda.url)
    chat = place.accept()
    visitor.frame.get_by_role("button", name="Minimise").click()
    world.reply(chat, place.anna, "Are you there?")
    expect(visitor.page.get_by_role("button", name="Open chat. Unread: 1")).to_be_visible()
    visitor.page.evaluate(
        """() => { Object.defineProperty(document, 'hidden', {get: () => true, configurable: true});
        document.dispatchEvent(new Event('visibilitychange')); }"""
    )
    expect(visitor.page).to_have_title("(1) New message", timeout=5000)
    visitor.page.evaluate(
        """() => { Object.defineProperty(document, 'hidden', {get: () => false, configurable: true});
        document.dispatchEvent(new Event('visibilitychange')); }"""
    )
    expect(visitor.page).to_have_title("Winter tyres")
    thread = Thread.objects.get()
    assert thread.customer_read_seq < thread.last_seq == thread.customer_got_seq
    visitor.open()
    wait_for(lambda: Thread.objects.get().customer_read_seq == thread.last_seq, "read")
    expect(visitor.page.get_by_role("button", name="Close chat")).to_be_visible()


def test_the_sound_stays_off(windows: Windows, norda: Shop, place: Place) -> None:
    page = windows.open()
    page.add_init_script(
        "window.rang = 0; const start = OscillatorNode.prototype.start;"
        "OscillatorNode.prototype.start = function (...a) { window.rang += 1; return start.apply(this, a); }"
    )
    visitor = Visitor(page).begin(norda.url)
    chat = place.accept()

    def rang_by(text: str) -> int:
        visitor.frame.get_by_role("button", name="Minimise").click()
        world.reply(chat, place.anna, text)
        expect(page.get_by_role("button", name=re.compile("^Open chat. Unread"))).to_be_visible()
        visitor.open()
        expect(visitor.log.get_by_text(text)).to_be_visible()
        return visitor.log.evaluate("() => window.rang")

    assert rang_by("Good day") == 2
    visitor.frame.get_by_role("button", name="Switch the sound off").click()
    page.reload()
    visitor.open()
    expect(visitor.frame.get_by_role("button", name="Switch the sound on")).to_be_visible()
    assert rang_by("Are you there?") == 0
    visitor.frame.get_by_role("button", name="Switch the sound on").click()
    assert rang_by("Hello?") == 2


def test_dark_as_the_visitors_system(windows: Windows, norda: Shop, place: Place) -> None:
    """Texts can be read in both, and what is drawn follows when the system changes."""
    visitor = Visitor(windows.open(color_scheme="dark")).visit(norda.url).open()
    expect(visitor.frame.get_by_role("button", name="Start the chat")).to_be_visible()
    assert _lightness(visitor, "background-color") < 60 < 180 < _lightness(visitor, "color")
    visitor.page.emulate_media(color_scheme="light")
    wait_for(lambda: _lightness(visitor, "background-color") > 180, "the light colours")
    assert _lightness(visitor, "color") < 60


def _lightness(visitor: Visitor, name: str) -> float:
    """How light the frame is drawn, from 0 to 255."""
    colour = visitor.frame.locator(".wd").evaluate(
        "(node, name) => getComputedStyle(node).getPropertyValue(name)", name
    )
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


def test_marks_of_own_messages(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).begin(norda.url)
    expect(visitor.log.get_by_text("sent", exact=True)).to_have_count(1)
    chat = place.accept()
    expect(visitor.log.get_by_text("delivered", exact=True)).to_have_count(1)
    # He has it, whoever takes the talk then.
    world.on_duty(place.anna, mode="pause")
    legs.return_to_queue(leg_id=Assignment.objects.get().pk)
    expect(visitor.frame.get_by_text("You are next.")).to_be_visible()
    expect(visitor.log.get_by_text("delivered", exact=True)).to_have_count(1)
    visitor.say("Anybody there?")
    expect(visitor.log.get_by_text("sent", exact=True)).to_have_count(1)
    talk.mark_by_staff(interaction=chat, seq=99)
    expect(visitor.log.get_by_text("read", exact=True)).to_have_count(2)


def test_files_by_button_paste_and_drop_and_why_one_is_refused(
    windows: Windows, norda: Shop, place: Place, tmp_path: Path
) -> None:
    visitor = Visitor(windows.open()).begin(norda.url)
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "tool.exe").write_bytes(b"MZ\x90\x00" + b"\x00" * 100)
    expect(visitor.frame.get_by_role("button", name="Attach a file")).to_be_visible()
    visitor.frame.locator("input[type=file]").set_input_files(tmp_path / "notes.txt")
    expect(visitor.log.get_by_role("link", name=re.compile("notes.txt"))).to_be_visible()
    give = """(node, [name, kind]) => { const data = new DataTransfer();
        data.items.add(new File(['words'], name, {type: 'text/plain'}));
        const init = {bubbles: true, cancelable: true};
        node.dispatchEvent(kind === 'paste' ? new ClipboardEvent('paste', {...init, clipboardData: data})
                                            : new DragEvent('drop', {...init, dataTransfer: data})); }"""
    visitor.box.evaluate(give, ["pasted.txt", "paste"])
    expect(visitor.log.get_by_role("link", name=re.compile("pasted.txt"))).to_be_visible()
    visitor.log.evaluate(give, ["dropped.txt", "drop"])
    expect(visitor.log.get_by_role("link", name=re.compile("dropped.txt"))).to_be_visible()
    visitor.frame.locator("input[type=file]").set_input_files(tmp_path / "tool.exe")
    expect(visitor.log.get_by_text("Only pictures, PDF and plain text can be sent.")).to_be_visible()
    with visitor.page.expect_download() as download:
        visitor.log.get_by_role("link", name=re.compile("notes.txt")).click()
    assert Path(download.value.path()).read_text() == "hello"
    visitor.log.get_by_role("button", name="Remove").click()
    expect(visitor.log.get_by_text("tool.exe")).to_have_count(0)
    assert Message.objects.filter(attachments__isnull=False).count() == 3


def test_a_file_goes_with_the_first_message(windows: Windows, norda: Shop, place: Place, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    visitor = Visitor(windows.open()).visit(norda.url).open().fill_in()
    for _ in range(2):
        visitor.frame.locator("input[type=file]").set_input_files(tmp_path / "notes.txt")
    expect(visitor.log.get_by_text("goes with your first message")).to_have_count(2)
    visitor.log.get_by_role("button", name="Remove").first.click()
    expect(visitor.log.get_by_text("goes with your first message")).to_have_count(1)
    assert not Interaction.objects.exists()
    visitor.say("See the file")
    stored("See the file")
    expect(visitor.log.get_by_role("link", name=re.compile("notes.txt"))).to_have_count(1)
    expect(visitor.log.get_by_text("goes with your first message")).to_have_count(0)
    assert [m.text for m in Message.objects.order_by("seq")] == ["See the file", ""]


def test_typing_is_seen_on_both_sides(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).begin(norda.url)
    chat = place.accept()
    listener = redis.Redis.from_url(settings.REDIS_URL).pubsub()
    listener.subscribe(f"cx__group__{realtime.staff_group(chat.thread_id)}")
    visitor.box.press_sequentially("I think")
    wait_for(
        lambda: b"typing" in (listener.get_message(ignore_subscribe_messages=True) or {}).get("data", b""),
        "typing told",
    )
    listener.close()
    realtime.publish((realtime.customer_group(chat.thread_id), {"kind": "typing", "name": "Anna"}))
    expect(visitor.frame.get_by_text("Anna is typing")).to_be_visible()
    world.reply(chat, place.anna, "Here it is")
    expect(visitor.frame.get_by_text("Anna is typing")).to_be_hidden()


def test_the_end_and_the_rating(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).begin(norda.url)
    chat = place.accept()
    world.reply(chat, place.anna, "Good day")
    legs.finish(interaction_id=chat.pk, actor=place.anna)
    expect(visitor.frame.get_by_role("heading", name="How was it?")).to_be_visible()
    visitor.frame.get_by_role("button", name="Send", exact=True).click()
    expect(visitor.frame.get_by_role("alert")).to_be_visible()
    visitor.frame.get_by_role("radio", name="4 of 5").check(force=True)
    expect(visitor.frame.get_by_text("Good", exact=True)).to_be_visible()
    visitor.frame.get_by_role("radio", name="6 of 7").check(force=True)
    visitor.frame.get_by_label("What should we do better?").fill("Nothing")
    visitor.frame.get_by_role("button", name="Send", exact=True).click()
    expect(visitor.frame.get_by_text("Thank you, your rating is noted.")).to_be_visible()
    survey = Survey.objects.get(interaction=chat)
    assert (survey.csat, survey.ces, survey.comment) == (4, 6, "Nothing")
    visitor.page.reload()
    visitor.open()
    expect(visitor.box).to_be_visible()
    # Writing again begins a new session in the same talk, which the visitor ends himself.
    visitor.say("One more thing")
    stored("One more thing")
    assert Interaction.objects.count() == 2 and Thread.objects.count() == 1
    visitor.frame.get_by_role("button", name="End the chat").click()
    visitor.frame.get_by_role("button", name="End", exact=True).click()
    expect(visitor.frame.get_by_text("You ended the chat")).to_be_visible()
    assert Interaction.objects.latest("pk").close_reason == CloseReason.ENDED


def test_earlier_messages_come_on_scrolling_up(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).begin(norda.url, "number 0")
    chat = place.accept()
    for n in range(1, 131):
        world.reply(chat, place.anna, f"number {n}")
    visitor.page.reload()
    visitor.open()
    expect(visitor.log.get_by_text("number 130", exact=True)).to_be_in_viewport()
    expect(visitor.log.get_by_text("number 60", exact=True)).to_have_count(0)
    for _ in range(20):
        visitor.log.evaluate("(node) => { node.scrollTop = 0; }")
        visitor.page.wait_for_timeout(250)
        if visitor.log.get_by_text("number 0", exact=True).count():
            break
    texts = visitor.texts()
    assert texts == [f"number {n}" for n in range(131)]
    # Away from the end the log does not jump; a button leads to what is new.
    visitor.log.evaluate("(node) => { node.scrollTop = 300; }")
    world.reply(chat, place.anna, "the newest")
    below = visitor.frame.get_by_role("button", name="New messages")
    expect(below).to_be_visible()
    assert visitor.log.evaluate("(node) => node.scrollTop") < 500
    below.click()
    expect(visitor.log.get_by_text("the newest")).to_be_in_viewport()


@pytest.mark.parametrize(("width", "height"), [(400, 640), (1366, 768), (360, 560)])
def test_nothing_overflows(windows: Windows, norda: Shop, place: Place, width: int, height: int) -> None:
    page = windows.open(width, height)
    page.goto(f"{norda.url}/ru")
    page.get_by_role("button", name="Открыть чат").or_(page.get_by_role("button", name="Open chat")).click()
    frame = page.frame_locator("iframe")
    expect(frame.locator("form.body")).to_be_visible()
    box = page.locator("iframe").bounding_box()
    assert box is not None and box["x"] >= 0 and box["y"] >= 0
    if width < 480:
        assert (round(box["width"]), round(box["height"])) == (width, height)
    wide = "(node) => node.scrollWidth - node.clientWidth"
    assert frame.locator("body").evaluate(wide) <= 0
    frame.locator("input").first.fill("Екатерина")
    frame.locator("button[type=submit]").click()
    frame.locator("textarea").fill("Слово " * 40 + "длинноеслово" * 30)
    frame.locator("button.go").click()
    expect(frame.locator(".cx-msg")).to_be_visible()
    assert frame.locator("body").evaluate(wide) <= 0
    assert frame.get_by_role("log").evaluate(wide) <= 0
    wait_for(Message.objects.exists, "the message")


def test_who_types_fast_keeps_his_line(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open())
    typed: list[str] = []
    closed: list[str] = []

    def listen(socket) -> None:
        socket.on("framesent", lambda frame: typed.append(frame) if "typing" in str(frame) else None)
        socket.on("close", lambda one: closed.append(one.url))

    visitor.page.on("websocket", listen)
    visitor.begin(norda.url)
    place.accept()
    expect(visitor.frame.get_by_text("Anna joined the chat")).to_be_visible()
    del closed[:]
    visitor.box.press_sequentially("a long question that is typed in one go " * 3, delay=10)
    assert 1 <= len(typed) <= 4
    assert not closed


def test_a_talk_that_is_over_asks_nothing_behind_a_closed_frame(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).begin(norda.url)
    chat = place.accept()
    expect(visitor.frame.get_by_text("Anna joined the chat")).to_be_visible()
    visitor.frame.get_by_role("button", name="Minimise").click()
    legs.finish(interaction_id=chat.pk, actor=place.anna)
    visitor.page.wait_for_timeout(3000)
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.page.wait_for_timeout(10_000)
    assert [url for url in asked if "/widget/api/" in url] == []


def test_a_mark_does_not_draw_its_message_again(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).begin(norda.url)
    bubble = visitor.log.locator(".cx-msg.out .bub")
    expect(bubble.get_by_text("sent", exact=True)).to_have_count(1)
    bubble.evaluate("(node) => { node.dataset.first = '1'; }")
    chat = place.accept()
    talk.mark_by_staff(interaction=chat, seq=Message.objects.get(text="Hello").seq)
    expect(bubble.get_by_text("read", exact=True)).to_have_count(1)
    expect(bubble).to_have_attribute("data-first", "1")
