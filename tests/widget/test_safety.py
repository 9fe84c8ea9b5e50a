"""What a visitor must never be able to do: learn of notes, of others, forge, flood, smuggle."""

import json
import time
import uuid
from datetime import timedelta

import jwt
import pytest
from django.test import Client

from customers import actions as customers
from customers.models import ProfileIdentity
from cxcenter.widget import sites, tokens
from interactions.actions import moderation, talk
from interactions.choices import Audience
from interactions.models import Attachment, Block, Interaction, Message, Task, Thread
from routing.actions import offers
from routing.models import Assignment
from tests import world
from tests.widget.client import Visitor, png

pytestmark = pytest.mark.django_db(transaction=True)


SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def test_no_answer_of_the_protocol_tells_of_notes(place):
    alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    chat = Interaction.objects.get()
    offers.accept_offer(leg_id=Assignment.objects.get().pk, actor=alice)
    counter = Thread.objects.get().customer_changes
    world.reply(chat, alice, "SECRET note", audience=Audience.STAFF)
    talk.post_system_line(
        thread_id=chat.thread_id, code="transfer_note", args={"note": "SECRET"}, audience=Audience.STAFF, user=alice
    )
    talk.post_system_line(
        thread_id=chat.thread_id,
        code="transferred",
        args={"name": "Alice", "note": "SECRET", "to": "SECRET"},
        user=alice,
    )
    world.reply(chat, alice, "SECRET file", audience=Audience.STAFF)
    Attachment.objects.create(message=Message.objects.get(text="SECRET file"), file="x", name="SECRET", size=1)
    # The numbers betray nothing either: only the public line moved the counter.
    assert Thread.objects.get().customer_changes == counter + 1
    said = [visitor.session(), visitor.get("changes", {"after": 0}), visitor.get("messages")]
    said += [visitor.say("More"), visitor.post("marks", {"got": 99, "read": 99}), visitor.post("end")]
    said += [visitor.session(), visitor.get("changes", {"after": 0})]
    assert visitor.answer.status_code == 200
    assert "SECRET" not in json.dumps(said)
    seen = [m["changed"] for m in visitor.get("changes", {"after": 0})["messages"]]
    assert seen == list(range(1, len(seen) + 1))


def test_a_token_opens_its_own_thread_only(place):
    _alice, queue, site = place
    mine, other = Visitor(site), Visitor(site)
    mine.start("mine")
    other.start("OTHERS words")
    his = Thread.objects.get(messages__text="OTHERS words")
    visitor = tokens.read(mine.token)
    for forged in [
        "",
        "x",
        mine.token[:-1] + ("A" if mine.token[-1] != "A" else "B"),
        mine.token.split(":")[0] + ":" + other.token.split(":")[1],
        jwt.encode({"site": site.pk, "thread": his.pk}, "guess" * 8, algorithm="HS256"),
    ]:
        mine.token = forged
        for name in ("messages", "changes"):
            assert mine.get(name)["code"] == "bad_token"
            assert mine.answer.status_code == 401
        mine.post("messages", {"text": "smuggled", "key": str(uuid.uuid4())})
        assert mine.answer.status_code == 401
    assert not Message.objects.filter(text="smuggled").exists()
    # What one site has given is no key to another's frame: a session there begins with a stranger.
    mine.token = tokens.issue(visitor)
    elsewhere = Visitor(world.make_site(queue))
    assert "messages" not in elsewhere.session(token=mine.token)
    assert tokens.read(elsewhere.token).value != visitor.value
    assert his.messages.count() == 1


def test_an_old_token_is_no_token_and_a_middle_aged_one_is_renewed(place, monkeypatch):
    _alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    first = visitor.token
    visitor.get("changes")
    assert visitor.token == first
    now = time.time()
    monkeypatch.setattr(tokens.time, "time", lambda: now + 2 * 60 * 60)
    visitor.get("changes")
    assert visitor.token != first and tokens.read(visitor.token).thread == tokens.read(first).thread
    monkeypatch.setattr(tokens.time, "time", lambda: now + 31 * 24 * 60 * 60)
    visitor.token = first
    assert visitor.get("changes")["code"] == "bad_token"


