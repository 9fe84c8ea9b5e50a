"""Errors that carry their own decision: code, status and words travel together."""

from typing import Any

from django.utils.functional import Promise


class CxError(Exception):
    """A refusal that a person may read. `code` is for programs, `message` for people."""

    status = 400
    code = "refused"

    def __init__(self, message: str | Promise, *, code: str | None = None, **detail: Any) -> None:
        """Keep the translated sentence, an optional narrower code, and facts for the API's answer."""
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.detail = detail


class Invalid(CxError):
    """What was sent is not well formed: say which field and what to send."""

    code = "invalid"


class Forbidden(CxError):
    """The actor has no right to this act."""

    status = 403
    code = "forbidden"


class NotFound(CxError):
    """There is no such thing, or the actor may not know of it."""

    status = 404
    code = "not_found"


class Conflict(CxError):
    """The thing is in a state in which this act makes no sense, or somebody was faster."""

    status = 409
    code = "conflict"


class Gone(CxError):
    """It was here and was erased for good."""

    status = 410
    code = "erased"


class TooMany(CxError):
    """A limit of rate or size was met; `retry_after` in seconds travels in `detail`."""

    status = 429
    code = "too_many"


class NoRoom(CxError):
    """The storage does not take it: the disk is full, or the storage is away. It may be sent again."""

    status = 507
    code = "no_room"
