"""A database that is away for a moment: pages are told so, and that it will pass."""

import pytest
from django.db import connection
from django.test import Client

from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broken():
    """The database refuses to read sessions in time, as one that is overloaded or just restarting."""
    client = Client(raise_request_exception=False)
    client.force_login(world.make_user("alice"))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_user RENAME TO hidden; CREATE VIEW accounts_user AS SELECT * FROM hidden")
        cursor.execute(
            "CREATE OR REPLACE FUNCTION away() RETURNS boolean LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE SQLSTATE '57P03' USING MESSAGE = 'starting up'; END $$"
        )
        cursor.execute("CREATE OR REPLACE VIEW accounts_user AS SELECT * FROM hidden WHERE away()")
        yield client
        cursor.execute("DROP VIEW accounts_user; ALTER TABLE hidden RENAME TO accounts_user; DROP FUNCTION away()")


def test_a_page_and_a_call_are_told_in_their_own_way(broken):
    page = broken.get("/desk/", headers={"Accept": "text/html"})
    assert page.status_code == 503 and page["Retry-After"] == "2"
    assert b"<h1>" in page.content
    call = broken.post("/desk/s/1/messages/", {"text": "x"})
    assert call.status_code == 503 and call.json()["code"] == "away"


def test_other_mistakes_are_not_hidden(broken):
    with connection.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE VIEW accounts_user AS SELECT * FROM hidden WHERE 1 / 0 = 1")
    answer = broken.get("/desk/")
    assert answer.status_code == 500 and answer.json()["code"] == "failed"
    assert broken.get("/desk/", headers={"Accept": "text/html"}).status_code == 500
