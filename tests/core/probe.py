"""Facts that only tests know: their handlers do what a test asks for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from cxcenter.core.events import Payload, handles


@dataclass(frozen=True, kw_only=True)
class Probed(Payload):
    """Something a test emitted."""

    topic: ClassVar[str] = "test.probed"
    number: int


seen: list[int] = []
# What the handler does besides; a test sets and empties it.
also: list[Callable[[int], None]] = []


@handles(Probed)
def note(fact: Probed) -> None:
    seen.append(fact.number)
    for act in also:
        act(fact.number)
