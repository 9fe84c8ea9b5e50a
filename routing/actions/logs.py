"""Calls of another system's log into interactions, visits, legs and facts: as they were, and told to nobody.

The acts of live contacts stamp "now", look for operators and tell pages, webhooks and automation; what is long over must do
none of that. Its visits have left their queues when they are written, and its sessions are closed.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from customers import normalise
from customers.actions import find_or_create_by_identity
from customers.actions.sources import OutsideRecord, Reach
from customers.choices import IdentityKind
from customers.imports.planning import plan
from customers.imports.writing import write
from customers.locks import MovedMeanwhileError
from customers.models import Identity, SourceRecord
from cxcenter.accounts.models import Team, User
from cxcenter.core.errors import Invalid
from cxcenter.core.events import announce
from cxcenter.core.models import Event
from interactions.choices import ChannelKind, CloseReason
from interactions.events import InteractionClosed, InteractionOpened
from interactions.models import Channel, Interaction, Thread, Topic
from routing.choices import Leg, LegEnd, Outcome, Visit, Work
from routing.events import CallsImported
from routing.logs.mapping import Mapping
from routing.logs.reading import Call, Refused
from routing.models import Assignment, Queue, WorkItem

# A call has one public id for ever: what gave it to the session is the log's name and the call's number there.
CALLS = uuid.UUID("6f2f8bd8-2ad4-5a0b-9d5e-0c1f7c3f9c55")
TRIES = 8
UNKNOWN = "unknown"
# What a call is known by again, besides its number.
FACTS = (
    "opened_at", "closed_at", "visits__entered_at", "visits__left_at", "visits__outcome", "visits__priority",
    "visits__legs__accepted_at", "visits__legs__ended_at",
)  # fmt: skip


class Places:
    """Where the calls of a log go: its channel, team, queues, topics and operators, found by name or made.

    What is made is switched off: nobody is led to such a queue, and none of its operators can sign in.
    """

    def __init__(self, mapping: Mapping) -> None:
        """Find or make the channel and the team."""
        self._mapping = mapping
        name = mapping.channel or mapping.source
        self.channel = Channel.objects.get_or_create(name=name, defaults={"kind": ChannelKind.VOICE, "active": False})[
            0
        ]
        if self.channel.kind != ChannelKind.VOICE:
            raise Invalid(f"channel: {name} is no telephone line; name another one.")
        self.team = Team.objects.get_or_create(name=mapping.team or mapping.source)[0]
        self._queues: dict[str, Queue] = {}
        self._topics: dict[str, Topic] = {}
        self._operators: dict[str, User] = {}
        self._nobodys: Thread | None = None

    def queue(self, name: str) -> Queue:
        """Return a queue by its name."""
        if name not in self._queues:
            made = {"team": self.team, "active": False}
            self._queues[name] = Queue.objects.get_or_create(name=name, defaults=made)[0]
        return self._queues[name]

    def topic(self, name: str) -> Topic | None:
        """Return a topic by its name, None without one."""
        if name and name not in self._topics:
            found = Topic.objects.filter(name=name).order_by("pk").first()
            self._topics[name] = found or Topic.objects.create(name=name, active=False)
        return self._topics.get(name)

    def operator(self, name: str) -> User:
        """Return who is named by the log; without a name one who stands for all whom it does not name."""
        if name not in self._operators:
            username = f"{self._mapping.source}.{name or UNKNOWN}"[:150]
            made = {"first_name": name or "?", "team": self.team, "is_active": False, "password": "!"}
            self._operators[name] = User.objects.get_or_create(username=username, defaults=made)[0]
        return self._operators[name]

    def nobodys(self) -> Thread:
        """Return the thread of the calls of which nobody knows who called: their sessions are on nobody's card."""
        if self._nobodys is None:
            identity, profile = find_or_create_by_identity(
                kind=IdentityKind.DEVICE, value=f"{self._mapping.source}:{UNKNOWN}", source=self._mapping.source
            )
            made = {"profile": profile}
            self._nobodys = Thread.objects.get_or_create(channel=self.channel, identity=identity, defaults=made)[0]
        return self._nobodys


