"""What came of a call, read off its facts: phases, stretches of time, sums. No Django here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from interactions.calls.table import Control, Phase, allowed

MICROS = 1_000_000
# Into which sum a stretch goes. Consulting and handing over are work without the customer's hold.
SUM_OF: Mapping[Phase, str] = {
    Phase.RINGING: "ring",
    Phase.OFFERED: "ring",
    Phase.TALKING: "talk",
    Phase.HELD: "hold",
    Phase.CONSULTING: "talk",
    Phase.CONFERENCED: "talk",
    Phase.TRANSFERRING: "talk",
    Phase.WRAPUP: "wrapup",
}


def micros(at: float) -> int:
    """Return a moment in whole microseconds: these add up exactly."""
    return round(at * MICROS)


@dataclass(frozen=True, slots=True)
class Interval:
    """A party was in one phase from `begin` to `end`, in Unix seconds; still is if there is no end."""

    party: str
    phase: Phase
    begin: float
    end: float | None = None

    def length(self, now: float) -> int:
        """Return its length in microseconds; what goes on is counted up to now."""
        return max(micros(now if self.end is None else self.end) - micros(self.begin), 0)


@dataclass(frozen=True, slots=True)
class Times:
    """A party's seconds in a call, each rounded to the microsecond."""

    ring_s: float = 0
    talk_s: float = 0
    hold_s: float = 0
    wrapup_s: float = 0


@dataclass(frozen=True, slots=True)
class CallView:
    """A call as its facts make it.

    `phases`: each party that was ever named. `intervals`: in order of their beginnings; a gap between two of one party
    means that it had left and came back. `consults`: the operator and whom he consults. `pauses`: of the recording.
    """

    phases: Mapping[str, Phase] = field(default_factory=dict)
    muted: frozenset[str] = frozenset()
    paused: bool = False
    pauses: tuple[tuple[float, float | None], ...] = ()
    members: frozenset[str] = frozenset()
    consults: Mapping[str, str] = field(default_factory=dict)
    intervals: tuple[Interval, ...] = ()
    times: Mapping[str, Times] = field(default_factory=dict)
    began: float | None = None
    ended: float | None = None
    reason: str = ""

    def allowed(self, party: str, *, recorded: bool) -> frozenset[Control]:
        """Return the controls that an operator's bar has active now: none if the call does not know him."""
        other = self.consults.get(party)
        called = [one for one, phase in self.phases.items() if phase == Phase.OFFERED and self.members]
        return allowed(
            self.phases.get(party, Phase.ENDED),
            muted=party in self.muted,
            paused=self.paused if recorded else None,
            reached=other is None or self.phases.get(other) not in (None, Phase.OFFERED, Phase.ENDED, Phase.WRAPUP),
            members=len(self.members) + len(called),
        )


@dataclass(frozen=True, slots=True)
class Stay:
    """How long a party was in a call without leaving it, and in which phase it is, or left; in Unix seconds."""

    party: str
    began: float
    ended: float | None
    phase: Phase
    times: Times


def stays_of(view: CallView, now: float) -> tuple[Stay, ...]:
    """Return each stay of each party, in order of their beginnings: who left and came back has two."""
    runs: list[list[Interval]] = []
    last: dict[str, list[Interval]] = {}
    for one in view.intervals:
        run = last.get(one.party)
        if run is None or run[-1].end != one.begin:
            run = last[one.party] = []
            runs.append(run)
        run.append(one)
    return tuple(
        Stay(run[0].party, run[0].begin, run[-1].end, run[-1].phase, times_of(tuple(run), now)[run[0].party])
        for run in runs
    )


def times_of(intervals: tuple[Interval, ...], now: float) -> dict[str, Times]:
    """Return the sums of each party; what goes on is counted up to now."""
    sums: dict[str, dict[str, int]] = {}
    for one in intervals:
        own = sums.setdefault(one.party, {})
        name = f"{SUM_OF[one.phase]}_s"
        own[name] = own.get(name, 0) + one.length(now)
    return {party: Times(**{name: total / MICROS for name, total in own.items()}) for party, own in sums.items()}
