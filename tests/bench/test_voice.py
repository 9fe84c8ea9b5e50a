"""The bench of voice tells the truth: shuffled and doubled, a log makes the calls that it makes in order."""

import random

import pytest
from django.db import connection

from tests.api.callers import token
from tests.bench.voice import ivr, replay


def test_a_log_makes_the_same_calls_however_it_lies(monkeypatch):
    monkeypatch.setattr(replay, "EVENTS", 2000)
    data, count = replay.a_log(random.Random(3))
    views = replay.live(data)
    replay.check(data, views)
    assert count >= 2000 and len(views) > 50
    call = next(iter(views))
    with pytest.raises(AssertionError):
        replay.check(data, {**views, call: views[list(views)[1]]})


def test_the_questions_of_an_ivr_find_people_and_so_do_the_plain_statements(transactional_db, monkeypatch):
    monkeypatch.setattr(ivr, "CUSTOMERS", 40)
    monkeypatch.setattr(ivr, "CALLS", 12)
    line, topics = ivr.plant()
    asked = ivr.questions(line, topics)
    caller = token("ivr:read", "customers:read", "cases:read")
    told = [caller.post("ivr/caller/", one).json() for one in asked]
    assert sum(one["status"] == "found" for one in told) > len(asked) / 2
    assert all(one["affected"] == (one["status"] == "found") and one["route"]["queue"] for one in told)
    with connection.cursor() as cursor:
        for statement in ivr.PLAIN:
            cursor.execute(statement, {"phone": "+79000000007", "line": line})
            assert cursor.fetchall() or "junk" in statement or "case" in statement
