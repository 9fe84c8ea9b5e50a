"""Who may sign in."""

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from cxcenter.accounts.models import User
from cxcenter.core.planned import Given, Planned

DEMO_PASSWORD = "demo"  # noqa: S105 — known to everybody on purpose; production refuses it

USER = Planned("signed_in", lambda: User.objects.filter(pk=Given("user", "bigint")))


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

    def get_user(self, user_id: int) -> User | None:
        """Return the user of a session, None if he may not sign in. At every request: his row is read by a planned query."""
        user = USER.first(user=user_id)
        return user if user is not None and self.user_can_authenticate(user) else None
