"""Large sets of rows that are made once and kept in var/bench, under a version."""

import os
import shutil
import subprocess
import sys
import time

from cxcenter.management.launch.postgres import Postgres
from tests.bench.report import FOLDER
from tests.servers import ROOT, Databases

# Raised when tests/bench/mass.py makes other rows.
VERSION = "v2"


class Kept(Databases):
    """Servers whose PostgreSQL holds a large center; `fill`, a module that is run with its size, makes it at the first start.

    `durable=True` lets them flush to the disk as in earnest, once it is filled: for figures of acts that write.
    """

    def __init__(
        self, size: int, *, fill: str = "tests.bench.mass", version: str = VERSION, durable: bool = False
    ) -> None:
        super().__init__(durable=durable)
        self._size, self._fill, self._durable = size, fill, durable
        self._home = FOLDER / version / str(size)
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
        ready = self._home / "ready"
        if ready.exists():
            self.postgres.durable = self._durable
            super().start()
            self._run("manage.py", "migrate", "--verbosity=0")
            return self
        # What an interrupted run has left is no set.
        shutil.rmtree(self._home, ignore_errors=True)
        super().start()
        began = time.monotonic()
        self._run("-m", self._fill, str(self._size))
        took = time.monotonic() - began
        ready.write_text(f"{took:.0f} s\n")
        print(f"{self._fill} {self._size:,} made in {took:.0f} s and kept in {self._home}")
        if self._durable:
            self.postgres.stop()
            self.postgres.durable = True
            self.postgres.start()
        return self

    def _run(self, *arguments: str) -> None:
        places = {"DATABASE_URL": self.postgres.url(), "REDIS_URL": self.valkey.url(), "VAR_DIR": str(self.folder)}
        subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env={**os.environ, **places, "LOG_LEVEL": "WARNING"}, check=True
        )
