"""`Idempotency-Key`: one effect and one answer, whatever happens on the way."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, connections
from psycopg2.errors import DeadlockDetected

from cxcenter.accounts.models import ApiToken
from cxcenter.core.models import KeptAnswer
from cxcenter.core.once import lock
from interactions.actions import cases
from interactions.models import Case
from tests.api.callers import problem, session, token

BODY = {"subject": "The part is late"}


@pytest.fixture
def caller(place):
    return token("cases:write")


def count():
    return Case.objects.filter(subject=BODY["subject"]).count() - 1


def test_the_same_key_has_one_effect_and_one_answer(caller):
    first, again = caller.post("cases/", BODY, key="k1"), caller.post("cases/", BODY, key="k1")
    assert (first.status_code, again.status_code, count()) == (201, 201, 1)
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert caller.post("cases/", BODY, key="k2").json()["id"] != first.json()["id"]


def test_the_answer_stays_though_the_thing_has_changed(caller, place):
    path, body = f"cases/{place.case.pk}/", {"version": 0, "status": "waiting"}
    first = caller.patch(path, body, key="k").json()
    caller.patch(path, {"version": 1, "status": "solved"})
    assert caller.patch(path, body, key="k").json() == first
    assert caller.get(path).json()["status"] == "solved"


def test_an_answer_without_a_body_is_kept_too(caller, place):
    caller = token("cases:write", "interactions:read")
    path = f"cases/{place.case.pk}/interactions/{place.chat.pk}/"
    assert [caller.delete(path, key="k").status_code for _ in range(2)] == [204, 204]
    assert caller.delete(path, key="k").content == b""


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "cases/", {"subject": "Other"}), ("POST", "tasks/", BODY), ("PATCH", "cases/1/", BODY)],
)
def test_another_request_with_the_key_is_refused(caller, method, path, body):
    assert caller.post("cases/", BODY, key="k").status_code == 201
    problem(caller.call(method, path, body, key="k"), 422, "key_reused")
    assert count() == 1


def test_refusals_are_kept_as_they_were(caller, place):
    path, body = f"cases/{place.case.pk}/", {"version": 5, "status": "waiting"}
    first = problem(caller.patch(path, body, key="k"), 409, "stale")
    Case.objects.filter(pk=place.case.pk).update(version=5)
    assert problem(caller.patch(path, body, key="k"), 409, "stale") == first


def test_keys_belong_to_their_owner(caller, place):
    first = caller.post("cases/", BODY, key="k").json()
    other = token("cases:write").post("cases/", BODY, key="k").json()
    third = session(place.people["operator"]).post("cases/", BODY, key="k").json()
    assert len({first["id"], other["id"], third["id"]}) == 3


@pytest.mark.parametrize("key", ["a b", "x" * 101, "ключ", "\t"])
def test_a_bad_key_is_refused(caller, key):
    refusal = problem(caller.post("cases/", BODY, key=key), 400, "invalid")
    assert refusal["errors"][0]["field"] == "Idempotency-Key"
    assert count() == 0


def test_a_key_says_nothing_to_who_may_not_write(caller):
    assert caller.post("cases/", BODY, key="k").status_code == 201
    problem(token("cases:read").post("cases/", BODY, key="k"), 403, "permission_denied")
    assert token("cases:read").get("cases/", **{"Idempotency-Key": "k"}).status_code == 200


def test_a_failure_keeps_neither_act_nor_answer(caller, monkeypatch):
    def fail_late(**fields):
        Case.objects.create(**BODY)
        raise RuntimeError("the disk is on fire")

    with monkeypatch.context() as patch:
        patch.setattr(cases, "register_case", fail_late)
        problem(caller.post("cases/", BODY, key="k"), 500, "failed")
    assert (count(), KeptAnswer.objects.count()) == (0, 0)
    assert caller.post("cases/", BODY, key="k").status_code == 201


def test_while_the_first_is_at_work_the_second_is_told_to_wait(caller, monkeypatch):
    begun, finish, real = threading.Event(), threading.Event(), cases.register_case

    def slowly(**fields):
        begun.set()
        assert finish.wait(20)
        return real(**fields)

    def post():
        try:
            return caller.post("cases/", BODY, key="k").status_code
        finally:
            connections.close_all()

    monkeypatch.setattr(cases, "register_case", slowly)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post)
        assert begun.wait(20)
        try:
            waiting = caller.post("cases/", BODY, key="k")
            assert problem(waiting, 409, "in_progress")
            assert waiting["Retry-After"] == "1"
        finally:
            finish.set()
        assert first.result(20) == 201
    assert caller.post("cases/", BODY, key="k")["Idempotent-Replayed"] == "true"
    assert count() == 1


def test_a_hundred_at_once_have_one_effect(caller):
    def post(_number):
        try:
            return caller.post("cases/", BODY, key="k").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        found = set(pool.map(post, range(100)))
    assert 201 in found
    assert found <= {201, 409}
    assert count() == 1


def test_a_process_that_died_leaves_the_key_free(caller):
    """A claim is a lock of its connection: it ends with it, whatever happened to the process."""
    name = f"token:{ApiToken.objects.latest('pk').pk} k"
    with ThreadPoolExecutor(1) as pool:

        def claim_and_die():
            connection.set_autocommit(False)
            assert lock(name)
            connection.connection.close()
            connection.connection = None

        pool.submit(claim_and_die).result(20)
    assert caller.post("cases/", BODY, key="k").status_code == 201


def test_a_deadlock_is_told_as_busy_and_kept_by_nobody(caller, monkeypatch):
    def stuck(**fields):
        raise OperationalError("deadlock detected") from DeadlockDetected()

    with monkeypatch.context() as patch:
        patch.setattr(cases, "register_case", stuck)
        refusal = caller.post("cases/", BODY, key="k")
        assert problem(refusal, 409, "busy")
        assert refusal["Retry-After"] == "1"
    assert caller.post("cases/", BODY, key="k").status_code == 201
