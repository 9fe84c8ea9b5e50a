"""What a supervisor should look at now, found in the numbers themselves. Pure."""

from typing import Any

Row = dict[str, Any]
# Fewer visits than these say nothing of a service level yet.
LEVEL_FROM = 10
# Within so many points below the target a level is a warning, lower it is an alert.
LEVEL_NEAR = 5


def level(queue: Row) -> float | None:
    """Return the service level of the day in percent (V2: answered in time of answered and abandoned)."""
    numbers = queue["numbers"].values()
    base = sum(n["answered"] + n["abandoned"] for n in numbers)
    return 100 * sum(n["in_time"] for n in numbers) / base if base >= LEVEL_FROM else None


def anomalies(team: Row, now: float) -> list[Row]:
    """Return the alerts that follow from a team's numbers: kind, whom it is about, since when."""
    return [alert for queue in team["queues"] for alert in _of_queue(queue)] + [
        alert for operator in team["operators"] for alert in _of_operator(operator, now)
    ]


def _of_queue(queue: Row) -> list[Row]:
    found = []
    about = {"queue": queue["id"]}
    waiting = sum(n["waiting"] for n in queue["numbers"].values())
    if waiting and not queue["on_duty"]:
        found.append({"kind": "nobody", "count": waiting, **about})
    reached = level(queue)
    if reached is not None and reached < queue["target"] - LEVEL_NEAR:
        found.append({"kind": "level", **about})
    return found + [{"kind": kind, "until": queue[kind], **about} for kind in ("closed", "paused") if queue[kind]]


def _of_operator(operator: Row, now: float) -> list[Row]:
    about = {"operator": operator["id"], "since": operator["since"]}
    if operator["vanished"] and operator["contacts"]:
        return [{"kind": "vanished", "count": operator["contacts"], **about}]
    if operator["state"] == "not_responding":
        return [{"kind": "silent", **about}]
    limit = operator["limit_s"]
    if operator["state"] == "pause" and limit and now - operator["since"] > limit:
        return [{"kind": "long_pause", "limit_s": limit, **about}]
    return []
