"""Counts in Redis: together in all threads, for a span of time, and never in the way."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import redis

from cxcenter.core import counts


def key() -> str:
    return f"cx:test:{uuid.uuid4().hex}"


def test_each_call_is_counted_once_by_many_threads():
    name = key()
    with ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(lambda _: counts.count(name, 60), range(200))) == list(range(1, 201))


def test_a_count_ends_after_its_first():
    name = key()
    assert [counts.count(name, 1), counts.count(name, 1)] == [1, 2]
    time.sleep(1.1)
    assert counts.count(name, 1) == 1


def test_what_is_given_back_may_be_spent_again_and_is_forgotten_too(settings):
    name, server = key(), redis.Redis.from_url(settings.REDIS_URL)
    counts.count(name, 60)
    counts.give_back(name, 60)
    assert counts.count(name, 60) == 1
    counts.give_back(late := key(), 60)
    assert all(0 < server.ttl(one) <= 60 for one in (name, late))


def test_connections_are_kept_for_all_requests(settings):
    server = redis.Redis.from_url(settings.REDIS_URL)
    counts.count(key(), 60)
    before = server.info("stats")["total_connections_received"]
    for _ in range(50):
        counts.count(key(), 60)
    # Other tests may run beside this one.
    assert server.info("stats")["total_connections_received"] - before < 25


def test_a_line_that_was_cut_is_made_anew(settings):
    name, server = key(), redis.Redis.from_url(settings.REDIS_URL)
    counts.count(name, 60)
    server.client_kill_filter(_id=str(counts._client(settings.REDIS_URL).client_id()))
    assert counts.count(name, 60) == 2


def test_without_redis_nothing_is_counted_and_nobody_waits(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    began = time.monotonic()
    assert counts.count(key(), 60) == 0
    counts.give_back(key(), 60)
    assert time.monotonic() - began < 1
