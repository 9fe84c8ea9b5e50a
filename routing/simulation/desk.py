"""An operator at work: what he has in hand, whether he has room, where his time goes."""

import math
from collections import deque
from dataclasses import dataclass

from routing.simulation.center import AVAILABLE, BUSY, OVERTIME, PAUSE, WRAPUP, Operator
from routing.strategies import YIELDS, Free, has_room

# Even distribution counts what was taken in so many seconds, as it does live.
EVEN_S = 3600.0


@dataclass(slots=True)
class Work:
    """A contact in hand: seconds left of its service, then of its wrap-up; `ends` is infinite while it is laid aside.

    `turn` tells an end that still holds from one that was put off.
    """

    kind: str
    left_s: float
    ends: float = math.inf
    is_wrapup: bool = False
    turn: int = 0


class Desk:
    """An operator's place. Whoever changes it does so at one moment `now`, which never goes back."""

    def __init__(self, number: int, operator: Operator) -> None:
        self.operator = operator
        self.works: dict[int, Work] = {}
        self.times = dict.fromkeys((AVAILABLE, BUSY, WRAPUP, PAUSE, OVERTIME), 0.0)
        self._number = number
        self._duty: str | None = None
        self._state: str | None = None
        self._since = 0.0
        self._idle_since = 0.0
        self._taken: deque[float] = deque()
        self._loads: dict[str, int] = {}
        self._free: Free | None = None

    @property
    def is_on_duty(self) -> bool:
        """Whether he takes new work if he has room."""
        return self._duty == AVAILABLE

    @property
    def is_there(self) -> bool:
        """Whether he is signed in, at a break too."""
        return self._duty is not None

    def duties(self) -> list[tuple[float, str | None]]:
        """Return when he comes (available), pauses and goes (None)."""
        found: list[tuple[float, str | None]] = []
        for shift in self.operator.shifts:
            found.append((shift.begins, AVAILABLE))
            for begins, ends in shift.breaks:
                found += [(begins, PAUSE), (ends, AVAILABLE)]
            found.append((shift.ends, None))
        return found

    def turn_to(self, duty: str | None, now: float) -> None:
        """Come, pause or go. What is in hand stays in hand."""
        self._duty = duty
        if duty == AVAILABLE:
            self._idle_since = now
        self._changed(now)

    def has_room(self, kind: str) -> bool:
        """Tell whether he could take one more of a kind now."""
        return self.is_on_duty and has_room(self.operator.limits, self._loads, kind)

    def free(self, now: float) -> Free:
        """Return him as the engine sees him."""
        while self._taken and self._taken[0] <= now - EVEN_S:
            self._taken.popleft()
            self._free = None
        if self._free is None:
            self._free = Free(
                operator=self._number,
                queues=self.operator.queues,
                limits=self.operator.limits,
                idle_since=self._idle_since,
                skills=self.operator.skills,
                loads=dict(self._loads),
                served=len(self._taken),
            )
        return self._free

    def take(self, contact: int, kind: str, service_s: float, now: float) -> list[int]:
        """Begin to serve; return whose ends have changed."""
        self.works[contact] = Work(kind, service_s)
        self._loads[kind] = self._loads.get(kind, 0) + 1
        self._taken.append(now)
        # Who was given something is idle no longer, whatever room he has.
        self._idle_since = now
        return self._arrange(now)

    def wrap_up(self, contact: int, wrapup_s: float, now: float) -> list[int]:
        """End the service of a contact and begin its wrap-up; return whose ends have changed."""
        work = self.works[contact]
        work.is_wrapup, work.left_s, work.ends = True, wrapup_s, math.inf
        return self._arrange(now)

    def let_go(self, contact: int, now: float) -> list[int]:
        """Have done with a contact; return whose ends have changed."""
        work = self.works.pop(contact)
        self._loads[work.kind] -= 1
        if not self.works:
            self._idle_since = now
        return self._arrange(now)

    def _arrange(self, now: float) -> list[int]:
        """Lay aside what gives way to something in hand, go on with the rest."""
        moved = []
        kinds = [kind for kind, number in self._loads.items() if number]
        for contact, work in self.works.items():
            waits = len(kinds) > 1 and any((work.kind, other) in YIELDS for other in kinds)
            if waits and work.ends < math.inf:
                work.left_s, work.ends = work.ends - now, math.inf
                work.turn += 1
            elif not waits and work.ends == math.inf:
                work.ends = now + work.left_s
                work.turn += 1
                moved.append(contact)
        self._changed(now)
        return moved

    def _changed(self, now: float) -> None:
        if self._state is not None:
            self.times[self._state] += now - self._since
        self._state, self._since, self._free = self._shown(), now, None

    def _shown(self) -> str | None:
        if self._duty is None:
            return OVERTIME if self.works else None
        running = [work.is_wrapup for work in self.works.values() if work.ends < math.inf]
        if not running:
            return self._duty
        return WRAPUP if all(running) else BUSY
