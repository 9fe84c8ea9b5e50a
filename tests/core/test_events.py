"""Facts and their dispatch: after the commit, once, again after a crash, with patience for a handler that fails."""

import itertools
import os
import signal
import subprocess
import sys
from dataclasses import FrozenInstanceError
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cxcenter.core import events
from cxcenter.core.models import Event, Outbox
from interactions.actions import talk
from interactions.events import InteractionOpened
from interactions.models import Interaction
from routing.models import WorkItem
from tests import world
from tests.core import probe
from tests.core.probe import Probed
from tests.servers import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def forget():
    probe.seen.clear()
    yield
    probe.also.clear()


def due() -> None:
    """Let the claims of all outbox rows have run out."""
    Outbox.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))


def test_handlers_run_after_the_commit_and_leave_nothing():
    with transaction.atomic():
        events.emit(Probed(number=1), profile_id=7)
        assert probe.seen == [] and Outbox.objects.count() == 1
    assert probe.seen == [1] and Outbox.objects.count() == 0
    event = Event.objects.get()
    assert (event.kind, event.profile_id, event.payload) == ("test.probed", 7, {"number": 1})


def test_only_the_act_waits_for_the_disk_not_the_note_that_its_fact_is_handled():
    with CaptureQueriesContext(connection) as asked, transaction.atomic():
        events.announce(Probed(number=1))
    told = [query["sql"] for query in asked.captured_queries if "synchronous_commit" in query["sql"]]
    assert len(told) == 1 and told[0].startswith("SET LOCAL synchronous_commit TO off; EXECUTE facts_done")
    assert Outbox.objects.count() == 0
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)


def test_what_one_commit_has_told_is_struck_off_at_once_when_all_of_it_was_handled():
    """Also what its handlers tell in commits of their own; but for a fact whose handler fails."""

    def tells_more(number: int) -> None:
        if number == 2:
            with transaction.atomic():
                events.announce(Probed(number=4))
        if number == 3:
            raise ZeroDivisionError

    probe.also.append(tells_more)
    with CaptureQueriesContext(connection) as asked, transaction.atomic():
        for number in (1, 2, 3):
            events.announce(Probed(number=number))
    assert sorted(probe.seen) == [1, 2, 3, 4]
    assert sum("EXECUTE facts_done" in query["sql"] for query in asked.captured_queries) == 1
    assert [row.payload for row in Outbox.objects.all()] == [{"number": 3}]


def test_what_is_rolled_back_never_was():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        events.emit(Probed(number=1), profile_id=None)
        _ = 1 / 0
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            events.announce(Probed(number=2))
            _ = 1 / 0
        events.announce(Probed(number=3))
    assert probe.seen == [3]
    assert not Event.objects.exists() and not Outbox.objects.exists()


def test_the_same_fact_twice_is_kept_once():
    kept = []
    for _ in range(3):
        with transaction.atomic():
            kept.append(events.emit(Probed(number=1), profile_id=None, dedup="a"))
    assert [e is not None for e in kept] == [True, False, False]
    assert probe.seen == [1] and Event.objects.count() == 1


def test_a_fact_needs_a_transaction():
    with pytest.raises(AssertionError):
        events.announce(Probed(number=1))


def test_payloads_are_frozen_and_know_their_fields():
    with pytest.raises(FrozenInstanceError):
        Probed(number=1).number = 2
    with pytest.raises(TypeError):
        Probed(number=1, other=2)
    with pytest.raises(TypeError):
        type("Twin", (events.Payload,), {"topic": "test.probed"})


def test_facts_that_a_handler_causes_are_handled_too():
    def again(number: int) -> None:
        if number < 4:
            with transaction.atomic():
                events.announce(Probed(number=number + 1))

    probe.also.append(again)
    with transaction.atomic():
        events.announce(Probed(number=1))
    assert probe.seen == [1, 2, 3, 4] and not Outbox.objects.exists()


# --- Failures ---


