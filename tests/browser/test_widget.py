"""The visitor's frame in a real browser, on a site of another origin. Staff acts by the product's own acts."""

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import FrameLocator, Page, expect

from customers.models import Identity
from cxcenter.accounts.models import User
from cxcenter.core import realtime
from cxcenter.core.models import Event, Outbox, Tab
from cxcenter.management.launch import services
from interactions.actions import talk
from interactions.choices import Audience, CloseReason
from interactions.models import Channel, Interaction, Message, Site, Task, Thread, Topic
from quality.models import Survey
from routing.actions import legs, offers
from routing.models import Assignment, Entrance, Presence, Queue
from tests import world
from tests.browser.conftest import Windows
from tests.browser.shop import Shop
from tests.servers import ROOT, Stack, session_databases

pytestmark = pytest.mark.django_db(transaction=True)
# Several browsers and servers on a busy machine take their time.
expect.set_options(timeout=15_000)
SCRIPT = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"


@pytest.fixture(scope="module")
def center(django_db_setup: None) -> Iterator[Stack]:
    with Stack(session_databases(), database=settings.DATABASES["default"]["NAME"]) as stack:
        stack.start_web(2)
        yield stack


@pytest.fixture(scope="module")
def norda(center: Stack) -> Iterator[Shop]:
    with Shop(center.url) as running:
        yield running


@pytest.fixture(scope="module")
def stranger(center: Stack) -> Iterator[Shop]:
    """A page whose origin the site does not allow."""
    with Shop(center.url) as running:
        yield running


ROW = 900_001
SECRET = "the secret of the shop, long enough for its signature"
# What a test changes in the site must have been forgotten, before and after it.
FORGET_S = 5.2


@dataclass
class Place:
    """A queue with one operator, and the site `demo` that leads to it."""

    anna: User
    queue: Queue
    site: Site

    @contextmanager
    def changed(self, **fields: object) -> Iterator[None]:
        """The site with other settings; the tests after this one have it as it was."""
        Site.objects.filter(pk=ROW).update(**fields)
        time.sleep(FORGET_S)
        yield
        time.sleep(FORGET_S)

    def accept(self) -> Interaction:
        offered = Assignment.objects.filter(leg="offered")
        wait_for(offered.exists, "an offer")
        return offers.accept_offer(leg_id=offered.latest("pk").pk, actor=self.anna).interaction


@pytest.fixture
def place(norda: Shop) -> Place:
    team = world.make_team()
    anna = world.make_user("anna", team=team)
    world.on_duty(anna)
    queue = world.make_queue(members=(anna,), team=team, offer_s=600)
    # The same rows for each test: the web processes keep a site for some seconds.
    channel = Channel.objects.create(pk=ROW, name="Shop", kind="webchat")
    site = Site.objects.create(
        pk=ROW, channel=channel, key="demo", title="Norda", origins=[norda.url], user_secret=SECRET, ask_consent=False
    )
    Entrance.objects.create(channel=channel, queue=queue)
    return Place(anna, queue, site)


@pytest.fixture(autouse=True)
def quiet(transactional_db: None) -> Iterator[None]:
    """The rows go only when the web processes have done with them, after all windows are closed."""
    yield
    wait_for(lambda: not Outbox.objects.exists(), "the end of all work")


@dataclass
class Visitor:
    """A page of the shop with its chat, and all that came to it."""

    page: Page
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("response", self._keep)
        self.page.on("websocket", lambda s: s.on("framereceived", lambda data: self.heard.append(str(data))))

    def _keep(self, response: object) -> None:
        if "/widget/api/" in response.url:
            try:
                self.heard.append(response.text())
            except Exception:
                # The page went away while it was read.
                return

    def visit(self, url: str, path: str = "/") -> "Visitor":
        self.page.goto(url + path)
        return self

    @property
    def frame(self) -> FrameLocator:
        return self.page.frame_locator("iframe[src*='/widget/frame/']")

    @property
    def log(self):
        return self.frame.get_by_role("log")

    @property
    def box(self):
        return self.frame.get_by_label("Your message")

    def open(self) -> "Visitor":
        self.page.get_by_role("button", name=re.compile("^Open chat")).click()
        return self

    def fill_in(self, **fields: str) -> "Visitor":
        for label, text in {"Your name": "Kate", **fields}.items():
            self.frame.get_by_label(label).fill(text)
        self.frame.get_by_role("button", name="Start the chat").click()
        return self

    def say(self, text: str) -> None:
        self.box.fill(text)
        self.frame.get_by_role("button", name="Send", exact=True).click()

    def begin(self, url: str, text: str = "Hello") -> "Visitor":
        self.visit(url).open().fill_in().say(text)
        expect(self.log.get_by_text(text, exact=True)).to_be_visible()
        stored(text)
        return self

    def texts(self) -> list[str]:
        return self.log.locator(".txt").all_inner_texts()


