"""Who is here: one row per page, silence counts, our own gaps are nobody's silence."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cxcenter.core import liveness
from cxcenter.core.models import Pulse, Tab
from cxcenter.core.tasks import sweep_old_rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_heard():
    liveness._heard.clear()
    yield
    liveness._heard.clear()


def test_all_that_was_heard_is_one_statement():
    tabs = [uuid.uuid4() for _ in range(50)]
    for n, tab in enumerate(tabs):
        liveness.heard(tab, liveness.operator_key(n % 7))
    with CaptureQueriesContext(connection) as queries:
        assert liveness.flush() == 50
    assert len(queries) == 1
    assert liveness.flush() == 0 and Tab.objects.count() == 50
    seen = liveness.last_seen([liveness.operator_key(n) for n in range(9)])
    assert len(seen) == 7 and max(seen.values()) <= timezone.now()


def test_the_latest_page_counts():
    owner = liveness.visitor_key(3)
    old, new = timezone.now() - timedelta(hours=1), timezone.now()
    Tab.objects.create(owner=owner, seen_at=old)
    Tab.objects.create(owner=owner, seen_at=new)
    assert liveness.last_seen([owner]) == {owner: new}


def test_a_page_belongs_to_who_opened_it():
    tab, mine, his = uuid.uuid4(), liveness.operator_key(1), liveness.operator_key(2)
    liveness.write([(tab, mine)])
    before = Tab.objects.get().seen_at
    liveness.write([(tab, his)])
    row = Tab.objects.get()
    assert (row.owner, row.seen_at) == (mine, before), "nobody keeps another alive"
    liveness.forget(tab, his)
    assert Tab.objects.exists(), "nor says goodbye for him"
    liveness.heard(tab, mine)
    liveness.forget(tab, mine)
    assert not Tab.objects.exists() and liveness.flush() == 0


def test_two_processes_with_the_same_pages_do_not_block_each_other():
    tabs = [uuid.uuid4() for _ in range(200)]
    rows = sorted((tab, "operator:1") for tab in tabs)
    faults = []

    def write() -> None:
        try:
            for _ in range(10):
                liveness.write(rows)
        except Exception as error:
            faults.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert faults == [] and Tab.objects.count() == 200


def test_the_pulse_begins_anew_after_a_gap():
    now = timezone.now()
    assert liveness.beat("routing", now=now) == now
    for seconds in (1, 5, 14):
        assert liveness.beat("routing", now=now + timedelta(seconds=seconds)) == now
    late = now + timedelta(seconds=30)
    assert liveness.steady_since("routing", now=now + timedelta(seconds=24)) == now
    assert liveness.steady_since("routing", now=late) == late, "it does not run now"
    assert liveness.beat("routing", now=late) == late
    assert liveness.steady_since("routing", now=late) == late
    assert liveness.steady_since("never", now=now) == now
    assert liveness.beat("other", now=now) == now
    assert Pulse.objects.count() == 2


def test_silent_pages_go_after_a_day():
    Tab.objects.create(owner="a", seen_at=timezone.now() - timedelta(hours=25))
    Tab.objects.create(owner="b", seen_at=timezone.now() - timedelta(hours=23))
    sweep_old_rows()
    assert Tab.objects.get().owner == "b"
