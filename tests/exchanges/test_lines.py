"""The lines to telephone exchanges: from a server's events to the rows and the bar, and from a button to its actions."""

import asyncio
import contextlib
import threading
import time
from functools import partial

import pytest
from django.db import OperationalError, connection, connections
from django.test import Client

from cxcenter import phone
from cxcenter.exchanges.keeper import Keeper
from interactions.actions import calls, commands
from interactions.models import Call, CallCommand, Exchange, Extension
from routing.actions import presence
from routing.models import Assignment, PauseReason, Presence
from tests import world
from tests.ami_pbx import Pbx
from tests.ami_server import AmiServer
from tests.exchange import make_exchange

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = "+79001234567"
QUICK = {"answer_s": 0.5, "ping_s": 0.2, "retry_s": 0.02, "retry_most_s": 0.1}


class Scene:
    """An exchange in the settings, its server, and two operators with phones."""

    def __init__(self) -> None:
        team = world.make_team()
        self.alice, self.bob = world.make_user("alice", team=team), world.make_user("bob", team=team)
        self.queue = world.make_queue(members=(self.alice, self.bob), team=team)
        self.pbx = Pbx(now=time.time() - 600)
        self.server = AmiServer(self.pbx)
        self.exchange = make_exchange(
            "PBX", self.queue, self.alice, self.bob, host="127.0.0.1", username="cx", secret="s3cret", context="inner"
        )
        for user in (self.alice, self.bob):
            presence.set_mode(user=user, mode="available", actor=user)

    @staticmethod
    async def do(act):
        """Do what touches the database, in a thread as the product does."""

        def apart():
            try:
                return act()
            finally:
                connections.close_all()

        return await asyncio.to_thread(apart)

    async def until(self, condition, seconds: float = 30):
        async with asyncio.timeout(seconds):
            while not (found := await self.do(condition)):
                await asyncio.sleep(0.02)
        return found

    def ring(self):
        customer = self.pbx.open("PJSIP/trunk", state="4", number=PHONE, exten="800")
        self.pbx.queue(customer)
        self.pbx.wait(2)
        return customer, self.pbx.call_agent(customer, "PJSIP/1017")

    def connect(self, customer, agent):
        self.pbx.wait(3)
        self.pbx.connect(customer, agent, "PJSIP/1017", ring_s=3, bridge=f"b{customer.unique}")

    async def talk(self):
        """Let alice answer a call, and wait until we know it."""
        customer, agent = self.ring()
        self.connect(customer, agent)
        await self.server.play()
        await self.until(lambda: Assignment.objects.filter(operator=self.alice, leg="active").exists())
        return customer, agent

    def asked(self, name):
        return [one for one in self.server.asked if one["Action"] == name]


def page(desk, path):
    return desk.get(path).content.decode()


def play(story):
    """Run a story with a keeper of lines against a server that listens."""

    async def run(scene):
        await scene.server.start()
        await scene.do(lambda: Exchange.objects.filter(pk=scene.exchange.pk).update(port=scene.server.port))
        async with keeping(scene) as keeper:
            await scene.until(lambda: Exchange.objects.get().connected_at)
            await story(scene, keeper)
        await scene.server.die()

    asyncio.run(run(Scene()))
    # Threads of the line are gone, their connections are not.
    connections.close_all()


