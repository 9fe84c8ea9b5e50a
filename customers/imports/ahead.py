"""Work that a thread of its own does a little ahead of who waits for it: rows are read while the last ones are kept."""

import queue
import threading
from collections.abc import Iterator
from itertools import islice
from typing import Generic, TypeVar

from django.utils import translation

Thing = TypeVar("Thing")
# Things that are handed over at once, and how many such parts lie ready.
PART, READY = 500, 12


class Ahead(Generic[Thing]):
    """An iterator whose things another thread makes; an error in it is raised where they are taken."""

    def __init__(self, things: Iterator[Thing]) -> None:
        """Begin. The thread speaks the language of this one."""
        self._things, self._language = things, translation.get_language()
        self._parts: queue.Queue[list[Thing] | Exception] = queue.Queue(READY)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._make, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Thing]:
        while part := self._parts.get():
            if isinstance(part, Exception):
                raise part
            yield from part

    def close(self) -> None:
        """Let the thread end; what it reads can be closed then."""
        self._closed.set()
        while self._thread.is_alive():
            # It may be waiting for room.
            while not self._parts.empty():
                self._parts.get_nowait()
            self._thread.join(0.01)

    def _make(self) -> None:
        """Hand over part after part; an empty one is the end."""
        try:
            with translation.override(self._language):
                while not self._closed.is_set():
                    part = list(islice(self._things, PART))
                    self._parts.put(part)
                    if not part:
                        return
        except Exception as error:
            self._parts.put(error)
