"""One computation serves all who look: neither its statements nor its pushes grow with their number."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cxcenter.accounts.models import User
from cxcenter.board.publisher import TELLER, Publisher
from tests.board.day import Day
from tests.board.test_socket import hear, open_board
from tests.servers import Stack, session_stack

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.live]


@pytest.fixture(scope="module")
def stack(django_db_setup) -> Iterator[Stack]:
    with session_stack() as running:
        yield running


def told(stack: Stack, user: User, viewers: int) -> tuple[int, int, set[str]]:
    """Open so many boards and let the publisher run; return its statements, its pushes, and what the boards heard."""
    with ExitStack() as sockets:
        boards = [sockets.enter_context(open_board(stack, user)) for _ in range(viewers)]
        for board in boards:
            # The answer comes after the subscription was settled.
            board.send(json.dumps({"kind": "beat"}))
            assert hear(board, "beat")
        cache.delete(TELLER)
        with CaptureQueriesContext(connection) as caught:
            pushes = Publisher().run()
        heard = [board.recv(timeout=5) for board in boards]
    assert len(heard) == viewers and json.loads(heard[0])["operators"]
    return len(caught), pushes, set(heard)


def test_ten_viewers_cost_no_statement_and_no_push_more_than_one(stack):
    day = Day(queues=2, operators=3, visits=20)
    one = told(stack, day.supervisor, 1)
    ten = told(stack, day.supervisor, 10)
    assert ten[:2] == one[:2]
    # Written once: all have the very same text.
    assert len(ten[2]) == 1


def test_a_page_that_opens_computes_nothing_while_numbers_are_fresh():
    day = Day(queues=2, operators=3, visits=20)
    cache.clear()
    Publisher().run()
    browsers = [Client() for _ in range(3)]
    costs = []
    for browser in browsers:
        browser.force_login(day.supervisor)
        with CaptureQueriesContext(connection) as caught:
            assert browser.get("/board/numbers/").json()["teams"][0]["queues"]
        costs.append(len(caught))
        # Nothing of it is counted again: no visit and no leg is asked for.
        assert not [one for one in caught if "routing_workitem" in one["sql"] or "routing_assignment" in one["sql"]]
        assert {one["sql"].split()[1] for one in caught if "EXECUTE" in one["sql"]} == {"session", "signed_in"}
    assert len(set(costs)) == 1
