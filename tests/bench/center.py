"""The center for a bench: servers as `make run` has them, our processes, and the ORM of this process on the same rows."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.report import Figure, hand_over
from tests.servers import Databases, Stack


@contextmanager
def center(
    databases: Databases | None = None, *, web: int = 2, worker: bool = True, durable: bool = True
) -> Iterator[Stack]:
    """Start databases (empty ones, unless some are given), tables and processes; stop them at the end.

    Call it once in a process.
    """
    databases = (databases or Databases(durable=durable)).start()
    os.environ |= {
        "DATABASE_URL": databases.postgres.url(),
        "REDIS_URL": databases.valkey.url(),
        "VAR_DIR": str(databases.folder / "var"),
        "DJANGO_SETTINGS_MODULE": "cxcenter.settings",
        "LOG_LEVEL": "WARNING",
    }
    import django

    django.setup()
    from django.core.management import call_command

    try:
        call_command("migrate", interactive=False, verbosity=0)
        with Stack(databases, environment={"LOG_LEVEL": "INFO"}) as stack:
            if web:
                stack.start_web(web)
            if worker:
                stack.start_worker("now")
                stack.start_beat()
            yield stack
    finally:
        databases.stop()


def main(measure: Callable[[], Iterable[Figure]]) -> None:
    """Run a part: `python -m tests.bench.GROUP.PART FILE` writes its figures to FILE, or shows them without one."""
    figures = list(measure())
    if len(sys.argv) > 1:
        hand_over(Path(sys.argv[1]), figures)
    else:
        for figure in figures:
            print(figure)
