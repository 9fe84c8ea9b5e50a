"""Who is here: one row per open page, refreshed in one batched update per process.

A consumer only notes that a page was heard; `flush` writes all of them in one statement. A closed
socket removes nothing: only silence counts, so that a reload or a dropped line is not a departure.
"""

import uuid
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from cxcenter.core.models import Pulse, Tab

HEARTBEAT_S = 5
# A part of us that is not heard for longer has been away.
GAP = timedelta(seconds=2 * HEARTBEAT_S)
# The pulse of the web processes: without them no page is heard, whoever sits before it.
WEB = "web"
_heard: dict[uuid.UUID, str] = {}

UPSERT = """
    INSERT INTO core_tab (id, owner, opened_at, seen_at)
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::timestamptz[])
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at WHERE core_tab.owner = excluded.owner
"""
BEAT = """
    INSERT INTO core_pulse AS pulse (name, ran_at, steady_since) VALUES (%(name)s, %(now)s, %(now)s)
    ON CONFLICT (name) DO UPDATE SET
        steady_since = CASE WHEN excluded.ran_at - pulse.ran_at > %(gap_s)s * interval '1 s'
            THEN excluded.ran_at ELSE pulse.steady_since END,
        ran_at = greatest(excluded.ran_at, pulse.ran_at)
    RETURNING steady_since
"""


def operator_key(user_id: int) -> str:
    """The owner key of an operator's pages."""
    return f"operator:{user_id}"


def visitor_key(thread_id: int) -> str:
    """The owner key of the visitor's pages of a thread."""
    return f"thread:{thread_id}"


def heard(tab: uuid.UUID, owner: str) -> None:
    """Note that a page was heard. Costs nothing; `flush` writes it."""
    _heard[tab] = owner


def flush() -> int:
    """Write all pages heard since the last flush, in one statement. Returns how many."""
    rows = sorted(_heard.items())
    _heard.clear()
    write(rows)
    return len(rows)


def write(rows: list[tuple[uuid.UUID, str]]) -> None:
    """Refresh the rows of the given pages, in id order, so that two processes never block each other."""
    if not rows:
        return
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            UPSERT, [[str(tab) for tab, _ in rows], [owner for _, owner in rows], [now] * len(rows), [now] * len(rows)]
        )


def forget(tab: uuid.UUID, owner: str) -> None:
    """Remove a page of `owner` that said goodbye itself, as at a sign-out."""
    if _heard.get(tab) == owner:
        del _heard[tab]
    Tab.objects.filter(pk=tab, owner=owner).delete()


def last_seen(owners: list[str]) -> dict[str, datetime]:
    """Return when each of `owners` was last heard of on any page; absent if never."""
    rows = Tab.objects.filter(owner__in=owners).values_list("owner").annotate(Max("seen_at"))
    return dict(rows)


def beat(name: str, *, now: datetime) -> datetime:
    """Note that the part `name` of us runs, and return since when it has run without a gap.

    Silence before that moment may be our own outage and is nobody's fault. Several processes may keep one pulse.
    """
    with connection.cursor() as cursor:
        cursor.execute(BEAT, {"name": name, "now": now, "gap_s": GAP.total_seconds()})
        steady: datetime = cursor.fetchone()[0]
    return steady


def steady_since(name: str, *, now: datetime) -> datetime:
    """Return since when the part `name` of us has run without a gap: `now` if it does not run."""
    pulse = Pulse.objects.filter(name=name, ran_at__gte=now - GAP).first()
    return pulse.steady_since if pulse else now
