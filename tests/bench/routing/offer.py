"""300 operators: a contact comes, or somebody gets room, 20 times a second, until the offer is committed."""

import asyncio
import random
import select
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager

import psycopg2
import uvloop

from tests.bench import floor
from tests.bench.center import center, main
from tests.bench.report import Figure, percentile
from tests.bench.scene import token
from tests.bench.wire import Http

OPERATORS, QUEUES, SKILLS = 300, 10, 20
PER_S, SECONDS, LINES = 20, 15, 8
# Heard at the commit: a session that came, a place that became free, an offer.
TELL = """
    CREATE FUNCTION bench_tell() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_notify('bench', TG_ARGV[0] || CASE TG_ARGV[0] WHEN 'came' THEN NEW.id::text
            WHEN 'free' THEN (to_jsonb(NEW) ->> 'operator_id')
            ELSE (to_jsonb(NEW) ->> 'interaction_id') || ' ' || (to_jsonb(NEW) ->> 'operator_id') END); RETURN NULL; END $$;
    CREATE TRIGGER bench_came AFTER INSERT ON interactions_interaction FOR EACH ROW EXECUTE FUNCTION bench_tell('came');
    CREATE TRIGGER bench_free AFTER UPDATE OF ended_at ON routing_assignment
        FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION bench_tell('free');
    CREATE TRIGGER bench_offer AFTER INSERT ON routing_assignment FOR EACH ROW EXECUTE FUNCTION bench_tell('offer');
"""


def measure() -> Iterable[Figure]:
    with center() as stack:
        sites = plant()
        with heard(stack.database_url) as told:
            uvloop.run(arrivals(stack.url, sites))
            comes = waits(told, "came")
            told.clear()
            endings(sites)
            frees = waits(told, "free")
        plain = floor.claims(stack.database_url)
    yield Figure(
        "routing.offer_p95_ms",
        max(percentile(comes, 95), percentile(frees, 95)),
        percentile(plain, 95),
        f"comes {percentile(comes, 95):.1f}, frees {percentile(frees, 95):.1f}; {len(comes)} and {len(frees)} of them",
    )


def waits(told: list[tuple[float, str, list[str]]], begin: str) -> list[float]:
    """Return how many ms each session or operator waited from its beginning to the offer."""
    begun: dict[str, float] = {}
    took = []
    for at, kind, ids in told:
        if kind == begin:
            begun[ids[0]] = at
        elif kind == "offer":
            since = begun.pop(ids[0] if begin == "came" else ids[1], None)
            if since is not None:
                took.append((at - since) * 1000)
    assert len(took) >= 0.95 * PER_S * SECONDS, f"{len(took)} offers were heard"
    return took


def plant() -> list[int]:
    """Make operators with skills and a site for each queue, which asks for one of them; return the sites' ids."""
    from routing.models import OperatorSkill, Policy, QueueMember, Requirement, RequirementStep, Skill
    from tests import world

    # Nobody here has a page open: neither operators nor visitors are gone for that.
    Policy.current()
    Policy.objects.update(operator_grace_s=3600)
    chance, team = random.Random(1), world.make_team()
    known = Skill.objects.bulk_create(Skill(name=f"Skill {number}") for number in range(SKILLS))
    users = [world.make_user(f"op{number}", team=team) for number in range(OPERATORS)]
    queues = [world.make_queue(f"Queue {n}", team, offer_s=600, wrapup_s=0) for n in range(QUEUES)]
    for user in users:
        world.on_duty(user, capacity=4)
        QueueMember.objects.bulk_create(QueueMember(queue=queue, user=user) for queue in chance.sample(queues, 3))
        OperatorSkill.objects.bulk_create(
            OperatorSkill(user=user, skill=skill, level=chance.randint(1, 5)) for skill in chance.sample(known, 6)
        )
    for queue, skill in zip(queues, chance.sample(known, QUEUES), strict=True):
        rule = Requirement.objects.create(skill=skill, level=3, queue=queue)
        RequirementStep.objects.create(requirement=rule, after_s=5, level=0)
    return [world.make_site(queue, rate_per_min=1_000_000, gone_after_s=3600).pk for queue in queues]


@contextmanager
def heard(database_url: str) -> Iterator[list[tuple[float, str, list[str]]]]:
    """Hear of sessions, free places and offers as they are committed; yields (when, what, ids)."""
    told: list[tuple[float, str, list[str]]] = []
    done = threading.Event()
    line = psycopg2.connect(database_url)
    line.autocommit = True
    with line.cursor() as cursor:
        cursor.execute(TELL)
        cursor.execute("LISTEN bench")

    def listen() -> None:
        while not done.is_set():
            if select.select([line], [], [], 0.2)[0]:
                line.poll()
                now = time.perf_counter()
                for notice in line.notifies:
                    kind = notice.payload.rstrip("0123456789 ")
                    told.append((now, kind, notice.payload.removeprefix(kind).split()))
                line.notifies.clear()

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield told
    finally:
        done.set()
        thread.join()
        line.close()


async def arrivals(url: str, sites: list[int]) -> None:
    """Let visitors come by the widget's door."""
    lines: asyncio.Queue[Http] = asyncio.Queue()

    async def arrive(number: int) -> None:
        http = await lines.get()
        visitor, key = uuid.uuid4().hex, str(uuid.uuid4())
        data = {"text": "Good day. My lamp is broken.", "key": key}
        call = http.request("POST", "/widget/api/start", token=token(sites[number % QUEUES], visitor, 0), data=data)
        status, body = await http.call(call)
        assert status == 200, body
        lines.put_nowait(http)

    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for _line in range(LINES):
            lines.put_nowait(await stack.enter_async_context(Http(url)))
        first = time.perf_counter()
        for number in range(PER_S * SECONDS):
            await asyncio.sleep(first + number / PER_S - time.perf_counter())
            group.create_task(arrive(number))
    await asyncio.sleep(1)


def endings(sites: list[int]) -> None:
    """Let operators end contacts while others wait."""
    from django.db.models import F

    from interactions.models import Site
    from routing.actions import legs, offers
    from routing.models import Assignment, Presence
    from tests import world

    # Everybody is full: only who ends one gets another.
    Presence.objects.update(capacity=F("load"))
    rows = {site.pk: site for site in Site.objects.filter(pk__in=sites)}
    for number in range(2 * PER_S * SECONDS):
        world.open_chat(rows[sites[number % QUEUES]], "Hello")
    held = list(Assignment.objects.filter(leg="offered").select_related("operator")[: PER_S * SECONDS])
    for leg in held:
        pace = time.perf_counter() + 1 / PER_S
        offers.accept_offer(leg_id=leg.pk, actor=leg.operator)
        legs.finish(interaction_id=leg.interaction_id, actor=leg.operator)
        time.sleep(max(0.0, pace - time.perf_counter()))
    time.sleep(1)


if __name__ == "__main__":
    main(measure)
