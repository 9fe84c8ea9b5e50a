"""How often a visitor may call. Buckets of this process cost nothing; the coarse count in Redis spans processes."""

import ipaddress
import time
from collections import OrderedDict

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from cxcenter.core import counts
from cxcenter.core.errors import TooMany

KEPT = 50_000
_buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()


def spend(key: str, per_min: int) -> None:
    """Take one call from the bucket `key`, which holds a minute's worth. Raises TooMany when it is empty."""
    now = time.monotonic()
    left, at = _buckets.pop(key, (float(per_min), now))
    left = min(float(per_min), left + (now - at) * per_min / 60)
    _buckets[key] = (max(left - 1, 0.0), now) if left >= 1 else (left, now)
    if len(_buckets) > KEPT:
        _buckets.popitem(last=False)
    if left < 1:
        wait = round((1 - left) * 60 / max(per_min, 1), 1)
        raise TooMany(_("Too many at once. Wait a moment."), retry_after=wait)


def spend_shared(key: str, limit: int, span_s: int) -> None:
    """Count one call in Redis. Raises TooMany above `limit` in `span_s` seconds; without Redis nothing is refused."""
    # Redis learns no addresses and no accounts of visitors.
    name = f"cx:limit:{salted_hmac('cxcenter.widget.limits', key).hexdigest()}"
    if counts.count(name, span_s) > limit:
        raise TooMany(_("Too many at once. Wait a moment."), retry_after=span_s)


def is_own(address: str) -> bool:
    """Tell whether an address is of our own network: perhaps a proxy we were not told of, behind which all are one."""
    try:
        return not ipaddress.ip_address(address).is_global
    except ValueError:
        return True
