"""The board's part of each worker of the queue `now`: once a second it tells what has changed, or stands by for who tells.

A thread of its own and no periodic task: such a task comes to one worker or another, and each would tell what the other has told.
"""

import threading
import time
from typing import Any

import structlog
from celery.signals import worker_ready
from django.db import close_old_connections

from cxcenter.board.publisher import Publisher

log = structlog.get_logger(__name__)
EVERY_S = 1.0


@worker_ready.connect
def begin(sender: Any, **_: Any) -> None:
    """Begin to tell, in a worker whose queue waits for nothing long."""
    if "now" in sender.app.amqp.queues.consume_from:
        threading.Thread(target=tell, name="board", daemon=True).start()


def tell() -> None:
    """Tell boards, desks and waiting visitors what has changed, for as long as the process lives."""
    publisher = Publisher()
    while True:
        began = time.monotonic()
        try:
            publisher.run()
        except Exception:
            # The database or Redis is away: the next second it is tried again.
            log.exception("board not told")
        finally:
            close_old_connections()
        time.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))
