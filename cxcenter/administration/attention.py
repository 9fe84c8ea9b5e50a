"""What an administrator should look at first: shown on top of the first page."""

from datetime import timedelta
from typing import Any, NamedTuple

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.accounts.models import ApiToken
from cxcenter.core.models import Outbox, WebhookDelivery
from interactions.models import Channel, Topic
from routing.models import Entrance, Queue

SOON = timedelta(days=14)


class Note(NamedTuple):
    """One thing that is not in order, and the page where it is put right."""

    text: str
    link: str


def on_first_page(_request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what is not in order to the first page."""
    return {**context, "attention": [*_queues(), *_entrances(), *_integration()]}


def _queues() -> list[Note]:
    serves = Count("memberships", filter=Q(memberships__user__is_active=True))
    empty = Queue.objects.filter(active=True).annotate(servers=serves).filter(servers=0)
    link = "admin:routing_queue_change"
    return [Note(_("Nobody serves the queue %(name)s.") % {"name": q.name}, reverse(link, args=[q.pk])) for q in empty]


def _entrances() -> list[Note]:
    """Name channels of which some sessions would find no queue."""
    complete = Entrance.objects.filter(topic=None).values("channel")
    led = Entrance.objects.values("channel", "topic")
    link = reverse("admin:routing_entrance_changelist")
    notes = []
    for channel in Channel.objects.filter(active=True).exclude(pk__in=complete):
        lost = Topic.objects.filter(parent=None).exclude(pk__in=led.filter(channel=channel).values("topic")).exists()
        if lost or not led.filter(channel=channel).exists():
            text = _("The channel %(name)s has no entrance for all other topics.") % {"name": channel.name}
            notes.append(Note(text, link))
    return notes


def _integration() -> list[Note]:
    now = timezone.now()
    failed = WebhookDelivery.objects.filter(state="failed", created_at__gt=now - SOON).count()
    stuck = Outbox.objects.filter(tries__gte=5).count()
    ending = ApiToken.objects.filter(revoked_at=None, expires_at__range=(now, now + SOON)).count()
    found = (
        (failed, _("Webhook deliveries that failed in two weeks: %(count)s."), "core_webhookdelivery"),
        (stuck, _("Facts that could not be handled: %(count)s."), "core_outbox"),
        (ending, _("API tokens that expire within two weeks: %(count)s."), "accounts_apitoken"),
    )
    return [Note(text % {"count": count}, reverse(f"admin:{page}_changelist")) for count, text, page in found if count]
