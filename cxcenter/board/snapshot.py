"""The numbers of the board: one computation for everybody who looks, split by team.

A fixed number of aggregates, however many queues, operators and contacts there are. Times are unix
seconds, so that the page can let them tick; names come in both languages, the page takes the reader's.
"""

from collections import Counter, defaultdict
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Avg, Count, F, IntegerField, Max, Min, Q
from django.db.models.functions import Cast, Coalesce, Floor
from django.utils import timezone

from cxcenter.accounts.models import Team
from cxcenter.board.anomalies import anomalies
from quality import metrics
from routing.choices import State
from routing.models import Alert, Assignment, Presence, Queue, QueueMember, WorkItem

SLOT_S = 15 * 60
# The counts of a day, by the name under which the page and its links know them.
COUNTS = {
    "entered": Q(),
    "answered": metrics.ANSWERED,
    "in_time": metrics.IN_TIME,
    "abandoned": metrics.ABANDONED,
    "flowed_out": metrics.FLOWED_OUT,
}
Row = dict[str, Any]
ByQueueAndKind = dict[tuple[int, str], Row]


def today(now: datetime | None = None) -> date:
    """Return the day of the installation's zone."""
    return (now or timezone.now()).astimezone(ZoneInfo(settings.DEFAULT_ZONE)).date()


