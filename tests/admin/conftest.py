"""One planted demo for all tests of this folder: every list has rows."""

import io

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from customers.models import MatchingRules
from cxcenter.accounts.models import User


@pytest.fixture(scope="package", autouse=True)
def planted(django_db_setup, django_db_blocker):
    """Plant the demo once; the tests run inside that transaction."""
    with django_db_blocker.unblock(), transaction.atomic():
        if not MatchingRules.objects.exists():
            # A test before this folder has emptied all tables, that of the one row of rules as well.
            MatchingRules(pk=1).save()
        call_command("seed_demo", stdout=io.StringIO())
        # Foreign keys are checked here once, and not again at the end of every test: it undoes its own check.
        connection.check_constraints()
        yield
        transaction.set_rollback(True)


@pytest.fixture
def boss() -> User:
    return User.objects.get(username="admin")


@pytest.fixture
def page(boss) -> Client:
    client = Client()
    client.force_login(boss)
    return client
