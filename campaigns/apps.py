"""The app's registration with Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Campaigns(AppConfig):
    """Funnels, campaigns and scenarios."""

    name = "campaigns"
    verbose_name = _("Campaigns")
