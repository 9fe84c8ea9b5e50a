"""An operator's time signed in, every microsecond of it in exactly one sum. No Django here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from interactions.calls.table import Phase
from interactions.calls.view import SUM_OF, Interval, micros

# What counts where several are so at once: who talks, while another call is on hold or rings, talks.
ORDER = ("talk", "hold", "ring", "wrapup", "not_ready", "idle")
# From, to, in Unix seconds; still going on if there is no end.
Span = tuple[float, float | None]


@dataclass(frozen=True, slots=True)
class Shift:
    """Microseconds of a shift. `outside`: of calls in which he was not signed in, which belong to no sum."""

    login: int
    talk: int = 0
    hold: int = 0
    ring: int = 0
    wrapup: int = 0
    not_ready: int = 0
    idle: int = 0
    outside: int = 0

    @property
    def adds_up(self) -> bool:
        """Tell whether the sums are the time signed in, to the microsecond."""
        return self.talk + self.hold + self.ring + self.wrapup + self.not_ready + self.idle == self.login


def account(calls: Iterable[Interval], login: Iterable[Span], not_ready: Iterable[Span], now: float) -> Shift:
    """Return how an operator has spent his time up to now: of each moment signed in, what comes first in ORDER.

    `calls` are the intervals of this operator alone, from any number of calls. Idle is what nothing else claims.
    """
    edges = [*_edges("login", login, now), *_edges("not_ready", not_ready, now)]
    for one in calls:
        if one.phase != Phase.ENDED:
            edges += _edges(SUM_OF[one.phase], [(one.begin, one.end)], now)
    edges.sort()
    sums = dict.fromkeys((*ORDER, "outside"), 0)
    running = dict.fromkeys((*ORDER, "login"), 0)
    before = edges[0][0] if edges else 0
    for at, change, what in edges:
        if at > before and (name := _claims(running)):
            sums[name] += at - before
        running[what] += change
        before = at
    return Shift(login=_length(login, now), **sums)


def _edges(what: str, spans: Iterable[Span], now: float) -> list[tuple[int, int, str]]:
    cut = [(micros(begin), micros(now if end is None else end)) for begin, end in spans]
    return [edge for begin, end in cut if begin < end for edge in ((begin, 1, what), (end, -1, what))]


def _claims(running: Mapping[str, int]) -> str:
    """Return the sum that a moment goes into, empty if none."""
    busy = next((name for name in ORDER[:4] if running[name]), "")
    if not running["login"]:
        return "outside" if busy else ""
    return busy or ("not_ready" if running["not_ready"] else "idle")


def _length(spans: Iterable[Span], now: float) -> int:
    """Return how long spans are together; where they overlap, once."""
    total, reached = 0, None
    for begin, end in sorted((micros(begin), micros(now if end is None else end)) for begin, end in spans):
        start = begin if reached is None else max(begin, reached)
        if end > start:
            total += end - start
            reached = end
    return total
