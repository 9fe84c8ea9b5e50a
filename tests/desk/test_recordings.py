"""Recordings at the desk's doors: who sends pieces, who hears them, by which link, and what trace that leaves."""

import hashlib
import io
import uuid
from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Role
from cxcenter.core.models import AuditEntry
from cxcenter.desk.views import recordings as views
from interactions import vault
from interactions.actions import recordings
from interactions.models import Interaction, Recording, SpokenLine, Transcript
from routing.actions import offers
from routing.models import Assignment
from tests import sounds, world

pytestmark = pytest.mark.django_db(transaction=True)

CALL = sounds.wav(sounds.call_of(2))
KEY = b64encode(bytes(32)).decode()


@dataclass
class Place:
    """A call that alice took, and people around it."""

    talk: Interaction
    people: dict[str, User]

    def client(self, name: str) -> Client:
        client = Client(raise_request_exception=False)
        client.force_login(self.people[name])
        return client

    def keep(self) -> Recording:
        return recordings.keep_file(self.talk, io.BytesIO(CALL), timezone.now())


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def place():
    team, sales = world.make_team(), world.make_team("Sales")
    people = {name: world.make_user(name, team=team) for name in ("alice", "bob")}
    people["chief"] = world.make_user("chief", Role.SUPERVISOR, team)
    people["judge"] = world.make_user("judge", Role.QUALITY)
    people["stranger"] = world.make_user("stranger", team=sales)
    people["rival"] = world.make_user("rival", Role.SUPERVISOR, sales)
    people["marketer"] = world.make_user("marketer", Role.MARKETER)
    site = world.make_site(world.make_queue(members=(people["alice"], people["bob"]), team=team))
    world.on_duty(people["alice"])
    talk = world.open_chat(site)
    Interaction.objects.update(kind="voice")
    offers.accept_offer(leg_id=Assignment.objects.get().pk, actor=people["alice"])
    talk.refresh_from_db()
    return Place(talk, people)


HEARERS = {
    "alice": True,
    "bob": True,
    "chief": True,
    "judge": True,
    "stranger": False,
    "rival": False,
    "marketer": False,
}


def begin(client: Client, talk: Interaction, key: uuid.UUID):
    return client.post(f"/desk/s/{talk.pk}/recordings/", {"key": str(key), "type": "audio/webm;codecs=opus"})


def send(client: Client, key: uuid.UUID, number: int, content: bytes):
    said = {"piece": io.BytesIO(content), "sha256": hashlib.sha256(content).hexdigest()}
    return client.post(f"/desk/recordings/{key}/pieces/{number}/", said)


def link(client: Client, recording: Recording) -> str:
    return client.post(f"/desk/recordings/{recording.public_id}/listen/").json()["url"]


def body(answer) -> bytes:
    return b"".join(answer.streaming_content)


# --- In ---


def test_the_operator_of_the_call_records_it_and_nobody_else(place):
    alice, key = place.client("alice"), uuid.uuid4()
    for name in ("bob", "chief"):
        assert begin(place.client(name), place.talk, uuid.uuid4()).status_code == 409, name
    assert begin(place.client("stranger"), place.talk, uuid.uuid4()).status_code == 404
    for _ in range(2):
        assert begin(alice, place.talk, key).json() == {"recording": str(key)}
    pieces = sounds.cut(sounds.webm(sounds.call_of(3)), 3)
    for name in ("bob", "chief", "stranger"):
        client = place.client(name)
        assert send(client, key, 0, pieces[0]).status_code == 404, name
        assert client.post(f"/desk/recordings/{key}/finish/", {"pieces": 1}).status_code == 404, name
        assert client.post(f"/desk/recordings/{key}/marks/", {"kind": "pause", "at": "1"}).status_code == 404, name
    assert send(alice, key, 2, pieces[2]).status_code == send(alice, key, 2, pieces[2]).status_code == 204
    assert send(alice, key, 2, pieces[1]).json()["code"] == "other_piece"
    assert alice.post(f"/desk/recordings/{key}/finish/", {"pieces": 3}).json() == {"missing": [0, 1]}
    for number in (0, 1):
        assert send(alice, key, number, pieces[number]).status_code == 204
    for _ in range(2):
        assert alice.post(f"/desk/recordings/{key}/marks/", {"kind": "pause", "at": "1.5"}).status_code == 200
    assert alice.post(f"/desk/recordings/{key}/finish/", {"pieces": 3}).json() == {"missing": []}
    assert recordings.finish_all() == 1
    assert Recording.objects.get().marks.count() == 1


