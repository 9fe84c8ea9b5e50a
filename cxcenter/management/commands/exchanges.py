"""`manage.py exchanges`: keeps the lines to the telephone exchanges, and waits small while there is none."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError

from cxcenter import exchanges
from cxcenter.exchanges.keeper import Keeper, kept

WAIT = Path(exchanges.__file__).with_name("wait.py")


class Command(BaseCommand):
    """One of it runs in an installation; a second would do the same again, to no harm."""

    help = "Keep the lines to telephone exchanges: hear their calls, do what they are asked."

    def handle(self, **options: Any) -> None:
        """Keep the lines until stopped."""
        with suppress(KeyboardInterrupt):
            if _is_any():
                asyncio.run(Keeper().run(until_none=True))
            _wait()


def _wait() -> None:
    """Become the small process that waits for the first exchange, and then becomes this one again."""
    environment = {**os.environ, "CX_WAIT_DATABASE_URL": settings.DATABASE_URL}
    again = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "exchanges"]
    os.execve(sys.executable, [sys.executable, "-I", str(WAIT), *again], environment)  # noqa: S606 — ourselves


def _is_any() -> bool:
    try:
        return bool(kept())
    except DatabaseError:
        return False
