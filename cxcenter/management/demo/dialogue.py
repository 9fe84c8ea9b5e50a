"""The notation of the demo's dialogues.

One line is one utterance: `<` the customer says, `>` the operator says, `#` a note to colleagues,
`=` the talk is handed to the second line with this note. Words in braces are filled in.
"""

from dataclasses import dataclass
from typing import Literal

CUSTOMER, STAFF, NOTE, TRANSFER = "<", ">", "#", "="
CaseKindName = Literal["question", "complaint", "request"]


@dataclass(frozen=True)
class Dialogue:
    """One talk: what it is about, how it ends, what the customer thinks of it (1–5), the case it leaves."""

    topic: str
    outcome: str
    csat: int
    text: str
    case: tuple[CaseKindName, str] | None = None

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Return (who, words) in order."""
        return [(line[0], line[1:].strip()) for line in self.text.strip().splitlines()]

    @property
    def is_handed_over(self) -> bool:
        """Tell whether the second line takes part."""
        return any(who == TRANSFER for who, _words in self.lines)