def test_what_was_recorded_comes_in_when_the_call_is_over_and_somebody_elses(place):
    alice, key = place.client("alice"), uuid.uuid4()
    begin(alice, place.talk, key)
    Assignment.objects.update(operator=place.people["bob"])
    assert begin(alice, place.talk, key).status_code == 200, "a retry of what has begun"
    assert begin(alice, place.talk, uuid.uuid4()).status_code == 409
    assert send(alice, key, 0, b"sound").status_code == 204


def test_a_full_disk_is_told_in_words(place, monkeypatch):
    from django.core.files.storage import storages

    alice, key = place.client("alice"), uuid.uuid4()
    begin(alice, place.talk, key)

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storages["recordings"].__class__, "_save", full)
    answer = send(alice, key, 0, b"sound")
    assert answer.status_code == 507 and "No space left" in answer.json()["message"]


# --- Out ---


def speak(recording: Recording, side: str, at: float, text: str) -> None:
    """Somebody was heard to say this, a word each half second."""
    times = [edge for n in range(len(text.split())) for edge in (50 * n, 50 * n + 40)]
    SpokenLine.objects.create(recording=recording, side=side, start_s=at, end_s=at + 1, text=text, times=times)
    Transcript.objects.filter(recording=recording).update(state="ready", done_s=recording.duration_s)


@pytest.mark.parametrize("name", HEARERS)
def test_who_may_hear_the_call_reads_and_finds_its_words_and_nobody_else(place, name):
    recording, client = place.keep(), place.client(name)
    speak(recording, "operator", 1.2, "Your deliveries are late")
    speak(recording, "customer", 0.5, "Where is my <b>parcel</b>")
    AuditEntry.objects.all().delete()
    address = f"/desk/recordings/{recording.public_id}/"
    answer = client.post(f"{address}words/")
    assert answer.status_code == (200 if HEARERS[name] else 404)
    read = [*AuditEntry.objects.filter(act__startswith="recording.").values_list("act", "subject", "actor__username")]
    assert read == ([("recording.read", f"recording:{recording.pk}", name)] if HEARERS[name] else [])
    if HEARERS[name]:
        assert answer.json() == {
            "lines": [
                {
                    "side": "customer",
                    "at": 0.5,
                    "text": "Where is my <b>parcel</b>",
                    "times": [0, 40, 50, 90, 100, 140, 150, 190],
                },
                {"side": "operator", "at": 1.2, "text": "Your deliveries are late", "times": [0, 40, 50, 90, 100, 140, 150, 190]},
            ],
            "more": False,
            "lacks": False,
        }  # fmt: skip
    for page in ("/desk/search/", "/desk/customers/"):
        found = client.get(page, {"q": "delivery"}).content.decode()
        assert ("<mark>deliveries</mark>" in found) == HEARERS[name], page
        assert (f"/desk/recordings/{recording.public_id}/?s=1.20&amp;q=delivery" in found) == HEARERS[name]
    assert "&lt;b&gt;" in place.client("alice").get("/desk/search/", {"q": "parcel"}).content.decode()
    # Of the customer's timeline too.
    profile = place.talk.profile
    lines = client.get(f"/desk/customers/{profile.customer_id}/timeline/", {"text": "delivery"}).content.decode()
    assert ("Your deliveries are late" in lines) == HEARERS[name]


def test_words_of_all_parts_stand_on_one_timeline(place):
    first, second = place.keep(), place.keep()
    Recording.objects.filter(pk=second.pk).update(started_at=first.started_at + timedelta(seconds=10))
    second.refresh_from_db()
    speak(first, "customer", 1, "one two")
    speak(second, "customer", 1, "three")
    client = place.client("chief")
    for key in (first.public_id, second.public_id):
        lines = client.post(f"/desk/recordings/{key}/words/").json()["lines"]
        assert [(line["at"], line["text"]) for line in lines] == [(1.0, "one two"), (11.0, "three")]
    data = client.get(f"/desk/recordings/{second.public_id}/?s=1&q=three").content.decode()
    assert '"begins": 11.0, "asked": "three"' in data
    assert '"begins": null' in client.get(f"/desk/recordings/{second.public_id}/?s=nan").content.decode()


