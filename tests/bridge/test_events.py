"""What a telephony platform tells: each event once and in any order; what is wrong is refused and the rest is taken."""

import io
import json
import random
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.test import Client
from django.utils import timezone

from cxcenter.bridge import fetching
from interactions.models import BridgeEvent, Call, Exchange, Recording
from routing.actions import bridge
from routing.models import Assignment, ExchangeQueue, Presence, WorkItem
from tests import sounds
from tests.bridge.conftest import NUMBER, SECRET, Platform, a_call, event, unique
from tests.exchange import rows_of


def test_a_call_is_followed_from_its_events(platform):
    assert {one["state"] for one in platform.tell(*a_call())} == {"taken"}
    call = platform.call()
    assert (call.number, call.provider, call.direction) == (NUMBER, "bridge", "in")
    assert (round(call.talk_s), round(call.hold_s)) == (90, 30)
    visit = WorkItem.objects.get(interaction=call.pk)
    assert (visit.queue, visit.outcome) == (platform.queue, "answered")
    leg = Assignment.objects.get(interaction=call.pk)
    assert (leg.operator, leg.leg) == (platform.anna, "wrapup")
    kept = BridgeEvent.objects.filter(exchange=platform.exchange)
    assert set(kept.values_list("state", flat=True)) == {"taken"}
    assert NUMBER not in json.dumps(list(kept.values_list("body", flat=True))), "what was taken is kept as a digest"


@pytest.mark.parametrize("seed", range(3))
def test_five_times_and_shuffled_it_is_the_same_call(platform, seed):
    plain, mixed = a_call("plain"), a_call("mixed") * 5
    platform.tell(*plain)
    chance = random.Random(seed)
    chance.shuffle(mixed)
    while mixed:
        size = chance.randint(1, 6)
        platform.tell(*mixed[:size])
        del mixed[:size]
    in_order, as_it_came = (unnamed(rows_of(platform.call(key))) for key in ("plain", "mixed"))
    assert in_order == as_it_came
    assert len(in_order[2]) == len(a_call())
    assert platform.call("mixed").number == NUMBER, "whatever came first"


def unnamed(rows: tuple) -> tuple:
    """The rows of a call without the call's name in the ids of its facts."""
    facts = sorted((key.partition(":")[2], kind, party) for key, kind, party in rows[2])
    return (*rows[:2], facts, *rows[3:])


def test_an_event_that_is_told_again_is_known_and_another_with_its_id_is_refused(platform):
    began = a_call()[0]
    assert platform.tell(began)[0]["state"] == "taken"
    assert platform.tell(dict(reversed(began.items())))[0]["state"] == "known"
    other = platform.tell(began | {"number": "+79005550185"})[0]
    assert (other["state"], other["field"]) == ("refused", "id")
    twice = event("queued", 1, queue="sales", id="double")
    states = [one["state"] for one in platform.tell(twice, twice | {"call": "c-2"})]
    assert states == ["taken", "refused"]
    assert platform.call().number == NUMBER


def test_the_good_ones_of_a_batch_are_kept(platform):
    began, queued, offered, answered, *_rest = a_call()
    wrong = [
        offered | {"party": "agent:9999"},
        queued | {"queue": "vip", "id": "q2"},
        "no event",
        event("rang", 3, id="r"),
    ]
    results = platform.tell(began, wrong[0], queued, *wrong[1:], answered)
    assert [one["state"] for one in results] == ["taken", "refused", "taken", "refused", "refused", "refused", "taken"]
    assert [one["field"] for one in results] == ["", "party", "", "queue", "", "type", ""]
    assert all(one["words"] for one in results if one["state"] == "refused")
    assert Assignment.objects.get(interaction=platform.call().pk).accepted_at is not None
    platform.exchange.refresh_from_db()
    assert "type" in platform.exchange.trouble or "types" in platform.exchange.trouble
    assert platform.exchange.connected_at is not None
    platform.tell(offered | {"id": "offered-again"})
    platform.exchange.refresh_from_db()
    assert platform.exchange.trouble == "", "the last batch was in order"


def test_what_was_refused_is_taken_once_the_settings_know_it(platform):
    began, queued, *_rest = a_call()
    vip = queued | {"queue": "vip"}
    assert [one["state"] for one in platform.tell(began, vip)] == ["taken", "refused"]
    ExchangeQueue.objects.create(exchange=platform.exchange, name="vip", queue=platform.queue)
    assert platform.tell(vip)[0]["state"] == "taken"


