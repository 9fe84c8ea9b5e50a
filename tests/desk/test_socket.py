"""The desk's socket over the wire: who may have it, what it tells, and what it never tells."""

import asyncio
import json
import uuid

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from django.db import connections
from django.test import Client
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from customers import actions as customers
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Role
from cxcenter.core import realtime
from cxcenter.desk import consumers
from interactions.actions import cases
from interactions.actions import talk as talks
from interactions.choices import Audience
from interactions.models import Interaction
from routing.actions import legs, offers
from routing.models import Assignment, QueueMember
from tests import world
from tests.servers import session_stack
from tests.widget.client import Visitor
from tests.widget.test_socket import hear, open_socket, say_hello

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.live]
SCRIPT = "<script>alert('x')</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def stack(django_db_setup):
    with session_stack() as running:
        yield running


@pytest.fixture
def place():
    team = world.make_team()
    alice, bob = world.make_user("alice", team=team), world.make_user("bob", team=team)
    world.on_duty(alice)
    queue = world.make_queue(members=(alice, bob), team=team)
    return alice, bob, queue, world.make_site(queue)


@pytest.fixture
def chat(place):
    alice, _bob, _queue, site = place
    talk = world.open_chat(site)
    offers.accept_offer(leg_id=Assignment.objects.get(interaction=talk).pk, actor=alice)
    return talk


def open_desk(stack, user, **options):
    headers = {}
    if user is not None:
        browser = Client()
        browser.force_login(user)
        headers["Cookie"] = f"sessionid={browser.cookies['sessionid'].value}"
    options = {"origin": stack.url, "additional_headers": headers, **options}
    return connect(f"{stack.url.replace('http', 'ws')}/ws/desk/", **options)


def watch(socket, *threads):
    socket.send(json.dumps({"kind": "watch", "threads": list(threads)}))
    return hear(socket, "watching")["threads"]


def all_until_now(socket, group: str) -> list[dict]:
    """Return all that was pushed to a page so far: a mark goes the same way behind it."""
    mark = uuid.uuid4().hex
    realtime.publish((group, {"kind": "typing", "name": mark}))
    said = []
    while True:
        said.append(json.loads(socket.recv(timeout=5)))
        if said[-1].get("name") == mark:
            return said[:-1]


# --- Who may have it ---


@pytest.mark.parametrize(
    ("role", "code"),
    [(None, 4401), (Role.INTEGRATOR, 4403), ("gone", 4401)],
)
def test_closed_with_a_reason(stack, role, code):
    user = None
    if role is not None:
        user = world.make_user("charlie", Role.OPERATOR if role == "gone" else role)
    with open_desk(stack, user) if role != "gone" else _of_one_who_left(stack, user) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            socket.send(json.dumps({"kind": "hello", "tab": str(uuid.uuid4())}))
            socket.send(json.dumps({"kind": "watch", "threads": [1]}))
            while True:
                assert json.loads(socket.recv(timeout=5))["kind"] not in {"hello", "watching"}
        assert closed.value.rcvd.code == code


