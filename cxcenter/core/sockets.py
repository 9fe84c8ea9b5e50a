"""What all sockets share."""

import json
from collections.abc import MutableMapping
from typing import Any

import redis
import structlog
from channels.consumer import get_handler_name

from cxcenter.core import realtime

log = structlog.get_logger(__name__)


class Direct:
    """A consumer whose handlers are called at once. Stands before Channels' own class among the bases.

    Channels goes by way of a thread each time, to look after database connections there: that costs more than a
    push itself. Our consumers reach the database by `database_sync_to_async` alone, which does the same.
    """

    channel_layer: Any

    async def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Live until the line ends, and be forgotten however it ends: Channels tells of an orderly end only."""
        try:
            await super().__call__(*args, **kwargs)  # type: ignore[misc]
        finally:
            self.forget()

    def forget(self) -> None:
        """Take oneself out of what the process keeps of its sockets. Called once or twice, even before `connect`."""

    async def hint(self, group: str, told: dict[str, Any]) -> None:
        """Tell a group what may get lost (that somebody types): without Redis the line goes on all the same."""
        try:
            await self.channel_layer.group_send(group, told)
        except (redis.RedisError, OSError) as error:
            realtime.FAILED.inc()
            log.warning("hint failed", error=str(error), group=group)

    async def dispatch(self, message: MutableMapping[str, Any]) -> None:
        """Hand an event of the line or of a group to its method."""
        await getattr(self, get_handler_name(message))(message)

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        """Return what a page said, or None for what cannot be read: the line goes on."""
        try:
            return json.loads(text_data)
        except ValueError:
            return None
