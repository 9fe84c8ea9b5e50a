"""Large sets of rows that are made once and kept in var/bench, under a version."""

import os
import subprocess
import sys
import time

from cxcenter.management.launch.postgres import Postgres
from tests.bench.report import FOLDER
from tests.servers import ROOT, Databases

# Raised when tests/bench/mass.py makes other rows.
VERSION = "v2"


class Kept(Databases):
    """Servers whose PostgreSQL holds a center with so many past conversations; filled at the first start."""

    def __init__(self, conversations: int) -> None:
        super().__init__()
        self._conversations = conversations
        self._home = FOLDER / VERSION / str(conversations)
        self.postgres = Postgres(
            data=self._home / "postgres",
            sockets=self.folder / "s",
            log=self._home / "postgres.log",
            guardian=self.guardian,
            durable=False,
        )
        self.servers["postgres"] = self.postgres

    def start(self) -> "Kept":
        """Start, and fill or migrate."""
        super().start()
        ready = self._home / "ready"
        if ready.exists():
            self._run("manage.py", "migrate", "--verbosity=0")
            return self
        began = time.monotonic()
        self._run("-m", "tests.bench.mass", str(self._conversations))
        took = time.monotonic() - began
        ready.write_text(f"{took:.0f} s\n")
        print(f"{self._conversations:,} conversations made in {took:.0f} s and kept in {self._home}")
        return self

    def _run(self, *arguments: str) -> None:
        places = {"DATABASE_URL": self.postgres.url(), "REDIS_URL": self.valkey.url(), "VAR_DIR": str(self.folder)}
        subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env={**os.environ, **places, "LOG_LEVEL": "WARNING"}, check=True
        )
