"""A telephony platform: an exchange of the bridge, two operators with phones, and who signs as it does."""

import json
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cxcenter.accounts.models import User
from cxcenter.core import webhooks
from interactions.models import Call, Exchange, Extension
from routing.models import ExchangeQueue, Queue
from tests import world

SECRET = "s" * 40
NUMBER = "+79005550184"


@dataclass
class Platform:
    """Somebody's telephony: it tells and asks."""

    exchange: Exchange
    queue: Queue
    anna: User
    boris: User

    @property
    def base(self) -> str:
        return f"/bridge/{self.exchange.pk}/"

    def post(self, body: bytes, *, secret: str = SECRET, at: float | None = None, **headers: str) -> Any:
        signature = webhooks.sign(secret, body, int(at or time.time()))
        sent = {"X-CX-Signature": signature, **headers}
        return Client(raise_request_exception=False).post(
            f"{self.base}events/", body, content_type="application/json", headers=sent
        )

    def tell(self, *events: Any) -> list[dict[str, Any]]:
        answer = self.post(json.dumps({"events": events}).encode())
        assert answer.status_code == 200, answer.content
        return answer.json()["results"]

    def ask(self, after: int = 0, *, secret: str = SECRET) -> Any:
        address = f"{self.base}commands/?after={after}"
        signature = webhooks.sign(secret, address.encode(), int(time.time()))
        return Client().get(address, headers={"X-CX-Signature": signature})

    def call(self, key: str = "c-1") -> Call:
        return Call.objects.get(exchange=self.exchange, key=key)


def event(
    kind: str, second: float = 0, *, call: str | None = "c-1", start: datetime | None = None, **more: Any
) -> dict:
    """An event some seconds after the beginning, which was ten minutes ago."""
    at = (start or BEGAN) + timedelta(seconds=second)
    said = {"id": f"{call}:{kind}:{second}:{more.get('party', '')}", "type": kind, "at": at.isoformat(), **more}
    return said | ({"call": call} if call else {})


BEGAN = timezone.now() - timedelta(minutes=10)


def a_call(key: str = "c-1") -> list[dict]:
    """He waits, it rings at Anna, she talks, holds, talks, and he hangs up."""
    anna = {"call": key, "party": "agent:1017"}
    return [
        event("began", 0, call=key, party="customer", number=NUMBER),
        event("queued", 1, call=key, queue="sales"),
        event("offered", 10, **anna),
        event("answered", 20, **anna),
        event("held", 60, **anna),
        event("resumed", 90, **anna),
        event("muted", 100, **anna),
        event("unmuted", 105, **anna),
        event("ended", 140, call=key, reason="customer"),
    ]


def unique() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def platform(transactional_db) -> Platform:
    team = world.make_team()
    anna, boris = (world.make_user(name, team=team, language="en") for name in ("anna", "boris"))
    queue = world.make_queue("Sales", team, (anna, boris))
    channel = world.make_line(queue, "Line of the platform")
    exchange = Exchange.objects.create(
        name="Platform",
        kind="bridge",
        channel=channel,
        secret=SECRET,
        controls=["hold", "resume", "transfer", "hang_up"],
    )
    for name, user in (("1017", anna), ("1018", boris)):
        # Not paused, as is known: nothing is asked of it before somebody pauses.
        Extension.objects.create(exchange=exchange, interface=name, user=user, pauses=False)
        world.on_duty(user)
    ExchangeQueue.objects.create(exchange=exchange, name="sales", queue=queue, number="500")
    return Platform(exchange, queue, anna, boris)
