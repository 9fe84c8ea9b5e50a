"""Who is here, written by one task per process: all pages with an open socket, every `HEARTBEAT_S` seconds.

The line itself says that a page is alive: the server pings it, and a line without an answer is closed. So the
browser need not report, which it does late in a tab that nobody looks at.
"""

import asyncio
import uuid

import structlog
from channels.db import database_sync_to_async
from django.utils import timezone

from cxcenter.core import liveness

log = structlog.get_logger(__name__)
_open: dict[str, tuple[uuid.UUID, str]] = {}
_task: asyncio.Task[None] | None = None


def keep(channel: str, tab: uuid.UUID, owner: str) -> None:
    """Count the page `tab` of `owner` as here while the socket `channel` is open. Call it in the event loop."""
    _open[channel] = (tab, owner)
    liveness.heard(tab, owner)
    ensure_running()


def drop(channel: str) -> None:
    """The socket is closed. The page itself is gone only when it stays silent."""
    _open.pop(channel, None)


def ensure_running() -> None:
    """Start the task of this process if it does not run yet."""
    global _task
    if _task is None or _task.done() or _task.get_loop() is not asyncio.get_running_loop():
        _task = asyncio.get_running_loop().create_task(_beat())


async def _beat() -> None:
    while True:
        for tab, owner in list(_open.values()):
            liveness.heard(tab, owner)
        try:
            await database_sync_to_async(_write)()
        except Exception:
            # The database is away: the next beat writes all open pages again.
            log.warning("heartbeats not written", exc_info=True)
        await asyncio.sleep(liveness.HEARTBEAT_S)


def _write() -> None:
    """Write who is here, and then that we ourselves are: who is silent while no web process runs is not gone."""
    liveness.flush()
    liveness.beat(liveness.WEB, now=timezone.now())
