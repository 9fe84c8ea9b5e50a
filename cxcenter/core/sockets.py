"""What all sockets share."""

import json
from collections.abc import MutableMapping
from typing import Any

from channels.consumer import get_handler_name


class Direct:
    """A consumer whose handlers are called at once. Stands before Channels' own class among the bases.

    Channels goes by way of a thread each time, to look after database connections there: that costs more than a
    push itself. Our consumers reach the database by `database_sync_to_async` alone, which does the same.
    """

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
