"""Pushes: after the commit, one round trip, and never the user's trouble."""

import time

import pytest
from django.conf import settings
from django.db import transaction

from cxcenter.core import realtime
from tests import ears
from tests.servers import Databases

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own_valkey(settings, monkeypatch):
    """A Valkey of the test's own, to be killed; the kept connection of this thread goes with it."""
    databases = Databases()
    databases.valkey.start()
    settings.REDIS_URL = databases.valkey.url(0)
    _forget_connection()
    yield databases
    databases.stop()
    _forget_connection()


def _forget_connection() -> None:
    realtime._state.__dict__.clear()
    realtime._rest_until = 0.0


def test_pushes_go_out_after_the_commit_in_order():
    with ears.listening() as listener:
        with transaction.atomic():
            realtime.push(("a", {"kind": "x", "n": 1}), ("b", {"kind": "x", "n": 2}))
            realtime.signal(5, "sessions", 9)
            assert listener.heard() == []
        assert [(g, m.get("n")) for g, m in listener.heard()] == [("a", 1), ("b", 2), ("user.5", None)]
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            realtime.push(("a", {"kind": "x"}))
            _ = 1 / 0
        assert listener.heard() == []


def test_a_dead_valkey_costs_a_moment_is_counted_and_comes_back(own_valkey):
    assert realtime.publish(("a", {"kind": "x"}))
    own_valkey.valkey.stop()
    before = realtime.FAILED._value.get()
    for _ in range(20):
        begin = time.monotonic()
        with transaction.atomic():
            realtime.push(("a", {"kind": "x"}), ("b", {"kind": "x"}))
        assert time.monotonic() - begin < 0.15
    assert realtime.FAILED._value.get() - before == 40
    own_valkey.valkey.start()
    deadline = time.monotonic() + 5
    while not realtime.publish(("a", {"kind": "x"})):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_after_a_restart_of_valkey_not_even_the_first_push_is_lost(own_valkey):
    assert realtime.publish(("a", {"kind": "x"}))
    own_valkey.valkey.stop()
    own_valkey.valkey.start()
    assert realtime.publish(("a", {"kind": "x"}), ("b", {"kind": "x"}))


def test_a_valkey_that_hangs_costs_a_moment_too(own_valkey):
    import signal

    assert realtime.publish(("a", {"kind": "x"}))
    own_valkey.valkey.process.send(signal.SIGSTOP)
    try:
        costs = []
        for _ in range(10):
            begin = time.monotonic()
            assert realtime.publish(("a", {"kind": "x"})) is False
            costs.append(time.monotonic() - begin)
        assert max(costs) < 0.35, costs
        assert sorted(costs)[5] < 0.01, "while it rests nothing is tried"
    finally:
        own_valkey.valkey.process.send(signal.SIGCONT)


def test_groups_of_staff_and_customers_differ():
    assert realtime.staff_group(7) != realtime.customer_group(7)
    assert len({realtime.user_group(7), realtime.team_group(7), realtime.queues_group(7)}) == 3
    assert settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] == "cx"
