"""What a telephony platform tells, read with care: one event, or the words that say what is wrong with it. Pure."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from interactions.calls.facts import CUSTOMER, Fact, Kind, operator, outside

# What is dated outside of these is a clock that is wrong. In seconds.
MOST_AHEAD_S, MOST_AGO_S = 300, 86_400
ID_CHARS, CALL_CHARS, TEXT_CHARS, NUMBER_CHARS, URL_CHARS = 100, 120, 80, 40, 2000
AGENT, NUMBER = "agent:", "number:"
STATES = ("ready", "busy", "ringing", "paused", "unreachable", "offline")
REFUSALS = ("declined", "no_answer", "busy", "unreachable")
ENDS = ("customer", "operator", "abandoned", "no_answer", "busy", "unreachable", "system")

# Kinds of event that are no facts of a call.
STATE, RECORDING, DONE, FAILED = "agent_state", "recording", "command_done", "command_failed"
_PARTY = ({"party"}, set[str]())
# Kind → (fields that it needs, fields that it may have), besides id, type, at, order and call.
FIELDS: Mapping[str, tuple[set[str], set[str]]] = {
    Kind.BEGAN: ({"party"}, {"number"}),
    Kind.QUEUED: ({"queue"}, set()),
    Kind.OFFERED: ({"party"}, {"queue"}),
    Kind.ANSWERED: _PARTY,
    Kind.REFUSED: ({"party"}, {"reason"}),
    Kind.HELD: _PARTY,
    Kind.RESUMED: _PARTY,
    Kind.MUTED: _PARTY,
    Kind.UNMUTED: _PARTY,
    Kind.CONSULTED: ({"party", "to"}, set()),
    Kind.MERGED: (set(), set()),
    Kind.RETURNED: _PARTY,
    Kind.TRANSFERRED: ({"party", "how"}, set()),
    Kind.LEFT: _PARTY,
    Kind.RECORDING_PAUSED: _PARTY,
    Kind.RECORDING_RESUMED: _PARTY,
    Kind.WRAPPED_UP: _PARTY,
    Kind.ENDED: (set(), {"reason"}),
    STATE: ({"agent", "state"}, {"reason"}),
    RECORDING: ({"url", "started_at"}, set()),
    DONE: ({"command"}, set()),
    FAILED: ({"command"}, {"words"}),
}
OF_NO_CALL = {STATE, DONE, FAILED}
FACTS = frozenset(kind.value for kind in Kind)


class Wrong(ValueError):
    """An event cannot be taken: which field it is, and what to do, in words for who writes the integration."""

    def __init__(self, name: str, words: str) -> None:
        """Keep the field and the words."""
        super().__init__(words)
        self.field = name
        self.words = words


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a platform. `agent` is the user whose phone it is; `data` what its kind has besides."""

    id: str
    kind: str
    at: float
    call: str = ""
    order: int = 0
    party: str = ""
    number: str = ""
    agent: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fact(self) -> Fact | None:
        """The fact of its call that it is; None if it is none."""
        if self.kind not in FACTS:
            return None
        return Fact(self.id, self.at, self.order, Kind(self.kind), self.party, self.data)


