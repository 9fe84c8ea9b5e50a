"""Imports of customers: saved meanings of columns, and runs with how far each has come."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ImportTemplate(models.Model):
    """What the columns of a source's files mean (`customers.imports.mapping.Meaning`), kept under a name."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    meaning = models.JSONField(_("columns"), default=dict)
    changed_at = models.DateTimeField(_("last changed"), default=timezone.now)

    class Meta:
        verbose_name = _("template of imports")
        verbose_name_plural = _("templates of imports")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class ImportRun(models.Model):
    """One file on its way in. `position` is the last line whose row is kept: it is written with the rows themselves."""

    class State(models.TextChoices):
        """Where the run stands."""

        PREPARED = "prepared", _("being prepared")
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped")
        FAILED = "failed", _("broken off")

    source = models.CharField(_("source"), max_length=40)
    name = models.CharField(_("file"), max_length=200)
    # Of an uploaded file relative to MEDIA_ROOT: the worker reads it. Else the command line's own.
    path = models.CharField(max_length=1000)
    uploaded = models.BooleanField(default=False)
    digest = models.CharField(max_length=64)
    meaning = models.JSONField(_("columns"), default=dict)
    # Compared with what is kept, written nowhere.
    trial = models.BooleanField(_("trial"), default=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PREPARED)
    position = models.BigIntegerField(_("read up to line"), default=0)
    share = models.FloatField(_("share that was read"), default=0.0)
    # outcome → how many rows (`customers.imports.OUTCOMES`).
    counts = models.JSONField(_("rows"), default=dict)
    rejects = models.CharField(_("file of rejected rows"), max_length=1000, blank=True)
    # How long that file is with the rejects up to the position, in bytes.
    rejects_size = models.BigIntegerField(default=0)
    error = models.TextField(_("error"), blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by whom"), null=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True)
    # When a batch was kept last, and the end.
    moved_at = models.DateTimeField(_("last step"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("import of customers")
        verbose_name_plural = _("imports of customers")

    def __str__(self) -> str:
        return f"{self.source}: {self.name}"
