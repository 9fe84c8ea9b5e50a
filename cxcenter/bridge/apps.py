"""The app's registration with Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Bridge(AppConfig):
    """Telephony platforms by HTTP."""

    name = "cxcenter.bridge"
    verbose_name = _("Telephony platforms")

    def ready(self) -> None:
        """Register handlers of facts."""
        from cxcenter.bridge import handlers  # noqa: F401