def stored(text: str, count: int = 1) -> None:
    """Wait until the center has the message, so many times."""
    wait_for(lambda: Message.objects.filter(text=text).count() == count, f"{text!r} {count} times")


def wait_for(true, what: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.05)


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
    assert one.texts() == two.texts() == ["Hello", "Good day", "From the second tab", "From the first tab"]
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
        expect(visitor.log.get_by_text("waits")).to_be_visible(timeout=8000)
    finally:
        center.restart("web1")
        center.restart("web2")
    stored("Written into the void")
    expect(visitor.log.get_by_text("Said into the void")).to_be_visible(timeout=20_000)
    assert visitor.texts() == ["Hello", "Said into the void", "Written into the void"]


def test_notes_never_come_to_the_visitors_page(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).begin(norda.url)
    chat = place.accept()
    world.reply(chat, place.anna, "TOPSECRET note", audience=Audience.STAFF)
    talk.post_system_line(
        thread_id=chat.thread_id, code="transfer_note", args={"note": "TOPSECRET"}, audience=Audience.STAFF
    )
    world.reply(chat, place.anna, "Good day")
    expect(visitor.log.get_by_text("Good day")).to_be_visible()
    visitor.page.reload()
    visitor.open()
    expect(visitor.log.get_by_text("Good day")).to_be_visible()
    assert any("Good day" in said for said in visitor.heard) and len(visitor.heard) > 5
    assert not [said for said in visitor.heard if "TOPSECRET" in said]
    assert "TOPSECRET" not in visitor.frame.locator("html").evaluate("(html) => html.innerHTML")


def test_script_does_nothing_wherever_it_is_written(
    windows: Windows, norda: Shop, place: Place, tmp_path: Path
) -> None:
    place.site.topics.add(Topic.objects.create(name=SCRIPT[:80]))
    place.anna.first_name = SCRIPT
    place.anna.save()
    with place.changed(title=SCRIPT[:60], greeting=f"Hello {SCRIPT}", contact_line=SCRIPT):
        visitor = Visitor(windows.open()).visit(norda.url).open()
        expect(visitor.frame.get_by_text("Hello <script>")).to_be_visible()
        visitor.fill_in(**{"Your name": SCRIPT})
    visitor.say(SCRIPT)
    stored(SCRIPT)
    chat = place.accept()
    world.reply(chat, place.anna, f'Back to you: {SCRIPT} javascript:alert(1) https://norda.example/?q="onclick=x <b>')
    talk.post_system_line(thread_id=chat.thread_id, code="announcement", args={"reason": SCRIPT})
    realtime.publish((realtime.customer_group(chat.thread_id), {"kind": "typing", "name": SCRIPT}))
    file = tmp_path / "<img src=x onerror=window.hacked=1>.txt"
    file.write_text("words")
    expect(visitor.frame.get_by_role("button", name="Attach a file")).to_be_visible()
    visitor.frame.locator("input[type=file]").set_input_files(file)
    expect(visitor.log.locator(".cx-file")).to_have_count(1)
    link = visitor.log.get_by_role("link", name="https://norda.example/?q=", exact=True)
    expect(link).to_have_attribute("href", "https://norda.example/?q=")
    expect(link).to_have_attribute("rel", re.compile("noopener"))
    visitor.page.reload()
    visitor.open()
    expect(visitor.log.get_by_text("Back to you")).to_be_visible()
    for frame in visitor.page.frames:
        assert frame.evaluate("window.hacked === undefined")
    assert visitor.frame.locator("img[src='x'], script:not([src]):not([type='application/json'])").count() == 0


def test_a_page_that_is_not_allowed_gets_no_chat(windows: Windows, place: Place, stranger: Shop) -> None:
    page = windows.browser.new_context().new_page()
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(stranger.url)
    page.wait_for_timeout(1500)
    assert page.get_by_role("button", name="Open chat").count() == 0
    assert [text for text in refused if "frame-ancestors" in text]
    page.context.close()


def test_the_frame_listens_to_its_page_only(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).begin(norda.url)
    # A frame inside the page, of another origin, tries to speak as the loader does.
    visitor.page.evaluate(
        """() => { const f = document.createElement('iframe'); f.id = 'evil'; f.sandbox = 'allow-scripts';
        f.srcdoc = `<script>parent.frames[0].postMessage({cx: 'identify', jwt: null}, '*');
        parent.frames[0].postMessage({cx: 'track', type: 'page_view', page: {url: 'https://evil.example/'}}, '*')</` + `script>`;
        document.body.append(f); }"""
    )
    visitor.page.wait_for_timeout(700)
    assert "evil.example" not in json.dumps([thread.page for thread in Thread.objects.all()])
    # And the page takes orders from the chat's frame only.
    visitor.page.evaluate("window.postMessage({cx: 'close'}, '*')")
    visitor.page.wait_for_timeout(300)
    expect(visitor.box).to_be_visible()


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
    from cxcenter.core.realtime import _client

    listener = _client().pubsub()
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


