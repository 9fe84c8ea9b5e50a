"""Queues and who serves them, work items and assignments, presence."""

from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from routing.choices import AlertKind, Leg, LegEnd, Mode, Outcome, State, Visit
from routing.querysets import AssignmentQuerySet, PresenceQuerySet, QueueQuerySet, WorkItemQuerySet

USER = settings.AUTH_USER_MODEL


class Policy(models.Model):
    """Limits of the whole installation; one row."""

    operator_grace_s = models.PositiveIntegerField(
        _("an operator is offline when all his pages are silent for, s"), default=45, validators=[MinValueValidator(15)]
    )
    keep_talks_s = models.PositiveIntegerField(
        _("open talks of an operator who vanished stay his for, s"),
        default=120,
        help_text=_("Then they return to the head of their queue."),
    )
    head_start_s = models.PositiveIntegerField(
        _("one step of priority is a head start of, s"), default=60, help_text=_("Among those who wait in the queues.")
    )
    decline_rest_s = models.PositiveIntegerField(
        _("a declined contact is not offered to the same operator for, s"), default=30
    )

    class Meta:
        verbose_name = _("routing policy")
        verbose_name_plural = _("routing policy")

    def __str__(self) -> str:
        return str(_("Routing policy"))

    @classmethod
    def current(cls) -> "Policy":
        """Return the one row, made with its defaults at the first call."""
        return cls.objects.get_or_create(pk=1)[0]