def test_events_wait_for_the_one_that_opens_their_call(platform):
    began, queued, offered, answered, *_rest = a_call()
    late = platform.tell(offered, answered)
    assert [one["state"] for one in late] == ["waiting", "waiting"] and "call" in late[0]["words"]
    assert not Call.objects.exists()
    assert platform.tell(offered)[0]["state"] == "waiting", "told again it waits still"
    platform.tell(began)
    assert Assignment.objects.get(interaction=platform.call().pk).operator == platform.anna
    assert not BridgeEvent.objects.filter(state="waiting").exists()
    assert platform.tell(answered)[0]["state"] == "known"
    assert queued


def test_the_sweep_takes_what_was_left_and_gives_up_on_calls_that_never_come(platform, monkeypatch):
    began, queued, offered, *_rest = a_call()
    monkeypatch.setattr(bridge, "_take", lambda *_: (_ for _ in ()).throw(RuntimeError("the process dies")))
    assert platform.post(json.dumps({"events": [began]}).encode()).status_code == 500
    monkeypatch.undo()
    assert BridgeEvent.objects.get().state == "waiting" and not Call.objects.exists()
    bridge.sweep()
    assert not Call.objects.exists(), "whoever takes it may still be at it"
    BridgeEvent.objects.update(received_at=timezone.now() - timedelta(seconds=5))
    bridge.sweep()
    assert platform.call().number == NUMBER
    platform.tell(event("answered", 5, call="never", party="agent:1017"))
    BridgeEvent.objects.filter(call="never").update(received_at=timezone.now() - timedelta(seconds=90))
    bridge.sweep()
    platform.tell(
        event("queued", 5, call="hidden", queue="sales"), event("answered", 9, call="hidden", party="agent:1018")
    )
    assert not Call.objects.filter(key="hidden").exists()
    BridgeEvent.objects.filter(call="hidden").update(received_at=timezone.now() - timedelta(seconds=90))
    bridge.sweep()
    assert (platform.call("hidden").number, platform.call("hidden").interaction.profile) == ("", None)
    given_up = BridgeEvent.objects.get(call="never")
    assert (given_up.state, given_up.error, given_up.body) == ("failed", bridge.NO_CALL, {})
    BridgeEvent.objects.update(received_at=timezone.now() - timedelta(days=3))
    bridge.sweep()
    assert not BridgeEvent.objects.exists()
    assert queued and offered


def test_a_pause_at_the_platform_is_ours(platform):
    said = event("agent_state", 0, call=None, agent="1017", state="paused", reason="Lunch")
    assert platform.tell(said)[0]["state"] == "taken"
    assert Presence.objects.get(user=platform.anna).mode == "pause"
    assert Presence.objects.get(user=platform.boris).mode == "available"


# --- Who may tell ------------------------------------------------------------------------------


def body() -> bytes:
    return json.dumps({"events": [a_call()[0] | {"id": unique()}]}).encode()


def test_only_who_knows_the_secret_tells(platform):
    other = Exchange.objects.create(
        name="Other", kind="bridge", channel=platform.exchange.channel, secret="o" * 40, controls=[]
    )
    wrong = [
        platform.post(body(), secret="x" * 40),
        platform.post(body(), secret=other.secret),
        platform.post(body(), at=time.time() - 301),
        platform.post(body(), at=time.time() + 302),
        platform.post(body(), **{"X-CX-Signature": ""}),
        platform.post(body(), **{"X-CX-Signature": "t=1,v1="}),
        platform.post(body(), **{"X-CX-Signature": f"t={int(time.time())}"}),
        platform.post(body(), **{"X-CX-Signature": "t=²,v1=ü"}),
    ]
    assert {answer.status_code for answer in wrong} == {401}
    assert wrong[0].json()["code"] == "not_signed" and wrong[0]["Content-Type"] == "application/problem+json"
    unknown = Client().post("/bridge/999999/events/", body(), content_type="application/json")
    assert (unknown.status_code, unknown.json()) == (401, wrong[0].json()), "who is there is not told"
    assert not Call.objects.exists() and not BridgeEvent.objects.exists()
    assert platform.post(body(), at=time.time() - 290).status_code == 200


def test_a_changed_body_is_refused(platform):
    from cxcenter.core import webhooks

    signature = webhooks.sign(SECRET, body(), int(time.time()))
    assert platform.post(body(), **{"X-CX-Signature": signature}).status_code == 401


@pytest.mark.parametrize("change", [{"active": False}, {"kind": "asterisk"}, {"secret": ""}])
def test_an_exchange_that_is_switched_off_of_another_kind_or_without_a_secret_hears_nobody(platform, change):
    Exchange.objects.filter(pk=platform.exchange.pk).update(**change)
    assert platform.post(body(), secret=change.get("secret", SECRET)).status_code == 401


def test_a_replay_changes_nothing(platform):
    sent = json.dumps({"events": a_call()}).encode()
    at = time.time()
    platform.post(sent, at=at)
    before = rows_of(platform.call())
    again = platform.post(sent, at=at)
    assert {one["state"] for one in again.json()["results"]} == {"known"}
    assert rows_of(platform.call()) == before


