"""Which of our queues a queue of a telephone exchange is."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from routing.models.queues import Queue


class ExchangeQueue(models.Model):
    """A queue of an exchange, as it names it, and the queue of ours that it is."""

    exchange = models.ForeignKey("interactions.Exchange", on_delete=models.CASCADE, related_name="queues")
    name = models.CharField(_("name there"), max_length=80)
    queue = models.ForeignKey(Queue, verbose_name=_("queue"), on_delete=models.PROTECT, related_name="+")
    number = models.CharField(
        _("number to dial"),
        max_length=40,
        blank=True,
        help_text=_("By which calls are handed over to it. Empty: they cannot be."),
    )
    caller_id = models.CharField(
        _("own number"),
        max_length=40,
        blank=True,
        help_text=_("What whoever is called for this queue sees. Empty: that of the exchange."),
    )

    class Meta:
        verbose_name = _("queue of an exchange")
        verbose_name_plural = _("queues of exchanges")
        constraints: ClassVar = [models.UniqueConstraint(fields=["exchange", "name"], name="exchange_queue_once")]

    def __str__(self) -> str:
        return self.name
