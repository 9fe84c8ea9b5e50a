"""Names of time zones that this machine knows."""

from functools import cache
from zoneinfo import available_timezones


@cache
def zones() -> frozenset[str]:
    """Return all names. The folder of zones is read once per process."""
    return frozenset(available_timezones())


def is_zone(name: str) -> bool:
    """Tell whether a name like Europe/Moscow is known."""
    return name in zones()
