"""How one event of Asterisk becomes facts: whose it is, and the telling. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interactions.adapters.voice.ami.book import Book, Call, Channel, interface_of
from interactions.adapters.voice.ami.states import Members
from interactions.adapters.voice.ami.wire import Message
from interactions.calls.facts import CUSTOMER, Fact, Kind, outside
from interactions.calls.view import micros

# Of one event: so many facts at most, counted within it.
STEP = 8


@dataclass(frozen=True, slots=True)
class Event:
    """A message that was heard: when, in Unix seconds, and as which one of its source."""

    message: Message
    at: float
    order: int


@dataclass(frozen=True, slots=True)
class Heard:
    """A fact, and the call that it is of."""

    call: str
    fact: Fact


def event_of(message: Message, received: float, order: int) -> Event:
    """Return a message with its moment: its own, if the server stamps its events, else that at which it came."""
    try:
        at = float(message.get("timestamp"))
    except ValueError:
        at = received
    return Event(message, at, order)


class Teller:
    """What is known of the calls, and what the event of this moment tells."""

    def __init__(self, users: Mapping[str, int]) -> None:
        """Begin with no calls. `users`: interface to user id."""
        self.members = Members(users)
        self.book = Book(users)
        self._told: list[Heard] = []
        self._now: Event

    @property
    def unknown(self) -> Counter[str]:
        """Interfaces of queues' members that no operator is known for, and how often they were told of."""
        return self.members.unknown

    def _open(self, message: Message) -> None:
        """Know a channel, and tell that its party calls or is called."""
        found = self.book.open(message)
        if found is None:
            return
        call, channel = found
        first = message.get("uniqueid") == call.id
        if first and (call.by_operator or not channel.rings):
            called = {"from": message.get("calleridnum"), "to": message.get("exten")}
            self._tell(call, Kind.BEGAN, channel.party, called)
        elif channel.party:
            self._tell(call, Kind.OFFERED, channel.party)

    def _need(self, message: Message) -> tuple[Call, Channel] | None:
        """Return the channel that an event names, and its call; known from here on, if the log begins in the middle."""
        if found := self.book.find(message):
            return found
        linked = message.get("linkedid") or message.get("uniqueid")
        state = "4" if message.get("uniqueid") == linked else "5"
        self._open(Message({**message.fields, "channelstate": state, "linkedid": linked}))
        return self.book.find(message)

    def _name(self, call: Call, channel: Channel, message: Message, prefix: str) -> None:
        """Tell who a channel to the outside is: whom the operator has called, else somebody besides the customer."""
        if call.by_operator and not call.of(CUSTOMER):
            channel.party = CUSTOMER
            return
        number = message.get(f"{prefix}calleridnum")
        dialled = message.get("dialstring").partition("@")[0].rpartition("/")[2]
        channel.party = outside(dialled or (number if number != "<unknown>" else "") or interface_of(channel.name))

    def _answer(self, call: Call, channel: Channel, message: Message, prefix: str) -> None:
        if not channel.party:
            self._name(call, channel, message, prefix)
        if not channel.answered:
            channel.answered = True
            call.reason = ""
            self._tell(call, Kind.ANSWERED, channel.party)

    def _tell(
        self, call: Call, kind: Kind, party: str = "", data: Mapping[str, Any] | None = None, at: float | None = None
    ) -> None:
        at = self._now.at if at is None else at
        if kind == Kind.OFFERED:
            call.offered.add(party)
        elif kind == Kind.REFUSED:
            call.offered.discard(party)
        # The same event heard twice makes the same key, in whichever process.
        key = f"{call.id}:{kind}:{party}:{micros(at)}"
        order = self._now.order * STEP + len(self._told)
        self._told.append(Heard(call.id, Fact(key, at, order, kind, party, data or {})))

    def _refuse(self, call: Call, channel: Channel, why: str) -> None:
        if channel.party == CUSTOMER:
            call.reason = why
        self._tell(call, Kind.REFUSED, channel.party, {"reason": why})


def whole(text: str) -> int:
    """Return a number that the server tells; 0 if it tells none."""
    return int(text) if text.isascii() and text.isdecimal() else 0
