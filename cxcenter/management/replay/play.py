"""One talk played by two pages: each message goes when its time has come and its author has seen what stands before."""

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from cxcenter.management.replay.copy import Copy
from cxcenter.management.replay.operator import Operator
from cxcenter.management.replay.talks import Said, Talk
from cxcenter.management.replay.visitor import Visitor
from cxcenter.management.replay.wire import Refused, Wire

# Limits are set by `asyncio.timeout`, here and beside: `wait_for` of Python 3.11 may swallow a cancellation, and who
# was to stop plays on for ever.
# So long a page waits for a message of the other side; what has not come then is lost.
PATIENCE_S = 90.0
# People who wait for an operator go away at last.
QUEUE_PATIENCE_S = 900.0
# Whom none of our desks has taken by then is served by a person (see `make run DEMO=live`).
STRANGER_S = 30.0
TYPING_S = 3.0


@dataclass(frozen=True)
class Place:
    """Where a talk is played: the site, what its form gets, the outcome by "resolved", how fast."""

    site: str
    form: dict[str, Any]
    outcomes: dict[bool | None, int]
    speed: float


@dataclass
class Desk:
    """The operator who holds the session now."""

    operator: Operator
    session: int
    thread: int

    @property
    def copy(self) -> Copy:
        """The operator's copy of the thread."""
        return self.operator.copies[self.thread]


@dataclass
class Play:
    """One talk being played, and what is known of it afterwards."""

    talk: Talk
    wire: Wire
    place: Place
    visitor: Visitor = field(init=False)
    keys: list[str] = field(init=False)
    # All desks that have held it, the present one last.
    desks: list[Desk] = field(default_factory=list)
    # By the clock of `time.monotonic`: when each key was sent, when the visitor began to wait, when he was taken.
    sent_at: dict[str, float] = field(default_factory=dict)
    waits_since: float = 0.0
    taken_at: float | None = None
    rated: bool = False
    # Why it was broken off; "" if it was played to its end.
    broken: str = ""
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.visitor = Visitor(self.wire, self.place.site, self.talk.language)
        self.keys = [str(uuid.uuid4()) for _said in self.talk.said]

    def taken(self, operator: Operator, session: int, thread: int) -> None:
        """An operator of ours holds the session now."""
        self.desks.append(Desk(operator, session, thread))
        self.taken_at = self.taken_at or time.monotonic()
        self._moved.set()

    async def run(self) -> None:
        """Play the talk to its end; what breaks it off is noted in `broken`."""
        try:
            await self._begin()
        except Refused as error:
            self.broken = f"start: {error}"
            return
        page = asyncio.create_task(self.visitor.stay())
        try:
            await self._talk()
        except Refused as error:
            self.broken = str(error)
        finally:
            page.cancel()
            await asyncio.gather(page, return_exceptions=True)

    async def _begin(self) -> None:
        await self.visitor.open()
        self.waits_since = self.sent_at[self.keys[0]] = time.monotonic()
        await self.visitor.start(self.talk.said[0].text, self.keys[0], self.place.form)

    async def _talk(self) -> None:
        try:
            async with asyncio.timeout(QUEUE_PATIENCE_S):
                await self.visitor.joined.wait()
        except TimeoutError:
            self.broken = "nobody came"
            await self.visitor.leave()
            return
        began = time.monotonic()
        if not await self._is_ours():
            await self._talk_to_stranger(began)
            return
        for index, said in enumerate(self.talk.said[1:], start=1):
            await self._until(began + said.after_s / self.place.speed, said)
            await self._say(index, said)
        await self._end()

    async def _is_ours(self) -> bool:
        try:
            async with asyncio.timeout(STRANGER_S):
                await self._moved.wait()
        except TimeoutError:
            return False
        return True

    async def _talk_to_stranger(self, began: float) -> None:
        """A person at another desk has taken it: the visitor says his part whatever is answered, and waits."""
        self.broken = "played with a stranger"
        for index, said in enumerate(self.talk.said[1:], start=1):
            if said.by_customer and not self.visitor.closed.is_set():
                await self._until(began + said.after_s / self.place.speed, said)
                await self.visitor.say(said.text, self.keys[index])
        try:
            async with asyncio.timeout(QUEUE_PATIENCE_S):
                await self.visitor.closed.wait()
        except TimeoutError:
            await self.visitor.leave()
        await self._rate()

    async def _until(self, due: float, said: Said) -> None:
        """Wait for a message's time, the last seconds of it typing."""
        wait = due - time.monotonic()
        if wait > 1:
            await asyncio.sleep(max(wait - TYPING_S, wait / 2))
            if said.by_customer:
                await self.visitor.type()
            else:
                desk = await self._held()
                await desk.operator.type(desk.thread)
        await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _say(self, index: int, said: Said) -> None:
        before, key = self.keys[index - 1], self.keys[index]
        if said.by_customer:
            await self.visitor.copy.has(before, PATIENCE_S)
            self.sent_at[key] = time.monotonic()
            await self.visitor.say(said.text, key)
            return
        while True:
            desk = await self._held()
            await desk.copy.has(before, PATIENCE_S)
            self.sent_at.setdefault(key, time.monotonic())
            try:
                await desk.operator.say(desk.session, desk.thread, said.text, key)
            except Refused as error:
                if error.code != "not_owner":
                    raise
                # The session went back to the queue: another desk goes on.
                if desk is self.desks[-1]:
                    self._moved.clear()
                continue
            return

    async def _held(self) -> Desk:
        """Return the desk that holds the session, if need be after a wait. Raises Refused if it is none of ours."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._moved.wait()
        except TimeoutError:
            raise Refused(0, "stranger", "the session is in other hands") from None
        return self.desks[-1]

    async def _end(self) -> None:
        """The last message was seen by both: the operator ends the talk, the visitor rates it."""
        desk = await self._held()
        last = self.keys[-1]
        await asyncio.gather(desk.copy.has(last, PATIENCE_S), self.visitor.copy.has(last, PATIENCE_S))
        await desk.operator.finish(desk.session)
        solved = bool(self.talk.resolved)
        await desk.operator.wrap_up(desk.session, self.place.outcomes.get(self.talk.resolved), solved=solved)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.visitor.closed.wait()
        except TimeoutError:
            self.broken = "the visitor was not told of the end"
            return
        await self._rate()

    async def _rate(self) -> None:
        if self.talk.csat is not None or self.talk.ces is not None:
            self.rated = await self.visitor.rate(self.talk.csat, self.talk.ces)