@dataclass(frozen=True)
class Kept:
    """What became of calls: how many are new, how many were known (these changed nothing), and which cannot be."""

    new: int
    known: int
    refused: list[Refused]


def keep_calls(*, calls: Sequence[Call], mapping: Mapping, places: Places) -> Kept:
    """Keep the calls of a log in one transaction. Two of one number are to be equal, as `Log` yields them.

    A call is refused if an import before has kept its number with other times or another end.
    """
    for left in reversed(range(TRIES)):
        try:
            return _keep(calls, mapping, places)
        except (MovedMeanwhileError, IntegrityError):
            # Somebody has made or merged one of its customers at the same moment.
            if not left:
                raise
    raise AssertionError


@transaction.atomic
def _keep(calls: Sequence[Call], mapping: Mapping, places: Places) -> Kept:
    named = {uuid.uuid5(CALLS, f"{mapping.source}\x1f{call.number}"): call for call in calls}
    kept = _kept(named)
    new = {public_id: call for public_id, call in named.items() if public_id not in kept}
    if new:
        _write(new, mapping, places)
    others = {
        call.number for public_id, call in named.items() if public_id in kept and _facts_of(call) not in kept[public_id]
    }
    refused = [_refused(call) for call in calls if call.number in others]
    return Kept(len(new), len(calls) - len(new) - len(refused), refused)


def _kept(public_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, set[tuple[Any, ...]]]:
    """Return what is kept of calls, as `_facts_of` says it. Names are left out: they may have been changed since."""
    kept: dict[uuid.UUID, set[tuple[Any, ...]]] = defaultdict(set)
    for public_id, *facts in Interaction.objects.filter(public_id__in=public_ids).values_list("public_id", *FACTS):
        kept[public_id].add(tuple(facts))
    return kept


def _facts_of(call: Call) -> tuple[Any, ...]:
    visit = (call.arrived, call.left, call.outcome, call.priority) if call.left else (None,) * 4
    return (call.began, _ended(call), *visit, call.accepted, call.ended)


def _ended(call: Call) -> datetime:
    return max(call.left or call.arrived, call.ended or call.arrived)


def _refused(call: Call) -> Refused:
    said = {"line": call.line, "number": call.number}
    return Refused(
        call.line,
        call.cells,
        _("Line %(line)s: a call of number %(number)s was imported before, with other times or another end.") % said,
    )


def _write(new: dict[uuid.UUID, Call], mapping: Mapping, places: Places) -> None:
    threads = _threads(new.values(), mapping, places)
    sessions = Interaction.objects.bulk_create(
        _session(public_id, call, threads.get(call.customer), places) for public_id, call in new.items()
    )
    pairs = list(zip(sessions, new.values(), strict=True))
    visits = WorkItem.objects.bulk_create(
        _visit(session, call, mapping, places) for session, call in pairs if call.left is not None
    )
    served = [(visit, call) for visit, (_session, call) in zip(visits, _queued(pairs), strict=True) if call.accepted]
    Assignment.objects.bulk_create(_leg(visit, call, places) for visit, call in served)
    Event.objects.bulk_create(fact for session, _call in pairs for fact in _facts(session))
    moments = [call.arrived for call in new.values()]
    announce(CallsImported(since=min(moments).isoformat(), until=max(moments).isoformat()))


def _queued(pairs: Iterable[tuple[Interaction, Call]]) -> list[tuple[Interaction, Call]]:
    return [(session, call) for session, call in pairs if call.left is not None]


