"""The way from the server to Django and back: whole requests in, whole answers out."""

import asyncio
import threading

import pytest
from django.http import FileResponse

from cxcenter.pages import Pages

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/потоки/",
    "query_string": b"a=1",
    "http_version": "1.1",
    "scheme": "http",
    "server": ("localhost", 8000),
    "client": ("10.0.0.1", 5),
}


def ask(application, *pieces, headers=(), body_bytes=1000, disconnects=False):
    """Send a request in pieces; return what the server was told to send."""
    told = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    told.append(
        {"type": "http.disconnect"} if disconnects else {"type": "http.request", "body": b"", "more_body": False}
    )
    sent = []

    async def receive():
        return told.pop(0)

    async def send(message):
        sent.append(message)

    pages = Pages(application, threads=2, body_bytes=body_bytes)
    asyncio.run(pages({**SCOPE, "headers": list(headers)}, receive, send))
    return sent, told


def echo(environ, start):
    start("201 Created", [("X-Kind", environ.get("HTTP_X_KIND", "")), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    return [environ["PATH_INFO"].encode("latin-1"), b" ", environ["wsgi.input"].read()]


def test_request_and_answer_are_whole():
    sent, _left = ask(echo, b"one ", b"two", headers=[(b"x-kind", b"letter")])
    start, body = sent
    assert start["status"] == 201
    assert start["headers"] == [(b"x-kind", b"letter"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    assert body["body"].decode() == "/потоки/ one two"


def test_a_header_cannot_pass_for_another():
    sent, _left = ask(echo, headers=[(b"x_kind", b"forged")])
    assert sent[0]["headers"][0] == (b"x-kind", b"")


def test_cookies_of_two_lines_are_one_list():
    def cookies(environ, start):
        start("200 OK", [])
        return [environ["HTTP_COOKIE"].encode()]

    sent, _left = ask(cookies, headers=[(b"cookie", b"a=1"), (b"cookie", b"b=2")])
    assert sent[1]["body"] == b"a=1; b=2"


def test_a_body_that_names_its_size_too_large_is_refused_by_its_page_unread():
    def page(environ, start):
        assert environ["CONTENT_LENGTH"] == "5000" and environ["wsgi.input"].read() == b""
        start("413 Too Large", [])
        return [b"says why"]

    sent, left = ask(page, b"x" * 800, headers=[(b"content-length", b"5000")])
    assert sent[0]["status"] == 413 and (b"connection", b"close") in sent[0]["headers"]
    assert sent[1]["body"] == b"says why" and len(left) == 2


def test_a_body_that_names_no_size_is_cut_off_at_the_limit():
    called = []
    sent, left = ask(lambda *_: called.append(1), b"x" * 800, b"x" * 800, b"x" * 800)
    assert sent[0]["status"] == 413 and not called and len(left) == 2


def test_who_leaves_while_sending_reaches_no_page():
    called = []
    sent, _left = ask(lambda *_: called.append(1), b"half", disconnects=True)
    assert not sent and not called


def test_a_stream_goes_out_piece_by_piece_and_is_closed(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10_000)
    opened = path.open("rb")

    def page(_environ, start):
        start("200 OK", [])
        return FileResponse(opened)

    sent, _left = ask(page)
    assert b"".join(message["body"] for message in sent[1:]) == b"x" * 10_000
    assert len(sent) > 3 and not sent[-1].get("more_body") and opened.closed


def test_an_error_of_the_application_reaches_the_server():
    def page(_environ, _start):
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        ask(page)


def test_pages_run_in_threads_of_their_own():
    names = []

    def page(_environ, start):
        names.append(threading.current_thread().name)
        start("200 OK", [])
        return []

    ask(page)
    assert names[0].startswith("page")
