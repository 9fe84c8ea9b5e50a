"""Overflow in a simulated day: who comes is asked at the door as live (`doors`), who waits each time something falls due."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from routing import doors
from routing.simulation.center import BLOCKED, SHUT, Center, Overflow

# The outcome with which a visit ends, or the queues through which a contact goes on; the last of them takes him.
Verdict = str | tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a queue stands. It has no hours: who comes to a simulated center comes while it is open."""

    waiting: int
    is_staffed: Callable[[], bool]
    is_shut: bool = False

    @property
    def nobody(self) -> bool:
        """Whether none of its operators is there."""
        return not self.is_staffed()


@dataclass(frozen=True, slots=True)
class Entrances:
    """The entrances of all queues. `lengths`: how many are in each; `is_staffed`: whether somebody who serves it is there."""

    center: Center
    lengths: Sequence[int]
    is_staffed: Callable[[int], bool]

    def at_door(self, queue: int) -> Verdict:
        """Return what becomes of who has just come, the last of those in the queue. None: he waits."""
        turn = self._turn(queue, but=1, passed=frozenset())
        if turn.by is None:
            return BLOCKED if self._is_full(queue, but=1) else None
        return turn.way or (BLOCKED if turn.by.when == doors.LENGTH else SHUT)

    def while_waiting(self, queue: int, waited_s: float) -> Verdict:
        """Return what becomes of who waits. None: nothing is due; (): it is, but no queue lets him in now."""
        verdict: Verdict = None
        for rule in self.center.queues[queue].overflow:
            # Whatever is said or offered to him, he keeps his place.
            if rule.then in {doors.QUEUE, doors.CLOSE} and self._is_due(rule, queue, waited_s):
                if rule.then == doors.CLOSE:
                    return BLOCKED if rule.when == doors.WAITED else SHUT
                if way := self._way_through(rule, frozenset({queue})):
                    return way
                verdict = ()
        return verdict

    def _is_due(self, rule: Overflow, queue: int, waited_s: float) -> bool:
        if rule.when == doors.WAITED:
            return waited_s >= (rule.limit or 0)
        return rule.when != doors.LENGTH and doors.holds(rule, self._standing(queue))

    def _turn(self, queue: int, *, but: int, passed: frozenset[int]) -> doors.Turn[Overflow, tuple[int, ...]]:
        passed |= {queue}
        rules = self.center.queues[queue].overflow
        return doors.turn(rules, self._standing(queue, but), lambda rule: self._way_through(rule, passed))

    def _way_through(self, rule: Overflow, passed: frozenset[int]) -> tuple[int, ...] | None:
        """Return the queues through which a rule leads to one that lets somebody in now, None if there is none."""
        if rule.to is None or rule.to in passed:
            return None
        turn = self._turn(rule.to, but=0, passed=passed)
        if turn.by is not None:
            return (rule.to, *turn.way) if turn.way else None
        is_open = self.is_staffed(rule.to) and not self._is_full(rule.to, but=0)
        return (rule.to,) if is_open else None

    def _standing(self, queue: int, but: int = 0) -> Standing:
        return Standing(self.lengths[queue] - but, lambda: self.is_staffed(queue))

    def _is_full(self, queue: int, *, but: int) -> bool:
        limit = self.center.queues[queue].full_at
        return limit is not None and self.lengths[queue] - but >= limit
