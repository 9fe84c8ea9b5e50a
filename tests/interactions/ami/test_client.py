"""The line to an Asterisk: commands, events, deaths in the middle, and what is made good after them."""

import asyncio
import contextlib
import time
from dataclasses import replace

import pytest

from interactions.adapters.voice.ami import commands
from interactions.adapters.voice.ami.client import Client, NoAnswer, NotConnected, Refused, Server
from interactions.adapters.voice.ami.states import AgentState
from interactions.adapters.voice.ami.translate import Translator
from interactions.calls.facts import Kind
from interactions.calls.reducer import reduce
from tests.ami_pbx import Pbx
from tests.ami_server import AmiServer

USERS = {"PJSIP/1017": 17, "PJSIP/1018": 18}


class Scene:
    """A switch, its server, a client and what it has told."""

    def __init__(self) -> None:
        self.pbx = Pbx(now=time.time() - 600)
        self.server = AmiServer(self.pbx)
        self.told = []
        self.known: set[str] = set()

    def client(self, **fields) -> Client:
        server = Server(
            "127.0.0.1", "cx", "s3cret", self.server.port, answer_s=0.5, ping_s=0.1, retry_s=0.02, retry_most_s=0.1
        )
        return Client(replace(server, **fields), Translator(USERS), self.hear, self.open_calls)

    async def hear(self, one) -> None:
        self.told.append(one)

    async def open_calls(self) -> set[str]:
        return self.known

    def facts(self, call):
        return [one.fact for one in self.told if not isinstance(one, AgentState) and one.call == call]

    def view(self, call):
        return reduce(self.facts(call), time.time() + 3600)

    def states(self):
        return [(one.user, one.state) for one in self.told if isinstance(one, AgentState)]


def play(story):
    """Run a story against a server that listens."""

    async def run():
        scene = Scene()
        await scene.server.start()
        client = scene.client()
        task = asyncio.create_task(client.run())
        try:
            await asyncio.wait_for(client.connected.wait(), 5)
            await story(scene, client)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await scene.server.die()

    asyncio.run(run())


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


def talk(pbx):
    customer = pbx.open("PJSIP/trunk", state="4", number="+79001234567")
    pbx.queue(customer)
    agent = pbx.call_agent(customer, "PJSIP/1017")
    pbx.wait(3)
    pbx.connect(customer, agent, "PJSIP/1017", ring_s=3, bridge="b1")
    pbx.wait(20)
    return customer, agent


def test_events_in_commands_out():
    async def story(scene, client):
        customer, agent = talk(scene.pbx)
        await scene.server.play()
        await until(lambda: scene.view(customer.unique).phases.get("op:17") == "talking")
        leg = commands.Leg(
            client.translator.channel(customer.unique, "op:17"), client.translator.channel(customer.unique, "customer")
        )
        assert leg.own == agent.name and leg.customer == customer.name
        answers = await asyncio.gather(
            *(client.send(commands.press(one, leg)) for one in ("mute", "unmute", "hang_up"))
        )
        assert [answer[0].get("message") for answer in answers] == ["MuteAudio queued"] * 2 + ["Hangup queued"]
        assert scene.server.asked[-1]["Channel"] == agent.name
        assert not client.errors

    play(story)


def test_refusals_and_silence_are_told_in_words():
    async def story(scene, client):
        scene.server.refuses, scene.server.ignores = {"Hangup"}, {"Redirect"}
        with pytest.raises(Refused, match="No such channel"):
            await client.send(commands.hang_up("PJSIP/9-01"))
        with pytest.raises(NoAnswer, match=r"not answered Redirect within 0\.5 s"):
            await client.send(commands.redirect("PJSIP/9-01", "default", "100"))
        assert client.connected.is_set()

    play(story)


