"""Webhooks end to end: from a fact to a receiver on a real socket, with signature, tries, log and guarded addresses."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from cxcenter.core import events, webhooks
from cxcenter.core.models import AuditEntry, Outbox, WebhookDelivery, WebhookSubscription
from cxcenter.core.tasks import deliver_webhooks, sweep_old_rows
from routing.events import RoomMade
from tests.api.callers import problem, token

DOCS = Path(__file__).parents[2] / "docs/api.md"


def documented_check() -> Any:
    """The function that docs/api.md tells receivers to use."""
    code = next(c for c in re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL) if "def is_ours" in c)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["is_ours"]


class Receiver:
    """Somebody's server: it answers with the next of `answers`, 200 when there is none, and keeps what came."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.hold = threading.Event()
        self.hold.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                receiver.hold.wait(10)
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Location", receiver.url("/elsewhere"))
                self.send_header("Content-Length", str(10**12))
                self.end_headers()
                self.close_connection = True

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server.server_port}{path}"

    def stop(self) -> None:
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1", "receiver.test"]
    server = Receiver()
    yield server
    server.stop()


@pytest.fixture
def caller(place):
    return token("webhooks:write", "cases:write")


def subscribe(caller, url, *topics):
    answer = caller.post("webhooks/", {"name": "CRM", "url": url, "topics": list(topics)})
    assert answer.status_code == 201, answer.content
    return answer.json()


def log(caller, webhook, query=""):
    return caller.rows(f"webhooks/{webhook['id']}/deliveries/{query}")


def make_due():
    WebhookDelivery.objects.filter(state="pending").update(due_at=timezone.now())


def test_a_fact_reaches_the_receiver_signed(caller, receiver):
    webhook = subscribe(caller, receiver.url(), "case.opened")
    case = caller.post("cases/", {"subject": "A secret subject"}).json()
    assert deliver_webhooks() == 1
    headers, body = receiver.got[0]
    fact = json.loads(body)
    assert (fact["topic"], fact["data"]) == ("case.opened", {"case": case["id"], "kind": "question"})
    is_ours = documented_check()
    assert is_ours(webhook["secret"], body, headers["X-CX-Signature"])
    assert not is_ours("other", body, headers["X-CX-Signature"])
    assert not is_ours(webhook["secret"], body + b" ", headers["X-CX-Signature"])
    assert not is_ours(webhook["secret"], body, headers["X-CX-Signature"], tolerance_s=-1)
    assert (headers["Content-Type"], headers["X-CX-Topic"]) == ("application/json", "case.opened")
    row = log(caller, webhook)[0]
    assert (row["id"], row["state"], row["tries"], row["status_code"]) == (
        headers["X-CX-Delivery"],
        "delivered",
        1,
        200,
    )
    assert row["body"] == fact
    assert deliver_webhooks() == 0


def test_the_secret_is_shown_once(caller, receiver):
    webhook = subscribe(caller, receiver.url())
    assert webhook["secret"].startswith("whsec_")
    for answer in (caller.get("webhooks/"), caller.get(f"webhooks/{webhook['id']}/")):
        assert webhook["secret"] not in answer.content.decode()


def test_a_refused_delivery_is_tried_again_later_and_later(caller, receiver):
    webhook = subscribe(caller, receiver.url(), "case.opened")
    caller.post("cases/", {"subject": "x"})
    receiver.answers = [500, 302, 200]
    waits = []
    for _ in range(2):
        assert deliver_webhooks() == 1
        row = WebhookDelivery.objects.get()
        waits.append((row.due_at - timezone.now()).total_seconds())
        assert (row.state, deliver_webhooks()) == ("pending", 0)
        make_due()
    assert waits == [pytest.approx(10, abs=6), pytest.approx(30, abs=6)]
    assert log(caller, webhook)[0]["error"] == "HTTP 302"
    assert deliver_webhooks() == 1
    row = log(caller, webhook, "?state=delivered")[0]
    assert (row["tries"], row["error"], row["status_code"]) == (3, "", 200)
    # The redirect was not followed, and every try was the same delivery.
    assert {headers["X-CX-Delivery"] for headers, _body in receiver.got} == {row["id"]}
    assert len(receiver.got) == 3


