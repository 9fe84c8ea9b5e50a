"""The statements of a decision, written out.

One decision follows each contact that comes and each place that becomes free. Compiled anew by the ORM they cost
more than the database needs to run them. What is decided stands in strategies.py, what is done in actions/offers.py.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cxcenter.core.statements import Statement
from routing.choices import Choice
from routing.models import Policy, Presence, Queue, WorkItem
from routing.strategies import Decision, Free

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
FREE = Statement(
    "free",
    """
    SELECT presence.user_id, capacity, load, extract(epoch FROM idle_since - %(now)s)::float8, array_agg(queue_id)
    FROM routing_queuemember member
        JOIN routing_presence presence USING (user_id) JOIN accounts_user person ON person.id = member.user_id
    WHERE queue_id = ANY(%(queues)s) AND (until IS NULL OR until > %(now)s) AND person.is_active
        AND mode = 'available' AND NOT pause_after AND load < capacity
    GROUP BY presence.user_id
    """,
    queues="bigint[]",
    now="timestamptz",
)
SKILLS = Statement(
    "skills",
    """
    SELECT user_id, skill_id, level FROM routing_operatorskill
    WHERE ended_at IS NULL AND user_id = ANY(%(operators)s) AND skill_id = ANY(%(skills)s)
    """,
    operators="bigint[]",
    skills="bigint[]",
)
SERVED = Statement(
    "served",
    """
    SELECT operator_id, count(*) FROM (
        SELECT operator_id FROM routing_assignment
        WHERE operator_id = ANY(%(operators)s) AND accepted_at > %(now)s - interval '1 hour'
        UNION ALL
        SELECT operator_id FROM routing_assignment WHERE operator_id = ANY(%(operators)s) AND leg = 'offered'
    ) given GROUP BY operator_id
    """,
    operators="bigint[]",
    now="timestamptz",
)
# Those who wait alike are a range of one index. The order is that of strategies.Rules.place.
NEXT = Statement(
    "next",
    """
    WITH queue AS (SELECT id, priority_weight, wait_weight FROM routing_queue WHERE id = ANY(%(queues)s)),
    alike AS (
        SELECT item.* FROM unnest(
            %(of)s, %(paths)s, %(afters)s, %(untils)s
        ) AS line (queue, path, after, until) CROSS JOIN LATERAL (
            SELECT * FROM routing_workitem waiting
            WHERE waiting.queue_id = line.queue AND path = line.path AND visit = 'waiting'
                AND waits_since > line.after AND waits_since <= line.until AND id <> ALL(%(seen)s)
            ORDER BY rank_at, id LIMIT %(count)s
        ) item
        UNION
        SELECT * FROM routing_workitem meant
        WHERE preferred_id = ANY(%(operators)s) AND visit = 'waiting' AND queue_id = ANY(%(queues)s)
            AND (preferred_until IS NULL OR preferred_until > %(now)s) AND id <> ALL(%(seen)s)
    ),
    first AS (
        SELECT alike.*, round((CASE WHEN wait_weight > 0
            THEN wait_weight * extract(epoch FROM %(now)s - rank_at)::float8 ELSE priority_weight * priority END)::numeric, 6) AS score
        FROM alike JOIN queue ON queue.id = queue_id
        ORDER BY score DESC, CASE WHEN wait_weight > 0 THEN NULL
            ELSE rank_at + CASE WHEN priority_weight > 0 THEN priority ELSE 0 END * interval '3650 days' END, id LIMIT %(count)s
    )
    SELECT id, queue_id, path, priority, extract(epoch FROM waits_since - %(now)s)::float8, waits_since, rank_at,
        CASE WHEN preferred_until IS NULL OR preferred_until > %(now)s THEN preferred_id END, only_preferred, ARRAY(
            SELECT leg.operator_id FROM routing_assignment leg
            WHERE leg.interaction_id = first.interaction_id AND leg."end" IN ('declined', 'expired', 'taken', 'transferred')
                AND leg.ended_at > %(now)s -
                    coalesce((SELECT decline_rest_s FROM routing_policy WHERE id = 1), %(usual)s) * interval '1 s'
                AND NOT (first.only_preferred AND first.preferred_id = leg.operator_id AND leg.item_id <> first.id)
        )
    FROM first
    """,
    of="bigint[]",
    paths="bigint[]",
    afters="timestamptz[]",
    untils="timestamptz[]",
    operators="bigint[]",
    queues="bigint[]",
    count="int",
    now="timestamptz",
    seen="bigint[]",
    usual="int",
)
# What is chosen is locked only now, and looked at once more: who or what is in other hands at this moment is left out.
CLAIM = Statement(
    "claim",
    """
    WITH wish AS (
        SELECT * FROM unnest(%(items)s, %(operators)s, %(whys)s, %(expires)s)
            WITH ORDINALITY AS wish (item, operator, why, expires_at, place)
    ), item AS (
        SELECT id, interaction_id FROM routing_workitem WHERE id = ANY(%(items)s) AND visit = 'waiting'
        ORDER BY id FOR UPDATE SKIP LOCKED
    ), operator AS (
        SELECT user_id, capacity - load AS room FROM routing_presence
        WHERE user_id = ANY(%(operators)s) AND mode = 'available' AND NOT pause_after ORDER BY user_id FOR UPDATE SKIP LOCKED
    ), made AS (
        SELECT * FROM (
            SELECT wish.*, interaction_id, room, row_number() OVER (PARTITION BY user_id ORDER BY place) AS number
            FROM wish JOIN item ON item.id = wish.item JOIN operator ON user_id = wish.operator
        ) possible WHERE number <= room
    ), offered AS (
        UPDATE routing_workitem SET visit = 'offered' WHERE id IN (SELECT item FROM made)
    ), loaded AS (
        UPDATE routing_presence SET load = load + given.count, idle_since = %(now)s
        FROM (SELECT operator, count(*) FROM made GROUP BY operator) given WHERE user_id = given.operator
    )
    INSERT INTO routing_assignment (item_id, interaction_id, operator_id, leg, "end", offered_at, expires_at, holds, why)
    SELECT item, interaction_id, operator, 'offered', '', %(now)s, expires_at, true, why FROM made ORDER BY place
    RETURNING id, item_id, interaction_id, operator_id, expires_at
    """,
    items="bigint[]",
    operators="bigint[]",
    whys="jsonb[]",
    expires="timestamptz[]",
    now="timestamptz",
)


@dataclass(frozen=True)
class Alike:
    """Those who wait in a queue on the same step of the same path: who since `after`, until `until` with them."""

    queue: int
    path: int
    after: datetime | None
    until: datetime | None


def paths_of(queue: Queue) -> list[int]:
    """Return the paths of those who wait in a queue that `waited_for` has found."""
    found: list[int] = queue.paths  # type: ignore[attr-defined]
    return found


def waited_for(queue_ids: list[int] | None, now: datetime) -> dict[int, Queue]:
    """Return the open ones of the queues (None: of all) in which somebody waits, by id; each with its waiting `paths`."""
    said = {"all": queue_ids is None, "queues": queue_ids or [], "now": now}
    return {queue.pk: queue for queue in Queue.objects.raw(WAITED_FOR, said)}


def free_of(queues: Collection[Queue], skills: Collection[int], now: datetime) -> list[Free]:
    """Return the operators of the queues who have room, with those of the queues and of the skills that they have."""
    people = FREE.rows(queues=[queue.pk for queue in queues], now=now)
    operators = [person[0] for person in people]
    levels: dict[int, dict[int, int]] = {}
    for operator, skill, level in SKILLS.rows(operators=operators, skills=list(skills)) if skills else []:
        levels.setdefault(operator, {})[skill] = level
    even = any(queue.choice == Choice.EVEN for queue in queues)
    served = dict(SERVED.rows(operators=operators, now=now)) if even else {}
    return [
        Free(
            operator=operator,
            queues=frozenset(serves),
            limits={WRITTEN: capacity},
            loads={WRITTEN: load},
            idle_since=idle_since,
            skills=levels.get(operator, {}),
            served=served.get(operator, 0),
        )
        for operator, capacity, load, idle_since, serves in people
    ]


@dataclass(frozen=True)
class Asked:
    """What is asked of the next who wait: in which groups or meant for whom, how many, at which moment, but whom."""

    groups: list[Alike]
    operators: list[int]
    queues: list[int]
    count: int
    now: datetime


def next_waiting(asked: Asked, seen: list[int]) -> list[tuple[Any, ...]]:
    """Return the first who wait, the most urgent first.

    Each as id, queue, path, priority, since (seconds from now), waits_since, rank_at, preferred operator or None,
    whether for him alone, and the operators who rest from it.
    """
    return NEXT.rows(
        of=[line.queue for line in asked.groups],
        paths=[line.path for line in asked.groups],
        afters=[line.after.isoformat() if line.after else "-infinity" for line in asked.groups],
        untils=[line.until.isoformat() if line.until else "infinity" for line in asked.groups],
        operators=asked.operators,
        queues=asked.queues,
        count=asked.count,
        now=asked.now,
        seen=seen,
        usual=Policy().decline_rest_s,
    )


def claim(decisions: list[Decision], expires: list[datetime], now: datetime) -> list[tuple[Any, ...]]:
    """Make the offers of decisions whose contact still waits and whose operator still has room, and is in no other hands.

    Returns the id, item, interaction, operator and end of each.
    """
    if not decisions:
        return []
    return CLAIM.rows(
        items=[decision.item for decision in decisions],
        operators=[decision.operator for decision in decisions],
        whys=[json.dumps(decision.why) for decision in decisions],
        expires=expires,
        now=now,
    )


def busy_items(item_ids: list[int]) -> set[int]:
    """Return those of the items that wait no more, or that another act holds at this moment."""
    waiting = WorkItem.objects.waiting().filter(pk__in=item_ids).order_by("pk")
    return set(item_ids) - set(waiting.select_for_update(skip_locked=True).values_list("pk", flat=True))


def busy_operators(operator_ids: list[int]) -> set[int]:
    """Return those of the operators who have no room any more, or whom another act holds at this moment."""
    free = Presence.objects.free().filter(user__in=operator_ids).order_by("user_id")
    return set(operator_ids) - set(free.select_for_update(skip_locked=True).values_list("user_id", flat=True))
