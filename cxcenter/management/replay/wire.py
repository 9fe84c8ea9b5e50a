"""Lines to the center that survive its faults: HTTP calls that are repeated, sockets that come back."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin

PATIENCE_S = 30.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 3.0
BEAT_S = 10.0
NO_ANSWER = (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError)


class Refused(Exception):
    """The center has understood and said no."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code} {message}".strip())
        self.status, self.code = status, code


class Wire:
    """What all pages of one replay share: address, connections, the count of what went wrong on the way."""

    def __init__(self, base_url: str, *, connections: int) -> None:
        self.base_url = base_url
        self.troubles: Counter[str] = Counter()
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._transport = httpx.AsyncHTTPTransport(limits=limits, trust_env=False)

    def caller(self, headers: Mapping[str, str]) -> "Caller":
        """Return a client with cookies of its own."""
        client = httpx.AsyncClient(
            base_url=self.base_url,
            headers=dict(headers),
            timeout=PATIENCE_S,
            transport=self._transport,
            trust_env=False,
        )
        return Caller(client, self.troubles)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()


class Caller:
    """HTTP calls of one page. Without an answer a call is made again: writes carry keys, so it has one effect."""

    def __init__(self, client: httpx.AsyncClient, troubles: Counter[str]) -> None:
        self._client, self._troubles = client, troubles

    @property
    def cookies(self) -> httpx.Cookies:
        """The cookies of this page."""
        return self._client.cookies

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Return the answer of a call, however often it takes. Raises Refused."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                answer = await self._client.request(method, path, **options)
            except NO_ANSWER as error:
                self._troubles[type(error).__name__] += 1
            else:
                if answer.status_code < 400:
                    return answer
                if answer.status_code == 429:
                    pause = max(pause, float(_told(answer).get("retry_after", 1)))
                elif answer.status_code < 500:
                    told = _told(answer)
                    raise Refused(answer.status_code, told.get("code", ""), str(told.get("message", "")))
                self._troubles[f"HTTP {answer.status_code}"] += 1
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)


def _told(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


class Line:
    """A socket that comes back after a growing pause. `greet` gives the first message, `hear` takes what comes."""

    def __init__(
        self,
        wire: Wire,
        path: str,
        *,
        greet: Callable[[], dict[str, Any]],
        hear: Callable[[dict[str, Any]], None],
        headers: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._wire, self._greet, self._hear, self._headers = wire, greet, hear, headers
        self._address = wire.base_url.replace("http", "ws", 1) + path
        self._socket: ClientConnection | None = None

    async def run(self) -> None:
        """Keep the line open until cancelled."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                async with connect(
                    self._address,
                    origin=Origin(self._wire.base_url),
                    additional_headers=self._headers(),
                    compression=None,
                    open_timeout=PATIENCE_S,
                    close_timeout=1,
                    ping_interval=BEAT_S,
                ) as socket:
                    await socket.send(json.dumps(self._greet()))
                    self._socket = socket
                    async for text in socket:
                        pause = FIRST_PAUSE_S
                        self._hear(json.loads(text))
            except (OSError, WebSocketException, TimeoutError):
                pass
            finally:
                self._socket = None
            self._wire.troubles["socket lost"] += 1
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 — not all at once
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def tell(self, message: dict[str, Any]) -> None:
        """Send a message if the line is open; what is not sent is not missed."""
        if self._socket is None:
            return
        try:
            await self._socket.send(json.dumps(message))
        except (OSError, WebSocketException):
            self._wire.troubles["socket lost"] += 1


class Errand:
    """Work that many events ask for: one run at a time, a wish during a run makes one more, one every `every_s`."""

    def __init__(self, wire: Wire, work: Callable[[], Awaitable[None]], *, every_s: float, rest_s: float = 0.0) -> None:
        self._wire, self._work, self._every_s, self._rest_s = wire, work, every_s, rest_s
        self._wanted = asyncio.Event()

    def want(self) -> None:
        """Ask for a run."""
        self._wanted.set()

    async def run(self) -> None:
        """Run on demand and every `every_s` seconds, with `rest_s` between two runs, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._work()
            except Refused as error:
                self._wire.troubles[f"refused: {error}"] += 1
            await asyncio.sleep(self._rest_s)
