"""What must be true before the first request: tables, static files, demo data. Fast when nothing has changed."""

import hashlib
from pathlib import Path
from typing import TextIO

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.management.commands.collectstatic import (
    Command as CollectStatic,
)
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]


def migrate(log: TextIO) -> None:
    """Bring the tables up to date."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, stdout=log, stderr=log)


def collect_static(log: TextIO) -> None:
    """Gather the static files under names with their hashes, unless none has changed since the last time."""
    root = Path(settings.STATIC_ROOT)
    # The manifest is what the storage of the settings is chosen by: without it the stamp is worth nothing.
    stamp, manifest = root / ".collected", root / "staticfiles.json"
    state = static_state()
    if manifest.exists() and stamp.exists() and stamp.read_text() == state:
        return
    command = CollectStatic()
    # The settings of this process were read before the first manifest: they name the plain storage.
    command.storage = CompressedManifestStaticFilesStorage()
    call_command(command, interactive=False, clear=True, verbosity=0, stdout=log, stderr=log)
    stamp.write_text(state)


def static_state() -> str:
    """Return a digest of the names, sizes and times of all static files."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def seed_demo(log: TextIO) -> bool:
    """Fill an empty installation with demo data; return whether it was empty."""
    if get_user_model().objects.exists():
        return False
    # All or nothing: an interrupted start seeds again.
    with transaction.atomic():
        call_command("seed_demo", stdout=log, stderr=log)
    return True
