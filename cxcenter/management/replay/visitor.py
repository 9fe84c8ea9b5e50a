"""A visitor's page: the widget's protocol of docs/widget.md."""

import asyncio
import uuid
from typing import Any

from cxcenter.management.replay.copy import Copy, Kept
from cxcenter.management.replay.wire import Errand, Line, Wire

API = "/widget/api/"
CHECK_S = 30.0


class Visitor:
    """One page of one visitor, from the opened chat to the rating."""

    def __init__(self, wire: Wire, site: str, language: str) -> None:
        self._site, self._token, self._tab = site, "", str(uuid.uuid4())
        self._http = wire.caller({"Accept-Language": language})
        self._line = Line(wire, "/ws/visitor/", greet=self._greet, hear=self._hear)
        self._checks = Errand(wire, self._check, every_s=CHECK_S)
        self._marks = Errand(wire, self._mark, every_s=CHECK_S)
        self._told_seq = 0
        self.copy = Copy()
        self.state: dict[str, Any] = {}
        # An operator has joined; the session has ended.
        self.joined, self.closed = asyncio.Event(), asyncio.Event()

    async def open(self) -> dict[str, Any]:
        """Open the chat; returns what the form asks and whether the door is open."""
        return await self._post("session", {"site": self._site, "token": self._token})

    async def start(self, text: str, key: str, form: dict[str, Any]) -> None:
        """Send the form and the first message."""
        self._place(await self._post("start", {"text": text, "key": key, **form}))

    async def stay(self) -> None:
        """Keep the page open until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for part in (self._line.run(), self._checks.run(), self._marks.run()):
                tasks.create_task(part)

    async def say(self, text: str, key: str) -> None:
        """Send a message."""
        self._place(await self._post("messages", {"text": text, "key": key}))

    async def type(self) -> None:
        """Show that he is typing."""
        await self._line.tell({"kind": "typing"})

    async def rate(self, csat: int | None, ces: int | None) -> bool:
        """Rate the ended session; False if it does not ask for it."""
        await self._check()
        if not self.state.get("rate"):
            return False
        await self._post("rating", {"session": self.state["session"], "csat": csat, "ces": ces})
        return True

    async def leave(self) -> None:
        """End the talk oneself."""
        await self._post("end", {})

    def _greet(self) -> dict[str, Any]:
        return {"token": self._token, "tab": self._tab}

    def _hear(self, said: dict[str, Any]) -> None:
        match said["kind"]:
            case "hello":
                self._checks.want()
            case "message" | "marks" as kind:
                is_next = self.copy.takes(said["changed"])
                if is_next is None:
                    self._checks.want()
                elif is_next and kind == "message":
                    self._keep(said["message"], "push")

    async def _check(self) -> None:
        """Ask what changed since the last number known: the gap check."""
        more = True
        while more:
            answer = await self._http.call(
                "GET", f"{API}changes", params={"after": self.copy.number}, headers=self._who()
            )
            told = self._take(answer)
            for message in told["messages"]:
                self._keep(message, "check")
            self.copy.caught_up(told["changed"])
            self.state, more = told["state"], told["more"]

    async def _mark(self) -> None:
        """Tell how far he has read, if that is news."""
        seq = self.copy.last_seq
        if seq > self._told_seq:
            await self._post("marks", {"got": seq, "read": seq})
            self._told_seq = seq

    def _place(self, stored: dict[str, Any]) -> None:
        self._keep(stored["message"], "own")

    def _keep(self, message: dict[str, Any], came: str) -> None:
        is_new = message["id"] not in self.copy.messages
        self.copy.put(Kept(message["id"], message["seq"], message["changed"], message["key"], message["text"], came))
        match message["code"]:
            case "joined":
                self.joined.set()
            case "closed":
                self.closed.set()
        if is_new and message["author"] == "staff":
            self._marks.want()

    async def _post(self, name: str, data: dict[str, Any]) -> dict[str, Any]:
        return self._take(await self._http.call("POST", f"{API}{name}", json=data, headers=self._who()))

    def _who(self) -> dict[str, str]:
        return {"Authorization": f"Visitor {self._token}"} if self._token else {}

    def _take(self, answer: Any) -> dict[str, Any]:
        told: dict[str, Any] = answer.json()
        self._token = answer.headers.get("X-CX-Token") or told.get("token") or self._token
        return told
