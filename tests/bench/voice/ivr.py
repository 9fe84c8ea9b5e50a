"""What an IVR asks while the phone rings, by the API: who, what about, which outage, where to.

Each customer has sessions and, some, open cases behind him; there are segments, outages, and people who wait on the line.
"""

import asyncio
import os
import time
from collections.abc import Iterable
from random import Random
from typing import Any

import psycopg2

from tests.bench import mass
from tests.bench.center import center, main
from tests.bench.report import Figure, middle, percentile
from tests.bench.wire import Http

CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS") or 120_000)
PER_CUSTOMER, OPEN_EACH, WAITING = 3, 10, 20
CALLS, ROUNDS, STRANGERS, SAID_TOPIC = 300, 3, 0.1, 0.3
CITIES = ("Moscow", "Kazan", "Tver", "Samara")
TOPICS = "UPDATE interactions_interaction SET topic_id = (%(topics)s::bigint[])[1 + id %% array_length(%(topics)s, 1)]"
CASES = "UPDATE interactions_case SET status = 'open' WHERE id %% %(each)s = 0"
PHONES = "UPDATE customers_profileidentity SET verified = true"
PLAIN = (
    "SELECT pattern FROM customers_junkvalue",
    """SELECT c.id, c.name, c.language, c.custom FROM customers_identity i
       JOIN customers_profileidentity l ON l.identity_id = i.id AND l.verified
       JOIN customers_profile p ON p.id = l.profile_id JOIN customers_customer c ON c.id = p.customer_id
       WHERE i.kind = 'phone' AND i.value = %(phone)s""",
    """SELECT k.id, k.subject, k.status FROM customers_identity i
       JOIN customers_profileidentity l ON l.identity_id = i.id
       JOIN interactions_case k ON k.profile_id = l.profile_id AND k.status IN ('open', 'waiting')
       WHERE i.kind = 'phone' AND i.value = %(phone)s ORDER BY k.opened_at DESC LIMIT 5""",
    """SELECT t.topic_id FROM customers_identity i JOIN customers_profileidentity l ON l.identity_id = i.id
       JOIN interactions_interaction t ON t.profile_id = l.profile_id
       WHERE i.kind = 'phone' AND i.value = %(phone)s ORDER BY t.opened_at DESC LIMIT 1""",
    "SELECT id, words FROM interactions_outage WHERE since <= now()",
    "SELECT queue_id FROM routing_entrance WHERE channel_id = %(line)s AND topic_id IS NULL",
    "SELECT count(*) FROM routing_workitem w JOIN routing_entrance USING (queue_id) WHERE channel_id = %(line)s AND visit <> 'left'",
)


def measure() -> Iterable[Figure]:
    # So many are asked for here that the limit of requests would be met.
    os.environ["API_RATE"] = "1000000/min"
    with center(web=1, worker=False) as stack:
        line, topics = plant()
        asked = questions(line, topics)
        took = asyncio.run(several(stack.url, header(), asked))
        floors = plainly(stack.database_url, asked)
    note = f"{ROUNDS} rounds of {CALLS} calls at {CUSTOMERS:,} customers; the entry in the audit log is included"
    yield Figure("voice.ivr_p95_ms", took, floors, note)


def plant() -> tuple[int, list[int]]:
    """Fill the tables; return the line and topics that its menu has."""
    from django.db import connection, transaction

    from customers.models import Segment, SegmentCondition
    from interactions.models import Outage, Topic
    from routing.models import Queue
    from tests import world

    with transaction.atomic(), connection.cursor() as cursor:
        floor = mass.make_floor()
        topics = list(Topic.objects.order_by("pk").values_list("pk", flat=True))
        n = CUSTOMERS * PER_CUSTOMER
        values = {"n": n, "customers": CUSTOMERS, "per_customer": PER_CUSTOMER, "messages": mass.MESSAGES, **floor}
        cursor.execute("SET LOCAL session_replication_role = replica")
        past = (mass.PAST[0], mass.SESSIONS, mass.VISITS, mass.LEGS, mass.PAST[-1])
        for statement in (*mass.PEOPLE, *past, TOPICS, CASES, PHONES):
            cursor.execute(statement, {**values, "topics": topics, "each": OPEN_EACH})
        for table in mass.NUMBERED:
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT coalesce(max(id), 1) FROM {table}))"
            )
    for city in CITIES:
        segment = Segment.objects.create(code=city.lower(), name=city)
        SegmentCondition.objects.create(segment=segment, field="city", comparison="is", value=city)
        outage = Outage.objects.create(name=f"Cable in {city}", words="The cable is cut.")
        outage.segments.add(segment)
    line = world.make_line(Queue.objects.order_by("pk")[0], "Hotline")
    for _number in range(WAITING):
        world.open_call(line)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return line.pk, topics


def questions(line: int, topics: list[int]) -> list[dict[str, Any]]:
    """Return what is asked: of customers, and of some whom nobody knows; some have chosen a topic."""
    draw = Random(1)
    asked = []
    for _number in range(CALLS):
        stranger = draw.random() < STRANGERS
        phone = f"+7901{draw.randrange(10**7):07}" if stranger else f"+7900{1 + draw.randrange(CUSTOMERS):07}"
        said = {"topic": draw.choice(topics)} if draw.random() < SAID_TOPIC else {}
        asked.append({"number": phone, "line": line, **said})
    return asked


def header() -> dict[str, str]:
    from cxcenter.accounts.models import ApiToken
    from cxcenter.accounts.roles import Role
    from tests import world

    owner = world.make_user("integrator", Role.INTEGRATOR)
    scopes = ["ivr:read", "customers:read", "cases:read"]
    return {"Authorization": f"Bearer {ApiToken.issue(user=owner, name='bench', scopes=scopes, expires_at=None)[1]}"}


async def several(url: str, head: dict[str, str], asked: list[dict[str, Any]]) -> float:
    """Return the 95th percentile of an answer in ms, the median of the rounds; the first round is for nothing."""
    found = []
    async with Http(url, head) as line:
        calls = [line.request("POST", "/api/v1/ivr/caller/", data=one) for one in asked]
        for _round in range(ROUNDS + 1):
            took, known = [], 0
            for call in calls:
                began = time.perf_counter()
                status, body = await line.call(call)
                took.append((time.perf_counter() - began) * 1000)
                assert status == 200, body
                known += b'"status":"found"' in body
            assert known > CALLS * (1 - STRANGERS) * 0.8, known
            found.append(percentile(took, 95))
    return middle(found[1:])


def plainly(database_url: str, asked: list[dict[str, Any]]) -> float:
    """Return the 95th percentile of the same look-up by hand: the plainest statements, one after another."""
    took = []
    with psycopg2.connect(database_url) as database, database.cursor() as cursor:
        for one in asked:
            began = time.perf_counter()
            for statement in PLAIN:
                cursor.execute(statement, {"phone": one["number"], "line": one["line"]})
                cursor.fetchall()
            took.append((time.perf_counter() - began) * 1000)
    return percentile(took, 95)


if __name__ == "__main__":
    main(measure)
