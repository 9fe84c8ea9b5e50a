"""Lists: pages that stay true while rows are added, and a fixed number of queries whatever the length."""

import base64
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cxcenter.core.models import WebhookDelivery, WebhookSubscription
from interactions.models import Case, Message
from tests import world
from tests.api.callers import ALL, problem, token


def test_pages_hold_each_row_once_while_rows_are_added(place):
    caller = token("cases:read")
    first = [Case.objects.create(subject=str(n)).pk for n in range(7)] + [place.case.pk]
    seen, following = [], "cases/?page_size=3"
    while following:
        page = caller.get(following).json()
        seen += [row["id"] for row in page["results"]]
        assert len(page["results"]) == 3 or page["next"] is None
        following = page["next"]
        Case.objects.create(subject="came meanwhile")
        Case.objects.filter(pk=seen[0]).update(subject="changed meanwhile")
    assert seen == sorted(first, reverse=True)


def test_pages_of_a_talk_go_forward_and_meet_what_is_added(place):
    caller, path = token("interactions:read"), f"interactions/{place.chat.pk}/messages/?page_size=2"
    page = caller.get(path).json()
    world.say(place.chat, "More")
    rest = caller.rows(page["next"])
    assert [row["seq"] for row in page["results"] + rest] == [1, 2, 3, 4]


def test_pages_by_two_columns_hold_each_row_once(place):
    """Deliveries of one fact are made in one moment: the moment alone is no place to go on from."""
    webhook = WebhookSubscription.objects.create(
        name="x", url="https://1.1.1.1/", created_by=place.people["integrator"]
    )
    made = {
        str(WebhookDelivery.objects.create(subscription=webhook, topic="x", key=str(n), body={}).pk) for n in range(7)
    }
    moment = WebhookDelivery.objects.earliest("created_at").created_at
    WebhookDelivery.objects.update(created_at=moment)
    rows = token("webhooks:read").rows(f"webhooks/{webhook.pk}/deliveries/?page_size=2")
    assert [row["id"] for row in rows] == sorted(made, reverse=True)


def cursor(values):
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize(
    "query",
    [
        "page_size=0",
        "page_size=201",
        "page_size=all",
        "page_size=",
        "page_size=%D9%A3",
        "cursor=",
        "cursor=x",
        "cursor=%00",
        "cursor=%C3%BF",
        f"cursor={cursor([])}",
        f"cursor={cursor(['x'])}",
        f"cursor={cursor([1, 2])}",
        f"cursor={cursor({'id': 1})}",
        f"cursor={cursor([[1]])}",
        f"cursor={cursor([None])}",
    ],
)
def test_a_wrong_page_is_refused(place, query):
    problem(token("cases:read").get(f"cases/?{query}"), 400, "invalid")


def test_an_end_beyond_all_numbers_is_an_empty_page(place):
    assert token("cases:read").rows(f"cases/?cursor={cursor([-(2**80)])}") == []
    assert token("cases:read").ids(f"cases/?cursor={cursor([2**80])}") == {place.case.pk}


@pytest.mark.parametrize(
    "query",
    [
        "statuses=open",
        "status=",
        "status=lost",
        "customer=x",
        "customer=0",
        "customer=1.5",
        "overdue=maybe",
        "search=x",
    ],
)
def test_a_filter_that_means_nothing_is_refused(place, query):
    problem(token("cases:read").get(f"cases/?{query}"), 400, "invalid")


def test_parameters_are_refused_where_there_is_no_list(place):
    problem(token("cases:read").get(f"cases/{place.case.pk}/?status=open"), 400, "invalid")
    problem(token("cases:write").post("cases/?status=open", {"subject": "x"}), 400, "invalid")


# The list, and how many queries it may take: one for the token, one for the page, one for each kind of related rows.
QUERIES = {
    "customers/": 2,
    "profiles/": 2,
    "identities/": 4,
    "threads/": 2,
    "interactions/": 2,
    "interactions/CHAT/messages/": 5,
    "threads/THREAD/messages/": 5,
    "cases/": 3,
    "tasks/": 2,
    "queues/": 3,
    "work-items/": 4,
    "operators/": 2,
    "events/": 2,
}


def test_lists_take_as_many_queries_for_many_rows_as_for_few(place):
    caller = token(*ALL)

    def count(path):
        address = path.replace("CHAT", str(place.chat.pk)).replace("THREAD", str(place.chat.thread_id))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert caller.get(address).status_code == 200
        return len(queries)

    caller.get("customers/")  # The token's "last used" is written once a minute.
    few = {path: count(path) for path in QUERIES}
    grow(place)
    assert {path: count(path) for path in QUERIES} == few == QUERIES


def grow(place):
    """Add rows of every kind, with related rows of their own."""
    for number in range(4):
        chat = world.open_chat(place.ours["site"], "Hello")
        world.reply(chat, place.people["operator"], "Good day")
        case = Case.objects.create(subject="x", owner=place.people["senior"], opened_by=place.people["admin"])
        case.links.create(interaction=chat)
        place.people["operator"].tasks.create(title="x", team=place.queue.team)
        member = world.make_user(f"member{number}", team=world.make_team(f"Team {number}"))
        world.on_duty(member)
        world.make_queue(f"Queue {number}", member.team, (member,))
        world.reply(place.chat, member, "Good day")
    assert Message.objects.count() > 10
