"""One day of the bank's log as a scenario: who came, what they asked for, who was there (../shared/data/README.md).

`python -m tests.quality.simulation.bank [DAYS]` plays all long weekdays and prints the table of docs/simulator.md.
"""

import sys
from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from quality.service_level import Policy, count, level
from quality.simulation.patience import patience
from tests.bank import part, rows

# Sundays to Thursdays; on Fridays and Saturdays the bank worked half the time.
LONG_DAYS = ("990201", "990202", "990203", "990204", "990207", "990208", "990209", "990210", "990211", "990214")
POLICY = Policy("V2", within_s=20)
# Preferred customers enter the queue with so much waiting credited.
CREDIT_S = 90
# Who served nobody for so long was away: a break. Shorter gaps are wrap-up as far as somebody waited whom he serves.
AWAY_S = 300
# With so many who gave up, the patience of a type is estimated by itself.
MANY = 10


@dataclass(frozen=True)
class Call:
    """A call that came to the queue or straight to an operator; times are seconds of the day."""

    kind: str
    priority: int
    at: int
    wait_s: int
    answered: bool
    server: str
    begins: int
    ends: int


def calls(date: str) -> list[Call]:
    """Return the calls of a day as the log is to be read: without phantoms and without those that hung up in the IVR."""
    return [_call(row) for row in rows() if row["date"] == date and part(row) != "bot"]


def _call(row: dict[str, str]) -> Call:
    queued = row["q_start"] != "0:00:00"
    return Call(
        kind=row["type"],
        priority=int(row["priority"]),
        at=_seconds(row["q_start"] if queued else row["vru_exit"]),
        wait_s=int(row["q_time"]),
        answered=row["outcome"] == "AGENT",
        server=row["server"],
        begins=_seconds(row["ser_start"]),
        ends=_seconds(row["ser_exit"]),
    )


def _seconds(time: str) -> int:
    hours, minutes, seconds = map(int, time.split(":"))
    # A day of the bank ends after midnight.
    return (hours + 24 * (hours < 5)) * 3600 + minutes * 60 + seconds


def scenario(day: list[Call]) -> dict[str, Any]:
    """Return a day as a document of the simulator: types are queues, servers have those of which they served a call."""
    served = defaultdict(list)
    for call in day:
        if is_known(call):
            served[call.server].append(call)
    wrapups = [gap for mine in served.values() for gap in _wrapups(mine, day)]
    kinds = sorted({call.kind for call in day})
    return {
        "closes": max(call.at for call in day) + 3600,
        "levels": [{"formula": POLICY.formula, "within_s": POLICY.within_s}],
        "queues": {kind: {"choice": "longest_idle"} for kind in kinds},
        "operators": {
            server: {"queues": sorted({call.kind for call in mine}), "limits": {"call": 1}, "shifts": [_shift(mine)]}
            for server, mine in sorted(served.items())
        },
        "streams": {kind: _stream(kind, day, wrapups) for kind in kinds},
    }


def is_known(call: Call) -> bool:
    """Tell whether it is known who served a call, and how long."""
    return call.answered and call.server != "NO_SERVER" and call.ends >= call.begins


def _stream(kind: str, day: list[Call], wrapups: list[int]) -> dict[str, Any]:
    mine = [call for call in day if call.kind == kind]
    known = [call for call in mine if is_known(call)] or [call for call in day if is_known(call)]
    seen = mine if sum(not call.answered for call in mine) >= MANY else day
    values, weights = patience((call.wait_s, not call.answered) for call in seen)
    return {
        "queue": kind,
        "kind": "call",
        "service": {"empirical": {"values_s": [call.ends - call.begins for call in known]}},
        "wrapup": {"empirical": {"values_s": wrapups}},
        "patience": {"empirical": {"values_s": values, "weights": weights}},
        "log": [_row(call) for call in mine],
    }


def _row(call: Call) -> dict[str, Any]:
    row: dict[str, Any] = {"at": call.at, "priority": call.priority}
    if call.priority == 2:
        row["credit_s"] = CREDIT_S
    if is_known(call):
        row["service_s"] = call.ends - call.begins
    return row


def _shift(mine: list[Call]) -> dict[str, Any]:
    """Return when a server was there: from his first call to his last, without long gaps."""
    breaks = [{"begins": begins, "ends": ends} for begins, ends in _gaps(mine) if ends - begins >= AWAY_S]
    begins, ends = min(call.begins for call in mine), max(call.ends for call in mine)
    return {"begins": begins, "ends": max(ends, begins + 1), "breaks": breaks}


def _gaps(mine: list[Call]) -> list[tuple[int, int]]:
    """Return from when to when a server had no call, between his first and his last."""
    inside = sorted(mine, key=lambda call: call.begins)
    ends = list(accumulate((call.ends for call in inside), max))
    return [(end, later.begins) for end, later in zip(ends, inside[1:], strict=False) if later.begins >= end]


def _wrapups(mine: list[Call], day: list[Call]) -> list[int]:
    """Return how long after each call, but for breaks, a server let somebody wait whom he serves."""
    kinds = {call.kind for call in mine}
    found = []
    for begins, ends in _gaps(mine):
        if ends - begins < AWAY_S:
            waits = ((max(begins, call.at), min(call.at + call.wait_s, ends)) for call in day if call.kind in kinds)
            # A second or two passes in the switch itself.
            found.append(max((until - begins for since, until in waits if until - since >= 2), default=0))
    return found or [0]


def figures(day: list[Call]) -> dict[str, float]:
    """Return what the log itself tells of a day: abandonment, mean waits, service level."""
    answered = [call.wait_s for call in day if call.answered]
    counts = count(POLICY, (("answered" if call.answered else "abandoned", call.wait_s) for call in day))
    return {
        "visits": len(day),
        "abandonment": 1 - len(answered) / len(day),
        "wait_s": sum(call.wait_s for call in day) / len(day),
        "asa_s": sum(answered) / len(answered),
        "level": level(POLICY, counts) or 0.0,
    }


def main(seeds: int) -> None:
    """Print each day's figures beside those of the simulator."""
    from quality.simulation.figures import ALL
    from quality.simulation.scenario import understand
    from quality.simulation.study import play

    for date in LONG_DAYS:
        day = calls(date)
        result = play(understand(scenario(day)), seeds=range(1, seeds + 1))
        seen, found = figures(day), result.figures["base"][ALL]
        cells = [f"{date} | {len(day)}"]
        for name, figure in (
            ("abandonment", "abandonment"),
            ("wait_s", "wait_s"),
            ("asa_s", "asa_s"),
            ("level", "V2_20s"),
        ):
            scale = 1 if name.endswith("_s") else 100
            cells.append(
                f"{seen[name] * scale:.1f} | {found[figure].mean * scale:.1f} ± {(found[figure].half or 0) * scale:.1f}"
            )
        print(" | ".join([*cells, f"{found['occupancy'].mean * 100:.0f}"]))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
