"""The command lines of our own long-running processes."""

import sys
from pathlib import Path

# Each worker's threads. Speech is recognised only where there is a model for it.
QUEUES = {"now": 4, "bulk": 1, "asr": 1}


def web(fd: int) -> list[str]:
    """Return the command of a web process on the listening socket `fd`."""
    return [sys.executable, "-m", "cxcenter.serve", "--fd", str(fd)]


def worker(queue: str) -> list[str]:
    """Return the command of the Celery worker of one queue (`now`, `bulk` or `asr`)."""
    return [
        *_celery("worker"),
        f"--queues={queue}",
        f"--hostname={queue}@%h",
        "--pool=threads",
        f"--concurrency={QUEUES[queue]}",
        # One worker of a kind on a machine: news of the others would only load the server.
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ]


def beat() -> list[str]:
    """Return the command of the clock that sends the periodic tasks. One of it runs in an installation."""
    return [*_celery("beat"), "--pidfile="]


def exchanges() -> list[str]:
    """Return the command of what keeps the lines to telephone exchanges. One of it runs in an installation."""
    return [sys.executable, "manage.py", "exchanges"]


def _celery(command: str) -> list[str]:
    return [sys.executable, "-m", "celery", "--app=cxcenter", "--quiet", command, "--loglevel=INFO"]


def shop(fd: int, folder: Path, center: str) -> list[str]:
    """Return the command of the demo shop on the listening socket `fd`, with the address of CX Center."""
    script = str(Path(__file__).with_name("shop.py"))
    return [sys.executable, "-I", "-S", script, "--fd", str(fd), "--folder", str(folder), "--center", center]
