"""Signing in by `Authorization: Bearer cx_…`."""

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from cxcenter.accounts.models import ApiToken, User


class TokenAuthentication(BaseAuthentication):
    """Find the live token of the request; its user and the token itself become `request.user`, `request.auth`."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return (user, token), None without a bearer header; an unknown or ended token is refused."""
        word, _space, secret = get_authorization_header(request).decode("latin-1").partition(" ")
        if word.lower() != "bearer":
            return None
        now = timezone.now()
        # Unique, so in no order: `first` would ask for one.
        token = next(iter(ApiToken.objects.select_related("user").filter(digest=ApiToken.hash(secret.strip()))), None)
        ended = token is not None and (
            token.revoked_at is not None
            or (token.expires_at is not None and token.expires_at <= now)
            or not token.user.is_active
        )
        if token is None or ended:
            raise AuthenticationFailed(
                _("This token is unknown, revoked or expired. Ask the administrator for a new one.")
            )
        if token.used_at is None or now - token.used_at > timedelta(minutes=1):
            ApiToken.objects.filter(pk=token.pk).update(used_at=now)
        token.user.token = token
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme for the 401 answer."""
        return "Bearer"
