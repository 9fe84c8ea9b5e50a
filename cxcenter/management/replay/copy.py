"""One page's copy of a thread, kept by the rules of the pages: change numbers, gaps, the greater change wins."""

import asyncio
import time
from dataclasses import dataclass, field


@dataclass
class Kept:
    """A message as a page has it. `came` tells how it came first: "push", "check" or "own"."""

    ident: int
    seq: int
    changed: int
    key: str
    text: str
    came: str
    # By the clock of `time.monotonic`.
    at: float = field(default_factory=time.monotonic)


class Copy:
    """What one page knows of a thread: messages by id, and the number of the last change."""

    def __init__(self, number: int = 0) -> None:
        self.number = number
        self.messages: dict[int, Kept] = {}
        self.repaired = 0
        self._has: dict[str, asyncio.Event] = {}

    def takes(self, number: int) -> bool | None:
        """Tell whether a push is the next one: True, False for an old one, None for a gap."""
        if number <= self.number:
            return False
        if number > self.number + 1:
            return None
        self.number = number
        return True

    def put(self, message: Kept) -> None:
        """Keep a message; of two copies of one the greater change counts."""
        old = self.messages.get(message.ident)
        if old is not None:
            if message.changed >= old.changed:
                old.seq, old.changed, old.text = message.seq, message.changed, message.text
            return
        self.messages[message.ident] = message
        self.repaired += message.came == "check"
        if message.key:
            self._event(message.key).set()

    def caught_up(self, number: int) -> None:
        """Count all up to `number` as known: a gap check has answered."""
        self.number = max(self.number, number)

    async def has(self, key: str, patience_s: float) -> bool:
        """Wait until the message with this key is here; False if it does not come in time."""
        try:
            async with asyncio.timeout(patience_s):
                await self._event(key).wait()
        except TimeoutError:
            return False
        return True

    def in_order(self) -> list[Kept]:
        """Return the messages as the page shows them."""
        return sorted(self.messages.values(), key=lambda message: (message.seq, message.ident))

    @property
    def last_seq(self) -> int:
        """The place of the last message."""
        return max((message.seq for message in self.messages.values()), default=0)

    def _event(self, key: str) -> asyncio.Event:
        return self._has.setdefault(key, asyncio.Event())
