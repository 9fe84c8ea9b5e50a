"""Merge and its undoing by the API: of customers with a long past, and with a short one."""

import asyncio
import json
import time
from collections.abc import Iterable

import psycopg2

from tests.bench.center import center, main
from tests.bench.golden.crowd import special
from tests.bench.golden.sets import SIZE, few, forgotten, kept, timed, token
from tests.bench.report import Figure, middle, percentile
from tests.bench.wire import Http

TIMES = few(40)
Pair = tuple[int, int]
# What a merge has to write, and nothing else.
MERGE = (
    "UPDATE customers_profile SET customer_id = %(head)s WHERE customer_id = %(other)s",
    "UPDATE customers_customer SET merged_into_id = %(head)s WHERE id = %(other)s",
    """INSERT INTO customers_merge (survivor_id, absorbed_id, reason, detail, at)
       VALUES (%(head)s, %(other)s, 'hand', '{}', now())""",
)
UNMERGE = (
    "UPDATE customers_merge SET undone_at = now() WHERE absorbed_id = %(other)s AND undone_at IS NULL",
    "UPDATE customers_customer SET merged_into_id = NULL WHERE id = %(other)s",
    "UPDATE customers_profile SET customer_id = %(other)s WHERE home_id = %(other)s",
)
ACTS = ("merge", "unmerge")


def measure() -> Iterable[Figure]:
    people = special(SIZE)
    long, short = pairs(people.singles), pairs(people.shorts)
    with (
        center(kept(durable=True), web=1, worker=False) as stack,
        forgotten(),
        token("customers:write") as header,
    ):
        took = asyncio.run(several(stack.url, header, {"long": long, "short": short}))
        floors = floor(stack.database_url, long)
    for act in ACTS:
        ours, theirs = middle(took["long", act]), middle(took["short", act])
        note = f"each has {people.long:,} facts; with {people.short:,} {theirs:.1f} ms (ratio {ours / theirs:.2f}); "
        note += f"p95 {percentile(took['long', act], 95):.1f} ms"
        yield Figure(f"golden.{act}_ms", ours, middle(floors[act]), note)


def pairs(customers: list[int]) -> list[Pair]:
    """Return customers by twos."""
    return list(zip(customers[::2], customers[1::2], strict=False))


async def several(url: str, header: dict[str, str], sets: dict[str, list[Pair]]) -> dict[tuple[str, str], list[float]]:
    """Return the ms of merges and of their undoing, by set; the sets are asked by turns."""
    took: dict[tuple[str, str], list[float]] = {(name, act): [] for name in sets for act in ACTS}
    async with Http(url, header) as line:
        for number in range(TIMES):
            for name, found in sets.items():
                head, other = found[number % len(found)]
                began = time.perf_counter()
                status, body = await line.call(
                    line.request("POST", "/api/v1/merges/", data={"survivor": head, "others": [other]})
                )
                took[name, "merge"].append((time.perf_counter() - began) * 1000)
                assert status == 201, body
                merge = json.loads(body)["results"][0]["id"]
                undo = line.call(line.request("POST", f"/api/v1/merges/{merge}/undo/", data={}))
                took[name, "unmerge"].append(await timed(undo))
    return took


def floor(database_url: str, found: list[Pair]) -> dict[str, list[float]]:
    """Return the ms of the fewest statements that merge and unmerge, by plain psycopg2."""
    took: dict[str, list[float]] = {act: [] for act in ACTS}
    with psycopg2.connect(database_url) as database, database.cursor() as cursor:
        for number in range(TIMES):
            head, other = found[number % len(found)]
            for act, statements in (("merge", MERGE), ("unmerge", UNMERGE)):
                began = time.perf_counter()
                for statement in statements:
                    cursor.execute(statement, {"head": head, "other": other})
                database.commit()
                took[act].append((time.perf_counter() - began) * 1000)
    return took


if __name__ == "__main__":
    main(measure)
