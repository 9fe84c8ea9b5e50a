"""Service level as data: ten formulas in use, the thresholds and kinds of blocked calls that go with them. No Django here.

Visits to a queue are counted, each at the interval of its arrival. Waits are compared with thresholds inclusively.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

# Kinds of blocked visits: no line free; queue full or wait limit reached; by rule (closed, blacklist).
NO_LINE, FULL, RULE = "B1", "B2", "B3"
BLOCKED = (NO_LINE, FULL, RULE)
ANSWERED, ABANDONED, CALLBACK, FLOWED_OUT = "answered", "abandoned", "callback", "flowed_out"


@dataclass(frozen=True, slots=True)
class Formula:
    """A share of counts: what is added (and taken away) above and below the line.

    A answered, L abandoned, C callbacks taken, F flowed out, B blocked of the kinds that a policy names, Q all that
    queued; A_T, L_T, C_T those of them that waited no longer than T, L_S the short abandons.
    """

    above: tuple[str, ...]
    below: tuple[str, ...]
    less: tuple[str, ...] = ()

    def __str__(self) -> str:
        above, below = " + ".join(self.above), " + ".join(self.below) + "".join(f" − {term}" for term in self.less)
        return " / ".join(f"({part})" if " " in part else part for part in (above, below))


FORMULAS: Mapping[str, Formula] = {
    "V1": Formula(("A_T",), ("A",)),
    "V2": Formula(("A_T",), ("A", "L")),
    "V3": Formula(("A_T",), ("A", "L"), less=("L_T",)),
    "V4": Formula(("A_T", "L_T"), ("A", "L")),
    "V5": Formula(("A_T",), ("A", "L"), less=("L_S",)),
    "V6": Formula(("A_T", "L_S"), ("A", "L")),
    "V7": Formula(("A_T",), ("A", "L", "F"), less=("L_S",)),
    "V8": Formula(("A_T", "L_T", "C_T"), ("Q",)),
    "V9": Formula(("A_T",), ("A", "L", "B")),
    "V10": Formula(("A_T",), ("A", "L", "B"), less=("L_S",)),
}


class WrongPolicy(ValueError):
    """Parts of a policy that do not go together. `part` names the one that is wrong: formula, within, short, blocked."""

    def __init__(self, part: str, why: str) -> None:
        """Keep the part and the words for who reads no other language."""
        super().__init__(why)
        self.part = part


@dataclass(frozen=True, slots=True)
class Policy:
    """How a queue counts its service level: the formula, T and S in seconds, the kinds of blocked visits that count.

    Without `short_s` no abandon is short. Raises WrongPolicy if the parts do not go together.
    """

    formula: str = "V2"
    within_s: float = 20
    short_s: float | None = None
    blocked: frozenset[str] = frozenset({NO_LINE, FULL})

    def __post_init__(self) -> None:
        if self.formula not in FORMULAS:
            raise WrongPolicy("formula", f"the formula is one of {', '.join(FORMULAS)}, not {self.formula}")
        if self.within_s < 0:
            raise WrongPolicy("within", "the time of a service level is 0 s or more")
        if self.short_s is not None and not 0 <= self.short_s < self.within_s:
            raise WrongPolicy("short", "an abandon is short below the time of the service level")
        if strange := self.blocked - set(BLOCKED):
            raise WrongPolicy(
                "blocked", f"kinds of blocked visits are {', '.join(BLOCKED)}, not {', '.join(sorted(strange))}"
            )

    def __str__(self) -> str:
        return f"{self.formula}, {self.within_s:g} s: {FORMULAS[self.formula]}"


@dataclass(frozen=True, slots=True)
class Counts:
    """Visits of an interval by their end, counted with the thresholds of one policy. Counts of intervals add up."""

    answered: int = 0
    answered_in_time: int = 0
    abandoned: int = 0
    abandoned_in_time: int = 0
    abandoned_short: int = 0
    callbacks: int = 0
    callbacks_in_time: int = 0
    flowed_out: int = 0
    blocked: Mapping[str, int] = field(default_factory=dict)

    @property
    def queued(self) -> int:
        """All that queued. Blocked visits are not among them: most never got into the queue."""
        return self.answered + self.abandoned + self.callbacks + self.flowed_out

    def __add__(self, other: Self) -> "Counts":
        return Counts(
            answered=self.answered + other.answered,
            answered_in_time=self.answered_in_time + other.answered_in_time,
            abandoned=self.abandoned + other.abandoned,
            abandoned_in_time=self.abandoned_in_time + other.abandoned_in_time,
            abandoned_short=self.abandoned_short + other.abandoned_short,
            callbacks=self.callbacks + other.callbacks,
            callbacks_in_time=self.callbacks_in_time + other.callbacks_in_time,
            flowed_out=self.flowed_out + other.flowed_out,
            blocked={
                kind: self.blocked.get(kind, 0) + other.blocked.get(kind, 0)
                for kind in BLOCKED
                if kind in self.blocked or kind in other.blocked
            },
        )


def terms(policy: Policy, counts: Counts) -> tuple[int, int]:
    """Return what is shared: the counts above the line and those below it. Those of parts with one formula add up."""
    values = {
        "A": counts.answered,
        "A_T": counts.answered_in_time,
        "L": counts.abandoned,
        "L_T": counts.abandoned_in_time,
        "L_S": counts.abandoned_short,
        "C_T": counts.callbacks_in_time,
        "F": counts.flowed_out,
        "B": sum(counts.blocked.get(kind, 0) for kind in policy.blocked),
        "Q": counts.queued,
    }
    formula = FORMULAS[policy.formula]
    below = sum(values[term] for term in formula.below) - sum(values[term] for term in formula.less)
    return sum(values[term] for term in formula.above), below


def level(policy: Policy, counts: Counts) -> float | None:
    """Return the service level as a share from 0 to 1, None where there is nothing to share."""
    above, below = terms(policy, counts)
    return above / below if below > 0 else None


def count(policy: Policy, visits: Iterable[tuple[str, float]]) -> Counts:
    """Count visits, each an outcome (answered, abandoned, callback, flowed_out or a kind of blocked) and a wait in seconds.

    Other outcomes (withdrawn, still waiting) are no part of a service level.
    """
    total, in_time, short = (dict[str, int]() for _count in range(3))
    for outcome, wait_s in visits:
        total[outcome] = total.get(outcome, 0) + 1
        if wait_s <= policy.within_s:
            in_time[outcome] = in_time.get(outcome, 0) + 1
        if policy.short_s is not None and wait_s <= policy.short_s:
            short[outcome] = short.get(outcome, 0) + 1
    return Counts(
        answered=total.get(ANSWERED, 0),
        answered_in_time=in_time.get(ANSWERED, 0),
        abandoned=total.get(ABANDONED, 0),
        abandoned_in_time=in_time.get(ABANDONED, 0),
        abandoned_short=short.get(ABANDONED, 0),
        callbacks=total.get(CALLBACK, 0),
        callbacks_in_time=in_time.get(CALLBACK, 0),
        flowed_out=total.get(FLOWED_OUT, 0),
        blocked={kind: total[kind] for kind in BLOCKED if kind in total},
    )
