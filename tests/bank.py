"""The bank's call log of ../shared/data, read by plain csv: what the product's numbers are compared with."""

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

BANK = next((Path(__file__).resolve().parents[2] / "shared/data").glob("bank_calls_*.tsv.gz"), Path("absent"))
needs_bank = pytest.mark.skipif(not BANK.exists(), reason="the bank's call log is not in ../shared/data")
ZONE = ZoneInfo("Asia/Jerusalem")


def lines() -> tuple[str, list[str]]:
    """Return the head of the log and its lines as they stand, phantoms too."""
    with gzip.open(BANK, "rt") as file:
        head, *every = file
    return head, every


def rows() -> Iterator[dict[str, str]]:
    """Yield the calls: every row but phantoms."""
    head, every = lines()
    yield from (row for row in csv.DictReader([head, *every], delimiter="\t") if row["outcome"] != "PHANTOM")


def arrival(row: dict[str, str]) -> datetime:
    """Return when a call left the menu, in UTC."""
    hour, minute, second = map(int, row["vru_exit"].split(":"))
    return datetime(1999, 2, int(row["date"][4:]), hour, minute, second, tzinfo=ZONE).astimezone(UTC)


def part(row: dict[str, str]) -> str:
    """Return where a call ended: with an agent, in the menu (bot), or in the queue."""
    if row["outcome"] == "AGENT":
        return "agents"
    return "bot" if row["q_start"] == "0:00:00" else "queue"
