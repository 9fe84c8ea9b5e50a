"""Asterisk's events as facts. Pure: what was heard goes in, facts come out.

A call is known by the Linkedid that its channels have in common, a party by its channel's interface. Local channels are
Asterisk's own plumbing and no parties. Two events have the same name for the time that it rang: in seconds in
AgentConnect, in milliseconds in AgentRingNoAnswer. For wrapping up there is no event: the desk tells of it.
"""

from collections.abc import Callable, Iterable, Mapping

from interactions.adapters.voice.ami.book import Call, Channel
from interactions.adapters.voice.ami.bridges import Bridges
from interactions.adapters.voice.ami.queues import Queues
from interactions.adapters.voice.ami.states import MEMBER_EVENTS, AgentState
from interactions.adapters.voice.ami.teller import STEP, Event, Heard
from interactions.adapters.voice.ami.wire import Message
from interactions.calls.facts import CUSTOMER, Fact, Kind, is_operator
from interactions.calls.view import micros

# Of the causes of a hang-up (Q.850) those that say why it was not answered.
CAUSES: Mapping[str, str] = {"17": "busy", "18": "no_answer", "19": "no_answer", "20": "unreachable", "21": "declined"}
DIALS: Mapping[str, str] = {
    "BUSY": "busy",
    "NOANSWER": "no_answer",
    "CONGESTION": "unreachable",
    "CHANUNAVAIL": "unreachable",
}


class Translator(Queues, Bridges):
    """Facts from events, in the order in which the server tells them."""

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
        fact = Fact(f"{call}:lost:{micros(at)}", at, order * STEP, Kind.ENDED, data={"reason": "lost"})
        return Heard(call, fact)

    def _on_newchannel(self, message: Message) -> None:
        self._open(message)

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
        if channel.answered or not channel.rings:
            call.reason = call.reason or _side(channel.party)
        self._tell(call, Kind.LEFT, channel.party, {"cause": cause})


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


def _side(party: str) -> str:
    """Return who ended a call, in a word."""
    if party == CUSTOMER:
        return "customer"
    return "operator" if is_operator(party) else "outside"
