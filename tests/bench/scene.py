"""Open chats and operators at their desks, made by the acts themselves."""

import asyncio
import json
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.bench.wire import Http


@dataclass
class Chat:
    """One open chat: its thread and session, the visitor's token, whose hands it is in."""

    thread: int
    session: int
    token: str
    operator: int


@dataclass
class Scene:
    """A site with open chats; the session cookies of the operators by their ids."""

    url: str
    site: str
    chats: list[Chat]
    cookies: dict[int, str]

    def of(self, operator: int) -> list[Chat]:
        """Return the chats in an operator's hands."""
        return [chat for chat in self.chats if chat.operator == operator]


def make_scene(url: str, *, operators: int, chats: int, room: int = 0) -> Scene:
    """Make operators on duty and so many chats in their hands; each has `room` for more."""
    from routing.actions import offers
    from routing.models import Assignment
    from tests import world

    team = world.make_team()
    users = [world.make_user(f"op{number}", team=team) for number in range(operators)]
    for user in users:
        world.on_duty(user, capacity=-(-chats // operators) + room)
    queue = world.make_queue(members=tuple(users), team=team, offer_s=600, wrapup_s=0)
    site = world.make_site(queue, rate_per_min=1_000_000)
    made = []
    for number in range(chats):
        visitor = uuid.UUID(int=number + 1).hex
        talk = world.open_chat(site, f"Hello, this is visitor {number}", thread=world.make_thread(site, visitor))
        leg = Assignment.objects.select_related("operator").get(interaction=talk)
        offers.accept_offer(leg_id=leg.pk, actor=leg.operator)
        made.append(Chat(talk.thread_id, talk.pk, token(site.pk, visitor, talk.thread_id), leg.operator_id))
    return Scene(url, site.key, made, {user.pk: cookie(user) for user in users})


def token(site: int, visitor: str, thread: int) -> str:
    """Return a visitor's token."""
    from cxcenter.widget import tokens

    return tokens.issue(tokens.Visitor(site=site, kind="visitor", value=visitor, thread=thread))


def cookie(user: Any) -> str:
    """Return the Cookie header of a signed-in user."""
    from django.test import Client

    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}"


Hear = Callable[[dict[str, Any]], None]


@asynccontextmanager
async def desks(scene: Scene, hear: Hear) -> AsyncIterator[None]:
    """Keep a desk's socket open for each operator, watching his chats; `hear` gets every push."""
    async with AsyncExitStack() as stack:
        for operator, cookies in scene.cookies.items():
            socket = await stack.enter_async_context(_socket(scene, "/ws/desk/", {"Cookie": cookies}))
            await socket.send(json.dumps({"kind": "hello", "tab": str(uuid.uuid4())}))
            await socket.send(json.dumps({"kind": "watch", "threads": [chat.thread for chat in scene.of(operator)]}))
            while json.loads(await socket.recv())["kind"] != "watching":
                pass
            await stack.enter_async_context(_heard(socket, hear))
        yield


@asynccontextmanager
async def pages(scene: Scene) -> AsyncIterator[None]:
    """Keep the visitors' sockets open."""
    async with AsyncExitStack() as stack:
        for chat in scene.chats:
            socket = await stack.enter_async_context(_socket(scene, "/ws/visitor/", {}))
            await socket.send(json.dumps({"token": chat.token, "tab": str(uuid.uuid4())}))
            assert json.loads(await socket.recv())["kind"] == "hello"
            await stack.enter_async_context(_heard(socket, lambda _said: None))
        yield


def _socket(scene: Scene, path: str, headers: dict[str, str]) -> Any:
    return connect(
        scene.url.replace("http", "ws") + path,
        origin=scene.url,  # type: ignore[arg-type]
        additional_headers=headers,
        compression=None,
    )


@asynccontextmanager
async def _heard(socket: ClientConnection, hear: Hear) -> AsyncIterator[None]:
    async def listen() -> None:
        async for text in socket:
            hear(json.loads(text))

    task = asyncio.create_task(listen())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@dataclass
class Sent:
    """A message on its way."""

    key: str
    chat: Chat
    # By the clock of `time.perf_counter`.
    at: float


async def steady(scene: Scene, *, per_s: float, seconds: float, sent: Callable[[Sent], None], seed: int = 1) -> None:
    """Send messages of drawn visitors at a steady rate; `sent` is told just before each goes out."""
    draw = random.Random(seed)
    async with AsyncExitStack() as stack:
        free: asyncio.Queue[Http] = asyncio.Queue()
        for _number in range(8):
            free.put_nowait(await stack.enter_async_context(Http(scene.url)))

        async def say(chat: Chat) -> None:
            line = await free.get()
            key = str(uuid.uuid4())
            request = line.request(
                "POST", "/widget/api/messages", token=chat.token, data={"text": "Is my car ready?", "key": key}
            )
            sent(Sent(key, chat, time.perf_counter()))
            status, body = await line.call(request)
            assert status == 200, body
            free.put_nowait(line)

        async with asyncio.TaskGroup() as tasks:
            for due in _ticks(per_s, seconds):
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                tasks.create_task(say(draw.choice(scene.chats)))


def _ticks(per_s: float, seconds: float) -> Iterator[float]:
    began = time.perf_counter()
    yield from (began + number / per_s for number in range(int(per_s * seconds)))
