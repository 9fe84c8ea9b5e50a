"""A client that costs little, so that the center is measured and not the client."""

import asyncio
import json
from typing import Any, Self
from urllib.parse import urlsplit


class Http:
    """One kept connection, one call after the other. Answers must name their length."""

    def __init__(self, base_url: str, headers: dict[str, str] | None = None) -> None:
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "localhost", parts.port or 80
        self._head = f"Host: {parts.netloc}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items())

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    def request(self, method: str, path: str, *, token: str = "", data: Any = None) -> bytes:
        """Return the bytes of a call, so that they can be made beforehand."""
        body = b"" if data is None else json.dumps(data, ensure_ascii=False).encode()
        who = f"Authorization: Visitor {token}\r\n" if token else ""
        head = f"{method} {path} HTTP/1.1\r\n{self._head}{who}Content-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def call(self, request: bytes) -> tuple[int, bytes]:
        """Send a call; return status and body of the answer."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        low = head.lower()
        at = low.index(b"content-length:") + 15
        length = int(low[at : low.index(b"\r\n", at)])
        return int(head[9:12]), await self._reader.readexactly(length)

    async def get(self, path: str) -> bytes:
        """Return the body of a page. Raises AssertionError if it is not answered with 200."""
        status, body = await self.call(self.request("GET", path))
        assert status == 200, f"{path} answered {status}: {body[:300]!r}"
        return body
