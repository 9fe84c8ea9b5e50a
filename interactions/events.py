"""Facts about talks, cases and tasks."""

from dataclasses import dataclass
from typing import ClassVar

from cxcenter.core.events import Payload


@dataclass(frozen=True, kw_only=True)
class InteractionOpened(Payload):
    """A customer came: routing gives the session a queue."""

    topic: ClassVar[str] = "interaction.opened"
    interaction: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class InteractionClosed(Payload):
    """A session ended."""

    topic: ClassVar[str] = "interaction.closed"
    interaction: int
    kind: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class InteractionLinked(Payload):
    """A session was put on the customer's card by hand, or (`linked` is False) taken off it."""

    topic: ClassVar[str] = "interaction.linked"
    interaction: int
    kind: str
    linked: bool


@dataclass(frozen=True, kw_only=True)
class MessagePosted(Payload):
    """A message was stored. No Event: the message is its own row."""

    topic: ClassVar[str] = "message.posted"
    message: int
    thread: int
    interaction: int
    author: str
    audience: str


@dataclass(frozen=True, kw_only=True)
class RecordingReady(Payload):
    """A recording of a call can be heard. No Event: the recording is its own row."""

    topic: ClassVar[str] = "recording.ready"
    recording: str
    interaction: int


@dataclass(frozen=True, kw_only=True)
class CallOffered(Payload):
    """A call rings at an operator. No Event: the fact is a row of the call."""

    topic: ClassVar[str] = "call.offered"
    call: int
    operator: int
    at: str


@dataclass(frozen=True, kw_only=True)
class CallAnswered(Payload):
    """Somebody has taken a call: an operator, or (without one) who was called."""

    topic: ClassVar[str] = "call.answered"
    call: int
    operator: int | None
    at: str


@dataclass(frozen=True, kw_only=True)
class CallEnded(Payload):
    """A call is over. What operators have to do after it may go on."""

    topic: ClassVar[str] = "call.ended"
    call: int
    reason: str
    at: str


@dataclass(frozen=True, kw_only=True)
class CommandGiven(Payload):
    """A telephone exchange is asked to do something: an internal fact that sends it."""

    topic: ClassVar[str] = "command.given"
    public: ClassVar[bool] = False
    command: int
    exchange: int


@dataclass(frozen=True, kw_only=True)
class CaseOpened(Payload):
    """A case was registered."""

    topic: ClassVar[str] = "case.opened"
    case: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class CaseChanged(Payload):
    """Status, priority or owner of a case changed."""

    topic: ClassVar[str] = "case.changed"
    case: int
    status: str
    fields: list[str]


@dataclass(frozen=True, kw_only=True)
class CaseLinked(Payload):
    """A case was put on the customer's card by hand, or taken off it; with `interaction`: a session was attached to it."""

    topic: ClassVar[str] = "case.linked"
    case: int
    linked: bool
    interaction: int | None = None


@dataclass(frozen=True, kw_only=True)
class TaskCreated(Payload):
    """Something has to be done."""

    topic: ClassVar[str] = "task.created"
    task: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class TaskDone(Payload):
    """It was done."""

    topic: ClassVar[str] = "task.done"
    task: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class VisitorBlocked(Payload):
    """An identity may not write to us until a time."""

    topic: ClassVar[str] = "visitor.blocked"
    identity: int
    until: str
