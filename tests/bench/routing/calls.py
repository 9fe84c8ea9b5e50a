"""The bank's call log: how long its import takes, and all its metrics by queue, priority and quarter of an hour."""

import gzip
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import psycopg2

from tests.bank import BANK
from tests.bench.center import main
from tests.bench.report import Figure, middle
from tests.servers import ROOT, Databases

TIMES = 5
ZONE = ZoneInfo("Asia/Jerusalem")
ABSENT = "skipped: the bank's call log is not in ../shared/data"
# The least that any report of this kind has to do.
PLAIN = """
    SELECT date_bin('15 minutes', entered_at, '1970-01-01'), queue_id, priority, count(*),
        count(*) FILTER (WHERE outcome = 'answered'), sum(left_at - entered_at) FILTER (WHERE outcome = 'answered')
    FROM routing_workitem WHERE entered_at >= %s AND entered_at < %s GROUP BY 1, 2, 3
"""


def measure() -> Iterable[Figure]:
    if not BANK.exists():
        yield Figure("routing.import_calls_s", None, None, ABSENT)
        yield Figure("routing.metrics_s", None, None, ABSENT)
        return
    databases = Databases(durable=True).start()
    try:
        yield from measured(databases)
    finally:
        databases.stop()


def measured(databases: Databases) -> Iterator[Figure]:
    os.environ |= {
        "DATABASE_URL": databases.postgres.url(),
        "REDIS_URL": databases.valkey.url(),
        "VAR_DIR": str(databases.folder / "var"),
        "DJANGO_SETTINGS_MODULE": "cxcenter.settings",
        "LOG_LEVEL": "WARNING",
    }
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "--verbosity=0"], cwd=ROOT, check=True)
    floor = copied(databases.postgres.url())
    began = time.perf_counter()
    subprocess.run([*manage, "import_calls", str(BANK)], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    took = time.perf_counter() - began
    yield Figure(
        "routing.import_calls_s", took, floor, "17,313 calls, the command's start included; floor: a COPY of the file"
    )
    yield from reported(databases.postgres.url())


def copied(url: str) -> float:
    """Return how many seconds PostgreSQL takes for the same file as it is."""
    with psycopg2.connect(url) as database, database.cursor() as cursor, gzip.open(BANK) as rows:
        columns = rows.readline().decode().strip().split("\t")
        cursor.execute("CREATE TABLE plain ({})".format(", ".join(f'"{name}" text' for name in columns)))
        began = time.perf_counter()
        cursor.copy_expert("COPY plain FROM STDIN", rows)
        database.commit()
        took = time.perf_counter() - began
        cursor.execute("DROP TABLE plain")
    return took


def reported(url: str) -> Iterator[Figure]:
    """Ask for all metrics of the log, counted from its rows and from rollups."""
    import django

    django.setup()
    from quality import rollups
    from quality.metrics.reports import Asked, report
    from quality.metrics.spans import Interval

    span = datetime(1999, 2, 1, tzinfo=ZONE), datetime(1999, 2, 15, tzinfo=ZONE)
    asked = Asked(*span, by=("queue", "priority"), interval=Interval.QUARTER, zone=ZONE)
    with psycopg2.connect(url) as database, database.cursor() as cursor:
        floor = timed(lambda: (cursor.execute(PLAIN, span), cursor.fetchall()))
    rows = timed(lambda: report(asked))
    rollups.rebuild()
    kept = timed(lambda: report(asked))
    told = report(asked)
    note = f"{len(told.rows):,} rows of {len(told.metrics)} metrics, from rows; from rollups {kept:.2f} s; floor: three numbers by plain SQL"
    yield Figure("routing.metrics_s", rows, floor, note)


def timed(act: Callable[[], object]) -> float:
    """Return how many seconds an act takes, the median of several times after a first one."""
    act()
    took = []
    for _time in range(TIMES):
        began = time.perf_counter()
        act()
        took.append(time.perf_counter() - began)
    return middle(took)


if __name__ == "__main__":
    main(measure)
