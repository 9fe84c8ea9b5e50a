"""Work: visits to queues, legs with operators, alerts and thresholds."""

from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from routing.choices import AlertKind, Estimator, Leg, LegEnd, Outcome, Visit, Work
from routing.models.queues import Queue
from routing.models.skills import ANYONE
from routing.querysets import AssignmentQuerySet, WorkItemQuerySet

USER = settings.AUTH_USER_MODEL


class WorkItem(models.Model):
    """One visit of an interaction to a queue: entered, left, outcome."""

    # Each index is written anew at each step of a visit: what an index below serves has none of its own.
    queue = models.ForeignKey(
        Queue, verbose_name=_("queue"), on_delete=models.PROTECT, related_name="items", db_index=False
    )
    interaction = models.ForeignKey(
        "interactions.Interaction", verbose_name=_("interaction"), on_delete=models.PROTECT, related_name="visits"
    )
    visit = models.CharField(_("state"), max_length=8, choices=Visit, default=Visit.WAITING)
    priority = models.SmallIntegerField(_("priority"), default=1)
    entered_at = models.DateTimeField(_("entered"), default=timezone.now)
    # The wait that counts: kept when a contact comes back.
    waits_since = models.DateTimeField(_("waits since"), default=timezone.now)
    # The kind of work that it is, by which capacity is counted.
    work = models.CharField(_("work"), max_length=8, choices=Work, default=Work.CHAT, db_default=Work.CHAT.value)
    # What it asks of operators while it waits: the id of a SkillPath.
    path = models.IntegerField(_("skills asked for"), default=ANYONE, db_default=ANYONE)
    # Codes of the segments to which its customer belonged when he came, in their order.
    segments: "ArrayField[list[str], list[str]]" = ArrayField(
        models.CharField(max_length=40), verbose_name=_("segments"), default=list, db_default=[]
    )
    # The part of its priority that it has by the order of channels, topics and segments.
    steps = models.SmallIntegerField(_("steps of priority by the order"), default=0, db_default=0)
    # Why a frequent customer came straight here: {"contacts", "days", "topic", "queue"}, the last two as ids.
    frequent = models.JSONField(_("frequent customer"), null=True)
    # The order, linear in time: waits_since less the head start of the priority.
    rank_at = models.DateTimeField(_("place in the order"))
    left_at = models.DateTimeField(_("left"), null=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, blank=True)
    blocked_kind = models.CharField(_("why it was blocked"), max_length=2, blank=True)
    preferred = models.ForeignKey(
        USER, verbose_name=_("meant for"), null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    only_preferred = models.BooleanField(_("for nobody else"), default=False)
    preferred_until = models.DateTimeField(_("meant until"), null=True)
    note = models.TextField(_("note"), blank=True)
    sent_by = models.ForeignKey(
        USER, verbose_name=_("sent by"), null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    escalated_at = models.DateTimeField(_("moved ahead"), null=True)
    # When he who waits was told that nobody is there now.
    told_away_at = models.DateTimeField(_("told that nobody is there"), null=True)
    # What overflows did to it, each as "when:then", and the rules that did: each tells or offers once.
    overflows: "ArrayField[Any, Any]" = ArrayField(
        models.CharField(max_length=20), verbose_name=_("overflows"), null=True
    )
    overflow_rules: "ArrayField[Any, Any]" = ArrayField(models.BigIntegerField(), null=True)
    # What its visitor was told first of how long he would wait, by which estimator, and when.
    estimate_s = models.PositiveIntegerField(_("told that he would wait, s"), null=True)
    estimator = models.CharField(
        _("estimated by"), max_length=8, choices=Estimator, blank=True, default="", db_default=""
    )
    estimated_at = models.DateTimeField(_("told when"), null=True)

    objects = WorkItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("work item")
        verbose_name_plural = _("work items")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["interaction"], name="one_live_visit", condition=~Q(visit="left"))
        ]
        indexes: ClassVar = [
            # The next K of those in a queue who ask for the same.
            models.Index(
                fields=["queue", "work", "path", "rank_at", "id"],
                name="item_waiting_alike",
                condition=Q(visit="waiting"),
            ),
            models.Index(
                fields=["preferred"], name="item_meant", condition=Q(visit="waiting", preferred__isnull=False)
            ),
            # What a queue has in hand.
            models.Index(fields=["queue"], name="item_live", condition=~Q(visit="left")),
            # Numbers of the day.
            models.Index(fields=["entered_at", "queue"], name="item_entered"),
        ]

    def __str__(self) -> str:
        return f"W-{self.pk}"


