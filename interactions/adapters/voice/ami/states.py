"""What members of Asterisk's queues are doing, as one state of each operator. Pure.

A member is told of once for each of its queues. It is paused if it is in all of them; else what its phone does counts.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from interactions.adapters.voice.ami.wire import Message

# Device states of Asterisk, by number.
DEVICES: Mapping[str, str] = {
    "0": "unreachable",
    "1": "ready",
    "2": "busy",
    "3": "busy",
    "4": "unreachable",
    "5": "unreachable",
    "6": "ringing",
    "7": "busy",
    "8": "busy",
}
OFFLINE, PAUSED = "offline", "paused"
# The first that any of his queues tells of is his state.
_ORDER = ("busy", "ringing", "ready", PAUSED, "unreachable", OFFLINE)
MEMBER_EVENTS = frozenset(
    {"QueueMember", "QueueMemberStatus", "QueueMemberPause", "QueueMemberAdded", "QueueMemberRemoved"}
)


@dataclass(frozen=True, slots=True)
class AgentState:
    """An operator is ready, busy, ringing, paused (why: `reason`), unreachable or offline since `at` (Unix seconds)."""

    user: int
    at: float
    state: str
    reason: str = ""


@dataclass
class Members:
    """The queues' members. `users`: interface (PJSIP/1017) to user id. `unknown` counts events of all others."""

    users: Mapping[str, int]
    unknown: Counter[str] = field(default_factory=Counter)
    _told: dict[int, tuple[str, str]] = field(default_factory=dict)
    _by_queue: dict[int, dict[str, tuple[str, str]]] = field(default_factory=dict)

    def take(self, message: Message, at: float) -> AgentState | None:
        """Take an event of a member; return his state if it has changed."""
        user = self._keep(message)
        return None if user is None else self._changed(user, at)

    def replace(self, members: Iterable[Message], at: float) -> list[AgentState]:
        """Take all members that there are; return the states that have changed, of those too who are none any more."""
        self._by_queue.clear()
        for message in members:
            self._keep(message)
        changed = [self._changed(user, at) for user in sorted(self._told.keys() | self._by_queue.keys())]
        return [state for state in changed if state is not None]

    def _keep(self, message: Message) -> int | None:
        interface = message.get("interface") or message.get("location")
        user = self.users.get(interface)
        if user is None:
            self.unknown[interface] += 1
        else:
            self._by_queue.setdefault(user, {})[message.get("queue")] = _state(message)
        return user

    def _changed(self, user: int, at: float) -> AgentState | None:
        own = self._by_queue.get(user, {}).values()
        state = min(own, key=lambda one: _ORDER.index(one[0]), default=(OFFLINE, ""))
        if self._told.get(user) == state:
            return None
        self._told[user] = state
        return AgentState(user, at, *state)


def _state(message: Message) -> tuple[str, str]:
    if message.event == "QueueMemberRemoved":
        return OFFLINE, ""
    device = DEVICES.get(message.get("status"), "unreachable")
    if message.get("paused") == "1" and device == "ready":
        return PAUSED, message.get("pausedreason") or message.get("reason")
    return device, ""
