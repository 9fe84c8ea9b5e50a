"""Every refusal is a problem+json: who may not, too much, too large, no such thing; and CSRF for browsers."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from cxcenter.accounts.models import ApiToken
from cxcenter.core.api import throttling
from interactions.actions import cases
from interactions.models import Case
from tests.api.callers import Caller, problem, session, token


def test_a_token_ends_by_time_by_hand_and_with_its_user(place):
    now = timezone.now()
    past = token("cases:read", expires_at=now - timedelta(seconds=1))
    assert problem(past.get("cases/"), 401, "authentication_failed")
    revoked = token("cases:read")
    assert revoked.get("cases/").status_code == 200
    ApiToken.objects.filter(pk=ApiToken.objects.latest("pk").pk).update(revoked_at=now)
    problem(revoked.get("cases/"), 401, "authentication_failed")
    left = token("cases:read")
    place.people["integrator"].is_active = False
    place.people["integrator"].save()
    answer = left.get("cases/")
    problem(answer, 401, "authentication_failed")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_token_is_kept_as_a_hash_and_its_use_is_noted(place):
    row, secret = ApiToken.issue(user=place.people["integrator"], name="x", scopes=["cases:read"])
    assert secret not in str(vars(row))
    assert Caller(token=secret).get("cases/").status_code == 200
    row.refresh_from_db()
    assert row.used_at is not None


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x y", "Bearer \xff", "bearer cx_unknown", "Basic YTpi", ""]
)
def test_who_is_unknown_is_told_how_to_sign_in(place, header):
    answer = Caller().get("cases/", Authorization=header)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer["Content-Type"] == "application/problem+json"


def test_scopes_that_do_not_exist_open_nothing(place):
    problem(token("everything", "cases", "*", ":write").get("cases/"), 403, "permission_denied")


def test_a_browser_needs_its_csrf_token_and_a_program_does_not(place):
    operator = place.people["operator"]
    refusal = problem(Caller(user=operator, csrf=False).post("cases/", {"subject": "x"}), 403, "permission_denied")
    assert "CSRF" in refusal["detail"]
    assert session(operator).post("cases/", {"subject": "x"}).status_code == 201
    assert token("cases:write").post("cases/", {"subject": "x"}).status_code == 201
    # A token does not borrow the rights of the session beside it.
    both = session(place.people["admin"])
    both.headers |= token("cases:read").headers
    problem(both.post("cases/", {"subject": "x"}), 403, "permission_denied")


@pytest.mark.parametrize(
    "path", ["", "nothing/", "nothing", "cases/x/", "cases/x", "cases/-1/", "cases/1/x/", "webhooks/1/deliveries/1/"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_addresses_that_do_not_exist(db, method, path):
    problem(Caller(csrf=False).call(method, path), 404, "not_found")


@pytest.mark.parametrize("number", [0, 10**6, 2**63 - 1, 2**63, 10**40])
def test_rows_that_do_not_exist(place, number):
    caller = token("cases:read", "interactions:write")
    problem(caller.get(f"cases/{number}/"), 404, "not_found")
    problem(caller.get(f"interactions/{number}/messages/"), 404, "not_found")
    problem(caller.post(f"interactions/{number}/messages/", {"text": "x"}), 404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE", "DELETE", "PATCH"])
def test_methods_that_are_not_served(place, method):
    answer = token("cases:write").call(method, "cases/", {})
    problem(answer, 405, "method_not_allowed")
    assert answer["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "parse_error"),
        (b"\xff\xfe", "parse_error"),
        (b"[" * 100_000, "parse_error"),
        (b'{"subject": ' + b"9" * 5000 + b"}", "parse_error"),
        (b'{"subject": NaN}', "parse_error"),
        (b"[]", "invalid"),
        (b"null", "invalid"),
        (b'"text"', "invalid"),
        (b"7", "invalid"),
    ],
)
def test_bodies_that_are_no_objects(place, content, code):
    problem(token("cases:write").post("cases/", content), 400, code)


def test_a_body_that_is_too_large_is_refused_unread(place, settings):
    body = b'{"subject": "' + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"}'
    for caller in (token("cases:write"), session(place.people["operator"])):
        problem(caller.post("cases/", body), 413, "too_large")
    # Who may not write is not even listened to.
    problem(token("cases:read").post("cases/", body), 403, "permission_denied")


def test_only_json_is_understood(place):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    problem(token("cases:write").post("cases/", b"subject=x", **form), 415, "unsupported_media_type")
    problem(token("cases:read").get("cases/", Accept="text/html"), 406, "not_acceptable")


def test_words_are_in_the_language_that_is_asked_for(place):
    said = {
        language: token("cases:write")
        .post("cases/", {}, **{"Accept-Language": language})
        .json()["errors"][0]["message"]
        for language in ("en", "ru")
    }
    assert said["en"] == "This field is required."
    assert said["ru"] != said["en"]


def test_a_mistake_of_ours_tells_nothing_of_itself(place, monkeypatch):
    def fail(**fields):
        raise RuntimeError("secret words")

    monkeypatch.setattr(cases, "register_case", fail)
    answer = token("cases:write").post("cases/", {"subject": "x"})
    problem(answer, 500, "failed")
    assert b"secret words" not in answer.content


@pytest.fixture
def three_a_minute(monkeypatch):
    cache.clear()
    monkeypatch.setattr(throttling.TokenThrottle, "rate", "3/min", raising=False)
    yield
    cache.clear()


def test_too_many_requests_are_told_when_to_come_back(place, three_a_minute):
    one, other, person = token("cases:read"), token("cases:read"), session(place.people["operator"])
    answers = [one.get("cases/") for _ in range(4)]
    # The window may have turned in between.
    if answers[-1].status_code == 200:
        answers = [one.get("cases/") for _ in range(4)]
    assert answers[-1].status_code == 429
    problem(answers[-1], 429, "throttled")
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    # Each token and each person has a limit of his own.
    assert other.get("cases/").status_code == person.get("cases/").status_code == 200


def test_without_redis_nobody_is_limited(place, three_a_minute, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    caller = token("cases:read")
    assert {caller.get("cases/").status_code for _ in range(8)} == {200}


def test_a_throttled_write_did_nothing_and_may_be_sent_again(place, three_a_minute):
    caller = token("cases:write")
    while caller.get("cases/").status_code == 200:
        pass
    problem(caller.post("cases/", {"subject": "Once"}, key="k"), 429, "throttled")
    assert not Case.objects.filter(subject="Once").exists()
    cache.clear()
    assert caller.post("cases/", {"subject": "Once"}, key="k").status_code == 201
