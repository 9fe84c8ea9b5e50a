"""Rows of the past, gathered in memory and written at once, with the same counters that the acts would write.

The acts themselves stamp "now" and tell browsers and webhooks; the past must do neither.
"""

import dataclasses
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from customers.models import Identity, Profile
from cxcenter.accounts.models import User
from cxcenter.core.events import Payload
from cxcenter.core.models import AuditEntry, Event
from interactions.choices import Audience, Author
from interactions.models import Case, CaseLink, Channel, Interaction, Message, Task, Thread
from quality.models import Survey
from routing.models import Alert, Assignment, WorkItem

# The last message that lists show is never a line of the system.
LAST_MESSAGES = """
    UPDATE interactions_interaction AS i SET last_message_id = m.id
    FROM (
        SELECT DISTINCT ON (interaction_id) interaction_id, id FROM interactions_message
        WHERE author <> 'system' AND channel_id = %s ORDER BY interaction_id, seq DESC
    ) AS m
    WHERE i.id = m.interaction_id
"""


class ThreadLog:
    """A thread that is being told: gives each message its place and change numbers."""

    def __init__(self, channel: Channel, visitor: Identity, profile: Profile, at: datetime) -> None:
        """Begin the thread at the first contact."""
        self.row = Thread(channel=channel, identity=visitor, profile=profile, created_at=at)

    def post(self, interaction: Interaction, at: datetime, author: str, text: str = "", **fields: Any) -> Message:
        """Return the next message of the thread, with the marks that go with it."""
        thread = self.row
        thread.last_seq += 1
        thread.staff_changes += 1
        message = Message(
            thread=thread,
            interaction=interaction,
            channel=thread.channel,
            seq=thread.last_seq,
            staff_changed=thread.staff_changes,
            author=author,
            text=text,
            at=at,
            **fields,
        )
        if message.audience == Audience.ALL:
            thread.customer_changes += 1
            message.customer_changed = thread.customer_changes
        if author == Author.CUSTOMER:
            thread.customer_got_seq = thread.customer_read_seq = thread.last_seq
        return message

    def mark_by_customer(self) -> None:
        """The customer has read everything."""
        if self.row.customer_read_seq < self.row.last_seq:
            self.row.customer_got_seq = self.row.customer_read_seq = self.row.last_seq
            self.row.staff_changes += 1

    def mark_by_staff(self) -> None:
        """Staff has read everything."""
        if self.row.staff_read_seq < self.row.last_seq:
            self.row.staff_read_seq = self.row.last_seq
            self.row.staff_changes += 1
            self.row.customer_changes += 1


@dataclass
class Book:
    """Everything that happened, to be written in the order of time."""

    channel: Channel
    threads: dict[int, ThreadLog] = field(default_factory=dict)
    interactions: list[Interaction] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    items: list[WorkItem] = field(default_factory=list)
    legs: list[Assignment] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    surveys: list[Survey] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    links: list[CaseLink] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    # Payloads and subjects name ids, which exist only after the rows are written.
    facts: list[tuple[datetime, int | None, Profile | None, Callable[[], Payload]]] = field(default_factory=list)
    audits: list[tuple[datetime, User | None, str, Callable[[], str], dict[str, Any]]] = field(default_factory=list)

    def thread_of(self, visitor: Identity, profile: Profile, at: datetime) -> ThreadLog:
        """Return the endless thread of a visitor, begun at his first contact."""
        if visitor.pk not in self.threads:
            self.threads[visitor.pk] = ThreadLog(self.channel, visitor, profile, at)
        return self.threads[visitor.pk]

    def fact(
        self, at: datetime, profile: Profile | None, make: Callable[[], Payload], actor: User | None = None
    ) -> None:
        """Note a fact for the timeline."""
        self.facts.append((at, actor.pk if actor else None, profile, make))

    def write(self) -> None:
        """Write all rows, each kind in the order of its time."""
        Thread.objects.bulk_create([log.row for log in self.threads.values()])
        self._write(Interaction, self.interactions, "opened_at")
        self._write(Message, self.messages, "at", "seq")
        with connection.cursor() as cursor:
            cursor.execute(LAST_MESSAGES, [self.channel.pk])
        self._write(WorkItem, self.items, "entered_at")
        self._write(Assignment, self.legs, "offered_at")
        self._write(Alert, self.alerts, "at")
        self._write(Survey, self.surveys, "at")
        self._write(Case, self.cases, "opened_at")
        self._write(CaseLink, self.links, "at")
        self._write(Task, self.tasks, "created_at")
        Event.objects.bulk_create(
            [
                Event(
                    profile_id=profile.pk if profile else None,
                    kind=payload.topic,
                    at=at,
                    actor_id=actor_id,
                    payload=dataclasses.asdict(payload),
                )
                for at, actor_id, profile, make in sorted(self.facts, key=lambda fact: fact[0])
                for payload in [make()]
            ],
            batch_size=2000,
        )
        AuditEntry.objects.bulk_create(
            [
                AuditEntry(at=at, actor=actor, act=act, subject=subject(), detail=detail)
                for at, actor, act, subject, detail in sorted(self.audits, key=lambda entry: entry[0])
            ]
        )

    @staticmethod
    def _write(model: Any, rows: list[Any], *order: str) -> None:
        rows.sort(key=lambda row: tuple(getattr(row, name) for name in order))
        model.objects.bulk_create(rows, batch_size=2000)


def key(chance: Any) -> uuid.UUID:
    """Return a key as browsers make them, the same at each run."""
    return uuid.UUID(int=chance.getrandbits(128), version=4)
