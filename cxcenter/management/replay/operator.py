"""An operator's page: the desk, as its scripts speak with the center."""

import asyncio
import html
import json
import re
import uuid
from collections.abc import Callable
from typing import Any, Protocol

import httpx

from cxcenter.management.replay.copy import Copy, Kept
from cxcenter.management.replay.wire import Caller, Errand, Line, Refused, Wire

CHECK_S = 10.0
SIGN_IN_S = 60.0
# A page asks for its parts after each signal; so many pages in one process ask now and then.
PARTS_REST_S = 5.0
MESSAGE = re.compile(
    r'class="cx-msg [^"]*" id="m-(\d+)"[^>]* data-seq="(\d+)" data-thread="(\d+)"[^>]* data-key="([^"]*)"'
    r'.*?class="txt[^>]*>(.*?)</span>',
    re.DOTALL,
)
WATCH = re.compile(r'<script id="watch" type="application/json">(.*?)</script>')
TOAST = re.compile(r'data-offer="(\d+)".*?data-offer-name="([^"]*)"', re.DOTALL)
MODE = re.compile(r'data-current="(\w+)"')
ROW = re.compile(r'data-open="(\d+)"')
TAG = re.compile(r"<[^>]+>")


class Script(Protocol):
    """The talk that an operator plays his part of."""

    def taken(self, operator: "Operator", session: int, thread: int) -> None:
        """The operator holds its session now."""


def plain(shown: str) -> str:
    """Return the text of a rendered message."""
    return html.unescape(TAG.sub("", shown.replace("<br>", "\n")))