def test_after_the_last_try_it_is_failed_and_can_be_sent_again_by_hand(caller, receiver):
    webhook = subscribe(caller, receiver.url(), "case.opened")
    caller.post("cases/", {"subject": "x"})
    receiver.answers = [503] * webhooks.TRIES
    for _ in range(webhooks.TRIES):
        deliver_webhooks()
        make_due()
    row = log(caller, webhook, "?state=failed")[0]
    assert (row["tries"], deliver_webhooks()) == (webhooks.TRIES, 0)
    again = caller.post(f"webhooks/{webhook['id']}/deliveries/{row['id']}/redeliver/")
    assert (again.json()["state"], again.json()["tries"]) == ("pending", 0)
    assert deliver_webhooks() == 1
    assert [row["id"] for row in log(caller, webhook, "?state=delivered")] == [row["id"]]
    assert AuditEntry.objects.filter(act="webhook.redeliver").exists()


def test_a_receiver_that_is_away_or_hangs_does_not_stop_the_others(caller, receiver, monkeypatch):
    monkeypatch.setattr(webhooks, "TIMEOUT_S", 1.0)
    hanging = Receiver()
    hanging.hold.clear()
    try:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        stuck = subscribe(caller, hanging.url(), "case.opened")
        away = subscribe(caller, f"http://127.0.0.1:{port}/", "case.opened")
        mad = subscribe(caller, receiver.url(), "case.opened")
        WebhookSubscription.objects.filter(pk=mad["id"]).update(url="http://127.0.0.1:99999/")
        well = subscribe(caller, receiver.url(), "case.opened")
        for _ in range(3):
            caller.post("cases/", {"subject": "x"})
        assert deliver_webhooks() == 12
    finally:
        hanging.stop()
    assert {row["state"] for row in log(caller, well)} == {"delivered"}
    for webhook in (stuck, away, mad):
        rows = log(caller, webhook)
        assert {row["state"] for row in rows} == {"pending"}
        assert all(row["error"] and row["status_code"] is None for row in rows)
    assert len(receiver.got) == 3


def test_a_fact_is_delivered_once_per_subscription_and_only_its_topics(caller, receiver):
    one, every = subscribe(caller, receiver.url(), "case.changed"), subscribe(caller, receiver.url())
    caller.post("cases/", {"subject": "x"})
    assert (len(log(caller, one)), [row["topic"] for row in log(caller, every)]) == (0, ["case.opened"])
    # A handler may run twice: the outbox row is the same, so is the delivery.
    fact = events.PAYLOADS["case.opened"](case=1, kind="question")
    for _ in range(2):
        webhooks.queue_deliveries("case.opened", fact, 10**9)
    assert len(log(caller, every)) == 2
    webhooks.queue_deliveries("room.made", RoomMade(queues=[1]), 10**9 + 1)
    assert len(log(caller, every)) == 2, "internal facts stay inside"


def test_what_is_paused_or_deleted_gets_nothing(caller, receiver):
    paused, deleted = subscribe(caller, receiver.url()), subscribe(caller, receiver.url())
    assert caller.patch(f"webhooks/{paused['id']}/", {"active": False}).json()["active"] is False
    assert caller.delete(f"webhooks/{deleted['id']}/").status_code == 204
    caller.post("cases/", {"subject": "x"})
    assert (WebhookDelivery.objects.count(), Outbox.objects.count()) == (0, 0)
    assert caller.patch(f"webhooks/{paused['id']}/", {"active": True}).status_code == 200
    caller.post("cases/", {"subject": "x"})
    assert len(log(caller, paused)) == 1
    problem(caller.get(f"webhooks/{deleted['id']}/"), 404, "not_found")


