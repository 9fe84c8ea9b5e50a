"""What a visitor must never be able to do: learn of notes, of others, forge, flood, smuggle."""

import io
import json
import random
import time
import uuid
from datetime import timedelta

import jwt
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from customers import actions as customers
from customers.models import Identity, ProfileIdentity
from cxcenter.core.models import Event
from cxcenter.widget import api, files, sites, tokens
from interactions.actions import moderation, talk
from interactions.choices import Audience
from interactions.models import Attachment, Block, Interaction, Message, Task, Thread
from routing.actions import offers
from routing.models import Assignment
from tests import world
from tests.widget.client import Visitor

pytestmark = pytest.mark.django_db(transaction=True)
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def png(name="photo.png"):
    content = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(content, "PNG")
    return SimpleUploadedFile(name, content.getvalue(), "image/png")


# --- Notes ---


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


def test_a_file_of_a_note_has_no_address_for_the_visitor(place):
    alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    note = world.reply(Interaction.objects.get(), alice, "see", audience=Audience.STAFF)
    file = Attachment.objects.create(message=note, file="x", name="secret.txt", size=1)
    visitor.get("file", {"id": str(file.pk)})
    assert visitor.answer.status_code == 404
    assert Client().get(files.address(str(file.pk), note.thread_id)).status_code == 404


# --- Others ---


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


def test_guessed_numbers_and_signatures_of_files_open_nothing(place):
    _alice, _queue, site = place
    mine, other = Visitor(site), Visitor(site)
    mine.start()
    other.start()
    file = other.send_file(png())["message"]["files"][0]
    got = Client().get(file["url"])
    assert got.status_code == 200
    assert got["Content-Disposition"].startswith("attachment") and got["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in got["Content-Security-Policy"]
    mine.get("file", {"id": file["id"]})
    assert mine.answer.status_code == 404
    address, _, signature = file["url"].partition("?s=")
    own = mine.send_file(png())["message"]["files"][0]["url"].partition("?s=")[2]
    for guess in ["", "?s=", f"?s={signature[:-1]}", f"?s={own}"]:
        assert Client().get(address + guess).status_code == 403, guess
    stranger = files.address(file["id"], tokens.read(mine.token).thread)
    assert Client().get(stranger).status_code == 404


def test_addresses_of_files_expire(place, monkeypatch):
    _alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    url = visitor.send_file(png())["message"]["files"][0]["url"]
    monkeypatch.setattr(files, "LIFE_S", -1)
    assert Client().get(url).status_code == 403
    monkeypatch.undo()
    fresh = visitor.get("file", {"id": url.split("/")[-1].split("?")[0]})["url"]
    assert Client().get(fresh).status_code == 200


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


# --- Signed users ---


def sign(site, secret=None, **claims):
    """A site's signed word about its user. A `timedelta` is from now, None leaves a claim out."""
    claims = {"sub": "u-17", "exp": timedelta(seconds=200), **claims}
    return jwt.encode(
        {k: from_now(v) if isinstance(v, timedelta) else v for k, v in claims.items() if v is not None},
        secret or site.user_secret,
        algorithm="HS256",
    )


def from_now(span):
    return int(time.time() + span.total_seconds())


def test_a_signed_user_has_his_talks_everywhere(place):
    _alice, _queue, site = place
    about = {"name": "Kate", "email": "Kate@norda.example", "phone": "8 900 555-01-84"}
    one = Visitor(site)
    opened = one.session(user_jwt=sign(site, **about))
    assert opened["signed"] is True and opened["known"]["name"] == "Kate"
    one.start("From the first device")
    thread = Thread.objects.get()
    assert (thread.identity.kind, thread.identity.value) == ("external", f"{site.key}:u-17")
    links = {
        (link.identity.kind, link.identity.value, link.verified)
        for link in thread.profile.links.select_related("identity")
    }
    assert links == {
        ("external", f"{site.key}:u-17", True),
        ("email", "kate@norda.example", True),
        ("phone", "+79005550184", True),
    }
    assert thread.profile.customer.name == "Kate"
    two = Visitor(site)
    assert [m["text"] for m in two.session(user_jwt=sign(site))["messages"]] == ["From the first device"]
    other = Visitor(site)
    assert "messages" not in other.session(user_jwt=sign(site, sub="u-18"))


def test_a_signed_user_is_recognised_by_what_is_proven(place):
    _alice, _queue, site = place
    _identity, known = customers.find_or_create_by_identity(
        kind="email", value="kate@norda.example", source="crm", name="Kate"
    )
    visitor = Visitor(site)
    visitor.session(user_jwt=sign(site, email="kate@norda.example"))
    visitor.start()
    assert Thread.objects.get().profile == known


@pytest.mark.parametrize(
    ("about", "contact"),
    [
        ({"email": "not an address", "phone": "8 900 555-01-84"}, "+79005550184"),
        ({"email": "not an address", "phone": "12"}, None),
    ],
)
def test_what_cannot_be_read_of_a_signed_user_keeps_nobody_out(place, about, contact):
    _alice, _queue, site = place
    visitor = Visitor(site)
    visitor.session(user_jwt=sign(site, **about))
    assert "message" in visitor.start()
    assert Interaction.objects.get().says.get("contact") == contact


@pytest.mark.parametrize(
    "claims",
    [
        {"secret": "a wrong secret that is long enough"},
        {"exp": 1},
        {"exp": None},
        {"exp": timedelta(hours=1)},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 121},
        {"nbf": timedelta(hours=1)},
    ],
    ids=str,
)
def test_a_badly_signed_user_is_refused(place, claims):
    _alice, _queue, site = place
    visitor = Visitor(site)
    assert visitor.session(user_jwt=sign(site, **claims))["code"] == "bad_user"
    assert visitor.answer.status_code == 403


