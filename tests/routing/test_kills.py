"""Processes that die at labelled points (doomed.py) while others work on: nothing is doubled, lost or forgotten."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from cxcenter.core import events
from cxcenter.core.errors import CxError
from cxcenter.core.models import Outbox
from interactions.models import Interaction
from routing.actions import legs, offers, presence
from routing.models import (
    Assignment,
    OperatorSkill,
    Policy,
    Presence,
    QueueMember,
    Requirement,
    RequirementStep,
    Skill,
    WorkItem,
)
from tests import world
from tests.core.test_events import ROOT, database_url
from tests.routing import test_races as race
from tests.routing.doomed import POINTS

pytestmark = pytest.mark.django_db(transaction=True)
OPERATORS, CONTACTS = 10, 100
# A process that has not come to its point by then never will.
AT_MOST_S = 90.0

# Who declined a contact or did not answer was given the same visit again before he had rested.
OFFERED_AGAIN = """
    SELECT again.id FROM routing_assignment once JOIN routing_assignment again
        ON again.item_id = once.item_id AND again.operator_id = once.operator_id AND again.offered_at >= once.ended_at
    WHERE once."end" IN ('declined', 'expired') AND again.offered_at < once.ended_at + %s * interval '1 s'
        AND again.why ->> 'how' <> 'taken over'
"""


@pytest.fixture
def hall():
    """Operators with skills, queues that ask for them and for less after a while, contacts that wait, some for one person."""
    team = world.make_team()
    queues = [world.make_queue(f"Queue {n}", team, offer_s=3, wrapup_s=30, target_s=3600) for n in range(race.QUEUES)]
    people = [world.make_user(f"operator{n}", team=team) for n in range(OPERATORS)]
    world.make_user("boss", "supervisor", team)
    Policy.current()
    # Nobody here has a page open, and nobody is gone for that.
    Policy.objects.update(operator_grace_s=3600, decline_rest_s=20)
    chance = random.Random(3)
    skills = [Skill.objects.create(name=f"Skill {n}") for n in range(race.SKILLS)]
    for number, user in enumerate(people):
        world.on_duty(user, capacity=1 + number % 4)
        Presence.objects.filter(user=user).update(callbacks=1 + number % 2, calls=1 + number // 2 % 2)
        QueueMember.objects.bulk_create(QueueMember(queue=queue, user=user) for queue in chance.sample(queues, 3))
        for skill in chance.sample(skills, 2):
            OperatorSkill.objects.create(user=user, skill=skill, level=chance.randint(1, 5))
    for queue in queues[:-1]:
        rule = Requirement.objects.create(queue=queue, skill=chance.choice(skills), level=4)
        for after_s, level in ((2, 2), (6, 0)):
            RequirementStep.objects.create(requirement=rule, after_s=after_s, level=level)
    talks = race._talks(world.make_site(queues[0]), CONTACTS)
    race._let_wait(talks, queues)
    for item in WorkItem.objects.order_by("pk")[::4]:
        WorkItem.objects.filter(pk=item.pk).update(
            preferred=chance.choice(people), preferred_until=timezone.now() + timedelta(seconds=chance.randint(2, 30))
        )
    return people


def start() -> subprocess.Popen:
    environment = {**os.environ, "DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL}
    command = [sys.executable, "-m", "tests.routing.doomed", str(AT_MOST_S)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.no_cover
@pytest.mark.timeout(300)
def test_processes_that_die_at_each_point(hall):
    ids = [user.pk for user in hall]
    came = dict(WorkItem.objects.values_list("pk", "waits_since"))
    before = race.deadlocks()
    doomed, faults = start(), []
    while doomed.poll() is None and not faults:
        faults += race.look(ids)
        time.sleep(0.05)
    said = doomed.communicate(timeout=AT_MOST_S)[0]
    assert faults == [], said
    assert set(said.splitlines()) == {f"{point} {-signal.SIGKILL}" for point in POINTS}, said
    # What the dead have left is found: facts whose claim has run out, offers that nobody answers.
    Outbox.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    while events.sweep():
        pass
    finish(hall)
    assert race.look(ids) == []
    assert not Interaction.objects.open().exists() and not WorkItem.objects.exclude(visit="left").exists()
    assert list(Presence.objects.filter(user__in=ids).exclude(load=0)) == []
    assert list(Outbox.objects.values_list("topic", "error")) == []
    assert race.deadlocks() == before
    kept = WorkItem.objects.filter(pk__in=came).values_list("pk", "waits_since")
    assert dict(kept) == came, "each has waited since he came"
    assert race.beyond_skills() == []
    with connection.cursor() as cursor:
        cursor.execute(OFFERED_AGAIN, [Policy.current().decline_rest_s])
        assert cursor.fetchall() == []
    ends = Counter(Assignment.objects.values_list("end", flat=True))
    hows = Counter(Assignment.objects.values_list("why__how", flat=True))
    assert ends["declined"] and ends["expired"] and ends["finished"] and hows["preferred"], (ends, hows)


def finish(people) -> None:
    """Serve what is left, without further refusals."""
    for user in people:
        presence.set_mode(user=user, mode="available", actor=user)
        presence.switch_kinds(user=user, off=[], actor=user)
    Assignment.objects.filter(leg="active").update(snoozed_until=None)
    over = time.monotonic() + 90
    while Interaction.objects.open().exists() and time.monotonic() < over:
        offers.assign_next()
        for leg in Assignment.objects.exclude(leg="ended").select_related("operator").order_by("pk"):
            try:
                if leg.leg == "offered":
                    offers.accept_offer(leg_id=leg.pk, actor=leg.operator)
                if leg.leg in {"offered", "active"}:
                    legs.finish(interaction_id=leg.interaction_id, actor=leg.operator)
                legs.wrap_up(leg_id=leg.pk, actor=leg.operator)
            except CxError:
                pass
