"""A computation that may not eat the machine: the longer it takes, the more seldom it is done."""

import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")
# The largest part of the time that one paced computation may take.
SHARE = 0.1


class Paced(Generic[T]):
    """Keeps the last answer of `compute(*key)`; for another key (a new day) it computes at once."""

    def __init__(self, compute: Callable[..., T], every_s: float = 0.0) -> None:
        """Compute again after `every_s` at the soonest."""
        self._compute, self._every_s = compute, every_s
        self._key: tuple[Any, ...] | None = None
        self._due = 0.0

    def __call__(self, *key: Any) -> T:
        """Return the answer for `key`, fresh or kept."""
        began = time.monotonic()
        if key != self._key or began >= self._due:
            self._kept = self._compute(*key)
            took = time.monotonic() - began
            self._key, self._due = key, began + max(self._every_s, took / SHARE)
        return self._kept
