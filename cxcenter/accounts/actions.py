"""Acts on users and API tokens."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.accounts.models import ApiToken, User
from cxcenter.accounts.scopes import Scope
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Invalid


@transaction.atomic
def issue_token(
    *, user: User, name: str, scopes: Iterable[str], expires_at: datetime | None, actor: User
) -> tuple[ApiToken, str]:
    """Make a token; returns the row and the secret, which is kept nowhere.

    Raises Invalid for an unknown scope, for none, and for an end that has passed.
    """
    wanted = sorted(set(scopes))
    if not wanted or set(wanted) - set(Scope.values):
        raise Invalid(_("Choose what the token may do."), field="scopes")
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid(_("Choose a time that is still to come."), field="expires_at")
    token, secret = ApiToken.issue(user=user, name=name, scopes=wanted, expires_at=expires_at)
    audit.record(actor, "token.issue", f"token:{token.pk}", user=user.pk, scopes=wanted)
    return token, secret


@transaction.atomic
def revoke_token(*, token: ApiToken, actor: User) -> None:
    """End a token at once. Repeating it changes nothing."""
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        audit.record(actor, "token.revoke", f"token:{token.pk}")


@transaction.atomic
def set_active(*, user: User, active: bool, actor: User) -> None:
    """Let a user in or shut him out. Raises Conflict for oneself: somebody must be left who can undo it."""
    if user.pk == actor.pk and not active:
        raise Conflict(_("You cannot switch yourself off."), code="self")
    if User.objects.filter(pk=user.pk).exclude(is_active=active).update(is_active=active):
        audit.record(actor, "user.active", f"user:{user.pk}", active=active)