class Operator:
    """One desk. `wants` tells by the name in the toast whether to accept; `script_of` finds a talk by its keys."""

    def __init__(
        self,
        wire: Wire,
        username: str,
        password: str,
        *,
        wants: Callable[[str], bool],
        script_of: Callable[[str], Script | None],
    ) -> None:
        self.username, self._password = username, password
        self._wire, self._wants, self._script_of = wire, wants, script_of
        self._http: Caller = wire.caller({"Accept": "text/html"})
        self._tab = str(uuid.uuid4())
        self.copies: dict[int, Copy] = {}
        self._line = Line(wire, "/ws/desk/", greet=self._greet, hear=self._hear, headers=self._cookie)
        self._watches = Errand(wire, self._watch, every_s=CHECK_S)
        self._checks = Errand(wire, self._check, every_s=CHECK_S)
        self._offers = Errand(wire, self._answer_offers, every_s=CHECK_S)
        self._parts = Errand(wire, self._look, every_s=CHECK_S, rest_s=PARTS_REST_S)
        self._reads = Errand(wire, self._read_all, every_s=CHECK_S)
        self._unread: dict[int, int] = {}
        self._sessions: dict[int, int] = {}

    async def sign_in(self) -> None:
        """Sign in by the page. Raises Refused if name and password do not fit."""
        await self._http.call("GET", "/sign-in/")
        form = {"username": self.username, "password": self._password}
        headers = {"X-CSRFToken": self._http.cookies.get("csrftoken") or ""}
        answer = await self._http.call("POST", "/sign-in/", data=form, headers=headers, timeout=SIGN_IN_S)
        if not answer.is_redirect:
            raise Refused(answer.status_code, "sign_in", f"{self.username} cannot sign in")

    async def work(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for part in (self._line, self._watches, self._checks, self._offers, self._parts, self._reads):
                tasks.create_task(part.run())

    async def rest(self) -> None:
        """End the shift; what is open goes back to the queue."""
        await self._post("/desk/goodbye/", {"tab": self._tab})
        await self._post("/desk/presence/", {"mode": "offline", "move": "1"})

    async def say(self, session: int, thread: int, text: str, key: str) -> None:
        """Reply in a session. Raises Refused, with code "not_owner" if it is in his hands no more."""
        values = {"text": text, "key": key, "after": str(self.copies[thread].last_seq)}
        stored = (await self._post(f"/desk/s/{session}/messages/", values)).json()
        self._put(thread, stored, "own")

    async def type(self, thread: int) -> None:
        """Show that he is typing."""
        await self._line.tell({"kind": "typing", "thread": thread})

    async def finish(self, session: int) -> None:
        """End the talk."""
        await self._once(f"/desk/s/{session}/finish/", {})

    async def wrap_up(self, session: int, outcome: int | None, *, solved: bool) -> None:
        """Choose the outcome and put the session away."""
        values = {"disposition": str(outcome or ""), "solved": "1" if solved else ""}
        await self._once(f"/desk/s/{session}/wrap-up/", values)

    def forget(self, thread: int) -> None:
        """The talk of a thread is over, here or at another desk."""
        self.copies.pop(thread, None)
        self._sessions.pop(thread, None)
        self._unread.pop(thread, None)

    async def _once(self, path: str, values: dict[str, str]) -> None:
        try:
            await self._post(path, values)
        except Refused as error:
            # The answer to the first try was lost on the way: it is done.
            if error.code != "not_owner":
                raise

    async def _post(self, path: str, values: dict[str, str]) -> httpx.Response:
        headers = {"X-CSRFToken": self._http.cookies.get("csrftoken") or ""}
        return self._own(await self._http.call("POST", path, data=values, headers=headers))

    async def _get(self, path: str) -> str:
        return self._own(await self._http.call("GET", path, headers={"HX-Request": "true"})).text

    def _own(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_redirect:
            raise Refused(answer.status_code, "signed_out", f"{self.username} is signed out")
        return answer

    # --- The line ---

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._http.cookies.jar)}

    def _greet(self) -> dict[str, Any]:
        return {"kind": "hello", "tab": self._tab}

    def _hear(self, said: dict[str, Any]) -> None:
        match said["kind"]:
            case "hello":
                self._watches.want()
                self._offers.want()
                self._parts.want()
            case "watching":
                self._checks.want()
            case "offer":
                self._offers.want()
            case "signal":
                self._parts.want()
            case "message" | "marks" as kind:
                self._take(kind, said)

    def _take(self, kind: str, said: dict[str, Any]) -> None:
        copy = self.copies.get(said["thread"])
        if copy is None:
            return
        is_next = copy.takes(said["changed"])
        if is_next is None:
            self._checks.want()
        elif is_next and kind == "message":
            self._put(said["thread"], said["message"], "push")

    def _put(self, thread: int, message: dict[str, Any], came: str) -> None:
        if thread not in self.copies:
            # Its talk has ended while the answer was on the way.
            return
        found = MESSAGE.search(message["html"])
        text = plain(found[5]) if found else ""
        kept = Kept(message["id"], message["seq"], message["changed"], message["key"], text, came)
        self.copies[thread].put(kept)
        if came != "own" and found:
            self._unread[thread] = kept.seq
            self._reads.want()

    # --- What pushes cause ---

    async def _watch(self) -> None:
        await self._line.tell({"kind": "watch", "threads": list(self._sessions)})

    async def _check(self) -> None:
        """Ask what changed in the threads on the desk: the gap check."""
        known = list(self._sessions)
        if not known:
            return
        asked = ",".join(f"{thread}:{self.copies[thread].number}" for thread in known)
        answer = await self._http.call("GET", "/desk/changes/", params={"threads": asked})
        for key, told in answer.json()["threads"].items():
            for message in told["messages"]:
                self._put(int(key), message, "check")
            if int(key) in self.copies:
                self.copies[int(key)].caught_up(told["changed"])
            if told["more"]:
                self._checks.want()

    async def _read_all(self) -> None:
        """Note what was read, session by session."""
        while self._unread:
            thread, seq = self._unread.popitem()
            if thread in self._sessions:
                await self._post(f"/desk/s/{self._sessions[thread]}/read/", {"seq": str(seq)})

    async def _answer_offers(self) -> None:
        offers = TOAST.findall(await self._get("/desk/offers/"))
        await asyncio.gather(*(self._answer(leg, html.unescape(name)) for leg, name in offers))

    async def _answer(self, leg: str, name: str) -> None:
        wanted = self._wants(name)
        try:
            told = await self._post(f"/desk/offers/{leg}/{'accept' if wanted else 'decline'}/", {})
        except Refused as error:
            # It ran out or its visitor left while we looked.
            self._wire.troubles[f"offer {error.code}"] += 1
            return
        if wanted:
            await self._open(**told.json())

    async def _open(self, session: int, thread: int) -> None:
        """Open a session's page and begin to play the talk that its messages belong to."""
        page = await self._get(f"/desk/s/{session}/")
        watched = WATCH.search(page)
        numbers = json.loads(watched[1]) if watched else {}
        copy = self.copies[thread] = Copy(int(numbers.get(str(thread), 0)))
        self._sessions[thread] = session
        script = None
        for ident, seq, of_thread, key, text in MESSAGE.findall(page):
            if int(of_thread) == thread:
                copy.put(Kept(int(ident), int(seq), 0, key, plain(text), "page"))
                script = script or self._script_of(key)
        self._unread[thread] = copy.last_seq
        self._reads.want()
        self._watches.want()
        if script is None:
            await self._put_away(session)
        else:
            script.taken(self, session, thread)

    async def _look(self) -> None:
        """Look at his own state: whom the center has taken for absent, or who has just come, says that he is here."""
        mode = MODE.search(await self._get("/desk/parts/"))
        if mode and mode[1] != "available":
            await self._post("/desk/presence/", {"mode": "available"})
            self._wire.troubles["not available"] += 1

    async def arrive(self) -> None:
        """Put away what an earlier replay has left on this desk, and be available."""
        for session in sorted(set(ROW.findall(await self._get("/desk/parts/")))):
            await self._put_away(int(session))
        await self._post("/desk/presence/", {"mode": "available"})

    async def _put_away(self, session: int) -> None:
        await self._once(f"/desk/s/{session}/spam/", {})
