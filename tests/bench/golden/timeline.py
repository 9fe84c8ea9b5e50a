"""Pages of the timeline by HTTP: the newest and deep ones, filtered, over many profiles; and against a tenth of the facts."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any
from urllib.parse import quote

import httpx
import psycopg2

from tests.bench import mass
from tests.bench.center import main
from tests.bench.first.size import sign_in
from tests.bench.golden.crowd import Special, special
from tests.bench.golden.sets import ROUNDS, SIZE, SMALL, few, kept, rounds
from tests.bench.report import Figure
from tests.bench.wire import Http
from tests.servers import Stack

CALLS, ORDINARY = few(80), 20
# How far back pages are asked for: shares of a customer's facts.
DEPTHS = (0.25, 0.5, 0.95)
GROUPS = ("chats", "cases", "outside", "surveys")
KINDS = ("page", "filter", "wide")
PLAIN = """
    SELECT e.* FROM customers_profile p CROSS JOIN LATERAL (
        SELECT id, profile_id, kind, at, actor_id, payload FROM core_event
        WHERE profile_id = p.id AND at < %s ORDER BY at DESC, id DESC LIMIT 26
    ) e WHERE p.customer_id = %s ORDER BY e.at DESC, e.id DESC LIMIT 26
"""
KEY = """
    SELECT at, id FROM core_event WHERE profile_id IN (SELECT id FROM customers_profile WHERE customer_id = %s)
    ORDER BY at DESC, id DESC OFFSET %s LIMIT 1
"""


@dataclass(frozen=True)
class Page:
    """A page of a customer's timeline, and the moment before which its facts are."""

    path: str
    customer: int
    before: str


@dataclass(frozen=True)
class Place:
    """One running center: a line to its desk, a connection for the floor, pages to ask for by kind."""

    stack: Stack
    cursor: Any
    cookie: str
    pages: dict[str, list[Page]]

    def page(self, kind: str, number: int) -> Page:
        """Return a page of a kind."""
        return self.pages[kind][number % len(self.pages[kind])]


def measure() -> Iterable[Figure]:
    with ExitStack() as stack:
        places = {size: stack.enter_context(place(size)) for size in (SMALL, SIZE)}
        p95 = asyncio.run(several(places))
    note = f"{ROUNDS} rounds of {CALLS} pages at {SIZE * 10:,} facts, most of them deep; floor: the rows by plain SQL"
    for name, kind in (("timeline", "page"), ("timeline_filter", "filter"), ("timeline_20", "wide")):
        yield Figure(f"golden.{name}_p95_ms", p95[f"{kind} {SIZE}"], p95[f"{kind} plain"], note)
    ratios = {kind: p95[f"{kind} {SIZE}"] / p95[f"{kind} {SMALL}"] for kind in KINDS}
    note = f"{SIZE * 10:,} facts to {SIZE:,}: " + ", ".join(f"{kind} {ratio:.2f}" for kind, ratio in ratios.items())
    yield Figure("golden.timeline_ratio", max(ratios.values()), None, note)


@contextmanager
def place(size: int) -> Iterator[Place]:
    """Start a set with a web process and sign in."""
    with ExitStack() as stack:
        servers = kept(size).start()
        stack.callback(servers.stop)
        running = stack.enter_context(Stack(servers))
        running.start_web(1)
        client = stack.enter_context(httpx.Client(base_url=running.url, timeout=60))
        sign_in(client, mass.OPERATOR)
        database = psycopg2.connect(running.database_url)
        stack.callback(database.close)
        cursor = database.cursor()
        yield Place(running, cursor, f"sessionid={client.cookies['sessionid']}", pages(cursor, size))


def pages(cursor: Any, size: int) -> dict[str, list[Page]]:
    """Choose pages: newest ones of customers with few facts and with many, and far back in a long past."""
    people: Special = special(size)
    draw = Random(1)
    few = [draw.randrange(people.wides[-1] + 20, size) for _one in range(ORDINARY)]
    return {
        "page": [newest(pk) for pk in (*few, *people.singles)]
        + [one for pk in people.singles for one in deep(cursor, pk)],
        "filter": [newest(pk, group) for pk in (*few[:5], *people.singles) for group in GROUPS]
        + [one for pk in people.singles for group in GROUPS for one in deep(cursor, pk, group)],
        "wide": [newest(pk) for pk in people.wides] + [one for pk in people.wides for one in deep(cursor, pk)],
    }


def newest(customer: int, group: str = "") -> Page:
    """Return the first page, with the chips above it."""
    return Page(f"/desk/customers/{customer}/timeline/?whole=1&group={group}", customer, "2100-01-01")


def deep(cursor: Any, customer: int, group: str = "") -> Iterator[Page]:
    """Yield what is fetched far back in a past."""
    cursor.execute(
        "SELECT count(*) FROM core_event WHERE profile_id IN (SELECT id FROM customers_profile WHERE customer_id = %s)",
        [customer],
    )
    facts = cursor.fetchone()[0]
    for share in DEPTHS:
        cursor.execute(KEY, [customer, int(facts * share)])
        at, pk = cursor.fetchone()
        key = quote(f"{at.isoformat()}_{pk}")
        path = f"/desk/customers/{customer}/timeline/?whole=1&group={group}&before={key}&lines=1"
        yield Page(path, customer, at.isoformat())


async def several(places: dict[int, Place]) -> dict[str, float]:
    """Return the 95th percentiles by kind of page and size, and of the plain rows; all are asked by turns."""
    async with AsyncExitStack() as stack:
        ways = {}
        for size, one in places.items():
            line = await stack.enter_async_context(Http(one.stack.url, {"Cookie": one.cookie}))
            ways |= {f"{kind} {size}": partial(ask, line, one, kind) for kind in KINDS}
        ways |= {f"{kind} plain": partial(ask_plainly, places[SIZE], kind) for kind in KINDS}
        return await rounds(ways, CALLS)


async def ask(line: Http, one: Place, kind: str, number: int) -> None:
    """Fetch a page."""
    await line.get(one.page(kind, number).path)


async def ask_plainly(one: Place, kind: str, number: int) -> None:
    """Fetch the rows of a page and nothing more."""
    page = one.page(kind, number)
    one.cursor.execute(PLAIN, [page.before, page.customer])
    one.cursor.fetchall()


if __name__ == "__main__":
    main(measure)
