"""The numbers of the day that take their time to count: the publisher keeps each of them for a while (see core.pace)."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, F, IntegerField, Q
from django.db.models.functions import Cast, Coalesce, Floor
from django.utils import timezone

from cxcenter.core.pace import Paced
from quality import forecast, metrics, service_level
from quality.metrics.measures import MEASURES, in_time
from quality.metrics.metric import Sums
from quality.metrics.spans import midnight
from quality.service_level import Policy
from routing.models import Assignment, WorkItem

SLOT_S = 15 * 60
# What a service level is made of, by any formula.
LEVEL = [code for code, measure in MEASURES.items() if measure.base == "visits" and measure.value is None]
# The numbers of a queue and channel by which the page knows them; `above` and `below` the line of the service level.
NAMES = ("entered", "answered", "in_time", "abandoned", "flowed_out", "above", "below")
OUTLOOK = ("mean", "variance", "before")
Row = dict[str, Any]
ByQueueAndKind = dict[tuple[int, str], Row]
Policies = Mapping[int, Policy]


def today(now: datetime | None = None) -> date:
    """Return the day of the installation's zone."""
    return (now or timezone.now()).astimezone(forecast.zone()).date()


def start_of(day: date) -> datetime:
    """Return the moment a day begins in the installation's zone."""
    return midnight(day, forecast.zone())


def unix(moment: datetime | None) -> float | None:
    """Return unix seconds to a tenth."""
    return round(moment.timestamp(), 1) if moment else None


class Counted:
    """Each of these numbers, asked again no sooner than it may be."""

    CHARTS_EVERY_S, BEFORE_EVERY_S, PAST_EVERY_S = 5, 60, 3600

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self.day = Paced(day_counts)
        self.times = Paced(handled)
        self.charts = Paced(charts, every_s=self.CHARTS_EVERY_S)
        self.before = Paced(a_week_before, every_s=self.BEFORE_EVERY_S)
        self.past = Paced(forecast.past_of, every_s=self.PAST_EVERY_S)
        self.expected = Paced(expected, every_s=self.PAST_EVERY_S)
        self.outlook = Paced(outlook, every_s=self.PAST_EVERY_S)


def day_counts(day: date, policies: Policies) -> ByQueueAndKind:
    """Return the counts of visits that arrived on the day, by queue and channel kind."""
    return _counts(Q(entered_at__gte=start_of(day)), policies)


def a_week_before(day: date, policies: Policies) -> ByQueueAndKind:
    """Return the counts of the same weekday a week ago, up to this time by the clock."""
    then = timezone.now().astimezone(forecast.zone()) - timedelta(days=7)
    return _counts(Q(entered_at__gte=start_of(day - timedelta(days=7)), entered_at__lte=then), policies)


def _counts(which: Q, policies: Policies) -> ByQueueAndKind:
    measures = {code: MEASURES[code] for code in LEVEL} | in_time(policies)
    rows = (
        WorkItem.objects.filter(which)
        .values("queue_id", kind=F("interaction__kind"))
        .annotate(**{code: measure.aggregate() for code, measure in measures.items()})
        .order_by()
    )
    return {(row["queue_id"], row["kind"]): _numbers(row, policies.get(row["queue_id"], Policy())) for row in rows}


def _numbers(row: Row, policy: Policy) -> Row:
    above, below = service_level.terms(policy, Sums(row, policy).counts)
    said = {"entered": row["offered"], "in_time": row["answered_in_time"], "above": above, "below": below}
    return {name: said.get(name, row.get(name)) for name in NAMES}


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
    result: dict[int, Row] = defaultdict(empty_charts)
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


def empty_charts() -> Row:
    """Return the charts of a team without contacts."""
    return {"arrivals": {}, "waits": [], "reactions": {}}


def _columns(edges: tuple[int, ...]) -> dict[str, Count]:
    within = {f"within_{edge}": Count("pk", filter=Q(seconds__lte=edge)) for edge in edges}
    return {**within, "all": Count("pk")}


def _shares_of(row: Row, edges: tuple[int, ...]) -> list[int]:
    """Turn "within 10 s, within 20 s, …, all" into the counts of the columns."""
    steps = [row[f"within_{edge}"] for edge in edges] + [row["all"]]
    return [step - before for before, step in zip([0, *steps], steps, strict=False)]


# --- What is usual --------------------------------------------------------------------------------


def expected(past: forecast.Past, now: datetime) -> dict[tuple[int, str], float]:
    """Return by queue and channel kind how many usually have come by now; nothing of a queue without a past."""
    day = today(now)
    into = (now - start_of(day)).total_seconds() / SLOT_S
    # How much of each quarter by the clock has passed.
    passed: dict[int, float] = defaultdict(float)
    for slot, quarter in enumerate(forecast.quarters_of(day)[: int(into) + 1]):
        passed[quarter] += min(1.0, into - slot)
    return {
        (queue, kind): round(sum(n * passed.get(quarter, 0) for quarter, n in counts.items()) / past.days(queue), 1)
        for (queue, kind), counts in past.arrivals.items()
        if past.tells(queue)
    }


def outlook(past: forecast.Past, day: date, team_of: Mapping[int, int]) -> dict[int, Row]:
    """Return by team what is usual by quarter of an hour: means and their variances, and what came a week ago."""
    quarters = forecast.quarters_of(day)
    result: dict[int, Row] = {}
    for (queue, kind), before in past.a_week_ago.items():
        if queue not in team_of or not past.tells(queue):
            continue
        of = result.setdefault(team_of[queue], {name: [0.0] * len(quarters) for name in OUTLOOK})
        for slot, quarter in enumerate(quarters):
            usual = past.usual_arrivals(queue, quarter, kind)
            for name, value in zip(OUTLOOK, (usual.mean, usual.variance, before.get(quarter, 0)), strict=True):
                of[name][slot] = round(of[name][slot] + value, 2)
    return result
