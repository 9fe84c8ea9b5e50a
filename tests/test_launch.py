"""`manage.py up` and the embedded servers, run for real: starts, refusals, kills and what they leave behind."""

import os
import pwd
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import psycopg2
import pytest
import redis

from cxcenter.environment import socket_folder
from cxcenter.management.launch import services
from cxcenter.management.launch.guardian import alive
from cxcenter.management.launch.postgres import Postgres, find_runner
from cxcenter.management.launch.processes import LOG_LIMIT_BYTES, Guardian, LaunchError, Process, private_folder, rotate
from cxcenter.management.launch.supervisor import Kept
from tests.servers import ROOT, Databases, answers, free_port

pytestmark = pytest.mark.live

START_S = 150.0
INHERITED = ("DATABASE_URL", "REDIS_URL", "VAR_DIR", "PORT", "PUBLIC_URL", "DEMO", "MAKELEVEL")


class Launch:
    """One `manage.py up` in a folder of its own. `shell=True` leaves a shell between us and it."""

    def __init__(self, var: Path, port: int, *, shell: bool = False, **environment: str) -> None:
        self.var, self.port = var, port
        self.output = var.with_name(f"{var.name}-{time.monotonic_ns()}.out")
        kept = {name: value for name, value in os.environ.items() if name not in INHERITED}
        own = {"VAR_DIR": str(var), "PORT": str(port), "WEB_PROCESSES": "1", **environment}
        launcher = f"{sys.executable} manage.py up"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", f"{launcher}; true" if shell else f"exec {launcher}"],
                cwd=ROOT,
                env={**kept, **own},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text()

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_S
        while "is ready" not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def wait_refused(self) -> str:
        """Wait for its end with an error and return its one line."""
        assert self.process.wait(START_S) == 1, self.said()
        assert "Traceback" not in self.said()
        lines = [line for line in self.said().splitlines() if line.startswith("cxcenter: ")]
        assert len(lines) == 1, self.said()
        assert self.said().splitlines()[-1] == lines[0]
        return lines[0]

    def stop(self, number: int = signal.SIGINT) -> None:
        self.process.send_signal(number)
        self.process.wait(30)


def read(url: str) -> str:
    """Return a page; raise HTTPError if it does not answer 200."""
    with urllib.request.urlopen(url, timeout=10) as page:
        return page.read().decode()


