"""The statements of a decision, written out.

One decision follows each contact that comes and each place that becomes free. Compiled anew by the ORM they cost
more than the database needs to run them. What is decided stands in strategies.py, what is done in actions/offers.py.
"""

from collections import Counter
from datetime import datetime

from django.db import connection

from routing.models import Policy, Queue, WorkItem
from routing.strategies import Free

# A queue that is switched off takes nobody new; who is in it still is served.
WAITED_FOR = """
    SELECT queue.* FROM routing_queue queue
    WHERE (paused_until IS NULL OR paused_until <= %(now)s) AND (%(all)s OR id = ANY(%(queues)s::bigint[]))
        AND EXISTS (SELECT FROM routing_workitem item WHERE item.queue_id = queue.id AND visit = 'waiting')
"""
FREE = """
    SELECT presence.user_id, presence.capacity - presence.load, presence.load, presence.idle_since, ARRAY(
        SELECT queue_id FROM routing_queuemember member
        WHERE member.user_id = presence.user_id AND queue_id = ANY(%(queues)s) AND (until IS NULL OR until > %(now)s)
    )
    FROM routing_presence presence
    WHERE mode = 'available' AND NOT pause_after AND load < capacity AND user_id IN (
        SELECT member.user_id FROM routing_queuemember member JOIN accounts_user person ON person.id = member.user_id
        WHERE queue_id = ANY(%(queues)s) AND (until IS NULL OR until > %(now)s) AND person.is_active
    )
    ORDER BY presence.user_id FOR UPDATE OF presence SKIP LOCKED
"""
NEXT = """
    SELECT item.* FROM unnest(%(queues)s::bigint[], %(counts)s::int[]) AS line (queue, count) CROSS JOIN LATERAL (
        SELECT * FROM routing_workitem waiting
        WHERE waiting.queue_id = line.queue AND visit = 'waiting' AND id <> ALL(%(seen)s::bigint[])
        ORDER BY rank_at, id LIMIT line.count FOR UPDATE SKIP LOCKED
    ) item
"""
RESTING = """
    SELECT item.id, array_agg(leg.operator_id) FROM routing_workitem item JOIN routing_assignment leg USING (interaction_id)
    WHERE item.id = ANY(%(items)s) AND "end" IN ('declined', 'expired', 'taken', 'transferred') AND ended_at > %(now)s -
        coalesce((SELECT decline_rest_s FROM routing_policy WHERE id = 1), %(usual)s) * interval '1 s'
        AND NOT (item.only_preferred AND item.preferred_id = leg.operator_id AND leg.item_id <> item.id)
    GROUP BY item.id
"""
LOAD = """
    UPDATE routing_presence SET load = load + taken.count
    FROM unnest(%(operators)s::bigint[], %(counts)s::int[]) AS taken (operator, count)
    WHERE user_id = taken.operator
"""


def waited_for(queue_ids: list[int] | None, now: datetime) -> dict[int, Queue]:
    """Return the open ones of the queues (None: of all) in which somebody waits, by id."""
    said = {"all": queue_ids is None, "queues": queue_ids or [], "now": now}
    return {queue.pk: queue for queue in Queue.objects.raw(WAITED_FOR, said)}


def lock_free(queue_ids: list[int], now: datetime) -> list[Free]:
    """Lock the operators of the queues who have room, and return them with those of the queues that they serve.

    One who is locked by another act is skipped: its commit starts a decision again.
    """
    with connection.cursor() as cursor:
        cursor.execute(FREE, {"queues": queue_ids, "now": now})
        return [
            Free(operator=operator, queues=frozenset(queues), room=room, load=load, idle_since=idle_since)
            for operator, room, load, idle_since, queues in cursor.fetchall()
        ]


def lock_next(wanted: dict[int, int], seen: list[int]) -> dict[int, WorkItem]:
    """Lock the first so many who wait in each queue, leaving out the items `seen`; return them by id."""
    said = {"queues": list(wanted), "counts": list(wanted.values()), "seen": seen}
    return {item.pk: item for item in WorkItem.objects.raw(NEXT, said)}


def resting(item_ids: list[int], now: datetime) -> dict[int, frozenset[int]]:
    """Return by item who declined it just now, handed it over, or lost it to a supervisor.

    Who is the one that it is now meant for alone rests only if he has declined that.
    """
    with connection.cursor() as cursor:
        cursor.execute(RESTING, {"items": item_ids, "now": now, "usual": Policy().decline_rest_s})
        return {item: frozenset(operators) for item, operators in cursor.fetchall()}


def load_operators(taken: Counter[int]) -> None:
    """Count new contacts into the loads of operators whose rows are locked."""
    with connection.cursor() as cursor:
        cursor.execute(LOAD, {"operators": list(taken), "counts": list(taken.values())})
