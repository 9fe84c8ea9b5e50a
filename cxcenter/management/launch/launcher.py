"""Runs the whole product on one machine, from an empty folder to a table of addresses."""

import http.client
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

import psycopg2
import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from cxcenter.celery import app as celery
from cxcenter.management.launch import lock, prepare, services
from cxcenter.management.launch.messages import compile_catalogs
from cxcenter.management.launch.ports import listen
from cxcenter.management.launch.postgres import Postgres
from cxcenter.management.launch.processes import STOP_SIGNALS, Guardian, LaunchError, Process, rotate
from cxcenter.management.launch.supervisor import Supervisor
from cxcenter.management.launch.valkey import Valkey
from interactions import speech

READY_S = 120.0
# What the embedded PostgreSQL leaves to the web, after workers, live screens of a shell and reserve.
WEB_CONNECTIONS = 80
LOGINS = "operator1 … operator12, senior1, supervisor, quality, marketer, admin, integrator"


class Launcher:
    """One run of `manage.py up`. Lines for the person go to `out`."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._var: Path = settings.VAR_DIR
        self._logs = self._var / "log"
        self._demo = settings.DEMO != "off"
        parts = urlsplit(settings.PUBLIC_URL)
        self._shop_url = f"{parts.scheme}://{parts.hostname}:{settings.PORT + 1}"
        self._queues = [queue for queue in services.QUEUES if queue != "asr" or speech.is_on()]
        self._asked_to_stop = False
        # Started by make: when make is gone, nobody is left to stop us.
        self._parent = os.getppid() if "MAKELEVEL" in os.environ else None

    def run(self) -> None:
        """Start everything and keep it running until SIGINT, SIGTERM or SIGHUP; raise LaunchError."""
        for number in STOP_SIGNALS:
            # `nohup` has set SIGHUP aside: so it stays.
            if not (number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN):
                signal.signal(number, self._interrupt)
        with suppress(KeyboardInterrupt):
            self._hold()
        self._say("Stopped. The data is kept: the next start goes on from here.")

    def _hold(self) -> None:
        self._var.mkdir(parents=True, exist_ok=True)
        held = lock.take(self._var / "lock", address=settings.PUBLIC_URL)
        web, shop = self._listen()
        supervisor = Supervisor(Guardian(keep_open=(held,)), self._say)
        try:
            self._start(supervisor, web, shop)
            supervisor.watch(over=self._over)
        finally:
            for number in STOP_SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            self._say("\nStopping …")
            supervisor.stop()
            # A file that is not ours keeps it.
            with suppress(OSError):
                Path(settings.SOCKET_DIR).rmdir()

    def _start(self, supervisor: Supervisor, web: socket.socket, shop: socket.socket | None) -> None:
        started = time.monotonic()
        _check_speech()
        self._start_servers(supervisor)
        self._prepare()
        with self._step("Web, workers, beat"):
            self._start_processes(supervisor, web, shop)
            self._wait_until_ready(supervisor)
        if settings.DEMO == "live":
            command = [sys.executable, "manage.py", "replay", "chats", "--demo"]
            supervisor.add(self._process("replay", command, supervisor.guardian), keep=False)
        self._show_addresses(time.monotonic() - started)

    def _listen(self) -> tuple[socket.socket, socket.socket | None]:
        """Open the ports before anything is started."""
        web = _open_port(settings.PORT, "")
        return web, _open_port(settings.PORT + 1, " (the demo shop's, PORT+1)") if self._demo else None

    def _start_servers(self, supervisor: Supervisor) -> None:
        sockets, guardian = settings.SOCKET_DIR, supervisor.guardian
        if settings.DATABASE_URL == settings.EMBEDDED_DATABASE_URL:
            if settings.WEB_PROCESSES * settings.WEB_THREADS > WEB_CONNECTIONS:
                raise LaunchError(
                    f"WEB_PROCESSES × WEB_THREADS is over {WEB_CONNECTIONS}, more than the embedded PostgreSQL "
                    "has connections for: lower one, or set DATABASE_URL to a server of yours"
                )
            with self._step("PostgreSQL"):
                log = self._logs / "postgres.log"
                data = self._var / "postgres"
                supervisor.add_server(Postgres(data=data, sockets=sockets, log=log, guardian=guardian))
        if settings.REDIS_URL == settings.EMBEDDED_REDIS_URL:
            with self._step("Valkey"):
                log = self._logs / "valkey.log"
                data = self._var / "valkey"
                supervisor.add_server(Valkey(data=data, sockets=sockets, log=log, guardian=guardian))
        _reach_database()
        _reach_redis()

    def _prepare(self) -> None:
        path = self._logs / "prepare.log"
        rotate(path)
        with path.open("a", encoding="utf-8") as log:
            self._act("Tables", prepare.migrate, log)
            self._act("Languages", lambda _: compile_catalogs(), log)
            self._act("Static files", prepare.collect_static, log)
            if self._demo:
                self._act("Demo data", prepare.seed_demo, log)
        # From here on this process only watches: it needs no connection.
        connections.close_all()

    def _act(self, name: str, act: Callable[[TextIO], object], log: TextIO) -> None:
        with self._step(name):
            try:
                act(log)
            except Exception as error:
                traceback.print_exc(file=log)
                raise LaunchError(f"{name.lower()}: {_one_line(error)} (see {log.name})") from None

    def _start_processes(self, supervisor: Supervisor, web: socket.socket, shop: socket.socket | None) -> None:
        guardian = supervisor.guardian
        supervisor.add(self._process("beat", services.beat(), guardian))
        supervisor.add(self._process("exchanges", services.exchanges(), guardian))
        for queue in self._queues:
            supervisor.add(self._process(f"worker-{queue}", services.worker(queue), guardian))
        for number in range(1, settings.WEB_PROCESSES + 1):
            descriptor = web.fileno()
            supervisor.add(self._process(f"web{number}", services.web(descriptor), guardian, descriptor))
        if shop:
            command = services.shop(shop.fileno(), settings.BASE_DIR / "demo_shop", settings.PUBLIC_URL)
            supervisor.add(self._process("shop", command, guardian, shop.fileno()))

    def _process(self, name: str, command: list[str], guardian: Guardian, *descriptors: int) -> Process:
        return Process(
            name, command, self._logs / f"{name}.log", guardian, fds=descriptors, folder=Path(settings.BASE_DIR)
        )

    def _wait_until_ready(self, supervisor: Supervisor) -> None:
        deadline = time.monotonic() + READY_S
        waiting: dict[str, Callable[[], bool]] = {"the web": _web_ready, "the workers": self._workers_ready}
        while waiting:
            waiting = {name: ready for name, ready in waiting.items() if not ready()}
            supervisor.check()
            self._stop_if_asked()
            if waiting and time.monotonic() > deadline:
                raise LaunchError(f"{' and '.join(waiting)} did not answer in {READY_S:.0f} s (see {self._logs})")
            time.sleep(0.1)

    def _workers_ready(self) -> bool:
        wanted = len(self._queues)
        return len(celery.control.ping(timeout=0.5, limit=wanted) or []) >= wanted

    def _over(self) -> bool:
        orphaned = self._parent is not None and os.getppid() != self._parent
        return self._asked_to_stop or orphaned

    def _interrupt(self, *_: object) -> None:
        # What is raised while Python collects garbage is swallowed: so it is remembered too.
        self._asked_to_stop = True
        raise KeyboardInterrupt

    def _stop_if_asked(self) -> None:
        if self._asked_to_stop:
            raise KeyboardInterrupt

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        """Show that a step has begun, and how long it took."""
        began = time.monotonic()
        self._out.write(f"  {name:<20}")
        self._out.flush()
        try:
            yield
            self._stop_if_asked()
        except BaseException:
            self._say("")
            raise
        self._say(f"{time.monotonic() - began:5.1f} s")

    def _show_addresses(self, seconds: float) -> None:
        center = settings.PUBLIC_URL
        rows = [
            ("Sign in", f"{center}/"),
            ("Operator's desk", f"{center}/desk/"),
            ("Live board", f"{center}/board/"),
            ("Administration", f"{center}/admin/"),
            ("API", f"{center}/api/docs/"),
        ]
        if self._demo:
            rows.append(("Demo shop with chat", f"{self._shop_url}/"))
        self._say(f"\nCX Center is ready ({seconds:.1f} s).\n")
        for name, address in rows:
            self._say(f"  {name:<20} {address}")
        if self._demo:
            self._say(f"\n  {'Demo logins':<20} {LOGINS}\n  {'Password':<20} demo")
        self._say(f"\nLogs: {self._logs}. Ctrl-C stops everything.")

    def _say(self, line: str) -> None:
        self._out.write(f"{line}\n")
        self._out.flush()


def _open_port(port: int, what: str) -> socket.socket:
    try:
        return listen(settings.BIND, port)
    except OSError as error:
        raise LaunchError(
            f"port {port}{what} cannot be used: {error.strerror}; "
            f"stop the program that has it, or choose another: make run PORT={port + 1000 if port < 64_000 else 8000}"
        ) from None


def _check_speech() -> None:
    try:
        speech.check()
    except ImproperlyConfigured as error:
        raise LaunchError(str(error)) from None


def _reach_database() -> None:
    try:
        psycopg2.connect(settings.DATABASE_URL, connect_timeout=5).close()
    except psycopg2.OperationalError as error:
        raise LaunchError(f"the server of DATABASE_URL does not answer: {_one_line(error)}") from None


def _reach_redis() -> None:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise LaunchError(f"the server of REDIS_URL does not answer: {_one_line(error)}") from None


def _web_ready() -> bool:
    host = "127.0.0.1" if settings.BIND in {"0.0.0.0", "::"} else settings.BIND  # noqa: S104 — compared, not bound
    # The name and scheme a browser would come with, so that the checks of production let it pass.
    headers = {"Host": urlsplit(settings.PUBLIC_URL).netloc, "X-Forwarded-Proto": "https"}
    connection = http.client.HTTPConnection(host, settings.PORT, timeout=5)
    try:
        connection.request("GET", "/readyz", headers=headers)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
