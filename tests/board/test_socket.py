"""The board's socket over the wire: what changed is there within two seconds, and only for those who may."""

import json
import time
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from cxcenter.accounts.models import User
from interactions.actions import talk as talks
from routing.actions import offers, presence
from routing.models import Assignment
from tests import world
from tests.servers import Stack, session_stack

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.live]
# From the fact to the board; the machine of the tests may be busy with other things as well.
WITHIN_S = 2.0


@pytest.fixture(scope="module")
def stack(django_db_setup) -> Iterator[Stack]:
    with session_stack(clock=True) as running:
        yield running


@pytest.fixture
def place(stack):
    team = world.make_team()
    boss = world.make_user("marina", role="supervisor", team=team)
    alice = world.make_user("alice", team=team)
    queue = world.make_queue(members=(alice,), team=team, wrapup_s=0)
    return boss, alice, queue, world.make_site(queue)


def open_board(stack: Stack, user: User | None) -> ClientConnection:
    headers = {}
    if user is not None:
        browser = Client()
        browser.force_login(user)
        headers["Cookie"] = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    return connect(f"{stack.url.replace('http', 'ws')}/ws/board/", origin=stack.url, additional_headers=headers)


class Board:
    """What an open page knows: the last of each section."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.known: dict[str, object] = {}

    def until(self, seen: Callable[["Board"], bool], seconds: float = 15.0) -> float:
        """Take pushes until a condition holds; return how many seconds that took."""
        began = time.monotonic()
        while not (self.known.keys() >= {"queues", "operators"} and seen(self)):
            left = began + seconds - time.monotonic()
            assert left > 0, self.known
            said = json.loads(self.socket.recv(timeout=left))
            if said["kind"] == "board":
                self.known |= said
        return time.monotonic() - began

    def number(self, name: str) -> int:
        return sum(kind[name] for queue in self.known["queues"] for kind in queue["numbers"].values())

    def state_of(self, user: User) -> str:
        return {operator["id"]: operator["state"] for operator in self.known["operators"]}.get(user.pk, "offline")


def test_each_fact_is_on_the_board_within_two_seconds(stack, place):
    boss, alice, _queue, site = place
    with open_board(stack, boss) as socket:
        board = Board(socket)
        board.until(lambda b: b.number("entered") == 0)
        took = {}
        talk = world.open_chat(site)
        took["waits"] = board.until(lambda b: b.number("waiting") == 1)
        presence.set_mode(user=alice, mode="available", actor=alice)
        took["comes"] = board.until(lambda b: b.state_of(alice) == "available")
        leg = Assignment.objects.get(interaction=talk, leg="offered")
        offers.accept_offer(leg_id=leg.pk, actor=alice)
        took["accepted"] = board.until(
            lambda b: b.number("in_work") == 1 and b.number("answered") == 1 and b.state_of(alice) == "busy"
        )
        gone = world.open_chat(site)
        board.until(lambda b: b.number("waiting") == 1)
        talks.close_interaction(interaction_id=gone.pk, reason="left")
        took["missed"] = board.until(lambda b: b.number("abandoned") == 1 and b.number("waiting") == 0)
        assert max(took.values()) <= WITHIN_S, took


def test_another_teams_board_hears_nothing_of_it(stack, place):
    boss, _alice, _queue, site = place
    stranger = world.make_user("oleg", role="supervisor", team=world.make_team("Sales"))
    with open_board(stack, boss) as mine, open_board(stack, stranger) as theirs:
        Board(mine).until(lambda b: True)
        world.open_chat(site)
        board = Board(mine)
        board.until(lambda b: b.number("waiting") == 1)
        heard = []
        until = time.monotonic() + 3
        while (left := until - time.monotonic()) > 0:
            try:
                heard.append(json.loads(theirs.recv(timeout=left)))
            except TimeoutError:
                break
        assert all(said.get("team") != board.known["team"] for said in heard)
        assert "Warranty" not in json.dumps(heard)


def test_an_administrator_hears_all_teams(stack, place):
    world.make_queue("Sales queue", team=world.make_team("Sales"))
    with open_board(stack, world.make_user("root", role="admin")) as socket:
        names, until = set(), time.monotonic() + 15
        while names != {"Support", "Sales"}:
            said = json.loads(socket.recv(timeout=until - time.monotonic()))
            names.add(said["name"])


@pytest.mark.parametrize(("role", "code"), [(None, 4401), ("operator", 4403), ("quality", 4403), ("integrator", 4403)])
def test_others_are_refused(stack, place, role, code):
    user = world.make_user("somebody", role=role, team=place[2].team) if role else None
    with open_board(stack, user) as socket, pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=5)
    assert closed.value.rcvd.code == code


def test_a_foreign_page_may_not_listen(stack, place):
    browser = Client()
    browser.force_login(place[0])
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    with pytest.raises(Exception, match="403"):
        connect(
            f"{stack.url.replace('http', 'ws')}/ws/board/",
            origin="https://evil.example",
            additional_headers={"Cookie": cookie},
        )


def hear(socket: ClientConnection, kind: str, seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        try:
            if json.loads(socket.recv(timeout=left))["kind"] == kind:
                return True
        except TimeoutError:
            break
    return False


def test_a_watched_session_tells_when_it_changes_hands(stack, place):
    boss, alice, _queue, site = place
    world.on_duty(alice)
    talk = world.open_chat(site)
    stranger = world.make_user("oleg", role="supervisor", team=world.make_team("Sales"))
    with open_board(stack, boss) as mine, open_board(stack, stranger) as theirs:
        for socket in (mine, theirs):
            socket.send(json.dumps({"watch": talk.pk}))
            socket.send(json.dumps({"kind": "beat"}))
            # The answer comes after the subscription was settled.
            assert hear(socket, "beat")
        offers.accept_offer(leg_id=Assignment.objects.get(interaction=talk).pk, actor=alice)
        assert hear(mine, "session")
        assert not hear(theirs, "session", seconds=2)


def test_odd_messages_do_not_break_the_line(stack, place):
    with open_board(stack, place[0]) as socket:
        for text in ("[]", '"x"', '{"watch": "x"}', '{"watch": 999999999}', '{"kind": "x"}', "null", '{"watch": true}'):
            socket.send(text)
        socket.send(json.dumps({"kind": "beat"}))
        assert hear(socket, "beat")
