"""A telephony platform tells by HTTP: what it says is kept first, then taken, each event once, in any order.

What is of a call that nobody knows yet waits for the event that opens it; the sweep gives up on it after a while.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from interactions.actions import commands, exchanges
from interactions.adapters.voice.ami.states import AgentState
from interactions.adapters.voice.bridge import parse
from interactions.adapters.voice.bridge.parse import Event, Wrong
from interactions.calls.facts import Kind
from interactions.choices import ExchangeKind
from interactions.models import BridgeEvent, CallCommand, Exchange
from routing.actions import exchange as acts
from routing.actions import exchange_people
from routing.actions.exchange import Told
from routing.models import ExchangeQueue

State = BridgeEvent.State
# Events in one body, and of one call that wait.
MOST, MOST_WAITING = 100, 500
# So long the event that opens a call may come after the others; and so long who takes one may need.
OPENS, TAKES = timedelta(minutes=1), timedelta(seconds=3)
# So long a recording is looked for whose platform is away.
FETCHED = timedelta(hours=1)
# After this an id may be used again: the event would be refused as too old.
KEPT = timedelta(days=2)
NO_CALL = "This call is not known: it is waited for the event by which it begins (type began)."
OTHER = "This id was used for another event. Give each event an id of its own."
NO_COMMAND = "No command with this number was given to this platform."


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an event: "taken", "known" (it was taken before), "waiting" (for its call) or "refused"."""

    id: str
    state: str
    field: str = ""
    words: str = ""


def take(*, exchange: Exchange, events: Sequence[Any]) -> list[Answer]:
    """Keep a batch of events and take them; those that are wrong are refused with words, the others taken all the same."""
    answers: list[Answer | None] = [None] * len(events)
    good: dict[int, tuple[Event, str]] = {}
    reader = _Reader(exchange)
    for place, raw in enumerate(events):
        try:
            good[place] = (reader.read(raw), parse.digest(raw))
        except Wrong as wrong:
            answers[place] = Answer(parse.id_of(raw), "refused", wrong.field, wrong.words)
    rows = _keep(exchange, [(event, mark, events[place]) for place, (event, mark) in good.items()])
    before = {key: row.state for key, row in rows.items()}
    taken = _take(exchange, reader, [row for row in rows.values() if row.state != State.TAKEN])
    for place, (event, mark) in good.items():
        answers[place] = _answer(event, mark, rows[event.id], before[event.id], taken)
    found = [answer for answer in answers if answer is not None]
    _note(exchange, found)
    return found


class _Reader:
    """Reads events with the phones and queues that the exchange has now."""

    def __init__(self, exchange: Exchange) -> None:
        self._agents = exchange_people.users_of(exchange)
        self._queues = set(ExchangeQueue.objects.filter(exchange=exchange).values_list("name", flat=True))
        self._now = timezone.now().timestamp()

    def read(self, raw: Any) -> Event:
        return parse.parse(raw, agents=self._agents, queues=self._queues, now=self._now)


def _keep(exchange: Exchange, told: Iterable[tuple[Event, str, Any]]) -> dict[str, BridgeEvent]:
    """Keep what is new; return the rows of all, by their ids."""
    rows = [
        BridgeEvent(exchange=exchange, key=event.id, kind=event.kind, call=event.call, digest=mark, body=raw)
        for event, mark, raw in told
    ]
    BridgeEvent.objects.bulk_create(rows, ignore_conflicts=True)
    kept = BridgeEvent.objects.filter(exchange=exchange, key__in=[row.key for row in rows])
    return {row.key: row for row in kept}


def _take(exchange: Exchange, reader: _Reader, rows: Iterable[BridgeEvent], *, late: bool = False) -> dict[str, str]:
    """Take events that are kept, with those that have waited for the same calls. Returns by id "" or what is wrong.

    What opens a call is waited for, unless it is `late`: then a call of the customer is opened without his number.
    """
    by_key = {row.key: row for row in rows}
    calls = {row.call for row in by_key.values() if row.call}
    if calls:
        waited = BridgeEvent.objects.filter(exchange=exchange, call__in=calls, state=State.WAITING)
        by_key |= {row.key: row for row in waited.order_by("pk")[:MOST_WAITING]}
    events, wrong = [], {}
    for row in by_key.values():
        try:
            events.append(reader.read(row.body))
        except Wrong as error:
            # The settings have changed since, or it has become too old.
            wrong[row.key] = error.words
    waiting = _hear(exchange, events, late=late) | _recordings_waiting(exchange, events)
    wrong |= _answered(exchange, events)
    states = [
        AgentState(one.agent, one.at, one.data["state"], one.data.get("reason", "")) for one in _of(events, parse.STATE)
    ]
    if states:
        exchange_people.hear_states(exchange=exchange, states=states)
    for key, words in wrong.items():
        _close(by_key[key], State.FAILED, words)
    done = [by_key[one.id].pk for one in events if one.id not in waiting and one.id not in wrong]
    # A recording is taken when its file is fetched.
    BridgeEvent.objects.filter(pk__in=done).exclude(kind=parse.RECORDING).update(state=State.TAKEN, body={}, error="")
    return {**dict.fromkeys((one.id for one in events if one.id not in waiting), ""), **wrong}


