"""The root's own registration: it owns the management commands."""

from django.apps import AppConfig


class Root(AppConfig):
    """The root that wires all apps."""

    name = "cxcenter"
    label = "cxcenter"
