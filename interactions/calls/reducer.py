"""A call from its facts, however they came: shuffled, doubled, cut. No Django here."""

from bisect import bisect_right
from collections.abc import Iterable

from interactions.calls.facts import Fact, Kind
from interactions.calls.legs import Legs
from interactions.calls.table import Phase
from interactions.calls.view import MICROS, CallView, Interval, micros, times_of


def reduce(facts: Iterable[Fact], now: float) -> CallView:
    """Return the call that facts make, at the moment `now` (Unix seconds)."""
    reducer = Reducer()
    for fact in sorted(facts, key=_place):
        reducer.feed(fact)
    return reducer.view(now)


def _place(fact: Fact) -> tuple[int, int, str]:
    return micros(fact.at), fact.order, fact.key


class Reducer:
    """A call that grows by single facts. One that comes late is put in its place: the view is that of all in order."""

    def __init__(self) -> None:
        """Begin with no facts."""
        self._facts: list[Fact] = []
        self._keys: set[str] = set()
        self._run = _Run()
        self._stale = False

    def feed(self, fact: Fact) -> bool:
        """Take a fact; return whether it is new."""
        if fact.key in self._keys:
            return False
        self._keys.add(fact.key)
        if not self._facts or _place(self._facts[-1]) < _place(fact):
            self._facts.append(fact)
            if not self._stale:
                self._run.take(fact)
        else:
            self._facts.insert(bisect_right(self._facts, _place(fact), key=_place), fact)
            self._stale = True
        return True

    def view(self, now: float) -> CallView:
        """Return the call at the moment `now` (Unix seconds)."""
        if self._stale:
            self._run, self._stale = _Run(), False
            for fact in self._facts:
                self._run.take(fact)
        return self._run.view(now)


class _Run:
    """One pass over facts in order: the parties, and the stretches that they leave behind."""

    def __init__(self) -> None:
        self._legs = Legs()
        self._open: dict[str, tuple[Phase, int]] = {}
        self._closed: dict[str, list[tuple[Phase, int, int]]] = {}
        self._pauses: list[tuple[int, int]] = []
        self._paused_at: int | None = None
        self._began: int | None = None
        self._ended: int | None = None
        self._reason = ""

    def take(self, fact: Fact) -> None:
        at = micros(fact.at)
        if self._began is None:
            self._began = at
        # What is said of a call after its end is old news, but for the work that goes on after it.
        if self._ended is not None and fact.kind != Kind.WRAPPED_UP:
            return
        self._legs.take(fact)
        if fact.kind == Kind.ENDED:
            self._ended, self._reason = at, str(fact.data.get("reason", ""))
        self._pause(fact, at)
        self._mark(at)

    def _pause(self, fact: Fact, at: int) -> None:
        if fact.kind == Kind.RECORDING_PAUSED and self._paused_at is None:
            self._paused_at = at
        elif fact.kind in (Kind.RECORDING_RESUMED, Kind.ENDED) and self._paused_at is not None:
            self._pauses.append((self._paused_at, at))
            self._paused_at = None

    def _mark(self, at: int) -> None:
        """Close the stretches of those whose phase has changed, and begin the next."""
        for party in self._legs.stands:
            phase = self._legs.phase(party)
            if party not in self._open:
                self._open[party] = (phase, at)
            elif self._open[party][0] != phase:
                self._turn(party, phase, at)

    def _turn(self, party: str, phase: Phase, at: int) -> None:
        before, since = self._open[party]
        closed = self._closed.setdefault(party, [])
        if since < at:
            closed.append((before, since, at))
        # Of two steps in one moment, the first lasted no time: what was before it goes on.
        goes_on = closed and closed[-1][0] == phase and closed[-1][2] == at
        self._open[party] = (phase, closed.pop()[1] if goes_on else at)

    def view(self, now: float) -> CallView:
        legs = self._legs
        intervals = self._intervals()
        pauses: list[tuple[float, float | None]] = [(begin / MICROS, end / MICROS) for begin, end in self._pauses]
        if self._paused_at is not None:
            pauses.append((self._paused_at / MICROS, None))
        return CallView(
            phases={party: phase for party, (phase, _) in self._open.items()},
            muted=frozenset(legs.muted),
            paused=self._paused_at is not None,
            pauses=tuple(pauses),
            members=frozenset(legs.members),
            consults=dict(legs.consults),
            intervals=intervals,
            times=times_of(intervals, now),
            began=None if self._began is None else self._began / MICROS,
            ended=None if self._ended is None else self._ended / MICROS,
            reason=self._reason,
        )

    def _intervals(self) -> tuple[Interval, ...]:
        """Return the stretches in which parties were there, in order of their beginnings."""
        found = [
            Interval(party, phase, begin / MICROS, end / MICROS)
            for party, closed in self._closed.items()
            for phase, begin, end in closed
            if phase != Phase.ENDED
        ]
        found += [
            Interval(party, phase, since / MICROS)
            for party, (phase, since) in self._open.items()
            if phase != Phase.ENDED
        ]
        return tuple(sorted(found, key=lambda one: (one.begin, one.party)))
