"""Numbers for Prometheus: those of the process that answers, under its name, and those of the whole installation."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress

from django.db import DatabaseError
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from cxcenter.core.models import Outbox
from routing.choices import Visit
from routing.models import WorkItem


def numbers(_request: HttpRequest) -> HttpResponse:
    """Answer with the metrics. Without the database those of the process alone."""
    registry = CollectorRegistry()
    registry.register(_OwnNumbers())
    with suppress(DatabaseError):
        registry.register(_Kept([_waiting(), *_outbox()]))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _OwnNumbers(Collector):
    """What this process counts. Several share one port, so a scrape meets now one, now another."""

    def collect(self) -> Iterator[Metric]:
        own = {"process": f"{socket.gethostname()}:{os.getpid()}"}
        for counted in REGISTRY.collect():
            named = Metric(counted.name, counted.documentation, counted.type, counted.unit)
            for sample in counted.samples:
                named.add_sample(sample.name, {**sample.labels, **own}, sample.value)
            yield named


class _Kept(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self.metrics = metrics

    def collect(self) -> list[Metric]:
        return self.metrics


def _outbox() -> list[Metric]:
    found = Outbox.objects.aggregate(entries=Count("pk"), oldest=Min("created_at"))
    age = (timezone.now() - found["oldest"]).total_seconds() if found["oldest"] else 0.0
    return [
        GaugeMetricFamily("cx_outbox_entries", "What still has to be handled", found["entries"]),
        GaugeMetricFamily("cx_outbox_oldest_seconds", "How long the oldest of it has stood there", age),
    ]


def _waiting() -> Metric:
    metric = GaugeMetricFamily("cx_waiting_contacts", "Contacts that wait, by queue", labels=["queue"])
    waiting = WorkItem.objects.filter(visit=Visit.WAITING).values_list("queue__name").annotate(Count("pk"))
    for queue, count in waiting.order_by("queue__name"):
        metric.add_metric([queue], count)
    return metric
