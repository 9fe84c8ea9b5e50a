"""Segments: customers that satisfy a rule."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.choices import Comparison
from cxcenter.core.errors import Invalid


class Segment(models.Model):
    """Customers that satisfy a rule over the fields of their card: VIP, of high value, new.

    Whether it holds is asked for one customer when he comes (`customers.segmentation`). There are no lists of members
    yet: those that are kept up to date, with entering and leaving as events, stand on the same rules.
    """

    code = models.CharField(
        _("code"),
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"^[a-z][a-z0-9_]*$", _("Small letters, digits and _, beginning with a letter."))],
        help_text=_("Its name in reports and the API. It cannot be changed later."),
    )
    name = models.CharField(_("name"), max_length=60)
    name_ru = models.CharField(_("name in Russian"), max_length=60, blank=True)
    place = models.PositiveSmallIntegerField(
        _("place"),
        default=0,
        help_text=_("Lower stands first. Reports count a contact under the first of its segments."),
    )
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering: ClassVar = ["place", "code"]

    def __str__(self) -> str:
        return self.name

    def label(self, language: str) -> str:
        """Return the name in the reader's language."""
        return self.name_ru if language == "ru" and self.name_ru else self.name


class SegmentCondition(models.Model):
    """One line of a segment's rule. All lines must hold."""

    segment = models.ForeignKey(Segment, verbose_name=_("segment"), on_delete=models.CASCADE, related_name="conditions")
    field = models.CharField(_("field of the card"), max_length=60)
    comparison = models.CharField(_("comparison"), max_length=8, choices=Comparison, default=Comparison.IS)
    value = models.CharField(
        _("value"), max_length=200, blank=True, help_text=_("Several are divided by commas. Days: 1988-04-14.")
    )

    class Meta:
        verbose_name = _("condition")
        verbose_name_plural = _("conditions")
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.field} {self.comparison} {self.value}".strip()

    def clean(self) -> None:
        """Write the value as fields keep it. Raises ValidationError for one that the field cannot have."""
        from customers import segmentation

        super().clean()
        try:
            self.value = segmentation.read(self.field, self.comparison, self.value)
        except Invalid as error:
            raise ValidationError({error.detail.get("field", "value"): str(error.message)}) from None
