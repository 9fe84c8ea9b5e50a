"""The app's registration with Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Desk(AppConfig):
    """The operator's workspace."""

    name = "cxcenter.desk"
    verbose_name = _("Desk")

    def ready(self) -> None:
        """Register handlers of facts."""
        from cxcenter.desk import handlers  # noqa: F401
