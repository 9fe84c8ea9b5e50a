"""Whose a phone is, by the API: what a telephone platform asks while it still rings."""

import asyncio
import os
from collections.abc import Iterable
from random import Random
from urllib.parse import quote

import psycopg2

from tests.bench.center import center, main
from tests.bench.golden.sets import ROUNDS, SIZE, few, kept, rounds, token
from tests.bench.report import Figure
from tests.bench.wire import Http

CALLS, STRANGERS = few(300), 0.1
# The same way through the house, and nothing at its end: the integration has no webhooks.
EMPTY = "/api/v1/webhooks/"


def measure() -> Iterable[Figure]:
    # So many are asked for here that the limit of requests would be met.
    os.environ["API_RATE"] = "1000000/min"
    with (
        center(kept(durable=True), web=1, worker=False) as stack,
        token("customers:read", "webhooks:read") as header,
    ):
        p95 = asyncio.run(several(stack.url, header, phones(stack.database_url)))
    note = f"{ROUNDS} rounds of {CALLS} calls at {SIZE:,} customers; floor: an empty call with the same token"
    yield Figure("golden.resolve_p95_ms", p95["resolve"], p95["empty"], note)


def phones(database_url: str) -> list[str]:
    """Return phones of customers, and some that nobody has."""
    draw = Random(1)
    with psycopg2.connect(database_url) as database, database.cursor() as cursor:
        # Not every British number that was drawn could be dialled.
        cursor.execute(
            "SELECT value FROM customers_identity WHERE kind = 'phone' AND value LIKE '+79%%' ORDER BY md5(value) LIMIT %s",
            [CALLS],
        )
        known = [row[0] for row in cursor.fetchall()]
    return [f"+7900{draw.randrange(10**7):07}" if draw.random() < STRANGERS else phone for phone in known]


async def several(url: str, header: dict[str, str], asked: list[str]) -> dict[str, float]:
    """Return the 95th percentiles of the question and of the empty call."""
    async with Http(url, header) as line:
        ways = {
            "resolve": lambda number: line.get(f"/api/v1/customers/resolve/?phone={quote(asked[number % len(asked)])}"),
            "empty": lambda _number: line.get(EMPTY),
        }
        return await rounds(ways, CALLS)


if __name__ == "__main__":
    main(measure)