def digest(raw: Any) -> str:
    """Return what tells two events with one id from another, however their fields are ordered."""
    return hashlib.sha256(json.dumps(raw, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def id_of(raw: Any) -> str:
    """Return the id of an event as far as it has one: for the answer, whatever else is wrong with it."""
    said = raw.get("id") if isinstance(raw, Mapping) else None
    return said[:ID_CHARS] if isinstance(said, str) else ""


def parse(raw: Any, *, agents: Mapping[str, int], queues: Collection[str], now: float) -> Event:
    """Return an event. `agents` are users by the names of their phones. Raises Wrong."""
    if not isinstance(raw, Mapping):
        raise Wrong("", "An event is an object with id, type and at.")
    kind = _kind(raw)
    needs, may = FIELDS[kind]
    needs = {"id", "type", "at", *needs, *(() if kind in OF_NO_CALL else ("call",))}
    _refuse_fields(raw, needs, {*needs, *may, "order"}, kind)
    read = {name: _READ[name](raw[name], name) for name in raw if name in _READ}
    party, number = _party(raw, "party", agents), read.get("number", "")
    data = {name: read[name] for name in ("queue", "reason", "how", "url", "command", "words", "state") if name in read}
    if "to" in raw:
        data["party"] = _party(raw, "to", agents)
    if "started_at" in read:
        data["started_at"] = read["started_at"]
    _refuse_values(kind, data, queues)
    return Event(
        id=read["id"],
        kind=kind,
        at=_recent(read["at"], now),
        call=read.get("call", ""),
        order=read.get("order", 0),
        party=CUSTOMER if kind == Kind.QUEUED else party,
        number=number,
        agent=_agent(raw["agent"], "agent", agents) if "agent" in raw else 0,
        data=data,
    )


def _kind(raw: Mapping[str, Any]) -> str:
    kind = raw.get("type")
    if not isinstance(kind, str) or kind not in FIELDS:
        raise Wrong("type", f"Give one of the types: {', '.join(FIELDS)}.")
    return kind


def _refuse_fields(raw: Mapping[str, Any], needs: set[str], known: set[str], kind: str) -> None:
    for name in raw:
        if name not in known:
            raise Wrong(
                str(name)[:40], f"An event of the type {kind} has no such field. It has {', '.join(sorted(known))}."
            )
    for name in sorted(needs):
        if name not in raw:
            raise Wrong(name, f"An event of the type {kind} needs this field.")


def _refuse_values(kind: str, data: Mapping[str, Any], queues: Collection[str]) -> None:
    lists: dict[str, tuple[str, ...]] = {"how": ("blind", "consult"), "state": STATES}
    if kind == Kind.REFUSED:
        lists["reason"] = REFUSALS
    if kind == Kind.ENDED:
        lists["reason"] = ENDS
    for name, values in lists.items():
        if name in data and data[name] not in values:
            raise Wrong(name, f"Give one of: {', '.join(values)}.")
    if "queue" in data and data["queue"] not in queues:
        raise Wrong(
            "queue", "No queue of this platform has that name. Add it to the platform's queues in the settings."
        )


def _party(raw: Mapping[str, Any], name: str, agents: Mapping[str, int]) -> str:
    if name not in raw:
        return ""
    said = _text(raw[name], name, TEXT_CHARS)
    if said == CUSTOMER:
        return CUSTOMER
    if said.startswith(AGENT):
        return operator(_agent(said.removeprefix(AGENT), name, agents))
    if said.startswith(NUMBER) and len(said) > len(NUMBER):
        return outside(said.removeprefix(NUMBER)[: NUMBER_CHARS - 4])
    raise Wrong(name, "A party is written customer, agent:NAME or number:+79001234567.")


def _agent(said: Any, name: str, agents: Mapping[str, int]) -> int:
    known = agents.get(_text(said, name, TEXT_CHARS))
    if known is None:
        raise Wrong(name, "No operator has a phone of that name. Add it to the platform's phones in the settings.")
    return known


def _text(said: Any, name: str, most: int) -> str:
    if not isinstance(said, str) or not said.strip() or len(said) > most or not said.isprintable():
        raise Wrong(name, f"Give a text of 1 to {most} printable characters.")
    return said


def _moment(said: Any, name: str) -> float:
    try:
        moment = datetime.fromisoformat(said) if isinstance(said, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        pass
    raise Wrong(name, "Write a moment with its zone, like 2026-04-14T09:30:00.250Z.")


def _recent(at: float, now: float) -> float:
    if at > now + MOST_AHEAD_S:
        raise Wrong("at", "This is in the future. Set the platform's clock.")
    if at < now - MOST_AGO_S:
        raise Wrong("at", "This is more than a day ago: it cannot be taken any more.")
    return at


def _whole(said: Any, name: str) -> int:
    if not isinstance(said, int) or isinstance(said, bool) or not 0 <= said < 2**63:
        raise Wrong(name, "Give a whole number from 0.")
    return said


def _address(said: Any, name: str) -> str:
    url = _text(said, name, URL_CHARS)
    if urlsplit(url).scheme not in {"http", "https"}:
        raise Wrong(name, "Give an address that begins with https://.")
    return url


def _upto(most: int) -> Callable[[Any, str], str]:
    return lambda said, name: _text(said, name, most)


_READ: Mapping[str, Callable[[Any, str], Any]] = {
    "id": _upto(ID_CHARS),
    "at": _moment,
    "order": _whole,
    "call": _upto(CALL_CHARS),
    "number": _upto(NUMBER_CHARS),
    "queue": _upto(TEXT_CHARS),
    "reason": _upto(TEXT_CHARS),
    "how": _upto(TEXT_CHARS),
    "state": _upto(TEXT_CHARS),
    "url": _address,
    "started_at": _moment,
    "command": _whole,
    "words": _upto(300),
}
