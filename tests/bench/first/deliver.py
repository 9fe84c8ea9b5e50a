"""From a visitor's send to the operator's socket: 100 open chats, 20 messages a second."""

import asyncio
import time
from collections.abc import Iterable

import uvloop

from tests.bench import floor
from tests.bench.center import center, main
from tests.bench.report import Figure, middle, percentile
from tests.bench.scene import Scene, Sent, desks, make_scene, pages, steady

CHATS, OPERATORS, PER_S = 100, 10, 20
RUNS, SECONDS, WARM_S = 3, 20, 5


def measure() -> Iterable[Figure]:
    with center() as stack:
        scene = make_scene(stack.url, operators=OPERATORS, chats=CHATS)
        runs = uvloop.run(several(scene))
        one = floor.deliver(stack.database_url, stack.redis_url, scene.chats[0].thread)
    lost = sum(run[2] for run in runs)
    note = f"{RUNS} runs of {SECONDS} s" + (f"; {lost} never came" if lost else "")
    yield Figure("first.deliver_p50_ms", middle(run[0] for run in runs), percentile(one, 50), note)
    yield Figure("first.deliver_p95_ms", middle(run[1] for run in runs), percentile(one, 95), note)


async def several(scene: Scene) -> list[tuple[float, float, int]]:
    sent: dict[str, float] = {}
    took: list[float] = []

    def hear(said: dict) -> None:
        if said["kind"] == "message" and said["message"]["key"] in sent:
            took.append((time.perf_counter() - sent.pop(said["message"]["key"])) * 1000)

    def note(message: Sent) -> None:
        sent[message.key] = message.at

    runs = []
    async with desks(scene, hear), pages(scene):
        await steady(scene, per_s=PER_S, seconds=WARM_S, sent=note)
        for seed in range(RUNS):
            await asyncio.sleep(1)
            took.clear()
            sent.clear()
            await steady(scene, per_s=PER_S, seconds=SECONDS, sent=note, seed=seed)
            await asyncio.sleep(2)
            runs.append((percentile(took, 50), percentile(took, 95), len(sent)))
    return runs


if __name__ == "__main__":
    main(measure)
