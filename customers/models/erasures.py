"""What stays of an erased customer: that it was done, and digests by which he is not brought back."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.choices import ErasureReason
from customers.models.golden import Customer


class Erasure(models.Model):
    """A customer was erased, with all whom he had absorbed. It cannot be undone."""

    customer = models.OneToOneField(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="erasure"
    )
    reason = models.CharField(_("why"), max_length=10, choices=ErasureReason)
    at = models.DateTimeField(_("when"), default=timezone.now)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by whom"), null=True, on_delete=models.PROTECT, related_name="+"
    )
    # Empty until the night, when the dead rows and the statistics of the tables are cleared.
    vacuumed_at = models.DateTimeField(_("dead rows removed"), null=True)

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")

    def __str__(self) -> str:
        return f"C-{self.customer_id}"


class ErasedKey(models.Model):
    """A keyed digest (`customers.erased`) of an identity or a record's number that was erased.

    Imports do not bring it back until an administrator lifts it. What was withdrawn stays withdrawn even then.
    """

    digest = models.CharField(_("digest"), max_length=64, unique=True)
    kind = models.CharField(_("kind"), max_length=12)
    erasure = models.ForeignKey(Erasure, verbose_name=_("erasure"), on_delete=models.PROTECT, related_name="keys")
    # [[purpose, channel], …] that its newest word had taken back.
    withdrawn = models.JSONField(_("consents withdrawn"), default=list)
    lifted_at = models.DateTimeField(_("may be imported again since"), null=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("lifted by"), null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("erased key")
        verbose_name_plural = _("erased keys")

    def __str__(self) -> str:
        return f"{self.kind} {self.digest[:8]}…"
