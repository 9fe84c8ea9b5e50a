"""Nothing is lost, doubled or out of order in an open page, and a note stays in the house.

Three visitors, their operator with two browsers, and a colleague who writes notes. Lines break at random; a web
process, Valkey and PostgreSQL are killed and come back. At the end each page's copy equals the database.
"""

import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.live.pages import Desk, Page, Visitor, drop_at_random
from tests.live.rows import Rows, together
from tests.servers import Databases, Stack

pytestmark = pytest.mark.live
VISITORS = 3
RUN_S = 14.0
SECRET = "qu1et-n0te"

SET_UP = """
from tests import world
from interactions.models import Site
from routing.models import Queue
team = world.make_team()
alice, bob = world.make_user("alice", team=team), world.make_user("bob", team=team)
queue = world.make_queue(members=(alice, bob), team=team, auto_accept=True)
world.on_duty(alice, capacity=9)
print(world.make_site(queue, rate_per_min=10000).key)
"""
# One answer to all questions of the comparison.
MESSAGES = """
    SELECT id, thread_id, seq, staff_changed, customer_changed, author, audience, code, client_key::text AS key,
        CASE WHEN withdrawn_at IS NULL THEN text ELSE '' END AS text, withdrawn_at IS NOT NULL AS withdrawn
    FROM interactions_message WHERE thread_id = %s ORDER BY seq
"""
EVERYTHING = """
    SELECT (SELECT count(*) FROM interactions_message), (SELECT count(*) FROM interactions_interaction),
        (SELECT count(*) FROM routing_workitem), (SELECT count(*) FROM routing_assignment),
        (SELECT count(*) FROM customers_profile), (SELECT count(*) FROM customers_sourcerecord),
        (SELECT count(*) FROM core_event), (SELECT count(*) FROM quality_survey),
        (SELECT array_agg((id, last_seq, staff_changes, customer_changes)::text ORDER BY id) FROM interactions_thread)
"""


@pytest.fixture(scope="module")
def stack():
    databases = Databases().start()
    try:
        with Stack(databases) as running:
            running.manage("migrate", "--verbosity", "0")
            yield running
    finally:
        databases.stop()


def talk_on(say: Callable[[int], None], seed: int, until: float) -> None:
    """Say something now and then, one after the other."""
    chance = random.Random(seed)
    number = 1
    while time.monotonic() < until:
        say(number)
        number += 1
        time.sleep(chance.uniform(0.1, 0.5))


def kill_and_restart(stack: Stack) -> None:
    """Each once, one after the other."""
    for name in ("web1", "valkey", "postgres"):
        time.sleep(RUN_S / 6)
        stack.kill(name)
        time.sleep(0.5)
        stack.restart(name)


def test_open_pages_through_faults(stack):
    site = stack.run(SET_UP).split()[-1]
    stack.start_web(2)
    stack.start_worker("now")
    stack.start_beat()
    rows, over = Rows(stack.database_url), threading.Event()
    visitors = [Visitor(stack.url, over, site, f"visitor{n}") for n in range(VISITORS)]
    sessions = {row["thread_id"]: row["id"] for row in rows.ask("SELECT id, thread_id FROM interactions_interaction")}
    threads = sorted(sessions)
    desks = [Desk(stack.url, over, name, sessions) for name in ("alice", "alice", "bob")]
    desks[0].owner = True
    alice, bob = desks[0], desks[2]
    pages: list[Page] = [*visitors, *desks]
    for page in pages:
        page.start()

    def reply(thread: int, number: int) -> None:
        sent = alice.write(thread, f"operator {number}")
        if number % 6 == 0:
            alice.withdraw(sent["id"])

    until = time.monotonic() + RUN_S
    acts = [lambda v=v, n=n: talk_on(lambda i: v.write(f"{v.person} {i}"), n, until) for n, v in enumerate(visitors)]
    acts += [lambda t=t: talk_on(lambda i: reply(t, i), t, until) for t in threads]
    acts += [lambda: talk_on(lambda i: bob.write(threads[i % 3], f"{SECRET} {i}", note=True), 99, until)]
    dropper = threading.Thread(target=drop_at_random, args=(pages, over, 5))
    dropper.start()
    together([*acts, lambda: kill_and_restart(stack)])

    _settle(pages, over, dropper)
    _resend(visitors, desks, rows)
    for page in pages:
        page.check()
    faults = [fault for page in pages for fault in page.faults]
    assert faults == []
    for thread in threads:
        stored = rows.ask(MESSAGES, thread)
        _compare_thread(
            stored, rows.ask("SELECT * FROM interactions_thread WHERE id = %s", thread)[0], thread, desks, visitors
        )
    _nothing_of_notes(visitors)
    assert rows.ask("SELECT count(*) FROM routing_assignment WHERE leg = 'active'")[0]["count"] == VISITORS
    drops, gaps, checks, pushed = (sum(getattr(p, n) for p in pages) for n in ("drops", "gaps", "checks", "pushed"))
    print(f"\n{drops} lines broken, {gaps} gaps, {checks} checks, {pushed} changes by push")
    # Lines did break, and for all that changes came by push.
    assert drops > 5
    assert pushed > 100


