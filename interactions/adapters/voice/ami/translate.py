"""Asterisk's events as facts. Pure: what was heard goes in, facts come out.

A call is known by the Linkedid that its channels have in common, a party by its channel's interface. Local channels are
Asterisk's own plumbing and no parties. Two events have the same name for the time that it rang: in seconds in
AgentConnect, in milliseconds in AgentRingNoAnswer. For wrapping up there is no event: the desk tells of it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from interactions.adapters.voice.ami.book import Book, Call, Channel, interface_of
from interactions.adapters.voice.ami.states import MEMBER_EVENTS, AgentState, Members
from interactions.adapters.voice.ami.wire import Message
from interactions.calls.facts import CUSTOMER, Fact, Kind, is_operator, outside
from interactions.calls.view import micros

# Of one event: so many facts at most, counted within it.
_STEP = 8
# Of the causes of a hang-up (Q.850) those that say why it was not answered.
CAUSES: Mapping[str, str] = {"17": "busy", "18": "no_answer", "19": "no_answer", "20": "unreachable", "21": "declined"}
DIALS: Mapping[str, str] = {
    "BUSY": "busy",
    "NOANSWER": "no_answer",
    "CONGESTION": "unreachable",
    "CHANUNAVAIL": "unreachable",
}


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


class Translator:
    """Facts from events, in the order in which the server tells them. `users`: interface to user id."""

    def __init__(self, users: Mapping[str, int]) -> None:
        """Begin with no calls."""
        self.members = Members(users)
        self.book = Book(users)
        self._told: list[Heard] = []
        self._now: Event

    @property
    def unknown(self) -> Counter[str]:
        """Interfaces of queues' members that no operator is known for, and how often they were told of."""
        return self.members.unknown

    def feed(self, event: Event) -> list[Heard | AgentState]:
        """Take an event; return what it tells."""
        name = event.message.event
        if name in MEMBER_EVENTS:
            state = self.members.take(event.message, event.at)
            return [] if state is None else [state]
        act: Callable[[Message], None] | None = getattr(self, f"_on_{name.lower()}", None)
        if act is None:
            return []
        self._told, self._now = [], event
        act(event.message)
        return list(self._told)

    def channel(self, call: str, party: str) -> str:
        """Return the name of the channel by which a party is in a call, empty if it is in none."""
        found = self.book.calls[call].of(party) if call in self.book.calls else []
        return found[0].name if found else ""

    def lose(self, call: str, at: float, order: int) -> Heard:
        """Forget a call that the server has no more. Its end was missed: the fact says so."""
        self.book.forget(call)
        fact = Fact(f"{call}:lost:{micros(at)}", at, order * _STEP, Kind.ENDED, data={"reason": "lost"})
        return Heard(call, fact)

    # Channels.

    def _on_newchannel(self, message: Message) -> None:
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

    def _on_dialbegin(self, message: Message) -> None:
        found = self.book.find(message, "dest")
        if found and not found[1].party:
            call, channel = found
            self._name(call, channel, message, "dest")
            self._tell(call, Kind.OFFERED, channel.party)

    def _on_dialend(self, message: Message) -> None:
        found = self.book.find(message, "dest")
        if found is None:
            return
        call, channel = found
        if call.by_operator and message.get("destuniqueid") == call.id:
            return  # a click to call: his own phone rings first
        status = message.get("dialstatus")
        if status == "ANSWER":
            self._answer(call, channel, message, "dest")
        elif status in DIALS and channel.party:
            self._refuse(call, channel, DIALS[status])

    def _refuse(self, call: Call, channel: Channel, why: str) -> None:
        if channel.party == CUSTOMER:
            call.reason = why
        self._tell(call, Kind.REFUSED, channel.party, {"reason": why})

    def _on_hanguprequest(self, message: Message) -> None:
        found = self.book.find(message)
        if found and not found[0].reason:
            found[0].reason = _side(found[1].party)

    def _on_hangup(self, message: Message) -> None:
        found = self.book.find(message)
        if found is None:
            return
        call, channel = found
        self.book.close(call, message.get("uniqueid"))
        if channel.party and not call.of(channel.party):
            self._let_go(call, channel, message.get("cause"))
        if not call.channels:
            self._tell(call, Kind.ENDED, "", {"reason": call.reason or "hung_up"})
            self.book.forget(call.id)

    def _let_go(self, call: Call, channel: Channel, cause: str) -> None:
        if channel.rings and not channel.answered and cause in CAUSES:
            self._refuse(call, channel, CAUSES[cause])
            return
        call.reason = call.reason or _side(channel.party)
        self._tell(call, Kind.LEFT, channel.party, {"cause": cause})

    # Queues.

    def _on_queuecallerjoin(self, message: Message) -> None:
        if found := self._need(message):
            call, channel = found
            data = {"queue": message.get("queue"), "position": _whole(message.get("position"))}
            self._tell(call, Kind.QUEUED, channel.party, data)

    def _on_queuecallerabandon(self, message: Message) -> None:
        if found := self.book.find(message):
            call, channel = found
            call.reason = "abandoned"
            self._tell(call, Kind.LEFT, channel.party, {"reason": "abandoned", "queue": message.get("queue")})

    def _on_agentcalled(self, message: Message) -> None:
        if found := self._need(message):
            party, channel = self._agent(found[0], message)
            if channel is None or not channel.answered:
                self._tell(found[0], Kind.OFFERED, party, {"queue": message.get("queue")})

    def _on_agentconnect(self, message: Message) -> None:
        if found := self._need(message):
            call = found[0]
            party, channel = self._agent(call, message)
            ring_s = _whole(message.get("ringtime"))
            self._offer_late(call, party, ring_s)
            if channel:
                channel.answered = True
            call.reason = ""
            self._tell(call, Kind.ANSWERED, party, {"queue": message.get("queue"), "ring_s": ring_s})

    def _on_agentringnoanswer(self, message: Message) -> None:
        if found := self._need(message):
            party, _ = self._agent(found[0], message)
            ring_s = _whole(message.get("ringtime")) / 1000
            self._offer_late(found[0], party, ring_s)
            why = "no_answer" if ring_s else "unreachable"
            data = {"reason": why, "queue": message.get("queue"), "ring_s": ring_s}
            self._tell(found[0], Kind.REFUSED, party, data)

    def _offer_late(self, call: Call, party: str, ring_s: float) -> None:
        """Tell when it began to ring, if the event of that was missed: the one of its outcome says how long it rang."""
        if party not in call.offered and ring_s:
            self._tell(call, Kind.OFFERED, party, at=self._now.at - ring_s)

    def _on_agentcomplete(self, message: Message) -> None:
        found = self.book.find(message)
        why = message.get("reason").lower()
        if found is None or why == "transfer":
            return
        call = found[0]
        call.reason = {"caller": "customer", "agent": "operator"}.get(why, "")
        party, _ = self._agent(call, message)
        self._tell(call, Kind.LEFT, party, {"talk_s": _whole(message.get("talktime"))})

    def _agent(self, call: Call, message: Message) -> tuple[str, Channel | None]:
        """Return the party that a queue calls, and its channel if it is known: unknown members are somebody outside."""
        interface = message.get("interface")
        party = self.book.party_of(interface)
        if not is_operator(party):
            self.unknown[interface] += 1
            self.book.phones.add(interface)
            party = outside(interface)
        channel = call.channels.get(message.get("destuniqueid"))
        if channel:
            channel.party = party
        return party, channel

    # Hold.

    def _on_hold(self, message: Message) -> None:
        self._hold(message, Kind.HELD)

    def _on_unhold(self, message: Message) -> None:
        self._hold(message, Kind.RESUMED)

    def _hold(self, message: Message, kind: Kind) -> None:
        found = self.book.find(message)
        if found and found[1].party:
            call, channel = found
            (call.held.add if kind == Kind.HELD else call.held.discard)(channel.party)
            self._tell(call, kind, channel.party)

    def _on_musiconholdstart(self, message: Message) -> None:
        """Music in the customer's ear in mid-talk is a hold by the operator, where the phone has not told of one."""
        call, other = self._other(message)
        if call and other and other.party not in call.held:
            call.held.add(other.party)
            call.music = True
            self._tell(call, Kind.HELD, other.party)

    def _on_musiconholdstop(self, message: Message) -> None:
        found = self.book.find(message)
        if found and found[0].music and found[1].party == CUSTOMER:
            call = found[0]
            call.music = False
            for party in sorted(call.held):
                self._tell(call, Kind.RESUMED, party)
            call.held.clear()

    def _other(self, message: Message) -> tuple[Call | None, Channel | None]:
        """Return the operator who is in one bridge with the customer that an event names."""
        found = self.book.find(message)
        if found is None or found[1].party != CUSTOMER or not found[1].bridge:
            return None, None
        call, channel = found
        together = [one for one in call.channels.values() if one.bridge == channel.bridge and is_operator(one.party)]
        return call, together[0] if together and not call.consulting else None

    # Bridges: who is in one hears each other.

    def _on_bridgeenter(self, message: Message) -> None:
        found = self._need(message)
        if found is None:
            return
        call, channel = found
        before, channel.bridge = channel.bridge, message.get("bridgeuniqueid")
        if swapped := call.channels.get(message.get("swapuniqueid")):
            swapped.bridge = ""
        if not channel.answered and message.get("uniqueid") != call.id:
            self._answer(call, channel, message, "")
        if len(call.inside(channel.bridge)) > 2:
            if not call.conferred:
                call.conferred, call.consulting = True, ""
                self._tell(call, Kind.MERGED)
        elif is_operator(channel.party) and before != channel.bridge:
            self._move(call, channel)

    def _move(self, call: Call, channel: Channel) -> None:
        """An operator in another bridge than his customer consults; in the customer's again, he is back."""
        customers = [one for one in call.of(CUSTOMER) if one.bridge]
        if not customers:
            return
        if any(one.bridge == channel.bridge for one in customers):
            if call.consulting == channel.party:
                call.consulting = ""
                self._tell(call, Kind.RETURNED, channel.party)
        elif channel.answered and not call.consulting and not self._talks_to_other(call, channel):
            call.consulting = channel.party
            # The customer hears music meanwhile, which is no hold of its own.
            call.held.discard(channel.party)
            call.music = False
            rings = [one.party for one in call.channels.values() if one.rings and not one.answered and one.party]
            self._tell(call, Kind.CONSULTED, channel.party, {"party": rings[0]} if rings else {})

    @staticmethod
    def _talks_to_other(call: Call, channel: Channel) -> bool:
        """Tell whether the customer is in a bridge with another operator: then nobody consults for him."""
        at = {one.bridge for one in call.of(CUSTOMER)}
        return any(one.bridge in at and is_operator(one.party) and one is not channel for one in call.channels.values())

    def _on_bridgeleave(self, message: Message) -> None:
        found = self.book.find(message)
        if found and found[1].bridge == message.get("bridgeuniqueid"):
            call, channel = found
            bridge, channel.bridge = channel.bridge, ""
            if len(call.inside(bridge)) == 2:
                call.conferred = False

    # Transfers.

    def _on_blindtransfer(self, message: Message) -> None:
        found = self.book.find(message, "transferer")
        if found and message.get("result") == "Success" and is_operator(found[1].party):
            data = {"how": "blind", "to": message.get("extension")}
            self._tell(found[0], Kind.TRANSFERRED, found[1].party, data)

    def _on_attendedtransfer(self, message: Message) -> None:
        found, second = self.book.find(message, "origtransferer"), self.book.find(message, "secondtransferer")
        if found is None or message.get("result") != "Success" or not is_operator(found[1].party):
            return
        if second and found[0].by_operator and not second[0].by_operator:
            found, second = second, found  # he has called the second party first
        call, channel = found
        if second and second[0] is not call:
            self._join(call, second[0], channel.party)
        call.consulting = ""
        for one in call.of(channel.party):
            one.bridge = ""  # where the other is now, or will be in a moment
        self._tell(call, Kind.TRANSFERRED, channel.party, {"how": "consult"})

    def _join(self, call: Call, other: Call, by: str) -> None:
        """An operator consulted in a call of its own, and gives one to the other: they are one call from here on."""
        for channel in other.channels.values():
            if channel.party == CUSTOMER:
                channel.party = outside(interface_of(channel.name))
            if channel.party not in ("", by):
                self._tell(call, Kind.ANSWERED, channel.party)
        self.book.move(other, call)
        self._tell(other, Kind.ENDED, "", {"reason": "transferred"})
        self.book.forget(other.id)

    # Parties.

    def _need(self, message: Message) -> tuple[Call, Channel] | None:
        """Return the channel that an event names, and its call; known from here on, if the log begins in the middle."""
        if found := self.book.find(message):
            return found
        linked = message.get("linkedid") or message.get("uniqueid")
        state = "4" if message.get("uniqueid") == linked else "5"
        self._on_newchannel(Message({**message.fields, "channelstate": state, "linkedid": linked}))
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
        order = self._now.order * _STEP + len(self._told)
        self._told.append(Heard(call.id, Fact(key, at, order, kind, party, data or {})))


def replay(events: Iterable[Event], users: Mapping[str, int]) -> list[Heard | AgentState]:
    """Translate a log that was kept, in the order in which it happened: as it lies, it may be shuffled or doubled."""
    translator = Translator(users)
    told: list[Heard | AgentState] = []
    before = None
    for event in sorted(events, key=lambda one: (one.at, one.order)):
        place = (event.at, event.order)
        if place != before:
            told += translator.feed(event)
        before = place
    return told


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0


def _side(party: str) -> str:
    """Return who ended a call, in a word."""
    if party == CUSTOMER:
        return "customer"
    return "operator" if is_operator(party) else "outside"