def test_a_death_in_the_middle_leaves_nothing_hanging():
    async def story(scene, client):
        gone, _ = talk(scene.pbx)
        stays, agent = talk(scene.pbx)
        scene.server.ignores = {"Redirect"}
        await scene.server.play(cut=40)
        asked = asyncio.create_task(client.send(commands.redirect(agent.name, "default", "100")))
        await until(lambda: any(one["Action"] == "Redirect" for one in scene.server.asked))
        await scene.server.die()
        with pytest.raises(NotConnected, match="lost before it answered"):
            await asked
        await until(lambda: not client.connected.is_set())
        with pytest.raises(NotConnected, match="being built again"):
            await client.send(commands.ping())
        # Meanwhile one call ends, one is handed to another operator, one begins.
        for line in [line for line in scene.pbx.lines.values() if line.linked == gone.unique]:
            scene.pbx.hang_up(line)
        scene.pbx.hang_up(agent)
        other = scene.pbx.open("PJSIP/1018", linked=stays.unique)
        scene.pbx.enter("b7", other, stays)
        scene.pbx.now = time.time() - 30
        waits = scene.pbx.open("PJSIP/trunk", state="4")
        scene.server.waiting = [(waits.unique, 25)]
        scene.pbx.now = time.time()
        scene.pbx.take()
        await scene.server.start()
        await asyncio.wait_for(client.connected.wait(), 5)
        await until(lambda: scene.facts(waits.unique))
        assert scene.server.logins == 2
        lost = scene.view(gone.unique)
        assert (lost.phases, lost.reason) == ({"customer": "ended", "op:17": "wrapup"}, "lost")
        kept = scene.view(stays.unique)
        assert kept.phases == {"customer": "talking", "op:17": "wrapup", "op:18": "talking"} and kept.ended is None
        begun = scene.view(waits.unique)
        assert begun.phases == {"customer": "ringing"} and abs(begun.began - time.time() + 30) < 3
        # And it goes on from there.
        scene.pbx.hang_up(waits)
        await scene.server.play()
        await until(lambda: scene.view(waits.unique).ended)

    play(story)


def test_calls_that_a_process_before_us_held_for_open_get_their_end_too():
    async def story(scene, client):
        customer, _ = talk(scene.pbx)
        scene.pbx.take()
        await scene.server.die()
        scene.known = {"1699999999.1", customer.unique}
        await scene.server.start()
        await until(lambda: scene.facts("1699999999.1"))
        assert [fact.data for fact in scene.facts("1699999999.1")] == [{"reason": "lost"}]
        await until(lambda: scene.facts(customer.unique))
        kinds = [fact.kind for fact in scene.facts(customer.unique)]
        assert Kind.ANSWERED in kinds and not {Kind.BEGAN, Kind.QUEUED, Kind.ENDED} & set(kinds)

    play(story)


def test_what_happens_during_a_resync_comes_after_it():
    """A call that is listed and ends before the list is whole would else be open for ever."""

    async def story(scene, client):
        customer, agent = talk(scene.pbx)
        scene.pbx.take()
        await scene.server.die()
        scene.server.ignores = {"QueueStatus"}
        client.server = replace(client.server, answer_s=3)
        await scene.server.start()
        await until(lambda: scene.server.logins == 2 and scene.server.asked[-1]["Action"] == "QueueStatus")
        scene.pbx.hang_up(agent, customer)
        await scene.server.play()
        asked = scene.server.asked[-1]
        for writer in scene.server._writers:
            await scene.server._list(writer, asked, "QueueStatusComplete", [])
        await until(lambda: scene.view(customer.unique).ended)
        assert not client.translator.book.calls

    play(story)


def test_a_server_that_is_dead_and_says_nothing_is_noticed():
    async def story(scene, client):
        scene.server.deaf = True
        await until(lambda: not client.connected.is_set())
        scene.server.deaf = False
        await asyncio.wait_for(client.connected.wait(), 5)

    play(story)


def test_members_are_known_again_after_a_loss():
    async def story(scene, client):
        scene.server.members = [
            [
                ("Event", "QueueMember"),
                ("Queue", queue),
                ("Name", "A"),
                ("Location", "PJSIP/1017"),
                ("Status", "1"),
                ("Paused", paused),
            ]
            for queue, paused in (("sales", "1"), ("care", "0"))
        ]
        await scene.server.die()
        await scene.server.start()
        await until(lambda: scene.states() == [(17, "ready")])
        scene.server.members = []
        await scene.server.die()
        await scene.server.start()
        await until(lambda: scene.states() == [(17, "ready"), (17, "offline")])

    play(story)


def test_a_wrong_secret_is_no_line_and_no_storm():
    async def run():
        scene = Scene()
        await scene.server.start()
        client = scene.client(secret="wrong")
        task = asyncio.create_task(client.run())
        await asyncio.sleep(0.4)
        assert not client.connected.is_set() and not scene.server.logins
        assert 2 <= sum(one["Action"] == "Login" for one in scene.server.asked) <= 12
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await scene.server.die()

    asyncio.run(run())
    assert "wrong" not in repr(Server("h", "u", "wrong"))
