"""The document of the rules: what stands in the rows, and what differs between two of them."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from routing.models import (
    BusinessHours,
    FrequentRule,
    PauseReason,
    PriorityStep,
    Queue,
    QueueMember,
    Requirement,
)

Settings = dict[str, Any]
# Sort → number of the row as a text → its settings. Values are plain data of JSON.
Document = dict[str, dict[str, Settings]]

QUEUES, HOURS, PAUSES, REQUIREMENTS, PRIORITIES = SORTS = ("queues", "hours", "pauses", "requirements", "priorities")
# Of these sorts each queue has one thing under its own number, and there is one for all queues. What work asks for is
# `asked`, a row for each requirement; an order is rows of [number, steps] of each kind, the most steps first.
OF_QUEUES = (REQUIREMENTS, PRIORITIES)
ALL = "all"
# Columns of a queue by the name of their setting. Members, overflow and frequent customers are settings besides.
QUEUE = (
    "name",
    "name_ru",
    "hours",
    "active",
    "priority",
    "priority_weight",
    "wait_weight",
    "choice",
    "target_s",
    "target_percent",
    "reply_s",
    "offer_s",
    "auto_accept",
    "preferred_s",
    "wrapup_s",
    "wrapup_more_s",
    "max_waiting",
    "callbacks",
    "callback_ahead_s",
    "callback_attempts",
    "callback_pause_min",
)
# Columns of a rule of overflow, of the rule for frequent customers.
OVERFLOW = ("when", "limit", "then", "to", "words", "words_ru")
FREQUENT = ("contacts", "days", "to")
PAUSE = ("name", "name_ru", "limit_min", "active")
# Columns of a requirement; its conditions tell one from another.
CONDITIONS = ("skill", "topic", "language", "segment")
ASKED = (*CONDITIONS, "level")
# Kinds of an order by the column of a step of priority.
KINDS = {"channels": "channel_id", "topics": "topic_id", "segments": "segment_id"}
LINKS = {"hours": "hours_id", "to": "to_id", "skill": "skill_id", "topic": "topic_id", "segment": "segment_id"}


@dataclass(frozen=True)
class Change:
    """One setting that differs. Without a `field` the thing itself came (before is None) or went (after is None)."""

    sort: str
    id: str
    name: str
    field: str
    before: Any
    after: Any


def current() -> Document:
    """Return the rules as they are now. Ten queries, however many there are."""
    members: dict[int, list[int]] = {}
    for queue, user in QueueMember.objects.filter(until=None).order_by("user_id").values_list("queue_id", "user_id"):
        members.setdefault(queue, []).append(user)
    queues = list(Queue.objects.select_related("frequent").prefetch_related("overflows"))
    asked: dict[int | None, list[Settings]] = {}
    for rule in Requirement.objects.prefetch_related("steps"):
        asked.setdefault(rule.queue_id, []).append(asked_settings(rule))
    steps: dict[int | None, list[PriorityStep]] = {}
    for step in PriorityStep.objects.all():
        steps.setdefault(step.queue_id, []).append(step)
    each = {ALL: None, **{str(one.pk): one.pk for one in queues}}
    hours = BusinessHours.objects.prefetch_related("intervals", "holidays")
    return {
        QUEUES: {str(one.pk): queue_settings(one, members.get(one.pk, [])) for one in queues},
        HOURS: {str(one.pk): hours_settings(one) for one in hours},
        PAUSES: {
            str(one.pk): {name: getattr(one, name) for name in PAUSE} for one in PauseReason.objects.order_by("pk")
        },
        REQUIREMENTS: {ident: {"asked": sorted(asked.get(pk, []), key=key_of)} for ident, pk in each.items()},
        PRIORITIES: {ident: order_settings(steps.get(pk, []), is_own=pk is None) for ident, pk in each.items()},
    }


def queue_settings(queue: Queue, members: list[int]) -> Settings:
    """Return the settings of a queue; `members` serve it for good, those who are lent are none of them."""
    frequent: FrequentRule | None = getattr(queue, "frequent", None)
    return {
        **row_settings(queue, QUEUE),
        "members": sorted(members),
        "overflow": [row_settings(rule, OVERFLOW) for rule in queue.overflows.all()],
        "frequent": row_settings(frequent, FREQUENT) if frequent else None,
    }


def row_settings(row: Model, names: Iterable[str]) -> Settings:
    """Return columns of a row by the names of their settings."""
    return {name: getattr(row, LINKS.get(name, name)) for name in names}


def row_columns(settings: Settings) -> Settings:
    """Return settings of a row by the names of their columns."""
    return {LINKS.get(name, name): value for name, value in settings.items()}


def hours_settings(hours: BusinessHours) -> Settings:
    """Return the settings of business hours: intervals as [day, opens, closes], holidays as [date, name, opens, closes]."""
    return {
        "name": hours.name,
        "zone": hours.zone,
        "intervals": sorted([one.day, f"{one.opens:%H:%M}", f"{one.closes:%H:%M}"] for one in hours.intervals.all()),
        "holidays": sorted(
            [f"{one.date}", one.name, *(f"{at:%H:%M}" if at else "" for at in (one.opens, one.closes))]
            for one in hours.holidays.all()
        ),
    }


def asked_settings(rule: Requirement) -> Settings:
    """Return a requirement with its steps: [after so many seconds, at least this level]."""
    return {**row_settings(rule, ASKED), "steps": [[step.after_s, step.level] for step in rule.steps.all()]}


def key_of(asked: Settings) -> tuple[int, int, str, int]:
    """Return what tells a requirement of a queue from its other ones."""
    return asked["skill"], asked["topic"] or 0, asked["language"], asked["segment"] or 0


def order_settings(steps: Iterable[PriorityStep], *, is_own: bool = False) -> Settings:
    """Return the order that rows of steps make. `own` tells a queue's own order, empty as it may be, from none."""
    steps = list(steps)
    found: Settings = {"own": is_own or bool(steps)}
    for kind, column in KINDS.items():
        rows = [[getattr(step, column), step.steps] for step in steps if getattr(step, column) and step.steps]
        found[kind] = sorted(rows, key=lambda row: (-row[1], row[0]))
    return found


