"""Real servers for tests and benches: databases in a temporary folder, and our own processes on top of them."""

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from cxcenter.management.launch import services
from cxcenter.management.launch.postgres import NAME, Postgres
from cxcenter.management.launch.processes import Guardian, Process
from cxcenter.management.launch.supervisor import LOOK_S, Kept
from cxcenter.management.launch.valkey import Valkey

ROOT = Path(__file__).resolve().parent.parent
START_S = 90.0
# Names the data of a PostgreSQL in which the tables stand: all databases of a test session in several processes begin
# as its copy. To make the tables takes ten seconds, and there are a dozen such databases.
TABLES = "CX_TEST_TABLES"


class Databases:
    """PostgreSQL and Valkey in a temporary folder, gone with the process that made them (even by `kill -9`).

    `durable=True` lets them flush to the disk as in earnest: for figures.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cxtest-"))
        self.guardian = Guardian()
        place = {"sockets": self.folder / "s", "guardian": self.guardian, "durable": durable}
        self.postgres = Postgres(data=self.folder / "postgres", log=self.folder / "log/postgres.log", **place)
        self.valkey = Valkey(data=self.folder / "valkey", log=self.folder / "log/valkey.log", **place)
        self.servers: dict[str, Postgres | Valkey] = {"postgres": self.postgres, "valkey": self.valkey}

    def start(self) -> "Databases":
        self._take_tables()
        try:
            for server in self.servers.values():
                server.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        for server in self.servers.values():
            server.stop()
        self.guardian.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _take_tables(self) -> None:
        made = os.environ.get(TABLES)
        if made and not self.postgres.data.exists():
            self.postgres.data.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", made, str(self.postgres.data)], check=True)


class Stack:
    """Databases and our own processes: `web1`, `web2`, …, `now`, `bulk`, `beat`, `postgres`, `valkey`.

    Without arguments it has databases of its own; `session_stack` gives one on those of the test session.
    """

    def __init__(
        self,
        databases: Databases | None = None,
        *,
        database: str = NAME,
        redis_database: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.owns_databases = databases is None
        self.databases = databases or Databases().start()
        self.folder = Path(tempfile.mkdtemp(prefix="cxstack-"))
        self.guardian = Guardian()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port: int = self.listener.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.database_url = self.databases.postgres.url(database)
        self.redis_url = self.databases.valkey.url(redis_database)
        self.environment = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "VAR_DIR": str(self.folder),
            "PORT": str(self.port),
            "PUBLIC_URL": self.url,
            "DJANGO_SETTINGS_MODULE": "cxcenter.settings",
            # Browser tests allow it to themselves (tests/browser/conftest.py); our processes stay strict.
            "DJANGO_ALLOW_ASYNC_UNSAFE": "",
            **(environment or {}),
        }
        self.processes: dict[str, Process] = {}
        self._over = threading.Event()
        self._keeper: threading.Thread | None = None
        self._scripts: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def manage(self, *arguments: str, timeout_s: float = 300) -> str:
        """Run a management command on this stack and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, f"manage.py {' '.join(arguments)}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def run(self, script: str) -> str:
        """Run a script of Python on this stack and return what it printed."""
        if self._scripts is None:
            self._scripts = subprocess.Popen(
                [sys.executable, "-m", "tests.scripts"],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._scripts.stdin and self._scripts.stdout
        self._scripts.stdin.write(f"{json.dumps(script)}\n")
        self._scripts.stdin.flush()
        answer = json.loads(self._scripts.stdout.readline())
        assert not answer["failed"], f"{script}\n{answer['said']}\n{answer['failed']}"
        return str(answer["said"])

    def start_web(self, count: int = 1) -> None:
        """Start `count` web processes on one socket and wait until the site answers."""
        first = sum(name.startswith("web") for name in self.processes) + 1
        for number in range(first, first + count):
            self._start(f"web{number}", services.web(self.listener.fileno()), (self.listener.fileno(),))
        for number in range(first, first + count):
            process = self.processes[f"web{number}"]
            self._wait(process, lambda process=process: process.has_said("Started server process"))
        self.wait_ready()

    def start_worker(self, queue: str = "now") -> None:
        """Start the worker of a queue and wait until it takes tasks."""
        process = self._start(queue, services.worker(queue))
        self._wait(process, lambda: process.has_said(" ready."))

    def start_one_more(self, queue: str) -> Process:
        """Start one more worker of a queue, and return it when it takes tasks."""
        process = self._start(f"more {queue}", services.worker(queue))
        self._wait(process, lambda: process.has_said(" ready."))
        return process

    def start_beat(self) -> None:
        """Start the clock of the periodic tasks."""
        self._start("beat", services.beat())

    def start_exchanges(self) -> Process:
        """Start what keeps the lines to telephone exchanges."""
        return self._start("exchanges", services.exchanges())

    def wait_ready(self) -> None:
        """Wait until /readyz answers 200."""
        self._wait(None, lambda: answers(f"{self.url}/readyz"))

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a process by its name, and wait for its end if the signal is a deadly one."""
        process = self._process(name)
        process.send(number)
        if number in {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}:
            process.wait(20)

    def restart(self, name: str) -> None:
        """Start a process again (it is stopped first if it runs) and wait until it is at work."""
        process = self._process(name)
        process.stop()
        if name in self.databases.servers:
            self.databases.servers[name].start()
            return
        process.start()
        if name.startswith("web"):
            self._wait(process, lambda: process.has_said("Started server process"))
        elif name in services.QUEUES:
            self._wait(process, lambda: process.has_said(" ready."))

    def keep(self, *names: str) -> None:
        """Start these again whenever they end, as the launcher does (and containers do), until the stack stops."""
        kept = [Kept(self.processes[name], self.processes[name].start, time.monotonic()) for name in names]

        def look() -> None:
            while not self._over.wait(LOOK_S):
                for each in kept:
                    each.look(time.monotonic())

        self._keeper = threading.Thread(target=look, daemon=True)
        self._keeper.start()

    def log(self, name: str) -> str:
        """Return all that a process has written."""
        return self._process(name).log.read_text(errors="replace")

    def stop(self) -> None:
        """Stop everything, in the reverse order of its start, and remove the folder."""
        self._over.set()
        if self._keeper:
            self._keeper.join()
        if self._scripts:
            self._scripts.communicate()
        for process in reversed(self.processes.values()):
            process.stop()
        self.guardian.close()
        self.listener.close()
        if self.owns_databases:
            self.databases.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _process(self, name: str) -> Process:
        if name in self.databases.servers:
            return self.databases.servers[name].process
        return self.processes[name]

    def _start(self, name: str, argv: list[str], fds: tuple[int, ...] = ()) -> Process:
        process = Process(
            name, argv, self.folder / f"log/{name}.log", self.guardian, self.environment, fds, folder=ROOT
        )
        self.processes[name] = process
        process.start()
        return process

    def _wait(self, process: Process | None, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_S
        while not ready():
            name = process.name if process else "the site"
            if process and process.poll() is not None:
                raise AssertionError(f"{name} has ended:\n{process.log.read_text(errors='replace')[-4000:]}")
            assert time.monotonic() < deadline, f"{name} is not ready after {START_S:.0f} s"
            time.sleep(0.05)


@contextmanager
def session_stack(*, web: int = 1, clock: bool = False) -> Iterator[Stack]:
    """Our processes on the databases of this test session, whose rows the test sees by the ORM.

    `clock` adds what time drives: beat and the worker that runs the sweeps.
    """
    from django.conf import settings  # the settings need the addresses that this module provides

    with Stack(session_databases(), database=settings.DATABASES["default"]["NAME"]) as stack:
        stack.start_web(web)
        if clock:
            stack.start_worker("now")
            stack.start_beat()
        yield stack


def answers(url: str) -> bool:
    """Return whether a page answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def free_port() -> int:
    """Return a TCP port that is free now, and the next one is free too."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port: int = first.getsockname()[1]
            try:
                with socket.create_server(("127.0.0.1", port + 1)):
                    return port
            except OSError:
                continue


_session: Databases | None = None


def start_test_databases() -> None:
    """Point the settings of this test session to temporary servers, unless DATABASE_URL names one.

    Called by conftest.py before the settings are read.
    """
    global _session
    if _session or os.environ.get("DATABASE_URL"):
        return
    _session = Databases().start()
    atexit.register(stop_test_databases)
    (_session.folder / "var/static").mkdir(parents=True)
    os.environ["DATABASE_URL"] = _session.postgres.url()
    os.environ["REDIS_URL"] = _session.valkey.url()
    os.environ["VAR_DIR"] = str(_session.folder / "var")


def leave_tables() -> None:
    """Make the tables, stop the servers and forget their addresses: the processes to come take the tables as they lie."""
    if _session:
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity=0"], cwd=ROOT, check=True)
        for server in _session.servers.values():
            server.stop()
        os.environ[TABLES] = str(_session.postgres.data)
        _forget_addresses()


def stop_test_databases() -> None:
    """Stop the servers of the session, remove their folder and forget their addresses."""
    global _session
    if _session:
        _session.stop()
        _session = None
        _forget_addresses()


def _forget_addresses() -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "VAR_DIR"):
        os.environ.pop(name, None)


def session_databases() -> Databases:
    """Return the servers of this test session, for a Stack on them and for fault tests."""
    assert _session, "this session uses DATABASE_URL: tests that need servers of their own cannot run"
    return _session
