"""The statements of a decision, written out.

One decision follows each contact that comes and each place that becomes free. Compiled anew by the ORM they cost
more than the database needs to run them. What is decided stands in strategies.py, what is done in actions/offers.py.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from routing.choices import Choice
from routing.models import ANYONE, Policy, Queue, WorkItem
from routing.strategies import Free

# All work that waits is written: one kind, of which each operator takes so many at once.
WRITTEN = "chat"

# A queue that is switched off takes nobody new; who is in it still is served. Paths are found one by one along the index.
WAITED_FOR = """
    SELECT queue.*, alike.paths FROM routing_queue queue CROSS JOIN LATERAL (
        WITH RECURSIVE known (id) AS (
            (SELECT path FROM routing_workitem WHERE queue_id = queue.id AND visit = 'waiting' ORDER BY path LIMIT 1)
            UNION ALL
            SELECT (
                SELECT path FROM routing_workitem WHERE queue_id = queue.id AND visit = 'waiting' AND path > known.id
                ORDER BY path LIMIT 1
            ) FROM known WHERE known.id IS NOT NULL
        )
        SELECT array_agg(id) AS paths FROM known WHERE id IS NOT NULL
    ) alike
    WHERE (paused_until IS NULL OR paused_until <= %(now)s) AND (%(all)s OR id = ANY(%(queues)s::bigint[]))
        AND alike.paths IS NOT NULL
"""
FREE = """
    SELECT presence.user_id, presence.capacity, presence.load, presence.idle_since, ARRAY(
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
SKILLS = """
    SELECT user_id, skill_id, level FROM routing_operatorskill WHERE ended_at IS NULL AND user_id = ANY(%(operators)s)
"""
SERVED = """
    SELECT operator_id, count(*) FROM routing_assignment
    WHERE operator_id = ANY(%(operators)s) AND accepted_at > %(now)s - interval '1 hour' GROUP BY operator_id
"""
NEXT = """
    SELECT item.* FROM unnest(
        %(queues)s::bigint[], %(paths)s::bigint[], %(afters)s::timestamptz[], %(untils)s::timestamptz[], %(counts)s::int[]
    ) AS line (queue, path, after, until, count) CROSS JOIN LATERAL (
        SELECT * FROM routing_workitem waiting
        WHERE waiting.queue_id = line.queue AND path = line.path AND visit = 'waiting'
            AND waits_since > line.after AND waits_since <= line.until AND id <> ALL(%(seen)s::bigint[])
        ORDER BY rank_at, id LIMIT line.count FOR UPDATE SKIP LOCKED
    ) item
"""
MEANT = """
    SELECT item.* FROM unnest(
        %(operators)s::bigint[], %(queues)s::bigint[], %(counts)s::int[]
    ) AS line (operator, queue, count) CROSS JOIN LATERAL (
        SELECT * FROM routing_workitem waiting
        WHERE preferred_id = line.operator AND visit = 'waiting' AND queue_id = line.queue
            AND (preferred_until IS NULL OR preferred_until > %(now)s) AND id <> ALL(%(seen)s::bigint[])
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


@dataclass(frozen=True)
class Alike:
    """Those who wait in a queue on the same step of the same path: who since `after`, until `until` with them."""

    queue: int
    path: int
    after: datetime | None
    until: datetime | None

    def has(self, item: WorkItem) -> bool:
        """Tell whether an item waits so."""
        return (
            (item.queue_id, item.path) == (self.queue, self.path)
            and (self.after is None or item.waits_since > self.after)
            and (self.until is None or item.waits_since <= self.until)
        )


def paths_of(queue: Queue) -> list[int]:
    """Return the paths of those who wait in a queue that `waited_for` has found."""
    found: list[int] = queue.paths  # type: ignore[attr-defined]
    return found


def waited_for(queue_ids: list[int] | None, now: datetime) -> dict[int, Queue]:
    """Return the open ones of the queues (None: of all) in which somebody waits, by id; each with its waiting `paths`."""
    said = {"all": queue_ids is None, "queues": queue_ids or [], "now": now}
    return {queue.pk: queue for queue in Queue.objects.raw(WAITED_FOR, said)}


def lock_free(queues: Collection[Queue], now: datetime) -> list[Free]:
    """Lock the operators of the queues who have room, and return them with those of the queues that they serve.

    One who is locked by another act is skipped: its commit starts a decision again.
    """
    with connection.cursor() as cursor:
        cursor.execute(FREE, {"queues": [queue.pk for queue in queues], "now": now})
        people = cursor.fetchall()
    operators = [person[0] for person in people]
    skills = _skills(operators) if any(paths_of(queue) != [ANYONE] for queue in queues) else {}
    served = _served(operators, now) if any(queue.choice == Choice.EVEN for queue in queues) else {}
    return [
        Free(
            operator=operator,
            queues=frozenset(serves),
            limits={WRITTEN: capacity},
            loads={WRITTEN: load},
            idle_since=(idle_since - now).total_seconds(),
            skills=skills.get(operator, {}),
            served=served.get(operator, 0),
        )
        for operator, capacity, load, idle_since, serves in people
    ]


def _skills(operators: list[int]) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(SKILLS, {"operators": operators})
        for operator, skill, level in cursor.fetchall():
            found.setdefault(operator, {})[skill] = level
    return found


def _served(operators: list[int], now: datetime) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(SERVED, {"operators": operators, "now": now})
        return dict(cursor.fetchall())


def lock_next(wanted: dict[Alike, int], seen: list[int]) -> dict[int, WorkItem]:
    """Lock the first so many of those who wait alike, leaving out the items `seen`; return them by id."""
    if not wanted:
        return {}
    said = {
        "queues": [line.queue for line in wanted],
        "paths": [line.path for line in wanted],
        "afters": [line.after.isoformat() if line.after else "-infinity" for line in wanted],
        "untils": [line.until.isoformat() if line.until else "infinity" for line in wanted],
        "counts": list(wanted.values()),
        "seen": seen,
    }
    return {item.pk: item for item in WorkItem.objects.raw(NEXT, said)}


def lock_meant(wanted: dict[tuple[int, int], int], seen: list[int], now: datetime) -> dict[int, WorkItem]:
    """Lock the first so many who wait for an operator by preference in a queue, each an (operator, queue); by id."""
    said = {
        "operators": [operator for operator, _queue in wanted],
        "queues": [queue for _operator, queue in wanted],
        "counts": list(wanted.values()),
        "seen": seen,
        "now": now,
    }
    return {item.pk: item for item in WorkItem.objects.raw(MEANT, said)} if wanted else {}


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