def merged(document: Document, edit: Document) -> Document:
    """Return a document with the things of `edit` in the place of its own."""
    return {sort: {**document[sort], **edit.get(sort, {})} for sort in SORTS}


def changes(before: Document, after: Document) -> list[Change]:
    """Return what differs between two documents, in the order of the settings."""
    # A sort that an old version does not know has not changed.
    known = [sort for sort in SORTS if sort in before and sort in after]
    return [change for sort in known for change in _changes_of(sort, before, after)]


def _changes_of(sort: str, earlier: Document, later: Document) -> Iterator[Change]:
    before, after = earlier[sort], later[sort]
    for ident in {**before, **after}:
        old, new = before.get(ident), after.get(ident)
        if sort in OF_QUEUES:
            # It comes and goes with its queue.
            if old is None or new is None:
                continue
            name = "" if ident == ALL else str(later[QUEUES][ident]["name"])
        else:
            name = str((new or old or {})["name"])
        if old is None or new is None:
            yield Change(sort, ident, name, "", old and name, new and name)
        for field in new or {}:
            # A setting that an old version does not know has not changed.
            if old is not None and new is not None and field in old and old[field] != new[field]:
                yield Change(sort, ident, name, field, old[field], new[field])


def part(document: Document, edit: Document) -> Document:
    """Return what a document says of the things of `edit`."""
    return {
        sort: {ident: document[sort][ident] for ident in things if ident in document[sort]}
        for sort, things in edit.items()
    }


def digest(document: Document) -> str:
    """Return a short mark of what a document says: another text, another mark."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
