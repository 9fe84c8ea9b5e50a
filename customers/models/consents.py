"""Consents: what a customer permits, by channel and purpose."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models.sources import Identity, Profile


class Consent(models.Model):
    """A permission given or withdrawn for an identity, with its proof. Of an identity the newest row counts."""

    identity = models.ForeignKey(
        Identity, verbose_name=_("identity"), on_delete=models.CASCADE, related_name="consents"
    )
    # On which it was said. Empty: it came back with an identity that was erased.
    profile = models.ForeignKey(
        Profile, verbose_name=_("profile"), on_delete=models.CASCADE, null=True, related_name="consents"
    )
    # For whom it counts, wherever the identity goes: a grant for who gave it, a withdrawal for all who had the identity
    # then, since nobody knows who of a family has said "stop". A withdrawal counts for who has the identity now as well.
    profiles: "ArrayField[list[int], list[int]]" = ArrayField(models.BigIntegerField(), default=list)
    # Empty: whatever the channel.
    channel = models.CharField(_("channel"), max_length=12, blank=True)
    purpose = models.CharField(_("purpose"), max_length=40)
    granted = models.BooleanField(_("granted"))
    proof = models.JSONField(_("proof"), default=dict)
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        indexes: ClassVar = [
            models.Index(fields=["identity", "purpose", "channel", "-at", "-id"], name="consent_newest"),
            GinIndex(fields=["profiles"], name="consent_profiles"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose}: {self.granted}"
