"""A center with years behind it: so many finished conversations of four messages, and a live desk on top.

`python -m tests.bench.mass N` fills the empty database that DATABASE_URL names. Rows agree with each other as if
the acts had written them: places and change numbers, visits, legs, events. The newest conversations are a minute old.
"""

import os
import sys

TEAMS, QUEUES_PER_TEAM, OPERATORS_PER_QUEUE = 2, 5, 6
PER_CUSTOMER, MESSAGES = 10, 4
OPEN_PER_OPERATOR, WAITING_PER_QUEUE = 4, 3
PASSWORD = "bench"
OPERATOR, BOSS = "operator0", "boss"

PEOPLE = (
    """INSERT INTO customers_customer (id, kind, name, last_name, first_name, middle_name, company, country, region, city,
              street, postcode, language, zone, about, custom, words, provenance, version, created_at, updated_at)
       SELECT c, 'person', first || ' Customer ' || c, 'Customer ' || c, first, '', '', '', '', city,
              '', '', 'en', '', '', '{}', '{}', '{}', 1, now(), now()
       FROM generate_series(1, %(customers)s) c,
            LATERAL (SELECT (ARRAY['Anna','Boris','Clara','Denis','Elena','Fyodor','Grace','Hugo'])[1 + c %% 8] AS first,
                            (ARRAY['Moscow','Kazan','Tver','Samara'])[1 + c %% 4] AS city) said""",
    """INSERT INTO customers_profile (id, source, created_at, customer_id, home_id)
       SELECT c, 'webchat', now() - interval '1 year', c, c FROM generate_series(1, %(customers)s) c""",
    """INSERT INTO customers_identity (id, kind, value, created_at)
       SELECT 2 * c - 1 + k, (ARRAY['visitor', 'phone'])[1 + k],
              CASE k WHEN 0 THEN md5(c::text) ELSE '+7900' || lpad(c::text, 7, '0') END, now() - interval '1 year'
       FROM generate_series(1, %(customers)s) c, generate_series(0, 1) k""",
    """INSERT INTO customers_profileidentity (verified, "primary", source, since, identity_id, profile_id)
       SELECT i %% 2 = 1, i %% 2 = 1, 'webchat', now() - interval '1 year', i, (i + 1) / 2
       FROM generate_series(1, 2 * %(customers)s) i""",
    """INSERT INTO interactions_thread (id, created_at, last_seq, staff_changes, customer_changes, customer_got_seq,
              customer_read_seq, staff_read_seq, page, channel_id, identity_id, profile_id)
       SELECT c, now() - interval '1 year', s, s, s, s, s, s, '{}', %(channel)s, 2 * c - 1, c
       FROM generate_series(1, %(customers)s) c, (SELECT %(per_customer)s * %(messages)s AS s) total""",
)
# Of a table `past` with the columns that PAST makes: tests/bench/golden/crowd.py has one of its own.
SESSIONS = """
    INSERT INTO interactions_interaction (id, public_id, kind, subject, language, opened_at, closed_at, close_reason,
        first_reply_at, last_message_at, unread, says, page, wrap_note, solved, profile_id, last_message_id, thread_id)
    SELECT n, gen_random_uuid(), 'webchat', '', language, ended - interval '6 min', ended, 'finished',
        ended - interval '5 min', ended - interval '1 min', 0, '{}', '{}', '', true, c, n * %(messages)s, c
    FROM past
"""
VISITS = """
    INSERT INTO routing_workitem (id, visit, priority, entered_at, waits_since, rank_at, left_at, outcome, blocked_kind,
        only_preferred, note, interaction_id, queue_id)
    SELECT n, 'left', 1, ended - interval '6 min', ended - interval '6 min', ended - interval '7 min',
        ended - interval '5 min', 'answered', '', false, '', n, queues[1 + n %% array_length(queues, 1)]
    FROM past
"""
LEGS = """
    INSERT INTO routing_assignment (id, leg, "end", offered_at, accepted_at, ended_at, wrapped_at, holds, why,
        interaction_id, operator_id, item_id)
    SELECT n, 'ended', 'finished', ended - interval '6 min', ended - interval '5 min', ended, ended, false, '{}',
        n, operators[1 + n %% array_length(operators, 1)], n
    FROM past
"""
PAST = (
    # Conversation n: customer 1 + (n - 1) %% customers, the k-th of his; n = 1 is the oldest.
    """CREATE TEMPORARY TABLE past AS
       SELECT n, 1 + (n - 1) %% %(customers)s AS c, (n - 1) / %(customers)s AS k, 'en' AS language,
              now() - interval '1 minute' - (%(n)s - n) * (interval '365 days' / %(n)s) AS ended,
              %(queues)s::bigint[] AS queues, %(operators)s::bigint[] AS operators
       FROM generate_series(1, %(n)s) n""",
    SESSIONS,
    """INSERT INTO interactions_message (id, seq, staff_changed, customer_changed, author, audience, text, code, args,
              client_key, at, channel_id, interaction_id, user_id, thread_id)
       SELECT (n - 1) * %(messages)s + m, k * %(messages)s + m, k * %(messages)s + m, k * %(messages)s + m,
              CASE m %% 2 WHEN 1 THEN 'customer' ELSE 'staff' END, 'all',
              'Message ' || m || ' of the conversation ' || n || ' about the car, its parts and its service.', '', '{}',
              gen_random_uuid(), ended - interval '6 min' + m * interval '1 min', %(channel)s, n,
              CASE m %% 2 WHEN 0 THEN operators[1 + n %% array_length(operators, 1)] END, c
       FROM past, generate_series(1, %(messages)s) m""",
    VISITS,
    LEGS,
    """INSERT INTO core_event (profile_id, kind, at, actor_id, payload)
       SELECT c, kinds.kind, ended + kinds.after, NULL, jsonb_build_object('interaction', n) || kinds.more
       FROM past, (VALUES
           ('interaction.opened', interval '-6 min', '{"kind": "webchat"}'::jsonb),
           ('interaction.closed', interval '0', '{"kind": "webchat", "reason": "finished"}'::jsonb),
           ('survey.answered', interval '1 min', '{"csat": 5, "ces": 6}'::jsonb)
       ) kinds (kind, after, more)""",
    """INSERT INTO quality_survey (csat, ces, comment, at, interaction_id)
       SELECT 5, 6, '', ended + interval '1 min', n FROM past""",
    """INSERT INTO interactions_case (kind, subject, text, priority, status, due_at, opened_at, version, owner_id, profile_id)
       SELECT 'question', 'Case of the conversation ' || n, '', 1, CASE WHEN n %% 100 = 0 THEN 'open' ELSE 'resolved' END,
              ended + interval '400 days', ended, 1, operators[1 + n %% array_length(operators, 1)], c
       FROM past WHERE n %% 10 = 0""",
)
NUMBERED = (
    "customers_customer",
    "customers_profile",
    "customers_identity",
    "interactions_thread",
    "interactions_interaction",
    "interactions_message",
    "routing_workitem",
    "routing_assignment",
)


