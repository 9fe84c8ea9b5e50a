"""What becomes of work that its queue cannot serve soon, and by which estimator its wait is foretold."""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from routing.choices import Estimator, Then, When
from routing.models.queues import Queue

# Of these a number is needed: seconds, contacts.
COUNTED = (When.WAITED, When.LENGTH)
# These are nothing without words.
WORDED = (Then.MESSAGE, Then.CLOSE)


class Overflow(models.Model):
    """A rule of a queue. Of those whose condition holds the first acts; a message stops nothing."""

    queue = models.ForeignKey(Queue, verbose_name=_("queue"), on_delete=models.CASCADE, related_name="overflows")
    place = models.PositiveSmallIntegerField(_("place"), default=0)
    when = models.CharField(_("when"), max_length=8, choices=When)
    limit = models.PositiveIntegerField(
        _("how many"), null=True, blank=True, validators=[MinValueValidator(1)], help_text=_("Seconds, or contacts.")
    )
    then = models.CharField(_("then"), max_length=8, choices=Then)
    to = models.ForeignKey(
        Queue, verbose_name=_("which queue"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    words = models.CharField(_("words to the visitor"), max_length=300, blank=True)
    words_ru = models.CharField(_("words in Russian"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("overflow")
        verbose_name_plural = _("overflows")
        ordering: ClassVar = ["place", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(when__in=COUNTED, limit__isnull=False, limit__gte=1)
                | (~Q(when__in=COUNTED) & Q(limit=None)),
                name="overflow_limit",
            ),
            models.CheckConstraint(
                condition=Q(then=Then.QUEUE, to__isnull=False) | (~Q(then=Then.QUEUE) & Q(to=None)), name="overflow_to"
            ),
        ]

    def __str__(self) -> str:
        limit = f" ({self.limit})" if self.limit else ""
        to = f": {self.to}" if self.to_id else ""
        return f"{self.get_when_display()}{limit} → {self.get_then_display()}{to}"

    @property
    def code(self) -> str:
        """What it does and when, as it is kept with a visit."""
        return f"{self.when}:{self.then}"

    def said(self, language: str) -> str:
        """Return its words in the reader's language, "" if it has none of its own."""
        return self.words_ru if language == "ru" and self.words_ru else self.words or self.words_ru

    def clean(self) -> None:
        """Raise ValidationError if its parts do not go together."""
        super().clean()
        wrong: dict[str, Any] = {}
        if self.when in COUNTED and not self.limit:
            wrong["limit"] = _("Write how many seconds, or how many contacts.")
        if self.when and self.when not in COUNTED and self.limit is not None:
            wrong["limit"] = _("This condition needs no number: leave it empty.")
        if self.then == Then.QUEUE and self.to_id is None:
            wrong["to"] = _("Choose the queue that takes him.")
        if self.then and self.then != Then.QUEUE and self.to_id is not None:
            wrong["to"] = _("A queue is chosen only for “another queue”.")
        if self.then == Then.CALLBACK and self.queue_id and not self.queue.callbacks:
            wrong["then"] = _(
                "Nobody is called back from this queue: switch its callbacks on, or choose another outcome."
            )
        if self.then in WORDED and not self.said("en"):
            wrong["words"] = _("Write what the visitor is told.")
        if wrong:
            raise ValidationError(wrong)


class Backtest(models.Model):
    """Which estimator foretold the waits of a queue best over some days, with the figures of all: the live one."""

    queue = models.OneToOneField(
        Queue, verbose_name=_("queue"), primary_key=True, on_delete=models.CASCADE, related_name="backtest"
    )
    estimator = models.CharField(_("estimator"), max_length=8, choices=Estimator)
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("to"))
    visits = models.PositiveIntegerField(_("visits"))
    # Estimator → {"visits", "bias_s", "mae_s"}.
    figures = models.JSONField(_("figures"), default=dict)
    made_at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("backtest of estimators")
        verbose_name_plural = _("backtests of estimators")

    def __str__(self) -> str:
        return f"{self.queue_id}: {self.estimator}"
