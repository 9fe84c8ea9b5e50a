"""The process of the lines: it waits small, begins with the first exchange, and is killed in the middle of a call."""

import asyncio
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import pytest
from django.conf import settings

from interactions.actions import calls, commands
from interactions.models import Call, CallCommand, Exchange
from routing.actions import presence
from routing.models import Assignment, Presence, WorkItem
from tests import servers, world
from tests.ami_pbx import Pbx
from tests.ami_server import AmiServer
from tests.exchange import make_exchange

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.live]
PHONE = "+79001234567"
SMALL_MB = 30


class Switch:
    """An AMI server with a thread and a loop of its own."""

    def __init__(self) -> None:
        self.server = AmiServer(Pbx(now=time.time() - 600), piece=4096)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.do(self.server.start())

    def do(self, what):
        done: Future = asyncio.run_coroutine_threadsafe(what, self.loop)
        return done.result(10)

    def close(self) -> None:
        self.do(self.server.die())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()


@pytest.fixture
def switch():
    switch = Switch()
    yield switch
    switch.close()


@pytest.fixture
def stack():
    with servers.Stack(servers.session_databases(), database=settings.DATABASES["default"]["NAME"]) as stack:
        yield stack


def until(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it has not come"
        time.sleep(0.05)
    return found


def memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def is_small(pid: int) -> bool:
    return b"wait.py" in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_it_waits_small_begins_with_the_first_exchange_and_is_killed_in_the_middle(stack, switch):
    team = world.make_team()
    alice = world.make_user("alice", team=team)
    queue = world.make_queue(members=(alice,), team=team)
    presence.set_mode(user=alice, mode="available", actor=alice)
    process = stack.start_exchanges()
    pid = process.pid
    until(lambda: is_small(pid))
    assert memory_mb(pid) < SMALL_MB, "an installation without an exchange pays no more than this"
    server = {"host": "127.0.0.1", "port": switch.server.port, "username": "cx", "secret": "s3cret"}
    exchange = make_exchange("PBX", queue, alice, **server)
    until(lambda: Exchange.objects.get().connected_at)
    assert process.pid == pid and not is_small(pid)
    # A call begins …
    pbx = switch.server.pbx
    customer = pbx.open("PJSIP/trunk", state="4", number=PHONE, exten="800")
    pbx.queue(customer)
    agent = pbx.call_agent(customer, "PJSIP/1017")
    pbx.wait(3)
    pbx.connect(customer, agent, "PJSIP/1017", ring_s=3, bridge="b1")
    switch.do(switch.server.play())
    leg = until(lambda: Assignment.objects.filter(leg="active").first())
    # … and the process is killed while commands are on their way, and events pass nobody.
    switch.server.ignores = {"MuteAudio"}
    calls.press(interaction_id=leg.interaction_id, actor=alice, control="mute")
    until(lambda: any(one["Action"] == "MuteAudio" for one in switch.server.asked))
    stack.kill("exchanges")
    switch.server.ignores = set()
    pbx.wait(20)
    pbx.say("Hold", agent.snapshot())
    other = pbx.open("PJSIP/trunk", state="4", number="+79005550184")
    pbx.queue(other)
    pbx.take()
    switch.server.waiting = [(other.unique, 5)]
    stack.restart("exchanges")
    until(lambda: WorkItem.objects.count() == 2)
    leg.refresh_from_db()
    first = Call.objects.get(key=customer.unique)
    assert leg.leg == "active" and Call.objects.get(key=other.unique).interaction.visits.get().visit == "outside"
    assert calls.view_of(first.pk).phases[f"op:{alice.pk}"] == "talking"
    row = until(lambda: CallCommand.objects.filter(state="failed").first())
    assert "in time" in row.words
    # The call ends while the database is gone for a moment.
    stack.kill("postgres")
    pbx.wait(30)
    pbx.hang_up(agent, customer)
    switch.do(switch.server.play())
    stack.restart("postgres")
    from django.db import connections

    connections.close_all()
    until(lambda: Assignment.objects.filter(leg="wrapup").exists())
    first.refresh_from_db()
    assert first.ended_at and not first.interaction.is_open
    assert Assignment.objects.filter(interaction=first.pk).count() == 1 and Presence.objects.get().load == 1
    # The last exchange is switched off: it is small again.
    Exchange.objects.update(active=False)
    commands.reload([exchange.pk])
    until(lambda: is_small(stack.processes["exchanges"].pid))
