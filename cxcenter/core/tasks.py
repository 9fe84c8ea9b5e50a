"""Thin Celery shells of the ground: each is safe to run twice."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from cxcenter.core import events, webhooks
from cxcenter.core.models import KeptAnswer, Tab, WebhookDelivery


@shared_task
def sweep_outbox() -> int:
    """Handle outbox rows whose process died."""
    return events.sweep()


@shared_task
def deliver_webhooks() -> int:
    """Send webhook deliveries that are due."""
    return webhooks.deliver_due()


@shared_task
def sweep_old_rows() -> None:
    """Delete what has served: kept answers after a day, silent tabs, delivery bodies after 30 days."""
    now = timezone.now()
    KeptAnswer.objects.filter(created_at__lt=now - timedelta(days=1)).delete()
    Tab.objects.filter(seen_at__lt=now - timedelta(days=1)).delete()
    WebhookDelivery.objects.filter(created_at__lt=now - timedelta(days=30)).exclude(state="pending").delete()
