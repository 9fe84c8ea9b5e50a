"""The visitor's socket, over the wire."""

import json
import uuid

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from cxcenter.core import liveness, realtime
from cxcenter.core.models import Tab
from interactions.choices import Audience
from interactions.models import Interaction
from tests import world
from tests.servers import session_stack
from tests.widget.client import Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.live]


@pytest.fixture(scope="module")
def stack(django_db_setup):
    with session_stack() as running:
        yield running


@pytest.fixture
def chat(stack):
    team = world.make_team()
    alice = world.make_user("alice", team=team)
    world.on_duty(alice)
    visitor = Visitor(world.make_site(world.make_queue(members=(alice,), team=team)))
    visitor.start()
    return alice, visitor, Interaction.objects.get()


def open_socket(stack, origin=None):
    return connect(f"{stack.url.replace('http', 'ws')}/ws/visitor/", origin=origin or stack.url)


def hear(socket, kind, seconds=5):
    while True:
        said = json.loads(socket.recv(timeout=seconds))
        if said["kind"] == kind:
            return said


def say_hello(socket, visitor, tab=None):
    socket.send(json.dumps({"token": visitor.token, "tab": str(tab or uuid.uuid4()), "after": 0}))
    return hear(socket, "hello")


def test_pushes_reach_the_page_and_notes_do_not(stack, chat):
    alice, visitor, talk = chat
    with open_socket(stack) as socket:
        assert say_hello(socket, visitor)["changed"] == 1
        world.reply(talk, alice, "the secret note", audience=Audience.STAFF)
        world.reply(talk, alice, "Good day")
        told = hear(socket, "message")
        assert told["message"]["text"] == "Good day" and told["changed"] == 2
        assert "secret" not in json.dumps(told)
        socket.send(json.dumps({"kind": "beat"}))
        hear(socket, "beat")


def test_typing_goes_both_ways(stack, chat):
    _alice, visitor, talk = chat
    with open_socket(stack) as one, open_socket(stack) as two:
        say_hello(one, visitor)
        say_hello(two, visitor)
        realtime.publish(
            (realtime.customer_group(talk.thread_id), {"kind": "typing", "thread": talk.thread_id, "name": "A"})
        )
        assert hear(one, "typing") == {"kind": "typing", "name": "A"}
        hear(two, "typing")


def test_an_open_page_is_alive(stack, chat):
    _alice, visitor, talk = chat
    tab = uuid.uuid4()
    with open_socket(stack) as socket:
        say_hello(socket, visitor, tab)
        for _ in range(100):
            if Tab.objects.filter(pk=tab, owner=liveness.visitor_key(talk.thread_id)).exists():
                break
            with pytest.raises(TimeoutError):
                socket.recv(timeout=0.1)
        else:
            raise AssertionError("the page was not written")


@pytest.mark.parametrize("hello", ["{", "[]", '{"token": "x"}', "nonsense"])
def test_a_bad_hello_gets_nothing(stack, chat, hello):
    _alice, visitor, talk = chat
    with open_socket(stack) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            socket.send(hello)
            # The first word may have been enough: then this one finds the line closed.
            socket.send(json.dumps({"token": visitor.token + "x", "tab": str(uuid.uuid4())}))
            socket.recv(timeout=5)
        assert closed.value.rcvd.code == 4401


def test_a_foreign_page_cannot_open_a_socket(stack, chat):
    with pytest.raises(Exception, match="403"):
        open_socket(stack, origin="https://evil.example")


def test_a_flood_is_cut(stack, chat):
    _alice, visitor, _talk = chat
    with open_socket(stack) as socket:
        say_hello(socket, visitor)
        with pytest.raises(ConnectionClosed) as closed:
            for _ in range(200):
                socket.send(json.dumps({"kind": "beat"}))
            while True:
                socket.recv(timeout=5)
        assert closed.value.rcvd.code == 4429
