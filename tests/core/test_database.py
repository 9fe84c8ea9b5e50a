"""The look at a kept connection."""

import time

import psycopg2
import pytest
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from cxcenter.core.models import Outbox

pytestmark = pytest.mark.django_db(transaction=True)


def cut(pid: int) -> None:
    """End another connection from the server's side, as a restart of the server does."""
    database = settings.DATABASES["default"]
    other = psycopg2.connect(
        dbname=database["NAME"], user=database["USER"], password=database["PASSWORD"], host=database["HOST"],
        port=database["PORT"] or None,
    )  # fmt: skip
    # In a transaction the server would answer again and again what it saw at first.
    other.autocommit = True
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        while cursor.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]) or cursor.rowcount:
            time.sleep(0.01)
    other.close()


def test_a_line_that_stands_is_not_asked():
    connection.ensure_connection()
    with CaptureQueriesContext(connection) as asked:
        assert connection.is_usable()
    assert not asked.captured_queries


def test_a_line_that_was_cut_is_found_and_made_anew():
    connection.ensure_connection()
    cut(connection.connection.info.backend_pid)
    assert not connection.is_usable()
    # What the start of a request does: the check is due again, and the first query makes it.
    connection.health_check_done = False
    assert Outbox.objects.filter(created_at__gt=Now()).count() == 0


def test_a_word_of_the_server_does_not_look_like_its_end():
    with connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE NOTICE 'by the way'; END $$")
    assert connection.is_usable()
