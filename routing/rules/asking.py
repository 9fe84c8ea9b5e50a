"""What work asks for, as rules: what cannot be, and what each sort of work asks for in the end."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from django.utils.translation import gettext as _

from routing.rules.document import Settings, key_of

Levels = Mapping[int, int]


@dataclass(frozen=True)
class Work:
    """A sort of work: what tells it from others, and the levels it asks for when all its steps are past."""

    about: str
    asked: Levels

    def is_for(self, held: Levels) -> bool:
        """Tell whether who has these levels may have it in the end."""
        return all(held.get(skill, 0) >= least for skill, least in self.asked.items())

    def is_harder(self, other: "Work") -> bool:
        """Tell whether it asks for all that another one asks for, and for more."""
        return other.asked != self.asked and other.is_for(self.asked)


def work(rules: Iterable[Settings], topic: int | None, language: str, segment: int | None, topics: set[int]) -> Work:
    """Return what work asks for in the end that has just these properties; `topics` are its own and those above it."""
    asked: dict[int, int] = {}
    for rule in rules:
        is_met = rule["topic"] in {None, *topics} and rule["language"] in {"", language}
        if is_met and rule["segment"] in {None, segment}:
            asked[rule["skill"]] = max(asked.get(rule["skill"], 0), least(rule))
    return Work(f"{topic} {language} {segment}", {skill: level for skill, level in asked.items() if level})


def least(rule: Settings) -> int:
    """Return the level that a requirement asks for in the end."""
    return int(rule["steps"][-1][1] if rule["steps"] else rule["level"])


def named(asked: Levels, names: Mapping[int, str]) -> str:
    """Write levels: "Mortgage ≥ 3, Russian ≥ 2"."""
    return ", ".join(f"{names.get(skill, skill)} ≥ {level}" for skill, level in sorted(asked.items()))


def wrong(
    asked: Iterable[Settings], known: Mapping[str, Collection[int | None]]
) -> Iterator[tuple[str, str, str, str]]:
    """Yield what cannot be in the requirements of one queue: of which one, its field, the kind of the fault, words.

    `known` are the skills, topics and segments that there are.
    """
    seen = set()
    for rule in asked:
        key = key_of(rule)
        for field in known:
            if rule[field] not in known[field]:
                yield f"{key}", field, "gone", _("It is no longer there: choose another one.")
        if key in seen:
            yield f"{key}", "skill", "exists", _("This is asked for already: change that line.")
        seen.add(key)
        yield from ((f"{key}", *one) for one in _of_steps(rule))


def _of_steps(rule: Settings) -> Iterator[tuple[str, str, str]]:
    if not 1 <= rule["level"] <= 5:
        yield "level", "level", _("Choose a level from 1 to 5.")
    for number, (before, step) in enumerate(pairwise([[0, rule["level"]], *rule["steps"]]), start=1):
        if step[0] <= before[0]:
            yield f"after_{number}", "steps", _("Each step comes later than the one before.")
        if not 0 <= step[1] < before[1]:
            yield f"level_{number}", "steps", _("Each step asks for less than the one before.")
