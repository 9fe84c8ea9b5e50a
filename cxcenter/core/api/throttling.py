"""How many requests a token, or a user in a browser, may send."""

import math
import time
from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from cxcenter.core import counts


class TokenThrottle(SimpleRateThrottle):
    """Count requests in fixed windows: one number in Redis per token and window."""

    scope = "token"
    num_requests: int
    duration: int

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request; without Redis everybody is let through."""
        who = f"token:{request.auth.pk}" if request.auth else f"user:{request.user.pk}"
        window = int(time.time() // self.duration)
        return counts.count(f"cx:throttle:{who}:{window}", self.duration) <= self.num_requests

    def wait(self) -> int:
        """Return the seconds until the next window: the answer's Retry-After."""
        return math.ceil(self.duration - time.time() % self.duration)
