"""Queues: who serves them, when they are open, how they order and choose."""

from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from routing.choices import Choice
from routing.querysets import QueueQuerySet

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
    priority_weight = models.FloatField(
        _("weight of priority"),
        default=60,
        validators=[MinValueValidator(0)],
        help_text=_("With a weight of waiting of 1: the head start of one step, s."),
    )
    wait_weight = models.FloatField(
        _("weight of waiting"),
        default=1,
        validators=[MinValueValidator(0)],
        help_text=_("0: priority alone decides, then age."),
    )
    choice = models.CharField(
        _("whom it chooses among those who fit equally well"),
        max_length=12,
        choices=Choice,
        default=Choice.LEAST_LOADED,
    )
    target_s = models.PositiveIntegerField(_("answer the first time within, s"), default=60)
    target_percent = models.PositiveSmallIntegerField(
        _("service level: so many of 100 within that time"), default=80, validators=[MaxValueValidator(100)]
    )
    reply_s = models.PositiveIntegerField(_("answer each message within, s"), default=120)
    offer_s = models.PositiveIntegerField(
        _("an operator may think about an offer for, s"), default=20, validators=[MinValueValidator(3)]
    )
    preferred_s = models.PositiveIntegerField(
        _("the personal or last operator comes first for, s"),
        default=30,
        db_default=30,
        help_text=_("While he has no room, others who have it get the contact at once. 0: nobody is preferred."),
    )
    auto_accept = models.BooleanField(_("accept offers by itself"), default=False)
    wrapup_s = models.PositiveIntegerField(_("wrap-up, s"), default=60)
    wrapup_more_s = models.PositiveIntegerField(
        _("an operator may extend a wrap-up by, s"), default=300, help_text=_("In all. 0: not at all.")
    )
    max_waiting = models.PositiveIntegerField(
        _("at most so many wait"), null=True, blank=True, help_text=_("More are turned to the form. Empty: no limit.")
    )
    callbacks = models.BooleanField(
        _("callbacks are routed"),
        default=False,
        help_text=_("Those who wait may ask to be called back and keep their place. Off: a request to call is a task."),
    )
    callback_ahead_s = models.PositiveIntegerField(
        _("head start of a callback at its time, s"),
        default=300,
        help_text=_(
            "One with a chosen time, or after a call that nobody answered, enters the queue then, so much ahead."
        ),
    )
    callback_attempts = models.PositiveSmallIntegerField(
        _("call at most, times"), default=3, validators=[MinValueValidator(1), MaxValueValidator(20)]
    )
    callback_pause_min = models.PositiveSmallIntegerField(
        _("after a call that nobody answered wait, min"),
        default=15,
        validators=[MinValueValidator(1), MaxValueValidator(1440)],
    )
    missed_tasks = models.BooleanField(
        _("a missed call makes a task"),
        default=False,
        db_default=False,
        help_text=_(
            "Nobody answered: its team is to call back. One task for a customer and day, done by itself if he is served."
        ),
    )
    voicemail = models.BooleanField(
        _("callers may leave a message"),
        default=False,
        db_default=False,
        help_text=_(
            "From the page of calls: while it is closed or full, and to those who wait. Its team gets a task with it."
        ),
    )
    voicemail_after_s = models.PositiveIntegerField(
        _("offer it to who has waited for, s"),
        default=30,
        db_default=30,
        validators=[MaxValueValidator(3600)],
    )
    record_calls = models.BooleanField(
        _("record its calls"),
        default=True,
        db_default=True,
        help_text=_("The customer is told that his call is recorded."),
    )
    tell_listening = models.BooleanField(
        _("operators see who listens to their calls"),
        default=True,
        db_default=True,
        help_text=_("A supervisor who speaks is always seen. Each listening is in the audit log, seen or not."),
    )
    keep_recordings_days = models.PositiveIntegerField(
        _("keep recordings of its calls for, days"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(36_500)],
        help_text=_("Of calls that end from now on. Empty: they are kept. One on legal hold is never deleted."),
    )
    closed_until = models.DateTimeField(_("closed until"), null=True, blank=True)
    paused_until = models.DateTimeField(_("no offers until"), null=True, blank=True)
    message = models.CharField(_("message to those who wait"), max_length=300, blank=True)
    # The last version of the rules that has changed this queue: offers keep it.
    rules_version = models.PositiveIntegerField(_("version of the rules"), default=0, db_default=0, editable=False)

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


class MemberPeriod(models.Model):
    """When somebody served a queue. Written by the database itself with each change of the members: the past can be told."""

    queue = models.ForeignKey(Queue, verbose_name=_("queue"), on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(USER, verbose_name=_("operator"), on_delete=models.CASCADE, related_name="+")
    started_at = models.DateTimeField(_("began"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("time as a member")
        verbose_name_plural = _("times as a member")
        indexes: ClassVar = [models.Index(fields=["queue", "started_at"], name="period_of_queue")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.queue_id} {self.started_at}"


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
