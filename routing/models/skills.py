"""Skills: who has which level, what work asks for, and how that loosens while it waits."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

USER = settings.AUTH_USER_MODEL
LEVEL = [MinValueValidator(1), MaxValueValidator(5)]
# The path of work that asks for no skill: it has no row.
ANYONE = 0


class Skill(models.Model):
    """Something that work may ask of an operator: a language, a product, a kind of case."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    name_ru = models.CharField(_("name in Russian"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("skill")
        verbose_name_plural = _("skills")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def label(self, language: str) -> str:
        """Return the name in the reader's language."""
        return self.name_ru if language == "ru" and self.name_ru else self.name


class OperatorSkill(models.Model):
    """A level that an operator has, or had: a change ends one row and begins the next, so that the past can be told."""

    user = models.ForeignKey(USER, verbose_name=_("operator"), on_delete=models.CASCADE, related_name="skills")
    skill = models.ForeignKey(Skill, verbose_name=_("skill"), on_delete=models.CASCADE, related_name="holders")
    level = models.PositiveSmallIntegerField(_("level"), validators=LEVEL)
    started_at = models.DateTimeField(_("began"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("operator's skill")
        verbose_name_plural = _("operators' skills")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "skill"], name="one_level_now", condition=Q(ended_at=None)),
            models.CheckConstraint(condition=Q(level__gte=1, level__lte=5), name="level_1_to_5"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.skill_id} {self.level}"


class Requirement(models.Model):
    """A level of a skill that work asks for if it meets all conditions that are set here; without any, all work."""

    skill = models.ForeignKey(Skill, verbose_name=_("skill"), on_delete=models.CASCADE, related_name="requirements")
    level = models.PositiveSmallIntegerField(_("at least"), default=1, validators=LEVEL)
    queue = models.ForeignKey(
        "Queue", verbose_name=_("queue"), null=True, blank=True, on_delete=models.CASCADE, related_name="requirements"
    )
    topic = models.ForeignKey(
        "interactions.Topic",
        verbose_name=_("topic"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        help_text=_("Topics under it are meant too."),
    )
    language = models.CharField(
        _("language of the customer"), max_length=5, blank=True, help_text=_("Its code: en, ru.")
    )

    segment = models.ForeignKey(
        "customers.Segment",
        verbose_name=_("segment of the customer"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
    )

    class Meta:
        verbose_name = _("required skill")
        verbose_name_plural = _("required skills")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["skill", "queue", "topic", "language", "segment"], name="requirement_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(level__gte=1, level__lte=5), name="requirement_level_1_to_5"),
        ]

    def __str__(self) -> str:
        return f"{self.skill} ≥ {self.level}"


class RequirementStep(models.Model):
    """How a requirement loosens: after so many seconds of waiting a lower level is enough; 0 means anyone."""

    requirement = models.ForeignKey(
        Requirement, verbose_name=_("required skill"), on_delete=models.CASCADE, related_name="steps"
    )
    after_s = models.PositiveIntegerField(_("after so many seconds"), validators=[MinValueValidator(1)])
    level = models.PositiveSmallIntegerField(
        _("at least"), validators=[MaxValueValidator(4)], help_text=_("0: the skill is no longer asked for.")
    )

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering: ClassVar = ["after_s"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["requirement", "after_s"], name="step_once")]

    def __str__(self) -> str:
        return f"{self.after_s} s: {self.level}"


class SkillPath(models.Model):
    """What a work item asks for over its wait, in the form in which a decision reads it. Never changed, shared by all alike.

    `steps` is [[after_s, [[skill id, least level], …]], …] by time, beginning with 0. A rule that changes makes other
    paths for work to come; who waits keeps what was asked for when he came.
    """

    steps = models.JSONField(_("steps"))
    # Of `steps` in its one spelling: how the path is found again.
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        verbose_name = _("path of requirements")
        verbose_name_plural = _("paths of requirements")

    def __str__(self) -> str:
        return f"{self.steps}"

    @property
    def asked(self) -> tuple[int, ...]:
        """The skills that are asked for when the wait begins."""
        return tuple(skill for skill, _level in self.steps[0][1])
