"""Messages that callers leave: when they may, what becomes of one, that it is left once, and what is no message."""

import uuid
from datetime import timedelta

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from interactions.actions import recordings
from interactions.models import Call, Channel, Interaction, Recording, Task
from routing.actions import offers
from routing.models import Assignment, Callback, Entrance, WorkItem
from tests import sounds, world
from tests.widget.client import Visitor

pytestmark = pytest.mark.django_db(transaction=True)
SAID = sounds.webm(np.stack([sounds.tone(440, 3), sounds.tone(440, 3)]))


@pytest.fixture
def place(place):
    """The site takes calls and messages."""
    alice, queue, site = place
    queue.voicemail, queue.voicemail_after_s, queue.keep_recordings_days = True, 0, 30
    queue.save()
    site.voice = Channel.objects.create(name="Calls of the site", kind="voice")
    site.save()
    Entrance.objects.create(channel=site.voice, queue=queue)
    return alice, queue, site


class Caller(Visitor):
    """A visitor at the page of calls."""

    def opens(self):
        told = self.post("call/session", {"site": self.site.key, "token": self.token})
        self.token = told["token"]
        return told

    def dials(self):
        self.opens()
        return self.post("call/start", {"name": "Kate", "key": str(uuid.uuid4()), "contact": "8 900 555-01-84"})

    def leaves(self, content: bytes = SAID, key: str | None = None, **said):
        fields = {"name": "Kate", "contact": "8 900 555-01-84", "key": key or str(uuid.uuid4()), **said}
        file = SimpleUploadedFile("message", content)
        headers = {"Authorization": f"Visitor {self.token}"}
        self.answer = self.client.post("/widget/api/call/voicemail", {"file": file, **fields}, headers=headers)
        self.token = self.answer.get("X-CX-Token", self.token)
        return self.answer.json()


def test_a_page_knows_whose_message_it_has_kept(place):
    caller, other = Caller(place[2]), Caller(place[2])
    first = caller.opens()["who"]
    caller.leaves()
    assert caller.opens()["who"] == first != other.opens()["who"]


def desk_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shut(alice) -> None:
    world.on_duty(alice, mode="offline")


def test_at_a_shut_door_a_message_is_a_call_a_recording_and_a_task(place):
    alice, queue, site = place
    shut(alice)
    caller = Caller(site)
    door = caller.opens()["door"]
    assert (door["open"], door["voicemail"], door["form"]) == (False, True, True)
    key = str(uuid.uuid4())
    told = caller.leaves(key=key)["state"]
    assert (told["phase"], told["reason"]) == ("ended", "voicemail")
    assert caller.leaves(key=key)["state"]["session"] == told["session"], "sent again, it is left once"
    talk = Interaction.objects.get()
    assert (talk.kind, talk.close_reason, talk.says["name"]) == ("voice", "voicemail", "Kate")
    call = Call.objects.get(pk=talk.pk)
    assert call.ended_at and not call.answered_at
    item = WorkItem.objects.get(interaction=talk)
    assert (item.queue, item.outcome, item.visit) == (queue, "blocked", "left")
    task = Task.objects.get()
    assert (task.kind, task.team, task.title, task.contact, task.interaction) == (
        "voicemail", queue.team, "Kate", "+79005550184", talk,
    )  # fmt: skip
    assert recordings.finish_all() == 1
    recording = Recording.objects.get()
    assert (recording.state, recording.operator, str(recording.public_id)) == ("ready", None, key)
    assert 2.5 < recording.duration_s < 3.5
    assert recording.delete_after == recording.started_at + timedelta(days=30), "it is kept as calls of the queue are"
    client = desk_of(alice)
    assert "Listen" in client.get("/desk/tasks/").content.decode()
    page = client.get(f"/desk/s/{talk.pk}/").content.decode()
    assert f"/desk/recordings/{key}/listen/" in page
    url = client.post(f"/desk/recordings/{key}/listen/").json()["url"]
    heard = sounds.decoded(b"".join(client.get(url)))
    assert sounds.level(heard[0], 440) > 0.3 > 0.05 > sounds.level(heard[0], 1200)


