"""Facts and their dispatch: `emit` and `announce` inside the transaction, handlers after it.

An act writes its rows and one outbox row in the same transaction. After the commit the handlers run at
once in the same process; if that process dies, the sweep finds the outbox row and runs them again.
Handlers must therefore be repeatable.
"""

import dataclasses
import json
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

import structlog
from django.db import Error, IntegrityError, connection, transaction
from django.utils import timezone

from cxcenter.core.models import Event, Outbox
from cxcenter.core.statements import Statement

log = structlog.get_logger(__name__)
# While this lasts the sweep leaves a row to the process that wrote it.
CLAIM = timedelta(seconds=15)
GIVE_UP_AFTER = 12
KEEP = Statement(
    "keep_fact",
    """
    INSERT INTO core_outbox (topic, payload, event_id, created_at, claimed_until, tries, error)
    VALUES (%(topic)s, %(payload)s, %(event)s, %(created_at)s, %(claimed_until)s, 0, '') RETURNING id
    """,
    topic="text",
    payload="jsonb",
    event="bigint",
    created_at="timestamptz",
    claimed_until="timestamptz",
)
DONE = Statement("facts_done", "DELETE FROM core_outbox WHERE id = ANY(%(ids)s)", ids="bigint[]")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Payload:
    """Base of all payloads: ids and codes only. `topic` names the kind of fact; webhooks carry what is `public`."""

    topic: ClassVar[str]
    public: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Register the payload by its topic; two classes of one topic are a mistake."""
        super().__init_subclass__(**kwargs)
        if cls.topic in PAYLOADS:
            raise TypeError(f"two payloads for the topic {cls.topic}")
        PAYLOADS[cls.topic] = cls


PAYLOADS: dict[str, type[Payload]] = {}
Handler = Callable[[Any], None]
_handlers: dict[str, list[Handler]] = defaultdict(list)
_watchers: list[Callable[[str, Payload, int], None]] = []
# The rows of facts that were handled and are still there, by thread as connections are.
_handled = threading.local()


def handles(payload: type[Payload]) -> Callable[[Handler], Handler]:
    """Register a handler of `payload`'s topic. It runs after the commit and must be repeatable."""

    def keep(handler: Handler) -> Handler:
        _handlers[payload.topic].append(handler)
        return handler

    return keep


def watches_all(watcher: Callable[[str, Payload, int], None]) -> Callable[[str, Payload, int], None]:
    """Register a function called for every fact with (topic, payload, outbox id): webhooks do."""
    _watchers.append(watcher)
    return watcher


def emit(
    payload: Payload,
    *,
    profile_id: int | None,
    actor_id: int | None = None,
    at: datetime | None = None,
    dedup: str | None = None,
) -> Event | None:
    """Write a fact for the timeline and its outbox row. Returns None if `dedup` was seen before.

    Must be called inside a transaction: the fact exists if and only if the act does.
    """
    event = Event(
        profile_id=profile_id,
        kind=payload.topic,
        at=at or timezone.now(),
        actor_id=actor_id,
        dedup=dedup,
        payload=dataclasses.asdict(payload),
    )
    if dedup is None:
        event.save(force_insert=True)
    elif not _is_new(event):
        return None
    announce(payload, event=event)
    return event


def _is_new(event: Event) -> bool:
    """Store a fact with a key of its own. Returns False if that key is known: it arrived twice and is kept once."""
    try:
        with transaction.atomic():
            event.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def announce(payload: Payload, *, event: Event | None = None) -> None:
    """Write an outbox row for a change that is a row of its own (a message, a presence change)."""
    assert connection.in_atomic_block, "announce inside the transaction of the act"
    now = timezone.now()
    kept = KEEP.row(
        topic=payload.topic,
        payload=json.dumps(vars(payload)),
        event=event.pk if event else None,
        created_at=now,
        claimed_until=now + CLAIM,
    )
    assert kept is not None
    transaction.on_commit(partial(_dispatch, kept[0], payload))


def _dispatch(row: int, payload: Payload, tries: int = 0) -> None:
    """Run the handlers of a fact, then have its outbox row deleted; a failure leaves it to the sweep."""
    try:
        for handler in _handlers[payload.topic]:
            handler(payload)
        for watcher in _watchers:
            watcher(payload.topic, payload, row)
        _rows().append(row)
        # Of our own backend (core/postgresql/base.py).
        connection.after_hooks(_strike_off)  # type: ignore[attr-defined]
    except Exception as error:
        log.exception("handler failed", topic=payload.topic, outbox=row)
        _leave_for_later(row, tries + 1, error)


def _rows() -> list[int]:
    if not hasattr(_handled, "rows"):
        _handled.rows = []
    rows: list[int] = _handled.rows
    return rows


def _strike_off() -> None:
    """Delete the rows of all facts of a commit that were handled.

    If the database dies at this moment they are handled twice, as if this process had died.
    """
    rows, _handled.rows = _rows(), []
    try:
        DONE.run_unflushed(ids=rows)
    except Error:
        log.exception("facts are handled again", outbox=rows)


def _leave_for_later(row: int, tries: int, error: Exception) -> None:
    """Put the row back with a growing delay. After `GIVE_UP_AFTER` tries it waits a day for a person."""
    delay = timedelta(seconds=min(2**tries, 600)) if tries < GIVE_UP_AFTER else timedelta(days=1)
    try:
        Outbox.objects.filter(pk=row).update(tries=tries, claimed_until=timezone.now() + delay, error=repr(error)[:500])
    except Exception:
        # The database itself is away: the claim runs out by itself.
        log.exception("outbox row kept", outbox=row)


def sweep(limit: int = 200) -> int:
    """Handle rows whose claim ran out: their process died or a handler failed. Returns how many."""
    with transaction.atomic():
        rows = list(
            Outbox.objects.filter(claimed_until__lt=timezone.now())
            .order_by("claimed_until")
            .select_for_update(skip_locked=True)[:limit]
        )
        Outbox.objects.filter(pk__in=[row.pk for row in rows]).update(claimed_until=timezone.now() + CLAIM)
    for row in rows:
        _dispatch_again(row)
    return len(rows)


def _dispatch_again(row: Outbox) -> None:
    try:
        payload = PAYLOADS[row.topic](**row.payload)
    except (KeyError, TypeError) as error:
        log.exception("fact of another version", topic=row.topic, outbox=row.pk)
        _leave_for_later(row.pk, row.tries + 1, error)
    else:
        _dispatch(row.pk, payload, row.tries)
