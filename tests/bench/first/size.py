"""Desk, lists and timeline by HTTP at a million past conversations, and against a hundred thousand."""

import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx
import psycopg2

from tests.bench import mass
from tests.bench.center import main
from tests.bench.kept import Kept
from tests.bench.report import Figure, percentile
from tests.servers import Stack

SMALL, LARGE = 100_000, 1_000_000
ROUNDS, CALLS = 5, 60
KINDS = ("desk", "list", "timeline")


@dataclass
class Place:
    """One center: pages of an operator and of an administrator, and which of them to ask for."""

    client: httpx.Client
    boss: httpx.Client
    paths: dict[str, list[tuple[httpx.Client, str]]] = field(default_factory=dict)

    def ask(self, kind: str, number: int) -> float:
        """Return how many ms a page takes."""
        client, path = self.paths[kind][number % len(self.paths[kind])]
        began = time.perf_counter()
        answer = client.get(path)
        took = (time.perf_counter() - began) * 1000
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return took


def measure() -> Iterable[Figure]:
    with ExitStack() as stack:
        places = {size: stack.enter_context(place(size)) for size in (SMALL, LARGE)}
        floors = {kind: floor(places[LARGE], kind) for kind in KINDS}
        for centre in places.values():
            for kind in KINDS:
                for number in range(len(centre.paths[kind])):
                    centre.ask(kind, number)
        took = {kind: compare(places, kind) for kind in KINDS}
    note = f"{ROUNDS} rounds of {CALLS} pages at {LARGE:,} conversations"
    for kind in KINDS:
        yield Figure(f"first.{kind}_p95_ms", took[kind][LARGE], floors[kind], note)
    ratios = {kind: took[kind][LARGE] / took[kind][SMALL] for kind in KINDS}
    yield Figure("first.size_ratio", max(ratios.values()), None, ", ".join(f"{k} {r:.2f}" for k, r in ratios.items()))


def compare(places: dict[int, Place], kind: str) -> dict[int, float]:
    """Return the 95th percentile by size, the median of several rounds; both sizes are asked by turns."""
    rounds: dict[int, list[float]] = {size: [] for size in places}
    for _round in range(ROUNDS):
        took: dict[int, list[float]] = {size: [] for size in places}
        for number in range(CALLS):
            for size, centre in places.items():
                took[size].append(centre.ask(kind, number))
        for size, values in took.items():
            rounds[size].append(percentile(values, 95))
    return {size: statistics.median(values) for size, values in rounds.items()}


def floor(centre: Place, kind: str) -> float:
    """Return the 95th percentile of the smallest page with the same way through the house: signed in, no rows."""
    client = centre.paths[kind][0][0]
    return percentile([_timed(lambda: client.get("/desk/offers/")) for _number in range(40)], 95)


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


@contextmanager
def place(size: int) -> Iterator[Place]:
    """Start a center of that size and sign in."""
    with ExitStack() as stack:
        kept = Kept(size).start()
        stack.callback(kept.stop)
        running = stack.enter_context(Stack(kept))
        running.start_web(1)
        clients = [stack.enter_context(httpx.Client(base_url=running.url, timeout=60)) for _number in range(2)]
        for client, name in zip(clients, (mass.OPERATOR, mass.BOSS), strict=True):
            sign_in(client, name)
        made = Place(*clients)
        made.paths = paths(made, running.database_url)
        yield made


def sign_in(client: httpx.Client, name: str) -> None:
    client.get("/sign-in/")
    form = {"username": name, "password": mass.PASSWORD, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
    assert client.post("/sign-in/", data=form).is_redirect, f"{name} cannot sign in"


def paths(centre: Place, database_url: str) -> dict[str, list[tuple[httpx.Client, str]]]:
    """Choose pages: sessions in work and past ones, lists from the beginning and deep, timelines and what is under them."""
    draw = random.Random(1)
    with psycopg2.connect(database_url) as database, database.cursor() as cursor:

        def column(statement: str, *values: object) -> list:
            cursor.execute(statement, values)
            return [row[0] for row in cursor.fetchall()]

        legs = "SELECT interaction_id FROM routing_assignment l JOIN accounts_user u ON u.id = l.operator_id WHERE username = %s"
        mine = column(f"{legs} AND leg = 'active'", mass.OPERATOR)
        past = column(f"{legs} AND leg = 'ended' ORDER BY interaction_id", mass.OPERATOR)
        moments = column(
            "SELECT (SELECT max(last_message_at) FROM interactions_interaction) - n * interval '30 days'"
            " FROM generate_series(0, 11) n"
        )
        people = column("SELECT count(*) FROM customers_customer")[0]
    operator, boss = centre.client, centre.boss
    deep = [quote(f"{moment.isoformat()}_{10**9}") for moment in moments]
    customers = [1 + draw.randrange(people) for _number in range(20)]
    return {
        "desk": [(operator, f"/desk/s/{talk}/") for talk in [*mine, *draw.sample(past, 20)]],
        "list": [
            *[(operator, f"/desk/rows/?show=all&before={moment}") for moment in ["", *deep]],
            *[(boss, f"/desk/rows/?show=all&before={moment}") for moment in ["", *deep]],
            *[(boss, address) for address in api_pages(boss)],
        ],
        "timeline": [(operator, f"/desk/customers/{customer}/timeline/") for customer in customers]
        + [(operator, f"/desk/customers/{customer}/timeline/?before={deep[0]}&lines=1") for customer in customers[:10]],
    }


def api_pages(boss: httpx.Client, pages: int = 5) -> list[str]:
    """Return the first addresses of the list of interactions, each named by the page before."""
    address, found = "/api/v1/interactions/?page_size=30", []
    for _number in range(pages):
        found.append(address)
        address = boss.get(address).raise_for_status().json()["next"]
    return found


if __name__ == "__main__":
    main(measure)
