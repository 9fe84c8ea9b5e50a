"""What is known now of how long people wait in queues, measured: the ground of what visitors are told."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Avg, Count, F, Min, Q, Sum
from django.utils import timezone

from cxcenter.core.planned import Given, Planned
from cxcenter.core.statements import Statement
from interactions.models import Interaction
from routing.capacity import LIMITS
from routing.choices import Estimator, Outcome, Visit, Work
from routing.estimators import DEFAULT, ESTIMATORS, Line, patience
from routing.models import Backtest, Presence, Queue, WorkItem

# How far back each measure looks. Who was answered last an hour ago tells nothing of now.
HANDLING, PATIENCE, LAST, RECENT = timedelta(days=1), timedelta(days=7), timedelta(hours=1), timedelta(minutes=15)
LIVE = [Visit.WAITING, Visit.OFFERED]
# How many places the available operators of queues have for what waits there, and how many contacts take one, wrap-up
# included. Asked while a phone rings, and for each visitor who waits.
SERVED = Statement(
    "served",
    f"""
    WITH kinds AS (
        SELECT queue_id, CASE WHEN every(work = '{Work.CALL}') THEN '{Work.CALL}' ELSE '{Work.CHAT}' END AS asked
        FROM routing_workitem WHERE visit = 'waiting' AND queue_id = ANY(%(queues)s) GROUP BY queue_id
    ), room AS (
        SELECT queue.id, sum(CASE asked WHEN '{Work.CALL}' THEN {LIMITS[Work.CALL]} ELSE {LIMITS[Work.CHAT]} END) AS places
        FROM routing_queue queue JOIN routing_queuemember member ON queue.id = member.queue_id
            JOIN routing_presence presence USING (user_id) LEFT JOIN kinds ON kinds.queue_id = queue.id
        WHERE queue.id = ANY(%(queues)s) AND queue.active AND (queue.paused_until IS NULL OR queue.paused_until <= %(now)s)
            AND (member.until IS NULL OR member.until > %(now)s)
            AND mode = 'available' AND coalesce(asked, '{Work.CHAT}') <> ALL(off)
        GROUP BY queue.id
    )
    SELECT room.id, places, (
        SELECT count(*) FROM routing_assignment leg JOIN routing_workitem item ON item.id = item_id
        WHERE leg.leg IN ('active', 'wrapup') AND holds AND queue_id = room.id
    ) FROM room
    """,  # noqa: S608 — names of our own columns
    queues="bigint[]",
    now="timestamptz",
)
HANDLED = Statement(
    "handled",
    """
    SELECT queue_id, extract(epoch FROM avg(coalesce(wrapped_at, ended_at) - accepted_at))::float8
    FROM routing_assignment leg JOIN routing_workitem item ON item.id = item_id
    WHERE accepted_at > %(since)s AND leg.leg = 'ended' AND "end" = 'finished' AND queue_id = ANY(%(queues)s)
    GROUP BY queue_id
    """,
    queues="bigint[]",
    since="timestamptz",
)
Means = dict[int, float]
BEST = Planned("best_estimators", lambda: Backtest.objects.filter(queue__pk__among=Given("queues", "bigint[]")))
# Asked by every page of who waits, whenever somebody's place changes.
PLACE = Statement(
    "place_of",
    """
    SELECT item.id, queue_id, visit, entered_at, estimated_at, (
        SELECT count(*) FROM routing_workitem other WHERE other.queue_id = item.queue_id AND other.visit = ANY(%(live)s)
            AND (other.rank_at, other.id) < (item.rank_at, item.id)
    )
    FROM routing_workitem item WHERE interaction_id = %(interaction)s AND visit = ANY(%(live)s) LIMIT 1
    """,
    interaction="bigint",
    live="text[]",
)


@dataclass(frozen=True)
class Known:
    """A queue's line without anybody in particular, and the estimator that is used for it."""

    estimator: str = DEFAULT
    line: Line = field(default_factory=Line)

    def estimate_s(self, *, ahead: int, waited_s: float = 0.0) -> float | None:
        """Return the honest wait in seconds of one behind so many others; None without ground for it.

        While nobody serves the queue nothing is promised, whatever the past says.
        """
        if self.line.slots is None:
            return None
        # The first in line is not behind himself.
        head_s = self.line.head_s if ahead else None
        return ESTIMATORS[self.estimator](replace(self.line, ahead=ahead, waited_s=waited_s, head_s=head_s))


NOTHING = Known()


@dataclass(frozen=True)
class Place:
    """A place in a queue: position from 1, and the estimate in seconds if there is ground for one, by which estimator.

    `untold` is the visit if its visitor has not been told an estimate yet.
    """

    position: int
    estimate_s: float | None
    estimator: str = field(default="", compare=False)
    untold: int | None = field(default=None, compare=False)


def handling_s(now: datetime, queue_ids: Iterable[int]) -> Means:
    """Return the mean handling time of each queue's contacts in the last day, wrap-up included; absent without any.

    In seconds. What was handed over or went back is no handled contact.
    """
    return dict(HANDLED.rows(queues=list(queue_ids), since=now - HANDLING))


def slots_of(now: datetime, queue_ids: Iterable[int]) -> dict[int, int]:
    """Return how many contacts each queue's available operators serve at once; absent without any, or on a pause.

    Calls where calls alone wait, else chats.
    """
    return {queue: places for queue, places, _held in SERVED.rows(queues=list(queue_ids), now=now)}


