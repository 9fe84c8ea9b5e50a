"""Recordings that telephony platforms have told of are fetched from their addresses, never from our own network."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO

import httpx
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core import webhooks
from cxcenter.core.errors import CxError, Invalid
from interactions.actions import recordings
from interactions.models import BridgeEvent, Call
from routing.actions import bridge

# Ten hours of a telephone's sound, uncompressed; and how long a platform may take to answer at all.
LARGEST, TIMEOUT_S = 600 * 1024 * 1024, 20.0
NAMES = uuid.UUID("6f0f0e36-4b3c-4f38-9f0e-3d8a2f0c9a51")


def fetch_all() -> int:
    """Fetch what was told of. What is away for the moment is tried again for an hour. Returns how many were looked at."""
    rows = bridge.recordings_to_fetch()
    for row in rows:
        try:
            _fetch(row)
        except (httpx.HTTPError, OSError) as error:
            if timezone.now() - row.received_at > bridge.FETCHED:
                bridge.recording_done(event=row, trouble=str(error) or type(error).__name__)
        except CxError as error:
            bridge.recording_done(event=row, trouble=str(error.message))
    return len(rows)


def _fetch(row: BridgeEvent) -> None:
    call = Call.objects.select_related("interaction").filter(exchange=row.exchange_id, key=row.call).first()
    if call is None:
        # Its call may come yet.
        if timezone.now() - row.received_at > bridge.OPENS:
            bridge.recording_done(event=row, trouble=bridge.NO_CALL)
        return
    began = datetime.fromisoformat(row.body["started_at"]).astimezone(UTC)
    with _file(row.body["url"]) as file:
        recordings.keep_file(call.interaction, file, began, key=uuid.uuid5(NAMES, f"{row.exchange_id}:{row.key}"))
    bridge.recording_done(event=row)


@contextmanager
def _file(url: str) -> Iterator[IO[bytes]]:
    """Fetch a file. Raises Invalid for an address in an internal network, a refusal, or a file that is too large."""
    with (
        tempfile.TemporaryFile() as file,
        webhooks.requested("GET", url, {}, timeout_s=TIMEOUT_S) as answer,
    ):
        if answer.status_code >= 500:
            raise OSError(f"HTTP {answer.status_code}")
        if answer.status_code != 200:
            raise Invalid(_("The platform does not give the file: HTTP %(status)s.") % {"status": answer.status_code})
        for piece in answer.iter_raw():
            if file.tell() + len(piece) > LARGEST:
                raise Invalid(_("The file of the recording is too large."))
            file.write(piece)
        file.seek(0)
        yield file
