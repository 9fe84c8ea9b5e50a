"""The words of recorded calls: how far each recording was recognised, and its lines."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from interactions.models.recordings import Recording
from interactions.querysets import SpokenQuerySet, TranscriptQuerySet
from interactions.search import Words


class Transcript(models.Model):
    """How far a recording was recognised. There is one for each that can be heard, whether or not a model is set."""

    class State(models.TextChoices):
        """Where it stands."""

        WAITING = "waiting", _("waits, or is being recognised")
        READY = "ready", _("ready")
        FAILED = "failed", _("could not be recognised")

    recording = models.OneToOneField(Recording, on_delete=models.CASCADE, related_name="transcript", primary_key=True)
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    # What it is made of: late pieces make another file, which is recognised anew.
    sha256 = models.CharField(max_length=64)
    # So far its lines are there; what comes after a kill goes on from here.
    done_s = models.FloatField(default=0)
    # Of a side, as it was told at its first words: {"customer": "ru"}.
    languages = models.JSONField(default=dict)
    # Since the last stretch that was stored.
    tries = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(default=timezone.now)
    error = models.CharField(max_length=200, blank=True)

    objects = TranscriptQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-recording"], name="transcript_to_make", condition=Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return f"T-{self.pk}"


class SpokenLine(models.Model):
    """What one side says in one breath."""

    class Side(models.TextChoices):
        """Who speaks; both where a telephone exchange has put them into one channel."""

        CUSTOMER = "customer", _("Customer")
        OPERATOR = "operator", _("Operator")
        BOTH = "both", _("Both sides")

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="lines")
    side = models.CharField(max_length=8, choices=Side)
    start_s = models.FloatField()
    end_s = models.FloatField()
    text = models.TextField()
    # Beginning and end of each word of the text, in hundredths of a second after the beginning of the line.
    times: "ArrayField[list[int], list[int]]" = ArrayField(models.IntegerField())

    objects = SpokenQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["recording", "start_s"], name="spoken_line_in_order"),
            # Its pending list is read by every search: kept as short as that of messages.
            GinIndex(Words("text"), name="spoken_words", gin_pending_list_limit=512),
        ]

    def __str__(self) -> str:
        return f"{self.side} at {self.start_s}"
