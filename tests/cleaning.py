"""Empties the tables after a test that commits: only those that hold rows, and without locking them out.

Django truncates every table and makes permissions and content types again, which takes most of a second; and
a truncation waits for, or deadlocks with, the processes that a live test still runs.
"""

from django.db import connections
from django.test import TransactionTestCase

KEPT = ("django_migrations", "django_content_type", "auth_permission")
# Foreign keys are checked at the commit, so that the order of tables does not matter; where we may, not at all.
EMPTY = """
DO $$
DECLARE
    name text;
    filled boolean;
BEGIN
    IF current_setting('is_superuser') = 'on' THEN
        PERFORM set_config('session_replication_role', 'replica', true);
    END IF;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL (%s) LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %%I)', name) INTO filled;
        IF filled THEN
            EXECUTE format('DELETE FROM %%I', name);
        END IF;
    END LOOP;
END $$
"""


def empty_tables(*_: object, **__: object) -> None:
    """Delete all rows that tests made."""
    for connection in connections.all():
        with connection.cursor() as cursor:
            cursor.execute(EMPTY, [list(KEPT)])


def install() -> None:
    """Let all tests that commit be cleaned up so."""
    TransactionTestCase._fixture_teardown = empty_tables
