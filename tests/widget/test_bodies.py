"""What comes over the wire: too much, too often, nonsense, twice, from elsewhere."""

import json
import random
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cxcenter.core.models import Event
from cxcenter.widget import api
from interactions.models import Attachment, Interaction, Message, Task, Thread
from tests.widget.client import Visitor, png

pytestmark = pytest.mark.django_db(transaction=True)


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