def _of(events: Iterable[Event], *kinds: str) -> list[Event]:
    return [one for one in events if one.kind in kinds]


def _hear(exchange: Exchange, events: Iterable[Event], *, late: bool) -> set[str]:
    """Let routing hear facts. Returns the ids of those that wait for their call.

    Only the event by which it begins has the number: a call is not opened before, or it would be on nobody's card.
    """
    told = [Told(one.call, fact, one.number) for one in events if (fact := one.fact) is not None]
    names = {one.call for one in told}
    ready = names if late else {one.call for one in told if one.fact.kind == Kind.BEGAN} | _known(exchange, names)
    left = acts.hear(exchange=exchange, told=[one for one in told if one.call in ready]) if ready else []
    return {one.fact.key for one in (*left, *(one for one in told if one.call not in ready))}


def _known(exchange: Exchange, names: Iterable[str]) -> set[str]:
    return set(exchanges.known_calls(exchange=exchange, keys=names)) if names else set()


def _recordings_waiting(exchange: Exchange, events: Iterable[Event]) -> set[str]:
    """Return the ids of recordings whose calls are not known."""
    told = _of(events, parse.RECORDING)
    if not told:
        return set()
    known = _known(exchange, {one.call for one in told})
    return {one.id for one in told if one.call not in known}


def _answered(exchange: Exchange, events: Iterable[Event]) -> dict[str, str]:
    """Note what became of commands. Returns by id what is wrong: a command of another platform, or of none."""
    told = _of(events, parse.DONE, parse.FAILED)
    own = CallCommand.objects.filter(exchange=exchange, pk__in=[one.data["command"] for one in told]) if told else []
    known = {row.pk for row in own}
    wrong = {}
    for one in told:
        command = one.data["command"]
        if command not in known:
            wrong[one.id] = NO_COMMAND
        elif one.kind == parse.DONE:
            commands.done(command_id=command)
        else:
            commands.failed(command_id=command, words=one.data.get("words", ""))
    return wrong


def _answer(event: Event, mark: str, row: BridgeEvent, before: str, taken: dict[str, str]) -> Answer:
    if row.digest != mark:
        return Answer(event.id, "refused", "id", OTHER)
    if before == State.TAKEN:
        return Answer(event.id, "known")
    if event.id not in taken:
        return Answer(event.id, "waiting", "call", NO_CALL)
    words = taken[event.id]
    return Answer(event.id, "refused", "", words) if words else Answer(event.id, "taken")


def _note(exchange: Exchange, answers: Iterable[Answer]) -> None:
    """Let the settings show that the platform tells, and what of it was refused last."""
    refused = [one for one in answers if one.state == "refused"]
    trouble = f"{refused[-1].id or '?'}: {refused[-1].words}"[:300] if refused else ""
    mine = Exchange.objects.filter(pk=exchange.pk)
    if trouble or exchange.trouble:
        mine.update(trouble=trouble)
    if exchange.connected_at is None:
        mine.update(connected_at=timezone.now())


def _close(row: BridgeEvent, state: str, words: str = "") -> None:
    BridgeEvent.objects.filter(pk=row.pk).update(state=state, error=words[:300], body={})


# --- Sweep ---


def sweep() -> int:
    """Take what a process that died has left, give up on what no call has come for, and forget old ids. Returns how many."""
    now = timezone.now()
    BridgeEvent.objects.filter(received_at__lt=now - KEPT).delete()
    waiting = BridgeEvent.objects.filter(state=State.WAITING, received_at__lt=now - TAKES)
    rows = list(waiting.exclude(kind=parse.RECORDING).select_related("exchange").order_by("pk")[:MOST_WAITING])
    for exchange in {row.exchange_id: row.exchange for row in rows}.values():
        reader, own = _Reader(exchange), [row for row in rows if row.exchange_id == exchange.pk]
        late = [row for row in own if row.received_at < now - OPENS]
        taken = _take(exchange, reader, [row for row in own if row not in late])
        taken |= _take(exchange, reader, [row for row in late if row.key not in taken], late=True)
        for row in late:
            if row.key not in taken:
                _close(row, State.FAILED, NO_CALL)
    asked = CallCommand.objects.filter(Q(state="waiting") | Q(state="sent"), exchange__kind=ExchangeKind.BRIDGE)
    for exchange in Exchange.objects.filter(pk__in=asked.filter(expires_at__lt=now).values("exchange")):
        commands.expire(exchange=exchange)
    return len(rows)


def recordings_to_fetch() -> list[BridgeEvent]:
    """Return recordings that were told of and whose files are not here yet."""
    waiting = BridgeEvent.objects.filter(state=State.WAITING, kind=parse.RECORDING).select_related("exchange")
    return list(waiting.order_by("pk")[:MOST])


def recording_done(*, event: BridgeEvent, trouble: str = "") -> None:
    """Note that a recording was fetched, or why it cannot be."""
    _close(event, State.FAILED if trouble else State.TAKEN, trouble)
