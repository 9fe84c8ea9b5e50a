"""Whom and what a queue prefers: steps of priority by channel, topic and segment; who comes too often for the first line."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from routing.models.queues import Queue


class PriorityStep(models.Model):
    """Steps of priority that a contact gets for its channel, its topic or a segment of its customer.

    A queue that has an order of its own for channels goes by that, else by the order for all queues (`queue` empty); so
    with topics and segments. What stands in no order gets no step.
    """

    queue = models.ForeignKey(
        Queue, verbose_name=_("queue"), null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    channel = models.ForeignKey("interactions.Channel", null=True, on_delete=models.CASCADE, related_name="+")
    topic = models.ForeignKey("interactions.Topic", null=True, on_delete=models.CASCADE, related_name="+")
    segment = models.ForeignKey("customers.Segment", null=True, on_delete=models.CASCADE, related_name="+")
    steps = models.PositiveSmallIntegerField(_("steps of priority"), default=0)

    class Meta:
        verbose_name = _("step of priority")
        verbose_name_plural = _("steps of priority")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["queue", "channel", "topic", "segment"], name="priority_step_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(channel__isnull=False, topic=None, segment=None)
                | Q(channel=None, topic__isnull=False, segment=None)
                | Q(channel=None, topic=None, segment__isnull=False),
                name="priority_step_of_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel or self.topic or self.segment}: +{self.steps}"


class FrequentRule(models.Model):
    """Who comes so often about the same to a queue goes straight to the second line."""

    queue = models.OneToOneField(
        Queue, verbose_name=_("queue"), on_delete=models.CASCADE, related_name="frequent", primary_key=True
    )
    contacts = models.PositiveSmallIntegerField(
        _("from this contact on"), default=3, validators=[MinValueValidator(2), MaxValueValidator(50)]
    )
    days = models.PositiveSmallIntegerField(
        _("within so many days"), default=7, validators=[MinValueValidator(1), MaxValueValidator(90)]
    )
    to = models.ForeignKey(
        Queue, verbose_name=_("queue of the second line"), on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("frequent customers")
        verbose_name_plural = _("frequent customers")

    def __str__(self) -> str:
        return f"{self.queue} → {self.to}"

    def clean(self) -> None:
        """Raise ValidationError for a rule that leads to its own queue."""
        super().clean()
        if self.to_id is not None and self.to_id == self.queue_id:
            raise ValidationError({"to": _("Choose another queue: this one is the first line.")})
