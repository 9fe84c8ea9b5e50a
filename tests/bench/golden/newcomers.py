"""A new record among very many customers: kept, compared with all at once, joined or put before a person."""

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import psycopg2

from tests.bench.center import center, main
from tests.bench.golden import crowd
from tests.bench.golden.people import Record
from tests.bench.golden.sets import SIZE, few, forgotten, kept
from tests.bench.report import Figure, middle, percentile

COUNT, WARM = few(400), few(20)


def measure() -> Iterable[Figure]:
    records = crowd.newcomers(SIZE, COUNT + WARM)
    with center(kept(durable=True), web=0, worker=False) as stack, forgotten():
        compared = watched()
        came = [put(number, record) for number, (record, _owner) in enumerate(records)]
        told = Counter(
            outcome(profile, owner) for (_took, profile), (_record, owner) in zip(came, records, strict=True)
        )
        floors = floor(stack.database_url, [record for record, _owner in records])
    whole = [ms for ms, _profile in came[WARM:]]
    said = ", ".join(f"{count} {what}" for what, count in sorted(told.items()))
    note = f"{COUNT} records, half of them of known people, at {SIZE:,} customers; "
    note += f"with the record kept and all that follows {percentile(whole, 95):.1f}, median {middle(whole):.1f}; {said}"
    yield Figure("golden.match_new_p95_ms", percentile(compared[WARM:], 95), percentile(floors[WARM:], 95), note)


def watched() -> list[float]:
    """Return a list that gets the ms of each comparison from now on, the merge that may follow from it included."""
    from customers import handlers

    compare, took = handlers.compare_profile, []

    def timed(*, profile_id: int) -> Any:
        began = time.perf_counter()
        made = compare(profile_id=profile_id)
        took.append((time.perf_counter() - began) * 1000)
        return made

    handlers.compare_profile = timed
    return took


def put(number: int, record: Record) -> tuple[float, int]:
    """Keep a record as an integration does, and have it compared; return how many ms it took, and its profile."""
    from customers import actions
    from tests.bench.golden.crowd import fields_of

    reaches = [actions.Reach(kind="phone", value=phone) for phone in record.person.phones]
    reaches += [actions.Reach(kind="email", value=address) for address in record.person.emails]
    said = actions.OutsideRecord(
        source="dms", external_id=f"D-{number}", fields=fields_of(record), reaches=list(dict.fromkeys(reaches))
    )
    began = time.perf_counter()
    kept_record, _status = actions.put_record(said=said)
    return (time.perf_counter() - began) * 1000, kept_record.profile_id


def outcome(profile: int, owner: int) -> str:
    """Tell what became of a record; `owner` is the customer whose it is, 0 if nobody's."""
    from customers.models import Likeness, Profile

    mine: Any = Profile.objects.get(pk=profile)
    if mine.customer_id != mine.home_id:
        return "joined" if mine.customer_id == owner else "joined wrongly"
    pairs = Likeness.objects.of_customer(mine.customer_id)
    return "before a person" if pairs.exists() else "missed" if owner else "new"


def floor(database_url: str, records: list[Record]) -> list[float]:
    """Return the ms of the candidates and what is compared of them, by plain psycopg2."""
    from customers import comparison
    from customers.matching.keys import keys
    from customers.matching.settings import MAX_BLOCK

    took = []
    with psycopg2.connect(database_url) as database, database.cursor() as cursor:
        for record in records:
            wanted = keys(record.person)
            began = time.perf_counter()
            cursor.execute(comparison.CANDIDATES, [wanted, MAX_BLOCK + 1])
            found = [row[1] for row in cursor.fetchall()][: comparison.MAX_CANDIDATES]
            cursor.execute("SELECT profile_id, person FROM customers_comparable WHERE profile_id = ANY(%s)", [found])
            cursor.fetchall()
            took.append((time.perf_counter() - began) * 1000)
    return took


if __name__ == "__main__":
    main(measure)
