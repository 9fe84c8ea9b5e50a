"""500 real talks at once with two faults: a web process and Valkey are killed, and come back."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import psycopg2

from tests.bench.center import center, main
from tests.bench.report import Figure
from tests.servers import ROOT, Stack

TALKS = ROOT.parent / "shared/data/support_chats.jsonl.gz"
COUNT, SPEED, OPEN, OPERATORS = 500, 60, 100, 30
# After so many of the about 7,300 messages; each stays away for some seconds.
FAULTS = ((1500, "web1"), (3500, "valkey"))
AWAY_S, PATIENCE_S = 3, 1800


def measure() -> Iterable[Figure]:
    if not TALKS.exists():
        yield Figure("first.replay_faults", None, None, f"skipped: {TALKS.name} is absent (../shared/data)")
        return
    with center() as stack, tempfile.TemporaryDirectory() as folder:
        figures = play(stack, Path(folder) / "figures.json")
    note = (
        f"{figures['conversations']} talks, {figures['seen']} messages, delivery p95 {figures['delivery_ms']['p95']:.0f} ms, "
        f"{figures['repaired_by_gap_checks']} by gap checks, {figures['took_s']:.0f} s"
    )
    yield Figure("first.replay_faults", figures["faults"], None, note)


def play(stack: Stack, out: Path) -> dict:
    """Replay with faults and return the figures."""
    options = {"limit": COUNT, "speed": SPEED, "open": OPEN, "operators": OPERATORS, "json": out, "base-url": stack.url}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    replay = subprocess.Popen(
        [sys.executable, "manage.py", "replay", "chats", str(TALKS), *arguments],
        cwd=ROOT,
        env={**os.environ, **stack.environment},
    )
    try:
        for count, name in FAULTS:
            wait_for(stack, count, replay)
            stack.kill(name)
            time.sleep(AWAY_S)
            stack.restart(name)
        replay.wait(PATIENCE_S)
    finally:
        if replay.poll() is None:
            replay.kill()
    return json.loads(out.read_text())


def wait_for(stack: Stack, count: int, replay: "subprocess.Popen[bytes]") -> None:
    """Wait until so many messages are stored."""
    deadline = time.monotonic() + PATIENCE_S
    with psycopg2.connect(stack.database_url) as database, database.cursor() as cursor:
        database.autocommit = True
        while True:
            cursor.execute("SELECT count(*) FROM interactions_message WHERE author <> 'system'")
            if cursor.fetchone()[0] >= count:  # type: ignore[index]
                return
            assert replay.poll() is None, f"the replay has ended before {count} messages"
            assert time.monotonic() < deadline, f"{count} messages did not come"
            time.sleep(0.2)


if __name__ == "__main__":
    main(measure)
