"""Bytes of files whose rows are gone."""

import structlog
from django.core.files.storage import storages

from interactions.models import DoomedFile

log = structlog.get_logger(__name__)
AT_ONCE = 500


def discard_files() -> int:
    """Delete the bytes of files that were erased; what the storage does not delete now waits for the next call."""
    done = 0
    for row in DoomedFile.objects.order_by("pk")[:AT_ONCE]:
        try:
            storages[row.storage].delete(row.name)
        except OSError:
            log.warning("file not deleted", file=row.name)
            continue
        row.delete()
        done += 1
    return done
