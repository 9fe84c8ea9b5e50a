"""100 calls from browsers on one web process: they ring, are answered, two browsers find each other, holds go to and fro.

No media passes the server. The customer is a socket and a kept connection, as his page is; so is the operator's desk.
"""

import asyncio
import json
import os
import time
import uuid
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvloop
from websockets.asyncio.client import connect

from tests.bench import floor
from tests.bench.center import center, main
from tests.bench.report import Figure, percentile
from tests.bench.scene import cookie, token
from tests.bench.wire import Http

LINES, PER_S, ROUNDS = 100, 5, 3
CSRF = "c" * 32
SDP = "v=0\r\n" + "a=candidate:1 1 udp 2113937151 192.0.2.1 54321 typ host generation 0\r\n" * 40


@dataclass
class Place:
    """A site that takes calls, its operators and those who will call."""

    url: str
    cookies: dict[int, str]
    callers: list[tuple[str, str]]
    rings: list[float] = field(default_factory=list)
    commands: list[float] = field(default_factory=list)
    failed: int = 0


def measure() -> Iterable[Figure]:
    with center(web=1) as stack:
        place = plant(stack.url)
        before, begun = spent(stack.processes["web1"].pid), time.perf_counter()
        uvloop.run(play(place))
        load = (spent(stack.processes["web1"].pid) - before) / (time.perf_counter() - begun)
        plain = percentile(floor.claims(stack.database_url), 95)
    note = f"{len(place.rings)} calls, {PER_S} a second, one web process"
    yield Figure("voice.ring_p95_ms", percentile(place.rings, 95), plain, note)
    yield Figure(
        "voice.command_p95_ms", percentile(place.commands, 95), None, f"{len(place.commands)} holds and resumes"
    )
    yield Figure("voice.lines_failed", place.failed, None, note)
    yield Figure("voice.lines_cpu", load, None, "cores of the web process while the lines are made and held")


def spent(pid: int) -> float:
    """Return the CPU seconds of a process."""
    parts = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def plant(url: str) -> Place:
    """Make operators on duty, a site with a line, and callers who have called before: their tokens know their thread."""
    from customers import actions as customers
    from interactions.actions import talk
    from tests import world

    team = world.make_team()
    users = [world.make_user(f"op{number}", team=team) for number in range(LINES)]
    for user in users:
        world.on_duty(user)
    queue = world.make_queue("Calls", team, members=tuple(users), offer_s=600)
    site = world.make_site(queue, rate_per_min=1_000_000)
    site.voice = world.make_line(queue)
    site.save()
    callers = []
    for number in range(LINES):
        value = uuid.UUID(int=number + 1).hex
        identity, profile = customers.find_or_create_by_identity(kind="visitor", value=value, source="webchat")
        assert profile is not None
        thread = talk.open_thread(channel=site.voice, identity=identity, profile=profile)
        callers.append((f"Caller {number:03}", token(site.pk, value, thread.pk)))
    return Place(url, {user.pk: cookie(user) for user in users}, callers)


class Desk:
    """An operator: rung at, he asks who it is and answers; what his browser would do follows."""

    def __init__(self, place: Place, user: int, hall: dict[str, "Caller"]) -> None:
        self.place, self.user, self.hall = place, user, hall
        self.cookie = f"{place.cookies[user]}; csrftoken={CSRF}"
        self.answered = asyncio.Event()

    async def run(self) -> None:
        address = self.place.url.replace("http", "ws") + "/ws/desk/"
        headers = {"Cookie": self.cookie}
        line = connect(address, origin=self.place.url, additional_headers=headers, compression=None)
        async with line as socket, Http(self.place.url, headers) as self.http:
            await socket.send(json.dumps({"kind": "hello", "tab": str(uuid.uuid4())}))
            async for said in socket:
                heard = json.loads(said)
                if heard["kind"] == "offer":
                    await self.ring(heard["id"])
                if heard["kind"] == "sdp" and heard["what"] == "answer":
                    self.answered.set()

    async def ring(self, leg: int) -> None:
        toast = (await self.http.get("/desk/offers/")).decode()
        caller = next((one for name, one in self.hall.items() if name in toast), None)
        if caller is None:
            return
        self.place.rings.append((time.perf_counter() - caller.pressed) * 1000)
        session = json.loads(await self.post(f"/desk/offers/{leg}/accept/"))["session"]
        caller.desk, caller.number = self, session
        await self.post(f"/desk/s/{session}/signal/", conn=uuid.uuid4().hex, turn=1, what="offer", sdp=SDP)

    async def post(self, path: str, **values: Any) -> bytes:
        body = urlencode(values).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self.place.url.removeprefix('http://')}\r\nCookie: {self.cookie}\r\n"
            f"X-CSRFToken: {CSRF}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        status, answer = await self.http.call(head.encode() + body)
        assert status < 300, (path, status, answer[:300])
        return answer


