"""Talks to play: one JSON object a line, plain or gzipped. docs/bench.md describes the format."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SAMPLE = Path(__file__).with_name("sample.jsonl")
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


class BadFile(Exception):
    """The file cannot be played; the message says where and why."""


@dataclass(frozen=True)
class Said:
    """One message: by whom, how many seconds after the beginning of the talk, and what."""

    by_customer: bool
    after_s: float
    text: str


@dataclass(frozen=True)
class Talk:
    """One talk from the customer's first message on, and what he said of it afterwards (None: nothing)."""

    ident: str
    topics: tuple[str, ...]
    said: tuple[Said, ...]
    resolved: bool | None
    helpful: bool | None

    @property
    def language(self) -> str:
        """The language of the customer: "ru" or "en"."""
        return "ru" if CYRILLIC.search(self.said[0].text) else "en"

    @property
    def lasts_s(self) -> float:
        """Seconds from the first message to the last."""
        return self.said[-1].after_s

    @property
    def csat(self) -> int | None:
        """The closing answers as satisfaction, 1 to 5."""
        if self.helpful is None:
            return None
        return (5 if self.helpful else 2) - (self.resolved is False)

    @property
    def ces(self) -> int | None:
        """The closing answers as ease, 1 to 7."""
        return None if self.resolved is None else (6 if self.resolved else 2)


def read(path: Path, limit: int | None = None) -> list[Talk]:
    """Return the first `limit` talks of a file, or all. Raises BadFile."""
    talks: list[Talk] = []
    try:
        for number, line in enumerate(_lines(path), start=1):
            if limit is not None and len(talks) >= limit:
                break
            if line.strip():
                talks.append(_talk(line, f"{path}, line {number}"))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadFile(f"{path} cannot be read: {error}") from None
    if not talks:
        raise BadFile(f"{path} has no talks")
    return talks


def _lines(path: Path) -> Iterator[str]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from file
    else:
        with path.open(encoding="utf-8") as file:
            yield from file


def _talk(line: str, where: str) -> Talk:
    try:
        row: dict[str, Any] = json.loads(line)
        first = row["messages"][0]
        said = tuple(
            Said(
                by_customer=m["from"] == "customer",
                after_s=max(0.0, float(m["at"]) - float(first["at"])),
                text=m["text"],
            )
            for m in row["messages"]
            if m["text"].strip()
        )
        talk = Talk(str(row["id"]), tuple(row.get("topics", ())), said, row.get("resolved"), row.get("helpful"))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise BadFile(f"{where} is no talk: {error!r}") from None
    if not talk.said or not talk.said[0].by_customer:
        raise BadFile(f"{where} does not begin with the customer")
    return talk
