"""A center that knows very many customers: `python -m tests.bench.golden.crowd N` fills the empty database of DATABASE_URL.

N customers with names, addresses, phones and what is compared of them; some ten facts and five messages for each. Most
have five to twenty facts of three years, in the order of time as they would have come; a few have LONG ones, some in
WIDE profiles. All of it is drawn, the same every time. `python -m tests.bench.golden.crowd` is run by `tests.bench.kept`.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from typing import Any

import psycopg2

from tests.bench import mass
from tests.bench.golden.people import Record, make

# Raised when other rows are made here.
VERSION = "golden-v1"
# Seeds of chunks follow this one; each makes so many customers and, for `newcomers`, duplicates of them.
SEED, CHUNK, RARE = 100, 20_000, 0.9
LONG, SHORT, WIDE = 100_000, 1_000, 20
MESSAGES, PROCESSES, BATCH = 6, 2, 20_000
NOW = datetime(2026, 11, 1, tzinfo=UTC)

CUSTOMER = "id kind name last_name first_name middle_name birthday company country region city street postcode language zone about custom words provenance version created_at updated_at"
COLUMNS = {
    "customers_customer": CUSTOMER,
    "customers_profile": "id source created_at customer_id home_id",
    "customers_sourcerecord": "id source external_id fields raw pins verified at profile_id",
    "customers_comparable": "profile_id person compared_at",
    "customers_matchkey": "key profile_id",
    "bench_contact": "profile kind value place",
    "interactions_message": "id seq staff_changed customer_changed author audience text code args client_key at channel_id interaction_id user_id thread_id",
}
# Their indexes are made when the rows are there.
LARGE = (
    *(table for table in COLUMNS if not table.startswith("bench")),
    *("customers_identity", "customers_profileidentity", "interactions_thread", "interactions_interaction"),
    *("interactions_case", "routing_workitem", "routing_assignment", "core_event", "quality_survey"),
)
PEOPLE = (
    """INSERT INTO customers_identity (kind, value, created_at)
       SELECT kind, value, %(now)s FROM (
           SELECT DISTINCT kind, value FROM bench_contact
           UNION ALL SELECT 'visitor', md5(p::text) FROM generate_series(1, %(n)s) p
       ) found""",
    # One in five phones was only stated.
    """INSERT INTO customers_profileidentity (verified, "primary", source, since, identity_id, profile_id)
       SELECT profile %% 5 > 0, place = 0, 'shop', %(now)s, i.id, profile
       FROM bench_contact JOIN customers_identity i USING (kind, value)
       UNION ALL
       SELECT true, true, 'webchat', %(now)s, i.id, p
       FROM generate_series(1, %(n)s) p JOIN customers_identity i ON i.kind = 'visitor' AND i.value = md5(p::text)""",
    """UPDATE customers_customer SET merged_into_id = head FROM bench_wide w
       WHERE customers_customer.id = w.profile AND w.profile <> head""",
    "UPDATE customers_profile SET customer_id = head FROM bench_wide w WHERE id = w.profile",
    """INSERT INTO customers_merge (survivor_id, absorbed_id, reason, detail, at)
       SELECT head, profile, 'hand', '{}', %(now)s FROM bench_wide WHERE profile <> head""",
)
PAST = (
    """CREATE TEMPORARY TABLE slot AS
       SELECT profile, %(now)s - random() * interval '1095 days' AS at, random() AS drawn
       FROM (
           SELECT p AS profile, CASE
               WHEN p <= %(long_last)s THEN %(long)s
               WHEN p <= %(short_last)s THEN %(short)s
               WHEN p <= %(wide_last)s THEN %(long)s / %(wide)s
               ELSE 4 + floor(16 * power(random(), 3)) END::int AS size
           FROM generate_series(1, %(n)s) p
       ) lot, generate_series(1, size)""",
    """CREATE UNLOGGED TABLE past AS
       SELECT row_number() OVER (ORDER BY at) AS n, profile AS c, row_number() OVER (PARTITION BY profile ORDER BY at) - 1 AS k,
              language, at AS ended, %(queues)s::bigint[] AS queues, %(operators)s::bigint[] AS operators
       FROM slot JOIN customers_customer ON id = profile WHERE drawn < 0.1""",
    """INSERT INTO interactions_thread (id, created_at, last_seq, staff_changes, customer_changes, customer_got_seq,
              customer_read_seq, staff_read_seq, page, channel_id, identity_id, profile_id)
       SELECT p, %(now)s, s, s, s, s, s, s, '{}', %(channel)s, i.id, p
       FROM generate_series(1, %(n)s) p JOIN customers_identity i ON i.kind = 'visitor' AND i.value = md5(p::text)
       LEFT JOIN (SELECT c, count(*) AS talks FROM past GROUP BY c) said ON c = p,
       LATERAL (SELECT coalesce(talks, 0) * %(messages)s AS s) total""",
    mass.SESSIONS,
    mass.VISITS,
    mass.LEGS,
    """INSERT INTO quality_survey (csat, ces, comment, at, interaction_id)
       SELECT 5 - n %% 3, 6, '', ended + interval '1 min', n FROM past WHERE n %% 3 = 0""",
    """INSERT INTO interactions_case (id, kind, subject, text, priority, status, due_at, opened_at, version, owner_id, profile_id)
       SELECT row_number() OVER (ORDER BY at), 'question', 'What is asked for here', '', 2, 'solved',
              at + interval '3 days', at, 1, (%(operators)s::bigint[])[1], profile
       FROM slot WHERE drawn BETWEEN 0.1 AND 0.13""",
    """CREATE TEMPORARY TABLE fact AS
       SELECT ended - interval '6 min' AS at, c AS profile, 'interaction.opened' AS kind, n AS about FROM past
       UNION ALL SELECT ended, c, 'interaction.closed', n FROM past
       UNION ALL SELECT at, s.id_profile, 'survey.answered', s.interaction_id
           FROM (SELECT q.at, q.interaction_id, p.c AS id_profile FROM quality_survey q JOIN past p ON n = q.interaction_id) s
       UNION ALL SELECT opened_at, profile_id, 'case.opened', id FROM interactions_case
       UNION ALL SELECT at, profile, CASE WHEN drawn < 0.33 THEN 'outside.event' ELSE 'site.event' END,
           (drawn * 1e9)::bigint FROM slot WHERE drawn > 0.13
       UNION ALL SELECT %(now)s - interval '1096 days', p, 'customer.created', p FROM generate_series(1, %(n)s) p""",
    # They come in the order of time: the facts of one customer lie far apart on the disk.
    """INSERT INTO core_event (profile_id, kind, at, payload)
       SELECT profile, kind, at, CASE kind
           WHEN 'site.event' THEN jsonb_build_object('type', 'page_view', 'origin', 'browser', 'data', jsonb_build_object(
               'url', 'https://norda.example/models/' || about %% 5000, 'title', 'Model ' || about %% 5000 || ', prices and colours'))
           WHEN 'outside.event' THEN jsonb_build_object('type', 'purchase', 'source', 'shop', 'data', jsonb_build_object(
               'title', 'Order ' || about %% 1000000, 'amount', about %% 90000, 'currency', 'RUB', 'branch', about %% 40))
           WHEN 'case.opened' THEN jsonb_build_object('case', about, 'kind', 'question')
           WHEN 'customer.created' THEN jsonb_build_object('customer', about)
           WHEN 'interaction.opened' THEN jsonb_build_object('interaction', about, 'kind', 'webchat')
           WHEN 'interaction.closed' THEN jsonb_build_object('interaction', about, 'kind', 'webchat', 'reason', 'finished')
           ELSE jsonb_build_object('interaction', about, 'csat', 5 - about %% 3, 'ces', 6) END
       FROM (SELECT * FROM fact ORDER BY at) ordered""",
)
NUMBERED = (
    *("customers_customer", "customers_profile", "customers_sourcerecord", "interactions_thread", "interactions_case"),
    *("interactions_interaction", "interactions_message", "routing_workitem", "routing_assignment"),
)


@dataclass(frozen=True)
class Special:
    """Customers with more of a past than others: with `long` facts, with `short`, with `long` in WIDE profiles; the sizes."""

    singles: list[int]
    shorts: list[int]
    wides: list[int]
    long: int
    short: int


def special(size: int) -> Special:
    """Return who has a long past among so many customers."""
    singles, wides = max(2, 7 * size // 10**6), max(1, 3 * size // 10**6)
    first = singles + 4 + 1
    long = min(LONG, size)
    return Special(
        list(range(1, singles + 1)),
        list(range(singles + 1, first)),
        list(range(first, first + wides * WIDE, WIDE)),
        long,
        long * SHORT // LONG,
    )


# --- People ---


def chunk(number: int) -> tuple[list[Record], list[Record]]:
    """Return the customers of a chunk, and damaged copies of them by which a second system knows them."""
    records = make(SEED + number, CHUNK * 17 // 10, rare=RARE)
    first = [record for record in records if not record.error][:CHUNK]
    assert len(first) == CHUNK, "this seed makes too few: draw more of them"
    known = {record.entity for record in first}
    return first, [record for record in records if record.error and record.entity in known]


def newcomers(size: int, count: int) -> list[tuple[Record, int]]:
    """Return records that the center does not have: by turns of a customer, with his number, and of a stranger (0)."""
    first, copies = chunk(0)
    numbers = {record.entity: place for place, record in enumerate(first, start=1)}
    one_each = {copy.entity: copy for copy in copies if numbers[copy.entity] <= size}
    known = [(copy, numbers[entity]) for entity, copy in one_each.items()]
    strange = [(record, 0) for record in make(SEED - 1, count, rare=RARE) if not record.error]
    return [pair for pairs in zip(known, strange, strict=False) for pair in pairs][:count]


def fields_of(record: Record) -> dict[str, str]:
    """Return the fields that a source gives of a person. A damaged date may be no day: nobody takes that."""
    from customers.fields import whole_name
    from customers.projection import day

    one = record.person
    birthday = one.birthday if day(one.birthday) else ""
    parts = {"first_name": one.first, "middle_name": one.middle, "last_name": one.last}
    place = {"region": one.region, "city": one.city, "postcode": one.postcode}
    street = ", ".join(filter(None, (one.street, one.house)))
    language = "en" if one.city.isascii() else "ru"
    said = {**parts, "name": whole_name(parts), "birthday": birthday, **place, "street": street}
    return {name: value for name, value in {**said, "language": language}.items() if value}


def bring(number: int, size: int) -> None:
    """Write the customers of a chunk, as far as there shall be so many."""
    people, _copies = chunk(number)
    rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in list(COLUMNS)[:6]}
    for pk, record in enumerate(people, start=number * CHUNK + 1):
        if pk <= size:
            _add(rows, pk, record)
    with _connected() as cursor:
        for table, made in rows.items():
            copy(cursor, table, made)


def _add(rows: dict[str, list[tuple[Any, ...]]], pk: int, record: Record) -> None:
    from customers import comparison, projection
    from customers.matching.keys import keys
    from customers.survivorship import Said

    said = fields_of(record)
    golden = projection.project([Said(record=pk, source="shop", at=NOW, fields=said)], {})
    one = comparison.person(pk, golden, phones=record.person.phones, emails=record.person.emails)
    golden["words"] = "{" + ",".join(f'"{word}"' for word in golden["words"]) + "}"
    values = [json.dumps(golden[name]) if name in {"custom", "provenance"} else golden.get(name) for name in _GOLDEN]
    rows["customers_customer"].append((pk, *values, 1, NOW, NOW))
    rows["customers_profile"].append((pk, "shop", NOW, pk, pk))
    rows["customers_sourcerecord"].append((pk, "shop", f"S-{pk}", json.dumps(said), "{}", "{}", False, NOW, pk))
    rows["customers_comparable"].append((pk, json.dumps(comparison.stored(one)), NOW))
    rows["customers_matchkey"] += [(key, pk) for key in keys(one)]
    for kind, found in (("phone", record.person.phones), ("email", record.person.emails)):
        rows["bench_contact"] += [(pk, kind, value, place) for place, value in enumerate(dict.fromkeys(found))]


_GOLDEN = CUSTOMER.split()[1:-3]


# --- What was said ---


def speak(first: int, last: int, channel: int) -> None:
    """Write the messages of the sessions with these numbers."""
    from tests.bench.golden.texts import LANGUAGES, Writer

    writers = {language: Writer(language, first) for language in LANGUAGES}
    with _connected() as cursor:
        cursor.execute(
            "SELECT n, c, language, ended - interval '6 min', operators[1 + n %% array_length(operators, 1)], k"
            " FROM past WHERE n BETWEEN %s AND %s",
            [first, last],
        )
        talks = cursor.fetchall()
        counts = {language: sum(talk[2] == language for talk in talks) for language in LANGUAGES}
        texts = {language: iter(writers[language].write(counts[language] * MESSAGES)) for language in LANGUAGES}
        copy(
            cursor, "interactions_message", (row for talk in talks for row in _messages(talk, texts[talk[2]], channel))
        )


def _messages(talk: tuple[Any, ...], texts: Iterator[str], channel: int) -> Iterator[tuple[Any, ...]]:
    pk, thread, _language, opened, operator, before = talk
    for place in range(1, MESSAGES + 1):
        seq, number = before * MESSAGES + place, (pk - 1) * MESSAGES + place
        who, user = ("customer", None) if place % 2 else ("staff", operator)
        key = f"{number:032x}"
        at = opened + timedelta(minutes=place)
        yield (number, seq, seq, seq, who, "all", next(texts), "", "{}", key, at, channel, pk, user, thread)


# --- The tables ---


def copy(cursor: Any, table: str, rows: Sequence[tuple[Any, ...]] | Iterator[tuple[Any, ...]]) -> None:
    """Write rows in one stream; their columns are those of COLUMNS."""
    columns = ", ".join(COLUMNS[table].split())
    cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", _Stream(rows))


class _Stream:
    """Rows as a file that COPY reads piece by piece."""

    def __init__(self, rows: Sequence[tuple[Any, ...]] | Iterator[tuple[Any, ...]]) -> None:
        self._lines = (_line(row) for row in rows)
        self._rest = ""

    def read(self, size: int) -> str:
        parts, length = [self._rest], len(self._rest)
        for line in self._lines:
            parts.append(line)
            length += len(line)
            if length >= size:
                break
        text = "".join(parts)
        self._rest = text[size:]
        return text[:size]


def _line(row: tuple[Any, ...]) -> str:
    return "\t".join("\\N" if value is None else _escaped(str(value)) for value in row) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


@contextmanager
def _connected() -> Iterator[Any]:
    """A connection for mass: what is right by the way it is made is not looked up row by row."""
    database = psycopg2.connect(os.environ["DATABASE_URL"])
    try:
        with database, database.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("SET maintenance_work_mem = '1GB'; SET work_mem = '512MB'; SELECT setseed(0.5)")
            yield cursor
    finally:
        database.close()


@contextmanager
def without_indexes(cursor: Any) -> Iterator[None]:
    """Take the indexes of large tables away, but for primary keys, and make them when all rows are there."""
    cursor.execute(
        """SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
                  format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
           FROM pg_constraint WHERE contype = 'u' AND conrelid = ANY(%(tables)s::regclass[])
           UNION ALL
           SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
           FROM pg_index WHERE indrelid = ANY(%(tables)s::regclass[])
               AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))""",
        {"tables": list(LARGE)},
    )
    found = cursor.fetchall()
    for drop, _make in found:
        cursor.execute(drop)
    yield
    for _drop, make_again in found:
        cursor.execute(make_again)


def fill(size: int) -> None:
    """Make the tables and fill them."""
    from django.core.management import call_command
    from django.db import connection, transaction

    from customers import dictionary
    from customers.actions import train_weights

    call_command("migrate", interactive=False, verbosity=0)
    with transaction.atomic():
        floor = mass.make_floor()
    # Processes of their own must not share it.
    connection.close()
    values = {"n": size, "messages": MESSAGES, "now": NOW, "wide": WIDE, **numbers(special(size)), **floor}
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("fork")) as pool, _connected() as cursor:
        cursor.execute("CREATE UNLOGGED TABLE bench_contact (profile bigint, kind text, value text, place int)")
        cursor.execute("CREATE TEMPORARY TABLE bench_wide (head bigint, profile bigint)")
        wides = [(head, head + place) for head in special(size).wides for place in range(WIDE)]
        cursor.executemany("INSERT INTO bench_wide VALUES (%s, %s)", wides)
        with without_indexes(cursor):
            cursor.connection.commit()
            done(pool.submit(bring, number, size) for number in range(-(-size // CHUNK)))
            run(cursor, PEOPLE + PAST, values)
            cursor.execute("SELECT count(*) FROM past")
            talks = cursor.fetchone()[0]
            firsts = range(1, talks + 1, BATCH)
            done(pool.submit(speak, one, min(one + BATCH - 1, talks), floor["channel"]) for one in firsts)
            cursor.execute("DROP TABLE bench_contact, past")
        for table in NUMBERED:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
    with connection.cursor() as plain:
        plain.execute("VACUUM ANALYZE")
    train_weights()
    dictionary.sweep()


def run(cursor: Any, statements: Sequence[str], values: dict[str, Any]) -> None:
    """Run statements one by one; other connections see what they have made."""
    for statement in statements:
        cursor.execute(statement, values)
        cursor.connection.commit()


def done(tasks: Iterator[Any]) -> None:
    """Wait for tasks. Raises what the first of them has raised."""
    for task in list(tasks):
        task.result()


def numbers(people: Special) -> dict[str, int]:
    """Return the places and sizes of long pasts for the statements."""
    return {
        "long_last": people.singles[-1],
        "short_last": people.shorts[-1],
        "wide_last": people.wides[-1] + WIDE - 1,
        "long": people.long,
        "short": people.short,
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cxcenter.settings")
    import django

    django.setup()
    fill(int(sys.argv[1]))
