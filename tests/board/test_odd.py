"""What no garbage in an address or a form of the board breaks."""

import pytest

from tests.board.day import Day

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "9" * 5000


def test_odd_words_of_an_address_break_no_page(client):
    client.force_login(Day(visits=10).supervisor)
    for address in (
        f"/board/?team={LONG}",
        f"/board/skills/?team={LONG}",
        f"/board/rules/?team={LONG}",
        f"/board/contacts/?team={LONG}&operator={'9' * 30}&slot=1.5",
        "/board/contacts/?day=9999-12-31",
        "/board/contacts/?day=0001-01-01",
    ):
        assert client.get(address).status_code == 200, address[:40]


def test_the_key_of_a_page_that_is_none_of_ours_is_refused(client):
    client.force_login(Day(visits=10).supervisor)
    for key in ("x", "2026-13-45T00:00Z_1", "0001-01-01T00:00:00+14:00_1", "2026-01-01T00:00:00Z_" + "9" * 25):
        for page in ("contacts", "callbacks"):
            answer = client.get(f"/board/{page}/", {"after": key})
            assert (answer.status_code, "Load the list again" in answer.content.decode()) == (400, True), key
