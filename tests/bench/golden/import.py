"""A million records from a file, matched on exact identities: how long, how much memory; beside a plain COPY of the same file.

The records are those of `people`, each with a phone of its own, an address and a card. An eighth of them has the phone
or the card of an earlier one. The source vouches for them, so that these are joined.
"""

import csv
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import psycopg2

from tests.bench.center import main
from tests.bench.golden.people import make
from tests.bench.report import Figure
from tests.servers import ROOT, Databases

SIZE, CHUNK, SEED = int(os.environ.get("BENCH_CUSTOMERS", "1000000")), 20_000, 7
SHARED, REMEMBERED = 0.125, 50_000
COLUMNS = (
    "id", "last_name", "first_name", "middle_name", "birthday", "phone", "email", "card", "postcode", "region", "city",
    "street",
)  # fmt: skip


def measure(size: int = SIZE) -> Iterable[Figure]:
    databases = Databases(durable=True).start()
    try:
        file = databases.folder / "customers.csv"
        began = time.perf_counter()
        write(file, size)
        print(f"{size:,} records of {file.stat().st_size / 1e6:.0f} MB made in {time.perf_counter() - began:.0f} s")
        floor = copied(databases.postgres.url(), file)
        yield from imported(databases, file, size, floor)
    finally:
        databases.stop()


def imported(databases: Databases, file: Path, size: int, floor: float) -> Iterator[Figure]:
    """Import the file as an administrator does; check what came of it."""
    environment = {
        **os.environ,
        "DATABASE_URL": databases.postgres.url(),
        "REDIS_URL": databases.valkey.url(),
        "VAR_DIR": str(databases.folder / "var"),
        "LOG_LEVEL": "WARNING",
    }
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "--verbosity=0"], cwd=ROOT, env=environment, check=True)
    began = time.perf_counter()
    command = [*manage, "import_customers", str(file), "--source=crm", "--vouched"]
    running = subprocess.Popen(command, cwd=ROOT, env=environment)
    _pid, status, used = os.wait4(running.pid, 0)
    took = time.perf_counter() - began
    assert status == 0, status
    with psycopg2.connect(databases.postgres.url()) as database, database.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM customers_sourcerecord), (SELECT count(*) FROM customers_merge),"
            " (SELECT count(*) FROM customers_customer WHERE merged_into_id IS NULL)"
        )
        records, merges, live = cursor.fetchone()  # type: ignore[misc]
    assert records == size and merges + live == size, (records, merges, live)
    assert abs(merges / size - SHARED) < 0.05, merges
    own = used.ru_utime + used.ru_stime
    note = f"{size:,} records, {merges:,} joined; {own:.0f} s of a processor; the floor is a COPY of the file"
    yield Figure("golden.import_s", took, floor, note)
    yield Figure("golden.import_mb", used.ru_maxrss / 1024, note="peak of the importing process")


def copied(url: str, file: Path) -> float:
    """Return how many seconds PostgreSQL takes for the same file as it is."""
    with psycopg2.connect(url) as database, database.cursor() as cursor, file.open("rb") as rows:
        cursor.execute(f"CREATE TABLE plain ({', '.join(f'{name} text' for name in COLUMNS)})")
        began = time.perf_counter()
        cursor.copy_expert("COPY plain FROM STDIN (FORMAT csv, HEADER)", rows)
        database.commit()
        took = time.perf_counter() - began
        cursor.execute("DROP TABLE plain")
    return took


def write(path: Path, size: int) -> None:
    """Write so many records as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        out.writerows(rows(size))


def rows(size: int) -> Iterator[list[str]]:
    """Yield records chunk by chunk, so that a million needs no memory."""
    chance = Random(SEED)
    phones: list[str] = []
    cards: list[str] = []
    for number in range(size):
        if number % CHUNK == 0:
            people = make(SEED + number // CHUNK, CHUNK)
        person = people[number % CHUNK].person
        phone, card = f"+79{number + 10**8:09d}", f"2200{number:012d}"
        if phones and chance.random() < SHARED:
            phone, card = (chance.choice(phones), "") if chance.random() < 0.5 else ("", chance.choice(cards))
        else:
            for known, one in ((phones, phone), (cards, card)):
                if len(known) < REMEMBERED:
                    known.append(one)
                else:
                    known[chance.randrange(REMEMBERED)] = one
        email = f"{number}.{person.emails[0]}" if person.emails else ""
        birthday = person.birthday if _is_day(person.birthday) else ""
        name = (person.last, person.first, person.middle)
        home = (
            person.postcode,
            person.region,
            person.city,
            f"{person.street}, {person.house}" if person.street else "",
        )
        yield [f"C{number}", *name, birthday, phone, email, card, *home]


def _is_day(text: str) -> bool:
    """Tell whether a damaged birthday is still one."""
    return bool(re.fullmatch(r"(19[2-9]|20[01])\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])", text))


if __name__ == "__main__":
    main(measure)
