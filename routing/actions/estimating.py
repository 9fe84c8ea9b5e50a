"""Which estimator a queue is to use: its past is read, replayed, and the result kept."""

from datetime import datetime, timedelta

import structlog
from django.db.models import Max, Min, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from routing.backtest import Comparison, Visit, compare, replay
from routing.models import Backtest, Queue, WorkItem

log = structlog.get_logger(__name__)
# What is replayed before the first visit that counts, so that its measures have something to rest on.
BEFORE = timedelta(days=7)
NIGHTLY = timedelta(weeks=8)


def backtest(*, queue: Queue, since: datetime, until: datetime) -> Comparison:
    """Return how the estimators would have foretold the waits of those who came to a queue in [since, until)."""
    return compare(replay(_past(queue, since - BEFORE, until), since.timestamp()))


def _past(queue: Queue, since: datetime, until: datetime) -> list[Visit]:
    accepted = Q(legs__accepted_at__isnull=False)
    rows = (
        WorkItem.objects.filter(queue=queue, entered_at__gte=since, entered_at__lt=until, left_at__isnull=False)
        .annotate(
            offered=Min("legs__offered_at"),
            took=Min("legs__accepted_at"),
            gave=Max(Coalesce("legs__wrapped_at", "legs__ended_at"), filter=accepted),
        )
        .order_by("entered_at", "pk")
        .values_list("entered_at", "left_at", "outcome", "offered", "took", "gave")
    )
    return [
        Visit(
            came=came.timestamp(),
            left=left.timestamp(),
            end=outcome,
            offered=offered.timestamp() if offered else None,
            had=(took.timestamp(), gave.timestamp()) if took and gave and gave >= took else None,
        )
        for came, left, outcome, offered, took, gave in rows.iterator(chunk_size=5000)
    ]


def keep(*, queue: Queue, since: datetime, until: datetime, found: Comparison) -> Backtest | None:
    """Let a queue use the estimator that did best. None, and nothing changed, of too few visits."""
    if found.best is None:
        return None
    return Backtest.objects.update_or_create(
        queue=queue,
        defaults={
            "estimator": found.best,
            "since": since,
            "until": until,
            "visits": found.visits,
            "figures": {
                code: {"visits": one.visits, "bias_s": round(one.bias_s, 1), "mae_s": round(one.mae_s, 1)}
                for code, one in found.scores.items()
            },
            "made_at": timezone.now(),
        },
    )[0]


def choose_all(*, now: datetime | None = None) -> int:
    """Choose the estimator of every active queue anew by its last weeks. Returns for how many it could be done."""
    until = (now or timezone.now()).replace(minute=0, second=0, microsecond=0)
    done = 0
    for queue in Queue.objects.filter(active=True).order_by("pk"):
        found = backtest(queue=queue, since=until - NIGHTLY, until=until)
        done += keep(queue=queue, since=until - NIGHTLY, until=until, found=found) is not None
        log.debug("estimators compared", queue=queue.pk, best=found.best, visits=found.visits)
    return done