@contextlib.asynccontextmanager
async def keeping(scene):
    keeper = Keeper(**QUICK)
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_from_the_servers_events_to_the_bar_and_the_timeline():
    async def story(scene, _keeper):
        desk = Client()
        await scene.do(lambda: desk.force_login(scene.alice))
        customer, agent = scene.ring()
        await scene.server.play()
        await scene.until(lambda: Assignment.objects.filter(leg="offered").exists())
        toast = await scene.do(partial(page, desk, "/desk/offers/"))
        assert "It rings at your phone" in toast and "+7 900 123-45-67" in toast
        assert "data-accept" not in toast and "data-expires" not in toast
        bar = await scene.do(partial(page, desk, "/desk/line/"))
        assert 'data-phase="offered"' in bar and 'data-press="decline"' in bar
        scene.connect(customer, agent)
        await scene.server.play()
        await scene.until(lambda: Assignment.objects.filter(leg="active").exists())
        bar = await scene.do(partial(page, desk, "/desk/line/"))
        assert 'data-phase="talking"' in bar and 'data-provider="asterisk"' in bar
        assert 'data-press="mute"' in bar and "data-hang-up" in bar
        assert 'data-press="hold"' not in bar and "cti-quality" not in bar, "a hold is the phone's own"
        scene.pbx.wait(20)
        scene.pbx.complete(customer, agent, "PJSIP/1017", why="caller", talk_s=20)
        await scene.server.play()
        call = await scene.until(
            lambda: (
                Call.objects.select_related("interaction__profile").filter(interaction__closed_at__isnull=False).first()
            )
        )
        shown = await scene.do(partial(page, desk, f"/desk/customers/{call.interaction.profile.customer_id}/"))
        assert f"S-{call.pk}" in shown or f"/s/{call.pk}" in shown

    play(story)


def test_a_button_is_an_action_there_and_its_event_makes_the_state():
    async def story(scene, _keeper):
        customer, agent = await scene.talk()
        call = await scene.do(Call.objects.get)
        desk = Client()
        await scene.do(lambda: desk.force_login(scene.alice))
        before = call.version
        answer = await scene.do(lambda: desk.post(f"/desk/s/{call.pk}/call/mute/"))
        assert answer.status_code == 204
        await scene.until(lambda: CallCommand.objects.filter(control="mute", state="done").exists())
        [asked] = scene.asked("MuteAudio")
        assert (asked["Channel"], asked["State"]) == (agent.name, "on")
        assert await scene.do(lambda: Call.objects.get().version) == before, "nothing has happened before it is told"
        refused = await scene.do(lambda: desk.post(f"/desk/s/{call.pk}/call/hold/"))
        assert refused.status_code == 409
        sent = await scene.do(
            lambda: desk.post(f"/desk/s/{call.pk}/transfer/", {"operator": scene.bob.pk, "note": "Knows her"})
        )
        assert sent.status_code == 204, sent.content
        await scene.until(lambda: CallCommand.objects.filter(control="transfer", state="done").exists())
        [asked] = scene.asked("BlindTransfer")
        assert (asked["Channel"], asked["Context"], asked["Exten"]) == (agent.name, "inner", "1018")
        await scene.do(lambda: desk.post(f"/desk/s/{call.pk}/finish/"))
        await scene.until(lambda: CallCommand.objects.filter(control="hang_up", state="done").exists())
        assert await scene.do(lambda: Assignment.objects.get().leg) == "active"
        scene.pbx.hang_up(agent, customer)
        await scene.server.play()
        await scene.until(lambda: Assignment.objects.filter(leg="wrapup").exists())

    play(story)


def test_what_is_refused_or_not_answered_is_told_in_words():
    from tests import ears

    async def story(scene, _keeper):
        await scene.talk()
        call = await scene.do(Call.objects.get)
        scene.server.refuses, scene.server.ignores = {"MuteAudio"}, {"Hangup"}
        with ears.listening() as listener:
            for control in ("mute", "hang_up"):
                await scene.do(lambda c=control: calls.press(interaction_id=call.pk, actor=scene.alice, control=c))
            await scene.until(lambda: CallCommand.objects.filter(call=call, state="failed").count() == 2)
            said = [push["text"] for _group, push in listener.heard() if push["kind"] == "trouble"]
        assert said == [
            "The telephone exchange did not do it: No such channel",
            "The telephone exchange did not do it: It has not answered in time.",
        ]

    play(story)


def test_a_server_that_dies_in_the_middle_leaves_nothing_hanging():
    async def story(scene, keeper):
        customer, agent = await scene.talk()
        call = await scene.do(Call.objects.get)
        scene.server.ignores = {"Hangup"}
        await scene.do(lambda: calls.press(interaction_id=call.pk, actor=scene.alice, control="hang_up"))
        await scene.until(lambda: bool(scene.asked("Hangup")))
        await scene.server.die()
        row = await scene.until(lambda: CallCommand.objects.filter(state="failed").first())
        assert row.words == "There is no line to it now."
        await scene.do(lambda: calls.press(interaction_id=call.pk, actor=scene.alice, control="mute"))
        await scene.until(lambda: CallCommand.objects.filter(state="failed", control="mute").exists())
        await scene.until(lambda: Exchange.objects.get().trouble)
        scene.pbx.hang_up(agent, customer)
        scene.pbx.take()
        await scene.server.start()
        await scene.until(lambda: Call.objects.filter(ended_at__isnull=False).exists())
        await scene.until(lambda: Assignment.objects.filter(leg="wrapup").exists())
        await scene.until(lambda: Exchange.objects.get().connected_at)

    play(story)