def test_the_player_says_how_it_stands_with_the_words(place, settings):
    recording, client = place.keep(), place.client("alice")
    address = f"/desk/recordings/{recording.public_id}/"

    def page() -> str:
        return client.get(address).content.decode()

    assert 'data-do="words"' not in page() and "being recognised" not in page(), "nothing is recognised here"
    settings.ASR_MODEL_DIR = "/models/small"
    assert "The words are being recognised." in page()
    Transcript.objects.update(state="failed")
    assert "The words could not be recognised." in page()
    Transcript.objects.update(done_s=1)
    assert "A part of the words could not be recognised." in page() and 'data-do="words"' in page()
    assert client.post(f"{address}words/").json() == {"lines": [], "more": False, "lacks": True}


def test_the_search_for_words_asks_a_few_questions_whatever_it_finds(place):
    recording, client = place.keep(), place.client("chief")
    client.get("/desk/search/", {"q": "nothing"})
    speak(recording, "customer", 0, "parcel")
    with CaptureQueriesContext(connection) as few:
        assert client.get("/desk/search/", {"q": "parcel"}).content.decode().count("<mark>parcel</mark>") == 1
    for number in range(12):
        speak(recording, "customer", number, f"parcel {number}")
    with CaptureQueriesContext(connection) as many:
        assert client.get("/desk/search/", {"q": "parcel"}).content.decode().count("<mark>parcel</mark>") == 8
    assert len(many) == len(few)


@pytest.mark.parametrize("name", HEARERS)
def test_who_may_read_the_session_hears_it_and_nobody_else(place, name):
    recording, client = place.keep(), place.client(name)
    theirs = link(place.client("alice"), recording)
    AuditEntry.objects.all().delete()
    address = f"/desk/recordings/{recording.public_id}/"
    status = 200 if HEARERS[name] else 404
    assert client.get(address).status_code == status
    assert client.post(f"{address}listen/").status_code == status
    assert client.get(theirs).status_code == (200 if name == "alice" else 403 if HEARERS[name] else 404)
    found = client.get(f"{address}download/").status_code
    assert found == {"alice": 403, "bob": 403, "stranger": 403, "marketer": 403, "rival": 404}.get(name, 200)
    acts = [*AuditEntry.objects.filter(act__startswith="recording.").values_list("act", "actor__username")]
    listened, taken = ("recording.listen", name), ("recording.download", name)
    assert acts == ([listened] if HEARERS[name] else []) + ([taken] if name in {"chief", "judge"} else [])
    assert Client().get(theirs).status_code == 302


@pytest.mark.parametrize("name", HEARERS)
def test_from_the_timeline_one_comes_to_the_player_of_the_call(place, name):
    """The card is open to all staff; the line of the call leads on who may read it, and nobody else finds a player."""
    place.keep()
    client, talk = place.client(name), f"/desk/s/{place.talk.pk}/"
    card = client.get(f"/desk/customers/{place.talk.profile.customer_id}/").content.decode()
    assert (f'href="{talk}"' in card.partition('id="timeline"')[2]) == HEARERS[name]
    session = client.get(talk, follow=True)
    assert session.status_code == (200 if HEARERS[name] else 404)
    assert session.content.decode().count("<cx-player") == (1 if HEARERS[name] else 0)


def test_each_listening_leaves_a_trace(place):
    recording, client = place.keep(), place.client("chief")
    for _ in range(3):
        link(client, recording)
    entries = AuditEntry.objects.filter(act="recording.listen", actor__username="chief")
    assert entries.count() == 3 and entries[0].subject == f"recording:{recording.pk}"
    assert entries[0].detail == {"interaction": place.talk.pk}


def test_a_link_expires_and_serves_its_recording_alone(place, monkeypatch):
    one, other, client = place.keep(), place.keep(), place.client("bob")
    address = link(client, one)
    assert client.get(address).status_code == 200
    key = address.partition("key=")[2]
    assert client.get(f"/desk/recordings/{other.public_id}/audio/?key={key}").status_code == 403
    assert client.get(address + "x").status_code == client.get(address.partition("?")[0]).status_code == 403
    late = timezone.now().timestamp() + views.LINK_S + 5
    monkeypatch.setattr(signing.time, "time", lambda: late)
    answer = client.get(address)
    assert answer.status_code == 403 and answer.json()["code"] == "expired"


