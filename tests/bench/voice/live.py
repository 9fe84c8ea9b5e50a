"""An Asterisk's calls, live: from the bytes of its events to the rows, and to the page of the operator at whom it rings.

The switch is a server of the tests that speaks the protocol, in this process; what keeps the line is the product's own
process, and so are the web processes to which 300 operators are connected.
"""

import asyncio
import random
import time
from collections.abc import Iterable
from typing import Any

import psycopg2
import redis
import uvloop

from tests.ami_pbx import Pbx, a_call
from tests.ami_server import AmiServer
from tests.bench.center import center, main
from tests.bench.report import Figure, percentile
from tests.bench.scene import Scene, cookie, desks
from tests.bench.voice.lines import spent

OPERATORS = 300
CALLS = 100
# Events a second of the second part, and of how many calls.
PER_S, RINGS = 50, 40
ROWS = (
    "interactions_callfact",
    "interactions_interaction",
    "interactions_call",
    "routing_workitem",
    "routing_assignment",
)


def measure() -> Iterable[Figure]:
    with center(worker=False) as stack:
        scene = plant(stack.url)
        stack.start_exchanges()
        pbx = Pbx(now=time.time() - 7200)
        events, took, cpu, lags = uvloop.run(play(scene, pbx, stack.processes["exchanges"].pid))
        floor = plainly(stack.database_url)
        plain = percentile(publishes(stack.redis_url), 95)
    note = f"{events:,} events of {CALLS} whole calls at once: sessions, visits, legs, facts; the floor writes the same rows; {cpu:.1f} s of CPU in the process that hears"
    yield Figure("voice.ami_live_per_s", events / took, events / floor, note)
    note = f"{len(lags)} rings among {PER_S} events a second, {OPERATORS} operators connected; the floor is a plain publish"
    yield Figure("voice.event_p95_ms", percentile(lags, 95), plain, note)


def plant(url: str) -> Scene:
    """Operators with phones at an exchange, signed in at their desks."""
    from tests import world
    from tests.exchange import make_exchange

    team = world.make_team()
    users = [world.make_user(f"op{number}", team=team) for number in range(OPERATORS)]
    for user in users:
        world.on_duty(user)
    queue = world.make_queue(members=tuple(users), team=team, wrapup_s=0)
    make_exchange("PBX", queue, *users, host="127.0.0.1", username="cx", secret="s3cret", active=False)
    return Scene(url, "", [], {user.pk: cookie(user) for user in users})


async def play(scene: Scene, pbx: Pbx, hears: int | None) -> tuple[int, float, float, list[float]]:
    from interactions.models import Call, Exchange
    from routing.models import Assignment

    server = AmiServer(pbx, piece=65536)
    await server.start()
    await Exchange.objects.aupdate(port=server.port, active=True)
    while not await Exchange.objects.filter(connected_at__isnull=False).aexists():
        await asyncio.sleep(0.1)
    phones = {number: f"PJSIP/{1017 + number}" for number in range(OPERATORS)}
    for number in range(CALLS):
        a_call(pbx, phones[number])
    events, began, before = len(pbx.said), time.perf_counter(), spent(hears)
    await server.play()
    over = Call.objects.filter(ended_at__isnull=False, interaction__closed_at__isnull=False)
    while await over.acount() < CALLS or await Assignment.objects.acount() < CALLS:
        await asyncio.sleep(0.2)
    took, cpu = time.perf_counter() - began, spent(hears) - before
    return events, took, cpu, await rings(scene, server, pbx, phones)


async def rings(scene: Scene, server: AmiServer, pbx: Pbx, phones: dict[int, str]) -> list[float]:
    """Let calls go by at a steady rate; return how many ms passed from the event of each ring to its operator's page."""
    sent: list[float] = []
    heard: list[float] = []

    def hear(said: dict[str, Any]) -> None:
        if said["kind"] == "offer":
            heard.append((time.perf_counter() - sent[len(heard)]) * 1000)

    async with desks(scene, hear):
        began = time.perf_counter()
        for number, fields in enumerate(overlapping(pbx, phones)):
            await asyncio.sleep(max(0.0, began + number / PER_S - time.perf_counter()))
            told = dict(fields)
            if told["Event"] == "Newchannel" and "PJSIP/trunk" not in told["Channel"]:
                sent.append(time.perf_counter())
            pbx.said = [fields]
            await server.play()
        await asyncio.sleep(3)
    assert len(heard) == len(sent), f"{len(sent)} have rung, {len(heard)} pages were told"
    return heard


def overlapping(pbx: Pbx, phones: dict[int, str]) -> list[list[tuple[str, str]]]:
    """Return the events of calls that lie over each other, in their order: between a ring and its answer pass seconds."""
    chance, begin = random.Random(1), time.time() - 600
    for number in range(RINGS):
        pbx.now = begin + chance.random() * 20
        a_call(pbx, phones[number])
    return sorted(pbx.take(), key=lambda fields: float(dict(fields)["Timestamp"]))


def plainly(database_url: str) -> float:
    """The floor: the rows that there are, written once more by one connection, a call in a transaction."""
    with psycopg2.connect(database_url) as database, database.cursor() as cursor:
        for table in ROWS:
            cursor.execute(f"CREATE TABLE floor_{table} (LIKE {table} INCLUDING ALL)")
        cursor.execute("SELECT interaction_id FROM interactions_call ORDER BY 1 LIMIT %s", [CALLS])
        calls = [row[0] for row in cursor.fetchall()]
        database.commit()
        began = time.perf_counter()
        for call in calls:
            for table in ROWS:
                column = {"interactions_callfact": "call_id", "interactions_interaction": "id"}.get(
                    table, "interaction_id"
                )
                cursor.execute(f"INSERT INTO floor_{table} SELECT * FROM {table} WHERE {column} = %s", [call])
            database.commit()
        return time.perf_counter() - began


def publishes(redis_url: str) -> list[float]:
    """The floor of a push: a plain publish, and its arrival."""
    client = redis.Redis.from_url(redis_url)
    heard = client.pubsub(ignore_subscribe_messages=True)
    heard.subscribe("floor")
    heard.get_message(timeout=1)
    took = []
    for _number in range(500):
        began = time.perf_counter()
        client.publish("floor", b"x" * 100)
        while heard.get_message(timeout=1) is None:
            pass
        took.append((time.perf_counter() - began) * 1000)
    return took


if __name__ == "__main__":
    main(measure)