def test_commands_that_nobody_does_run_out():
    scene = Scene()
    call = scene_call(scene)
    CallCommand.objects.all().delete()
    row = commands.command(call=call, control="mute", actor=scene.alice, key="once")
    assert commands.command(call=call, control="mute", actor=scene.alice, key="once").pk == row.pk
    assert [one.pk for one in commands.take(exchange=scene.exchange)] == [row.pk]
    assert commands.take(exchange=scene.exchange) == [], "whoever has taken it does it"
    CallCommand.objects.update(expires_at=call.began_at)
    assert commands.expire(exchange=scene.exchange) == 1
    assert not commands.done(command_id=row.pk) and CallCommand.objects.get().state == "failed"


def scene_call(scene):
    from tests.exchange import Ear

    ear = Ear(scene.exchange, scene.pbx)
    scene.connect(*scene.ring())
    ear.hear()
    return Call.objects.get()


def test_changed_settings_build_the_line_anew():
    async def story(scene, keeper):
        line = keeper.lines[scene.exchange.pk]
        carol = await scene.do(lambda: world.make_user("carol"))

        def change():
            Extension.objects.filter(user=scene.alice).update(user=carol)
            commands.reload([scene.exchange.pk])

        await scene.do(change)
        async with asyncio.timeout(5):
            while keeper.lines.get(scene.exchange.pk) in (line, None):
                await asyncio.sleep(0.02)
        await scene.until(lambda: keeper.lines[scene.exchange.pk].client.connected.is_set() or None)
        scene.connect(*scene.ring())
        await scene.server.play()
        await scene.until(lambda: Assignment.objects.filter(operator=carol, leg="active").exists())
        await scene.do(lambda: Exchange.objects.update(active=False))
        await scene.do(lambda: commands.reload([scene.exchange.pk]))
        async with asyncio.timeout(5):
            while keeper.lines:
                await asyncio.sleep(0.02)

    play(story)


def test_states_go_both_ways():
    async def story(scene, _keeper):
        lunch = await scene.do(lambda: PauseReason.objects.create(name="Lunch"))
        await scene.do(lambda: presence.set_mode(user=scene.alice, mode="pause", actor=scene.alice, reason=lunch))
        await scene.until(lambda: CallCommand.objects.filter(control="pause_member", state="done").exists())
        asked = {one["Interface"]: (one["Paused"], one["Reason"]) for one in scene.asked("QueuePause")}
        assert asked["PJSIP/1017"] == ("true", "Lunch")
        before = len(scene.asked("QueuePause"))
        await scene.do(lambda: Extension.objects.update(asked_at=None))
        scene.pbx.member("QueueMemberPause", "PJSIP/1017", Status=1, Paused=1, PausedReason="Lunch")
        scene.pbx.member("QueueMemberPause", "PJSIP/1018", Status=1, Paused=1, PausedReason="lunch")
        await scene.server.play()
        bob = await scene.until(lambda: Presence.objects.filter(user=scene.bob, mode="pause").first())
        assert bob.reason_id == lunch.pk
        assert len(scene.asked("QueuePause")) == before, "what the exchange knows it is not told"
        scene.pbx.member("QueueMemberPause", "PJSIP/1018", Status=1, Paused=0)
        await scene.server.play()
        await scene.until(lambda: Presence.objects.filter(user=scene.bob, mode="available").exists())
        scene.pbx.member("QueueMemberStatus", "PJSIP/1018", Status=5, Paused=0)
        await scene.server.play()
        await scene.until(lambda: Extension.objects.filter(user=scene.bob, state="unreachable").exists())
        assert await scene.do(lambda: Presence.objects.get(user=scene.bob).mode) == "available"

    play(story)


