"""The Celery application. Two queues: `now` (timers, sweeps, dispatch) and `bulk` (long work)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cxcenter.settings")

app = Celery("cxcenter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
