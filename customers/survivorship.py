"""Which values survive: pure, without Django.

What a person has decided at the desk wins: an edit (source "operator") or a pin, the later one first. Among the
others the rule of the group decides. An empty value never wins: an emptied edit takes the decision back.
What a visitor typed into a form is "says he is": it never becomes golden.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from customers.fields import CUSTOM, GOLDEN_FIELDS, UNITS, fields_of, group_of, unit_of

OPERATOR = "operator"
UNVERIFIED = {"form"}


@dataclass(frozen=True)
class Said:
    """What one source record says. `pins`: unit → number of the record chosen by hand, None to take it back."""

    record: int
    source: str
    at: datetime
    fields: Mapping[str, Any]
    by: int | None = None
    verified: bool = False
    pins: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """The criteria of a group in their order (`customers.choices.Criterion`), and the order of sources."""

    criteria: tuple[str, ...] = ("verified", "newest")
    sources: tuple[str, ...] = ()


DEFAULT = Rule()


@dataclass(frozen=True)
class Ranked:
    """What can be said of a unit, the best first, and the number of the record that a person chose."""

    candidates: tuple[Said, ...]
    chosen: int | None

    @property
    def winner(self) -> Said | None:
        """The record that gives the unit. An edit that was taken back, or replaced, can be chosen but never wins by rule."""
        best = self.candidates[0] if self.candidates else None
        return best if best and (best.source != OPERATOR or best.record == self.chosen) else None


def rank(unit: str, records: Sequence[Said], rule: Rule = DEFAULT) -> Ranked:
    """Order the records that say something of a unit."""
    speakers = [said for said in records if said.source not in UNVERIFIED and _is_filled(unit, said)]
    chosen = _chosen(unit, records)
    ordered = sorted(speakers, key=lambda said: _standing(said, chosen, _merit(unit, said, rule)), reverse=True)
    return Ranked(tuple(ordered), chosen)


def _standing(said: Said, chosen: int | None, merit: tuple[Any, ...]) -> tuple[Any, ...]:
    return (said.record == chosen, said.source != OPERATOR, *merit)


def _is_filled(unit: str, said: Said) -> bool:
    return any(_has(said, name) for name in fields_of(unit))


def _has(said: Said, name: str) -> bool:
    return said.fields.get(name) not in (None, "")


def _chosen(unit: str, records: Sequence[Said]) -> int | None:
    """Return the record that a person chose last: by a pin, or by an edit, which is a choice of itself."""
    decided = [said for said in records if unit in said.pins or _is_edit(unit, said)]
    if not decided:
        return None
    last = max(decided, key=lambda said: (said.at, said.record))
    return last.pins.get(unit, last.record)


def _is_edit(unit: str, said: Said) -> bool:
    return said.source == OPERATOR and any(name in said.fields for name in fields_of(unit))


def _merit(unit: str, said: Said, rule: Rule) -> tuple[Any, ...]:
    """Return what the criteria say of a record, the greater the better. The newest, then the latest kept, breaks ties."""
    return (*(_measure(criterion, unit, said, rule) for criterion in rule.criteria), said.at, said.record)


def _measure(criterion: str, unit: str, said: Said, rule: Rule) -> Any:
    if criterion == "source":
        return -rule.sources.index(said.source) if said.source in rule.sources else -len(rule.sources)
    if criterion == "verified":
        return said.verified
    if criterion == "complete":
        filled = [str(said.fields[name]) for name in fields_of(unit) if _has(said, name)]
        return len(filled), sum(map(len, filled))
    return said.at


def survive(records: Iterable[Said], rules: Mapping[str, Rule] | None = None) -> dict[str, dict[str, Any]]:
    """Return field → {value, source, at (ISO), by, record, pinned} of the winning records; `rules` by group."""
    said = list(records)
    own = {unit_of(name) for one in said for name in one.fields if name.startswith(CUSTOM)}
    golden: dict[str, dict[str, Any]] = {}
    for unit in [*UNITS, *sorted(own)]:
        ranked = rank(unit, said, (rules or {}).get(group_of(unit), DEFAULT))
        if ranked.winner:
            golden |= _given(unit, ranked.winner, by_hand=ranked.winner.record == ranked.chosen)
    return golden


def survive_alone(said: Said) -> dict[str, dict[str, Any]]:
    """Return what `survive` does for the only record of a source from outside: all of it, in a tenth of the time."""
    origin = _origin(said, by_hand=False)
    own = sorted(name for name in said.fields if name.startswith(CUSTOM))
    return {name: {"value": said.fields[name], **origin} for name in (*GOLDEN_FIELDS, *own) if _has(said, name)}


def _given(unit: str, said: Said, *, by_hand: bool) -> dict[str, dict[str, Any]]:
    origin = _origin(said, by_hand=by_hand)
    return {name: {"value": said.fields[name], **origin} for name in fields_of(unit) if _has(said, name)}


def _origin(said: Said, *, by_hand: bool) -> dict[str, Any]:
    return {
        "source": said.source,
        "at": said.at.isoformat(),
        "by": said.by,
        "record": said.record,
        "pinned": by_hand,
    }
