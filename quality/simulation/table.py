"""The result of a study as text."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from quality.simulation.figures import ALL, Group
from quality.simulation.scenario import BASE
from quality.simulation.student import Estimate
from quality.simulation.study import Result

SHORT = ("visits", "abandonment", "wait_s", "wait_p90_s", "asa_s")
SHARES = ("V", "abandonment", "occupancy", "time_")
NAME = 26


def table(result: Result) -> str:
    """Return a line for each figure of the whole center, and the main ones by queue, skill and priority.

    Shares are in percent. A star marks a difference whose interval leaves out zero.
    """
    names = list(result.figures)
    head = "".join(f"{name[:20]:>22}" for name in names) + "".join(f"{'Δ ' + name[:20]:>24}" for name in names[1:])
    lines = [f"{result.study.title or 'scenario'}: {len(result.seeds)} days, means ± half of the 95 % interval", ""]
    lines.append(f"{'':{NAME}}{head}".rstrip())
    main = next((name for name in result.figures[BASE][ALL] if name.startswith("V2_")), None)
    for group in _telling(result.figures[BASE]):
        lines += ["", " ".join(group).strip()]
        chosen = None if group == ALL else (*SHORT, main)
        lines += [line for name, line in _lines(result, group) if chosen is None or name in chosen]
    return "\n".join([*lines, "", *(f"{policy}" for policy in result.study.policies)])


def _telling(groups: Collection[Group]) -> list[Group]:
    """Leave out what is the only one of its sort: it says the same as all."""
    sizes = Counter(sort for sort, _of in groups)
    return [group for group in groups if group == ALL or sizes[group[0]] > 1]


def _lines(result: Result, group: Group) -> Iterator[tuple[str, str]]:
    for name in result.figures[BASE][group]:
        values = [_cell(name, found.get(group, {})) for found in result.figures.values()]
        changes = [_cell(name, found.get(group, {}), signed=True) for found in result.differences.values()]
        cells = "".join(f"{cell:>22}" for cell in values) + "".join(f"{cell:>24}" for cell in changes)
        yield name, f"  {name:<{NAME - 2}}{cells}".rstrip()


def _cell(name: str, found: Mapping[str, Estimate], *, signed: bool = False) -> str:
    if name not in found:
        return "–"
    one, scale = found[name], 100 if name.startswith(SHARES) else 1
    sign, unit = "+" if signed else "", " %" if scale == 100 else ""
    half = "" if one.half is None else f" ± {one.half * scale:,.2f}"
    star = " *" if signed and one.half is not None and not one.holds(0) and one.mean else ""
    return f"{one.mean * scale:{sign},.2f}{half}{unit}{star}"
