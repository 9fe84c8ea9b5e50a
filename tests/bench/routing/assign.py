"""Assignments a second while 10,000 wait and 1,000 operators with skills finish one contact after the other."""

import random
from collections.abc import Iterable

from tests.bench import floor, mass
from tests.bench.center import center, main
from tests.bench.first.assign import QUEUED, cycles
from tests.bench.report import Figure, middle

WAITING, OPERATORS, QUEUES, CAPACITY, SKILLS, PATHS = 10_000, 1_000, 20, 4, 50, 100
RUNS = 3


def measure() -> Iterable[Figure]:
    with center(web=0, worker=False) as stack:
        plant()
        from routing.actions import offers

        offers.assign_next()
        rates = [cycles(seed) for seed in range(RUNS)]
        plain = floor.claim_rate(stack.database_url)
    rate = middle(rates)
    yield Figure("routing.assign_per_s", rate, plain, f"{PATHS} kinds of requirements in {QUEUES} queues")
    yield Figure("routing.assign_floor_ratio", rate / plain, None, "against one statement that claims any for anybody")


def plant() -> None:
    """Make operators with skills, and contacts that ask for them and wait in all queues."""
    from django.db import connection

    from routing import skills
    from routing.models import OperatorSkill, Queue, QueueMember, Skill
    from routing.strategies import Steps
    from tests import world

    chance = random.Random(1)
    team = world.make_team()
    queues = [world.make_queue(f"Queue {number}", team, wrapup_s=0) for number in range(QUEUES)]
    Queue.objects.update(offer_s=3600)
    known = Skill.objects.bulk_create(Skill(name=f"Skill {number}") for number in range(SKILLS))
    users = [world.make_user(f"op{number}", team=team) for number in range(OPERATORS)]
    for user in users:
        world.on_duty(user, capacity=CAPACITY)
    QueueMember.objects.bulk_create(
        QueueMember(queue=queue, user=user) for user in users for queue in chance.sample(queues, 3)
    )
    OperatorSkill.objects.bulk_create(
        OperatorSkill(user=user, skill=skill, level=chance.randint(1, 5))
        for user in users
        for skill in chance.sample(known, 8)
    )
    paths = []
    for _number in range(PATHS):
        needs = tuple(sorted((skill.pk, chance.randint(1, 3)) for skill in chance.sample(known, chance.randint(0, 2))))
        paths.append(skills.path_of(Steps((0.0, 60.0, 120.0), (needs, needs[:1], ()))))
    count = WAITING + OPERATORS * CAPACITY
    values = {"customers": count, "per_customer": 0, "messages": 0, "n": QUEUES}
    values |= {"channel": world.make_site(queues[0]).channel_id, "queues": [queue.pk for queue in queues]}
    with connection.cursor() as cursor:
        for statement in (*mass.PEOPLE, *QUEUED):
            cursor.execute(statement, values)
        cursor.execute("UPDATE routing_workitem SET path = (%s::bigint[])[1 + (id * 7919) %% %s]", [paths, PATHS])
        cursor.execute("VACUUM ANALYZE")


if __name__ == "__main__":
    main(measure)
