"""The app's registration with Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Customers(AppConfig):
    """The golden record."""

    name = "customers"
    verbose_name = _("Customers")

    def ready(self) -> None:
        """Register handlers of facts, and what the golden record knows of a person."""
        from customers import handlers, personal  # noqa: F401