def test_place_in_the_queue_comes_by_push(windows: Windows, norda: Shop, place: Place) -> None:
    Presence.objects.update(capacity=1)
    for _ in range(2):
        world.open_chat(place.site, "Somebody else")
    visitor = Visitor(windows.open()).begin(norda.url)
    expect(visitor.frame.get_by_text("You are number 3 in the queue.")).to_be_visible()
    thread = Thread.objects.latest("pk")
    told = {"kind": "queue", "position": 1, "estimate_s": 240}
    realtime.publish((realtime.customer_group(thread.pk), told))
    expect(visitor.frame.get_by_text("You are next.")).to_be_visible()
    expect(visitor.frame.get_by_text(re.compile(r"The wait is about 4\smin\."))).to_be_visible()


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


def test_with_nobody_on_duty_a_request_is_left(windows: Windows, norda: Shop, place: Place) -> None:
    world.on_duty(place.anna, mode="offline")
    visitor = Visitor(windows.open()).visit(norda.url).open()
    expect(visitor.frame.get_by_role("heading", name="We are away now")).to_be_visible()
    visitor.frame.get_by_label("Phone").fill("12")
    visitor.frame.get_by_role("button", name="Book a call").click()
    expect(visitor.frame.get_by_text("Write a phone with the country code")).to_be_visible()
    visitor.frame.get_by_label("Phone").fill("8 900 555-01-84")
    visitor.frame.get_by_label("Your question").fill("When is my car ready?")
    visitor.frame.get_by_label("Time").select_option(index=1)
    visitor.frame.get_by_role("button", name="Book a call").click()
    expect(visitor.frame.get_by_text("Your request is taken")).to_be_visible()
    task = Task.objects.get()
    assert (task.contact, task.text) == ("+79005550184", "When is my car ready?")


def test_a_door_that_opens_meanwhile_lets_in(windows: Windows, norda: Shop, place: Place) -> None:
    """When it was to open, and for who opens the chat anew; what was begun as a request becomes the message."""
    Queue.objects.filter(pk=place.queue.pk).update(closed_until=timezone.now() + timedelta(seconds=8))
    visitor = Visitor(windows.open()).visit(norda.url).open()
    expect(visitor.frame.get_by_role("heading", name="We are away now")).to_be_visible()
    visitor.frame.get_by_label("Your name").fill("Kate")
    visitor.frame.get_by_label("Your question").fill("Is it ready?")
    expect(visitor.frame.get_by_label("Your name")).to_have_value("Kate")
    expect(visitor.frame.get_by_role("button", name="Start the chat")).to_be_visible(timeout=30_000)
    world.on_duty(place.anna, mode="offline")
    visitor.frame.get_by_role("button", name="Minimise").click()
    visitor.open()
    expect(visitor.frame.get_by_label("Your question")).to_be_visible()
    world.on_duty(place.anna)
    visitor.frame.get_by_role("button", name="Minimise").click()
    visitor.open()
    visitor.frame.get_by_role("button", name="Start the chat").click()
    expect(visitor.box).to_have_value("Is it ready?")
    visitor.frame.get_by_role("button", name="Send", exact=True).click()
    stored("Is it ready?")
    assert Interaction.objects.get().says["name"] == "Kate"


def test_a_door_that_shuts_meanwhile_keeps_the_question(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).visit(norda.url).open().fill_in()
    expect(visitor.box).to_be_visible()
    world.on_duty(place.anna, mode="offline")
    visitor.say("Where is my order?")
    expect(visitor.frame.get_by_label("Your question")).to_have_value("Where is my order?")
    assert Interaction.objects.count() == 0


def test_a_contact_the_center_cannot_read_leads_back_to_the_form(windows: Windows, norda: Shop, place: Place) -> None:
    visitor = Visitor(windows.open()).visit(norda.url).open().fill_in(**{"Phone or e-mail": "+7 900 000"})
    visitor.say("Hello there")
    expect(visitor.frame.get_by_text("This is not a phone number.")).to_be_visible()
    visitor.frame.get_by_label("Phone or e-mail").fill("+7 900 555-01-84")
    visitor.frame.get_by_role("button", name="Start the chat").click()
    expect(visitor.box).to_have_value("Hello there")
    visitor.frame.get_by_role("button", name="Send", exact=True).click()
    stored("Hello there")
    assert Interaction.objects.get().says == {"name": "Kate", "contact": "+79005550184"}


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
        assert (box["width"], box["height"]) == (width, height)
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