class Caller:
    """A visitor at the page of calls."""

    def __init__(self, place: Place, name: str, said: str) -> None:
        self.place, self.name, self.token = place, name, said
        self.pressed = 0.0
        self.desk: Desk | None = None
        self.number = 0
        self.phase: asyncio.Queue[str] = asyncio.Queue()

    async def run(self, until: asyncio.Event) -> None:
        async with (
            Http(self.place.url) as self.http,
            connect(
                self.place.url.replace("http", "ws") + "/ws/visitor/", origin=self.place.url, compression=None
            ) as socket,
        ):
            await socket.send(json.dumps({"token": self.token, "tab": str(uuid.uuid4())}))
            listening = asyncio.create_task(self.listen(socket))
            self.pressed = time.perf_counter()
            data = {"name": self.name, "key": str(uuid.uuid4())}
            status, body = await self.http.call(
                self.http.request("POST", "/widget/api/call/start", token=self.token, data=data)
            )
            assert status == 200, body
            try:
                await asyncio.wait_for(self.talk(), 20)
            except (TimeoutError, AssertionError) as error:
                print(self.name, repr(error))
                self.place.failed += 1
            await until.wait()
            listening.cancel()

    async def talk(self) -> None:
        while self.desk is None:
            await asyncio.sleep(0.01)
        await self.desk.answered.wait()
        for _round in range(ROUNDS):
            for control, phase in (("hold", "held"), ("resume", "talking")):
                await asyncio.sleep(1)
                pressed = time.perf_counter()
                doing = asyncio.create_task(self.desk.post(f"/desk/s/{self.number}/call/{control}/"))
                while await self.phase.get() != phase:
                    pass
                self.place.commands.append((time.perf_counter() - pressed) * 1000)
                await doing

    async def listen(self, socket: Any) -> None:
        async for said in socket:
            heard = json.loads(said)
            if heard["kind"] == "call" and "phase" in heard:
                self.phase.put_nowait(heard["phase"])
            if heard["kind"] == "sdp":
                data = {
                    "party": heard["party"],
                    "conn": heard["conn"],
                    "turn": heard["turn"],
                    "what": "answer",
                    "sdp": SDP,
                }
                await self.http.call(self.http.request("POST", "/widget/api/call/signal", token=self.token, data=data))


async def play(place: Place) -> None:
    """Let all call, one after another, and talk until the last one has done so."""
    hall: dict[str, Caller] = {}
    over = asyncio.Event()
    async with AsyncExitStack() as stack:
        desks = [asyncio.create_task(Desk(place, user, hall).run()) for user in place.cookies]
        stack.callback(lambda: [desk.cancel() for desk in desks])
        await asyncio.sleep(3)
        calls = []
        for name, said in place.callers:
            hall[name] = Caller(place, name, said)
            calls.append(asyncio.create_task(hall[name].run(over)))
            await asyncio.sleep(1 / PER_S)
        await asyncio.sleep(ROUNDS * 2 + 5)
        over.set()
        await asyncio.gather(*calls)


if __name__ == "__main__":
    main(measure)