def test_an_unsigned_jwt_or_one_of_another_site_is_refused(place):
    _alice, queue, site = place
    other = world.make_site(queue)
    body = {"sub": "u-17", "exp": int(time.time()) + 100}
    for token in [jwt.encode(body, None, algorithm="none"), sign(other), "x.y.z"]:
        visitor = Visitor(site)
        assert visitor.session(user_jwt=token)["code"] == "bad_user"


def test_signing_in_does_not_take_an_open_talk_away(place):
    _alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start("Not signed yet")
    opened = visitor.session(user_jwt=sign(site))
    assert opened["signed"] == "later" and [m["text"] for m in opened["messages"]] == ["Not signed yet"]
    visitor.post("end")
    opened = visitor.session(user_jwt=sign(site))
    assert opened["signed"] is True and "messages" not in opened
    assert Identity.objects.filter(kind="external").count() == 0  # not before he writes


# --- Smuggling and flooding ---


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


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("page.html", b"<html><script>alert(1)</script></html>", 200),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", 200),
        ("tool.exe", b"MZ\x90\x00" + b"\x00" * 100, 400),
        ("photo.png", b"\x89PNG\r\n\x1a\nbroken", 400),
        ("archive.zip", b"PK\x03\x04" + b"\x00" * 60, 400),
        ("empty.txt", b"", 400),
        ("../../../etc/cron.d/x.txt", b"words", 200),
        ("a\x00b.txt", b"words", 200),
    ],
)
def test_files_are_checked_by_their_content(place, name, content, status):
    """A page or a drawing is plain text here: it is sent as such, as a download."""
    _alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    told = visitor.send_file(SimpleUploadedFile(name, content, "image/png"))
    assert visitor.answer.status_code == status, told
    if status == 400:
        assert told["message"]
        return
    file = told["message"]["files"][0]
    got = Client().get(file["url"])
    assert got["Content-Type"].startswith("text/plain") and got["Content-Disposition"].startswith("attachment")
    stored = Attachment.objects.get()
    assert ".." not in stored.file.name and stored.file.name.endswith(".txt") and "/" not in file["name"]


def test_a_file_is_stored_once_per_key(place):
    _alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    key = str(uuid.uuid4())
    for _ in range(3):
        visitor.send_file(png(), key)
    assert Attachment.objects.count() == 1


def test_oversized_bodies_are_refused_before_they_are_read(place, settings):
    _alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    visitor.post("messages", {"text": "x" * 70_000, "key": str(uuid.uuid4())})
    assert visitor.answer.status_code == 413
    settings.UPLOAD_LIMIT_MB = 1
    told = visitor.send_file(SimpleUploadedFile("big.txt", b"x" * (2 * 1024 * 1024)))
    assert visitor.answer.status_code == 413 and "1" in told["message"]
    told = visitor.send_file(SimpleUploadedFile("big.txt", b"x" * (1024 * 1024 + 1)))
    assert visitor.answer.status_code == 400 and told["code"] == "too_large"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"x"',
        b"\xff\xfe",
        b'{"text": NaN}',
        b'{"text": "\\ud800"}',
        b'{"text": "\\u0000"}',
        b'{"key": {}}',
    ],
)
def test_bodies_that_make_no_sense_are_refused(place, body):
    _alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    for name in ("messages", "start", "marks", "track", "offline", "rating", "session"):
        answer = visitor.client.post(
            f"/widget/api/{name}",
            body,
            content_type="application/json",
            headers={"Authorization": f"Visitor {visitor.token}"},
        )
        assert answer.status_code in {400, 403, 404} or (name == "marks" and answer.status_code == 200), (
            name,
            answer.content,
        )


