"""Keeps a line to each Asterisk that is switched on, as its settings are: changed ones have it built anew."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgpack
import redis.asyncio as redis
from django.conf import settings
from django.db import DatabaseError, connections

from cxcenter.core import realtime
from cxcenter.exchanges.lines import Line, Result, at_most
from interactions.choices import ExchangeKind
from interactions.models import Exchange

log = logging.getLogger(__name__)
# So often settings are looked at, if no push was heard.
LOOK_S = 5.0
AGAIN_S = 1.0
_PREFIX = "cx__group__"


def kept() -> dict[int, Exchange]:
    """Return the exchanges to which a line is kept."""
    found = Exchange.objects.filter(active=True, kind=ExchangeKind.ASTERISK).select_related("channel")
    return {one.pk: one for one in found.prefetch_related("extensions")}


class Keeper:
    """The lines of one installation. `server`: other times than usual, for tests."""

    def __init__(self, **server: Any) -> None:
        """Begin without lines."""
        self.lines: dict[int, Line] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._server = server
        self._reload = asyncio.Event()

    async def run(self, *, until_none: bool = False) -> None:
        """Keep the lines until cancelled; with `until_none` return when none is to be kept any more."""
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                self._reload.clear()
                wanted = await self._wanted()
                if wanted is not None:
                    await self._arrange(wanted)
                    if until_none and not wanted:
                        return
                await at_most(self._reload, LOOK_S)
        finally:
            listening.cancel()
            await self._arrange({})
            await asyncio.gather(listening, return_exceptions=True)

    async def _wanted(self) -> dict[int, Exchange] | None:
        """Return the exchanges to keep a line to; None while the database is away: then the lines stay."""
        try:
            return await asyncio.to_thread(_apart, kept)
        except DatabaseError:
            log.warning("the database is away: lines stay as they are")
            return None

    async def _arrange(self, wanted: dict[int, Exchange]) -> None:
        """Build the lines that are wanted and end the others; one that fell is built again."""
        for pk, line in list(self.lines.items()):
            now = wanted.get(pk)
            if now is None or now.version != line.exchange.version or self._tasks[pk].done():
                del self.lines[pk]
                await _end(self._tasks.pop(pk))
        for pk, exchange in wanted.items():
            if pk not in self.lines:
                self.lines[pk] = Line(exchange, list(exchange.extensions.all()), **self._server)
                self._tasks[pk] = asyncio.create_task(self.lines[pk].run())

    async def _listen(self) -> None:
        """Hear pushes: a command waits, settings have changed. Lost ones are made good by looking."""
        while True:
            try:
                async with _pushes() as pushes:
                    async for said in pushes:
                        self._heard(said)
            except (redis.RedisError, OSError) as error:
                log.warning("pushes are not heard: %s", error)
            await asyncio.sleep(AGAIN_S)

    def _heard(self, said: dict[str, Any]) -> None:
        group = said["channel"].decode().removeprefix(_PREFIX)
        kind = msgpack.unpackb(said["data"]).get("kind")
        if kind == "reload":
            self._reload.set()
        for pk, line in self.lines.items():
            if kind == "command" and group == realtime.exchange_group(pk):
                line.wake.set()


def _apart(act: Callable[[], Result]) -> Result:
    """Do a seldom act on a connection of its own."""
    try:
        return act()
    finally:
        connections.close_all()


@contextlib.asynccontextmanager
async def _pushes() -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5, health_check_interval=10)
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    try:
        await pubsub.psubscribe(f"{_PREFIX}exchange.*")
        yield pubsub.listen()
    finally:
        # The types that there are of this package are those of an older version.
        await pubsub.aclose()  # type: ignore[attr-defined]
        await client.aclose()  # type: ignore[attr-defined]


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    for error in await asyncio.gather(task, return_exceptions=True):
        if isinstance(error, Exception):
            log.error("a line fell", exc_info=error)
