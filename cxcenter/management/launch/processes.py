"""Child processes of the launcher: each in a session of its own, logged, and known to the guardian."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM, Signals

STOP_SIGNALS = (SIGINT, SIGTERM, SIGHUP)
LOG_LIMIT_BYTES = 10 * 1024 * 1024
LOG_READ_BYTES = 256 * 1024


class LaunchError(Exception):
    """Something could not be started; the text is one line for the person at the terminal."""


class Guardian:
    """The launcher's end of the guardian process (guardian.py)."""

    def __init__(self, keep_open: Sequence[int] = ()) -> None:
        """Start the guardian. It holds the files `keep_open` (the launcher's lock) as long as it lives."""
        self._keep_open = tuple(keep_open)
        self._known: dict[int, str] = {}
        self._start()

    def _start(self) -> None:
        read_end, write_end = os.pipe()
        self._pipe: int | None = write_end
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("guardian.py"))],
            stdin=read_end,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=self._keep_open,
        )
        os.close(read_end)

    @property
    def pid(self) -> int:
        """The guardian's process id."""
        return self._process.pid

    def ensure(self) -> None:
        """Start the guardian again if somebody has ended it, and tell it all it knew."""
        if self._pipe is None or self._process.poll() is None:
            return
        os.close(self._pipe)
        self._start()
        for pid, names in self._known.items():
            self._write(f"+{pid} {names}\n")

    def announce(self, pid: int, signals: Sequence[Signals]) -> None:
        """Have the process group `pid` ended by `signals`, in this order, when the launcher is gone."""
        self._write(f"+{pid} {','.join(each.name for each in signals)}\n")

    def remember(self, pid: int, signals: Sequence[Signals]) -> None:
        """Keep what was announced, for a guardian that has to be started again."""
        self._known[pid] = ",".join(each.name for each in signals)

    def forget(self, pid: int) -> None:
        """The process `pid` has ended and was collected: its number may belong to another one now."""
        self._known.pop(pid, None)
        self._write(f"-{pid}\n")

    def close(self) -> None:
        """Let the guardian end all that it still knows, and wait for it."""
        if self._pipe is None:
            return
        os.close(self._pipe)
        self._pipe = None
        self._process.wait()

    def _write(self, line: str) -> None:
        if self._pipe is None:
            return
        try:
            os.write(self._pipe, line.encode())
        except BrokenPipeError:
            # It has died: `ensure` will tell the next one.
            return


@dataclass
class Process:
    """One child process.

    `signals` are sent in this order to end it, each `grace_s` seconds after the one before.
    `environment` is added to ours, `folder` is where it runs. `user` and `group` are ids to run
    under, None for our own.
    """

    name: str
    argv: Sequence[str]
    log: Path
    guardian: Guardian
    environment: Mapping[str, str] = field(default_factory=dict)
    fds: tuple[int, ...] = ()
    signals: tuple[Signals, ...] = (SIGTERM, SIGKILL)
    grace_s: float = 8.0
    user: int | None = None
    group: int | None = None
    folder: Path | None = None
    _log_start: int = 0
    _mask: Collection[int] = ()
    _popen: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it with its output at the end of its log. Raise LaunchError if it cannot be run."""
        rotate(self.log)
        # A stop that comes while we fork would be lost, or would lose the child: it waits till we are done.
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            self._popen = self._open()
        except OSError as error:
            raise LaunchError(f"{self.name} cannot be started: {error}") from None
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        self.guardian.remember(self._popen.pid, self.signals)

    def _open(self) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            return subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                pass_fds=self.fds,
                start_new_session=True,
                user=self.user,
                group=self.group,
                # The launcher has no threads, the one danger of this hook.
                preexec_fn=self._begin,  # noqa: PLW1509
            )

    def _begin(self) -> None:
        """Run in the child, before its program."""
        # Announced by the child itself: were it done by us after the start, a launcher killed in
        # between would leave a process that nobody knows.
        self.guardian.announce(os.getpid(), self.signals)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    @property
    def pid(self) -> int | None:
        """The process id while it runs, else None."""
        return self._popen.pid if self._popen and self.poll() is None else None

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs (or was never started)."""
        if self._popen is None or self._popen.returncode is not None:
            return self._popen.returncode if self._popen else None
        if self._popen.poll() is not None:
            self.guardian.forget(self._popen.pid)
        return self._popen.returncode

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for its end and return the exit code; raise subprocess.TimeoutExpired."""
        assert self._popen is not None
        self._popen.wait(timeout_s)
        self.guardian.forget(self._popen.pid)
        return self._popen.returncode

    def send(self, number: int) -> None:
        """Send a signal to it and to what it has started."""
        if self.pid is not None:
            os.killpg(self.pid, number)

    def stop(self) -> None:
        """End it, the harder the longer it takes, and return when it is gone."""
        end([self])

    def has_said(self, words: str) -> bool:
        """Return whether `words` are in its log since this start."""
        return words in read_from(self.log, self._log_start)

    def last_words(self) -> str:
        """Return the last line since this start that says what went wrong, or the last line at all."""
        lines = [line.strip() for line in read_from(self.log, self._log_start).splitlines() if line.strip()]
        telling = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "rror"))]
        return (telling or lines or ["no word in its log"])[-1]


def end(processes: Sequence[Process]) -> None:
    """End several processes at once and return when all are gone."""
    for step in range(max((len(each.signals) for each in processes), default=0)):
        left = [each for each in processes if each.pid is not None and step < len(each.signals)]
        for process in left:
            process.send(process.signals[step])
        deadline = time.monotonic() + max((each.grace_s for each in left), default=0.0)
        for process in left:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))


def rotate(log: Path) -> None:
    """Put a log that has grown over LOG_LIMIT_BYTES aside as NAME.log.1, also while it is written to."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        # Copied and emptied, not renamed: whoever writes goes on at the end of the same file.
        shutil.copyfile(log, log.with_name(log.name + ".1"))
        os.truncate(log, 0)


def read_from(log: Path, start: int) -> str:
    """Return the text of a log from byte `start` on, at most its last LOG_READ_BYTES; "" if there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(start, log.stat().st_size - LOG_READ_BYTES))
        return file.read().decode(errors="replace")


def command_of(pid: int) -> str:
    """Return the command line of any process, "" if there is none with this id."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        if Path("/proc/self").exists():
            return ""
    # macOS has no /proc.
    listing = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    return listing.stdout


def nobody() -> pwd.struct_passwd:
    """Return the system's user without rights, under which root may run a server."""
    return pwd.getpwnam("nobody")


def private_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter; raise LaunchError if somebody else has made it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owners = {0, nobody().pw_uid} if os.geteuid() == 0 else {os.geteuid()}
    if folder.is_symlink() or folder.stat().st_uid not in owners:
        raise LaunchError(f"{folder} belongs to somebody else: set TMPDIR to a folder of your own")
    folder.chmod(0o700)
