"""Hears what is pushed to browsers, on the real Valkey."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
import redis
from django.conf import settings

PREFIX = "cx__group__"


class Ears:
    """Collects pushes to groups in their order."""

    def __init__(self, listener: Any, client: "redis.Redis") -> None:
        self.listener, self.client = listener, client

    def heard(self) -> list[tuple[str, dict[str, Any]]]:
        """Return (group, message) of all that was pushed since the last call."""
        mark = uuid.uuid4().bytes
        self.client.publish(f"{PREFIX}ears", mark)
        found = []
        deadline = time.monotonic() + 10
        while True:
            said = self.listener.get_message(timeout=1)
            assert time.monotonic() < deadline, "the mark was not heard"
            if said is None:
                continue
            if said["data"] == mark:
                return found
            if said["channel"] != f"{PREFIX}ears".encode():
                found.append((said["channel"].decode().removeprefix(PREFIX), msgpack.unpackb(said["data"])))

    def kinds(self, group: str) -> list[str]:
        """Return the kinds of the pushes to one group; signals with what they signal."""
        return [
            f"{m['kind']}:{m['what']}" if m["kind"] == "signal" else m["kind"] for g, m in self.heard() if g == group
        ]


@contextmanager
def listening() -> Iterator[Ears]:
    """Listen to all groups."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.psubscribe(f"{PREFIX}*")
    ears = Ears(listener, client)
    ears.heard()
    try:
        yield ears
    finally:
        listener.close()
        client.close()
