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

from customers.models import Customer
from customers.segmentation import segments_of
from cxcenter.core import realtime
from cxcenter.core.statements import unflushed
from interactions.actions import calls, exchanges
from interactions.actions.exchanges import Kept, Opening
from interactions.calls.facts import CUSTOMER, Fact, Kind, is_operator, user_of
from interactions.calls.reducer import reduce
from interactions.calls.view import CallView
from interactions.choices import Direction
from interactions.models import Call, Exchange, Interaction
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
    A call is opened by the first fact that has a number, or is of the customer. Known calls come first: somebody is in
    them, or it rings at somebody, and opening others takes longer than all else.
    """
    told = [_tidy(one) for one in told]
    known = exchanges.known_calls(exchange=exchange, keys={one.call for one in told})
    _take([one for one in told if one.call in known], known)
    others = [one for one in told if one.call not in known]
    opened = _opened(exchange, others)
    _take([one for one in others if one.call in opened], opened)
    return [one for one in others if one.call not in opened]


def _take(told: Sequence[Told], ids: Mapping[str, int]) -> None:
    """Keep facts of calls whose ids are known by their names, and let all else follow."""
    by_call: dict[int, list[Fact]] = defaultdict(list)
    for one in told:
        by_call[ids[one.call]].append(one.fact)
    if not by_call:
        return
    changed = exchanges.keep(told=by_call, judge=_stays_as_it_is)
    for kept in changed:
        if kept.call.followed != kept.call.version:
            follow(call_id=kept.call.pk, kept=kept)
    _signal(changed)


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


def _opened(exchange: Exchange, told: Sequence[Told]) -> dict[str, int]:
    """Open the calls that begin with some of these facts. Returns them by their names."""
    by_name: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        by_name[one.call].append(one)
    ids = {}
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


def follow(*, call_id: int, kept: Kept | None = None) -> None:
    """Let visits, legs and operators be what a call's facts say; `kept`: what whoever has just kept some knows of it.

    Lost with the database it is done again.
    """
    with unflushed(locks.call_sql(call_id)):
        call = Call.objects.select_related("interaction").get(pk=call_id)
        if kept is not None and kept.call.version == call.version:
            facts, view = kept.after, kept.view
        else:
            # More was told meanwhile: facts only come to those that there are.
            facts = calls.facts_of(call_id)
            view = reduce(facts, timezone.now().timestamp())
        wanted = plan(facts, view)
        # Who was closed by us as spam, say, is done with, whatever the exchange goes on with.
        if call.interaction.is_open or wanted.reason:
            _write(call, wanted, view)
        Call.objects.filter(pk=call_id).update(followed=call.version)


def _write(call: Call, wanted: Plan, view: CallView) -> None:
    talk = call.interaction
    found: QuerySet[WorkItem] = WorkItem.objects.select_for_update().filter(interaction=talk)
    items = list(found.order_by("pk"))
    queues = _queues(call, items, [one.queue for one in wanted.stays])
    if wanted.stays and not queues:
        log.warning("a call of an exchange has no queue: its channel needs an entrance", call=call.pk)
        wanted = replace(wanted, stays=(), turns=())
    legs = list(Assignment.objects.select_for_update().filter(interaction=talk).order_by("pk"))
    segments = _segments(talk) if wanted.stays and not items else []
    scene = exchange_rows.Scene(call, view, wanted, items, legs, queues, segments)
    exchange_rows.write(scene)


def _segments(talk: Interaction) -> list[str]:
    customer = Customer.objects.filter(profiles=talk.profile_id).first() if talk.profile_id else None
    return [one.code for one in segments_of(customer)]


def _queues(call: Call, items: Sequence[WorkItem], names: Sequence[str]) -> Mapping[str, Queue]:
    """Return queues by the exchange's names; of a name that nobody knows, that of the channel's entrance."""
    if not names:
        return {}
    rows = ExchangeQueue.objects.filter(exchange=call.exchange_id, name__in=set(names)).select_related("queue")
    known = {row.name: row.queue for row in rows}
    if set(names) <= known.keys():
        return known
    entrance = Entrance.objects.filter(channel__exchanges=call.exchange_id, topic=None).select_related("queue").first()
    others = entrance.queue if entrance else (items[0].queue if items else next(iter(known.values()), None))
    if others is None:
        return {}
    return {name: known.get(name, others) for name in names}
