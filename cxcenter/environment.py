"""Reading settings from the environment, with errors that name the variable."""

import hashlib
import os
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str | None = None) -> str:
    """Return the variable `name`; without a default, raise an error that names it."""
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(f"set the environment variable {name} (see the README, Settings)")
    return default


def whole(name: str, default: int, *, low: int = 0, high: int = 10_000_000) -> int:
    """Return the variable `name` as a whole number between `low` and `high`."""
    raw = text(name, str(default))
    try:
        number = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {raw!r}") from None
    if not low <= number <= high:
        raise ImproperlyConfigured(f"{name} must be from {low} to {high}, not {number}")
    return number


def flag(name: str, *, default: bool) -> bool:
    """Return the variable `name` as on or off."""
    raw = os.environ.get(name, "on" if default else "off").strip().lower()
    if raw in TRUE:
        return True
    if raw in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be on or off, not {raw!r}")


def words(name: str, default: str = "") -> list[str]:
    """Return the variable `name` as a list, split at commas."""
    return [word.strip() for word in text(name, default or ",").split(",") if word.strip()]


def socket_folder(var: Path) -> Path:
    """Return the folder of the embedded servers' sockets.

    It is derived from the data folder, so that every command of one installation finds the same
    servers, and it is short, because a socket path over 107 bytes cannot be opened.
    """
    digest = hashlib.sha256(str(var.resolve()).encode()).hexdigest()[:10]
    return Path(tempfile.gettempdir()) / f"cxcenter-{os.getuid()}-{digest}"