def test_a_subscription_deleted_by_another_process_harms_nobody(caller, receiver):
    """Each process knows the subscriptions for a second: it must not trip over one that is gone."""
    webhook = subscribe(caller, receiver.url())
    caller.post("cases/", {"subject": "x"})
    WebhookSubscription.objects.filter(pk=webhook["id"]).delete()
    caller.post("cases/", {"subject": "y"})
    assert Outbox.objects.count() == 0


INTERNAL = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0/",
    "http://localhost/",
    "http://10.0.0.1/",
    "http://172.16.0.1:8080/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[fd00::1]/",
    "http://[fe80::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://[64:ff9b::7f00:1]/",
    "http://user:word@127.0.0.1/",
    "http://127.0.0.1#@example.com/",
]


@pytest.mark.parametrize("url", INTERNAL)
def test_addresses_inside_are_refused(place, url):
    caller = token("webhooks:write")
    problem(caller.post("webhooks/", {"name": "x", "url": url}), 400, "invalid")
    made = subscribe(caller, "https://1.1.1.1/")
    problem(caller.patch(f"webhooks/{made['id']}/", {"url": url}), 400, "invalid")
    assert webhook_url(made) == "https://1.1.1.1/"


def webhook_url(made):
    return WebhookSubscription.objects.get(pk=made["id"]).url


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "url": "ftp://1.1.1.1/"},
        {"name": "x", "url": "file:///etc/passwd"},
        {"name": "x", "url": "https://"},
        {"name": "x", "url": "https://nowhere.invalid/"},
        {"name": "x", "url": "https://1.1.1.1/", "topics": ["case.forgotten"]},
        {"name": "x", "url": "https://1.1.1.1/", "topics": ["room.made"]},
        {"name": "x", "url": "https://1.1.1.1/", "secret": "mine"},
        {"url": "https://1.1.1.1/"},
    ],
)
def test_a_wrong_subscription_is_refused(place, body):
    problem(token("webhooks:write").post("webhooks/", body), 400, "invalid")


def test_a_name_that_leads_inside_later_is_not_followed(caller, receiver, settings, monkeypatch):
    webhook = subscribe(caller, receiver.url(), "case.opened")
    settings.WEBHOOK_ALLOWED_HOSTS = []
    caller.post("cases/", {"subject": "x"})
    assert deliver_webhooks() == 1
    assert receiver.got == []
    assert "internal network" in log(caller, webhook)[0]["error"]


def test_the_address_that_was_checked_is_the_one_that_is_called(caller, receiver, monkeypatch):
    """A name is looked up once for a delivery: a second look could lead elsewhere."""
    real, asked = socket.getaddrinfo, []

    def look_up(host, *rest, **named):
        asked.append(host)
        return real("127.0.0.1" if host == "receiver.test" else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    subscribe(caller, receiver.url(host="receiver.test"), "case.opened")
    caller.post("cases/", {"subject": "x"})
    asked.clear()
    assert deliver_webhooks() == 1
    assert asked.count("receiver.test") == 1
    assert receiver.got[0][0]["Host"] == f"receiver.test:{receiver.server.server_port}"


def test_two_workers_never_send_one_delivery_twice(caller, receiver):
    webhook = subscribe(caller, receiver.url(), "case.opened")
    row = {"subscription_id": webhook["id"], "topic": "case.opened", "body": {}}
    WebhookDelivery.objects.bulk_create(WebhookDelivery(key=str(n), **row) for n in range(60))

    def work(_number):
        try:
            return webhooks.deliver_due()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 60
    assert len({headers["X-CX-Delivery"] for headers, _body in receiver.got}) == len(receiver.got) == 60


def test_the_log_is_kept_for_thirty_days(caller, receiver):
    webhook = subscribe(caller, receiver.url(), "case.opened")
    for _ in range(2):
        caller.post("cases/", {"subject": "x"})
    deliver_webhooks()
    old = WebhookDelivery.objects.earliest("created_at")
    WebhookDelivery.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=31))
    sweep_old_rows()
    assert str(old.pk) not in {row["id"] for row in log(caller, webhook)}
    assert len(log(caller, webhook)) == 1
