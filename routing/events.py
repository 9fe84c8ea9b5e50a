"""Facts of routing."""

from dataclasses import dataclass
from typing import ClassVar

from cxcenter.core.events import Payload


@dataclass(frozen=True, kw_only=True)
class ItemQueued(Payload):
    """A contact entered a queue."""

    topic: ClassVar[str] = "item.queued"
    item: int
    interaction: int
    queue: int


@dataclass(frozen=True, kw_only=True)
class ItemLeft(Payload):
    """A visit to a queue ended."""

    topic: ClassVar[str] = "item.left"
    item: int
    interaction: int
    queue: int
    outcome: str


@dataclass(frozen=True, kw_only=True)
class LegAccepted(Payload):
    """An operator accepted a contact."""

    topic: ClassVar[str] = "leg.accepted"
    leg: int
    interaction: int
    operator: int


@dataclass(frozen=True, kw_only=True)
class LegEnded(Payload):
    """An operator no longer holds a contact."""

    topic: ClassVar[str] = "leg.ended"
    leg: int
    interaction: int
    operator: int
    end: str


@dataclass(frozen=True, kw_only=True)
class PresenceChanged(Payload):
    """An operator's state changed."""

    topic: ClassVar[str] = "presence.changed"
    operator: int
    state: str


@dataclass(frozen=True, kw_only=True)
class CallbackAsked(Payload):
    """A customer is to be called back, or (`changed`) otherwise than before: at a time, or as soon as his turn comes."""

    topic: ClassVar[str] = "callback.asked"
    callback: int
    queue: int
    at: str | None
    changed: bool


@dataclass(frozen=True, kw_only=True)
class CallbackMissed(Payload):
    """Nobody answered a call: he is called again at a time."""

    topic: ClassVar[str] = "callback.missed"
    callback: int
    queue: int
    attempt: int
    again_at: str


@dataclass(frozen=True, kw_only=True)
class CallbackEnded(Payload):
    """A callback is over: reached, given up, wrong number, or not needed any more."""

    topic: ClassVar[str] = "callback.ended"
    callback: int
    queue: int
    result: str


@dataclass(frozen=True, kw_only=True)
class RoomMade(Payload):
    """Somebody could take a contact of these queues now: an internal fact that starts an assignment."""

    topic: ClassVar[str] = "room.made"
    public: ClassVar[bool] = False
    queues: list[int]


@dataclass(frozen=True, kw_only=True)
class CallsImported(Payload):
    """Calls of another system's log were kept, which arrived in this span: numbers of the past have changed."""

    topic: ClassVar[str] = "calls.imported"
    public: ClassVar[bool] = False
    since: str
    until: str