def test_a_database_that_is_away_for_a_moment_costs_nothing(monkeypatch):
    from django.db import OperationalError

    from routing.actions import exchange as acts

    fails, hear = [3], acts.hear

    def away(**told):
        if fails[0]:
            fails[0] -= 1
            raise OperationalError("the server closed the connection")
        return hear(**told)

    monkeypatch.setattr(acts, "hear", away)

    async def story(scene, _keeper):
        await scene.talk()

    play(story)
    assert fails == [0]


def test_facts_that_cannot_be_kept_cost_their_own_call_alone(monkeypatch):
    from routing.actions import exchange as acts

    hear = acts.hear

    def picky(*, exchange, told):
        if any(one.call == "bad" for one in told):
            raise ValueError("what is this?")
        return hear(exchange=exchange, told=told)

    monkeypatch.setattr(acts, "hear", picky)

    async def story(scene, keeper):
        from interactions.adapters.voice.ami.teller import Heard
        from interactions.calls.facts import CUSTOMER, Fact, Kind

        line = keeper.lines[scene.exchange.pk]
        bad = Heard("bad", Fact("k", time.time(), 1, Kind.BEGAN, CUSTOMER))
        good = Heard("good", Fact("k", time.time(), 1, Kind.BEGAN, CUSTOMER, {"from": PHONE}))
        await line._hear(bad)
        await line._hear(good)
        await scene.until(lambda: list(Call.objects.values_list("key", flat=True)) == ["good"])
        await scene.until(lambda: line.client.errors["not_kept"] == 1)

    play(story)


def test_what_is_told_while_the_database_is_away_is_kept_when_it_is_back(monkeypatch):
    from routing.actions import exchange as acts

    hear, failures = acts.hear, [OperationalError("the database is away")] * 2

    def away(*, exchange, told):
        if failures:
            raise failures.pop()
        return hear(exchange=exchange, told=told)

    monkeypatch.setattr(acts, "hear", away)

    async def story(scene, keeper):
        customer, _agent = await scene.talk()
        assert await scene.do(lambda: Call.objects.get().key) == customer.unique
        assert keeper.lines[scene.exchange.pk].client.errors["not_taken"] == 2

    play(story)


def test_a_call_does_not_wait_for_another_ones_opening(monkeypatch):
    """Its card is looked for in a database that is slow just now."""
    from interactions.actions import exchanges
    from routing.actions import exchange as acts

    opens, slow, open_call = threading.Event(), set(), exchanges.open_call

    def opening(*, exchange, opening):
        if opening.key in slow:
            assert opens.wait(30)
        return open_call(exchange=exchange, opening=opening)

    monkeypatch.setattr(exchanges, "open_call", opening)
    assert acts.exchanges is exchanges

    async def story(scene, keeper):
        threads = len(keeper.lines[scene.exchange.pk]._hearing)
        first = scene.pbx.open("PJSIP/trunk", state="4", number="+79001112233", exten="800")
        while hash((second := scene.pbx.open("PJSIP/trunk", state="4", number=PHONE)).unique) % threads == (
            hash(first.unique) % threads
        ):
            pass
        slow.add(first.unique)
        scene.pbx.queue(second)
        scene.pbx.call_agent(second, "PJSIP/1017")
        await scene.server.play()
        rings = Assignment.objects.filter(leg="offered", interaction__voice__key=second.unique)
        await scene.until(rings.exists)
        assert not await scene.do(Call.objects.filter(key=first.unique).exists)
        opens.set()
        await scene.until(Call.objects.filter(key=first.unique).exists)

    try:
        play(story)
    finally:
        opens.set()


def test_the_bar_knows_no_more_than_its_provider_can():
    scene = Scene()
    call = scene_call(scene)
    [line] = phone.lines_of(scene.alice)
    assert (line.session, line.phase) == (call.pk, "talking")
    assert line.controls == {"mute", "keypad", "transfer", "consult", "pause_recording", "hang_up"}
    assert not line.has & {"answer", "hold", "resume", "merge", "add"}
    assert connection.in_atomic_block is False
