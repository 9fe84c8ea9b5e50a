"""The line to an Asterisk: it is kept, and what was missed while it was down is made good.

A line that is lost fails every command that waits for its answer, is built again with growing pauses, and begins with a
resync: calls that are no more get their end, those that began meanwhile are known.
"""

import asyncio
import contextlib
import itertools
import logging
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from interactions.adapters.voice.ami import commands, wire
from interactions.adapters.voice.ami.resync import Snapshot, resync
from interactions.adapters.voice.ami.states import AgentState
from interactions.adapters.voice.ami.teller import Event, Heard, event_of
from interactions.adapters.voice.ami.translate import Translator
from interactions.adapters.voice.ami.wire import Message

log = logging.getLogger(__name__)

Told = Heard | AgentState
_CHUNK = 65536


class AmiError(Exception):
    """A command that was not done: the words say why."""


class NotConnected(AmiError):
    """There is no line to the server now, or it was lost before the answer."""


class NoAnswer(AmiError):
    """The server has not answered in time. Whether it has done it is not known."""


class Refused(AmiError):
    """The server has answered that it will not, and why."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server is, and who we are there. Times are in seconds.

    `answer_s`: how long a command may take; `ping_s`: how often a silent line is tried; `retry_s`, `retry_most_s`: the
    first and the longest pause before the line is built again.
    """

    host: str
    username: str
    secret: str = field(repr=False)
    port: int = 5038
    answer_s: float = 5
    ping_s: float = 15
    retry_s: float = 1
    retry_most_s: float = 30


@dataclass(slots=True)
class _Waiting:
    """A command that waits for its answer, and for the events of its list."""

    answer: asyncio.Future[list[Message]]
    ends: str
    items: list[Message] = field(default_factory=list)


