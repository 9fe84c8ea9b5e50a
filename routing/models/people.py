"""Operators: what they are doing, and what they did."""

from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from routing import strategies
from routing.capacity import LIMITS, room_sql
from routing.choices import RESERVED, Mode, State, Work
from routing.querysets import PresenceQuerySet, ReservationQuerySet

USER = settings.AUTH_USER_MODEL


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


class CapacityProfile(models.Model):
    """How many contacts of each kind fill an operator: for all who have the profile."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    calls = models.PositiveSmallIntegerField(
        _("calls at once"), default=1, validators=[MaxValueValidator(50)], help_text=_("0: takes none.")
    )
    capacity = models.PositiveSmallIntegerField(
        _("chats at once"), default=4, validators=[MaxValueValidator(50)], help_text=_("0: takes none.")
    )
    callbacks = models.PositiveSmallIntegerField(
        _("callbacks at once"), default=1, validators=[MaxValueValidator(50)], help_text=_("0: takes none.")
    )
    standard = models.BooleanField(_("for new operators"), default=False)

    class Meta:
        verbose_name = _("capacity profile")
        verbose_name_plural = _("capacity profiles")
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["standard"],
                name="one_standard_profile",
                condition=Q(standard=True),
                violation_error_message=_("Another profile is for new operators already."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def numbers(self) -> dict[str, int]:
        """Its numbers by the columns that a presence has for them, too."""
        return {column: getattr(self, column) for column in LIMITS.values()}


class GivesWay(models.Model):
    """A rule of interruption: work of one kind takes no room from another. All other kinds share an operator."""

    work = models.CharField(_("work"), max_length=8, choices=Work)
    to = models.CharField(_("takes no room from"), max_length=8, choices=Work)

    class Meta:
        verbose_name = _("rule of interruption")
        verbose_name_plural = _("rules of interruption")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["work", "to"], name="gives_way_once"),
            models.CheckConstraint(condition=~Q(work=F("to")), name="gives_way_to_another"),
        ]

    def __str__(self) -> str:
        return f"{self.get_work_display()} → {self.get_to_display()}"

    def clean(self) -> None:
        """Raise ValidationError for work that would give way to its own kind."""
        super().clean()
        if self.work == self.to:
            raise ValidationError({"to": _("Choose two kinds of work.")})

    @classmethod
    def pairs(cls) -> frozenset[tuple[str, str]]:
        """Return the rules as the engine takes them."""
        return frozenset(cls.objects.values_list("work", "to"))


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
    profile = models.ForeignKey(
        CapacityProfile,
        verbose_name=_("capacity profile"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="presences",
        help_text=_("Empty: the numbers beside it are his own."),
    )
    calls = models.PositiveSmallIntegerField(_("calls at once"), default=1)
    capacity = models.PositiveSmallIntegerField(_("chats at once"), default=4)
    callbacks = models.PositiveSmallIntegerField(_("callbacks at once"), default=1)
    load = models.SmallIntegerField(_("load"), default=0)
    # How many of his load are calls, and how many callbacks; the rest are chats.
    call_load = models.SmallIntegerField(_("calls in work"), default=0)
    callback_load = models.SmallIntegerField(_("callbacks in work"), default=0)
    # Kinds of work that he takes none of now, though he is able to.
    off = ArrayField(models.CharField(max_length=8, choices=Work), verbose_name=_("takes none of"), default=list)
    # Whether he takes one more of some kind, where no work gives way to other: kept by the database itself.
    room_left = models.GeneratedField(
        expression=RawSQL(room_sql(), []),  # noqa: S611 — our own words
        output_field=models.BooleanField(),
        db_persist=True,
    )
    idle_since = models.DateTimeField(_("free since"), default=timezone.now)
    pause_after = models.BooleanField(_("pause after this contact"), default=False)
    # The reserved time that he spends, or goes to after his contacts.
    attends = models.ForeignKey("Attendance", null=True, on_delete=models.SET_NULL, related_name="+")
    # Set when all pages went silent; his open talks go back when it is older than the policy allows.
    vanished_at = models.DateTimeField(_("vanished"), null=True)

    objects = PresenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("operator")
        verbose_name_plural = _("operators")
        indexes: ClassVar = [
            # Who could take the next contact, where no work gives way to other.
            models.Index(
                fields=["user"],
                name="presence_free",
                condition=Q(mode="available", pause_after=False, room_left=True),
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(load__gte=0), name="load_not_negative"),
            models.CheckConstraint(
                condition=Q(call_load__gte=0, callback_load__gte=0, load__gte=F("call_load") + F("callback_load")),
                name="loads_add_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.state}"

    @property
    def limits(self) -> dict[str, int]:
        """How many of each kind of work fill him."""
        return {kind: getattr(self, column) for kind, column in LIMITS.items()}

    @property
    def loads(self) -> dict[str, int]:
        """How many of each kind hold a place."""
        return {
            Work.CALL: self.call_load,
            Work.CHAT: self.load - self.call_load - self.callback_load,
            Work.CALLBACK: self.callback_load,
        }

    @property
    def kinds(self) -> list[dict[str, Any]]:
        """The kinds of work that he is able to take, or has, for a page: code, words, limit, load, whether he takes it."""
        return [
            {"code": kind, "words": kind.label, "limit": limit, "load": load, "on": kind not in self.off}
            for kind, limit, load in zip(Work, self.limits.values(), self.loads.values(), strict=True)
            if limit or load
        ]

    def follow(self, profile: CapacityProfile) -> None:
        """Take the numbers of a profile."""
        self.profile = profile
        for column, number in profile.numbers.items():
            setattr(self, column, number)

    def add(self, work: str, number: int) -> None:
        """Count contacts of a kind in or out."""
        self.load += number
        if work == Work.CALL:
            self.call_load += number
        elif work == Work.CALLBACK:
            self.callback_load += number

    def has_room(self, work: str, gives_way: frozenset[tuple[str, str]] | None = None) -> bool:
        """Tell whether one more of a kind fits into his hands, whatever he has switched off."""
        rules = GivesWay.pairs() if gives_way is None else gives_way
        return strategies.has_room(self.limits, self.loads, work, rules)

    def takes(self, work: str, gives_way: frozenset[tuple[str, str]] | None = None) -> bool:
        """Tell whether he would be given one more of a kind now."""
        ready = self.mode == Mode.AVAILABLE and not self.pause_after and work not in self.off
        return ready and self.has_room(work, gives_way)

    @property
    def limit_s(self) -> int | None:
        """How long his present pause may last, in seconds."""
        return self.reason.limit_min * 60 if self.mode == Mode.PAUSE and self.reason and self.reason.limit_min else None

    def ahead(self) -> "list[Attendance]":
        """Return the reserved times that go on or are still to come today, the first first."""
        until = timezone.now() + timedelta(hours=24)
        mine = Attendance.objects.filter(user=self.user_id, ended_at=None, reservation__starts_at__lt=until)
        return list(mine.select_related("reservation").order_by("reservation__starts_at")[:5])


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


class Reservation(models.Model):
    """Time that a supervisor reserved for a meeting or a training: who takes part is in no queue meanwhile."""

    state = models.CharField(
        _("what for"), max_length=14, choices=[(mode.value, mode.label) for mode in RESERVED], default=Mode.MEETING
    )
    subject = models.CharField(_("subject"), max_length=120)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    # What its operators are after it.
    then = models.CharField(
        _("afterwards"),
        max_length=14,
        choices=[(mode.value, mode.label) for mode in (Mode.AVAILABLE, Mode.PAUSE)],
        default=Mode.AVAILABLE,
    )
    made_by = models.ForeignKey(
        USER, verbose_name=_("planned by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    cancelled_at = models.DateTimeField(_("cancelled"), null=True)

    objects = ReservationQuerySet.as_manager()

    class Meta:
        verbose_name = _("reserved time")
        verbose_name_plural = _("reserved times")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="reservation_lasts")
        ]
        indexes: ClassVar = [models.Index(fields=["ends_at"], name="reservation_ends")]

    def __str__(self) -> str:
        return self.subject


class Attendance(models.Model):
    """One operator's part in a reserved time: when he was told, went there, and was done with it."""

    reservation = models.ForeignKey(Reservation, on_delete=models.CASCADE, related_name="attendances")
    user = models.ForeignKey(USER, verbose_name=_("operator"), on_delete=models.CASCADE, related_name="attendances")
    told_at = models.DateTimeField(_("told"), null=True)
    begun_at = models.DateTimeField(_("began"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("part in a reserved time")
        verbose_name_plural = _("parts in reserved times")
        constraints: ClassVar = [models.UniqueConstraint(fields=["reservation", "user"], name="attends_once")]
        indexes: ClassVar = [models.Index(fields=["user"], name="attendance_ahead", condition=Q(ended_at=None))]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.reservation_id}"
