"""The app's registration with Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Core(AppConfig):
    """The ground that every app stands on."""

    name = "cxcenter.core"
    verbose_name = _("Journal")

    def ready(self) -> None:
        """Let webhooks see every fact, and erasures reach the rows of the ground."""
        from cxcenter.core import personal, webhooks  # noqa: F401
