"""Users, teams and API tokens."""

import hashlib
import secrets
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cxcenter.accounts import scopes
from cxcenter.accounts.roles import RIGHTS, Right, Role


class Team(models.Model):
    """A group of operators with its supervisors. Queues belong to a team."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    supervisors = models.ManyToManyField(
        "accounts.User", verbose_name=_("supervisors"), related_name="supervised_teams", blank=True
    )

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A member of staff, or the account of an integration."""

    class Theme(models.TextChoices):
        """How the screens look."""

        AUTO = "auto", _("as the system")
        LIGHT = "light", _("light")
        DARK = "dark", _("dark")

    role = models.CharField(_("role"), max_length=12, choices=Role, default=Role.OPERATOR)
    team = models.ForeignKey(
        Team, verbose_name=_("team"), null=True, blank=True, on_delete=models.SET_NULL, related_name="members"
    )
    language = models.CharField(
        _("language"), max_length=5, default="en", choices=[("en", "English"), ("ru", "Русский")]
    )
    theme = models.CharField(_("theme"), max_length=5, choices=Theme, default=Theme.AUTO)
    zone = models.CharField(_("time zone"), max_length=40, blank=True)
    # What only the browser needs: which sounds are off, which keys are remapped.
    preferences = models.JSONField(default=dict, blank=True)
    # The token of this request, set when it signs the user in; None in a browser session.
    token: "ApiToken | None" = None

    class Meta(AbstractUser.Meta):
        verbose_name = _("user")  # type: ignore[assignment]  # Django translates it when it is shown
        verbose_name_plural = _("users")  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name as colleagues see it."""
        return self.get_full_name() or self.username

    @property
    def public_name(self) -> str:
        """The name as customers see it: the first name alone."""
        return self.first_name or self.username

    @property
    def rights(self) -> frozenset[str]:
        """What this user may do: by his role; an integrator besides by the scopes of his token."""
        if self.is_superuser:
            return RIGHTS[Role.ADMIN]
        if self.token is not None and self.role == Role.INTEGRATOR:
            return RIGHTS[self.role] | scopes.rights_of(self.token.scopes)
        return RIGHTS[self.role]

    def may(self, right: Right) -> bool:
        """Tell whether the user has a right."""
        return self.is_active and right in self.rights

    def passes(self, scope: str) -> bool:
        """Tell whether a door of the API is open to the user: by his right to it, and by his token if he has one."""
        if self.token is not None and not (self.may(Right.API) and scope in scopes.with_reading(self.token.scopes)):
            return False
        return self.may(scopes.NEEDS[scope])


class ApiToken(models.Model):
    """A token of an integration: kept as a hash, with scopes and an end."""

    user = models.ForeignKey(User, verbose_name=_("user"), on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(_("begins with"), max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"{self.prefix}… {self.name}"

    @classmethod
    def issue(cls, **fields: Any) -> tuple["ApiToken", str]:
        """Make a token; returns the row and the secret, which is shown once and never kept."""
        secret = f"cx_{secrets.token_urlsafe(32)}"
        return cls.objects.create(prefix=secret[:8], digest=cls.hash(secret), **fields), secret

    @staticmethod
    def hash(secret: str) -> str:
        """Return the SHA-256 of a secret, in hex. The secret has 256 bits: no salt is needed."""
        return hashlib.sha256(secret.encode()).hexdigest()
