"""What the administrator decides: which values survive, fields of the house, values that link nobody."""

from typing import ClassVar, Self

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.choices import Criterion, FieldGroup, FieldKind, IdentityKind


class SurvivorshipRule(models.Model):
    """Which record's values win for a group of fields. What was chosen by hand wins before any rule."""

    group = models.CharField(_("fields"), max_length=12, choices=FieldGroup, unique=True)
    first = models.CharField(_("first"), max_length=10, choices=Criterion, default=Criterion.VERIFIED)
    second = models.CharField(_("then"), max_length=10, choices=Criterion, blank=True, default=Criterion.NEWEST)
    third = models.CharField(_("then"), max_length=10, choices=Criterion, blank=True)
    sources = models.JSONField(
        _("order of sources"),
        default=list,
        blank=True,
        help_text=_(
            "Codes of sources, the best first; the others follow. It counts where “order of sources” is chosen."
        ),
    )

    class Meta:
        verbose_name = _("rule of survivorship")
        verbose_name_plural = _("rules of survivorship")
        ordering: ClassVar = ["group"]

    def __str__(self) -> str:
        return self.get_group_display()

    @property
    def criteria(self) -> tuple[str, ...]:
        """The chosen criteria in their order."""
        return tuple(one for one in (self.first, self.second, self.third) if one)


class CustomField(models.Model):
    """A field of the house on every card: typed, checked, searchable, in imports and the API."""

    code = models.CharField(
        _("code"),
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"^[a-z][a-z0-9_]*$", _("Small letters, digits and _, beginning with a letter."))],
        help_text=_("Its name in imports and the API. It cannot be changed later."),
    )
    label = models.CharField(_("name"), max_length=80)
    label_ru = models.CharField(_("name in Russian"), max_length=80, blank=True)
    kind = models.CharField(_("kind"), max_length=8, choices=FieldKind, default=FieldKind.TEXT)
    options = models.JSONField(
        _("values to choose from"), default=list, blank=True, help_text=_("For the kind “one of a list”.")
    )
    place = models.PositiveSmallIntegerField(_("place"), default=0, help_text=_("Lower stands higher on the card."))
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("own field of the card")
        verbose_name_plural = _("own fields of the card")
        ordering: ClassVar = ["place", "code"]

    def __str__(self) -> str:
        return self.label

    def words(self, language: str) -> str:
        """Return the name in the reader's language."""
        return self.label_ru if language == "ru" and self.label_ru else self.label


class JunkValue(models.Model):
    """A value that people type when they have none. It never links anybody."""

    kind = models.CharField(
        _("kind"), max_length=12, choices=IdentityKind, blank=True, help_text=_("Empty: of every kind.")
    )
    pattern = models.CharField(
        _("value"), max_length=100, help_text=_("As it is stored, like +79999999999; * stands for anything.")
    )
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("junk value")
        verbose_name_plural = _("junk values")
        ordering: ClassVar = ["kind", "pattern"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "pattern"], name="junk_once")]

    def __str__(self) -> str:
        return self.pattern


class MatchingRules(models.Model):
    """One row: when records are joined by themselves, when a person is asked."""

    shared_by = models.PositiveSmallIntegerField(
        _("an identity of more profiles links nobody"), default=8, validators=[MinValueValidator(1)]
    )
    joins = models.BooleanField(_("join by itself"), default=True, help_text=_("Off: a person decides on every pair."))
    upper = models.FloatField(_("joined from this probability"), default=0.89)
    lower = models.FloatField(_("shown to a person from this probability"), default=0.11)

    class Meta:
        verbose_name = _("rules of matching")
        verbose_name_plural = _("rules of matching")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(lower__lte=models.F("upper"), lower__gte=0, upper__lte=1), name="thresholds_in_order"
            ),
        ]

    def __str__(self) -> str:
        return str(_("rules of matching"))

    @classmethod
    def current(cls) -> Self:
        """Return the row; the defaults where there is none. One query."""
        return cls.objects.first() or cls()


class Rebuild(models.Model):
    """One row: up to which customer the golden records are rebuilt after a rule was changed; null when all are."""

    after = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"rebuilt up to {self.after}"
