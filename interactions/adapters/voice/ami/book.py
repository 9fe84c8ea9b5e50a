"""Which calls an Asterisk has, and whose their channels are: what must be remembered to understand the next event. Pure."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from interactions.adapters.voice.ami.wire import Message
from interactions.calls.facts import CUSTOMER, is_operator, operator, outside

# Asterisk's own plumbing between channels: no party's.
LOCAL = "Local/"
# Late events of so many calls that have ended do not begin them again.
_ENDED_KEPT = 1000


@dataclass(slots=True)
class Channel:
    """A line of a party into a call. `rings`: Asterisk calls the party, and not the party Asterisk."""

    name: str
    party: str = ""
    bridge: str = ""
    rings: bool = False
    answered: bool = False


@dataclass(slots=True)
class Call:
    """A call: its channels by Uniqueid, who holds, who consults."""

    id: str
    channels: dict[str, Channel] = field(default_factory=dict)
    by_operator: bool = False
    offered: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    music: bool = False
    consulting: str = ""
    conferred: bool = False
    reason: str = ""

    def of(self, party: str) -> list[Channel]:
        """Return the channels of a party."""
        return [one for one in self.channels.values() if one.party == party]

    def inside(self, bridge: str) -> set[str]:
        """Return the parties that are in a bridge: they hear each other."""
        return {one.party for one in self.channels.values() if one.party and one.bridge == bridge}


def interface_of(channel: str) -> str:
    """Return the interface of a channel: PJSIP/1017 of PJSIP/1017-0000002a."""
    return channel.rsplit("-", 1)[0] if "-" in channel else channel


class Book:
    """The calls by Linkedid. `users`: interface to user id. `phones`: members of queues that no operator is known for."""

    def __init__(self, users: Mapping[str, int]) -> None:
        """Begin with no calls."""
        self.users = users
        self.phones: set[str] = set()
        self.calls: dict[str, Call] = {}
        self._call_of: dict[str, str] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()

    def party_of(self, name: str) -> str:
        """Return the party that a channel or an interface belongs to, empty if it may be anybody."""
        interface = name if name in self.users else interface_of(name)
        if interface in self.users:
            return operator(self.users[interface])
        return outside(interface) if interface in self.phones else ""

    def find(self, message: Message, prefix: str = "") -> tuple[Call, Channel] | None:
        """Return the channel that an event names, and its call."""
        unique = message.get(f"{prefix}uniqueid")
        call = self.calls.get(self._call_of.get(unique, ""))
        return (call, call.channels[unique]) if call else None

    def open(self, message: Message) -> tuple[Call, Channel] | None:
        """Know a channel. Return it and its call; None if it is no party's, known already, or of a call that has ended."""
        name, unique = message.get("channel"), message.get("uniqueid")
        linked = message.get("linkedid") or unique
        if name.startswith(LOCAL) or not unique or unique in self._call_of or linked in self._ended:
            return None
        call = self.calls.setdefault(linked, Call(linked))
        channel = call.channels[unique] = Channel(name, rings=message.get("channelstate") != "4")
        self._call_of[unique] = linked
        channel.party = self.party_of(name)
        if unique == linked:
            channel.party = channel.party or CUSTOMER
            call.by_operator = is_operator(channel.party)
        return call, channel

    def close(self, call: Call, unique: str) -> None:
        """Forget a channel."""
        del call.channels[unique]
        del self._call_of[unique]

    def move(self, other: Call, call: Call) -> None:
        """Give all channels of the one call to the other."""
        self._call_of |= dict.fromkeys(other.channels, call.id)
        call.channels |= other.channels
        other.channels = {}

    def forget(self, call: str) -> None:
        """Forget a call for good: what is heard of it later does not begin it again."""
        gone = self.calls.pop(call, None)
        for unique in gone.channels if gone else ():
            self._call_of.pop(unique, None)
        self._ended[call] = None
        if len(self._ended) > _ENDED_KEPT:
            self._ended.popitem(last=False)
