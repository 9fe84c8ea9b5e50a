"""The document of the rules: what stands in the rows, and what differs between two of them."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from routing.models import BusinessHours, PauseReason, Queue, QueueMember

Settings = dict[str, Any]
# Sort → number of the row as a text → its settings. Values are plain data of JSON.
Document = dict[str, dict[str, Settings]]

QUEUES, HOURS, PAUSES = SORTS = ("queues", "hours", "pauses")
OVERFLOW = ("overflow_after_s", "overflow_to")
# Columns of a queue by the name of their setting; members are a setting besides.
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
    "wrapup_s",
    "max_waiting",
    *OVERFLOW,
)
PAUSE = ("name", "name_ru", "limit_min", "active")
LINKS = {"hours": "hours_id", "overflow_to": "overflow_to_id"}


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
    """Return the rules as they are now. Six queries, however many there are."""
    members: dict[int, list[int]] = {}
    for queue, user in QueueMember.objects.filter(until=None).order_by("user_id").values_list("queue_id", "user_id"):
        members.setdefault(queue, []).append(user)
    hours = BusinessHours.objects.prefetch_related("intervals", "holidays")
    return {
        QUEUES: {str(one.pk): queue_settings(one, members.get(one.pk, [])) for one in Queue.objects.all()},
        HOURS: {str(one.pk): hours_settings(one) for one in hours},
        PAUSES: {
            str(one.pk): {name: getattr(one, name) for name in PAUSE} for one in PauseReason.objects.order_by("pk")
        },
    }


def queue_settings(queue: Queue, members: list[int]) -> Settings:
    """Return the settings of a queue; `members` serve it for good, those who are lent are none of them."""
    return {**{name: getattr(queue, LINKS.get(name, name)) for name in QUEUE}, "members": sorted(members)}


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


def merged(document: Document, edit: Document) -> Document:
    """Return a document with the things of `edit` in the place of its own."""
    return {sort: {**document[sort], **edit.get(sort, {})} for sort in SORTS}


def changes(before: Document, after: Document) -> list[Change]:
    """Return what differs between two documents, in the order of the settings."""
    return [change for sort in SORTS for change in _changes_of(sort, before.get(sort, {}), after.get(sort, {}))]


def _changes_of(sort: str, before: dict[str, Settings], after: dict[str, Settings]) -> Iterator[Change]:
    for ident in {**before, **after}:
        old, new = before.get(ident), after.get(ident)
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