def test_a_right_that_is_gone_ends_the_listening(place):
    from routing.models import QueueMember

    recording, client = place.keep(), place.client("bob")
    address = link(client, recording)
    QueueMember.objects.filter(user=place.people["bob"]).delete()
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("key", ["", KEY], ids=["plain", "encrypted"])
def test_parts_of_the_sound(place, settings, key):
    settings.RECORDINGS_KEY = key
    recording, client = place.keep(), place.client("alice")
    whole = vault.read(recording.file, recording.key_id).read()
    address, size = link(client, recording), len(whole)
    answer = client.get(address)
    assert (answer.status_code, answer["Content-Type"], answer["Accept-Ranges"]) == (200, "audio/webm", "bytes")
    assert body(answer) == whole and answer["Cache-Control"] == "private, no-store"
    for asked, start, end in (
        ("bytes=0-", 0, size), ("bytes=0-0", 0, 1), ("bytes=100-299", 100, 300), ("bytes=-50", size - 50, size),
        (f"bytes={size - 1}-{size + 99}", size - 1, size),
    ):  # fmt: skip
        answer = client.get(address, headers={"Range": asked})
        assert answer.status_code == 206 and answer["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
        assert body(answer) == whole[start:end] and int(answer["Content-Length"]) == end - start
    assert client.get(address, headers={"Range": f"bytes={size}-"}).status_code == 416
    for asked in ("bytes=1-2,4-5", "words", "bytes=-"):
        assert body(client.get(address, headers={"Range": asked})) == whole
    changed = client.get(address, headers={"Range": "bytes=5-9", "If-Range": '"other"'})
    assert changed.status_code == 200 and body(changed) == whole


def test_sound_that_is_not_there_is_told_in_words(place):
    from django.core.files.storage import storages

    recording, client = place.keep(), place.client("alice")
    address = link(client, recording)
    storages["recordings"].delete(recording.file)
    answer = client.get(address)
    assert answer.status_code == 409 and answer.json()["code"] == "unreadable"
    recordings.erase([recording.pk])
    assert client.post(f"/desk/recordings/{recording.public_id}/listen/").json()["code"] == "deleted"
    assert "The recording was deleted" in client.get(f"/desk/recordings/{recording.public_id}/").content.decode()


def test_a_supervisor_of_the_team_holds_with_a_reason(place):
    recording = place.keep()
    address = f"/desk/recordings/{recording.public_id}/hold/"
    for name, status in (("alice", 403), ("judge", 403), ("rival", 404)):
        assert place.client(name).post(address, {"reason": "x"}).status_code == status
    chief = place.client("chief")
    assert chief.post(address, {"reason": ""}).json()["field"] == "reason"
    assert chief.post(address, {"reason": "Claim 12"}).status_code == 204
    assert Recording.objects.get().hold_reason == "Claim 12"
    assert "Claim 12" in chief.get(f"/desk/recordings/{recording.public_id}/").content.decode()
    assert chief.post(address, {"release": "1"}).status_code == 204
    assert not Recording.objects.get().legal_hold


def test_parts_of_a_call_are_one_timeline_and_a_note_stands_in_it(place, django_assert_max_num_queries):
    from datetime import timedelta

    from cxcenter.desk import player

    began = timezone.now()
    first = recordings.keep_file(place.talk, io.BytesIO(CALL), began)
    second = recordings.keep_file(place.talk, io.BytesIO(CALL), began + timedelta(seconds=7))
    answer = place.client("bob").post(
        f"/desk/recordings/{second.public_id}/marks/", {"kind": "note", "at": "0.5", "text": "Gives the number"}
    )
    assert answer.json() == {"at": 0.5, "kind": "note", "words": "Gives the number"}
    with django_assert_max_num_queries(2):
        shown = player.of_session(place.talk, place.people["bob"])
    assert shown is not None and [(p.id, p.at) for p in shown.parts] == [
        (str(first.public_id), 0),
        (str(second.public_id), 7),
    ]
    assert shown.total == pytest.approx(9, abs=0.1)
    assert [(m["at"], m["kind"]) for m in shown.marks] == [(pytest.approx(2, abs=0.1), "gap"), (7.5, "note")]
    assert [(s["code"], s["percent"]) for s in shown.talk][:2] == [("customer", 100), ("operator", 100)]
