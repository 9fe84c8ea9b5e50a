"""Which rules of overflow act on who comes to a queue. Pure: the same live and in the simulator.

The first rule whose condition holds acts. A message stops nothing, and another queue counts only if it lets somebody in
now: else the rules after it are asked.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

# When a rule acts, and what it does, as in `choices.When` and `choices.Then`.
WAITED, LENGTH, NOBODY, HOURS = "waited", "length", "nobody", "hours"
QUEUE, FORM, MESSAGE, CLOSE = "queue", "form", "message", "close"


class Rule(Protocol):
    """A rule of overflow."""

    @property
    def when(self) -> str:
        """Its condition."""

    @property
    def then(self) -> str:
        """What it does."""

    @property
    def limit(self) -> float | None:
        """So many seconds, or contacts, if its condition counts any."""


class Standing(Protocol):
    """How a queue stands now."""

    @property
    def waiting(self) -> int:
        """How many wait in it."""

    @property
    def nobody(self) -> bool:
        """Whether none of its operators is signed in."""

    @property
    def is_shut(self) -> bool:
        """Whether it is out of hours."""


R = TypeVar("R", bound=Rule)
W = TypeVar("W")


@dataclass(frozen=True)
class Turn(Generic[R, W]):
    """What rules do with who comes: the messages that he gets, the rule that acts (None: none), the way if it leads on."""

    told: tuple[R, ...]
    by: R | None = None
    way: W | None = None


def holds(rule: Rule, standing: Standing) -> bool:
    """Tell whether the condition of a rule holds for who comes now. Nobody has waited yet."""
    if rule.when == LENGTH:
        return standing.waiting >= (rule.limit or 0)
    if rule.when == NOBODY:
        return standing.nobody
    return rule.when == HOURS and standing.is_shut


def holding(rules: Iterable[R], standing: Standing) -> Iterator[R]:
    """Yield the rules that hold for who comes now, in their order."""
    return (rule for rule in rules if holds(rule, standing))


def turn(rules: Iterable[R], standing: Standing, way_through: Callable[[R], W | None]) -> Turn[R, W]:
    """Return what becomes of who comes. `way_through` tells where a rule leads to, None if nobody is let in there now."""
    told: tuple[R, ...] = ()
    for rule in holding(rules, standing):
        if rule.then == MESSAGE:
            told = (*told, rule)
        elif rule.then != QUEUE:
            return Turn(told, rule)
        elif (way := way_through(rule)) is not None:
            return Turn(told, rule, way)
    return Turn(told)
