"""Counts that all processes share, in Redis: how often somebody called or tried within a span of time.

Not Django's cache: its client belongs to one request, so each would open a connection of its own, and it counts in
three round trips. That took a third of an API call.
"""

from functools import cache

import redis
import structlog
from django.conf import settings

log = structlog.get_logger(__name__)
# A Redis that hangs must not hold up who signs in, calls or writes.
LIMIT_S = 0.3


def count(key: str, span_s: int) -> int:
    """Count one more under `key` and return how many there are; the count is forgotten `span_s` seconds after its first.

    Without Redis it returns 0: a limit must not become an outage.
    """
    return _move(key, 1, span_s)


def give_back(key: str, span_s: int) -> None:
    """Count one less under `key`."""
    _move(key, -1, span_s)


def _move(key: str, by: int, span_s: int) -> int:
    try:
        with _client(settings.REDIS_URL).pipeline(transaction=False) as line:
            _is_first, counted = line.set(key, 0, ex=span_s, nx=True).incrby(key, by).execute()
    except redis.RedisError as error:
        log.warning("not counted: no Redis", error=str(error))
        return 0
    return int(counted)


@cache
def _client(url: str) -> "redis.Redis[bytes]":
    """Return the client of this process; its threads share the connections."""
    return redis.Redis.from_url(url, socket_timeout=LIMIT_S, socket_connect_timeout=LIMIT_S, retry=None)
