"""What Prometheus is told: whose numbers they are, and how the installation stands."""

import os
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from cxcenter.core.models import Outbox
from tests import world


def scraped():
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {(s.name, s.labels.get("queue")): s for family in families for s in family.samples}


@pytest.mark.django_db
def test_numbers_of_a_process_bear_its_name():
    told = scraped()
    for name in ("cx_pushes_failed_total", "process_resident_memory_bytes"):
        assert told[name, None].labels["process"].endswith(f":{os.getpid()}")


@pytest.mark.django_db(transaction=True)
def test_what_waits_is_counted_for_the_whole_installation():
    assert scraped()["cx_outbox_entries", None].value == 0
    queue = world.make_queue()
    site = world.make_site(queue)
    for _ in range(2):
        world.open_chat(site)
    Outbox.objects.all().delete()
    moment = timezone.now() - timedelta(minutes=5)
    Outbox.objects.create(topic="t", created_at=moment, claimed_until=moment)
    told = scraped()
    assert told["cx_waiting_contacts", queue.name].value == 2
    assert told["cx_outbox_entries", None].value == 1
    assert 290 < told["cx_outbox_oldest_seconds", None].value < 400
    assert "process" not in told["cx_outbox_entries", None].labels


@pytest.mark.django_db
def test_without_the_database_a_process_still_tells_of_itself():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_outbox RENAME TO core_gone")
    answer = Client().get("/metrics")
    assert b"process_resident_memory_bytes" in answer.content and b"cx_outbox" not in answer.content
