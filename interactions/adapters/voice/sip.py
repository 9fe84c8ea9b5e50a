"""What the telephone of a browser tells of its calls at a SIP platform, as facts. Pure.

The browser is the only witness of such a call: it says what it sees in one word, and each word becomes these facts.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from interactions.calls.facts import CUSTOMER, Fact, Kind, outside
from interactions.calls.table import Control

# Colleagues are consulted and brought in by the operator's browser, which mixes; the platform knows nothing of them.
CONTROLS = frozenset(
    {
        Control.ANSWER,
        Control.DECLINE,
        Control.HOLD,
        Control.RESUME,
        Control.MUTE,
        Control.UNMUTE,
        Control.KEYPAD,
        Control.TRANSFER,
        Control.CONSULT,
        Control.COMPLETE,
        Control.MERGE,
        Control.RETURN,
        Control.ADD,
        Control.HANG_UP,
        Control.PAUSE_RECORDING,
        Control.RESUME_RECORDING,
    }
)


class Word(StrEnum):
    """What a browser says of a call of its own."""

    RINGS = "rings"
    CALLS = "calls"  # the operator calls a customer
    ANSWERED = "answered"
    ANSWERED_THERE = "answered_there"  # by whom he has called
    DECLINED = "declined"
    MISSED = "missed"  # it rings no more: somebody else has it, or the caller is gone
    HELD = "held"
    RESUMED = "resumed"
    HELD_THERE = "held_there"
    RESUMED_THERE = "resumed_there"
    MUTED = "muted"
    UNMUTED = "unmuted"
    HANDED = "handed"  # to a number (`to`): it rings there
    TAKEN = "taken"  # who was called there has answered
    RETURNED = "returned"  # nobody answered there
    PAUSED = "recording_paused"
    RECORDS = "recording_resumed"
    ENDED = "ended"  # `reason`: operator, customer, lost, or why nobody answered


_SIMPLE: Mapping[Word, tuple[Kind, bool]] = {
    # Whether it is of the operator; else it is of the customer.
    Word.ANSWERED: (Kind.ANSWERED, True),
    Word.ANSWERED_THERE: (Kind.ANSWERED, False),
    Word.HELD: (Kind.HELD, True),
    Word.RESUMED: (Kind.RESUMED, True),
    Word.HELD_THERE: (Kind.HELD, False),
    Word.RESUMED_THERE: (Kind.RESUMED, False),
    Word.MUTED: (Kind.MUTED, True),
    Word.UNMUTED: (Kind.UNMUTED, True),
    Word.RETURNED: (Kind.RETURNED, True),
    Word.PAUSED: (Kind.RECORDING_PAUSED, True),
    Word.RECORDS: (Kind.RECORDING_RESUMED, True),
    Word.MISSED: (Kind.LEFT, True),
}


def facts_of(word: Word, *, key: str, at: float, party: str, to: str = "", reason: str = "") -> list[Fact]:
    """Return what a word of a browser says; `party` is its operator. Two facts of one word differ by their keys."""

    def fact(kind: Kind, who: str, **data: str) -> Fact:
        return Fact(key=f"{key}:{kind}", at=at, order=0, kind=kind, party=who, data=data)

    several: Mapping[Word, Callable[[], list[Fact]]] = {
        # Several telephones that ring for one call tell of one beginning.
        Word.RINGS: lambda: [
            Fact(key="began", at=at, order=-1, kind=Kind.BEGAN, party=CUSTOMER),
            fact(Kind.OFFERED, party),
        ],
        Word.CALLS: lambda: [Fact(key="began", at=at, order=-1, kind=Kind.BEGAN, party=party)],
        Word.DECLINED: lambda: [fact(Kind.REFUSED, party, reason="declined")],
        Word.HANDED: lambda: [fact(Kind.TRANSFERRED, party, how="blind", to=to)],
        Word.TAKEN: lambda: [fact(Kind.ANSWERED, outside(to))],
        Word.ENDED: lambda: [fact(Kind.ENDED, "", reason=reason)],
    }
    if word in several:
        return several[word]()
    kind, is_own = _SIMPLE[word]
    return [fact(kind, party if is_own else CUSTOMER)]
