"""Versions of the rules that supervisors set."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class RuleVersion(models.Model):
    """The rules as they were from a moment on: who changed what, why, and all of them. Never changed.

    `changes` are rows of rules.document.Change, `state` is a whole document of the rules.
    """

    number = models.PositiveIntegerField(_("version"), unique=True)
    made_at = models.DateTimeField(_("when"), default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by whom"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    why = models.CharField(_("why"), max_length=300, blank=True)
    # What was found changed past the screen of the rules: in the administration, by an act, by a script.
    outside = models.BooleanField(_("changed elsewhere"), default=False)
    changes = models.JSONField(_("changes"), default=list)
    state = models.JSONField(_("rules"), default=dict)

    class Meta:
        verbose_name = _("version of the rules")
        verbose_name_plural = _("versions of the rules")
        ordering: ClassVar = ["-number"]

    def __str__(self) -> str:
        return f"{self.number}"
