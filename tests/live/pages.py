"""Models of the pages: what a browser tab keeps and asks, by the rules of docs/widget.md and static/cx/desk/log.js.

A page has a socket for pushes and asks over HTTP. A push with the next change number is taken, any other number
means that something was missed; the page then asks what changed after the last number it has. It asks as well
when its socket is back and from time to time. All that comes in is kept as it came, to be searched for secrets.
"""

import json
import logging
import random
import re
import socket
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

logging.getLogger("httpx").setLevel(logging.WARNING)
# Browsers ask every 20–30 s; here a lost push is repaired sooner, so that the test is short.
CHECK_S = 2.0
LOST = (OSError, WebSocketException, httpx.TransportError)


class Away(Exception):
    """The server did not do it: the same is sent again."""


class Refused(Exception):
    """The server will not do it."""


@dataclass
class Copy:
    """A message as a page has it."""

    seq: int
    changed: int
    text: str
    withdrawn: bool


class Page(threading.Thread):
    """One tab. Its copy is touched by its own thread alone until that has ended."""

    def __init__(self, url: str, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self.url, self.over = url, over
        self.http = httpx.Client(base_url=url, timeout=5)
        self.line: ClientConnection | None = None
        self.came: list[str] = []
        self.drops = self.checks = self.gaps = self.pushed = 0
        self.tab = str(uuid.uuid4())
        self.checked_at = 0.0
        self.faults: list[str] = []

    # --- The line ---

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self._listen()
            except LOST:
                self.over.wait(0.2)
            except Exception as error:
                self.faults.append(repr(error))
                return

    def _listen(self) -> None:
        with connect(**self.address(), open_timeout=5, close_timeout=0.5, max_size=None) as self.line:
            self.greet()
            while not self.over.is_set():
                try:
                    frame = str(self.line.recv(timeout=0.2))
                except TimeoutError:
                    frame = ""
                if frame:
                    self.came.append(frame)
                    self.hear(json.loads(frame))
                if time.monotonic() - self.checked_at > CHECK_S:
                    self.check()

    def say(self, message: dict[str, Any]) -> None:
        assert self.line is not None
        self.line.send(json.dumps(message))

    def drop(self) -> None:
        """Let the line break, without a word to the other side."""
        line = self.line
        if line is not None:
            self.drops += 1
            try:
                line.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                return

    # --- HTTP ---

    def ask(self, method: str, path: str, **said: Any) -> Any:
        """Return the JSON of an answer. Raises Away if it has to be sent again, Refused for a refusal."""
        try:
            answer = self.http.request(method, path, **said)
        except httpx.TransportError as error:
            raise Away(str(error)) from None
        self.came.append(answer.text)
        if answer.status_code == 429:
            time.sleep(min(1.0, answer.json().get("retry_after", 1)))
        if answer.status_code >= 500 or answer.status_code == 429:
            raise Away(answer.text[:200])
        if answer.status_code >= 300:
            raise Refused(f"{path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.text else None

    def insist(self, method: str, path: str, **said: Any) -> Any:
        """Send the same until it is done, as an outbox does."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                return self.ask(method, path, **said)
            except Away as away:
                last = away
                time.sleep(0.1)
        raise TimeoutError(f"{path}: {last}")

    def check(self) -> None:
        """Ask what was missed; while the line is away that is left to the next time."""
        self.checked_at = time.monotonic()
        try:
            self.catch_up()
            self.checks += 1
        except Away:
            return

    def address(self) -> dict[str, Any]:
        raise NotImplementedError

    def greet(self) -> None:
        raise NotImplementedError

    def hear(self, said: dict[str, Any]) -> None:
        raise NotImplementedError

    def catch_up(self) -> None:
        raise NotImplementedError

    def ws(self, path: str) -> str:
        return self.url.replace("http", "ws") + path


class Visitor(Page):
    """The chat in a visitor's browser."""

    def __init__(self, url: str, over: threading.Event, site: str, name: str, *, begin: bool = True) -> None:
        super().__init__(url, over)
        self.site, self.person = site, name
        self.messages: dict[int, Copy] = {}
        self.marks: dict[str, int] = {}
        self.known = 0
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.token = self.insist("POST", "/widget/api/session", json={"site": site})["token"]
        if begin:
            self.post("start", {"text": f"{name} 0", "key": str(uuid.uuid4()), "name": name})

    def ask(self, method: str, path: str, **said: Any) -> Any:
        token = getattr(self, "token", "")
        return super().ask(method, path, headers={"Authorization": f"Visitor {token}"} if token else {}, **said)

    def post(self, name: str, data: dict[str, Any]) -> Any:
        """Write once, and keep the request for those who would send it again."""
        self.requests.append((name, data))
        answer = self.insist("POST", f"/widget/api/{name}", json=data)
        if name == "start":
            self.token = self.insist("POST", "/widget/api/session", json={"site": self.site, "token": self.token})[
                "token"
            ]
        return answer

    def write(self, text: str) -> None:
        self.post("messages", {"text": text, "key": str(uuid.uuid4())})

    def address(self) -> dict[str, Any]:
        return {"uri": self.ws("/ws/visitor/"), "origin": self.url}

    def greet(self) -> None:
        self.say({"token": self.token, "tab": self.tab})

    def hear(self, said: dict[str, Any]) -> None:
        match said["kind"]:
            case "hello":
                self.check()
            case "message":
                self._take(said["changed"], lambda: self._place(said["message"]))
            case "marks":
                self._take(said["changed"], lambda: self.marks.update(said["marks"]))

    def _take(self, number: int, apply: Any) -> None:
        if number > self.known + 1:
            self.gaps += 1
            self.check()
        elif number == self.known + 1:
            self.known = number
            self.pushed += 1
            apply()

    def _place(self, message: dict[str, Any]) -> None:
        old = self.messages.get(message["id"])
        if old is None or old.changed < message["changed"]:
            new = Copy(message["seq"], message["changed"], message["text"] or message["code"], message["withdrawn"])
            self.messages[message["id"]] = new

    def catch_up(self) -> None:
        more = True
        while more:
            answer = self.ask("GET", "/widget/api/changes", params={"after": self.known})
            for message in answer["messages"]:
                self._place(message)
            self.marks.update(answer["marks"])
            self.known = max(self.known, answer["changed"])
            more = answer["more"]
        last = max((copy.seq for copy in self.messages.values()), default=0)
        if last > self.marks.get("customer_read", 0):
            self.ask("POST", "/widget/api/marks", json={"got": last, "read": last})


class Desk(Page):
    """A desk in a colleague's browser: all threads that he watches."""

    def __init__(self, url: str, over: threading.Event, username: str, sessions: dict[int, int]) -> None:
        super().__init__(url, over)
        self.sessions = sessions  # thread → session
        self.messages: dict[int, dict[int, Copy]] = {thread: {} for thread in sessions}
        self.marks: dict[int, dict[str, int]] = {thread: {} for thread in sessions}
        self.known = dict.fromkeys(sessions, 0)
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.owner = False
        page = self.http.get("/sign-in/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token
        form = {"username": username, "password": "demo", "csrfmiddlewaretoken": token[1]}
        assert self.http.post("/sign-in/", data=form).status_code == 302

    def post(self, path: str, **data: Any) -> Any:
        headers = {"X-CSRFToken": self.http.cookies["csrftoken"]}
        return self.insist("POST", path, data=data, headers=headers)

    def write(self, thread: int, text: str, *, note: bool = False) -> dict[str, Any]:
        data = {"text": text, "key": str(uuid.uuid4()), "note": "1" if note else ""}
        path = f"/desk/s/{self.sessions[thread]}/messages/"
        self.requests.append((path, data))
        return self.post(path, **data)

    def withdraw(self, message: int) -> None:
        """Take back; after an outage it may be too late, which is an answer too."""
        with suppress(Refused):
            self.post(f"/desk/messages/{message}/withdraw/")

    def address(self) -> dict[str, Any]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        return {"uri": self.ws("/ws/desk/"), "origin": self.url, "additional_headers": {"Cookie": cookies}}

    def greet(self) -> None:
        self.say({"kind": "hello", "tab": self.tab})
        self.say({"kind": "watch", "threads": list(self.sessions)})

    def hear(self, said: dict[str, Any]) -> None:
        match said["kind"]:
            case "watching":
                self.check()
            case "message":
                thread = said["thread"]
                self._take(thread, said["changed"], lambda: self._place(thread, said["message"]))
            case "marks":
                thread = said["thread"]
                self._take(thread, said["changed"], lambda: self.marks[thread].update(said["marks"]))

    def _take(self, thread: int, number: int, apply: Any) -> None:
        if number > self.known[thread] + 1:
            self.gaps += 1
            self.check()
        elif number == self.known[thread] + 1:
            self.known[thread] = number
            self.pushed += 1
            apply()

    def _place(self, thread: int, message: dict[str, Any]) -> None:
        old = self.messages[thread].get(message["id"])
        if old is None or old.changed < message["changed"]:
            gone = "gone" in message["html"].split(">", 1)[0]
            words = re.search(r'<span class="txt[^"]*">(.*?)</span>', message["html"], re.DOTALL)
            text = words[1] if words else ""
            self.messages[thread][message["id"]] = Copy(message["seq"], message["changed"], "" if gone else text, gone)

    def catch_up(self) -> None:
        more = True
        while more:
            asked = ",".join(f"{thread}:{number}" for thread, number in self.known.items())
            more = False
            for key, answer in self.ask("GET", "/desk/changes/", params={"threads": asked})["threads"].items():
                thread = int(key)
                for message in answer["messages"]:
                    self._place(thread, message)
                self.marks[thread].update(answer["marks"])
                self.known[thread] = max(self.known[thread], answer["changed"])
                more = more or answer["more"]
        if self.owner:
            self._read()

    def _read(self) -> None:
        """Tell up to where the operator has read, as an open session does."""
        for thread, messages in self.messages.items():
            last = max((copy.seq for copy in messages.values()), default=0)
            if last > self.marks[thread].get("staff_read", 0):
                headers = {"X-CSRFToken": self.http.cookies["csrftoken"]}
                path = f"/desk/s/{self.sessions[thread]}/read/"
                self.ask("POST", path, data={"seq": last}, headers=headers)


def drop_at_random(pages: list[Page], over: threading.Event, seed: int) -> None:
    """Break lines now and then."""
    chance = random.Random(seed)
    while not over.wait(chance.uniform(0.2, 0.8)):
        chance.choice(pages).drop()
