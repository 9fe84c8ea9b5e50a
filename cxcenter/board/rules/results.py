"""The result of a simulation, as a table and a chart show it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from quality.retold import CHANGED
from quality.simulation.scenario import BASE

Group = tuple[str, str]
ALL: Group = ("all", "")
# Figures in the order of the table. Service levels come after the waits, each with its policy.
FIGURES = {
    "visits": gettext_lazy("Contacts"),
    "answered": gettext_lazy("Answered"),
    "wait_s": gettext_lazy("Mean wait, s"),
    "wait_p90_s": gettext_lazy("90 % waited up to, s"),
    "asa_s": gettext_lazy("Speed of answer (ASA), s"),
    "LEVELS": "",
    "abandonment": gettext_lazy("Abandoned, %"),
    "unserved": gettext_lazy("Unserved at the end"),
    "blocked": gettext_lazy("Blocked"),
    "flowed_out": gettext_lazy("Flowed out"),
    "aht_s": gettext_lazy("Handling time (AHT), s"),
    "occupancy": gettext_lazy("Occupancy, %"),
    "overtime_h": gettext_lazy("Overtime, h"),
}
# Of parts of the whole only these are told; the rest is in the file.
SHORT = ("visits", "wait_s", "wait_p90_s", "abandonment", "flowed_out", "blocked")
SHARES = ("V", "abandonment", "occupancy")
LESS_IS_BETTER = ("wait_s", "wait_p90_s", "asa_s", "abandonment", "unserved", "blocked", "overtime_h")
MORE_IS_BETTER = ("V", "answered")
# Told of each group in short, after its service level.
CHARTED = ("wait_s", "abandonment")
SORTS = {
    "queue": gettext_lazy("Queue"),
    "skill": gettext_lazy("Skill"),
    "priority": gettext_lazy("Priority"),
}
MOST_GROUPS = 60
PARTS = ("figures", "differences")


@dataclass(frozen=True)
class Cell:
    """A mean with half of its interval, and what is to be thought of it: better, worse or nothing ("")."""

    text: str
    verdict: str = ""


@dataclass(frozen=True)
class Row:
    """A figure of a group under each set of rules, and how the others differ from the first."""

    label: str
    title: str
    values: list[Cell]
    differences: list[Cell]


def narrowed(data: dict[str, Any], own: set[str] | None) -> dict[str, Any]:
    """Return what a run has found without the figures of queues that are not among these names; None: with all."""
    if own is None:
        return data
    kept = {part: {name: _own_rows(rows, own) for name, rows in data[part].items()} for part in PARTS}
    return {**data, **kept}


def _own_rows(rows: list[dict[str, Any]], own: set[str]) -> list[dict[str, Any]]:
    return [row for row in rows if row["by"] != "queue" or row["of"] in own]


class Result:
    """What a run has found; `levels` are the service levels of its queues by name, of rules that were tried."""

    def __init__(self, data: Mapping[str, Any], *, levels: Mapping[str, list[str]] | None) -> None:
        self.sets = list(data["figures"])
        self._values = {name: _indexed(rows) for name, rows in data["figures"].items()}
        self._differences = {name: _indexed(rows) for name, rows in data["differences"].items()}
        self._policies = {one["figure"]: one["policy"] for one in data["levels"]}
        self._levels = levels
        self.days = len(data["seeds"])
        found = self._values[BASE]
        self.groups = [group for group in found if group[0] in ("all", "queue")]
        # Skills and priorities say more than the whole where there are several; of a day that was, queues are told.
        if levels is None:
            kinds = [group[0] for group in found]
            self.groups += [group for group in found if group[0] in ("skill", "priority") and kinds.count(group[0]) > 1]
        if [group[0] for group in self.groups].count("queue") == 1 and levels is None:
            self.groups = [group for group in self.groups if group[0] != "queue"]
        self.groups = self.groups[:MOST_GROUPS]

    def names(self) -> list[str]:
        """Return how the sets of rules are called."""
        known = {BASE: _("Now") if CHANGED in self.sets else _("As it is"), CHANGED: _("Changed")}
        return [str(known.get(name, name)) for name in self.sets]

    def tables(self) -> list[tuple[str, list[Row]]]:
        """Return the rows of each group with its heading."""
        return [(self._heading(group), list(self._rows(group))) for group in self.groups]

    def _heading(self, group: Group) -> str:
        by, of = group
        return _("All together") if group == ALL else f"{SORTS[by]}: {of}"

    def _figures(self, group: Group) -> Iterable[str]:
        found = self._values[BASE][group]
        for name in FIGURES:
            if name == "LEVELS":
                yield from self._levels_of(group, found)
            elif name in found and (group == ALL or name in SHORT) and not self._is_empty(name, group):
                yield name

    def _levels_of(self, group: Group, found: Iterable[str]) -> list[str]:
        # Ten ways to count the same are for the whole; of its parts the usual one is told.
        if group == ALL and self._levels is None:
            return [name for name in found if name in self._policies]
        return self._usual(group, found)

    def _usual(self, group: Group, found: Iterable[str]) -> list[str]:
        """Return the service levels that count for a group: those of its queue, else V2, else the first."""
        names = [name for name in found if name in self._policies]
        wanted = (self._levels or {}).get(group[1])
        if wanted is not None:
            return [name for name in names if name in wanted]
        return [name for name in names if name.startswith("V2_")] or names[:1]

    def _is_empty(self, name: str, group: Group) -> bool:
        """Tell whether nothing of it ever happened: then there is nothing to tell."""
        if name not in ("unserved", "blocked", "flowed_out", "overtime_h"):
            return False
        return not any(values.get(group, {}).get(name, {}).get("mean") for values in self._values.values())

    def _rows(self, group: Group) -> Iterable[Row]:
        for name in self._figures(group):
            policy = self._policies.get(name, "")
            label = _("Service level, %%: %(policy)s") % {"policy": _brief(policy)} if policy else FIGURES[name]
            yield Row(
                label=str(label),
                title=policy,
                values=[Cell(_text(name, found.get(group, {}).get(name))) for found in self._values.values()],
                differences=[_difference(name, found.get(group, {}).get(name)) for found in self._differences.values()],
            )

    def verdicts(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return for each other set of rules (verdict, words) of what is better or worse for sure: waits, levels, losses."""
        others = zip(self.names()[1:], self._differences.values(), strict=True)
        return [(name, [*self._verdicts_of(found)]) for name, found in others]

    def _verdicts_of(self, found: Mapping[Group, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        for group in self.groups:
            if group[0] not in ("all", "queue"):
                continue
            for name in [*self._usual(group, found.get(group, {})), *CHARTED]:
                cell = _difference(name, found.get(group, {}).get(name))
                if cell.verdict in ("better", "worse"):
                    yield cell.verdict, f"{self._heading(group)}: {self._short(name)} {cell.text}"

    def _short(self, name: str) -> str:
        return _brief(self._policies.get(name, "")) or str(FIGURES.get(name, name))

    def chart(self) -> dict[str, Any]:
        """Return what the chart draws: for each figure, set of rules and group the mean and its interval."""
        names = [*self._usual(ALL, self._values[BASE].get(ALL, {}))[:1], *CHARTED]
        return {
            "groups": [self._heading(group) for group in self.groups],
            "figures": [
                {
                    "label": self._short(name),
                    "values": [
                        [_ends(name, self._charted(found, group, name)) for group in self.groups]
                        for found in self._values.values()
                    ],
                }
                for name in names
            ],
        }

    def _charted(self, found: Mapping[Group, Any], group: Group, name: str) -> Mapping[str, Any] | None:
        own = self._usual(group, found.get(group, {}))
        shown = own[0] if name in self._policies and own else name
        return found.get(group, {}).get(shown)


def _indexed(rows: Iterable[Mapping[str, Any]]) -> dict[Group, dict[str, Mapping[str, Any]]]:
    found: dict[Group, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["by"], row["of"]), {})[row["figure"]] = row
    return found


def _brief(policy: str) -> str:
    """Return a policy without its formula, in the reader's unit: "V2, 20 s"."""
    words = policy.partition(":")[0]
    return f"{words[:-2]}\u00a0{_('s')}" if words.endswith(" s") else words


def _scale(name: str) -> float:
    return 100.0 if name.startswith(SHARES) else 1.0


def _half(one: Mapping[str, Any]) -> float | None:
    return None if one["high"] is None else one["high"] - one["mean"]


def _text(name: str, one: Mapping[str, Any] | None, sign: str = "") -> str:
    if one is None:
        return "–"
    half, scale = _half(one), _scale(name)
    # Figures as fine as their interval lets them be.
    is_whole = not half and one["mean"] * scale == round(one["mean"] * scale)
    digits = 0 if is_whole or abs(one["mean"]) * scale >= 1000 else 1
    ends = "" if half is None or half * scale < 0.05 else f"\u00a0±\u00a0{_shown(half * scale, digits)}"
    return f"{_shown(one['mean'] * scale, digits, sign)}{ends}"


def _shown(value: float, digits: int, sign: str = "") -> str:
    """Return a number as the reader writes it, with a minus that is as wide as a plus."""
    plain = f"{value:{sign}.{digits}f}"
    mark = {"-": "−", "+": "+"}.get(plain[0], "")
    return mark + str(number_format(plain.lstrip("+-"), digits, force_grouping=True))


def _difference(name: str, one: Mapping[str, Any] | None) -> Cell:
    if one is None:
        return Cell("–")
    if not round(one["mean"] * _scale(name), 1):
        return Cell("0")
    half = _half(one)
    is_sure = half is not None and abs(one["mean"]) > half and abs(one["mean"]) * _scale(name) >= 0.05
    if not is_sure:
        return Cell(_text(name, one, "+"))
    if name.startswith(MORE_IS_BETTER) or name in LESS_IS_BETTER:
        is_better = (one["mean"] > 0) == name.startswith(MORE_IS_BETTER)
        return Cell(_text(name, one, "+"), "better" if is_better else "worse")
    return Cell(_text(name, one, "+"), "other")


def _ends(name: str, one: Mapping[str, Any] | None) -> list[float] | None:
    if one is None:
        return None
    scale = _scale(name)
    low = one["mean"] if one["low"] is None else one["low"]
    high = one["mean"] if one["high"] is None else one["high"]
    return [round(value * scale, 2) for value in (one["mean"], low, high)]


def days_in_words(days: int) -> str:
    """Say how many days were drawn."""
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}
