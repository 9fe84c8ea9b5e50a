"""The app's registration with Django."""

from django.apps import AppConfig
from django.utils.translation import pgettext_lazy


class Interactions(AppConfig):
    """Channels, threads, messages, cases, tasks and knowledge."""

    name = "interactions"
    verbose_name = pgettext_lazy("group of settings", "Interactions")

    def ready(self) -> None:
        """Register what is kept of talks with a person."""
        from interactions import personal, recorded  # noqa: F401
