"""A year of a large center: so many contacts with their visits and legs, and the sums of each day.

`python -m tests.bench.routing.past N` fills the empty database that DATABASE_URL names.
"""

import os
import sys
from datetime import UTC, datetime, timedelta

VERSION = "routing-v1"
TEAMS, QUEUES, OPERATORS, CUSTOMERS, DAYS = 4, 20, 300, 1000, 365
# A contact n: when it came, to which queue, how long it waited, who took it and for how long. All of it follows from n.
# Each operator serves two queues, each queue has one channel.
PAST = """
    SELECT n, at, who.operator, line.queue, CASE line.number %% 3 WHEN 0 THEN 'webchat' ELSE 'voice' END AS kind, priority, customer,
        wait, talk, outcome
    FROM (
        SELECT n, %(begin)s::timestamptz + (n - 0.5) * (interval '365 days' / %(n)s) AS at,
            (n * 13 + n / 17) %% array_length(%(operators)s::bigint[], 1) AS taker,
            (n / 5) %% 3 AS priority, 1 + (n * 31) %% %(customers)s AS customer,
            ((n * 7919) %% 90001) * interval '1 millisecond' AS wait,
            (30 + (n * 104729) %% 600) * interval '1 second' AS talk,
            CASE WHEN n %% 10 < 8 THEN 'answered' WHEN n %% 10 = 8 THEN 'abandoned' WHEN n %% 50 = 9 THEN 'blocked' ELSE 'flowed_out' END AS outcome
        FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
    ) drawn
    CROSS JOIN LATERAL (SELECT (%(operators)s::bigint[])[1 + taker] AS operator) who
    CROSS JOIN LATERAL (SELECT (taker + n / 7 %% 2) %% array_length(%(queues)s::bigint[], 1) AS number) place
    CROSS JOIN LATERAL (SELECT place.number, (%(queues)s::bigint[])[1 + place.number] AS queue) line
"""
SESSIONS = """
    INSERT INTO interactions_interaction (id, public_id, kind, subject, language, opened_at, closed_at, close_reason,
        first_reply_at, last_message_at, unread, says, page, wrap_note, profile_id, thread_id, topic_id)
    SELECT n, gen_random_uuid(), kind, '', 'en', at, at + wait + talk, 'finished',
        CASE outcome WHEN 'answered' THEN at + wait END, at + wait + talk, 0, '{{}}', '{{}}', '',
        customer, customer, (%(topics)s::bigint[])[1 + n %% 5]
    FROM ({past}) past
"""
VISITS = """
    INSERT INTO routing_workitem (id, visit, priority, entered_at, waits_since, rank_at, left_at, outcome, blocked_kind,
        only_preferred, note, interaction_id, queue_id)
    SELECT n, 'left', priority, at, at, at, at + wait, outcome, CASE outcome WHEN 'blocked' THEN 'B2' ELSE '' END, false, '', n, queue
    FROM ({past}) past
"""
LEGS = """
    INSERT INTO routing_assignment (id, leg, "end", offered_at, accepted_at, ended_at, wrapped_at, holds, why,
        interaction_id, operator_id, item_id)
    SELECT n, 'ended', CASE n %% 20 WHEN 0 THEN 'transferred' ELSE 'finished' END, at + wait, at + wait, at + wait + talk,
        at + wait + talk + interval '20 s', false, '{{}}', n, operator, n
    FROM ({past}) past WHERE outcome = 'answered'
"""
RATINGS = """
    INSERT INTO quality_survey (csat, ces, comment, at, interaction_id)
    SELECT 1 + n %% 5, 1 + n %% 7, '', at + wait + talk, n FROM ({past}) past WHERE n %% 30 = 0
"""
TABLES = ("interactions_interaction", "routing_workitem", "routing_assignment")
# Contacts of a statement.
STEP = 1_000_000


def fill(contacts: int) -> None:
    """Make the tables and fill them."""
    from django.core.management import call_command
    from django.db import connection

    from quality import rollups

    call_command("migrate", interactive=False, verbosity=0)
    values = {"n": contacts, "customers": CUSTOMERS, "begin": begin(), **make_floor()}
    with connection.cursor() as cursor:
        # Millions of foreign keys, right by the way they are made, are not looked up one by one.
        cursor.execute("SET session_replication_role = replica")
        indexes = dropped(cursor)
        for first in range(1, contacts + 1, STEP):
            span = {"first": first, "last": min(first + STEP - 1, contacts)}
            for statement in (SESSIONS, VISITS, LEGS, RATINGS):
                cursor.execute(statement.format(past=PAST), {**values, **span})
            print(f"{span['last']:,} contacts", flush=True)
        for index in indexes:
            cursor.execute(index)
        for table in TABLES:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")
    print(f"{rollups.rebuild()} days summed up", flush=True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE quality_rollup")


def begin() -> datetime:
    """Return when the year begins: it has ended three days ago."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=DAYS + 3)


def dropped(cursor) -> list[str]:  # type: ignore[no-untyped-def]
    """Drop the indexes of the large tables; return the statements that make them again, faster than row by row."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexname NOT IN (SELECT conname FROM pg_constraint)",
        [list(TABLES)],
    )
    found = cursor.fetchall()
    for name, _statement in found:
        cursor.execute(f'DROP INDEX "{name}"')
    return [statement for _name, statement in found]


def make_floor() -> dict[str, object]:
    """Make teams, queues, operators, channels and customers; return their ids for the statements."""
    from customers.models import Customer, Identity, Profile
    from cxcenter.accounts.models import User
    from interactions.models import Channel, Thread, Topic
    from tests import world

    teams = [world.make_team(f"Team {number}") for number in range(TEAMS)]
    queues = [world.make_queue(f"Queue {number}", teams[number % TEAMS], target_s=20) for number in range(QUEUES)]
    operators = User.objects.bulk_create(
        User(username=f"operator{number}", first_name=f"Operator {number}", password="!", team=teams[number % TEAMS])
        for number in range(OPERATORS)
    )
    channel = Channel.objects.create(name="Line", kind="voice")
    topics = [Topic.objects.create(name=f"Topic {number}") for number in range(5)]
    customers = Customer.objects.bulk_create(Customer(pk=number + 1) for number in range(CUSTOMERS))
    profiles = Profile.objects.bulk_create(Profile(pk=c.pk, customer=c, home=c, source="x") for c in customers)
    identities = Identity.objects.bulk_create(Identity(kind="visitor", value=f"v{c.pk}") for c in customers)
    Thread.objects.bulk_create(
        Thread(pk=profile.pk, channel=channel, identity=identity, profile=profile)
        for profile, identity in zip(profiles, identities, strict=True)
    )
    return {
        "queues": [queue.pk for queue in queues],
        "operators": [user.pk for user in operators],
        "topics": [topic.pk for topic in topics],
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cxcenter.settings")
    import django

    django.setup()
    fill(int(sys.argv[1]))
