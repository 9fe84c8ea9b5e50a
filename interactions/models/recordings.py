"""Recordings of calls: the sound, its pieces while the call goes on, and what is marked in it."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from interactions.models.talk import Interaction
from interactions.querysets import RecordingQuerySet


class Recording(models.Model):
    """One part of a call in one file: the customer left, the operator right.

    A call has one part, and one more after each reload of the tab that records. The parts lie on one timeline: what is
    between them was not recorded.
    """

    class State(models.TextChoices):
        """Where it stands."""

        UPLOADING = "uploading", _("being recorded")
        READY = "ready", _("ready")
        BROKEN = "broken", _("cannot be read")
        DELETED = "deleted", _("deleted")

    interaction = models.ForeignKey(
        Interaction, verbose_name=_("interaction"), on_delete=models.PROTECT, related_name="recordings"
    )
    # Chosen by who records, so that a repeated start finds the first one.
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # Empty if a telephone exchange has recorded.
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("recorded by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.UPLOADING)
    started_at = models.DateTimeField(_("began"), default=timezone.now)
    # Told by who records; it waits to be put together from then on.
    ended_at = models.DateTimeField(_("ended"), null=True)
    last_piece_at = models.DateTimeField(default=timezone.now)
    # Who puts it together has it until then.
    claimed_until = models.DateTimeField(default=timezone.now)
    file = models.CharField(max_length=200, blank=True)
    content_type = models.CharField(_("type"), max_length=80)
    size = models.BigIntegerField(_("size, bytes"), default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    key_id = models.CharField(_("key"), max_length=12, blank=True)
    duration_s = models.FloatField(_("duration, s"), default=0)
    # How long each spoke, nobody, and both at once; empty where both sides are in one channel.
    customer_s = models.FloatField(_("the customer spoke, s"), null=True)
    operator_s = models.FloatField(_("the operator spoke, s"), null=True)
    silence_s = models.FloatField(_("silence, s"), null=True)
    overlap_s = models.FloatField(_("both spoke at once, s"), null=True)
    # {"sides": [[0–100, …], …], "silences": [[from, to], …]}: the waveform of each side, and where nobody speaks.
    waveform = models.JSONField(default=dict)
    legal_hold = models.BooleanField(_("legal hold"), default=False)
    hold_reason = models.CharField(_("reason of the hold"), max_length=200, blank=True)
    # Empty: it is kept until somebody deletes it.
    delete_after = models.DateTimeField(_("kept until"), null=True)

    objects = RecordingQuerySet.as_manager()

    class Meta:
        verbose_name = _("recording")
        verbose_name_plural = _("recordings")
        indexes: ClassVar = [
            models.Index(fields=["claimed_until"], name="recording_to_finish", condition=Q(state="uploading")),
            models.Index(fields=["delete_after"], name="recording_to_delete", condition=Q(delete_after__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"R-{self.pk}"

    @property
    def folder(self) -> str:
        """Where its files lie in the storage."""
        return f"recordings/{self.public_id}"

    @property
    def is_playable(self) -> bool:
        """Tell whether there is sound to hear: also while late pieces are added to it."""
        return bool(self.file)


class RecordingPiece(models.Model):
    """Some seconds of a recording, as the browser sent them."""

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    key_id = models.CharField(max_length=12, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["recording", "number"], name="recording_piece_once")]

    def __str__(self) -> str:
        return f"{self.recording_id}/{self.number}"

    @property
    def file(self) -> str:
        """Its name in the storage."""
        return f"{self.recording.folder}/pieces/{self.number:06d}"


class RecordingMark(models.Model):
    """What happened at a second of a recording."""

    class Kind(models.TextChoices):
        """What it was."""

        PAUSE = "pause", _("recording paused")
        RESUME = "resume", _("recording resumed")
        HOLD = "hold", _("on hold")
        UNHOLD = "unhold", _("off hold")
        TRANSFER = "transfer", _("transferred")
        GAP = "gap", _("not recorded")
        NOTE = "note", _("note")

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="marks")
    kind = models.CharField(max_length=8, choices=Kind)
    at_s = models.FloatField()
    text = models.CharField(max_length=200, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering: ClassVar = ["at_s", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["recording", "kind", "at_s"], name="recording_mark_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at_s}"
