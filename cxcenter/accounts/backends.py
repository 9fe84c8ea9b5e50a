"""Who may sign in."""

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

DEMO_PASSWORD = "demo"  # noqa: S105 — known to everybody on purpose; production refuses it


class NoDemoPasswords(ModelBackend):
    """Signing in by name and password; in production nobody signs in with the password of the demo users."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        """Return the user of a name and password, or None if they do not fit or the password is the demo's.

        The refusal depends on the typed password alone, so that it tells a stranger nothing about users.
        """
        if settings.PRODUCTION and password == DEMO_PASSWORD:
            return None
        return super().authenticate(request, username=username, password=password, **kwargs)