def running(var: Path) -> list[str]:
    """Return the processes that belong to a data folder: by its name in their environment, command or folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (entry / "environ").read_bytes().decode(errors="replace")
            traces = [command, environment, str((entry / "cwd").readlink())]
        except OSError:
            continue
        if any(str(var) in trace for trace in traces) and alive(int(entry.name)):
            found.append(f"{entry.name} {command}")
    return found


def pid_of(var: Path, what: str) -> int:
    return next(int(line.split()[0]) for line in running(var) if what in line)


def wait_gone(var: Path, limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while running(var):
        assert time.monotonic() < deadline, "\n".join(running(var))
        time.sleep(0.1)


@pytest.fixture
def var() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cxlaunch-", ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "var"


def test_whole_life(var: Path) -> None:
    port = free_port()
    first = Launch(var, port)
    try:
        first.wait_ready()
        for part in ("/desk/", "/board/", "/admin/", "/api/docs/", f":{port + 1}/", "operator12", "integrator"):
            assert part in first.said()
        assert f"http://localhost:{port}/" in read(f"http://localhost:{port + 1}/")
        styles = re.findall(r'"(/static/[^"]+\.css)"', read(f"http://localhost:{port}/sign-in/"))
        assert styles
        for style in styles:
            assert re.search(r"\.[0-9a-f]{12}\.css$", style), "static files have names for caching"
            read(f"http://localhost:{port}{style}")
        users = count(var, "accounts_user")
        assert users >= 18

        second = Launch(var, port)
        assert f"already runs here as process {first.process.pid}" in second.wait_refused()

        os.kill(pid_of(var, "cxcenter.serve"), signal.SIGKILL)
        deadline = time.monotonic() + 20
        while "web1 has ended" not in first.said() or not answers(f"http://localhost:{port}/readyz"):
            assert time.monotonic() < deadline, first.said()
            time.sleep(0.1)

        execute(var, "CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)")
        first.process.kill()
        first.process.wait()
        wait_gone(var, 10)
        again = Launch(var, port, DEMO="live")
        again.wait_ready()
        assert count(var, "kept") == 1
        assert count(var, "accounts_user") == users
        visitors_come(var)
        assert "replay has ended" not in again.said()
        again.stop()
        assert again.process.returncode == 0, again.said()
        assert "Stopped" in again.said()
        assert running(var) == []
        assert not socket_folder(var).exists()

        # The shell stands for make: it has started the launcher and waits for it.
        under_make = Launch(var, port, shell=True, MAKELEVEL="1")
        under_make.wait_ready()
        under_make.process.kill()
        wait_gone(var, 15)
        assert "Stopped" in under_make.said()
    finally:
        for line in running(var):
            os.kill(int(line.split()[0]), signal.SIGKILL)


def visitors_come(var: Path) -> None:
    """DEMO=live: they come by themselves, and are answered."""
    before = count(var, "interactions_message")
    deadline = time.monotonic() + 180
    while count(var, "interactions_message") < before + 3:
        assert time.monotonic() < deadline, (var / "log/replay.log").read_text()
        time.sleep(0.5)


def test_stops_in_the_middle_of_its_first_start(var: Path) -> None:
    launch = Launch(var, free_port(), DEMO="off")
    deadline = time.monotonic() + START_S
    while not (var / "postgres.new").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    launch.stop(signal.SIGTERM)
    assert running(var) == []
    assert "Traceback" not in launch.said()


@pytest.mark.parametrize("offset", [0, 1])
def test_port_taken(var: Path, offset: int) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port + offset)):
        line = Launch(var, port).wait_refused()
    assert f"port {port + offset}" in line
    assert "PORT=" in line
    assert running(var) == []


def test_missing_variable(var: Path) -> None:
    line = Launch(var, free_port(), CX_ENV="production").wait_refused()
    assert "SECRET_KEY" in line


@pytest.mark.parametrize(
    ("name", "address"),
    [("DATABASE_URL", "postgresql://127.0.0.1:1/none"), ("REDIS_URL", "redis://127.0.0.1:1/0")],
)
def test_server_of_ones_own_does_not_answer(var: Path, name: str, address: str) -> None:
    line = Launch(var, free_port(), DEMO="off", **{name: address}).wait_refused()
    assert name in line
    assert running(var) == []


def test_database_cannot_start(var: Path) -> None:
    (var / "postgres").mkdir(parents=True)
    (var / "postgres/PG_VERSION").write_text("9.6\n")
    line = Launch(var, free_port(), DEMO="off").wait_refused()
    assert "PostgreSQL did not start" in line
    assert str(var / "log/postgres.log") in line
    assert running(var) == []


@pytest.fixture
def databases() -> Iterator[Databases]:
    own = Databases()
    try:
        yield own
    finally:
        own.stop()


def test_text_in_russian_is_compared_right(databases: Databases) -> None:
    databases.postgres.start()
    assert query(databases.postgres.url(), "SELECT lower('ЁЖ') || ('ПРИВЕТ' ILIKE 'привет')") == "ёжtrue"


def test_database_survives_kills_and_stale_traces(databases: Databases) -> None:
    postgres = databases.postgres
    postgres.start()
    query(postgres.url(), "CREATE TABLE kept AS SELECT 1 AS id")
    postgres.process.send(signal.SIGKILL)
    postgres.process.wait()
    # The id in the file belongs to somebody else now: PostgreSQL alone would refuse to start.
    pid_file = postgres.data / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    postgres.start()
    assert query(postgres.url(), "SELECT count(*) FROM kept") == "1"


def test_database_left_by_another_launcher_is_ended(databases: Databases) -> None:
    databases.postgres.start()
    left = databases.postgres.process.pid
    heir = Databases()
    heir.postgres.data, heir.postgres.sockets = databases.postgres.data, databases.postgres.sockets
    try:
        heir.postgres.start()
        assert not alive(left)
        assert query(heir.postgres.url(), "SELECT 1") == "1"
    finally:
        heir.stop()


def test_valkey_keeps_what_it_was_told(databases: Databases) -> None:
    databases.valkey.start()
    with redis.Redis.from_url(databases.valkey.url()) as client:
        client.set("kept", "1")
    databases.valkey.process.send(signal.SIGKILL)
    databases.valkey.process.wait()
    databases.valkey.start()
    with redis.Redis.from_url(databases.valkey.url()) as client:
        assert client.get("kept") == b"1"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to drop its rights")
def test_root_without_user_namespaces_drops_its_rights(monkeypatch: pytest.MonkeyPatch, databases: Databases) -> None:
    # No `unshare` on the path.
    monkeypatch.setenv("PATH", "/nowhere")
    databases.folder.chmod(0o755)
    databases.postgres.start()
    assert databases.postgres.process.user == pwd.getpwnam("nobody").pw_uid
    assert Path(f"/proc/{databases.postgres.process.pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
    assert query(databases.postgres.url(), "SELECT 1") == "1"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to drop its rights")
def test_root_that_cannot_drop_its_rights_is_told_of_database_url(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    tmp_path.chmod(0o700)
    closed = tmp_path / "closed"
    closed.mkdir()
    with pytest.raises(LaunchError, match="DATABASE_URL"):
        find_runner(closed)


def test_socket_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(LaunchError, match="somebody else"):
        private_folder(tmp_path / "link")


def test_socket_path_that_no_system_takes_is_refused(tmp_path: Path) -> None:
    guardian = Guardian()
    with pytest.raises(LaunchError, match="too long"):
        Postgres(data=tmp_path, sockets=tmp_path / ("x" * 100), log=tmp_path / "log", guardian=guardian)
    guardian.close()


def test_guardian_is_replaced_and_told_everything(tmp_path: Path) -> None:
    guardian = Guardian()
    child = Process("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "log", guardian)
    child.start()
    os.kill(guardian.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while alive(guardian.pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    guardian.ensure()
    guardian.close()
    assert child.poll() == -signal.SIGTERM


def test_pause_before_a_new_start_grows() -> None:
    now = 1000.0
    starts: list[float] = []
    kept = Kept(Ended(), lambda: starts.append(now), started_at=now)
    for _ in range(200):
        now += 0.5
        kept.look(now)
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    assert pauses[:4] == [2.5, 4.5, 8.5, 16.5]
    assert max(pauses) <= 31


class Ended:
    """A process that is always over."""

    name, log = "ended", Path("ended.log")

    def poll(self) -> int:
        return 1


def test_large_log_is_put_aside_under_its_writer(tmp_path: Path) -> None:
    log = tmp_path / "web1.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * (LOG_LIMIT_BYTES + 1))
        rotate(log)
        writer.write(b"new")
    assert log.read_bytes() == b"new"
    assert (tmp_path / "web1.log.1").stat().st_size == LOG_LIMIT_BYTES + 1


def test_shop_serves_its_folder_and_nothing_else(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    (shop / "pictures").mkdir(parents=True)
    (shop / "index.html").write_text("<script src='{{ center }}/widget.js'></script>")
    (tmp_path / "secret.txt").write_text("secret")
    guardian = Guardian()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = services.shop(listener.fileno(), shop, "http://center.example")
        process = Process("shop", command, tmp_path / "log", guardian, fds=(listener.fileno(),))
        process.start()
        try:
            with urllib.request.urlopen(f"{base}/", timeout=10) as page:
                assert page.read() == b"<script src='http://center.example/widget.js'></script>"
            for path in ("/pictures/", "/../secret.txt", "/%2e%2e/secret.txt"):
                with pytest.raises(urllib.error.HTTPError, match="404"):
                    urllib.request.urlopen(f"{base}{path}", timeout=10)
        finally:
            process.stop()
            guardian.close()


def count(var: Path, table: str) -> int:
    return int(execute(var, f"SELECT count(*) FROM {table}"))


def execute(var: Path, sql: str) -> str:
    """Run SQL on the embedded database of a data folder; return the first value, "" if there is none."""
    return query(f"postgresql:///cxcenter?host={socket_folder(var)}&user=cxcenter", sql)


def query(url: str, sql: str) -> str:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone() if cursor.description else None
    return str(row[0]) if row else ""
