"""Guests: colleagues in a call that another has in hand."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from routing.choices import GuestEnd, GuestRole, GuestState
from routing.models.work import Assignment
from routing.querysets import GuestQuerySet

USER = settings.AUTH_USER_MODEL


class Guest(models.Model):
    """A colleague in a call of another's leg: consulted, in conference, or a supervisor who listens.

    The call stays in the hands of the leg's operator: his browser mixes the sound, one connection to each party.
    """

    leg = models.ForeignKey(Assignment, verbose_name=_("assignment"), on_delete=models.PROTECT, related_name="guests")
    interaction = models.ForeignKey(
        "interactions.Interaction",
        verbose_name=_("interaction"),
        on_delete=models.PROTECT,
        related_name="guests",
        db_index=False,
    )
    user = models.ForeignKey(
        USER, verbose_name=_("colleague"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    role = models.CharField(_("role"), max_length=8, choices=GuestRole)
    state = models.CharField(_("state"), max_length=8, choices=GuestState, default=GuestState.RINGING)
    # Who is not invited has come by himself: a supervisor. He takes no place of his own capacity.
    invited_by = models.ForeignKey(
        USER, verbose_name=_("invited by"), null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    note = models.TextField(_("note"), blank=True)
    at = models.DateTimeField(_("since"), default=timezone.now)
    expires_at = models.DateTimeField(_("rings until"), null=True)
    answered_at = models.DateTimeField(_("answered"), null=True)
    left_at = models.DateTimeField(_("left"), null=True)
    end = models.CharField(_("how it ended"), max_length=10, choices=GuestEnd, blank=True)

    objects = GuestQuerySet.as_manager()

    class Meta:
        verbose_name = _("guest of a call")
        verbose_name_plural = _("guests of calls")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["interaction", "user"], name="guest_once", condition=~Q(state="left"))
        ]
        indexes: ClassVar = [
            models.Index(fields=["user"], name="guest_live", condition=~Q(state="left")),
            # Who may read a session because he took part in its call.
            models.Index(fields=["interaction", "user"], name="guest_of_call"),
        ]

    def __str__(self) -> str:
        return f"G-{self.pk}"

    @property
    def takes_place(self) -> bool:
        """Whether he has given a place of his capacity for it."""
        return self.state == GuestState.IN and self.invited_by_id is not None