def start_of(day: date) -> datetime:
    """Return the moment a day begins in the installation's zone."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(settings.DEFAULT_ZONE))


def unix(moment: datetime | None) -> float | None:
    """Return unix seconds to a tenth."""
    return round(moment.timestamp(), 1) if moment else None


# --- What takes its time: paced by the publisher --------------------------------------------------


def day_counts(day: date) -> ByQueueAndKind:
    """Return the counts of visits that arrived on the day, by queue and channel kind."""
    rows = (
        WorkItem.objects.filter(entered_at__gte=start_of(day))
        .values("queue_id", kind=F("interaction__kind"))
        .annotate(**{name: Count("pk", filter=condition) for name, condition in COUNTS.items()})
        .order_by()
    )
    return {(row["queue_id"], row["kind"]): {name: row[name] for name in COUNTS} for row in rows}


def handled(day: date) -> dict[int, tuple[int, float]]:
    """Return by operator how many contacts of the day are handled, and their mean time in seconds (AHT)."""
    rows = (
        Assignment.objects.filter(metrics.HANDLED, accepted_at__gte=start_of(day))
        .values_list("operator_id")
        .annotate(n=Count("pk"), mean=Avg(Coalesce("wrapped_at", "ended_at") - F("accepted_at")))
        .order_by()
    )
    return {operator: (n, round(mean.total_seconds(), 1)) for operator, n, mean in rows}


def charts(day: date) -> dict[int, Row]:
    """Return by team the arrivals by quarter of an hour, the waits and the reactions by columns."""
    start = start_of(day)
    visits = WorkItem.objects.filter(entered_at__gte=start).order_by()
    result: dict[int, Row] = defaultdict(lambda: {"arrivals": {}, "waits": [], "reactions": {}})
    slot = Cast(Floor(metrics.Seconds(F("entered_at") - start) / SLOT_S), IntegerField())
    for team, number, n in visits.annotate(slot=slot).values_list("queue__team_id", "slot").annotate(n=Count("pk")):
        result[team]["arrivals"][number] = n
    answered = visits.filter(metrics.ANSWERED).annotate(seconds=metrics.WAIT_S)
    for row in answered.values("queue__team_id").annotate(**_columns(metrics.WAIT_EDGES)):
        result[row["queue__team_id"]]["waits"] = _shares_of(row, metrics.WAIT_EDGES)
    replied = visits.filter(metrics.replied()).annotate(seconds=metrics.REACTION_S)
    rows = replied.values("queue__team_id", kind=F("interaction__kind"))
    for row in rows.annotate(mean=Avg("seconds"), **_columns(metrics.REACTION_EDGES)):
        columns = _shares_of(row, metrics.REACTION_EDGES)
        result[row["queue__team_id"]]["reactions"][row["kind"]] = {"n": columns, "mean": round(row["mean"], 1)}
    return dict(result)


def _columns(edges: tuple[int, ...]) -> dict[str, Count]:
    within = {f"within_{edge}": Count("pk", filter=Q(seconds__lte=edge)) for edge in edges}
    return {**within, "all": Count("pk")}


def _shares_of(row: Row, edges: tuple[int, ...]) -> list[int]:
    """Turn "within 10 s, within 20 s, …, all" into the counts of the columns."""
    steps = [row[f"within_{edge}"] for edge in edges] + [row["all"]]
    return [step - before for before, step in zip([0, *steps], steps, strict=False)]


# --- What is asked each second --------------------------------------------------------------------


def _waiting() -> ByQueueAndKind:
    rows = (
        WorkItem.objects.filter(metrics.WAITING)
        .values("queue_id", kind=F("interaction__kind"))
        .annotate(waiting=Count("pk"), since=Min("waits_since"))
        .order_by()
    )
    return {(row["queue_id"], row["kind"]): {"waiting": row["waiting"], "since": unix(row["since"])} for row in rows}


def _in_work() -> tuple[ByQueueAndKind, Counter[int]]:
    """Return contacts in work by queue and kind, and by operator."""
    rows = (
        Assignment.objects.filter(metrics.IN_WORK)
        .values_list("item__queue_id", "interaction__kind", "operator_id")
        .annotate(n=Count("pk"))
        .order_by()
    )
    by_queue: ByQueueAndKind = defaultdict(lambda: {"in_work": 0})
    by_operator: Counter[int] = Counter()
    for queue, kind, operator, n in rows:
        by_queue[queue, kind]["in_work"] += n
        by_operator[operator] += n
    return dict(by_queue), by_operator


def _people(now: datetime) -> dict[int, Row]:
    """Return by queue how many members it has, how many of them are on duty, how many are lent, and when the first goes back."""
    rows = (
        QueueMember.objects.filter(Q(until=None) | Q(until__gt=now), user__is_active=True)
        .values("queue_id")
        .annotate(members=Count("pk"), on_duty=Count("pk", filter=_on_duty("user__presence__state")))
        .annotate(lent=Count("until"), lent_until=Min("until"))
        .order_by()
    )
    return {
        row["queue_id"]: {
            **{name: row[name] for name in ("members", "on_duty", "lent")},
            "lent_until": unix(row["lent_until"]) if row["lent_until"] else None,
        }
        for row in rows
    }


def _on_duty(field: str) -> Q:
    return Q(**{f"{field}__in": [State.AVAILABLE, State.BUSY, State.WRAPUP]})


def _queues(busy: list[int]) -> list[tuple[Queue, list[str]]]:
    """Return the queues with the kinds of their entrances; one that was switched off only while it has visits."""
    kinds = ArrayAgg("entrances__channel__kind", distinct=True, filter=Q(entrances__isnull=False), default=[])
    queues = Queue.objects.filter(Q(active=True) | Q(pk__in=busy)).annotate(kinds=kinds)
    return [(queue, queue.kinds) for queue in queues]


def _queue(queue: Queue, kinds: list[str], now: datetime) -> Row:
    until = {"closed": queue.closed_until, "paused": queue.paused_until}
    held = {name: unix(moment) if moment and moment > now else None for name, moment in until.items()}
    return {
        "id": queue.pk,
        "name": queue.name,
        "name_ru": queue.name_ru,
        "target_s": queue.target_s,
        "target": queue.target_percent,
        "kinds": sorted(kinds),
        "message": queue.message if any(held.values()) else "",
        **held,
    }


def _operators(contacts: Counter[int]) -> dict[int | None, list[Row]]:
    """Return by team the operators who are signed in, and those who vanished with contacts in their hands."""
    here = Presence.objects.filter(~Q(state=State.OFFLINE) | Q(user_id__in=list(contacts)))
    result: dict[int | None, list[Row]] = defaultdict(list)
    for presence in here.select_related("user", "reason").order_by("user__first_name", "user__last_name", "user_id"):
        user, reason = presence.user, presence.reason
        result[user.team_id].append(
            {
                "id": user.pk,
                "name": user.name,
                "state": presence.state,
                "reason": reason.name if reason else "",
                "reason_ru": reason.name_ru if reason else "",
                "limit_s": reason.limit_min * 60 if reason and reason.limit_min else None,
                "since": unix(presence.since),
                "load": presence.load,
                "capacity": presence.capacity,
                "contacts": contacts[user.pk],
                "pause_after": presence.pause_after,
                "vanished": presence.vanished_at is not None,
            }
        )
    return result


def _alerts() -> dict[int, list[Row]]:
    """Return by team what was noted and not seen yet, one row per kind and queue."""
    rows = (
        Alert.objects.filter(seen_at=None)
        .exclude(item__visit="left")
        .values("team_id", "kind", "queue_id")
        .annotate(count=Count("pk"), since=Min("item__waits_since"), last=Max("pk"))
        .order_by("since", "last")
    )
    result: dict[int, list[Row]] = defaultdict(list)
    for row in rows[:1000]:
        about = {name: row[name] for name in ("kind", "count", "last")}
        result[row["team_id"]].append({**about, "queue": row["queue_id"], "since": unix(row["since"])})
    return result


def compute(
    now: datetime | None = None,
    *,
    counts: ByQueueAndKind | None = None,
    times: dict[int, tuple[int, float]] | None = None,
    drawn: dict[int, Row] | None = None,
) -> dict[int, Row]:
    """Return the numbers of every team by its id.

    `counts`, `times` and `drawn` (day_counts, handled, charts) are what the publisher keeps for a while;
    without them they are asked now.
    """
    now = now or timezone.now()
    day = today(now)
    counts = day_counts(day) if counts is None else counts
    times = handled(day) if times is None else times
    drawn = charts(day) if drawn is None else drawn
    in_work, contacts = _in_work()
    numbers = _joined(counts, _waiting(), in_work)
    people, operators, alerts = _people(now), _operators(contacts), _alerts()
    teams: dict[int, Row] = {
        pk: {"team": pk, "name": name, "queues": [], "operators": operators[pk]}
        for pk, name in Team.objects.values_list("pk", "name").order_by("name")
    }
    for queue, kinds in _queues(list(numbers)):
        row = {**_queue(queue, kinds, now), **people.get(queue.pk, {"members": 0, "on_duty": 0})}
        teams[queue.team_id]["queues"].append({**row, "numbers": numbers.get(queue.pk, {})})
    for pk, team in teams.items():
        for operator in team["operators"]:
            operator["handled"], operator["aht"] = times.get(operator["id"], (0, None))
        found = anomalies(team, now.timestamp())
        # Where nobody is on duty, that says more than that contacts are late.
        empty = {alert["queue"] for alert in found if alert["kind"] == "nobody"}
        team["alerts"] = [alert for alert in alerts[pk] if alert["queue"] not in empty] + found
        team["charts"] = drawn.get(pk, {"arrivals": {}, "waits": [], "reactions": {}})
        team["day"], team["at"] = unix(start_of(day)), unix(now)
    return teams


def _joined(*parts: ByQueueAndKind) -> dict[int, dict[str, Row]]:
    """Merge numbers by queue and kind into queue → kind → numbers; what is missing is 0."""
    nothing = {**dict.fromkeys(COUNTS, 0), "waiting": 0, "since": None, "in_work": 0}
    result: dict[int, dict[str, Row]] = defaultdict(dict)
    for part in parts:
        for (queue, kind), found in part.items():
            result[queue].setdefault(kind, dict(nothing)).update(found)
    return result
