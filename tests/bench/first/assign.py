"""Assignments a second while 10,000 wait and 300 operators finish one contact after the other."""

import random
import time
from collections.abc import Iterable

from tests.bench import floor, mass
from tests.bench.center import center, main
from tests.bench.report import Figure, middle

WAITING, OPERATORS, QUEUES, CAPACITY = 10_000, 300, 10, 4
RUNS, CYCLES = 3, 150
QUEUED = (
    """INSERT INTO interactions_interaction (id, public_id, kind, subject, language, opened_at, close_reason, waiting_since,
              last_message_at, unread, says, page, wrap_note, profile_id, thread_id)
       SELECT c, gen_random_uuid(), 'webchat', '', 'en', now(), '', now(), now(), 1, '{}', '{}', '', c, c
       FROM generate_series(1, %(customers)s) c""",
    """INSERT INTO routing_workitem (visit, priority, entered_at, waits_since, rank_at, outcome, blocked_kind, only_preferred,
              note, interaction_id, queue_id)
       SELECT 'waiting', 1, at, at, at - interval '1 min', '', '', false, '', c, (%(queues)s::bigint[])[1 + c %% %(n)s]
       FROM (SELECT c, now() - (%(customers)s - c) * interval '10 ms' AS at FROM generate_series(1, %(customers)s) c) entered""",
)


def measure() -> Iterable[Figure]:
    with center(web=0, worker=False) as stack:
        plant()
        from routing.actions import offers

        offers.assign_next()
        rates = [cycles(seed) for seed in range(RUNS)]
        plain = floor.claim_rate(stack.database_url)
    yield Figure("first.assign_per_s", middle(rates), plain, f"{RUNS} runs of {CYCLES} contacts accepted and finished")


def plant() -> None:
    """Make operators, and contacts that wait for them in all queues."""
    from django.db import connection

    from routing.models import Queue, QueueMember
    from tests import world

    team = world.make_team()
    queues = [world.make_queue(f"Queue {number}", team, wrapup_s=0) for number in range(QUEUES)]
    Queue.objects.update(offer_s=3600)
    for number in range(OPERATORS):
        user = world.make_user(f"op{number}", team=team)
        world.on_duty(user, capacity=CAPACITY)
        both = (queues[number % QUEUES], queues[(number + 1) % QUEUES])
        QueueMember.objects.bulk_create([QueueMember(queue=queue, user=user) for queue in both])
    values = {"customers": WAITING + OPERATORS * CAPACITY, "per_customer": 0, "messages": 0, "n": QUEUES}
    values |= {"channel": world.make_site(queues[0]).channel_id, "queues": [queue.pk for queue in queues]}
    with connection.cursor() as cursor:
        for statement in (*mass.PEOPLE, *QUEUED):
            cursor.execute(statement, values)
        cursor.execute("VACUUM ANALYZE")


def cycles(seed: int) -> float:
    """Let drawn operators accept and finish a contact each; return assignments by second of deciding.

    Each place that becomes free starts a decision after its commit, as at work.
    """
    from routing import handlers
    from routing.actions import legs, offers
    from routing.models import Assignment

    decide, spent, made = offers.assign_next, 0.0, 0

    def timed(queue_ids: list[int] | None = None) -> list:
        nonlocal spent, made
        began = time.perf_counter()
        offered = decide(queue_ids)
        spent += time.perf_counter() - began
        made += len(offered)
        return offered

    handlers.offers.assign_next = timed
    try:
        offered = list(Assignment.objects.filter(leg="offered").select_related("operator"))
        for leg in random.Random(seed).sample(offered, CYCLES):
            offers.accept_offer(leg_id=leg.pk, actor=leg.operator)
            legs.finish(interaction_id=leg.interaction_id, actor=leg.operator)
    finally:
        handlers.offers.assign_next = decide
    assert made == CYCLES, f"{CYCLES} places became free, {made} were filled"
    return made / spent


if __name__ == "__main__":
    main(measure)
