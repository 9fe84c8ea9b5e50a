"""A small server that speaks the manager interface as an Asterisk does: banner, challenge, answers, lists, events."""

import asyncio
import contextlib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.ami_pbx import Pbx, block

Fields = list[tuple[str, str]]
CHALLENGE = "840415273"


@dataclass
class AmiServer:
    """The server of a `Pbx`. `asked` are the actions that came; `refuses` and `ignores` name those without a success."""

    pbx: Pbx
    username: str = "cx"
    secret: str = "s3cret"
    port: int = 0
    piece: int = 7
    members: list[Fields] = field(default_factory=list)
    waiting: list[tuple[str, int]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    ignores: set[str] = field(default_factory=set)
    logins: int = 0
    deaf: bool = False
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        """Listen; again at the same port after a death."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def die(self) -> None:
        """Go away in the middle of whatever it is, as a process that is killed."""
        if self._server:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def play(self, *, cut: int = 0) -> None:
        """Tell all what the switch has said since the last time, the last bytes of it perhaps cut off."""
        data = b"".join(map(block, self.pbx.take()))
        for writer in self._writers:
            await self._write(writer, data[: len(data) - cut])

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Write in pieces that keep to no border of messages."""
        for start in range(0, len(data), self.piece):
            writer.write(data[start : start + self.piece])
        await writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/5.0.2\r\n")
        logged_in = False
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while text := (await reader.readuntil(b"\r\n\r\n")).decode():
                action = dict(line.split(": ", 1) for line in text.strip().split("\r\n"))
                self.asked.append(action)
                name = action["Action"]
                if self.deaf or name in self.ignores:
                    continue
                if name == "Login":
                    logged_in = await self._log_in(writer, action)
                elif name == "Challenge":
                    await self._answer(writer, action, Challenge=CHALLENGE)
                elif not logged_in:
                    await self._answer(writer, action, "Error", Message="Permission denied")
                else:
                    await self._do(writer, action)
        self._writers.discard(writer)
        writer.close()

    async def _log_in(self, writer: asyncio.StreamWriter, action: dict[str, str]) -> bool:
        key = hashlib.md5(f"{CHALLENGE}{self.secret}".encode()).hexdigest()
        if (action.get("Username"), action.get("Key")) != (self.username, key):
            await self._answer(writer, action, "Error", Message="Authentication failed")
            return False
        self.logins += 1
        await self._answer(writer, action, Message="Authentication accepted")
        await self._write(
            writer, block([("Event", "FullyBooted"), ("Privilege", "system,all"), ("Status", "Fully Booted")])
        )
        self._writers.add(writer)
        return True

    async def _do(self, writer: asyncio.StreamWriter, action: dict[str, str]) -> None:
        name = action["Action"]
        if name in self.refuses:
            await self._answer(writer, action, "Error", Message="No such channel")
        elif name == "CoreShowChannels":
            await self._list(writer, action, "CoreShowChannelsComplete", self._channels())
        elif name == "QueueStatus":
            await self._list(writer, action, "QueueStatusComplete", [*self.members, *self._entries()])
        elif name == "Ping":
            await self._answer(writer, action, Ping="Pong", Timestamp="1700000000.000000")
        else:
            await self._answer(writer, action, Message=f"{name} queued")

    async def _answer(
        self, writer: asyncio.StreamWriter, action: dict[str, str], word: str = "Success", **more: str
    ) -> None:
        await self._write(writer, block([("Response", word), ("ActionID", action.get("ActionID", "")), *more.items()]))

    async def _list(
        self, writer: asyncio.StreamWriter, action: dict[str, str], ends: str, items: Iterable[Fields]
    ) -> None:
        number = ("ActionID", action["ActionID"])
        items = list(items)
        await self._answer(writer, action, EventList="start", Message="will follow")
        for item in items:
            await self._write(writer, block([item[0], number, *item[1:]]))
        last = [("Event", ends), number, ("EventList", "Complete"), ("ListItems", str(len(items)))]
        await self._write(writer, block(last))

    def _channels(self) -> list[Fields]:
        found = []
        for line in self.pbx.lines.values():
            age = int(self.pbx.now - int(line.unique.split(".")[0]))
            rest = [("BridgeId", line.bridge), ("Duration", f"{age // 3600:02}:{age // 60 % 60:02}:{age % 60:02}")]
            found.append([("Event", "CoreShowChannel"), *line.snapshot(), *rest])
        return found

    def _entries(self) -> list[Fields]:
        lines = self.pbx.lines
        return [
            [
                ("Event", "QueueEntry"),
                ("Queue", "sales"),
                ("Position", "1"),
                ("Channel", lines[one].name),
                ("Uniqueid", one),
                ("Wait", str(wait)),
            ]
            for one, wait in self.waiting
        ]