def served_at_once(now: datetime, queue_ids: Iterable[int]) -> dict[int, int]:
    """Return how many contacts each queue's operators serve at once; absent if nobody is available, or on a pause.

    Who serves several queues has not all his places for this one: while people wait it is as many as are in hand.
    """
    rows = SERVED.rows(queues=list(queue_ids), now=now)
    return {queue: min(held or places, places) for queue, places, held in rows}


def patience_s(now: datetime, queue_ids: Collection[int]) -> Means:
    """Return the mean patience of those who waited in each queue in the last week; absent where too few gave up."""
    ended = WorkItem.objects.filter(entered_at__gt=now - PATIENCE, outcome__in=[Outcome.ANSWERED, Outcome.ABANDONED])
    sums = (
        ended.filter(queue_id__in=list(queue_ids))
        .values_list("queue_id")
        .annotate(waited=Sum(F("left_at") - F("entered_at")), lost=Count("pk", filter=Q(outcome=Outcome.ABANDONED)))
        .order_by()
    )
    found = {queue: patience(waited.total_seconds(), lost) for queue, waited, lost in sums}
    return {queue: mean for queue, mean in found.items() if mean is not None}


def last_s(now: datetime, queue_ids: Collection[int]) -> Means:
    """Return the wait of the one who was answered last in each queue, within the last hour."""
    answered = _answered(now, LAST, queue_ids).order_by("queue_id", "-left_at", "-pk").distinct("queue_id")
    return {item.queue_id: _waited(item) for item in answered}


def recent_s(now: datetime, queue_ids: Collection[int]) -> Means:
    """Return the mean wait of those answered in each queue in the last quarter of an hour."""
    means = _answered(now, RECENT, queue_ids).values_list("queue_id").annotate(mean=Avg(F("left_at") - F("entered_at")))
    return {queue: mean.total_seconds() for queue, mean in means.order_by()}


def head_s(now: datetime, queue_ids: Collection[int]) -> Means:
    """Return how long the one who came first to each queue of those who wait has waited."""
    live = WorkItem.objects.filter(queue_id__in=list(queue_ids), visit=Visit.WAITING)
    first = live.values_list("queue_id").annotate(first=Min("entered_at")).order_by()
    return {queue: (now - since).total_seconds() for queue, since in first}


def _answered(now: datetime, within: timedelta, queue_ids: Collection[int]) -> "models.QuerySet[Any]":
    # Who is answered within that time came a day before it at the most: the index is by the time of coming.
    recent = WorkItem.objects.filter(entered_at__gt=now - within - HANDLING, queue_id__in=list(queue_ids))
    return recent.filter(outcome=Outcome.ANSWERED, left_at__gt=now - within)


def _waited(item: WorkItem) -> float:
    assert item.left_at is not None
    return (item.left_at - item.entered_at).total_seconds()


def known(now: datetime, queue_ids: Collection[int]) -> dict[int, Known]:
    """Return what is known of queues, each as far as its estimator needs it."""
    room = served_at_once(now, queue_ids)
    if not room:
        return {}
    best = {row.queue_id: row.estimator for row in BEST.rows(queues=list(room))}
    using: dict[str, list[int]] = {}
    for queue in room:
        using.setdefault(best.get(queue, DEFAULT), []).append(queue)

    def of(*estimators: Estimator) -> list[int]:
        return [queue for one in estimators for queue in using.get(one, [])]

    handling = _if_any(handling_s, now, of(Estimator.LENGTH, Estimator.PATIENT))
    patient = _if_any(patience_s, now, of(Estimator.PATIENT))
    last = _if_any(last_s, now, of(Estimator.LAST, Estimator.HEAD))
    head = _if_any(head_s, now, of(Estimator.HEAD))
    recent = _if_any(recent_s, now, of(Estimator.RECENT))
    return {
        queue: Known(
            estimator,
            Line(
                slots=room[queue],
                handling_s=handling.get(queue),
                patience_s=patient.get(queue),
                last_s=last.get(queue),
                head_s=head.get(queue),
                recent_s=recent.get(queue),
            ),
        )
        for estimator, queues in using.items()
        for queue in queues
    }


def _if_any(measure: Any, now: datetime, queue_ids: list[int]) -> Means:
    found: Means = measure(now, queue_ids) if queue_ids else {}
    return found


def expected_s(queue: Queue) -> float | None:
    """Return how long a newcomer would wait, in seconds; None without ground for an estimate."""
    now, ahead = timezone.now(), queue.items.exclude(visit=Visit.LEFT).count()
    found = known(now, [queue.pk]).get(queue.pk, NOTHING)
    serves = found.line.slots is not None
    if ahead == 0 and serves and Presence.objects.free().filter(user__memberships__queue=queue).exists():
        return 0.0
    return found.estimate_s(ahead=ahead)


def place_of(interaction: Interaction) -> Place | None:
    """Return the place of one session that waits, or None if it does not wait."""
    waits = PLACE.row(interaction=interaction.pk, live=list(LIVE))
    if waits is None:
        return None
    item, queue, visit, entered_at, estimated_at, ahead = waits
    now = timezone.now()
    found = known(now, [queue]).get(queue, NOTHING)
    estimate = found.estimate_s(ahead=ahead, waited_s=(now - entered_at).total_seconds())
    # Of one who is offered already an estimate would foretell how long an operator thinks.
    untold = item if visit == Visit.WAITING and estimated_at is None else None
    return Place(ahead + 1, estimate, found.estimator, untold)
