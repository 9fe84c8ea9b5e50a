"""`make run` in a copy of the project: from nothing to the table of addresses, again, and what it holds when idle."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tests.bench.center import main
from tests.bench.report import Figure
from tests.servers import ROOT, free_port

READY = "is ready"
PATIENCE_S, IDLE_S = 600, 30
# Ours would point the copy to other servers, or forbid it to keep what Python has compiled.
FOREIGN = (
    "DATABASE_URL", "REDIS_URL", "VAR_DIR", "PORT", "PUBLIC_URL", "DEMO", "MAKELEVEL", "MAKEFLAGS", "MFLAGS",
    "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX",
)  # fmt: skip


def measure() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory(prefix="cxclone-") as home:
        folder = Path(home) / "project"
        clone(folder)
        cold = Run(folder)
        cold.stop()
        warm = Run(folder)
        time.sleep(IDLE_S)
        idle = memory(folder)
        warm.stop()
    yield Figure(
        "first.start_cold_s", cold.took_s, None, "no .venv, no var; packages from pip's cache where it has them"
    )
    yield Figure("first.start_warm_s", warm.took_s)
    yield Figure("first.idle_mb", idle, None, f"PSS of all processes {IDLE_S} s after the start, two web processes")


def clone(folder: Path) -> None:
    """Copy what a clone of the project would have, as it stands now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)


class Run:
    """One `make run`, started, and timed until its table of addresses."""

    def __init__(self, folder: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        output = folder.with_name(f"run-{time.monotonic_ns()}.out")
        began = time.monotonic()
        with output.open("wb") as out:
            self._process = subprocess.Popen(
                ["make", "run"],
                cwd=folder,
                env={**kept, "PORT": str(free_port())},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while READY not in output.read_text():
            assert self._process.poll() is None, output.read_text()
            assert time.monotonic() - began < PATIENCE_S, output.read_text()
            time.sleep(0.05)
        self.took_s = time.monotonic() - began

    def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        os.killpg(self._process.pid, signal.SIGINT)
        self._process.wait(60)


def memory(folder: Path) -> float:
    """Return the proportional memory of all processes that work in the folder, in MB."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        # It may have ended meanwhile.
        with suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(folder):
                lines = (process / "smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


if __name__ == "__main__":
    main(measure)
