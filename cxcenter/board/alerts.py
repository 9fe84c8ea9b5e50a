"""What a supervisor should look at now, as the numbers themselves tell. Pure."""

from typing import Any

Row = dict[str, Any]
# Fewer visits than these say nothing of a service level yet.
LEVEL_FROM = 10
# Within so many points below the target a level is a warning, lower it is an alert.
LEVEL_NEAR = 5


def level(queue: Row) -> float | None:
    """Return the service level of the day in percent, by the queue's policy."""
    numbers = queue["numbers"].values()
    below = sum(n["below"] for n in numbers)
    return 100 * sum(n["above"] for n in numbers) / below if below >= LEVEL_FROM else None


def alerts_of(team: Row, now: float) -> list[Row]:
    """Return the alerts that follow from a team's numbers: kind, whom it is about, since when."""
    return [alert for queue in team["queues"] for alert in (*reached(queue, now), *_of_queue(queue))] + [
        alert for operator in team["operators"] for alert in _of_operator(operator, now)
    ]


def reached(queue: Row, now: float) -> list[Row]:
    """Return the thresholds of a queue that are reached: its supervisors wanted to be called for them."""
    limits, numbers = queue["limits"], queue["numbers"].values()
    waiting, reached = sum(n["waiting"] for n in numbers), level(queue)
    since = min((n["since"] for n in numbers if n["since"]), default=None)
    found: list[Row] = []
    if "waiting" in limits and waiting >= limits["waiting"]:
        found.append({"kind": "t_waiting", "count": waiting, "limit": limits["waiting"]})
    if "longest_s" in limits and since and now - since >= limits["longest_s"]:
        found.append({"kind": "t_longest", "since": since, "limit_s": limits["longest_s"]})
    if "level" in limits and reached is not None and reached < limits["level"]:
        found.append({"kind": "t_level", "limit": limits["level"]})
    return [{**alert, "queue": queue["id"]} for alert in found]


def values_of(alert: Row, queue: Row, now: float) -> Row:
    """Return what is kept of a threshold that is reached: its limit, and the value that reaches it now."""
    if alert["kind"] == "t_waiting":
        return {"limit": alert["limit"], "count": alert["count"]}
    if alert["kind"] == "t_longest":
        return {"limit_s": alert["limit_s"], "longest_s": round(now - alert["since"])}
    return {"limit": alert["limit"], "level": round(level(queue) or 0.0, 1)}


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
