"""CX Center: the root that knows every app and wires them together."""

from cxcenter.celery import app as celery_app

__all__ = ["celery_app"]