class BusinessHours(models.Model):
    """When somebody answers: intervals by weekday in a zone, and holidays."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    zone = models.CharField(_("time zone"), max_length=40, default="Europe/Moscow")

    class Meta:
        verbose_name = _("business hours")
        verbose_name_plural = _("business hours")

    def __str__(self) -> str:
        return self.name


class OpeningInterval(models.Model):
    """One interval of a weekday. An interval that ends at 00:00 ends with the day."""

    class Day(models.IntegerChoices):
        """Days of the week, as Python counts them."""

        MONDAY = 0, _("Monday")
        TUESDAY = 1, _("Tuesday")
        WEDNESDAY = 2, _("Wednesday")
        THURSDAY = 3, _("Thursday")
        FRIDAY = 4, _("Friday")
        SATURDAY = 5, _("Saturday")
        SUNDAY = 6, _("Sunday")

    hours = models.ForeignKey(BusinessHours, on_delete=models.CASCADE, related_name="intervals")
    day = models.SmallIntegerField(_("day"), choices=Day)
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))

    class Meta:
        verbose_name = _("opening interval")
        verbose_name_plural = _("opening intervals")
        ordering: ClassVar = ["day", "opens"]

    def __str__(self) -> str:
        return f"{self.get_day_display()} {self.opens:%H:%M}–{self.closes:%H:%M}"


class Holiday(models.Model):
    """A day that differs: closed, or open in one interval of its own."""

    hours = models.ForeignKey(BusinessHours, on_delete=models.CASCADE, related_name="holidays")
    date = models.DateField(_("date"))
    name = models.CharField(_("name"), max_length=80, blank=True)
    opens = models.TimeField(_("opens"), null=True, blank=True)
    closes = models.TimeField(_("closes"), null=True, blank=True)

    class Meta:
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        ordering: ClassVar = ["date"]

    def __str__(self) -> str:
        return f"{self.date} {self.name}"


class Queue(models.Model):
    """Where interactions wait."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    name_ru = models.CharField(_("name in Russian"), max_length=80, blank=True)
    team = models.ForeignKey("accounts.Team", verbose_name=_("team"), on_delete=models.PROTECT, related_name="queues")
    hours = models.ForeignKey(
        BusinessHours,
        verbose_name=_("business hours"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        help_text=_("Empty: open day and night."),
    )
    members: "models.ManyToManyField[Any, Any]" = models.ManyToManyField(
        USER, through="QueueMember", related_name="queues", verbose_name=_("members")
    )
    active = models.BooleanField(_("active"), default=True)
    priority = models.SmallIntegerField(
        _("priority"), default=1, help_text=_("Each step is a head start in the order of waiting.")
    )
    target_s = models.PositiveIntegerField(_("answer the first time within, s"), default=60)
    target_percent = models.PositiveSmallIntegerField(
        _("service level: so many of 100 within that time"), default=80, validators=[MaxValueValidator(100)]
    )
    reply_s = models.PositiveIntegerField(_("answer each message within, s"), default=120)
    offer_s = models.PositiveIntegerField(
        _("an operator may think about an offer for, s"), default=20, validators=[MinValueValidator(3)]
    )
    auto_accept = models.BooleanField(_("accept offers by itself"), default=False)
    wrapup_s = models.PositiveIntegerField(_("wrap-up, s"), default=60)
    max_waiting = models.PositiveIntegerField(
        _("at most so many wait"), null=True, blank=True, help_text=_("More are turned to the form. Empty: no limit.")
    )
    closed_until = models.DateTimeField(_("closed until"), null=True, blank=True)
    paused_until = models.DateTimeField(_("no offers until"), null=True, blank=True)
    message = models.CharField(_("message to those who wait"), max_length=300, blank=True)

    objects = QueueQuerySet.as_manager()

    class Meta:
        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def label(self, language: str) -> str:
        """Return the name in the reader's language."""
        return self.name_ru if language == "ru" and self.name_ru else self.name


class QueueMember(models.Model):
    """An operator who serves a queue, for good or lent until a time."""

    queue = models.ForeignKey(Queue, verbose_name=_("queue"), on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(USER, verbose_name=_("operator"), on_delete=models.CASCADE, related_name="memberships")
    until = models.DateTimeField(_("lent until"), null=True, blank=True)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints: ClassVar = [models.UniqueConstraint(fields=["queue", "user"], name="queue_member_once")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.queue_id}"


class Entrance(models.Model):
    """Which queue a new session goes to: by channel and topic; without a topic, all others of the channel."""

    channel = models.ForeignKey("interactions.Channel", verbose_name=_("channel"), on_delete=models.CASCADE)
    topic = models.ForeignKey(
        "interactions.Topic", verbose_name=_("topic"), null=True, blank=True, on_delete=models.CASCADE
    )
    queue = models.ForeignKey(Queue, verbose_name=_("queue"), on_delete=models.PROTECT, related_name="entrances")
    boost = models.SmallIntegerField(_("priority on top of the queue's"), default=0)

    class Meta:
        verbose_name = _("entrance")
        verbose_name_plural = _("entrances")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["channel", "topic"], name="entrance_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return f"{self.channel} / {self.topic or '*'} → {self.queue}"


class PauseReason(models.Model):
    """Why an operator does not take contacts for a while."""

    name = models.CharField(_("name"), max_length=60)
    name_ru = models.CharField(_("name in Russian"), max_length=60, blank=True)
    limit_min = models.PositiveIntegerField(_("limit, min"), null=True, blank=True)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("pause reason")
        verbose_name_plural = _("pause reasons")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def label(self, language: str) -> str:
        """Return the name in the reader's language."""
        return self.name_ru if language == "ru" and self.name_ru else self.name


class Presence(models.Model):
    """What an operator is doing now. His `load` counts the assignments that hold a place of his capacity."""

    user = models.OneToOneField(
        USER, verbose_name=_("operator"), primary_key=True, on_delete=models.CASCADE, related_name="presence"
    )
    mode = models.CharField(_("chosen state"), max_length=14, choices=Mode, default=Mode.OFFLINE)
    state = models.CharField(_("state"), max_length=14, choices=State, default=State.OFFLINE)
    reason = models.ForeignKey(
        PauseReason, verbose_name=_("pause reason"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    since = models.DateTimeField(_("since"), default=timezone.now)
    capacity = models.PositiveSmallIntegerField(_("contacts at once"), default=4)
    load = models.SmallIntegerField(_("load"), default=0)
    idle_since = models.DateTimeField(_("free since"), default=timezone.now)
    pause_after = models.BooleanField(_("pause after this contact"), default=False)
    # Set when all pages went silent; his open talks go back when it is older than the policy allows.
    vanished_at = models.DateTimeField(_("vanished"), null=True)

    objects = PresenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("operator")
        verbose_name_plural = _("operators")
        indexes: ClassVar = [
            # Who could take the next contact.
            models.Index(fields=["user"], name="presence_free", condition=Q(mode="available", pause_after=False)),
        ]
        constraints: ClassVar = [models.CheckConstraint(condition=Q(load__gte=0), name="load_not_negative")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.state}"


class PresenceInterval(models.Model):
    """One stretch of a state. Intervals of an operator follow each other without gap or overlap."""

    user = models.ForeignKey(
        USER, verbose_name=_("operator"), on_delete=models.CASCADE, related_name="presence_intervals"
    )
    state = models.CharField(_("state"), max_length=14, choices=State)
    reason = models.ForeignKey(
        PauseReason, verbose_name=_("pause reason"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    started_at = models.DateTimeField(_("began"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("presence interval")
        verbose_name_plural = _("presence intervals")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user"], name="one_running_interval", condition=Q(ended_at=None))
        ]
        indexes: ClassVar = [models.Index(fields=["user", "started_at"], name="interval_of_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.state} {self.started_at}"


class WorkItem(models.Model):
    """One visit of an interaction to a queue: entered, left, outcome."""

    queue = models.ForeignKey(Queue, verbose_name=_("queue"), on_delete=models.PROTECT, related_name="items")
    interaction = models.ForeignKey(
        "interactions.Interaction", verbose_name=_("interaction"), on_delete=models.PROTECT, related_name="visits"
    )
    visit = models.CharField(_("state"), max_length=8, choices=Visit, default=Visit.WAITING)
    priority = models.SmallIntegerField(_("priority"), default=1)
    entered_at = models.DateTimeField(_("entered"), default=timezone.now)
    # The wait that counts: kept when a contact comes back.
    waits_since = models.DateTimeField(_("waits since"), default=timezone.now)
    # The order, linear in time: waits_since less the head start of the priority.
    rank_at = models.DateTimeField(_("place in the order"))
    left_at = models.DateTimeField(_("left"), null=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, blank=True)
    blocked_kind = models.CharField(_("why it was blocked"), max_length=2, blank=True)
    preferred = models.ForeignKey(
        USER, verbose_name=_("meant for"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    only_preferred = models.BooleanField(_("for nobody else"), default=False)
    preferred_until = models.DateTimeField(_("meant until"), null=True)
    note = models.TextField(_("note"), blank=True)
    sent_by = models.ForeignKey(USER, verbose_name=_("sent by"), null=True, on_delete=models.SET_NULL, related_name="+")
    escalated_at = models.DateTimeField(_("moved ahead"), null=True)
    # When he who waits was told that nobody is there now.
    told_away_at = models.DateTimeField(_("told that nobody is there"), null=True)

    objects = WorkItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("work item")
        verbose_name_plural = _("work items")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["interaction"], name="one_live_visit", condition=~Q(visit="left"))
        ]
        indexes: ClassVar = [
            # The next K of a queue.
            models.Index(fields=["queue", "rank_at", "id"], name="item_waiting", condition=Q(visit="waiting")),
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
    operator = models.ForeignKey(USER, verbose_name=_("operator"), on_delete=models.PROTECT, related_name="legs")
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
    why = models.JSONField(_("why this operator"), default=dict)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        constraints: ClassVar = [
            # A double assignment is impossible, whoever tries.
            models.UniqueConstraint(
                fields=["interaction"], name="one_owner", condition=Q(leg__in=["offered", "active"])
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["operator"], name="leg_live", condition=~Q(leg="ended")),
            models.Index(fields=["operator", "interaction"], name="leg_of_operator"),
            models.Index(fields=["expires_at"], name="leg_due", condition=Q(leg="offered")),
            models.Index(fields=["accepted_at", "operator"], name="leg_accepted"),
        ]

    def __str__(self) -> str:
        return f"A-{self.pk}"


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
    args = models.JSONField(_("details"), default=dict)
    at = models.DateTimeField(_("when"), default=timezone.now)
    seen_at = models.DateTimeField(_("seen"), null=True)
    seen_by = models.ForeignKey(USER, verbose_name=_("seen by"), null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        indexes: ClassVar = [models.Index(fields=["team", "-at"], name="alert_open", condition=Q(seen_at=None))]

    def __str__(self) -> str:
        return self.get_kind_display()


__all__ = [
    "Alert",
    "AlertKind",
    "Assignment",
    "BusinessHours",
    "Entrance",
    "Holiday",
    "Leg",
    "LegEnd",
    "Mode",
    "OpeningInterval",
    "Outcome",
    "PauseReason",
    "Policy",
    "Presence",
    "PresenceInterval",
    "Queue",
    "QueueMember",
    "State",
    "Visit",
    "WorkItem",
]
