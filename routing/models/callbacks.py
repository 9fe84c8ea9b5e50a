"""Callbacks: who is to be called, when, and how often it was tried."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from routing.choices import CallbackEnd, CallbackState
from routing.models.queues import Queue
from routing.querysets import CallbackQuerySet

USER = settings.AUTH_USER_MODEL


class Callback(models.Model):
    """A customer who is to be called back: when his turn comes (he keeps his place), or at a time of his choice.

    At its time it opens a session, which is routed like all work; each attempt to call is a session of its own.
    """

    # What is said and called with this phone. The phone itself is its identity.
    thread = models.ForeignKey(
        "interactions.Thread", verbose_name=_("thread"), on_delete=models.PROTECT, related_name="callbacks"
    )
    # Empty while it is on nobody's card.
    profile = models.ForeignKey(
        "customers.Profile", verbose_name=_("profile"), null=True, on_delete=models.PROTECT, related_name="callbacks"
    )
    queue = models.ForeignKey(Queue, verbose_name=_("queue"), on_delete=models.PROTECT, related_name="callback_set")
    topic = models.ForeignKey(
        "interactions.Topic", verbose_name=_("topic"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Where he asked: there he sees it and may cancel it.
    asked_in = models.ForeignKey(
        "interactions.Thread", verbose_name=_("asked in"), null=True, on_delete=models.SET_NULL, related_name="asked"
    )
    source = models.ForeignKey(
        "interactions.Interaction",
        verbose_name=_("session it came from"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    # The session of the attempt that goes on, or of the last one.
    session = models.OneToOneField(
        "interactions.Interaction",
        verbose_name=_("session"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="callback",
    )
    state = models.CharField(_("state"), max_length=8, choices=CallbackState, default=CallbackState.PLANNED)
    result = models.CharField(_("result"), max_length=12, choices=CallbackEnd, blank=True)
    # The chosen time; empty: as soon as his turn comes.
    at = models.DateTimeField(_("chosen time"), null=True)
    # When it enters its queue.
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    # The wait that counts: since he asked, or since he waited before he asked.
    waits_since = models.DateTimeField(_("waits since"), default=timezone.now)
    boost = models.SmallIntegerField(_("priority on top of the queue's"), default=0)
    attempts = models.PositiveSmallIntegerField(_("calls that nobody answered"), default=0)
    name = models.CharField(_("name"), max_length=120, blank=True)
    text = models.TextField(_("question"), blank=True)
    language = models.CharField(_("language"), max_length=5, default="en")
    # His time zone, as his browser says: nobody is called at night.
    zone = models.CharField(_("time zone"), max_length=40, blank=True)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True)
    ended_by = models.ForeignKey(
        USER, verbose_name=_("ended by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = CallbackQuerySet.as_manager()

    class Meta:
        verbose_name = _("callback")
        verbose_name_plural = _("callbacks")
        constraints: ClassVar = [
            # Asked twice is called once, whoever asks at the same moment.
            models.UniqueConstraint(
                fields=["thread", "queue"], name="callback_once", condition=~Q(state=CallbackState.ENDED)
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="callback_due", condition=Q(state=CallbackState.PLANNED)),
            models.Index(fields=["profile"], name="callback_open", condition=~Q(state=CallbackState.ENDED)),
            models.Index(fields=["asked_in", "-id"], name="callback_asked", condition=Q(asked_in__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"CB-{self.pk}"

    @property
    def is_open(self) -> bool:
        """Tell whether he is still to be called."""
        return self.state != CallbackState.ENDED

    @property
    def phone(self) -> str:
        """The phone to call, E.164."""
        return self.thread.identity.value
