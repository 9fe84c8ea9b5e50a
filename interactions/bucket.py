"""Recordings in a bucket that speaks S3: of a file only the parts that are asked for are fetched, and its errors are OSErrors."""

import errno
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage

# So much is fetched at once.
PART = 512 * 1024


@contextmanager
def told(name: str) -> Iterator[None]:
    """Raise what a bucket raises as OSError, with its code: who keeps files knows no bucket."""
    try:
        yield
    except (BotoCoreError, Boto3Error, ClientError) as error:
        said = getattr(error, "response", {}).get("Error", {}).get("Code") or type(error).__name__
        raise OSError(errno.EIO, f"S3: {said}", name) from error


class Bucket(S3Storage):
    """Django's storage of the bucket."""

    def delete(self, name: str) -> None:
        """Delete a file; one that is not there is none. Raises OSError."""
        with told(name):
            super().delete(name)

    def _save(self, name: str, content: Any) -> str:
        with told(name):
            return str(super()._save(name, content))

    def _open(self, name: str, mode: str = "rb") -> Any:
        return File(io.BufferedReader(Stored(self.bucket.Object(name)), PART), name)


class Stored(io.RawIOBase):
    """A file of a bucket. A part of it is asked for when it is read."""

    def __init__(self, stored: Any) -> None:
        """Ask for its size. Raises OSError."""
        self._stored, self._at = stored, 0
        with told(stored.key):
            self._size: int = stored.content_length

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def seekable(self) -> bool:
        """It can be read from anywhere."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place in it."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def tell(self) -> int:
        """Return the place in it."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fetch what is asked for. Raises OSError."""
        size = min(len(buffer), self._size - self._at)
        if size <= 0:
            return 0
        with told(self._stored.key):
            got = self._stored.get(Range=f"bytes={self._at}-{self._at + size - 1}")["Body"].read()
        buffer[: len(got)] = got
        self._at += len(got)
        return len(got)
