"""The search of the main bar: a customer whose name is misspelt, and a word that somebody said in a message."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from random import Random
from urllib.parse import quote

import psycopg2

from tests.bench import mass
from tests.bench.center import center, main
from tests.bench.golden.damage import misspelt
from tests.bench.golden.sets import ROUNDS, SIZE, few, kept, rounds, signed_in
from tests.bench.report import Figure
from tests.bench.wire import Http

CALLS = few(100)
# How far down the list of frequent words the words are taken: from what many messages have to what few have.
RANKS = ((20, 200), (200, 2_000), (2_000, 20_000))
# The same way through the house, and nothing to search.
EMPTY = "/desk/search/?q="


@dataclass(frozen=True)
class Asked:
    """What is typed into the search box, and what should stand in the answer."""

    text: str
    expected: str


def measure() -> Iterable[Figure]:
    with center(kept(), web=1, worker=False) as stack:
        names, said = misspelt_names(stack.database_url), words()
        p95, found = asyncio.run(several(stack.url, signed_in(mass.OPERATOR), names, said))
    for name, kind, of in (
        ("search", "names", f"{SIZE:,} customers; the right surname"),
        ("words", "words", f"{SIZE * 5:,} messages; the word"),
    ):
        note = f"{ROUNDS} rounds of {CALLS} questions at {of} is among the found in {found[kind]:.0%}"
        yield Figure(f"golden.{name}_p95_ms", p95[kind], p95["empty"], note)


def misspelt_names(database_url: str) -> list[Asked]:
    """Return names with a typing error in the surname: with the first name, or alone."""
    draw = Random(1)
    with psycopg2.connect(database_url) as database, database.cursor() as cursor:
        cursor.execute("SELECT last_name, first_name FROM customers_customer ORDER BY md5(id::text) LIMIT %s", [CALLS])
        people = cursor.fetchall()
    return [
        Asked(f"{misspelt(draw, last)} {first}" if draw.random() < 0.7 else misspelt(draw, last), last)
        for last, first in people
    ]


def words() -> list[Asked]:
    """Return words of both languages, often said and seldom."""
    from tests.bench.golden.texts import LANGUAGES, vocabulary

    draw = Random(1)
    chosen = [vocabulary(draw.choice(LANGUAGES))[draw.randrange(*RANKS[place % len(RANKS)])] for place in range(CALLS)]
    return [Asked(word, word) for word in chosen]


async def several(
    url: str, header: dict[str, str], names: list[Asked], said: list[Asked]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the 95th percentiles, and in which share of the answers stands what was looked for."""
    async with Http(url, header) as line:
        asked = {"names": names, "words": said}
        ways = {kind: partial(search, line, questions) for kind, questions in asked.items()}
        p95 = await rounds({**ways, "empty": lambda _number: line.get(EMPTY)}, CALLS)
        found = {}
        for kind, questions in asked.items():
            answers = [await search(line, questions, number) for number in range(len(questions))]
            hits = [one.expected.lower() in text.lower() for one, text in zip(questions, answers, strict=True)]
            found[kind] = sum(hits) / len(hits)
        return p95, found


async def search(line: Http, questions: list[Asked], number: int) -> str:
    """Return the answer to a question."""
    return (await line.get(f"/desk/search/?q={quote(questions[number % len(questions)].text)}")).decode()


if __name__ == "__main__":
    main(measure)
