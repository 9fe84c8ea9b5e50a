"""Django's WSGI application behind an ASGI server: whole requests in, whole answers out.

A thread is taken when all of a request has come and given back when its answer is ready. So slow clients cost
no thread, and loop and thread meet twice a request and not at each of its pieces: half of the time of a
small request went there.
"""

import asyncio
import contextvars
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import IO, Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
# Larger bodies wait on the disk for their thread.
IN_MEMORY_BYTES = 1024 * 1024
TOO_LARGE = b"The request is too large."
CLOSE = (b"connection", b"close")


class Gone(Exception):
    """The client has left before all of its request had come."""


class TooLarge(Exception):
    """More has come than any page takes."""


@dataclass
class Answer:
    """What a page answers. `body` is whole, or a stream whose pieces a thread fetches."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes | Iterator[bytes]
    close: Callable[[], None]


class Pages:
    """The ASGI application of a WSGI one, in `threads` fixed threads. No body over `body_bytes` is read."""

    def __init__(self, application: Callable[..., Iterable[bytes]], *, threads: int, body_bytes: int) -> None:
        self._application, self._body_bytes = application, body_bytes
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="page")

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        with SpooledTemporaryFile(IN_MEMORY_BYTES) as body:
            try:
                size = await self._read(scope, receive, body)
            except Gone:
                return
            except TooLarge:
                await send({"type": "http.response.start", "status": 413, "headers": [CLOSE]})
                await send({"type": "http.response.body", "body": TOO_LARGE})
                return
            answer = await self._in_thread(self._answer, environ_of(scope, body, size))
            if size is None:
                answer.headers.append(CLOSE)
            await self._send(answer, send)

    async def _read(self, scope: MutableMapping[str, Any], receive: Receive, body: IO[bytes]) -> int | None:
        """Read the body and return its size. None: its head names more than `body_bytes`, so its page will refuse it."""
        named = int(next((value for name, value in scope["headers"] if name == b"content-length"), b"0"))
        if named > self._body_bytes:
            return None
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            piece = message.get("body", b"")
            size += len(piece)
            if size > self._body_bytes:
                raise TooLarge
            body.write(piece)
            more = message.get("more_body", False)
        body.seek(0)
        return size

    def _answer(self, environ: dict[str, Any]) -> Answer:
        """Call the application. In a thread."""
        status = 500
        headers: list[tuple[bytes, bytes]] = []

        def start(line: str, named: list[tuple[str, str]], _error: object = None) -> None:
            nonlocal status, headers
            status = int(line[:3])
            headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in named]

        response = self._application(environ, start)
        close = getattr(response, "close", _nothing)
        if getattr(response, "streaming", False):
            return Answer(status, headers, iter(response), close)
        try:
            return Answer(status, headers, b"".join(response), _nothing)
        finally:
            close()

    async def _send(self, answer: Answer, send: Send) -> None:
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        if isinstance(answer.body, bytes):
            await send({"type": "http.response.body", "body": answer.body})
            return
        try:
            while (piece := await self._in_thread(next, answer.body, None)) is not None:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await self._in_thread(answer.close)

    async def _in_thread(self, act: Callable[..., Any], *arguments: Any) -> Any:
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(context.run, act, *arguments))


def _nothing() -> None:
    """There is nothing to close."""


def environ_of(scope: MutableMapping[str, Any], body: IO[bytes], size: int | None) -> dict[str, Any]:
    """Return the WSGI environment of a request (PEP 3333: texts are bytes read as Latin-1)."""
    host, port = scope.get("server") or ("localhost", 80)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": (scope.get("client") or ("", 0))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        # With an underscore it could pass for another one, which only our proxies may set.
        if b"_" not in name:
            _add_header(environ, name.decode("latin-1"), value.decode("latin-1"))
    if size is not None:
        environ["CONTENT_LENGTH"] = str(size)
    return environ


def _add_header(environ: dict[str, Any], name: str, value: str) -> None:
    key = name.upper().replace("-", "_")
    if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
        key = f"HTTP_{key}"
    if key in environ:
        value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
    environ[key] = value
