"""Notes, scripts and strangers around the visitor's frame."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from cxcenter.core import realtime
from interactions.actions import talk
from interactions.choices import Audience
from interactions.models import Thread, Topic
from tests import world
from tests.browser.conftest import Windows
from tests.browser.shop import Shop
from tests.browser.widget.people import Place, Visitor, stored

pytestmark = pytest.mark.django_db(transaction=True)


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


SCRIPT = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"


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
