"""Single settings of a scenario, as values: times of day, shifts, intervals, policies."""

from typing import Any

from quality.service_level import Policy
from routing.simulation.center import Shift

Document = dict[str, Any]


def edges(arrivals: Document) -> list[float]:
    """Return where the intervals of arrivals begin, and where the last one ends."""
    begins = seconds(arrivals["begins"])
    return [begins + number * arrivals["every_s"] for number in range(len(arrivals["expected"]) + 1)]


def seconds(time: float | str) -> float:
    """Return a time of day in seconds from midnight."""
    if not isinstance(time, str):
        return float(time)
    hours, minutes, *seconds = time.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds[0] if seconds else 0)


def clock(seconds: float) -> str:
    """Return seconds from midnight as a time of day."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}" + (f":{rest:02}" if rest else "")


def shift(one: Document) -> Shift:
    """Return a shift. Raises ValueError if it cannot be."""
    breaks = tuple((seconds(pause["begins"]), seconds(pause["ends"])) for pause in one.get("breaks", ()))
    return Shift(seconds(one["begins"]), seconds(one["ends"]), breaks)


def policy(one: Document) -> Policy:
    """Return a policy of service level. Raises ValueError if it cannot be."""
    more = {"blocked": frozenset(one["blocked"])} if "blocked" in one else {}
    return Policy(one["formula"], one["within_s"], one.get("short_s"), **more)


def closes(document: Document) -> float:
    """Return when a center closes: as it is said, else with the last shift; 0 without any."""
    if "closes" in document:
        return seconds(document["closes"])
    shifts = [shift for one in document["operators"].values() if one.get("count", 1) for shift in one["shifts"]]
    return max((seconds(shift["ends"]) for shift in shifts), default=0.0)