def _settle(pages: list[Page], over: threading.Event, dropper: threading.Thread) -> None:
    """End the breaking of lines, let each page ask once more in peace, and end its thread."""
    time.sleep(1)
    over.set()
    dropper.join(10)
    for page in pages:
        page.join(10)
        assert not page.is_alive()
    for page in pages:
        before = page.checks
        while page.checks == before:
            page.check()


def _resend(visitors: list[Visitor], desks: list[Desk], rows: Rows) -> None:
    """Send every write four times more, all shuffled: nothing changes."""
    before = rows.ask(EVERYTHING)
    again = [(page, request) for page in (*visitors, *desks) for request in page.requests] * 4
    random.Random(8).shuffle(again)

    def send(part: list[tuple[Any, tuple[str, dict[str, Any]]]]) -> None:
        for page, (path, data) in part:
            if isinstance(page, Visitor):
                page.insist("POST", f"/widget/api/{path}", json=data)
            else:
                page.post(path, **data)

    together([lambda n=n: send(again[n::6]) for n in range(6)])
    assert rows.ask(EVERYTHING) == before


def _compare_thread(
    stored: list[dict[str, Any]], thread: dict[str, Any], ident: int, desks: list[Desk], visitors: list[Visitor]
) -> None:
    assert [row["seq"] for row in stored] == list(range(1, thread["last_seq"] + 1)), "places without a gap"
    keys = [row["key"] for row in stored if row["key"]]
    assert len(keys) == len(set(keys))
    for author in ("customer", "staff"):
        for audience in ("all", "staff"):
            said = [row for row in stored if (row["author"], row["audience"]) == (author, audience) and row["text"]]
            numbers = [int(row["text"].rpartition(" ")[2]) for row in said]
            assert numbers == sorted(numbers), "in the order in which it was written"
    for desk in desks:
        assert desk.known[ident] == thread["staff_changes"]
        copy = desk.messages[ident]
        assert {pk: (c.seq, c.changed, c.withdrawn) for pk, c in copy.items()} == {
            row["id"]: (row["seq"], row["staff_changed"], row["withdrawn"]) for row in stored
        }
        for row in stored:
            assert row["author"] == "system" or copy[row["id"]].text == row["text"]
        marks = desk.marks[ident]
        for mark in ("customer_got", "customer_read", "staff_read"):
            assert marks[mark] == thread[f"{mark}_seq"]
    (visitor,) = [v for v in visitors if any(row["text"].startswith(f"{v.person} ") for row in stored)]
    assert visitor.known == thread["customer_changes"]
    assert {pk: (c.seq, c.changed, c.text, c.withdrawn) for pk, c in visitor.messages.items()} == {
        row["id"]: (row["seq"], row["customer_changed"], row["text"] or row["code"], row["withdrawn"])
        for row in stored
        if row["customer_changed"]
    }
    assert visitor.marks["staff_read"] == thread["staff_read_seq"]
    assert [row["seq"] for row in stored if row["audience"] == "staff" and row["customer_changed"]] == []


def _nothing_of_notes(visitors: list[Visitor]) -> None:
    for visitor in visitors:
        assert visitor.came
        for text in visitor.came:
            assert SECRET not in text and '"audience"' not in text and "bob" not in text.lower()
            json.loads(text)