def test_a_handler_that_fails_is_tried_again_with_growing_patience():
    def fail(number: int) -> None:
        raise RuntimeError("not today")

    probe.also.append(fail)
    with transaction.atomic():
        events.announce(Probed(number=1))
    delays = []
    for tries in range(1, 5):
        row = Outbox.objects.get()
        assert row.tries == tries and "not today" in row.error
        delays.append(row.claimed_until - timezone.now())
        assert events.sweep() == 0, "not before its time"
        due()
        assert events.sweep() == 1
    assert all(later > sooner for sooner, later in itertools.pairwise(delays))
    probe.also.clear()
    due()
    assert (events.sweep(), events.sweep()) == (1, 0)
    assert probe.seen == [1] * 6 and not Outbox.objects.exists()


def test_after_many_tries_it_waits_for_a_person():
    probe.also.append(lambda number: 1 / 0)
    with transaction.atomic():
        events.announce(Probed(number=1))
    Outbox.objects.update(tries=events.GIVE_UP_AFTER - 1)
    due()
    events.sweep()
    assert Outbox.objects.get().claimed_until > timezone.now() + timedelta(hours=23)


def test_one_that_fails_does_not_stop_the_others():
    probe.also.append(lambda number: 1 / 0 if number == 1 else None)
    with transaction.atomic():
        for number in (1, 2, 3):
            events.announce(Probed(number=number))
    assert probe.seen == [1, 2, 3]
    assert [row.payload for row in Outbox.objects.all()] == [{"number": 1}]


def test_a_fact_that_nobody_knows_any_more_waits_and_stops_nobody():
    Outbox.objects.create(topic="test.gone", payload={}, claimed_until=timezone.now())
    Outbox.objects.create(topic="test.probed", payload={"number": 5, "new_field": 1}, claimed_until=timezone.now())
    Outbox.objects.create(topic="test.probed", payload={"number": 6}, claimed_until=timezone.now())
    due()
    assert events.sweep() == 3
    assert probe.seen == [6] and set(Outbox.objects.values_list("tries", flat=True)) == {1}


def test_the_line_to_the_database_breaks_in_a_handler():
    """The act is committed; the user is not told of what went wrong behind it, and the sweep does the rest."""

    def cut(number: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    probe.also.append(cut)
    with transaction.atomic():
        events.announce(Probed(number=1))
    connection.close()
    probe.also.clear()
    assert Outbox.objects.count() == 1
    due()
    assert events.sweep() == 1 and not Outbox.objects.exists()


# --- Crashes ---

DIES = """
import os, signal
import django
django.setup()
from django.db import transaction
from cxcenter.core import events
from interactions.actions import talk
from interactions.models import Thread
events._dispatch = lambda *fact: os.kill(os.getpid(), signal.SIGKILL)
talk.open_interaction(thread=Thread.objects.get())
"""


def test_a_process_that_dies_between_commit_and_dispatch():
    """Its fact is handled by the sweep, once, when the claim has run out; another sweeper at once takes nothing."""
    queue = world.make_queue()
    world.make_thread(world.make_site(queue))
    environment = {**os.environ, "DATABASE_URL": database_url()}
    died = subprocess.run([sys.executable, "-c", DIES], cwd=ROOT, env=environment, check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert Interaction.objects.count() == 1 and not WorkItem.objects.exists()
    assert events.sweep() == 0, "its process may still be at work"
    due()
    with transaction.atomic():
        locked = Outbox.objects.select_for_update().get()
        assert locked.topic == "interaction.opened"
        other = subprocess.run(
            [sys.executable, "-c", "import django; django.setup(); from cxcenter.core import events; print(events.sweep())"],
            cwd=ROOT, env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        assert other.stdout.strip() == "0", "what somebody handles is skipped"
    assert (events.sweep(), events.sweep()) == (1, 0)
    assert WorkItem.objects.get().visit == "waiting" and not Outbox.objects.exists()


def database_url() -> str:
    """The address of the test database, for processes of our own."""
    database = settings.DATABASES["default"]
    return f"host={database['HOST']} user={database['USER']} dbname={database['NAME']} port={database['PORT']}"


def test_a_handler_may_run_twice():
    """Routing queues a session once, however often it hears of it."""
    queue = world.make_queue()
    interaction, _new = talk.open_interaction(thread=world.make_thread(world.make_site(queue)))
    for _ in range(3):
        with transaction.atomic():
            events.announce(InteractionOpened(interaction=interaction.pk, kind="webchat"))
    assert WorkItem.objects.count() == 1 and not Outbox.objects.exists()
