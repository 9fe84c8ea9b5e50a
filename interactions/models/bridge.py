"""What telephony platforms have told by HTTP: kept first, then taken."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from interactions.models.exchanges import Exchange


class BridgeEvent(models.Model):
    """An event of a platform, each once. Its body is kept until it is taken, then its digest alone."""

    class State(models.TextChoices):
        """Where it stands."""

        WAITING = "waiting", _("waiting")
        TAKEN = "taken", _("taken")
        FAILED = "failed", _("failed")

    exchange = models.ForeignKey(Exchange, verbose_name=_("exchange"), on_delete=models.CASCADE, related_name="told")
    key = models.CharField(_("id there"), max_length=100)
    kind = models.CharField(_("kind"), max_length=20)
    call = models.CharField(_("call"), max_length=120, blank=True)
    digest = models.CharField(max_length=64)
    body = models.JSONField(default=dict)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    error = models.CharField(_("what is wrong"), max_length=300, blank=True)
    received_at = models.DateTimeField(_("received"), default=timezone.now)

    class Meta:
        verbose_name = _("event of a telephony platform")
        verbose_name_plural = _("events of telephony platforms")
        constraints: ClassVar = [models.UniqueConstraint(fields=["exchange", "key"], name="bridge_event_once")]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["exchange", "call"], name="bridge_waiting", condition=Q(state="waiting")),
            models.Index(fields=["received_at"], name="bridge_received"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
