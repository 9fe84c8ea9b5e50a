"""The app's registration with Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Accounts(AppConfig):
    """Users, teams, roles and API tokens."""

    name = "cxcenter.accounts"
    verbose_name = _("People and access")

    def ready(self) -> None:
        """Register the checks of `manage.py check --deploy`."""
        from cxcenter.accounts import checks  # noqa: F401
