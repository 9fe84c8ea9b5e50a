"""The manager interface on the wire: messages of `Key: value` lines, each ended by an empty one. No Django here.

What cannot be read is skipped and counted: one strange message never costs those that follow.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

BANNER = b"Asterisk Call Manager/"
MOST_BYTES = 256 * 1024  # of one message; the largest of a real server are a few KB
MOST_LINES = 2000
_LINE = b"\r\n"
_END = b"\r\n\r\n"
# How servers before version 14 end the output of a command.
_END_OF_OUTPUT = "--END COMMAND--"


@dataclass(frozen=True, slots=True)
class Message:
    """What the server says at once. Keys are in lower case: their case differs between events and versions.

    Of a key that is repeated, `fields` has the last value; `output` has all lines that a command has printed.
    """

    fields: Mapping[str, str]
    output: tuple[str, ...] = ()

    def get(self, key: str) -> str:
        """Return a field, empty if it is absent. `key` is in lower case."""
        return self.fields.get(key, "")

    @property
    def event(self) -> str:
        """Return the event's name; empty if it is an answer."""
        return self.fields.get("event", "")

    @property
    def action_id(self) -> str:
        """Return which action it answers; empty if none."""
        return self.fields.get("actionid", "")

    @property
    def is_success(self) -> bool:
        """Tell whether an answer says that it was done."""
        return self.get("response").lower() in ("success", "goodbye", "follows")


@dataclass
class Reader:
    """Messages from bytes, in whatever pieces these come. `errors` counts what was skipped, by its kind."""

    version: str = ""
    errors: Counter[str] = field(default_factory=Counter)
    _buffer: bytearray = field(default_factory=bytearray)
    _greeted: bool = False
    _skipping: bool = False

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes; return the messages that they complete."""
        self._buffer += data
        if not self._greeted and not self._greet():
            return []
        found = []
        # An end may lie across the border of two pieces; what was searched before is not searched again.
        start, search = 0, max(len(self._buffer) - len(data) - len(_END), 0)
        while (end := self._buffer.find(_END, search)) >= 0:
            block = bytes(self._buffer[start:end])
            start = search = end + len(_END)
            if self._skipping:
                self._skipping = False
            elif message := self._read(block):
                found.append(message)
        del self._buffer[:start]
        if len(self._buffer) > MOST_BYTES:
            if not self._skipping:
                self.errors["too_long"] += 1
            self._skipping = True
            del self._buffer[: -len(_END) + 1]
        return found

    def _greet(self) -> bool:
        """Read the first line, which is no message; return whether it has come."""
        end = self._buffer.find(_LINE)
        if end < 0:
            if len(self._buffer) > MOST_BYTES:
                self.errors["no_banner"] += 1
                self._greeted = self._skipping = True
            return self._greeted
        self._greeted = True
        line = bytes(self._buffer[:end])
        if line.startswith(BANNER):
            self.version = line.removeprefix(BANNER).decode(errors="replace").strip()
            del self._buffer[: end + len(_LINE)]
        else:
            self.errors["no_banner"] += 1
        return True

    def _read(self, block: bytes) -> Message | None:
        if len(block) > MOST_BYTES:
            self.errors["too_long"] += 1
            return None
        try:
            text = block.decode()
        except UnicodeDecodeError:
            self.errors["not_utf8"] += 1
            text = block.decode(errors="replace")
        lines = text.strip("\r\n").split("\r\n")
        if len(lines) > MOST_LINES:
            self.errors["too_long"] += 1
            return None
        fields, output = self._split(lines)
        if not {"event", "response"} & fields.keys():
            self.errors["nameless"] += 1
            return None
        return Message(fields, tuple(output))

    def _split(self, lines: list[str]) -> tuple[dict[str, str], list[str]]:
        fields: dict[str, str] = {}
        output: list[str] = []
        for line in lines:
            key, colon, value = line.partition(":")
            if fields.get("response") == "Follows" and (not colon or _END_OF_OUTPUT in line or "\n" in line):
                output += line.removesuffix(_END_OF_OUTPUT).splitlines()
            elif not colon:
                self.errors["no_colon"] += 1
            elif key.lower() == "output":
                output.append(value.removeprefix(" "))
            else:
                fields[key.strip().lower()] = value.strip()
        return fields, output


def write(name: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """Return an action as bytes. Raises ValueError if a line break would smuggle another action in."""
    lines = [f"{key}: {value}" for key, value in (("Action", name), *fields)]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError(f"a field of {name} has a line break in it; take it out")
    return "\r\n".join([*lines, "", ""]).encode()
