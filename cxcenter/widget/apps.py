"""The app's registration with Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Widget(AppConfig):
    """The visitor's frame and its protocol."""

    name = "cxcenter.widget"
    verbose_name = _("Chat widget")
