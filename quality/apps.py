"""The app's registration with Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Quality(AppConfig):
    """Surveys, evaluations and metrics."""

    name = "quality"
    verbose_name = _("Quality")

    def ready(self) -> None:
        """Register what is kept of a person's answers, and the reactions to facts."""
        from quality import handlers, personal  # noqa: F401
