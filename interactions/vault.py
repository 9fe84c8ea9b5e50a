"""Where recordings lie, and how they are encrypted there.

The storage is Django's: a folder, or whatever `STORAGES["recordings"]` names. With a key (RECORDINGS_KEY) every file
is sealed: a head with a salt of its own, then chunks of 64 KiB by AES-256-GCM, so that any part of a file can be read
without the rest. The key of a file is derived from ours and its salt (HKDF), and a chunk's nonce is its number.
"""

import hashlib
import io
import os
from base64 import b64decode
from contextlib import nullcontext, suppress
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import File
from django.core.files.storage import Storage, storages
from django.utils.translation import gettext as _

from cxcenter.core.errors import NoRoom

log = structlog.get_logger(__name__)
MAGIC = b"CXREC1\n\x00"
SALT = 16
HEAD = len(MAGIC) + SALT
CHUNK = 64 * 1024
TAG = 16
IN_MEMORY = 1024 * 1024


def storage() -> Storage:
    """Return where recordings lie."""
    return storages["recordings"]


def key_now() -> str:
    """Return the id of the key that new files are sealed with; "" if they are not encrypted."""
    return key_id(settings.RECORDINGS_KEY) if settings.RECORDINGS_KEY else ""


def key_id(key: str) -> str:
    """Return a name of a key that tells nothing of it. Raises ImproperlyConfigured for what is no key."""
    return hashlib.sha256(b"name" + key_bytes(key)).hexdigest()[:12]


def key_bytes(key: str) -> bytes:
    """Return the 32 bytes of a key in base64. Raises ImproperlyConfigured."""
    try:
        raw = b64decode(key, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise ImproperlyConfigured("RECORDINGS_KEY must be 32 bytes in base64: openssl rand -base64 32")
    return raw


def keep(name: str, source: IO[bytes]) -> None:
    """Store a file under a name, sealed if there is a key. What lies there is replaced; of a failure nothing stays.

    Raises NoRoom if the storage does not take it.
    """
    place = storage()
    try:
        with _sealed(source, settings.RECORDINGS_KEY) if settings.RECORDINGS_KEY else nullcontext(source) as content:
            place.delete(name)
            stored = place.save(name, File(content))
    except Exception as error:  # a bucket has errors of its own
        log.exception("recording not stored", file=name)
        with suppress(Exception):
            place.delete(name)
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise NoRoom(
            _("The recording could not be stored (%(reason)s). Nothing is lost: it is sent again.") % {"reason": reason}
        ) from error
    assert stored == name, f"{name} was stored as {stored}"


def discard(name: str) -> None:
    """Delete a stored file; what is not there is no error, nor is a storage that is away: it is logged."""
    try:
        storage().delete(name)
    except Exception:
        log.warning("recording not deleted", file=name, exc_info=True)


def read(name: str, key: str) -> IO[bytes]:
    """Open a stored file for reading from any place in it; `key` is the id of its key, "" if it lies open.

    Raises OSError if it is not there, Unreadable if its key is not among ours.
    """
    if not key:
        return storage().open(name)
    for one in (settings.RECORDINGS_KEY, *settings.RECORDINGS_OLD_KEYS):
        if one and key_id(one) == key:
            return io.BufferedReader(Sealed(storage().open(name), one), CHUNK)
    raise Unreadable(f"no key {key} for {name}: add it to RECORDINGS_OLD_KEYS")


class Unreadable(OSError):
    """A sealed file whose key we do not have, or that was changed."""


def _cipher(key: str, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, b"cxcenter recording").derive(key_bytes(key)))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _sealed(source: IO[bytes], key: str) -> IO[bytes]:
    """Return a temporary file with the sealed content of another."""
    salt = os.urandom(SALT)
    cipher = _cipher(key, salt)
    target = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 — its reader closes it
    target.write(MAGIC + salt)
    for number, plain in enumerate(iter(lambda: source.read(CHUNK), b"")):
        target.write(cipher.encrypt(_nonce(number), plain, MAGIC))
    target.seek(0)
    return target


class Sealed(io.RawIOBase):
    """Reads a sealed file as if it were open: a part costs the chunks it lies in."""

    def __init__(self, source: IO[bytes], key: str) -> None:
        """Read the head. Raises Unreadable."""
        self._source, self._at = source, 0
        head = source.read(HEAD)
        if head[: len(MAGIC)] != MAGIC:
            raise Unreadable("not a sealed file")
        self._cipher = _cipher(key, head[len(MAGIC) :])
        whole, rest = divmod(source.seek(0, os.SEEK_END) - HEAD, CHUNK + TAG)
        self._size = whole * CHUNK + max(rest - TAG, 0)

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def seekable(self) -> bool:
        """It can be read from anywhere."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in the open file."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def tell(self) -> int:
        """Return the place in the open file."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from the chunk that the place lies in. Raises Unreadable if the chunk was changed."""
        number, skip = divmod(self._at, CHUNK)
        if self._at >= self._size:
            return 0
        self._source.seek(HEAD + number * (CHUNK + TAG))
        try:
            plain = self._cipher.decrypt(_nonce(number), self._source.read(CHUNK + TAG), MAGIC)
        except InvalidTag:
            raise Unreadable("the file was changed") from None
        size = min(len(buffer), len(plain) - skip)
        buffer[:size] = plain[skip : skip + size]
        self._at += size
        return size

    def close(self) -> None:
        """Close the stored file as well."""
        if not self.closed:
            self._source.close()
        super().close()


def checksum(opened: IO[bytes]) -> tuple[int, str]:
    """Return size and SHA-256 of an open file, from its beginning."""
    opened.seek(0)
    digest = hashlib.sha256()
    while piece := opened.read(CHUNK):
        digest.update(piece)
    return opened.tell(), digest.hexdigest()
