"""What a metric is: its name, formula and unit, how it is computed from sums, and what stands behind it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from django.utils.functional import Promise

from quality.metrics.measures import US
from quality.service_level import BLOCKED, Counts, Policy

Number = int | float | None


class Unit(StrEnum):
    """What a value is in."""

    COUNT = "count"
    SECONDS = "s"
    SHARE = "share"
    SCORE = "score"


@dataclass(frozen=True)
class Sums:
    """The sums of one row of a report, and the one policy of the service level that holds for all of it (None: several)."""

    of: Mapping[str, int]
    policy: Policy | None = None

    def __getitem__(self, code: str) -> int:
        return self.of[code]

    @cached_property
    def counts(self) -> Counts:
        """The visits as the formulas of the service level take them."""
        of = self.of
        return Counts(
            answered=of["answered"],
            answered_in_time=of["answered_in_time"],
            abandoned=of["abandoned"],
            abandoned_in_time=of["abandoned_in_time"],
            abandoned_short=of["abandoned_short"],
            callbacks=of["callbacks"],
            callbacks_in_time=of["callbacks_in_time"],
            flowed_out=of["flowed_out"],
            blocked={kind: of[f"blocked_{kind.lower()}"] for kind in BLOCKED},
        )


@dataclass(frozen=True)
class Metric:
    """One metric. `counted`: the measure whose rows stand behind its value; `base`: that of the rows it is a share or mean of."""

    name: Promise | str
    formula: Promise | str
    unit: Unit
    value: Callable[[Sums], Number]
    counted: str
    base: str
    source: Promise | str
    parameters: tuple[Promise | str, ...] = ()
    # What it needs besides the one statement of visits, legs and contacts.
    source_code: str = ""
    # Measures that are counted only if it is asked for.
    needs: tuple[str, ...] = ()

    @property
    def of_times(self) -> bool:
        """Whether intervals of operators' states stand behind it, not contacts."""
        return self.source_code == "presence"

    @property
    def of_cases(self) -> bool:
        """Whether cases stand behind it, not contacts."""
        return self.source_code == "cases"

    @property
    def of_contacts(self) -> bool:
        """Whether visits, legs or sessions stand behind it."""
        return not (self.of_times or self.of_cases)


def share(above: int, below: int) -> float | None:
    """Return a share, None where there is nothing to share."""
    return above / below if below else None


def mean_s(total_us: int, count: int) -> float | None:
    """Return a mean in seconds of a sum in microseconds, None of nothing."""
    return total_us / (count * US) if count else None
