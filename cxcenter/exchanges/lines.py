"""The line to one Asterisk: what it tells is kept in order, what it is asked is done at once.

Rows are the truth: a push only hurries. Whatever is left by a process that died is found by the next: calls to follow,
commands that wait, calls that are no more (the resync of the client).
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connections
from django.utils.translation import gettext_lazy as _

from cxcenter.exchanges.asterisk import told_of
from interactions.actions import commands, exchanges
from interactions.adapters.voice.ami import commands as ami
from interactions.adapters.voice.ami.client import AmiError, Client, NoAnswer, NotConnected, Server
from interactions.adapters.voice.ami.client import Told as Said
from interactions.adapters.voice.ami.states import AgentState
from interactions.adapters.voice.ami.translate import Translator
from interactions.calls.facts import CUSTOMER, Kind, user_of
from interactions.calls.table import Control
from interactions.models import CallCommand, Exchange, Extension
from routing.actions import exchange as acts
from routing.actions import exchange_people as people
from routing.actions.exchange import Told

log = logging.getLogger(__name__)
# So often rows are looked at, if no push was heard.
LOOK_S = 1.0
FOLLOW_S = 5.0
# So many calls are heard at once.
HEARING = 3
# So much that was heard may wait for each thread; then the exchange waits.
MOST_WAITING = 50_000
# Of so many calls in which no customer is yet, facts are kept for when he comes.
MOST_LEFT = 2000
Result = TypeVar("Result")


class Line:
    """One line, as the settings of its exchange are now."""

    def __init__(self, exchange: Exchange, phones: Sequence[Extension], **server: Any) -> None:
        """Take the settings. `server`: other times than usual."""
        self.exchange = exchange
        self.wake = asyncio.Event()
        self._inner = {one.number for one in phones}
        self._phones = {one.user_id: one.interface for one in phones}
        # A call has its thread, so that what is told of it later is kept later; half of their time they wait for the database.
        self._hearing = [ThreadPoolExecutor(1, f"hear-{exchange.pk}-{number}") for number in range(HEARING)]
        self._told: list[asyncio.Queue[Told]] = [asyncio.Queue(MOST_WAITING) for _thread in self._hearing]
        self._acting = ThreadPoolExecutor(1, f"act-{exchange.pk}")
        self._states: asyncio.Queue[AgentState] = asyncio.Queue(MOST_WAITING)
        where = Server(exchange.host, exchange.username, exchange.secret, exchange.port, **server)
        users = {one.interface: one.user_id for one in phones}
        self.client = Client(where, Translator(users), self._hear, self._known)

    async def run(self) -> None:
        """Keep the line until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.client.run())
                tasks.create_task(self._obey(tasks))
                tasks.create_task(self._follow())
                tasks.create_task(self._keep_states())
                for number in range(HEARING):
                    tasks.create_task(self._keep_told(number))
        finally:
            for threads in (*self._hearing, self._acting):
                threads.submit(connections.close_all)
                threads.shutdown(wait=False)

    async def _in(self, threads: ThreadPoolExecutor, act: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(threads, fresh, act)

    # What it tells.

    async def _known(self) -> list[str]:
        try:
            return await self._in(self._acting, lambda: exchanges.open_keys(exchange=self.exchange))
        except DatabaseError as error:
            # For the client a line that cannot be begun: it tries again.
            raise ConnectionError("the database is away") from error

    async def _hear(self, said: Said) -> None:
        """Give it to whoever keeps it: no call waits for another one's that is opened just now."""
        if isinstance(said, AgentState):
            await self._states.put(said)
        else:
            await self._told[hash(said.call) % HEARING].put(told_of(said, self._inner))

    async def _keep_told(self, number: int) -> None:
        left: list[Told] = []
        while True:
            told = [*left, *await _all(self._told[number])]
            left = _recent(await self._surely(self._hearing[number], partial(self._take, told)))

    async def _keep_states(self) -> None:
        while True:
            states = await _all(self._states)
            try:
                await self._surely(self._acting, partial(people.hear_states, exchange=self.exchange, states=states))
            except Exception:
                # The next that are told say how it stands then.
                log.exception("what was told of operators cannot be kept", extra={"exchange": self.exchange.pk})

    async def _surely(self, threads: ThreadPoolExecutor, act: Callable[[], Result]) -> Result:
        """Do an act as soon as the database is there: nothing that was told is lost because it is away for a while."""
        pause = self.client.server.retry_s
        while True:
            try:
                return await self._in(threads, act)
            except (OperationalError, InterfaceError):
                self.client.errors["not_taken"] += 1
                log.exception("what was told was not taken; again in %g s", pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, self.client.server.retry_most_s)

    def _take(self, told: Sequence[Told]) -> list[Told]:
        """Keep facts; one that cannot be kept costs its own call and no other."""
        try:
            return acts.hear(exchange=self.exchange, told=told)
        except (OperationalError, InterfaceError):
            # The database is away: all is done again.
            raise
        except Exception:
            log.exception("facts were not taken; now call by call", extra={"exchange": self.exchange.pk})
        left: list[Told] = []
        for key in dict.fromkeys(one.call for one in told):
            try:
                left += acts.hear(exchange=self.exchange, told=[one for one in told if one.call == key])
            except (OperationalError, InterfaceError):
                raise
            except Exception:
                self.client.errors["not_kept"] += 1
                log.exception("facts of a call cannot be kept", extra={"exchange": self.exchange.pk, "call": key})
        return left

    # What it is asked.

    async def _obey(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            self.wake.clear()
            try:
                rows = await self._in(self._acting, lambda: commands.take(exchange=self.exchange))
            except (OperationalError, InterfaceError):
                log.warning("the database is away: commands wait")
                rows = []
            for row in rows:
                tasks.create_task(self._do(row))
            if not rows:
                await at_most(self.wake, LOOK_S)

    async def _do(self, row: CallCommand) -> None:
        words: Any = ""
        try:
            for action in self._actions(row):
                await self.client.send(action)
        except NotConnected:
            words = _("There is no line to it now.")
        except NoAnswer:
            words = _("It has not answered in time.")
        except (AmiError, ValueError) as error:
            words = str(error)
        await self._answer(row.pk, words)

    async def _answer(self, pk: int, words: Any) -> None:
        act = (lambda: commands.failed(command_id=pk, words=words)) if words else (lambda: commands.done(command_id=pk))
        try:
            await self._in(self._acting, act)
        except (OperationalError, InterfaceError):
            log.warning("the database is away: a command runs out", extra={"command": pk})

    def _actions(self, row: CallCommand) -> list[ami.Action]:
        """Return what does a command. Raises ValueError, with words, if nothing can."""
        if row.control in (commands.PAUSE, commands.UNPAUSE):
            phone = self._phones.get(user_of(row.party) or 0, "")
            return [ami.pause_member(phone, on=row.control == commands.PAUSE, reason=row.value)] if phone else []
        if row.control == commands.DIAL:
            phone = self._phones.get(user_of(row.party) or 0, "")
            if not phone:
                raise ValueError(str(_("Your phone is not known there any more.")))
            return [ami.originate(phone, self.exchange.context, row.value, caller_id=row.caller_id)]
        call = (row.call.key or "") if row.call else ""
        channel = self.client.translator.channel
        own = channel(call, row.party)
        if not own:
            raise ValueError(str(_("Your phone is not in this call now.")))
        leg = ami.Leg(own, channel(call, CUSTOMER), self.exchange.context)
        return [ami.press(Control(row.control), leg, row.value)]

    # What was left.

    async def _follow(self) -> None:
        """Follow what a process that died has left, and say in the settings how the line stands."""
        told: tuple[bool, str] | None = None
        while True:
            stands = (self.client.connected.is_set(), self.client.trouble)
            try:
                await self._in(self._hearing[0], lambda: acts.follow_left(exchange=self.exchange))
                if stands != told:
                    await self._in(self._acting, partial(exchanges.note_line, self.exchange.pk, *stands))
                    told = stands
            except Exception:
                log.exception("calls were not followed; again later")
            await at_most(self.client.connected if not stands[0] else asyncio.Event(), FOLLOW_S)


def fresh(act: Callable[[], Result]) -> Result:
    """Do an act on a connection that lives: a thread of ours sees no request begin or end."""
    close_old_connections()
    try:
        return act()
    finally:
        close_old_connections()


async def _all(queue: "asyncio.Queue[Result]") -> list[Result]:
    """Return all that is in a queue, once there is something: the busier it is, the more is kept at once."""
    found = [await queue.get()]
    while not queue.empty():
        found.append(queue.get_nowait())
    return found


async def at_most(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, so long at the most."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


def _recent(left: Sequence[Told]) -> list[Told]:
    """Return facts that wait for a customer, without those of calls that ended without one."""
    over = {one.call for one in left if one.fact.kind == Kind.ENDED}
    return [one for one in left if one.call not in over][-MOST_LEFT:]
