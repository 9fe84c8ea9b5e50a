"""Group names and the only publish to browsers.

The database is the truth and a push is a hurry-up: it goes out after the commit over one kept
connection with a short limit, and its failure is counted, never an error to the user. Gap checks of
the pages repair what was missed.
"""

import threading
import time
from functools import partial
from typing import Any

import msgpack
import redis
import structlog
from django.conf import settings
from django.db import transaction
from prometheus_client import Counter

log = structlog.get_logger(__name__)
FAILED = Counter("cx_pushes_failed_total", "Pushes to browsers that failed and are left to gap checks")
LIMIT_S = 0.1
# After a failure we do not try for a moment: each try would cost the user's request its limit.
REST_S = 0.5
_state = threading.local()
_rest_until = 0.0


def user_group(user_id: int) -> str:
    """The pages of one user: offers, thin signals."""
    return f"user.{user_id}"


def staff_group(thread_id: int) -> str:
    """Staff pages that show a thread."""
    return f"thread.{thread_id}.staff"


def customer_group(thread_id: int) -> str:
    """The customer's own pages of a thread."""
    return f"thread.{thread_id}.customer"


def card_group(customer_id: int) -> str:
    """Staff pages that show the timeline of a customer."""
    return f"card.{customer_id}"


def team_group(team_id: int | str) -> str:
    """Numbers of one team's queues and operators, once a second."""
    return f"team.{team_id}"


def exchange_group(exchange_id: int) -> str:
    """Whoever keeps the line to a telephone exchange: commands wait for it, or its settings have changed."""
    return f"exchange.{exchange_id}"


def queues_group(team_id: int) -> str:
    """How many wait in the queues of one team: for the desks of those who serve them."""
    return f"queues.{team_id}"


def _line() -> "redis.Connection":
    """Return the kept connection of this thread. A client with its pool would cost more at each push than the push."""
    if not hasattr(_state, "line"):
        pool = redis.ConnectionPool.from_url(
            settings.REDIS_URL, socket_timeout=LIMIT_S, socket_connect_timeout=LIMIT_S, retry=None
        )
        _state.line = pool.make_connection()
    line: redis.Connection = _state.line
    return line


def _is_cut(line: "redis.Connection") -> bool:
    """Tell whether Redis has closed the kept line meanwhile: then there is something to read though nothing was asked."""
    try:
        return bool(line.is_connected and line.can_read())  # type: ignore[attr-defined]
    except redis.RedisError:
        return True


def _wire(message: dict[str, Any]) -> bytes:
    """Serialise as channels_redis' pub/sub layer does, so that its consumers can read it."""
    packed: bytes = msgpack.packb({"type": "push", **message})
    return packed


def publish(*pushes: tuple[str, dict[str, Any]]) -> bool:
    """Send (group, message) pairs now, in one round trip. Returns False if Redis did not take them."""
    global _rest_until
    if time.monotonic() < _rest_until:
        FAILED.inc(len(pushes))
        return False
    line = _line()
    if _is_cut(line):
        line.disconnect()
    try:
        commands = [("PUBLISH", f"cx__group__{group}", _wire(message)) for group, message in pushes]
        # The stubs know texts only.
        line.send_packed_command(line.pack_commands(commands))  # type: ignore[arg-type]
        for _push in pushes:
            line.read_response()
    except redis.RedisError as error:
        # Answers that were not read must not be taken for those of the next push.
        line.disconnect()
        FAILED.inc(len(pushes))
        _rest_until = time.monotonic() + REST_S
        log.warning("push failed", error=str(error), groups=[group for group, _ in pushes][:5])
        return False
    return True


def push(*pushes: tuple[str, dict[str, Any]]) -> None:
    """Send (group, message) pairs after the commit of the running transaction."""
    transaction.on_commit(partial(publish, *pushes))


def signal(user_id: int, what: str, ident: int | str = "") -> None:
    """Tell the pages of one user that something of his changed: they fetch that part again."""
    push((user_group(user_id), {"kind": "signal", "what": what, "id": ident}))
