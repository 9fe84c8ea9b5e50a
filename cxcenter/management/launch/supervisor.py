"""Keeps the started processes running, and stops them in the reverse order."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cxcenter.management.launch.processes import Guardian, LaunchError, Process, end, rotate

LOOK_S = 0.5
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
# Whoever has worked so long is healthy: its next fall is a new story.
HEALTHY_S = 60.0


class Server(Protocol):
    """A process with a start of its own: it creates what it needs and returns when it answers."""

    process: Process

    def start(self) -> None:
        """Start, and return when it answers."""

    def stop(self) -> None:
        """Stop, and return when it is gone."""


@dataclass
class Kept:
    """One process that is looked after: `again` tells whether it is started again when it ends."""

    process: Process
    start: Callable[[], None]
    started_at: float
    again: bool = True
    pause_s: float = FIRST_PAUSE_S
    due_at: float | None = None

    def look(self, now: float) -> str | None:
        """Start it again if it has ended, after a pause that grows; return a line to tell, if any."""
        code = self.process.poll()
        if code is None:
            return None
        if not self.again:
            told, self.due_at = self.due_at, now
            return None if told else f"{self.process.name} has ended (code {code}); see {self.process.log}"
        if self.due_at is None:
            if now - self.started_at > HEALTHY_S:
                self.pause_s = FIRST_PAUSE_S
            self.due_at = now + self.pause_s
            self.pause_s = min(2 * self.pause_s, LONGEST_PAUSE_S)
            return f"{self.process.name} has ended (code {code}) and is started again; see {self.process.log}"
        if now < self.due_at:
            return None
        self.due_at, self.started_at = None, now
        try:
            self.start()
        except LaunchError as error:
            return str(error)
        return None


class Supervisor:
    """All processes of one launcher. `tell` shows a line to the person at the terminal."""

    def __init__(self, guardian: Guardian, tell: Callable[[str], None]) -> None:
        self.guardian, self._tell = guardian, tell
        self._servers: list[Server] = []
        self._processes: list[Process] = []
        self._kept: list[Kept] = []

    def add_server(self, server: Server) -> None:
        """Start a server that the others need; it is stopped after them."""
        self._servers.append(server)
        server.start()
        self._kept.append(Kept(server.process, server.start, time.monotonic()))

    def add(self, process: Process, *, keep: bool = True) -> None:
        """Start a process of ours. With `keep=False` it may end: its work is done then."""
        self._processes.append(process)
        process.start()
        self._kept.append(Kept(process, process.start, time.monotonic(), again=keep))

    def check(self) -> None:
        """Raise LaunchError if one of them has ended: during the start nothing is started again."""
        for kept in self._kept:
            if kept.process.poll() is not None:
                process = kept.process
                raise LaunchError(f"{process.name} has ended: {process.last_words()} (see {process.log})")

    def watch(self, over: Callable[[], bool]) -> None:
        """Keep everything running until `over()`."""
        while not over():
            self.guardian.ensure()
            for kept in self._kept:
                rotate(kept.process.log)
                line = kept.look(time.monotonic())
                if line:
                    self._tell(line)
            time.sleep(LOOK_S)

    def stop(self) -> None:
        """Stop our processes at once, then the servers, the last one first; then the guardian."""
        end(self._processes)
        for server in reversed(self._servers):
            server.stop()
        self.guardian.close()