def test_wrong_types_are_refused_without_an_error_of_ours(place):
    _alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    for junk in ([], {}, 5, -1, 10**30, True, "x" * 50_000, ["x"]):
        for name, field in [
            ("messages", "text"), ("messages", "key"), ("marks", "got"), ("rating", "csat"), ("rating", "session"),
            ("offline", "contact"), ("offline", "slot"), ("offline", "topic"), ("track", "type"), ("track", "data"),
            ("track", "page"), ("start", "name"), ("start", "trail"), ("start", "page"), ("session", "site"),
            ("session", "token"), ("session", "user_jwt"),
        ]:  # fmt: skip
            data = {"key": str(uuid.uuid4()), "text": "x", "contact": "+79005550184", "site": site.key, field: junk}
            visitor.post(name, data)
            assert visitor.answer.status_code < 500, (name, field, junk)
    for name, field in [("changes", "after"), ("messages", "before"), ("changes", "tab"), ("file", "id")]:
        for junk in ("x", "-1", "1e9", "9" * 40, ""):
            visitor.get(name, {field: junk})
            assert visitor.answer.status_code < 500, (name, field, junk)


@pytest.mark.parametrize("seed", range(4))
def test_every_write_five_times_and_shuffled_has_one_effect(place, seed):
    """The first sends come in any order too; what came too early is sent again, as the page does."""
    _alice, _queue, site = place
    site.tracked_types, site.rate_per_min = ["cart_add"], 100
    site.save()
    visitor = Visitor(site)
    visitor.session()
    page = {"url": "https://norda.example/basket", "title": "Basket"}
    writes = [
        ("start", {"text": "first", "trail": [{"type": "cart_add", "key": str(uuid.uuid4())}]}),
        ("messages", {"text": "second"}),
        ("messages", {"text": "third"}),
        ("track", {"type": "cart_add", "data": {"sku": "W-16"}}),
        ("track", {"type": "page_view", "page": page}),
        ("offline", {"contact": "8 900 555-01-84", "text": "Call me"}),
        ("files", {}),
        ("files", {}),
    ]
    keyed = [(name, {**data, "key": str(uuid.uuid4())}) for name, data in writes]
    shuffled = keyed * 5
    random.Random(seed).shuffle(shuffled)
    for name, data in [*shuffled, *keyed]:
        if name == "files":
            visitor.send_file(png(), data["key"])
        else:
            visitor.post(name, data)
        assert visitor.answer.status_code in {200, 404}, (name, visitor.answer.content)
    assert visitor.answer.status_code == 200
    texts = Message.objects.filter(author="customer").values_list("text", flat=True)
    assert sorted(texts) == ["", "", "first", "second", "third"]
    assert Attachment.objects.count() == 2
    # A request ends the talk that waited, once; what is written after it opens the next.
    assert Interaction.objects.open().count() == 1 and Interaction.objects.count() <= 2
    assert (Thread.objects.count(), Task.objects.count()) == (1, 1)
    told = Event.objects.filter(kind="site.event", payload__data__in=[{"sku": "W-16"}, page])
    assert told.count() == 2


def test_other_sites_scripts_are_refused(place):
    _alice, _queue, site = place
    for origin in ["https://evil.example", "null", "http://localhost:9001", "http://testserver.evil.example"]:
        visitor = Visitor(site, Origin=origin)
        assert visitor.session()["code"] == "foreign_origin", origin
    assert "door" in Visitor(site, Origin="http://testserver").session()


def test_no_cookie_is_set_or_believed(place):
    alice, _queue, site = place
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    visitor = Visitor(site, client)
    visitor.start()
    assert visitor.answer.status_code == 200 and not visitor.answer.cookies
    visitor.token = ""
    assert visitor.get("messages")["code"] == "bad_token"


def test_floods_meet_limits(place, monkeypatch):
    monkeypatch.setattr(api, "SESSIONS_PER_MIN", 20)
    _alice, _queue, site = place
    site.rate_per_min = 5
    site.save()
    visitor = Visitor(site)
    visitor.start()
    codes = [visitor.say(str(n)) and visitor.answer.status_code for n in range(8)]
    assert codes == [200] * 5 + [429] * 3
    assert 0 < visitor.answer.json()["retry_after"] <= 12
    starts = [visitor.start() and visitor.answer.status_code for _ in range(25)]
    assert starts[-1] == 429
    sessions = set()
    for _ in range(60):
        answer = visitor.client.post(
            "/widget/api/session",
            json.dumps({"site": site.key}),
            content_type="application/json",
            REMOTE_ADDR="93.184.216.34",
        )
        sessions.add(answer.status_code)
    assert sessions == {200, 429}


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
    assert visitor.post("offline", request) == {"left": True} and Task.objects.count() == 1


# --- Embedding ---


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