def test_who_waits_leaves_one_instead(place):
    alice, queue, site = place
    queue.offer_s = 60
    queue.save()
    bob = world.make_user("bob", team=queue.team)
    world.on_duty(bob, mode="pause")
    caller = Caller(site)
    state = caller.dials()["state"]
    assert (state["phase"], state["voicemail_in_s"], state["recorded"]) == ("waiting", 0, True)
    queue.voicemail_after_s = 45
    queue.save()
    assert 40 <= caller.get("call/state")["state"]["voicemail_in_s"] <= 45
    leg = Assignment.objects.get(leg="offered")
    assert caller.leaves()["state"]["reason"] == "voicemail"
    talk = Interaction.objects.get()
    assert (talk.close_reason, WorkItem.objects.get().outcome) == ("voicemail", "flowed_out")
    leg.refresh_from_db()
    assert leg.leg == "ended", "nobody is offered an empty line"
    assert Task.objects.get().kind == "voicemail"


def test_who_is_served_leaves_none(place):
    alice, _queue, site = place
    caller = Caller(site)
    caller.dials()
    offers.accept_offer(leg_id=Assignment.objects.get().pk, actor=alice)
    assert caller.leaves()["code"] == "served"
    assert not Recording.objects.exists() and Interaction.objects.get().is_open


def test_what_is_no_message_is_refused_in_words(place):
    alice, queue, site = place
    shut(alice)
    caller = Caller(site)
    caller.opens()
    silent = sounds.webm(np.zeros((2, 48_000 * 200), np.float32))
    for content, code in (
        (b"<script>alert(1)</script>", "no_sound"), (b"\x1aE\xdf\xa3" + b"x" * 500, "no_sound"), (b"x" * (4 * 1024 * 1024 + 1), "too_large"),
        (silent, "too_long"), (SAID[:200], "no_sound"),
    ):  # fmt: skip
        assert caller.leaves(content)["code"] == code, content[:20]
    assert caller.leaves(SAID, contact="not a phone")["field"] == "contact"
    assert not Interaction.objects.exists() and not Recording.objects.exists()
    key = str(uuid.uuid4())
    caller.leaves(key=key)
    other = Caller(site)
    other.opens()
    assert other.leaves(key=key)["code"] == "other_recording", "nobody learns of another's, nor takes its place"
    queue.voicemail = False
    queue.save()
    assert other.opens()["door"]["voicemail"] is False
    assert other.leaves()["code"] == "no_voicemail"


def test_a_message_that_came_broken_on_the_disk_is_told_as_such(place):
    alice, _queue, site = place
    shut(alice)
    caller = Caller(site)
    caller.opens()
    caller.leaves()
    talk = Interaction.objects.get()
    recordings.finish_all()
    Recording.objects.update(state="broken", file="")
    assert "cannot be read" in desk_of(alice).get(f"/desk/s/{talk.pk}/").content.decode()


def test_the_door_of_calls_takes_the_requests_of_the_chat(place):
    alice, queue, site = place
    queue.callbacks = True
    queue.save()
    shut(alice)
    caller = Caller(site)
    caller.opens()
    said = {"kind": "call", "contact": "8 900 555-01-84", "text": "Tyres", "zone": world.zone_by_day()}
    told = caller.post("call/offline", {**said, "key": str(uuid.uuid4())})
    assert told["left"] and told["callback"]["phone"] == "+79005550184"
    callback = Callback.objects.get()
    assert callback.queue == queue and callback.asked_in.channel_id == site.voice_id
    letter = {"kind": "write", "contact": "kate@example.com", "text": "Tyres", "key": str(uuid.uuid4())}
    assert caller.post("call/offline", letter)["left"]
    assert Task.objects.get(kind="write").team == queue.team
