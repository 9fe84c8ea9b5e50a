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
from routing.capacity import room_sql
from routing.choices import Choice, Work
from routing.models import Policy, Presence, Queue, WorkItem
from routing.strategies import Decision, Free, Yields

# A queue that is switched off takes nobody new; who is in it still is served. Kinds of work and paths are found one by
# one along the index.
QUEUE = Queue._meta.concrete_fields
QUEUE_NAMES = [field.attname for field in QUEUE]
# How long who gave a contact back rests from it, where no policy is kept.
USUAL_REST_S = Policy._meta.get_field("decline_rest_s").default
WAITED_FOR = Statement(
    "waited_for",
    f"""
    SELECT {", ".join(f"queue.{field.column}" for field in QUEUE)}, alike.works, alike.paths, yields.pairs
    FROM (SELECT ARRAY(SELECT ARRAY[work, "to"] FROM routing_givesway ORDER BY id) AS pairs) yields,  routing_queue queue CROSS JOIN LATERAL (
        WITH RECURSIVE known AS (
            (SELECT work, path FROM routing_workitem WHERE queue_id = queue.id AND visit = 'waiting' ORDER BY work, path LIMIT 1)
            UNION ALL
            SELECT following.* FROM known CROSS JOIN LATERAL (
                SELECT work, path FROM routing_workitem WHERE queue_id = queue.id AND visit = 'waiting'
                    AND (work, path) > (known.work, known.path) ORDER BY work, path LIMIT 1
            ) following
        )
        SELECT array_agg(work) AS works, array_agg(path) AS paths FROM known
    ) alike
    WHERE (paused_until IS NULL OR paused_until <= %(now)s) AND (%(all)s OR id = ANY(%(queues)s))
        AND alike.paths IS NOT NULL
    """,  # noqa: S608 — names of our own columns
    all="boolean",
    queues="bigint[]",
    now="timestamptz",
)
# Where some work gives way to other, the column that the database keeps does not tell all. Elsewhere it is all that is
# asked: an index has those alone who have room, and the long condition costs more than the rest of its statement.
GIVES_WAY = """EXISTS (SELECT FROM routing_givesway WHERE work = '{kind}' AND "to" = '{asked}')"""
ROOM = f"(room_left OR EXISTS (SELECT FROM routing_givesway) AND ({room_sql(GIVES_WAY)}))"
FREE_SQL = """
    SELECT presence.user_id, calls, capacity, callbacks, call_load, load - call_load - callback_load, callback_load, off,
        extract(epoch FROM idle_since - %(now)s)::float8, array_agg(queue_id),
        ARRAY(
            SELECT ARRAY[skill_id, level] FROM routing_operatorskill known
            WHERE ended_at IS NULL AND known.user_id = presence.user_id AND skill_id = ANY(%(skills)s)
        )
    FROM routing_queuemember member JOIN routing_presence presence USING (user_id)
    WHERE queue_id = ANY(%(queues)s) AND (until IS NULL OR until > %(now)s)
        AND mode = 'available' AND NOT pause_after AND {room}
    GROUP BY presence.user_id
"""
FREE_TYPES = {"queues": "bigint[]", "skills": "bigint[]", "now": "timestamptz"}
FREE = Statement("free", FREE_SQL.replace("{room}", "room_left"), **FREE_TYPES)
FREE_OR_YIELDING = Statement("free_or_yielding", FREE_SQL.replace("{room}", ROOM), **FREE_TYPES)
QUEUES_WITH_ROOM = Statement(
    "queues_with_room",
    f"""
    SELECT queue_id FROM routing_queuemember WHERE user_id = %(user)s AND EXISTS (
        SELECT FROM routing_presence WHERE user_id = %(user)s AND mode = 'available' AND NOT pause_after AND {ROOM}
    )
    """,  # noqa: S608
    user="bigint",
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
# Those who wait alike are a range of one index. The order is that of strategies.Rules.place. A condition in coalesce() is
# taken to hold for half of the rows: of one that is taken to hold for few PostgreSQL reads all who wait, and sorts them.
ITEM = "id, queue_id, work, path, priority, waits_since, rank_at, preferred_id, preferred_until, only_preferred, interaction_id"
NEXT = Statement(
    "next",
    f"""
    WITH queue AS (SELECT id, priority_weight, wait_weight FROM routing_queue WHERE id = ANY(%(queues)s)),
    alike AS (
        SELECT item.* FROM unnest(
            %(of)s, %(works)s, %(paths)s, %(afters)s, %(untils)s
        ) AS line (queue, work, path, after, until) CROSS JOIN LATERAL (
            SELECT {ITEM} FROM routing_workitem waiting
            WHERE waiting.queue_id = line.queue AND waiting.work = line.work AND waiting.path = line.path AND visit = 'waiting'
                AND coalesce(waits_since > line.after AND waits_since <= line.until AND id <> ALL(%(seen)s), false)
            ORDER BY rank_at, id LIMIT %(count)s
        ) item
        UNION
        SELECT {ITEM} FROM routing_workitem meant
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
    SELECT id, queue_id, work, path, priority, extract(epoch FROM waits_since - %(now)s)::float8, waits_since, rank_at,
        CASE WHEN preferred_until IS NULL OR preferred_until > %(now)s THEN preferred_id END, only_preferred, ARRAY(
            SELECT leg.operator_id FROM routing_assignment leg
            WHERE leg.interaction_id = first.interaction_id AND leg."end" IN ('declined', 'expired', 'taken', 'transferred')
                AND leg.ended_at > %(now)s -
                    coalesce((SELECT decline_rest_s FROM routing_policy WHERE id = 1), %(usual)s) * interval '1 s'
                AND NOT (first.only_preferred AND first.preferred_id = leg.operator_id AND leg.item_id <> first.id)
        )
    FROM first
    """,  # noqa: S608 — names of our own columns
    of="bigint[]",
    works="text[]",
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
# What is chosen is locked only now, and looked at once more: who or what is in other hands at this moment is left out, and
# who has less room than he had when it was decided.
CLAIM = Statement(
    "claim",
    """
    WITH wish AS (
        SELECT * FROM unnest(%(items)s, %(operators)s, %(works)s, %(whys)s, %(expires)s,
            %(call_limits)s, %(chat_limits)s, %(callback_limits)s, %(call_loads)s, %(chat_loads)s, %(callback_loads)s
        ) WITH ORDINALITY AS wish (item, operator, work, why, expires_at,
            call_limit, chat_limit, callback_limit, call_load, chat_load, callback_load, place)
    ), item AS (
        SELECT id, interaction_id FROM routing_workitem WHERE id = ANY(%(items)s) AND visit = 'waiting'
        ORDER BY id FOR UPDATE SKIP LOCKED
    ), operator AS (
        SELECT user_id, calls, capacity, callbacks, off,
            call_load AS on_calls, load - call_load - callback_load AS chats, callback_load AS calls_back
        FROM routing_presence presence JOIN accounts_user person ON person.id = user_id AND is_active
        WHERE user_id = ANY(%(operators)s) AND mode = 'available' AND NOT pause_after
        ORDER BY user_id FOR UPDATE OF presence SKIP LOCKED
    ), made AS (
        SELECT wish.*, interaction_id FROM wish JOIN item ON item.id = wish.item JOIN operator ON user_id = wish.operator
        WHERE calls >= call_limit AND capacity >= chat_limit AND callbacks >= callback_limit
            AND on_calls <= call_load AND chats <= chat_load AND calls_back <= callback_load AND work <> ALL(off)
    ), offered AS (
        UPDATE routing_workitem SET visit = 'offered' WHERE id IN (SELECT item FROM made)
    ), loaded AS (
        UPDATE routing_presence presence SET idle_since = %(now)s,
            load = presence.load + given.number, call_load = presence.call_load + given.calls,
            callback_load = presence.callback_load + given.callbacks
        FROM (
            SELECT operator, count(*) AS number, count(*) FILTER (WHERE work = 'call') AS calls,
                count(*) FILTER (WHERE work = 'callback') AS callbacks
            FROM made GROUP BY operator
        ) given WHERE user_id = given.operator
    )
    INSERT INTO routing_assignment (item_id, interaction_id, operator_id, leg, "end", offered_at, expires_at, holds, why)
    SELECT item, interaction_id, operator, 'offered', '', %(now)s, expires_at, true, why FROM made ORDER BY place
    RETURNING id, item_id, interaction_id, operator_id, expires_at
    """,
    items="bigint[]",
    operators="bigint[]",
    works="text[]",
    whys="jsonb[]",
    expires="timestamptz[]",
    call_limits="int[]",
    chat_limits="int[]",
    callback_limits="int[]",
    call_loads="int[]",
    chat_loads="int[]",
    callback_loads="int[]",
    now="timestamptz",
)


@dataclass(frozen=True)
class Alike:
    """Those who wait in a queue for the same kind of work, on the same step of the same path: since `after`, until `until`."""

    queue: int
    work: str
    path: int
    after: datetime | None
    until: datetime | None


def kinds_of(queue: Queue) -> list[tuple[str, int]]:
    """Return the kinds of work and the paths of those who wait in a queue that `waited_for` has found."""
    return list(zip(queue.works, queue.paths, strict=True))  # type: ignore[attr-defined]


def waited_for(queue_ids: list[int] | None, now: datetime) -> tuple[dict[int, Queue], Yields]:
    """Return the open ones of the queues (None: of all) in which somebody waits, by id; each with what waits (`kinds_of`).

    And which kinds of work give way to which.
    """
    found, rows = {}, WAITED_FOR.rows(all=queue_ids is None, queues=queue_ids or [], now=now)
    for *row, works, paths, _pairs in rows:
        queue = Queue.from_db(None, QUEUE_NAMES, row)
        queue.works, queue.paths = works, paths  # type: ignore[attr-defined]
        found[queue.pk] = queue
    return found, frozenset((kind, to) for kind, to in (rows[0][-1] if rows else ()))


def free_of(queues: Collection[Queue], skills: Collection[int], yields: Yields, now: datetime) -> list[Free]:
    """Return the operators of the queues who have room, with those of the queues and of the skills that they have."""
    free = FREE_OR_YIELDING if yields else FREE
    people = free.rows(queues=[queue.pk for queue in queues], skills=list(skills), now=now)
    even = any(queue.choice == Choice.EVEN for queue in queues)
    served = dict(SERVED.rows(operators=[person[0] for person in people], now=now)) if even else {}
    return [
        Free(
            operator=operator,
            queues=frozenset(serves),
            limits={Work.CALL: calls, Work.CHAT: chats, Work.CALLBACK: callbacks},
            loads={Work.CALL: call_load, Work.CHAT: chat_load, Work.CALLBACK: callback_load},
            off=frozenset(off),
            idle_since=idle_since,
            skills=dict(levels),
            served=served.get(operator, 0),
        )
        for operator, calls, chats, callbacks, call_load, chat_load, callback_load, off, idle_since, serves, levels in people
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

    Each as id, queue, kind of work, path, priority, since (seconds from now), waits_since, rank_at, preferred operator or None,
    whether for him alone, and the operators who rest from it.
    """
    return NEXT.rows(
        of=[line.queue for line in asked.groups],
        works=[line.work for line in asked.groups],
        paths=[line.path for line in asked.groups],
        afters=[line.after.isoformat() if line.after else "-infinity" for line in asked.groups],
        untils=[line.until.isoformat() if line.until else "infinity" for line in asked.groups],
        operators=asked.operators,
        queues=asked.queues,
        count=asked.count,
        now=asked.now,
        seen=seen,
        usual=USUAL_REST_S,
    )


@dataclass(frozen=True)
class Wish:
    """A decision to be carried out: for how long it is offered, and its operator as he was when it was made."""

    decision: Decision
    expires_at: datetime
    operator: Free


def claim(wishes: list[Wish], now: datetime) -> list[tuple[Any, ...]]:
    """Make the offers of decisions whose contact still waits and whose operator still has that room, and is in no other hands.

    Returns the id, item, interaction, operator and end of each.
    """
    if not wishes:
        return []
    return CLAIM.rows(
        items=[wish.decision.item for wish in wishes],
        operators=[wish.decision.operator for wish in wishes],
        works=[wish.decision.kind for wish in wishes],
        whys=[json.dumps(wish.decision.why) for wish in wishes],
        expires=[wish.expires_at for wish in wishes],
        call_limits=[wish.operator.limits[Work.CALL] for wish in wishes],
        chat_limits=[wish.operator.limits[Work.CHAT] for wish in wishes],
        callback_limits=[wish.operator.limits[Work.CALLBACK] for wish in wishes],
        call_loads=[wish.operator.loads[Work.CALL] for wish in wishes],
        chat_loads=[wish.operator.loads[Work.CHAT] for wish in wishes],
        callback_loads=[wish.operator.loads[Work.CALLBACK] for wish in wishes],
        now=now,
    )


def queues_with_room(user_id: int) -> list[int]:
    """Return the queues of an operator if he takes one more contact of some kind now."""
    return [queue for (queue,) in QUEUES_WITH_ROOM.rows(user=user_id)]


def busy_items(item_ids: list[int]) -> set[int]:
    """Return those of the items that wait no more, or that another act holds at this moment."""
    waiting = WorkItem.objects.waiting().filter(pk__in=item_ids).order_by("pk")
    return set(item_ids) - set(waiting.select_for_update(skip_locked=True).values_list("pk", flat=True))


def busy_operators(operator_ids: list[int]) -> set[int]:
    """Return those of the operators who are switched off or available no more, or whom another act holds at this moment."""
    ready = Presence.objects.ready().filter(user__in=operator_ids, user__is_active=True).order_by("user_id")
    unheld = ready.select_for_update(of=("self",), skip_locked=True)
    return set(operator_ids) - set(unheld.values_list("user_id", flat=True))
