"""Customers' messages by HTTP over 8 connections and two web processes, stored and pushed to listening operators."""

import asyncio
import itertools
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack

import psycopg2
import uvloop

from tests.bench import floor
from tests.bench.center import center, main
from tests.bench.report import Figure, middle
from tests.bench.scene import Chat, Scene, desks, make_scene
from tests.bench.wire import Http

CHATS, OPERATORS, CONNECTIONS = 100, 10, 8
RUNS, SECONDS, WARM_S = 5, 6.0, 3.0


def measure() -> Iterable[Figure]:
    with center() as stack:
        scene = make_scene(stack.url, operators=OPERATORS, chats=CHATS)
        runs, sent, heard = uvloop.run(several(scene))
        stored = count(stack.database_url)
        plain = floor.store_rate(
            stack.database_url, stack.redis_url, [chat.thread for chat in scene.chats], CONNECTIONS
        )
    assert stored == sent + CHATS, f"{sent} were acknowledged, {stored - CHATS} are stored"
    note = f"{sent} stored once, {heard} pushed"
    yield Figure("first.inbound_per_s", middle(runs), plain, note)
    yield Figure("first.inbound_floor_ratio", middle(runs) / plain, None, note)


def count(database_url: str) -> int:
    """Return how many messages of customers are stored."""
    with psycopg2.connect(database_url) as database, database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM interactions_message WHERE author = 'customer'")
        return cursor.fetchone()[0]  # type: ignore[index]


async def several(scene: Scene) -> tuple[list[float], int, int]:
    """Return the rates of several runs, how many messages were acknowledged and how many operators' pages got."""
    got = 0

    def hear(said: dict) -> None:
        nonlocal got
        got += said["kind"] == "message"

    runs, sent = [], 0
    async with desks(scene, hear):
        for seconds in (WARM_S, *[SECONDS] * RUNS):
            done = await flood(scene, seconds)
            runs.append(done / seconds)
            sent += done
        deadline = time.monotonic() + 5
        while got < sent and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
    return runs[1:], sent, got


async def flood(scene: Scene, seconds: float) -> int:
    """Send as fast as answers come, each connection for visitors of its own; return how many were acknowledged."""
    until = time.perf_counter() + seconds

    async def send(line: Http, chats: Iterator[Chat]) -> int:
        done = 0
        while time.perf_counter() < until:
            data = {"text": "Is my car ready?", "key": str(uuid.uuid4())}
            status, body = await line.call(
                line.request("POST", "/widget/api/messages", token=next(chats).token, data=data)
            )
            assert status == 200, body
            done += 1
        return done

    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(Http(scene.url)) for _number in range(CONNECTIONS)]
        own = [itertools.cycle(scene.chats[number::CONNECTIONS]) for number in range(CONNECTIONS)]
        return sum(await asyncio.gather(*(send(line, chats) for line, chats in zip(lines, own, strict=True))))


if __name__ == "__main__":
    main(measure)
