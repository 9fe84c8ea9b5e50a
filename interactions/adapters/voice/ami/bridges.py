"""Bridges of Asterisk: who is in one with whom hears him. Consultations, conferences and transfers show there. Pure."""

from interactions.adapters.voice.ami.book import Call, Channel, interface_of
from interactions.adapters.voice.ami.teller import Teller
from interactions.adapters.voice.ami.wire import Message
from interactions.calls.facts import CUSTOMER, Kind, is_operator, outside


class Bridges(Teller):
    """The events of bridges, of music in them, and of transfers."""

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
        channel.answered = True
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
        elif channel.answered and not call.consulting:
            call.consulting = channel.party
            # The customer hears music meanwhile, which is no hold of its own.
            call.held.discard(channel.party)
            call.music = False
            rings = [one.party for one in call.channels.values() if one.rings and not one.answered and one.party]
            self._tell(call, Kind.CONSULTED, channel.party, {"party": rings[0]} if rings else {})

    def _on_bridgeleave(self, message: Message) -> None:
        found = self.book.find(message)
        if found and found[1].bridge == message.get("bridgeuniqueid"):
            call, channel = found
            bridge, channel.bridge = channel.bridge, ""
            if len(call.inside(bridge)) == 2:
                call.conferred = False

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
