"""What comparison of records keeps: the comparable form, keys to find candidates by, weights, pairs to look at."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.querysets import LikenessQuerySet


class Comparable(models.Model):
    """What is compared of a profile (`customers.matching.records.Person`), made when a source says something of it."""

    profile = models.OneToOneField("Profile", primary_key=True, on_delete=models.CASCADE, related_name="comparable")
    person = models.JSONField(default=dict)
    # Empty until it was compared with the others.
    compared_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            # The sweep that compares what an import has left.
            models.Index(fields=["profile"], name="to_compare", condition=models.Q(compared_at=None)),
        ]

    def __str__(self) -> str:
        return f"comparable {self.profile_id}"


class MatchKey(models.Model):
    """A key of a comparable form: who shares it is a candidate (`customers.matching.keys`)."""

    key = models.CharField(max_length=80)
    profile = models.ForeignKey("Profile", on_delete=models.CASCADE, related_name="match_keys")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["key", "profile"], name="match_key_once")]

    def __str__(self) -> str:
        return f"{self.key} {self.profile_id}"


class MatchModel(models.Model):
    """Trained weights. The newest count; without any the default ones do."""

    weights = models.JSONField()
    records = models.IntegerField(_("records"))
    trained_at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("weights of matching")
        verbose_name_plural = _("weights of matching")

    def __str__(self) -> str:
        return f"{self.trained_at:%Y-%m-%d} ({self.records})"


class Recall(models.Model):
    """Records to be compared again since the rules or the weights changed; no row when all of the scope have been."""

    class Scope(models.IntegerChoices):
        """Whom a change concerns, the fewest first."""

        # Of pairs that wait for the steward.
        PAIRS = 1
        # Of whom other phones or addresses count now.
        REACHED = 2
        ALL = 3

    scope = models.PositiveSmallIntegerField(primary_key=True, choices=Scope)
    # The last row that was gone through.
    after = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.scope} after {self.after}"


class Likeness(models.Model):
    """Two profiles that may be of one person: a pair for the steward, as long as nobody has decided."""

    one = models.ForeignKey("Profile", verbose_name=_("profile"), on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey("Profile", verbose_name=_("other profile"), on_delete=models.CASCADE, related_name="+")
    probability = models.FloatField(_("probability"))
    # The score by field: [[field, level, bits], …].
    evidence = models.JSONField(_("evidence"), default=list)
    at = models.DateTimeField(_("when"), default=timezone.now)

    objects = LikenessQuerySet.as_manager()

    class Meta:
        verbose_name = _("likely pair")
        verbose_name_plural = _("likely pairs")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["one", "other"], name="likeness_once"),
            models.CheckConstraint(condition=models.Q(one__lt=models.F("other")), name="likeness_in_order"),
        ]
        indexes: ClassVar = [
            # The steward's queue: the likeliest first.
            models.Index(fields=["-probability", "-id"], name="likeness_queue"),
        ]

    def __str__(self) -> str:
        return f"P-{self.one_id} ~ P-{self.other_id}"
