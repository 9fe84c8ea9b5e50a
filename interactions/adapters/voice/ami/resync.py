"""What was missed while there was no line, from lists of what there is now. Pure.

Channels and callers that are there are told of as if they had just come; of those that are not, the end is told.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interactions.adapters.voice.ami.book import LOCAL
from interactions.adapters.voice.ami.states import AgentState
from interactions.adapters.voice.ami.teller import Event, Heard
from interactions.adapters.voice.ami.translate import Translator
from interactions.adapters.voice.ami.wire import Message
from interactions.calls.facts import Kind

_UP = "6"
# How a call that is known began is known better than from the age of its channels, which is in whole seconds.
_BEGINS = frozenset({Kind.BEGAN, Kind.QUEUED})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The answers of CoreShowChannels and QueueStatus, asked for at `at` (Unix seconds)."""

    channels: Sequence[Message]
    queues: Sequence[Message]
    at: float
    order: int


def resync(translator: Translator, now: Snapshot, known: frozenset[str] = frozenset()) -> list[Heard | AgentState]:
    """Return what must have happened. `known` are calls that we hold for open, be they remembered here or not."""
    there = {one.get("uniqueid") for one in now.channels}
    calls = {one.get("linkedid") or one.get("uniqueid") for one in now.channels}
    told: list[Heard | AgentState] = []
    for call in sorted(known | set(translator.book.calls)):
        remembered = translator.book.calls.get(call)
        lives = bool(remembered.channels.keys() & there) if remembered and remembered.channels else call in calls
        if not lives:
            told.append(translator.lose(call, now.at, now.order))
    for number, (message, at) in enumerate(_events(translator, now, there)):
        heard = translator.feed(Event(message, at, now.order + number))
        told += [
            one for one in heard if not (isinstance(one, Heard) and one.call in known and one.fact.kind in _BEGINS)
        ]
    members = [one for one in now.queues if one.event == "QueueMember"]
    return [*told, *translator.members.replace(members, now.at)]


def _events(translator: Translator, now: Snapshot, there: set[str]) -> Iterator[tuple[Message, float]]:
    """Yield the events that were missed, as far as one can tell: hang-ups, new channels, bridges, callers, members."""
    for call in list(translator.book.calls.values()):
        for unique in [one for one in call.channels if one not in there]:
            yield Message({"event": "Hangup", "uniqueid": unique}), now.at
    # The oldest first: it is the one that has begun the call.
    channels = sorted((one for one in now.channels if one.event == "CoreShowChannel"), key=_age, reverse=True)
    for one in channels:
        state = "4" if one.get("uniqueid") == one.get("linkedid") else one.get("channelstate")
        yield Message({**one.fields, "event": "Newchannel", "channelstate": state}), now.at - _age(one)
    for one in now.queues:
        if one.event == "QueueEntry":
            yield from _waits(translator, one, now.at)
    for one in channels:
        if one.get("bridgeid") and one.get("channelstate") == _UP and not one.get("channel").startswith(LOCAL):
            yield Message({**one.fields, "event": "BridgeEnter", "bridgeuniqueid": one.get("bridgeid")}), now.at


def _waits(translator: Translator, entry: Message, at: float) -> Iterator[tuple[Message, float]]:
    wait = entry.get("wait")
    since = at - (int(wait) if wait.isascii() and wait.isdecimal() else 0)
    if found := translator.book.find(entry):
        fields = {**entry.fields, "event": "QueueCallerJoin", "linkedid": found[0].id}
        yield Message(fields), since


def _age(channel: Message) -> int:
    """Return how many seconds a channel lives: its Duration is told as 00:01:05."""
    parts = channel.get("duration").split(":")
    if not all(part.isascii() and part.isdecimal() for part in parts):
        return 0
    seconds = 0
    for part in parts:
        seconds = seconds * 60 + int(part)
    return seconds