def _of_one_who_left(stack, user):
    browser = Client()
    browser.force_login(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    cookie = f"sessionid={browser.cookies['sessionid'].value}"
    return connect(
        f"{stack.url.replace('http', 'ws')}/ws/desk/", origin=stack.url, additional_headers={"Cookie": cookie}
    )


def test_another_site_cannot_use_our_cookie(stack, place):
    with pytest.raises(InvalidStatus, match="403"):
        open_desk(stack, place[0], origin="https://evil.example")


def test_nonsense_closes_nothing(stack, place, chat):
    alice = place[0]
    with open_desk(stack, alice) as socket:
        for nonsense in (
            [], 1, None, {"kind": []}, {"kind": "watch"}, {"kind": "watch", "threads": {"a": 1}}, {"kind": "hello", "tab": "x"},
            {"kind": "watch", "threads": [True, -1, 2**70, "1", None, [], {}, 1.5]}, {"kind": "typing", "thread": []},
            {"kind": "looking", "thread": {"a": 1}}, {"kind": "push", "message": {}},
            {"kind": "watch", "customer": []}, {"kind": "watch", "customer": -1}, {"kind": "watch", "customer": "1"},
        ):  # fmt: skip
            socket.send(json.dumps(nonsense))
        socket.send("{")
        socket.send(json.dumps({"kind": "watch", "threads": [chat.thread_id]}))
        while hear(socket, "watching")["threads"] != [chat.thread_id]:
            continue


# --- What it tells ---


def test_a_message_is_rendered_in_the_readers_words_and_runs_nothing(stack, place, chat):
    alice, bob, _queue, _site = place
    User.objects.filter(pk=bob.pk).update(language="ru")
    with open_desk(stack, alice) as one, open_desk(stack, bob) as two:
        assert watch(one, chat.thread_id) == watch(two, chat.thread_id) == [chat.thread_id]
        world.say(chat, f"{SCRIPT} https://shop.example/?a=1&b=2\nnext")
        world.reply(chat, alice, SCRIPT, audience=Audience.STAFF)
        talks.post_system_line(thread_id=chat.thread_id, code="announcement", args={"reason": SCRIPT})
        first = [hear(one, "message")["message"] for _ in range(3)]
        second = [hear(two, "message")["message"] for _ in range(3)]
    for message in (*first, *second):
        assert "<script" not in message["html"] and "<img" not in message["html"], message
        assert set(message) == {"id", "seq", "key", "author", "audience", "user", "interaction", "changed", "html"}
    assert 'href="https://shop.example/?a=1&amp;b=2"' in first[0]["html"] and "noopener" in first[0]["html"]
    assert "Internal note" in first[1]["html"] and "Internal note" not in second[1]["html"]


def test_foreign_threads_are_refused(stack, place, chat):
    stranger = world.make_user("charlie", team=world.make_team("Sales"))
    with open_desk(stack, stranger) as socket:
        assert watch(socket, chat.thread_id, 10**9) == []
        world.say(chat, "not for Charlie")
        socket.send(json.dumps({"kind": "typing", "thread": chat.thread_id}))
        assert all_until_now(socket, realtime.user_group(stranger.pk)) == []


def test_a_later_session_of_another_team_in_a_watched_thread_is_not_told(stack, place, chat):
    """The thread is endless: who read its first session hears nothing of one that belongs to others."""
    alice, bob, _queue, site = place
    sales = world.make_queue("Sales", world.make_team("Sales"))
    with open_desk(stack, alice) as mine, open_desk(stack, bob) as his:
        watch(mine, chat.thread_id)
        watch(his, chat.thread_id)
        legs.finish(interaction_id=chat.pk, actor=alice)
        site.channel.entrance_set.update(queue=sales)
        later = world.open_chat(site, "about a price", thread=chat.thread)
        assert later.pk != chat.pk and later.visits.get().queue == sales
        QueueMember.objects.create(queue=sales, user=bob)
        world.say(later, "a secret price")
        told_mine = all_until_now(mine, realtime.user_group(alice.pk))
        told_his = all_until_now(his, realtime.user_group(bob.pk))
    assert "price" not in json.dumps(told_mine)
    assert "a secret price" in json.dumps(told_his), "who has come to serve it hears it"


def test_a_note_never_reaches_the_customers_socket(stack, place):
    alice, _bob, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    talk = Interaction.objects.get()
    offers.accept_offer(leg_id=Assignment.objects.get().pk, actor=alice)
    with open_socket(stack) as customer, open_desk(stack, alice) as desk:
        say_hello(customer, visitor)
        watch(desk, talk.thread_id)
        note = world.reply(talk, alice, "he is rude", audience=Audience.STAFF)
        desk.send(json.dumps({"kind": "typing", "thread": talk.thread_id, "note": True}))
        desk.send(json.dumps({"kind": "looking", "thread": talk.thread_id}))
        talks.withdraw_message(message_id=note.pk, actor=alice)
        talks.post_system_line(thread_id=talk.thread_id, code="transfer_note", args={"note": "x"}, audience="staff")
        told = all_until_now(desk, realtime.user_group(alice.pk))
        assert [m["kind"] for m in told if m["kind"] == "message"] == ["message"] * 3
        assert all_until_now(customer, realtime.customer_group(talk.thread_id)) == []
        desk.send(json.dumps({"kind": "typing", "thread": talk.thread_id}))
        assert hear(customer, "typing") == {"kind": "typing", "name": "Alice"}


def test_offers_and_signals_are_for_one_user(stack, place):
    alice, bob, _queue, site = place
    with open_desk(stack, alice) as mine, open_desk(stack, bob) as his:
        for socket in (mine, his):
            socket.send(json.dumps({"kind": "hello", "tab": str(uuid.uuid4())}))
            hear(socket, "hello")
        world.open_chat(site)
        assert hear(mine, "offer")["id"] == Assignment.objects.get().pk
        assert all_until_now(his, realtime.user_group(bob.pk)) == []


# --- Rights that change ---


class Inside:
    """A desk's socket in this process, without a wire."""

    def __init__(self, user: User) -> None:
        scope = {"type": "websocket", "path": "/ws/desk/", "headers": [], "user": user}
        self.line = ApplicationCommunicator(consumers.DeskConsumer.as_asgi(), scope)

    async def open(self) -> "Inside":
        await self.line.send_input({"type": "websocket.connect"})
        assert (await self.line.receive_output(5))["type"] == "websocket.accept"
        return self

    async def watch(self, thread: int) -> list[int]:
        said = {"kind": "watch", "threads": [thread]}
        await self.line.send_input({"type": "websocket.receive", "text": json.dumps(said)})
        return (await self.hear())["threads"]

    async def hear(self) -> dict:
        return json.loads((await self.line.receive_output(5))["text"])

    async def close(self) -> None:
        await self.line.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.line.wait(5)
        await database_sync_to_async(connections.close_all)()


def test_rights_that_are_lost_end_what_they_gave(place, chat, monkeypatch):
    """In this process, to have the check at once: a member who leaves the queue, then the house."""
    _alice, bob, queue, _site = place
    monkeypatch.setattr(consumers, "RIGHTS_EVERY_S", 0.2)

    async def run() -> None:
        socket = await Inside(bob).open()
        assert await socket.watch(chat.thread_id) == [chat.thread_id]
        await database_sync_to_async(world.say)(chat, "heard")
        assert "heard" in (await socket.hear())["message"]["html"]
        await database_sync_to_async(QueueMember.objects.filter(queue=queue, user=bob).delete)()
        await asyncio.sleep(0.6)
        await database_sync_to_async(world.say)(chat, "not heard")
        assert await socket.line.receive_nothing(0.5)
        await database_sync_to_async(User.objects.filter(pk=bob.pk).update)(is_active=False)
        closed = await socket.line.receive_output(5)
        assert (closed["type"], closed["code"]) == ("websocket.close", 4401)
        await socket.close()

    asyncio.run(run())


def test_a_changed_card_or_case_is_told_to_the_pages_of_the_talk(stack, place, chat):
    alice, bob = place[:2]
    case = cases.register_case(actor=alice, profile=chat.profile, interaction=chat, subject="Rust")
    with open_desk(stack, alice) as socket:
        assert watch(socket, chat.thread_id) == [chat.thread_id]
        customers.edit_customer(customer=chat.profile.customer, fields={"city": "Tula"}, version=None, actor=bob)
        assert hear(socket, "card")["thread"] == chat.thread_id
        cases.change_case(case_id=case.pk, version=None, actor=bob, status="solved")
        assert hear(socket, "case")["case"] == case.pk


def test_a_fact_is_told_to_the_pages_that_show_the_timeline_of_its_customer(stack, place, chat):
    alice = place[0]
    one, other = chat.profile, customers.create_profile(source="shop")
    with open_desk(stack, alice) as socket:
        for profile, stranger in ((one, other), (other, one)):
            socket.send(json.dumps({"kind": "watch", "threads": [], "customer": profile.customer_id}))
            hear(socket, "watching")
            for owner in (stranger, profile):
                customers.record_site_event(profile_id=owner.pk, type="page_view", data={"title": "Rims"})
            assert hear(socket, "timeline") == {"kind": "timeline", "customer": profile.customer_id}
        socket.send(json.dumps({"kind": "watch", "threads": []}))
        hear(socket, "watching")
        customers.record_site_event(profile_id=other.pk, type="page_view", data={"title": "Rims"})
        assert all_until_now(socket, realtime.user_group(alice.pk)) == []
