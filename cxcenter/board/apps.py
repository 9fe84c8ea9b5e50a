"""The app's registration with Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Board(AppConfig):
    """The supervisor's live picture."""

    name = "cxcenter.board"
    verbose_name = _("Live board")
