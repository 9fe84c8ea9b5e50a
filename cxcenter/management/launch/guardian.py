"""The guardian: ends what the launcher started when the launcher itself is gone, even by `kill -9`.

It is a process of its own and reads a pipe whose only other end the launcher holds. A line
`+PID SIGNAL,SIGNAL` names a child and how it is to be ended, `-PID` forgets it. The end of the pipe
means that the launcher has died: what is still known then is ended.

Nothing of Django or of this project is imported, so that it stays small and cannot fail with them.
"""

# pathlib alone would cost a third of this process.
# ruff: noqa: PTH110, PTH123

import os
import signal
import sys
import time
from collections.abc import Iterable

# Three signals fit in ten seconds: ask, insist (PostgreSQL), kill.
STEP_S = 3.5


def follow(lines: Iterable[str]) -> dict[int, list[int]]:
    """Read the launcher's lines until it is gone; return the signals of each process left."""
    known: dict[int, list[int]] = {}
    for line in lines:
        head, _, names = line.strip().partition(" ")
        pid = int(head[1:])
        if head[0] == "+":
            known[pid] = [signal.Signals[name].value for name in names.split(",")]
        else:
            known.pop(pid, None)
    return known


def end(known: dict[int, list[int]]) -> None:
    """Send every process its first signal, after STEP_S seconds the next one, until all are gone."""
    for step in range(max(map(len, known.values()), default=0)):
        for pid, signals in known.items():
            if step < len(signals):
                send(pid, signals[step])
        deadline = time.monotonic() + STEP_S
        while time.monotonic() < deadline:
            if not any(send(pid, 0) for pid in known):
                return
            time.sleep(0.05)


def send(pid: int, number: int) -> bool:
    """Signal the process group `pid`; return whether it still runs."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        # It exists; macOS answers so for a process that has ended and waits to be collected.
        return alive(pid)
    return alive(pid)


def alive(pid: int) -> bool:
    """Return whether the process runs: one that has ended and waits to be collected does not."""
    try:
        # Where process 1 collects nobody (many containers) the ended ones stay in the table.
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        if os.path.exists("/proc/self"):
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    end(follow(sys.stdin))
