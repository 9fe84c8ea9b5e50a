"""Known outages: what keeps many from being served at once, whom it touches, what they are told."""

from datetime import datetime
from typing import ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from interactions.models.channels import Topic


class OutageQuerySet(models.QuerySet["Outage"]):
    """Known outages."""

    def going_on(self, now: datetime) -> Self:
        """Keep those that go on at a moment."""
        return self.filter(Q(until=None) | Q(until__gt=now), since__lte=now)


class Outage(models.Model):
    """Something that many customers miss at the same time. An IVR tells it to those whom it touches."""

    name = models.CharField(_("name"), max_length=80)
    since = models.DateTimeField(_("since"), default=timezone.now)
    until = models.DateTimeField(_("until"), null=True, blank=True, help_text=_("Empty: nobody knows yet."))
    segments = models.ManyToManyField(
        "customers.Segment",
        verbose_name=_("whom it touches"),
        blank=True,
        limit_choices_to={"active": True},
        help_text=_("Who belongs to any of these segments. None chosen: everybody."),
    )
    topic = models.ForeignKey(
        Topic,
        verbose_name=_("topic"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("What those whom it touches are likely to call about."),
    )
    words = models.CharField(_("what the IVR says"), max_length=500)
    words_ru = models.CharField(_("what the IVR says in Russian"), max_length=500, blank=True)

    objects = OutageQuerySet.as_manager()

    class Meta:
        verbose_name = _("outage")
        verbose_name_plural = _("outages")
        ordering: ClassVar = ["-since", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(until=None) | Q(until__gt=F("since")), name="outage_ends_after")
        ]

    def __str__(self) -> str:
        return self.name

    def said(self, language: str) -> str:
        """Return its words in the caller's language."""
        return self.words_ru if language == "ru" and self.words_ru else self.words

    def clean(self) -> None:
        """Raise ValidationError for an end before the beginning."""
        super().clean()
        if self.until and self.since and self.until <= self.since:
            raise ValidationError({"until": _("It ends before it begins.")})
