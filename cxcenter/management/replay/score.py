"""What the copies of both sides hold at the end, counted."""

import statistics
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from cxcenter.management.replay.copy import Kept
from cxcenter.management.replay.play import Play


@dataclass
class Score:
    """Sums over all talks played. Times are in seconds."""

    conversations: int = 0
    rated: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    seen: int = 0
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    # Came with another text than was sent.
    spoiled: int = 0
    # Came by a gap check and not by a push.
    repaired: int = 0
    broken: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    deliveries: list[float] = field(default_factory=list)

    @property
    def faults(self) -> int:
        """Lost, doubled, out of order and spoiled messages, and talks that could not be played to the end."""
        return self.lost + self.doubled + self.out_of_order + self.spoiled + len(self.broken)

    def add(self, play: Play) -> None:
        """Count one talk."""
        self.conversations += 1
        self.rated += play.rated
        if play.broken:
            self.broken.append(f"talk {play.talk.ident}: {play.broken}")
        if play.taken_at is not None:
            self.waits.append(play.taken_at - play.waits_since)
        visitor = play.visitor.copy.in_order()
        staff = _merged(play)
        for messages in (visitor, staff):
            self._compare(play, messages)
        self._deliver(play, visitor, staff)
        self.repaired += play.visitor.copy.repaired + sum(desk.copy.repaired for desk in play.desks)

    def _compare(self, play: Play, messages: list[Kept]) -> None:
        """Compare one side's copy with what was said."""
        places = {key: index for index, key in enumerate(play.keys)}
        said = [message for message in messages if message.key]
        order = [places[message.key] for message in said if message.key in places]
        strange = len(said) - len(order)
        self.doubled += strange + len(order) - len(set(order)) + len(messages) - len({m.seq for m in messages})
        self.out_of_order += sum(after < before for before, after in pairwise(order))
        for message in said:
            sent = play.talk.said[places[message.key]].text if message.key in places else message.text
            self.spoiled += message.text.strip() != sent.strip()

    def _deliver(self, play: Play, visitor: list[Kept], staff: list[Kept]) -> None:
        """Count what was sent, and what of it the other side has, and after how long."""
        copies = {
            True: {message.key: message for message in staff},
            False: {message.key: message for message in visitor},
        }
        for key, said in zip(play.keys, play.talk.said, strict=True):
            if key not in play.sent_at:
                continue
            self.sent["visitors" if said.by_customer else "operators"] += 1
            there = copies[said.by_customer].get(key)
            if there is None:
                self.lost += 1
                continue
            self.seen += 1
            # What he found when he opened the page was not delivered to it.
            if there.came != "page":
                self.deliveries.append(there.at - play.sent_at[key])

    def view(self, troubles: Counter[str]) -> dict[str, Any]:
        """Return all figures as plain values; times in milliseconds."""
        return {
            "conversations": self.conversations,
            "sent_by_visitors": self.sent["visitors"],
            "sent_by_operators": self.sent["operators"],
            "seen": self.seen,
            "lost": self.lost,
            "doubled": self.doubled,
            "out_of_order": self.out_of_order,
            "spoiled": self.spoiled,
            "broken": self.broken,
            "faults": self.faults,
            "repaired_by_gap_checks": self.repaired,
            "rated": self.rated,
            "wait_ms": _percentiles(self.waits),
            "delivery_ms": _percentiles(self.deliveries),
            "troubles": dict(troubles),
        }


def _merged(play: Play) -> list[Kept]:
    """Return what the desks have that have held the session: a later one may not have read all the pages."""
    found: dict[int, Kept] = {}
    for desk in play.desks:
        for message in desk.copy.in_order():
            found.setdefault(message.ident, message)
    return sorted(found.values(), key=lambda message: (message.seq, message.ident))


def _percentiles(seconds: list[float]) -> dict[str, float | None]:
    """Return median, 95 % and maximum in milliseconds."""
    if not seconds:
        return {"p50": None, "p95": None, "max": None}
    cuts = statistics.quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else seconds * 19
    return {"p50": round(cuts[9] * 1000, 1), "p95": round(cuts[18] * 1000, 1), "max": round(max(seconds) * 1000, 1)}


def table(view: dict[str, Any]) -> str:
    """Return the figures as lines to read."""
    rows: list[tuple[str, Any]] = [
        ("conversations", view["conversations"]),
        ("messages sent", f"{view['sent_by_visitors']} by visitors, {view['sent_by_operators']} by operators"),
        ("messages seen", view["seen"]),
        ("lost", view["lost"]),
        ("doubled", view["doubled"]),
        ("out of order", view["out_of_order"]),
        ("spoiled", view["spoiled"]),
        ("talks broken off", len(view["broken"])),
        ("found by gap checks", view["repaired_by_gap_checks"]),
        ("ratings given", view["rated"]),
    ]
    for name, times in (("waiting", view["wait_ms"]), ("delivery", view["delivery_ms"])):
        if times["p50"] is not None:
            rows.append((name, f"p50 {times['p50']:.0f} ms, p95 {times['p95']:.0f} ms, longest {times['max']:.0f} ms"))
    told = ", ".join(f"{name}: {count}" for name, count in sorted(view["troubles"].items()))
    rows.append(("troubles on the way", told or "none"))
    lines = [f"{name:<20} {value}" for name, value in rows]
    return "\n".join([*lines, *view["broken"][:10]])
