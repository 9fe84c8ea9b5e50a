"""Work arrives while operators are free: from the visitor's first message to the offer at the operator's page."""

import asyncio
import time
import uuid
from collections.abc import Iterable

import uvloop

from tests.bench import floor
from tests.bench.center import center, main
from tests.bench.report import Figure, middle, percentile
from tests.bench.scene import Scene, desks, make_scene, token
from tests.bench.wire import Http

OPERATORS = 20
RUNS, VISITORS, WARM = 3, 60, 10


def measure() -> Iterable[Figure]:
    with center() as stack:
        # The push comes after the commit: what is measured holds it and more.
        scene = make_scene(stack.url, operators=OPERATORS, chats=OPERATORS, room=40)
        runs = uvloop.run(several(scene))
        plain = floor.claims(stack.database_url)
    yield Figure(
        "first.offer_p95_ms",
        middle(runs),
        percentile(plain, 95),
        f"{RUNS} runs of {VISITORS} visitors, one after the other",
    )


async def several(scene: Scene) -> list[float]:
    from interactions.models import Site

    site = await Site.objects.aget(key=scene.site)
    offered = asyncio.Event()

    def hear(said: dict) -> None:
        if said["kind"] == "offer":
            offered.set()

    async with desks(scene, hear), Http(scene.url) as line:
        runs = [
            percentile([await arrive(line, site.pk, offered) for _number in range(count)], 95)
            for count in (WARM, *[VISITORS] * RUNS)
        ]
    return runs[1:]


async def arrive(line: Http, site: int, offered: asyncio.Event) -> float:
    """Let a new visitor write; return after how many ms an operator is offered his talk."""
    visitor = token(site, uuid.uuid4().hex, 0)
    data = {"text": "Good day. My lamp is broken.", "key": str(uuid.uuid4())}
    offered.clear()
    began = time.perf_counter()
    status, body = await line.call(line.request("POST", "/widget/api/start", token=visitor, data=data))
    assert status == 200, body
    await asyncio.wait_for(offered.wait(), 10)
    took = (time.perf_counter() - began) * 1000
    await asyncio.sleep(0.05)
    return took


if __name__ == "__main__":
    main(measure)
