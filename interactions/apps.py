"""The app's registration with Django."""

from django.apps import AppConfig
from django.utils.translation import pgettext_lazy


class Interactions(AppConfig):
    """Channels, threads, messages, cases, tasks and knowledge."""

    name = "interactions"
    verbose_name = pgettext_lazy("group of settings", "Interactions")
