"""Personal data of one customer: what every app knows of him, and how it forgets it.

Rows about a customer lie in many apps, and a lower app knows no higher one. So each app registers a `Holder`: what it
gives to the file of an export, what stands in the way of an erasure, how it erases. `customers` asks them all.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import reduce
from operator import or_
from typing import IO, Any, ClassVar, Protocol

from django.db import connection
from django.db.models import Model, Q, QuerySet, TextField
from django.db.models.functions import Cast

from cxcenter.core.events import PAYLOADS
from cxcenter.core.models import Event, KeptAnswer, Outbox, WebhookDelivery

# Rows that are read at a time: memory does not grow with the history.
BATCH = 500
# What reports show instead of a text: it tells nothing in any language.
ERASED = "—"
Rows = Iterator[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whose data is meant: the customer who stands, then those he absorbed, and all their profiles, by numbers.

    `identities` are those that nobody else has, `values` what phones and addresses among them are. `words` are values
    and whole names: by them he is found where no number leads to him.
    """

    customers: tuple[int, ...]
    profiles: tuple[int, ...]
    identities: tuple[int, ...]
    values: tuple[str, ...]
    words: tuple[str, ...]


class Opener(Protocol):
    """Opens a file for reading. Raises OSError if it is not there."""

    def __call__(self) -> IO[bytes]:
        """Return the open file."""


@dataclass(frozen=True)
class File:
    """A file of a customer: its name in the archive, and how to open it."""

    name: str
    open: Opener


class Section(Protocol):
    """Yields the rows of one section of an export, as JSON can hold them, batch by batch."""

    def __call__(self, subject: Subject) -> Rows:
        """Yield the rows."""


class Holder:
    """What one app keeps of customers. By itself it keeps nothing."""

    # Tables that an erasure changes: their dead rows are removed in the night after it.
    tables: ClassVar[tuple[type[Model], ...]] = ()

    def reached(self, profiles: tuple[int, ...]) -> set[int]:
        """Return numbers of identities that lead to profiles by rows of this app."""
        return set()

    def claimed(self, profiles: tuple[int, ...], identities: Iterable[int]) -> set[int]:
        """Return those of identities that lead to other profiles by rows of this app: they are not his alone."""
        return set()

    def lock(self, subject: Subject) -> None:
        """Lock what must be locked before identities and customers, in the order of docs/architecture.md."""

    def obstacles(self, subject: Subject) -> list[str]:
        """Return in words what has to be ended before he can be erased."""
        return []

    def sections(self) -> dict[str, Section]:
        """Return the sections of the export, by their names there."""
        return {}

    def files(self, subject: Subject) -> Iterator[File]:
        """Yield his files."""
        return iter(())

    def erase(self, subject: Subject) -> None:
        """Erase what is personal, in the transaction of the erasure. Rows, times and numbers of reports stay."""


_holders: list[Holder] = []


def register(holder: Holder) -> None:
    """Let an app take part in exports and erasures, behind those that registered before it."""
    _holders.append(holder)


def holders() -> tuple[Holder, ...]:
    """Return the holders, lower apps first."""
    return tuple(_holders)


def in_batches(rows: "QuerySet[Any]", *, size: int = BATCH) -> Iterator[Any]:
    """Yield rows in the order of their numbers, batch by batch, each asked for anew: any thread may ask for the next."""
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:size]):
        yield from batch
        last = batch[-1].pk


# --- What the ground itself keeps --------------------------------------------------------------

EMPTY_FACTS = (
    "UPDATE core_event SET payload = payload || %s, dedup = NULL WHERE profile_id = ANY(%s) AND kind = ANY(%s)"
)
EMPTY_OUTBOX = """
    UPDATE core_outbox SET payload = payload || %s, error = ''
    WHERE topic = ANY(%s) AND event_id IN (SELECT id FROM core_event WHERE profile_id = ANY(%s))
"""
NOTHING = '{"data": {}}'


class Ground(Holder):
    """Facts with data of others' making, what was still to be done about them, deliveries, kept answers."""

    tables = (Event, Outbox, WebhookDelivery, KeptAnswer)

    def erase(self, subject: Subject) -> None:
        """Empty the data of facts; forget what was to be told of him to others, and answers that name him."""
        told = [topic for topic, payload in PAYLOADS.items() if "data" in {field.name for field in fields(payload)}]
        profiles = list(subject.profiles)
        with connection.cursor() as cursor:
            cursor.execute(EMPTY_OUTBOX, [NOTHING, told, profiles])
            cursor.execute(EMPTY_FACTS, [NOTHING, profiles, told])
        WebhookDelivery.objects.filter(profile_id__in=profiles).delete()
        named = [Q(said__icontains=word) | Q(key__icontains=word) for word in subject.words]
        if named:
            KeptAnswer.objects.annotate(said=Cast("body", TextField())).filter(reduce(or_, named)).delete()


register(Ground())


def forget_answers(name: str, values: Iterable[Any]) -> None:
    """Delete kept answers whose body has one of the values under a name: what they answered is refused from now on."""
    KeptAnswer.objects.filter(**{f"body__{name}__in": list(values)}).delete()
