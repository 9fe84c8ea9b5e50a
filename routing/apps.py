"""The app's registration with Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Routing(AppConfig):
    """Queues, work items, presence."""

    name = "routing"
    verbose_name = _("Routing")

    def ready(self) -> None:
        """Register handlers of facts, reasons of access, and what is kept of visits."""
        from routing import handlers, personal, querysets  # noqa: F401
