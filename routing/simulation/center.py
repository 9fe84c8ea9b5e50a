"""What is simulated: queues, operators, contacts; and the log of what became of them. Seconds of one clock throughout.

Queues, operators and skills are numbers: queues and operators by their place in the center.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from routing.strategies import Rules, Steps

ANYONE = Steps()
USUAL = Rules()

# How a visit to a queue ended. The blocked have the kinds of the definitions: BLOCKED (queue full or wait limit reached)
# and SHUT (closed by a rule). UNSERVED are those who still waited when the center closed.
ANSWERED, ABANDONED, FLOWED_OUT, UNSERVED = "answered", "abandoned", "flowed_out", "unserved"
BLOCKED, SHUT = "B2", "B3"
# What an operator's time in his shift goes into; work after it is overtime.
AVAILABLE, BUSY, WRAPUP, PAUSE, OVERTIME = "available", "busy", "wrapup", "pause", "overtime"


@dataclass(frozen=True, slots=True)
class Overflow:
    """A rule of overflow as in `doors`: after `limit` seconds, or from so many who wait on, to the queue `to`."""

    when: str
    then: str
    limit: float | None = None
    to: int | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue: its rules, how many may wait (`full_at`), what becomes of those whom it cannot serve soon, in this order."""

    name: str
    rules: Rules = USUAL
    full_at: int | None = None
    overflow: tuple[Overflow, ...] = ()

    @property
    def targets(self) -> list[int]:
        """The queues to which its rules lead on."""
        return [rule.to for rule in self.overflow if rule.to is not None]


@dataclass(frozen=True, slots=True)
class Shift:
    """When an operator is there, and his breaks. What he has in hand at the end of it he finishes."""

    begins: float
    ends: float
    breaks: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        edges = [self.begins, *(edge for pause in self.breaks for edge in pause), self.ends]
        if edges != sorted(edges) or self.begins >= self.ends:
            raise ValueError("a shift ends after it begins, and its breaks follow each other within it")


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator: his queues, how many contacts of each kind fill him, levels of skills, shifts in their order."""

    name: str
    queues: frozenset[int]
    limits: Mapping[str, int]
    shifts: tuple[Shift, ...]
    skills: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any(earlier.ends > later.begins for earlier, later in zip(self.shifts, self.shifts[1:], strict=False)):
            raise ValueError(f"shifts of {self.name} overlap or are out of order")


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who comes at `at`: what he asks for, and what is drawn for him whatever the rules are.

    In the order of a queue he is credited with `credit_s` of waiting. He leaves after `patience_s`; serving him takes
    `service_s`, then `wrapup_s` before the operator has room again.
    """

    at: float
    queue: int
    kind: str
    service_s: float
    wrapup_s: float = 0.0
    patience_s: float = math.inf
    priority: float = 0
    steps: Steps = ANYONE
    credit_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Center:
    """Queues and operators; at `closes` who still waits is sent away."""

    queues: Sequence[Queue]
    operators: Sequence[Operator]
    closes: float

    def __post_init__(self) -> None:
        for number, queue in enumerate(self.queues):
            seen, ahead = set[int](), queue.targets
            while ahead:
                target = ahead.pop()
                if target == number:
                    raise ValueError(f"the overflow of {queue.name} comes back to it")
                if target not in seen:
                    seen.add(target)
                    ahead += self.queues[target].targets


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay in a queue: who (place among the contacts), from when to when, how it ended, by whom answered."""

    contact: int
    queue: int
    entered: float
    left: float
    outcome: str
    operator: int | None = None

    @property
    def wait_s(self) -> float:
        """Seconds in the queue."""
        return self.left - self.entered


@dataclass(frozen=True, slots=True)
class Log:
    """What became of the contacts: visits in the order of their ends, operators' seconds by state, calls of the engine."""

    contacts: Sequence[Contact]
    visits: Sequence[Visit]
    times: Sequence[Mapping[str, float]]
    decisions: int
