"""How many requests a token, or a user in a browser, may send."""

import math
import time
from typing import Any

import structlog
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

log = structlog.get_logger(__name__)


class TokenThrottle(SimpleRateThrottle):
    """Count requests in fixed windows: one number in Redis per token and window."""

    scope = "token"
    num_requests: int
    duration: int

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request; without Redis everybody is let through: a limit must not become an outage."""
        who = f"token:{request.auth.pk}" if request.auth else f"user:{request.user.pk}"
        key = f"cx:throttle:{who}:{int(time.time() // self.duration)}"
        try:
            return self._count(key) <= self.num_requests
        except Exception:
            log.warning("requests are not limited: no Redis", exc_info=True)
            return True

    def _count(self, key: str) -> int:
        try:
            return int(cache.incr(key))
        except ValueError:
            # The first one of a window; of two at once one comes too late to be that.
            return 1 if cache.add(key, 1, self.duration) else int(cache.incr(key))

    def wait(self) -> int:
        """Return the seconds until the next window: the answer's Retry-After."""
        return math.ceil(self.duration - time.time() % self.duration)
