"""What happens in a call, in the words of no provider: every one of them is translated into these facts. No Django here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

# The party that a call is about. Others are "op:17" (the operator with that user id) and "ext:+79001234567".
CUSTOMER = "customer"
_OPERATOR = "op:"
_OUTSIDE = "ext:"


class Kind(StrEnum):
    """What a fact says of its party, or of the whole call."""

    BEGAN = "began"  # the party calls; its call rings somewhere
    QUEUED = "queued"  # the customer waits in a queue
    OFFERED = "offered"  # it rings at the party
    ANSWERED = "answered"
    REFUSED = "refused"  # declined, not answered in time, busy; data: reason
    HELD = "held"
    RESUMED = "resumed"
    MUTED = "muted"
    UNMUTED = "unmuted"
    CONSULTED = "consulted"  # the operator calls a second party; data: party, the one that he calls
    MERGED = "merged"  # all who are connected are one conference now
    RETURNED = "returned"  # the consultation is over: the operator is back with the customer
    TRANSFERRED = "transferred"  # by the party; data: how, "blind" or "consult"
    LEFT = "left"
    RECORDING_PAUSED = "recording_paused"
    RECORDING_RESUMED = "recording_resumed"
    WRAPPED_UP = "wrapped_up"
    ENDED = "ended"  # data: reason


@dataclass(frozen=True, slots=True)
class Fact:
    """One event. `key` is the provider's id of it, by which doubles are known; `at` is in Unix seconds.

    `order` is how the source counted within one moment. `party` is empty where the fact concerns the whole call.
    """

    key: str
    at: float
    order: int
    kind: Kind
    party: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


def operator(user: int) -> str:
    """Return the party that an operator is."""
    return f"{_OPERATOR}{user}"


def outside(number: str) -> str:
    """Return the party that somebody outside is."""
    return f"{_OUTSIDE}{number}"


def is_operator(party: str) -> bool:
    """Tell whether a party is one of our operators."""
    return party.startswith(_OPERATOR)


def user_of(party: str) -> int | None:
    """Return the user id of a party that is an operator."""
    return int(party.removeprefix(_OPERATOR)) if is_operator(party) else None


def number_of(party: str) -> str | None:
    """Return the number of a party that is somebody outside."""
    return party.removeprefix(_OUTSIDE) if party.startswith(_OUTSIDE) else None
