"""Calls from a browser over the visitor's protocol, and at the desk: who may say what to whom."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cxcenter.core import liveness
from cxcenter.core.models import Tab
from cxcenter.widget import tokens
from interactions.models import Call, CallFact, Channel, Interaction
from routing import ghosts
from routing.actions import handover, legs, offers
from routing.models import Assignment, Entrance
from tests import ears, world
from tests.widget.client import Visitor

pytestmark = pytest.mark.django_db(transaction=True)
SDP = {"conn": "ab12", "turn": 1, "what": "offer", "sdp": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n"}


@pytest.fixture
def place(place):
    """The site takes calls, which come to the same queue as its chats."""
    alice, queue, site = place
    site.voice = Channel.objects.create(name="Calls of the site", kind="voice")
    site.save()
    Entrance.objects.create(channel=site.voice, queue=queue)
    return alice, queue, site


class Caller(Visitor):
    """A visitor at the page of calls."""

    def dial(self, **said):
        told = self.post("call/session", {"site": self.site.key, "token": self.token, **said})
        self.token = told["token"]
        return self.post("call/start", {"name": "Kate", "key": str(uuid.uuid4()), "contact": "8 900 555-01-84"})[
            "state"
        ]

    @property
    def state(self):
        return self.get("call/state")["state"]


def desk_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def accept(alice) -> Interaction:
    leg = Assignment.objects.get(operator=alice, leg="offered")
    return offers.accept_offer(leg_id=leg.pk, actor=alice).interaction


def facts(talk) -> list[tuple[str, str]]:
    return list(CallFact.objects.filter(call=talk.pk).order_by("at", "pk").values_list("kind", "party"))


def press(client: Client, talk, control: str):
    return client.post(f"/desk/s/{talk.pk}/call/{control}/")


def test_a_call_rings_is_answered_held_and_ended(place):
    alice, _queue, site = place
    caller = Caller(site)
    assert caller.dial()["phase"] == "waiting"
    talk = accept(alice)
    assert (talk.kind, talk.voice.provider, talk.says["name"]) == ("voice", "browser", "Kate")
    assert {key: caller.state[key] for key in ("phase", "agent", "party", "recorded")} == {
        "phase": "talking", "agent": "Alice", "party": f"op:{alice.pk}", "recorded": True,
    }  # fmt: skip
    client = desk_of(alice)
    with ears.listening() as heard:
        assert press(client, talk, "hold").status_code == 204
        assert "call" in heard.kinds(f"thread.{talk.thread_id}.customer")
    assert caller.state["phase"] == "held"
    refused = press(client, talk, "mute")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_now")
    assert set(refused.json()["allowed"]) >= {"resume", "hang_up", "transfer"}
    press(client, talk, "resume")
    assert client.post(f"/desk/s/{talk.pk}/finish/").status_code == 204
    assert (caller.state["phase"], caller.state["reason"]) == ("ended", "finished")
    legs.wrap_up(leg_id=Assignment.objects.get(interaction=talk).pk, actor=None)
    me = f"op:{alice.pk}"
    assert facts(talk) == [
        ("began", "customer"), ("offered", me), ("answered", me), ("held", me), ("resumed", me), ("left", me), ("ended", ""),
        ("wrapped_up", me),
    ]  # fmt: skip
    call = Call.objects.get(pk=talk.pk)
    assert call.answered_at and call.ended_at and call.talk_s > 0 and call.hold_s > 0


def test_calling_again_or_twice_is_one_call(place):
    alice, _queue, site = place
    caller = Caller(site)
    first = caller.dial()["session"]
    assert caller.dial()["session"] == first
    assert Interaction.objects.count() == 1
    accept(alice)
    caller.post("end")
    assert caller.state["phase"] == "ended" and caller.dial()["session"] != first


def test_descriptions_go_between_the_two_who_talk_alone(place):
    alice, queue, site = place
    caller = Caller(site)
    caller.dial()
    assert caller.post("call/signal", {**SDP, "party": f"op:{alice.pk}"})["code"] == "nobody"
    talk = accept(alice)
    bob = world.make_user("bob", team=queue.team)
    with ears.listening() as heard:
        assert desk_of(alice).post(f"/desk/s/{talk.pk}/signal/", SDP).status_code == 200
        assert caller.post("call/signal", {**SDP, "what": "answer", "party": f"op:{alice.pk}"}) == {"sent": True}
        said = [(group, push) for group, push in heard.heard() if push["kind"] == "sdp"]
    assert [(group, push["what"]) for group, push in said] == [
        (f"thread.{talk.thread_id}.customer", "offer"), (f"user.{alice.pk}", "answer"),
    ]  # fmt: skip
    assert caller.post("call/signal", {**SDP, "party": f"op:{bob.pk}"})["code"] == "moved"
    assert desk_of(bob).post(f"/desk/s/{talk.pk}/signal/", SDP).status_code in {404, 409}
    for wrong in ({"sdp": "rm -rf"}, {"sdp": "v=0" + "x" * 20_001}, {"what": "ice"}, {"conn": "../x"}, {"turn": -1}):
        assert desk_of(alice).post(f"/desk/s/{talk.pk}/signal/", {**SDP, **wrong}).status_code == 400, wrong
        assert caller.post("call/signal", {**SDP, "party": f"op:{alice.pk}", **wrong})["code"] == "invalid", wrong


def test_a_call_is_nobody_elses(place):
    _alice, _queue, site = place
    caller, other = Caller(site), Caller(site)
    mine = caller.dial()["session"]
    assert other.dial()["session"] != mine
    assert Caller(site).get("call/state")["code"] == "bad_token"
    chat = Visitor(site)
    chat.start()
    assert chat.get("call/state")["code"] == "no_talk", "a token of the chat knows no calls"


def test_the_chat_opens_the_page_of_calls_for_its_own_visitor(place):
    _alice, _queue, site = place
    chat = Visitor(site)
    chat.start(name="Kate")
    caller = Caller(site)
    caller.dial(ticket=chat.post("call/ticket")["ticket"])
    said, called = Interaction.objects.order_by("pk")
    assert (said.kind, called.kind) == ("webchat", "voice")
    assert said.profile_id == called.profile_id and said.thread_id != called.thread_id
    stranger = Caller(site)
    stranger.dial(ticket=tokens.ticket(tokens.stranger(site))[:-3] + "xyz")
    assert Interaction.objects.latest("pk").profile_id != said.profile_id


def test_a_handed_on_call_waits_again_and_counts_for_both(place):
    alice, queue, site = place
    bob = world.make_user("bob", team=queue.team)
    second = world.make_queue("Second line", team=queue.team, members=(bob,))
    caller = Caller(site)
    caller.dial()
    talk = accept(alice)
    handover.transfer(interaction_id=talk.pk, actor=alice, queue=second)
    assert caller.state["phase"] == "waiting"
    world.on_duty(bob)
    offers.assign_next()
    accept(bob)
    assert (caller.state["agent"], caller.state["party"]) == ("Bob", f"op:{bob.pk}")
    kinds = [kind for kind, party in facts(talk) if party == f"op:{alice.pk}"]
    assert kinds == ["offered", "answered", "transferred", "wrapped_up"]


def test_who_closes_the_page_has_hung_up(place):
    alice, _queue, site = place
    caller = Caller(site)
    caller.dial()
    talk = accept(alice)
    now = timezone.now()
    later = now + timedelta(seconds=ghosts.CALL_GONE_S + 5)
    Tab.objects.create(owner=liveness.visitor_key(talk.thread_id), seen_at=later - timedelta(seconds=5))
    assert ghosts.hang_up(now=later, steady_since=now - timedelta(hours=1)) == 0, "his page is there"
    Tab.objects.update(seen_at=now)
    assert ghosts.hang_up(now=later, steady_since=later) == 0, "we ourselves were away"
    assert ghosts.hang_up(now=later, steady_since=now - timedelta(hours=1)) == 1
    talk.refresh_from_db()
    assert (talk.close_reason, Assignment.objects.get(interaction=talk).leg) == ("left", "wrapup")


def test_a_site_without_calls_has_no_page_of_them(place):
    _alice, _queue, site = place
    assert Client().get(f"/widget/call/{site.key}/").status_code == 200
    site.voice.active = False
    site.voice.save()
    from cxcenter.widget import sites

    sites._kept.clear()
    assert Client().get(f"/widget/call/{site.key}/").status_code == 404
    assert Caller(site).post("call/session", {"site": site.key, "token": ""})["code"] == "no_calls"


def test_nobody_there_means_no_call(place):
    alice, _queue, site = place
    legs.Presence.objects.filter(user=alice).update(mode="offline")
    caller = Caller(site)
    told = caller.post("call/session", {"site": site.key, "token": ""})
    assert told["door"]["open"] is False
    caller.token = told["token"]
    assert caller.post("call/start", {"name": "Kate", "key": str(uuid.uuid4())})["code"] == "away"
    assert not Call.objects.exists()


def test_the_bar_shows_the_call_and_what_may_be_pressed(place):
    alice, _queue, site = place
    client = desk_of(alice)
    assert "Calls ring here" in client.get("/desk/line/").content.decode()
    Caller(site).dial()
    offer = client.get("/desk/offers/").content.decode()
    assert "Answer" in offer and "comes for the first time" in offer and "+7 900 555-01-84" in offer
    accept(alice)
    bar = client.get("/desk/line/").content.decode()
    assert 'data-phase="talking"' in bar and 'data-recorded="1"' in bar and 'data-press="pause_recording"' in bar
    assert "keypad" not in bar and "consult" not in bar, "a browser's line has neither"