def _session(public_id: uuid.UUID, call: Call, thread: Thread | None, places: Places) -> Interaction:
    ended = _ended(call)
    answered = call.outcome == Outcome.ANSWERED
    return Interaction(
        public_id=public_id,
        thread=thread or places.nobodys(),
        profile_id=thread.profile_id if thread else None,
        kind=places.channel.kind,
        topic=places.topic(call.topic),
        subject=call.number,
        opened_at=call.began,
        closed_at=ended,
        close_reason=CloseReason.FINISHED if answered else CloseReason.LEFT,
        # The first words of a person in a call are those with which he takes it.
        first_reply_at=call.left if answered else None,
        last_message_at=ended,
    )


def _visit(session: Interaction, call: Call, mapping: Mapping, places: Places) -> WorkItem:
    return WorkItem(
        queue=places.queue(call.queue),
        interaction=session,
        visit=Visit.LEFT,
        priority=call.priority,
        entered_at=call.arrived,
        waits_since=call.arrived,
        work=Work.CALL,
        rank_at=call.arrived - timedelta(seconds=mapping.credit_s.get(str(call.priority), 0)),
        left_at=call.left,
        outcome=call.outcome,
    )


def _leg(visit: WorkItem, call: Call, places: Places) -> Assignment:
    """Return the leg of an answered call. Without an end it is not known how long it was: no mean counts it."""
    assert call.accepted is not None
    return Assignment(
        item=visit,
        interaction=visit.interaction,
        operator=places.operator(call.operator),
        leg=Leg.ENDED,
        end=LegEnd.FINISHED,
        offered_at=call.accepted,
        accepted_at=call.accepted,
        ended_at=call.ended,
        holds=False,
        why={"how": "call log"},
    )


def _facts(session: Interaction) -> Iterable[Event]:
    opened = InteractionOpened(interaction=session.pk, kind=session.kind)
    closed = InteractionClosed(interaction=session.pk, kind=session.kind, reason=session.close_reason)
    assert session.closed_at is not None
    for payload, at in ((opened, session.opened_at), (closed, session.closed_at)):
        yield Event(profile_id=session.profile_id, kind=payload.topic, at=at, payload=asdict(payload))


# --- Who called -----------------------------------------------------------------------------------


def _threads(calls: Iterable[Call], mapping: Mapping, places: Places) -> dict[str, Thread]:
    """Return the threads of known customers by their number in the log; who was erased has none."""
    began: dict[str, datetime] = {}
    for call in calls:
        if call.customer:
            began[call.customer] = min(call.began, began.get(call.customer, call.began))
    profiles = _profiles(began, mapping)
    values = {number: normalise.identity(mapping.customer_kind, number) for number in profiles}
    found = Identity.objects.filter(kind=mapping.customer_kind, value__in=values.values())
    identities = {identity.value: identity for identity in found}
    there = Thread.objects.filter(channel=places.channel, identity__in=identities.values())
    threads = {thread.identity_id: thread for thread in there}
    missing = [number for number in profiles if identities[values[number]].pk not in threads]
    made = Thread.objects.bulk_create(
        Thread(
            channel=places.channel,
            identity=identities[values[number]],
            profile_id=profiles[number],
            created_at=began[number],
        )
        for number in missing
    )
    threads |= {thread.identity_id: thread for thread in made}
    return {number: threads[identities[values[number]].pk] for number in profiles}


def _profiles(numbers: Iterable[str], mapping: Mapping) -> dict[str, int]:
    """Return the profiles of customers by their number, made as an import of customers makes them."""
    wanted = sorted(numbers)
    known = SourceRecord.objects.filter(source=mapping.source, external_id__in=wanted)
    there = set(known.values_list("external_id", flat=True))
    said = [
        OutsideRecord(
            source=mapping.source,
            external_id=number,
            reaches=[
                Reach(
                    kind=mapping.customer_kind, value=normalise.identity(mapping.customer_kind, number), verified=True
                )
            ],
        )
        for number in wanted
        if number not in there
    ]
    while said:
        made = plan(said, writes=True)
        write(made, actor=None)
        said = said[made.taken :]
    return dict(known.all().values_list("external_id", "profile_id"))
