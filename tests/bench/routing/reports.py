"""Reports of a year and of a day at 15,000,000 contacts."""

import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg2

from tests.bench.center import main
from tests.bench.kept import Kept
from tests.bench.report import Figure
from tests.bench.routing import past
from tests.bench.routing.calls import timed

# Tests do with fewer.
SIZE = int(os.environ.get("BENCH_CONTACTS") or 15_000_000)
ZONE = ZoneInfo("Europe/Moscow")
# What remains if all the work was done before: the sums of whole days, in days of UTC.
PLAIN_YEAR = """
    SELECT date_trunc('month', at), queue_id, sum(offered), sum(answered), sum(wait_us) FROM quality_rollup
    WHERE level = 1 AND at >= %s AND at < %s GROUP BY 1, 2
"""
PLAIN_DAY = """
    SELECT date_bin('15 minutes', entered_at, '1970-01-01'), queue_id, count(*),
        count(*) FILTER (WHERE outcome = 'answered'), sum(left_at - entered_at) FILTER (WHERE outcome = 'answered')
    FROM routing_workitem WHERE entered_at >= %s AND entered_at < %s GROUP BY 1, 2
"""


def measure() -> Iterable[Figure]:
    databases = Kept(SIZE, fill="tests.bench.routing.past", version=past.VERSION).start()
    os.environ |= {
        "DATABASE_URL": databases.postgres.url(),
        "REDIS_URL": databases.valkey.url(),
        "VAR_DIR": str(databases.folder / "var"),
        "DJANGO_SETTINGS_MODULE": "cxcenter.settings",
        "LOG_LEVEL": "WARNING",
    }
    try:
        import django

        django.setup()
        yield from measured(databases.postgres.url())
    finally:
        databases.stop()


def measured(url: str) -> Iterator[Figure]:
    from django.db.models import Max

    from quality.metrics.reports import Asked, report, usual
    from quality.metrics.spans import Interval
    from quality.models import RolledDay
    from routing.models import WorkItem

    last = RolledDay.objects.aggregate(last=Max("day"))["last"]
    midnight = datetime(last.year, last.month, last.day, tzinfo=ZONE)
    year = midnight - timedelta(days=364), midnight
    metrics = usual(*year)
    day = midnight - timedelta(days=7), midnight - timedelta(days=6)
    with psycopg2.connect(url) as database, database.cursor() as cursor:
        floors = [
            timed(lambda: (cursor.execute(statement, span), cursor.fetchall()))  # noqa: B023 — called at once
            for statement, span in ((PLAIN_YEAR, year), (PLAIN_DAY, day))
        ]
    asked = Asked(*year, by=("queue",), interval=Interval.MONTH, zone=ZONE, metrics=metrics)
    told = report(asked)
    in_year = WorkItem.objects.filter(entered_at__gte=year[0], entered_at__lt=year[1]).count()
    assert told.whole["offered"] == in_year, (told.whole["offered"], in_year)
    operators = timed(lambda: report(Asked(*year, by=("operator",), interval=Interval.WHOLE, metrics=metrics)))
    note = f"{len(told.rows)} rows of {len(metrics)} metrics, {in_year:,} visits; by operator {operators * 1000:.0f} ms"
    yield Figure("routing.year_ms", timed(lambda: report(asked)) * 1000, floors[0] * 1000, note)
    quarters = {"by": ("queue",), "interval": Interval.QUARTER, "zone": ZONE, "metrics": metrics}
    raw = timed(lambda: report(Asked(*day, **quarters, kept=False)))
    summed = Asked(*day, **quarters)
    assert report(summed).rows == report(Asked(*day, **quarters, kept=False)).rows
    told = report(summed)
    note = f"{len(told.rows):,} rows, {told.whole['offered']:,} visits; counted from its rows, as today is, {raw * 1000:.0f} ms"
    yield Figure("routing.day_ms", timed(lambda: report(summed)) * 1000, floors[1] * 1000, note)


if __name__ == "__main__":
    main(measure)
