"""Calls of telephone exchanges: what an exchange tells is kept, and visits, legs and operators follow it.

The exchange is the truth of its calls: it has queued, offered, connected, and nothing here decides. `hear` may be told
everything twice, in any order, in any batches and by several processes at once: what stands then follows from all that
was told (routing/exchanges.py), and `follow_left` makes good what a process that died has left.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from django.db.models import F, QuerySet
from django.utils import timezone

from customers.segmentation import segments_of
from cxcenter.core import realtime
from cxcenter.core.statements import unflushed
from interactions.actions import calls, exchanges
from interactions.actions.exchanges import Kept, Opening
from interactions.calls.facts import CUSTOMER, Fact, Kind, is_operator, user_of
from interactions.calls.reducer import reduce
from interactions.calls.view import CallView
from interactions.choices import Direction
from interactions.models import Call, Exchange
from routing import locks
from routing.actions import exchange_rows
from routing.exchanges import Plan, plan
from routing.models import Assignment, Entrance, ExchangeQueue, Queue, WorkItem

log = structlog.get_logger(__name__)
# What the tables have room for.
KEY_CHARS, PARTY_CHARS = 120, 40
AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Told:
    """A fact that an exchange tells of a call, by its name for it; with the customer's number, where it is known."""

    call: str
    fact: Fact
    number: str = ""


def hear(*, exchange: Exchange, told: Sequence[Told]) -> list[Told]:
    """Keep what an exchange tells, and let sessions, visits, legs and operators follow.

    Returns what is of no call that is known and opens none, as no customer is in it yet: tell it again with what follows.
    A call is opened by the first fact that has a number, or is of the customer.
    """
    told = [_tidy(one) for one in told]
    ids = _calls_of(exchange, told)
    by_call: dict[int, list[Fact]] = defaultdict(list)
    for one in told:
        if one.call in ids:
            by_call[ids[one.call]].append(one.fact)
    if by_call:
        changed = exchanges.keep(told=by_call, judge=_stays_as_it_is)
        for kept in changed:
            if kept.call.followed != kept.call.version:
                follow(call_id=kept.call.pk)
        _signal(changed)
    return [one for one in told if one.call not in ids]


def _tidy(told: Told) -> Told:
    """Cut what is longer than its column, and leave numbers out of details: those of a customer stand at the call alone."""
    fact = told.fact
    data = {name: _text(value) for name, value in fact.data.items() if name != "from"}
    if is_operator(fact.party):
        data.pop("to", None)
    if "party" in data:
        data["party"] = str(data["party"])[:PARTY_CHARS]
    key, party = _text(fact.key)[:KEY_CHARS], _text(fact.party)[:PARTY_CHARS]
    return replace(told, call=_text(told.call)[:KEY_CHARS], fact=replace(fact, key=key, party=party, data=data))


def _text(value: Any) -> Any:
    # PostgreSQL keeps no zero bytes.
    return value.replace("\x00", "") if isinstance(value, str) else value


def _calls_of(exchange: Exchange, told: Sequence[Told]) -> dict[str, int]:
    """Return the calls that facts are of by their names, those that begin with them opened."""
    ids = exchanges.known_calls(exchange=exchange, keys={one.call for one in told})
    by_name: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        if one.call not in ids:
            by_name[one.call].append(one)
    for name, news in by_name.items():
        opening = _opening(name, news)
        if opening is not None:
            ids[name] = exchanges.open_call(exchange=exchange, opening=opening)
    return ids


def _opening(name: str, news: Sequence[Told]) -> Opening | None:
    """Return the call that facts open; None if no customer is in it: one of colleagues is no contact."""
    number = next((one.number for one in news if one.number), "")
    if not number and not any(one.fact.party == CUSTOMER for one in news):
        return None
    first = min(news, key=lambda one: (one.fact.at, one.fact.order))
    callers = [user_of(one.fact.party) for one in news if one.fact.kind == Kind.BEGAN and is_operator(one.fact.party)]
    by = callers[0] if callers else None
    return Opening(name, number, Direction.OUT if by else Direction.IN, first.fact.at, by)


def _stays_as_it_is(kept: Kept) -> bool:
    """Tell whether visits and legs stay as they are: somebody was muted, put on hold, taken back."""
    before = reduce(kept.before, timezone.now().timestamp())
    return bool(kept.before) and plan(kept.before, before) == plan(kept.after, kept.view)


def _signal(changed: Iterable[Kept]) -> None:
    """Tell the pages of all who are in these calls that they look different."""
    people = [(user_of(party), kept.call.pk) for kept in changed for party in kept.view.phases if is_operator(party)]
    pushes = [(realtime.user_group(user), {"kind": "signal", "what": "call", "id": pk}) for user, pk in people if user]
    if pushes:
        realtime.push(*pushes)


def follow_left(*, exchange: Exchange) -> int:
    """Follow calls that whoever heard of them has not: it died over it. Returns how many."""
    behind = Call.objects.filter(exchange=exchange, followed__lt=F("version")).order_by("pk")
    ids = list(behind.values_list("pk", flat=True)[:AT_ONCE])
    for call_id in ids:
        follow(call_id=call_id)
    return len(ids)


def follow(*, call_id: int) -> None:
    """Let visits, legs and operators be what a call's facts say. Lost with the database it is done again."""
    with unflushed(locks.call_sql(call_id)):
        call = Call.objects.select_related("exchange", "interaction__profile__customer").get(pk=call_id)
        facts = calls.facts_of(call_id)
        view = reduce(facts, timezone.now().timestamp())
        wanted = plan(facts, view)
        # Who was closed by us as spam, say, is done with, whatever the exchange goes on with.
        if call.interaction.is_open or wanted.reason:
            _write(call, wanted, view)
        Call.objects.filter(pk=call_id).update(followed=call.version)


def _write(call: Call, wanted: Plan, view: CallView) -> None:
    talk = call.interaction
    found: QuerySet[WorkItem] = WorkItem.objects.select_for_update(of=("self",)).select_related("queue")
    items = list(found.filter(interaction=talk).order_by("pk"))
    queues = _queues(call, items, [one.queue for one in wanted.stays])
    if wanted.stays and not queues:
        log.warning("a call of an exchange has no queue: its channel needs an entrance", call=call.pk)
        wanted = replace(wanted, stays=(), turns=())
    rows = Assignment.objects.select_for_update(of=("self",)).select_related("operator").filter(interaction=talk)
    legs = list(rows.order_by("pk"))
    customer = talk.profile.customer if talk.profile else None
    segments = [one.code for one in segments_of(customer)] if wanted.stays and not items else []
    scene = exchange_rows.Scene(call, view, wanted, items, legs, queues, segments)
    exchange_rows.write(scene)


def _queues(call: Call, items: Sequence[WorkItem], names: Sequence[str]) -> Mapping[str, Queue]:
    """Return queues by the exchange's names; of a name that nobody knows, that of the channel's entrance."""
    if not names or call.exchange is None:
        return {}
    rows = ExchangeQueue.objects.filter(exchange=call.exchange, name__in=set(names)).select_related("queue")
    known = {row.name: row.queue for row in rows}
    if set(names) <= known.keys():
        return known
    entrance = Entrance.objects.filter(channel=call.exchange.channel_id, topic=None).select_related("queue").first()
    others = entrance.queue if entrance else (items[0].queue if items else next(iter(known.values()), None))
    if others is None:
        return {}
    return {name: known.get(name, others) for name in names}