def test_a_typed_phone_of_somebody_else_shows_nothing_of_him(place):
    alice, _queue, site = place
    identity, victim = customers.find_or_create_by_identity(
        kind="phone", value="+79005550184", source="crm", name="Victim"
    )
    assert victim is not None
    thread = talk.open_thread(channel=site.channel, identity=identity, profile=victim)
    past, _ = talk.open_interaction(thread=thread)
    world.reply(past, alice, "VICTIM's secret")
    visitor = Visitor(site)
    visitor.start("Hello", name="Victim", contact="+7 900 555-01-84")
    chat = Interaction.objects.exclude(pk=past.pk).get()
    assert chat.profile != victim and chat.thread != thread
    assert chat.says["contact"] == "+79005550184"
    # The phone leads to the victim alone, and the visitor's golden record has no name of his.
    assert ProfileIdentity.objects.filter(identity=identity).count() == 1
    assert chat.profile.customer.name == ""
    said = json.dumps([visitor.session(), visitor.get("changes", {"after": 0}), visitor.get("messages")])
    assert "VICTIM" not in said


def test_script_in_every_field_is_kept_as_text(place):
    _alice, _queue, site = place
    visitor = Visitor(site)
    sent = visitor.start(SCRIPT, name=SCRIPT[:100], page={"url": f"https://x.example/{SCRIPT}", "title": SCRIPT})
    assert sent["message"]["text"] == SCRIPT
    assert visitor.answer["Content-Type"] == "application/json"
    file = visitor.send_file(png(f"{SCRIPT}.png"))["message"]["files"][0]
    assert "<" not in file["name"] and "/" not in file["name"]
    for bad in ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//x", "https://", 5, None, ["x"]]:
        visitor.post("track", {"type": "page_view", "page": {"url": bad, "title": bad}, "key": str(uuid.uuid4())})
        assert visitor.answer.status_code == 200
    assert "javascript" not in json.dumps(Thread.objects.get().page)


def test_a_blocked_visitor_is_told_so(place):
    alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    chat = Interaction.objects.get()
    moderation.block_visitor(interaction=chat, actor=alice, lasting=timedelta(hours=1), reason="spam")
    visitor.say("Let me in")
    assert (visitor.answer.status_code, visitor.answer.json()["code"]) == (403, "blocked")
    assert visitor.start() and visitor.answer.status_code == 403
    request = {"contact": "8 900 555-01-84", "text": "Then call me", "key": str(uuid.uuid4())}
    assert visitor.post("offline", request)["code"] == "blocked"
    assert not Task.objects.exists()
    moderation.lift_block(block=Block.objects.get(), actor=alice)
    assert visitor.post("offline", request) == {"left": True, "callback": None} and Task.objects.count() == 1


def test_only_the_sites_own_pages_may_embed_the_frame(place):
    _alice, _queue, site = place
    site.origins = [
        "https://Shop.example/",
        "http://localhost:8001",
        "https://x.example; script-src *",
        "javascript:x",
        5,
    ]
    site.save()
    answer = Client().get(f"/widget/frame/{site.key}/")
    policy = dict(part.strip().partition(" ")[::2] for part in answer["Content-Security-Policy"].split(";"))
    assert policy["frame-ancestors"] == "https://shop.example http://localhost:8001"
    assert policy["script-src"] == "'self'" and policy["default-src"] == "'self'"
    assert "X-Frame-Options" not in answer and not answer.cookies
    assert Client().get("/widget/frame/nobody/").status_code == 404
    site.origins = []
    site.save()
    sites._kept.clear()
    answer = Client().get(f"/widget/frame/{site.key}/")
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_words_of_the_admin_cannot_break_the_frame(place):
    _alice, _queue, site = place
    site.title = f"</script>{SCRIPT}"[:60]
    site.save()
    page = Client().get(f"/widget/frame/{site.key}/").content.decode()
    assert "<script>alert" not in page and "<img" not in page


def test_the_frame_speaks_the_asked_language(place):
    _alice, _queue, site = place
    url = f"/widget/frame/{site.key}/"
    assert 'lang="ru"' in Client().get(f"{url}?lang=ru").content.decode()
    assert 'lang="en"' in Client().get(f"{url}?lang=en", headers={"Accept-Language": "ru"}).content.decode()
    assert 'lang="ru"' in Client().get(url, headers={"Accept-Language": "ru-RU,ru"}).content.decode()
    assert 'lang="en"' in Client().get(f"{url}?lang=%3Cx%3E").content.decode()


def test_the_loader_is_small_old_fashioned_and_kept(place):
    answer = Client().get("/widget.js")
    script = answer.content.decode()
    assert answer["Content-Type"].startswith("text/javascript") and "max-age" in answer["Cache-Control"]
    assert len(script) < 12_000
    for modern in ("=>", "`", "let ", "const ", "async ", "innerHTML", "eval(", "document.write"):
        assert modern not in script, modern
    again = Client().get("/widget.js", headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304
