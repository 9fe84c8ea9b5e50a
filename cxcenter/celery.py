"""The Celery application. Queues: `now` (timers, sweeps, dispatch), `bulk` (long work), `asr` (speech, where there is a model)."""

import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cxcenter.settings")

app = Celery("cxcenter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_init.connect
def check_speech(options: dict[str, Any], **_: object) -> None:
    """Stop a worker that is to recognise speech and cannot: its words say why."""
    from interactions import speech

    if "asr" in str(options.get("queues", "")):
        speech.check()
