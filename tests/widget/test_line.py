"""The visitor's consumer on a line that breaks at a bad moment: nobody is counted as here who is not."""

import asyncio
import json
import uuid

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from cxcenter.core import heartbeats
from cxcenter.widget import consumers
from interactions.models import Thread
from tests import world
from tests.widget.client import Visitor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def visitor():
    team = world.make_team()
    alice = world.make_user("alice", team=team)
    world.on_duty(alice)
    found = Visitor(world.make_site(world.make_queue(members=(alice,), team=team)))
    found.start()
    return found


async def live(visitor, *, breaks_at: str) -> None:
    """Greet the center; the line breaks at the first message of a kind that it sends."""
    said = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": json.dumps({"token": visitor.token, "tab": str(uuid.uuid4())})},
        {"type": "websocket.receive", "text": '{"kind": "typing"}'},
        {"type": "websocket.receive", "text": '{"kind": "beat"}'},
    ]

    async def receive():
        return said.pop(0) if said else await asyncio.sleep(60)

    async def send(message):
        if json.loads(message.get("text") or '{"kind": ""}')["kind"] == breaks_at:
            raise ConnectionError("the line is lost")

    with pytest.raises(ConnectionError):
        await consumers.VisitorConsumer.as_asgi()({"type": "websocket", "path": "/ws/visitor/"}, receive, send)
    await sync_to_async(connections.close_all)()


@pytest.mark.parametrize("breaks_at", ["hello", "beat"])
def test_a_line_that_breaks_counts_nobody_as_here(visitor, breaks_at):
    asyncio.run(asyncio.wait_for(live(visitor, breaks_at=breaks_at), 20))
    assert heartbeats._open == {}
    assert not consumers._pages


def test_typing_without_redis_does_not_end_the_line(visitor, monkeypatch):
    """The beat after it is answered: there the line breaks, and not before."""

    async def refuse(*_):
        raise ConnectionError("Redis is away")

    monkeypatch.setattr("channels_redis.pubsub.RedisPubSubLoopLayer.group_send", refuse)
    asyncio.run(asyncio.wait_for(live(visitor, breaks_at="beat"), 20))
    assert Thread.objects.count() == 1