class Client:
    """Keeps a line to one server. Run `run` as a task; `hear` is awaited with each thing that was told, in its order.

    Nothing is read while it waits. `known` returns the ids of the calls that we hold for open: those that the server has no more are ended by the resync.
    """

    def __init__(
        self,
        server: Server,
        translator: Translator,
        hear: Callable[[Told], Awaitable[None]],
        known: Callable[[], Awaitable[Iterable[str]]] | None = None,
    ) -> None:
        """Begin without a line."""
        self.server = server
        self.translator = translator
        self.connected = asyncio.Event()
        self.errors: Counter[str] = Counter()
        # Why there is no line now, in words; empty while there is one.
        self.trouble = ""
        self._hear = hear
        self._known = known
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[str, _Waiting] = {}
        self._ids = itertools.count(1)
        self._orders = itertools.count(1)
        # Events that come before the resync are kept: it would else end or begin what they have begun or ended.
        self._kept: list[Event] | None = None

    async def run(self) -> None:
        """Keep the line until cancelled."""
        pause = self.server.retry_s
        while True:
            was_connected = await self._live()
            pause = self.server.retry_s if was_connected else min(pause * 2, self.server.retry_most_s)
            # Not all at the same moment, when a server comes back that many have lost.
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 — no secret

    async def send(self, action: commands.Action) -> list[Message]:
        """Send an action; return its answer, and the events of its list if it has one.

        Raises NotConnected, NoAnswer or Refused.
        """
        if not self.connected.is_set():
            raise NotConnected(f"there is no line to Asterisk at {self.server.host}; it is being built again")
        return await self._send(action)

    async def _send(self, action: commands.Action) -> list[Message]:
        if self._writer is None:
            raise NotConnected(f"there is no line to Asterisk at {self.server.host}")
        number = f"cx-{next(self._ids)}"
        data = wire.write(action.name, (("ActionID", number), *action.fields))
        waiting = self._waiting[number] = _Waiting(asyncio.get_running_loop().create_future(), action.ends)
        try:
            self._writer.write(data)
            return await asyncio.wait_for(waiting.answer, self.server.answer_s)
        except TimeoutError:
            raise NoAnswer(f"Asterisk has not answered {action.name} within {self.server.answer_s:g} s") from None
        except OSError as broken:
            raise NotConnected(f"the line to Asterisk broke: {broken}") from broken
        finally:
            self._waiting.pop(number, None)

    async def _live(self) -> bool:
        """Live through one line, from its building to its loss; return whether it got as far as being in order."""
        was_connected = False
        try:
            async with self._line() as lost:
                await self._log_in()
                await self._resync()
                was_connected = True
                self.trouble = ""
                self.connected.set()
                log.info("connected to Asterisk at %s", self.server.host)
                await self._watch(lost)
        except (AmiError, OSError, TimeoutError) as error:
            self.trouble = str(error) or type(error).__name__
            log.warning("the line to Asterisk at %s is lost: %s", self.server.host, error)
        finally:
            self.connected.clear()
        return was_connected

    @contextlib.asynccontextmanager
    async def _line(self) -> AsyncIterator[asyncio.Task[None]]:
        """Build a line, and read from it; yield the task that ends when it is lost."""
        async with asyncio.timeout(self.server.answer_s):
            reader, self._writer = await asyncio.open_connection(self.server.host, self.server.port)
        self._kept = []
        reading = asyncio.create_task(self._read(reader))
        try:
            yield reading
        finally:
            reading.cancel()
            self._writer.close()
            self._writer = None
            # Its own error was seen already, or does not matter any more.
            await asyncio.gather(reading, return_exceptions=True)

    async def _log_in(self) -> None:
        asked = (await self._send(commands.challenge()))[0]
        await self._send(commands.login(self.server.username, self.server.secret, asked.get("challenge")))

    async def _resync(self) -> None:
        at = time.time()
        channels = await self._send(commands.show_channels())
        queues = await self._send(commands.queue_status())
        known = frozenset(await self._known()) if self._known else frozenset()
        told = resync(self.translator, Snapshot(channels[1:], queues[1:], at, next(self._orders)), known)
        kept, self._kept = self._kept or [], None
        for one in told:
            await self._hear(one)
        for event in kept:
            await self._take(event)

    async def _watch(self, lost: asyncio.Task[None]) -> None:
        """Wait until the line is lost; try it now and then, as a dead server says nothing."""
        while True:
            done, _ = await asyncio.wait({lost}, timeout=self.server.ping_s)
            if done:
                lost.result()
                raise NotConnected("the server has closed it")
            await self._send(commands.ping())

    async def _read(self, reader: asyncio.StreamReader) -> None:
        messages = wire.Reader(errors=self.errors)
        try:
            while data := await reader.read(_CHUNK):
                for message in messages.feed(data):
                    await self._sort(message)
        finally:
            self._fail_all()

    async def _sort(self, message: Message) -> None:
        """Give an answer to who waits for it, and an event to the translator."""
        if waiting := self._waiting.get(message.action_id):
            self._answer(waiting, message)
        elif message.event:
            event = event_of(message, time.time(), next(self._orders))
            if self._kept is None:
                await self._take(event)
            else:
                self._kept.append(event)

    @staticmethod
    def _answer(waiting: _Waiting, message: Message) -> None:
        if waiting.answer.done():
            return
        if not message.event and not message.is_success:
            waiting.answer.set_exception(Refused(message.get("message") or "Asterisk gives no reason"))
            return
        waiting.items.append(message)
        if not waiting.ends or message.event == waiting.ends:
            waiting.answer.set_result(waiting.items)

    async def _take(self, event: Event) -> None:
        try:
            told = self.translator.feed(event)
        except Exception:
            self.errors["untranslated"] += 1
            log.exception("an event of Asterisk was not understood: %s", event.message.event)
            return
        for one in told:
            await self._hear(one)

    def _fail_all(self) -> None:
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(NotConnected("the line to Asterisk was lost before it answered"))