def fill(conversations: int) -> None:
    """Make the tables and fill them, all or nothing."""
    from django.core.management import call_command
    from django.db import connection, transaction

    call_command("migrate", interactive=False, verbosity=0)
    with transaction.atomic(), connection.cursor() as cursor:
        floor = make_floor()
        values = {
            "n": conversations,
            "customers": conversations // PER_CUSTOMER,
            "per_customer": PER_CUSTOMER,
            "messages": MESSAGES,
            **floor,
        }
        # Millions of foreign keys, right by the way they are made, are not looked up one by one.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in PEOPLE + PAST:
            cursor.execute(statement, values)
        for table in NUMBERED:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
    make_live_desks()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def make_floor() -> dict[str, object]:
    """Make teams, queues, operators, a supervisor and a site; return their ids for the statements."""
    from django.contrib.auth.hashers import make_password

    from cxcenter.accounts.models import User
    from cxcenter.accounts.roles import Role
    from interactions.models import Topic
    from routing.models import Entrance, Presence, Queue, QueueMember
    from tests import world

    hashed = make_password(PASSWORD)
    teams = [world.make_team(f"Team {number}") for number in range(TEAMS)]
    queues = [
        world.make_queue(f"Queue {team.pk}.{number}", team) for team in teams for number in range(QUEUES_PER_TEAM)
    ]
    operators = []
    for number in range(len(queues) * OPERATORS_PER_QUEUE):
        queue = queues[number % len(queues)]
        user = User.objects.create(
            username=f"operator{number}",
            password=hashed,
            first_name=f"Operator {number}",
            role=Role.OPERATOR,
            team=queue.team,
        )
        Presence.objects.create(user=user, mode="available", state="available", capacity=OPEN_PER_OPERATOR)
        neighbour = queues[(number + 1) % len(queues)]
        QueueMember.objects.bulk_create([QueueMember(queue=q, user=user) for q in (queue, neighbour)])
        operators.append(user.pk)
    User.objects.create(username=BOSS, password=hashed, first_name="Boss", role=Role.ADMIN)
    Queue.objects.update(offer_s=86_400)
    site = world.make_site(queues[0])
    for queue in queues:
        Entrance.objects.create(channel=site.channel, topic=Topic.objects.create(name=queue.name), queue=queue)
    return {"channel": site.channel_id, "queues": [queue.pk for queue in queues], "operators": operators}


def make_live_desks() -> None:
    """Open chats by the acts, of customers with a past: in work at every desk, and waiting in every queue."""
    from interactions.models import Thread, Topic
    from routing.actions import offers
    from routing.models import Assignment
    from tests import world

    topics = list(Topic.objects.order_by("pk"))
    per_queue = OPEN_PER_OPERATOR * OPERATORS_PER_QUEUE + WAITING_PER_QUEUE
    for number, thread in enumerate(Thread.objects.order_by("-pk")[: len(topics) * per_queue]):
        world.open_chat(None, "Hello, it is me again", topic=topics[number % len(topics)], thread=thread)
    for leg in Assignment.objects.filter(leg="offered").select_related("operator"):
        offers.accept_offer(leg_id=leg.pk, actor=leg.operator)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cxcenter.settings")
    import django

    django.setup()
    fill(int(sys.argv[1]))
