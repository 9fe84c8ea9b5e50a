"""The floor under our figures: the same statements by plain psycopg2, the same push by plain PUBLISH."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import msgpack
import psycopg2
import redis

STORE = """
    WITH thread AS (
        UPDATE interactions_thread
        SET last_seq = last_seq + 1, staff_changes = staff_changes + 1, customer_changes = customer_changes + 1,
            customer_got_seq = last_seq + 1, customer_read_seq = last_seq + 1
        WHERE id = %(thread)s RETURNING id, channel_id, last_seq, staff_changes, customer_changes
    )
    INSERT INTO interactions_message (
        thread_id, interaction_id, channel_id, seq, staff_changed, customer_changed, author, audience, text, code, args,
        client_key, at
    )
    SELECT thread.id, talk.id, channel_id, last_seq, staff_changes, customer_changes, 'customer', 'all', %(text)s, '', '{}',
        %(key)s, now()
    FROM thread JOIN interactions_interaction talk ON talk.thread_id = thread.id AND talk.closed_at IS NULL
    RETURNING id, interaction_id
"""
NOTE = """
    UPDATE interactions_interaction SET last_message_id = %s, last_message_at = now(), unread = unread + 1,
        waiting_since = coalesce(waiting_since, now()), warned_silent_at = NULL WHERE id = %s
"""
KEEP = "INSERT INTO core_outbox (topic, payload, created_at, claimed_until, tries, error) VALUES (%s, %s, now(), now(), 0, '') RETURNING id"
DONE = "DELETE FROM core_outbox WHERE id = %s"


CLAIM = """
    WITH item AS (
        SELECT id, interaction_id FROM routing_workitem WHERE visit = 'waiting' ORDER BY queue_id, rank_at, id
        LIMIT 1 FOR UPDATE SKIP LOCKED
    ), operator AS (
        SELECT user_id FROM routing_presence WHERE mode = 'available' ORDER BY load, idle_since
        LIMIT 1 FOR UPDATE SKIP LOCKED
    ), loaded AS (
        UPDATE routing_presence SET load = load + 1 WHERE user_id = (SELECT user_id FROM operator)
    ), left_queue AS (
        UPDATE routing_workitem SET visit = 'offered' WHERE id = (SELECT id FROM item)
    )
    INSERT INTO routing_assignment (item_id, interaction_id, operator_id, leg, "end", offered_at, holds, why)
    SELECT item.id, interaction_id, user_id, 'offered', '', now(), true, '{}' FROM item, operator RETURNING id
"""


class Plain:
    """One connection that stores a message and publishes it, and nothing else."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        self._database = psycopg2.connect(database_url)
        self._redis = redis.Redis.from_url(redis_url)

    def say(self, thread: int, key: str) -> None:
        with self._database.cursor() as cursor:
            cursor.execute(STORE, {"thread": thread, "text": "Is my car ready?", "key": key})
            message, talk = cursor.fetchone()  # type: ignore[misc]
            cursor.execute(NOTE, [message, talk])
            cursor.execute(KEEP, ["message.posted", json.dumps({"message": message, "thread": thread})])
            kept = cursor.fetchone()
            self._database.commit()
            self._redis.publish(f"floor.{thread}", _push(thread, key))
            cursor.execute(DONE, kept)
            self._database.commit()

    def close(self) -> None:
        self._database.close()
        self._redis.close()


def store_rate(
    database_url: str, redis_url: str, threads: list[int], connections: int, *, seconds: float = 4.0, processes: int = 2
) -> float:
    """Return how many messages a second so many connections store and publish, spread over processes as ours are."""
    with ProcessPoolExecutor(processes) as pool:
        share = connections // processes
        runs = [
            pool.submit(_store, database_url, redis_url, threads[number::processes], share, seconds)
            for number in range(processes)
        ]
        return sum(run.result() for run in runs) / seconds


def _store(database_url: str, redis_url: str, threads: list[int], connections: int, seconds: float) -> int:
    until = time.perf_counter() + seconds

    def send(own: list[int]) -> int:
        plain, done = Plain(database_url, redis_url), 0
        for thread in cycle(own):
            if time.perf_counter() >= until:
                break
            plain.say(thread, str(uuid.uuid4()))
            done += 1
        plain.close()
        return done

    with ThreadPoolExecutor(connections) as pool:
        return sum(pool.map(send, [threads[number::connections] for number in range(connections)]))


def _push(thread: int, key: str) -> bytes:
    view: dict[str, Any] = {
        "id": 1,
        "thread": thread,
        "seq": 1,
        "text": "Is my car ready?",
        "key": key,
        "at": "2026-01-01T00:00:00",
    }
    packed: bytes = msgpack.packb({"type": "push", "kind": "message", "thread": thread, "changed": 1, "message": view})
    return packed


def claims(database_url: str, *, times: int = 200) -> list[float]:
    """Return how many ms the plainest claim of a contact for an operator takes, each in a transaction of its own.

    Work items that were waiting or had left stand for those that wait.
    """
    took = []
    with psycopg2.connect(database_url) as database, database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM routing_workitem WHERE visit = 'waiting'")
        if cursor.fetchone()[0] < times:  # type: ignore[index]
            cursor.execute("DELETE FROM routing_assignment WHERE leg IN ('offered', 'active')")
            cursor.execute(
                "UPDATE routing_workitem SET visit = 'waiting' WHERE id IN (SELECT max(id) FROM routing_workitem GROUP BY interaction_id)"
            )
        database.commit()
        for _number in range(times):
            began = time.perf_counter()
            cursor.execute(CLAIM)
            if not cursor.rowcount:
                break
            database.commit()
            took.append((time.perf_counter() - began) * 1000)
    return took


def claim_rate(database_url: str) -> float:
    """Return how many such claims a second one connection makes."""
    took = claims(database_url, times=2000)
    return len(took) / sum(took) * 1000


def deliver(database_url: str, redis_url: str, thread: int, *, times: int = 400, per_s: float = 20 * 5) -> list[float]:
    """Return how many ms pass from a message's statements to its arrival at a plain subscriber, one after the other."""
    plain, took = Plain(database_url, redis_url), []
    with _subscribed(redis_url, f"floor.{thread}") as arrived:
        for _number in range(times):
            arrived.clear()
            began = time.perf_counter()
            plain.say(thread, str(uuid.uuid4()))
            assert arrived.wait(5)
            took.append((arrived.at - began) * 1000)
            time.sleep(1 / per_s)
    plain.close()
    return took


class Arrival(threading.Event):
    """That something came, and when."""

    at = 0.0


@contextmanager
def _subscribed(redis_url: str, channel: str) -> Iterator[Arrival]:
    client = redis.Redis.from_url(redis_url)
    heard = client.pubsub(ignore_subscribe_messages=True)
    arrived, over = Arrival(), threading.Event()
    heard.subscribe(channel)

    def listen() -> None:
        while not over.is_set():
            if heard.get_message(timeout=0.2):
                arrived.at = time.perf_counter()
                arrived.set()

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield arrived
    finally:
        over.set()
        thread.join()
        heard.close()
        client.close()