def test_first_sends_in_any_order_have_one_effect_each(stack):
    """Nothing came before: five copies of the opening at once, then of everything that both sides write, all mixed."""
    rows, chance = Rows(stack.database_url), random.Random(6)
    site = rows.ask("SELECT key FROM interactions_site")[0]["key"]
    visitor = Visitor(stack.url, threading.Event(), site, "early", begin=False)
    opening = {"text": "early 0", "key": str(uuid.uuid4()), "name": "early"}
    sessions = rows.ask("SELECT count(*) FROM interactions_interaction")[0]["count"]
    together([lambda: visitor.post("start", opening)] * 5)
    assert rows.ask("SELECT count(*) FROM interactions_interaction")[0]["count"] == sessions + 1
    session = rows.ask("SELECT id, thread_id FROM interactions_interaction ORDER BY id DESC LIMIT 1")[0]
    thread = session["thread_id"]
    desk = Desk(stack.url, threading.Event(), "alice", {thread: session["id"]})
    sends: list[Callable[[], Any]] = []
    for n in range(12):
        note, key = n % 3 == 0, str(uuid.uuid4())
        said = {"text": f"mixed {n}", "key": str(uuid.uuid4())}
        reply = {"text": f"answer {n}", "key": key, "note": "1" if note else ""}
        sends += [lambda said=said: visitor.insist("POST", "/widget/api/messages", json=said)] * 5
        sends += [lambda reply=reply: desk.post(f"/desk/s/{session['id']}/messages/", **reply)] * 5
    chance.shuffle(sends)

    def send(part: list[Callable[[], Any]]) -> None:
        for one in part:
            one()

    together([lambda n=n: send(sends[n::6]) for n in range(6)])
    stored = rows.ask(MESSAGES, thread)
    assert [row["seq"] for row in stored] == list(range(1, len(stored) + 1))
    texts = [row["text"] for row in stored if row["author"] != "system"]
    assert sorted(texts) == sorted(["early 0", *(f"mixed {n}" for n in range(12)), *(f"answer {n}" for n in range(12))])
    visitor.catch_up()
    assert {copy.text for copy in visitor.messages.values()} >= {f"mixed {n}" for n in range(12)}
    assert not any(copy.text == "answer 0" for copy in visitor.messages.values())


def test_marks_and_ends_have_one_effect_too(stack):
    """After the faults: a session ends, is rated and asked to end again, each five times in any order."""
    rows = Rows(stack.database_url)
    site = rows.ask("SELECT key FROM interactions_site")[0]["key"]
    visitor = Visitor(stack.url, threading.Event(), site, "late")
    session = rows.ask("SELECT id, thread_id, public_id::text FROM interactions_interaction ORDER BY id DESC LIMIT 1")[
        0
    ]
    desk = Desk(stack.url, threading.Event(), "alice", {session["thread_id"]: session["id"]})
    desk.write(session["thread_id"], "Good day")
    finish = f"/desk/s/{session['id']}/finish/"
    desk.post(finish)
    calls: list[Callable[[], Any]] = [
        lambda: visitor.post("marks", {"got": 3, "read": 3}),
        lambda: visitor.post("rating", {"session": session["public_id"], "csat": 5, "ces": 7, "comment": "fine"}),
        lambda: visitor.post("end", {}),
    ]
    shuffled = calls * 5
    random.Random(3).shuffle(shuffled)
    together([*shuffled])
    before = rows.ask(EVERYTHING)
    rated = rows.ask("SELECT csat, ces, comment FROM quality_survey WHERE interaction_id = %s", session["id"])
    assert rated == [{"csat": 5, "ces": 7, "comment": "fine"}]
    marked = rows.ask("SELECT customer_read_seq FROM interactions_thread WHERE id = %s", session["thread_id"])
    assert marked == [{"customer_read_seq": 3}]
    together([*shuffled])
    again = desk.http.post(finish, headers={"X-CSRFToken": desk.http.cookies["csrftoken"]})
    assert again.status_code == httpx.codes.CONFLICT
    assert rows.ask(EVERYTHING) == before
