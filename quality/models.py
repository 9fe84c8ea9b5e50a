"""How well we serve: answers of customers to surveys, policies of the service level, numbers of days that are over."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from quality.service_level import BLOCKED, FORMULAS, FULL, NO_LINE, Policy

# Who counts so, or what is special in it: the formulas themselves know no language.
USED_BY = {
    "V1": "Asterisk, Wazo",
    "V2": _("Cisco: abandoned count against"),
    "V3": _("abandoned ignored"),
    "V4": _("abandoned count for"),
    "V5": _("short abandons cut off"),
    "V6": _("short abandons counted as served"),
    "V7": _("with flow-outs"),
    "V8": "Amazon Connect",
    "V9": _("with blocked calls: what customers really met"),
    "V10": _("short abandons cut off, with blocked calls"),
}


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


def counted_kinds() -> list[str]:
    """Return the kinds of blocked visits that count unless a policy says otherwise."""
    return [NO_LINE, FULL]


class LevelPolicy(models.Model):
    """How the service level of a queue is counted. Never changed: the newest version holds, for the past as well."""

    queue = models.ForeignKey(
        "routing.Queue", verbose_name=_("queue"), on_delete=models.CASCADE, related_name="level_policies"
    )
    version = models.PositiveIntegerField(_("version"))
    formula = models.CharField(
        _("formula"),
        max_length=3,
        default="V2",
        choices=[(code, format_lazy("{}: {} ({})", code, str(FORMULAS[code]), who)) for code, who in USED_BY.items()],
    )
    within_s = models.PositiveIntegerField(_("answered within T, s"), default=20)
    short_s = models.PositiveIntegerField(
        _("an abandon is short up to S, s"), null=True, blank=True, help_text=_("Less than T. Empty: none is short.")
    )
    blocked: "ArrayField[Any, Any]" = ArrayField(
        models.CharField(max_length=2, choices=[(kind, kind) for kind in BLOCKED]),
        verbose_name=_("kinds of blocked visits that count"),
        default=counted_kinds,
        blank=True,
        help_text=_("B1 no line free, B2 queue full or wait limit reached, B3 by rule."),
    )
    made_at = models.DateTimeField(_("since"), default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by whom"), null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = _("policy of the service level")
        verbose_name_plural = _("policies of the service level")
        constraints: ClassVar = [models.UniqueConstraint(fields=["queue", "version"], name="level_policy_version")]

    def __str__(self) -> str:
        return f"{self.policy}"

    @property
    def policy(self) -> Policy:
        """The policy as it is computed with."""
        return Policy(self.formula, self.within_s, self.short_s, frozenset(self.blocked))


class RolledDay(models.Model):
    """A day (UTC) whose numbers were summed up. After `stale_since` it has changed: it is counted from its rows again."""

    day = models.DateField(primary_key=True)
    rolled_at = models.DateTimeField(null=True)
    stale_since = models.DateTimeField(null=True)
    # What was summed up then: see quality/rollups.py.
    edition = models.SmallIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"{self.day}"


class Rollup(models.Model):
    """Sums of one quarter of an hour or one day (UTC): see quality/metrics/measures.py for each.

    The waits of answered visits are kept as a distribution: `answered_s` the waits that occur, in whole seconds rounded
    up, `answered_n` how many waited no longer. So the service level is exact for any whole number of seconds.
    """

    class Level(models.IntegerChoices):
        """How much one row sums up."""

        QUARTER = 0, "15 min"
        DAY = 1, "day"
        OPERATORS = 2, "day by operator"
        TOPICS = 3, "day by topic"
        PATHS = 4, "day by the skills asked for"

    level = models.SmallIntegerField(choices=Level)
    day = models.DateField()
    at = models.DateTimeField()
    # Of a contact that came to no queue there is neither queue nor priority. Plain numbers: sums outlive what they sum up.
    queue_id = models.BigIntegerField(null=True)
    priority = models.SmallIntegerField(null=True)
    channel = models.CharField(max_length=12)
    operator_id = models.BigIntegerField(null=True)
    topic_id = models.BigIntegerField(null=True)
    path = models.BigIntegerField(null=True)
    offered = models.BigIntegerField(default=0)
    answered = models.BigIntegerField(default=0)
    abandoned = models.BigIntegerField(default=0)
    callbacks = models.BigIntegerField(default=0)
    flowed_out = models.BigIntegerField(default=0)
    withdrawn = models.BigIntegerField(default=0)
    blocked_b1 = models.BigIntegerField(default=0)
    blocked_b2 = models.BigIntegerField(default=0)
    blocked_b3 = models.BigIntegerField(default=0)
    overflow_waited = models.BigIntegerField(default=0)
    overflow_length = models.BigIntegerField(default=0)
    overflow_nobody = models.BigIntegerField(default=0)
    overflow_hours = models.BigIntegerField(default=0)
    overflow_to_queue = models.BigIntegerField(default=0)
    overflow_to_callback = models.BigIntegerField(default=0)
    overflow_to_form = models.BigIntegerField(default=0)
    overflow_to_message = models.BigIntegerField(default=0)
    overflow_to_close = models.BigIntegerField(default=0)
    foretold = models.BigIntegerField(default=0)
    foretold_us = models.BigIntegerField(default=0)
    foretold_abs_us = models.BigIntegerField(default=0)
    wait_us = models.BigIntegerField(default=0)
    lost_us = models.BigIntegerField(default=0)
    longest_us = models.BigIntegerField(default=0)
    handled = models.BigIntegerField(default=0)
    timed = models.BigIntegerField(default=0)
    talk_us = models.BigIntegerField(default=0)
    wrapup_us = models.BigIntegerField(default=0)
    transferred = models.BigIntegerField(default=0)
    transferred_blind = models.BigIntegerField(default=0, db_default=0)
    responses = models.BigIntegerField(default=0, db_default=0)
    response_us = models.BigIntegerField(default=0, db_default=0)
    contacts = models.BigIntegerField(default=0)
    agents = models.BigIntegerField(default=0)
    replied = models.BigIntegerField(default=0)
    reply_us = models.BigIntegerField(default=0)
    reply_10 = models.BigIntegerField(default=0)
    reply_20 = models.BigIntegerField(default=0)
    reply_30 = models.BigIntegerField(default=0)
    rated = models.BigIntegerField(default=0)
    satisfied = models.BigIntegerField(default=0)
    dissatisfied = models.BigIntegerField(default=0)
    efforts = models.BigIntegerField(default=0)
    effort_sum = models.BigIntegerField(default=0)
    menu = models.BigIntegerField(default=0)
    answered_s: "ArrayField[Any, Any]" = ArrayField(models.IntegerField(), null=True)
    answered_n: "ArrayField[Any, Any]" = ArrayField(models.IntegerField(), null=True)
    abandoned_s: "ArrayField[Any, Any]" = ArrayField(models.IntegerField(), null=True)
    abandoned_n: "ArrayField[Any, Any]" = ArrayField(models.IntegerField(), null=True)
    callbacks_s: "ArrayField[Any, Any]" = ArrayField(models.IntegerField(), null=True)
    callbacks_n: "ArrayField[Any, Any]" = ArrayField(models.IntegerField(), null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["level", "at"], name="rollup_level"),
            models.Index(fields=["day"], name="rollup_day"),
        ]

    def __str__(self) -> str:
        return f"{self.level} {self.at}"


class SimulationRun(models.Model):
    """A scenario that is played in the background: who asked for it, how far it is, what came out.

    It is played seed by seed, and what was played is kept: a worker that dies loses one seed.
    """

    class State(models.TextChoices):
        """Where a run stands."""

        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("in work")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        STOPPED = "stopped", _("stopped")

    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by whom"), on_delete=models.CASCADE, related_name="+"
    )
    made_at = models.DateTimeField(_("when"), default=timezone.now)
    title = models.CharField(_("title"), max_length=200, blank=True)
    # The text as it was given: its order is a part of what is played.
    scenario = models.TextField(_("scenario"))
    seeds = models.PositiveSmallIntegerField(_("days"), default=10)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    # Of each seed that was played: the figures by set of rules.
    played = models.JSONField(default=list)
    spent_s = models.FloatField(_("time of work, s"), default=0)
    # JSON as a text too, for the same reason.
    result = models.TextField(_("result"), blank=True)
    fault = models.CharField(_("what went wrong"), max_length=500, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    # Of rules that are tried: what would be saved, and what the day they are tried on is like.
    trial = models.JSONField(_("rules that are tried"), null=True)

    class Meta:
        verbose_name = _("simulation")
        verbose_name_plural = _("simulations")
        indexes: ClassVar = [
            models.Index(fields=["id"], name="simulation_due", condition=models.Q(state__in=["waiting", "running"])),
            models.Index(fields=["made_by", "-id"], name="simulation_of_user"),
        ]

    def __str__(self) -> str:
        return self.title or f"{self.pk}"
