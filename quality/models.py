"""How well we serve: answers of customers to surveys."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Survey(models.Model):
    """The rating of one interaction: satisfaction 1–5 (CSAT), effort 1–7 (CES, agreement "it was easy")."""

    interaction = models.OneToOneField(
        "interactions.Interaction", on_delete=models.PROTECT, related_name="survey", verbose_name=_("interaction")
    )
    csat = models.SmallIntegerField(
        _("satisfaction"), null=True, validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    ces = models.SmallIntegerField(_("effort"), null=True, validators=[MinValueValidator(1), MaxValueValidator(7)])
    comment = models.TextField(_("comment"), blank=True)
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("survey")
        verbose_name_plural = _("surveys")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(csat__range=(1, 5)) | models.Q(csat=None), name="csat_within_scale"
            ),
            models.CheckConstraint(condition=models.Q(ces__range=(1, 7)) | models.Q(ces=None), name="ces_within_scale"),
        ]

    def __str__(self) -> str:
        return f"survey of {self.interaction_id}"
