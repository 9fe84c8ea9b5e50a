"""Notes: what colleagues tell each other of a customer."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models.sources import Profile
from customers.querysets import NoteQuerySet


class Note(models.Model):
    """A remark on a customer's timeline, for staff alone. Only its author changes it or takes it back."""

    profile = models.ForeignKey(Profile, verbose_name=_("profile"), on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("author"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    text = models.TextField(_("text"))
    at = models.DateTimeField(_("when"), default=timezone.now)
    edited_at = models.DateTimeField(_("changed"), null=True)
    withdrawn_at = models.DateTimeField(_("taken back"), null=True)

    objects = NoteQuerySet.as_manager()

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")

    def __str__(self) -> str:
        return f"N-{self.pk}"
