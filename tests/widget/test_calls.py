"""Callbacks over the visitor's protocol: asked, changed, cancelled, told again after a reload."""

import uuid
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from cxcenter.core import realtime
from cxcenter.widget import consumers
from interactions.models import Interaction, Task
from routing import calls
from routing.actions import calling, offers, presence
from routing.models import Assignment, Callback, Queue
from tests import ears, world
from tests.widget.client import Visitor

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = "+79005550184"


@pytest.fixture
def place():
    """A queue that routes callbacks, with nobody free in it."""
    team = world.make_team()
    alice = world.make_user("alice", team=team)
    queue = world.make_queue(members=(alice,), team=team, callbacks=True)
    world.on_duty(alice, capacity=0)
    return alice, queue, world.make_site(queue)


@pytest.fixture
def visitor(place):
    made = Visitor(place[2])
    made.start("Dents on the door", contact="8 900 555-01-84", name="Kate")
    return made


def state(visitor: Visitor) -> dict:
    return visitor.get("changes", {"after": 0})["state"]


def at_desk(alice, callback: Callback) -> None:
    presence.Presence.objects.filter(user=alice).update(capacity=4)
    offers.assign_next()
    offers.accept_offer(leg_id=Assignment.objects.get(interaction=callback.session, leg="offered").pk, actor=alice)


def test_who_waits_is_offered_a_call_and_keeps_his_place(place, visitor):
    assert state(visitor)["calls"] is True
    offered = visitor.get("callback")
    assert offered["phone"] == PHONE and offered["slots"]
    wrong = visitor.post("callback", {"contact": "12"})
    assert (visitor.answer.status_code, wrong["field"]) == (400, "contact")
    zone = world.zone_by_day()
    told = visitor.post("callback", {"contact": PHONE, "zone": zone})["state"]
    assert (told["open"], told["reason"], told["rate"]) == (False, "callback", False)
    callback = Callback.objects.get()
    assert (callback.zone, callback.name, callback.language) == (zone, "Kate", "en")
    # After a reload it is told again; what is sent again changes nothing.
    assert visitor.session()["state"]["callback"] == told["callback"]
    assert told["callback"] | {"position": 1, "state": "queued", "phone": PHONE, "at": None} == told["callback"]
    assert visitor.post("callback", {"contact": PHONE})["state"]["callback"]["id"] == callback.pk
    assert Callback.objects.count() == 1 and Interaction.objects.open().count() == 1


def test_he_chooses_an_hour_of_his_day_changes_and_cancels(place, visitor):
    _alice, queue, site = place
    zone = "Asia/Vladivostok"
    offered = visitor.get("callback")["slots"]
    by_day = {slot: calls.is_by_day(zone, datetime.fromisoformat(slot)) for slot in offered}
    slot = [slot for slot, is_day in by_day.items() if is_day][2]
    night = next(slot for slot, is_day in by_day.items() if not is_day)
    for wrong in (
        "tomorrow",
        "2026-13-45T10:00:00Z",
        "2020-01-01T10:00:00Z",
        night,
        (timezone.now() + timedelta(days=30)).isoformat(),
    ):
        assert visitor.post("callback", {"contact": PHONE, "slot": wrong, "zone": zone})["field"] == "slot"
    told = visitor.post("callback", {"contact": PHONE, "slot": slot, "zone": zone})["state"]["callback"]
    assert (told["state"], told["at"], told["position"]) == ("planned", slot, None)
    soon = visitor.post("callback", {"contact": "+7 916 123-04-57", "zone": zone})["state"]["callback"]
    assert (soon["id"], soon["at"], soon["phone"]) == (told["id"], None, "+79161230457")
    stranger = Visitor(site)
    stranger.start("I")
    assert stranger.post("callback/cancel", {"id": told["id"]})["code"] == "no_callback"
    for _ in range(2):
        assert visitor.post("callback/cancel", {"id": told["id"]})["state"]["callback"] is None
    assert visitor.post("callback", {"contact": PHONE})["code"] == "not_waiting"
    Queue.objects.filter(pk=queue.pk).update(callbacks=False)
    assert state(stranger)["calls"] is False
    assert stranger.post("callback", {"contact": PHONE})["code"] == "no_callbacks"


def test_what_happens_to_it_is_told_at_once(place, visitor):
    alice, _queue, _site = place
    visitor.post("callback", {"contact": PHONE})
    callback = Callback.objects.select_related("session").get()
    with ears.listening() as heard:
        at_desk(alice, callback)
        assert "callback" in heard.kinds(realtime.customer_group(callback.asked_in_id))
    assert "callback" in consumers.RELAYED
    assert state(visitor)["callback"]["state"] == "calling"
    assert visitor.post("callback/cancel", {"id": callback.pk})["code"] == "calling"
    calling.report(interaction_id=callback.session_id, actor=alice, result="no_answer")
    told = state(visitor)["callback"]
    assert (told["state"], told["attempts"]) == ("planned", 1) and told["due_at"]
    assert calling.sweep(now=Callback.objects.get().due_at) == 1
    callback.refresh_from_db()
    at_desk(alice, callback)
    calling.report(interaction_id=callback.session_id, actor=alice, result="wrong_number")
    assert state(visitor)["callback"]["result"] == "wrong_number"
    Callback.objects.update(ended_at=timezone.now() - timedelta(days=2))
    assert state(visitor)["callback"] is None


def test_whoever_is_served_may_not_leave_and_who_writes_takes_his_place(place, visitor):
    visitor.post("callback", {"contact": PHONE})
    callback = Callback.objects.get()
    visitor.say("I am here again")
    callback.refresh_from_db()
    chat = Interaction.objects.open().get()
    assert callback.result == "came" and chat.visits.get().waits_since == callback.waits_since
    assert state(visitor)["callback"] is None and state(visitor)["queue"]["position"] == 1


def test_the_form_of_a_shut_door_becomes_a_callback_where_the_queue_wants_it(place):
    alice, queue, site = place
    world.on_duty(alice, mode="offline")
    visitor = Visitor(site)
    door = visitor.session()["door"]
    assert door["soon"] is True and door["slots"]
    key = str(uuid.uuid4())
    form = {"kind": "call", "contact": PHONE, "text": "Is it ready?", "name": "Kate", "key": key}
    for _ in range(2):
        assert visitor.post("offline", {**form, "slot": door["slots"][1]})["left"] is True
    callback = Callback.objects.get()
    assert (callback.at.isoformat(), callback.state, callback.text) == (door["slots"][1], "planned", "Is it ready?")
    assert visitor.session()["state"]["callback"]["at"] == door["slots"][1]
    # Again, without an hour: the same callback, now as soon as somebody is there.
    visitor.post("offline", {**form, "key": str(uuid.uuid4())})
    callback.refresh_from_db()
    assert (callback.at, callback.state, callback.queue) == (None, "queued", queue)
    assert "Is it ready?" in callback.session.messages.filter(author="customer").last().text
    assert not Task.objects.exists() and callback.due_at <= timezone.now()
    visitor.post("offline", {"kind": "write", "contact": "a@b.example", "text": "Write", "key": str(uuid.uuid4())})
    assert Task.objects.get().kind == "write"
    assert calls.slots(queue)
