"""Queues of Asterisk: who waits, at whom it rings, who answers. Pure."""

from interactions.adapters.voice.ami.book import Call, Channel
from interactions.adapters.voice.ami.teller import Teller, whole
from interactions.adapters.voice.ami.wire import Message
from interactions.calls.facts import Kind, is_operator, outside


class Queues(Teller):
    """The events of queues."""

    def _on_queuecallerjoin(self, message: Message) -> None:
        if found := self._need(message):
            call, channel = found
            data = {"queue": message.get("queue"), "position": whole(message.get("position"))}
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
            ring_s = whole(message.get("ringtime"))
            self._offer_late(call, party, ring_s)
            if channel:
                channel.answered = True
            self._tell(call, Kind.ANSWERED, party, {"queue": message.get("queue"), "ring_s": ring_s})

    def _on_agentringnoanswer(self, message: Message) -> None:
        if found := self._need(message):
            party, _ = self._agent(found[0], message)
            ring_s = whole(message.get("ringtime")) / 1000
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
        self._tell(call, Kind.LEFT, party, {"talk_s": whole(message.get("talktime"))})

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