class Assignment(models.Model):
    """One leg of a visit with one operator: offered, accepted, held, ended, wrapped up."""

    item = models.ForeignKey(WorkItem, verbose_name=_("work item"), on_delete=models.PROTECT, related_name="legs")
    interaction = models.ForeignKey(
        "interactions.Interaction", verbose_name=_("interaction"), on_delete=models.PROTECT, related_name="legs"
    )
    operator = models.ForeignKey(
        USER, verbose_name=_("operator"), on_delete=models.PROTECT, related_name="legs", db_index=False
    )
    leg = models.CharField(_("state"), max_length=8, choices=Leg, default=Leg.OFFERED)
    end = models.CharField(_("how it ended"), max_length=12, choices=LegEnd, blank=True)
    offered_at = models.DateTimeField(_("offered"), default=timezone.now)
    expires_at = models.DateTimeField(_("offer ends"), null=True)
    accepted_at = models.DateTimeField(_("accepted"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    wrapup_until = models.DateTimeField(_("wrap-up until"), null=True)
    wrapped_at = models.DateTimeField(_("wrapped up"), null=True)
    # Whether it takes a place of the operator's capacity: not while snoozed or idle.
    holds = models.BooleanField(_("holds a place"), default=True)
    snoozed_until = models.DateTimeField(_("put aside until"), null=True)
    # A telephone exchange has decided it: the leg follows what it tells, and several may ring or talk at once.
    outside = models.BooleanField(_("by a telephone exchange"), default=False, db_default=False)
    why = models.JSONField(_("why this operator"), default=dict)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        constraints: ClassVar = [
            # A double assignment is impossible, whoever tries.
            models.UniqueConstraint(
                fields=["interaction"], name="one_owner", condition=Q(leg__in=["offered", "active"], outside=False)
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["operator"], name="leg_live", condition=~Q(leg="ended")),
            models.Index(fields=["operator", "interaction"], name="leg_of_operator"),
            models.Index(fields=["expires_at"], name="leg_due", condition=Q(leg="offered")),
            models.Index(fields=["accepted_at", "operator"], name="leg_accepted"),
            # Legs come in the order of their time: a few pages tell where those of a day stand.
            BrinIndex(fields=["offered_at"], name="leg_offered", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"A-{self.pk}"

    @property
    def wrapup_left_s(self) -> int:
        """How much its wrap-up may still be extended by, in whole seconds."""
        if self.leg != Leg.WRAPUP or self.ended_at is None or self.wrapup_until is None:
            return 0
        queue = self.item.queue
        last = self.ended_at + timedelta(seconds=queue.wrapup_s + queue.wrapup_more_s)
        return max(0, int((last - self.wrapup_until).total_seconds()))


class Alert(models.Model):
    """Something a supervisor should look at, told once."""

    kind = models.CharField(_("kind"), max_length=40, choices=AlertKind.choices)
    team = models.ForeignKey("accounts.Team", verbose_name=_("team"), on_delete=models.CASCADE, related_name="alerts")
    queue = models.ForeignKey(
        Queue, verbose_name=_("queue"), null=True, on_delete=models.CASCADE, related_name="alerts"
    )
    item = models.ForeignKey(
        WorkItem, verbose_name=_("work item"), null=True, on_delete=models.CASCADE, related_name="alerts"
    )
    user = models.ForeignKey(USER, verbose_name=_("operator"), null=True, on_delete=models.CASCADE, related_name="+")
    # What lasts and ends by itself names what it is about: "queue:3", "topic:7", "leg:12".
    subject = models.CharField(_("about what"), max_length=32, blank=True)
    args = models.JSONField(_("details"), default=dict)
    at = models.DateTimeField(_("when"), default=timezone.now)
    ended_at = models.DateTimeField(_("over"), null=True)
    seen_at = models.DateTimeField(_("seen"), null=True)
    seen_by = models.ForeignKey(USER, verbose_name=_("seen by"), null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints: ClassVar = [
            # What lasts is told once.
            models.UniqueConstraint(
                fields=["kind", "team", "subject"], name="alert_once", condition=Q(ended_at=None) & ~Q(subject="")
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["team", "-at"], name="alert_open", condition=Q(seen_at=None)),
            models.Index(fields=["team", "-at", "-id"], name="alert_of_team"),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


class Threshold(models.Model):
    """From when on a queue calls its supervisors: each limit is off while it is empty."""

    queue = models.OneToOneField(Queue, verbose_name=_("queue"), on_delete=models.CASCADE, related_name="threshold")
    waiting = models.PositiveIntegerField(_("so many wait"), null=True, blank=True, validators=[MinValueValidator(1)])
    longest_s = models.PositiveIntegerField(
        _("the longest wait, s"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    level = models.PositiveSmallIntegerField(
        _("service level below, %"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )

    class Meta:
        verbose_name = _("threshold")
        verbose_name_plural = _("thresholds")

    def __str__(self) -> str:
        return f"{self.queue_id}: {self.waiting} / {self.longest_s} s / {self.level} %"
