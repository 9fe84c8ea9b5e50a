"""Who calls the API in tests: tokens with scopes, and people with a browser session."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from cxcenter.accounts.models import ApiToken, User
from cxcenter.accounts.roles import Role
from cxcenter.accounts.scopes import Scope
from tests import world

CSRF = "a" * 32
ALL = tuple(Scope.values)


class Caller:
    """Somebody who calls: `get("customers/1/")` asks for /api/v1/customers/1/."""

    def __init__(self, *, token: str = "", user: User | None = None, csrf: bool = True) -> None:
        self.client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        if user is not None:
            self.client.force_login(user)
        if csrf:
            self.client.cookies["csrftoken"] = CSRF
            self.headers["X-CSRFToken"] = CSRF

    def call(self, method: str, path: str, body: Any = None, *, key: str = "", **headers: str) -> Any:
        sent = {**self.headers, **({"Idempotency-Key": key} if key else {}), **headers}
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        address = path if path.startswith(("http://", "/")) else f"/api/v1/{path}"
        kind = sent.pop("Content-Type", "application/json")
        return self.client.generic(method, address, content, content_type=kind, headers=sent)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **rest: str) -> Any:
        return self.call("POST", path, body, **rest)

    def patch(self, path: str, body: Any = None, **rest: str) -> Any:
        return self.call("PATCH", path, body, **rest)

    def put(self, path: str, body: Any = None, **rest: str) -> Any:
        return self.call("PUT", path, body, **rest)

    def delete(self, path: str, **rest: str) -> Any:
        return self.call("DELETE", path, **rest)

    def rows(self, path: str) -> list[Any]:
        """All rows of a list, page by page."""
        found: list[Any] = []
        following: str | None = path
        while following:
            answer = self.get(following)
            assert answer.status_code == 200, answer.content
            found += answer.json()["results"]
            following = answer.json()["next"]
        return found

    def ids(self, path: str) -> set[Any]:
        return {row["id"] for row in self.rows(path)}


def token(*scopes: str, user: User | None = None, expires_at: datetime | None = None) -> Caller:
    """A caller with a token of those scopes; of the integrator unless a user is given."""
    owner = user or User.objects.filter(username="integrator").first() or world.make_user("integrator", Role.INTEGRATOR)
    end = expires_at or timezone.now() + timedelta(days=1)
    _row, secret = ApiToken.issue(user=owner, name="test", scopes=list(scopes), expires_at=end)
    return Caller(token=secret, csrf=False)


def session(user: User) -> Caller:
    """A caller who has signed in with a browser."""
    return Caller(user=user)


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is the expected refusal and return it."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, "about:blank"), body
    assert body["title"] and body["detail"]
    return body
