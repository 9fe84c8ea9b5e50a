"""Operators: what they are doing, and what they did."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from routing.choices import Mode, State
from routing.querysets import PresenceQuerySet

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