@pytest.mark.parametrize(
    "sent",
    [b"", b"{", b"[]", b"{}", b'{"events": []}', b'{"events": {}}', b'{"events": [1], "more": 1}', b"[" * 100_000],
)
def test_a_body_of_another_form_is_refused_as_a_whole(platform, sent):
    answer = platform.post(sent)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_a_body_that_is_too_large_or_has_too_many_events_is_refused(platform):
    large = json.dumps({"events": [{"id": "x" * 1_100_000}]}).encode()
    answer = platform.post(large)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    many = json.dumps({"events": [1] * (bridge.MOST + 1)}).encode()
    assert platform.post(many).status_code == 400
    assert Client().get(f"{platform.base}events/").status_code == 405


# --- Recordings --------------------------------------------------------------------------------


@pytest.fixture
def files() -> Iterator[dict[str, bytes | int]]:
    """The platform's store of files: a path has bytes, or a status."""
    kept: dict[str, bytes | int] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = kept.get(self.path, 404)
            self.send_response(found if isinstance(found, int) else 200)
            self.send_header("Location", "http://127.0.0.1/")
            self.end_headers()
            if isinstance(found, bytes):
                self.wfile.write(found)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    kept["base"] = f"http://127.0.0.1:{server.server_address[1]}".encode()
    yield kept
    server.shutdown()
    thread.join()


def recording(files: dict, path: str, **more) -> dict:
    return event("recording", 150, url=files["base"].decode() + path, started_at="2026-11-30T09:30:00Z", **more)


def test_a_recording_is_fetched_once(platform, files, settings):
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    platform.tell(*a_call())
    files["/1.wav"] = sounds.webm(sounds.call_of(2))
    told = recording(files, "/1.wav")
    assert platform.tell(told)[0]["state"] == "taken"
    for _time in range(2):
        fetching.fetch_all()
    kept = Recording.objects.get(interaction=platform.call().pk)
    assert kept.state == "ready" and kept.duration_s == pytest.approx(2, abs=0.3)
    assert platform.tell(told)[0]["state"] == "known"
    fetching.fetch_all()
    assert Recording.objects.count() == 1


def test_nothing_is_fetched_from_our_own_network(platform, files):
    platform.tell(*a_call())
    files["/1.wav"] = b"secret"
    told = recording(files, "/1.wav")
    platform.tell(told)
    fetching.fetch_all()
    row = BridgeEvent.objects.get(kind="recording")
    assert row.state == "failed" and "internal network" in row.error
    assert not Recording.objects.exists()


@pytest.mark.parametrize(("found", "words"), [(404, "HTTP 404"), (302, "HTTP 302"), (b"no sound", "no sound")])
def test_a_file_that_is_none_is_not_kept_and_the_journal_says_why(platform, files, settings, found, words):
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    platform.tell(*a_call())
    files["/1.wav"] = found
    platform.tell(recording(files, "/1.wav"))
    fetching.fetch_all()
    row = BridgeEvent.objects.get(kind="recording")
    assert row.state == "failed" and words in row.error
    assert not Recording.objects.exists()


def test_a_platform_that_is_away_is_asked_for_an_hour(platform, files, settings, monkeypatch):
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    platform.tell(*a_call())
    files["/1.wav"] = 503
    platform.tell(recording(files, "/1.wav"))
    fetching.fetch_all()
    assert BridgeEvent.objects.get(kind="recording").state == "waiting"
    files["/1.wav"] = io.BytesIO(sounds.webm(sounds.call_of(1))).getvalue()
    monkeypatch.setattr(fetching, "LARGEST", 100)
    fetching.fetch_all()
    assert "too large" in BridgeEvent.objects.get(kind="recording").error
    BridgeEvent.objects.filter(kind="recording").update(state="waiting", body=recording(files, "/1.wav"))
    files["/1.wav"] = 503
    BridgeEvent.objects.filter(kind="recording").update(received_at=timezone.now() - timedelta(minutes=61))
    fetching.fetch_all()
    assert BridgeEvent.objects.get(kind="recording").state == "failed"


def test_the_number_of_queries_does_not_grow_with_the_batch(platform):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def taken(*events) -> int:
        with CaptureQueriesContext(connection) as asked:
            platform.tell(*events)
        return len(asked)

    platform.tell(*a_call()[:4])
    one = taken(event("held", 61, party="agent:1017"))
    many = taken(*(event(kind, 62 + n, party="agent:1017") for n, kind in enumerate(["muted", "unmuted"] * 10)))
    assert many <= one + 1, (one, many)
    assert isinstance(platform, Platform)
