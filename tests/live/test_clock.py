"""What happens by the clock goes on after the death of the worker that does it, or of the beat that asks for it."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from websockets.sync.client import connect

from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Role
from cxcenter.core import liveness
from cxcenter.core.models import Outbox, Pulse, Tab
from cxcenter.core.tasks import sweep_outbox
from interactions.models import Interaction
from routing.actions import callbacks
from routing.models import Assignment, Callback, Presence, Requirement, RequirementStep, Skill, WorkItem
from tests import world
from tests.servers import Stack, session_stack

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True)]
OFFER_S = 1
DUE_S = 2
# Half of it is the period, the other half the way to the worker; this is for a machine that is at other work, too.
SLACK_S = 0.3


@pytest.fixture(scope="module")
def stack(django_db_setup) -> Iterator[Stack]:
    with session_stack(clock=True) as running:
        yield running


def soon(true: Callable[[], bool], limit_s: float = 30) -> None:
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


def at_his_desk(user: User) -> None:
    """Nobody sits there: a page that is heard of tomorrow keeps him on duty."""
    now = timezone.now()
    Tab.objects.create(
        id=uuid.uuid4(), owner=liveness.operator_key(user.pk), opened_at=now, seen_at=now + timedelta(days=1)
    )
    world.on_duty(user)


def board_says(stack: Stack, boss: User, after: float) -> None:
    """Wait for numbers of the board that are younger than a moment."""
    client = Client()
    client.force_login(boss)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    address = f"{stack.url.replace('http', 'ws')}/ws/board/"
    with connect(address, origin=stack.url, additional_headers={"Cookie": cookie}) as line:
        deadline = time.monotonic() + 30
        while (said := json.loads(line.recv(timeout=30)))["kind"] != "board" or said["at"] <= after:
            assert time.monotonic() < deadline


@pytest.mark.parametrize("name", ["now", "beat"])
def test_offers_end_and_the_board_moves_after_a_death(stack: Stack, name: str) -> None:
    team = world.make_team()
    alice, bob = world.make_user("alice", team=team), world.make_user("bob", team=team)
    boss = world.make_user("marina", Role.SUPERVISOR, team)
    site = world.make_site(world.make_queue(members=(alice, bob), team=team, offer_s=OFFER_S))
    board_says(stack, boss, after=0)
    stack.kill(name)
    for user in (alice, bob):
        at_his_desk(user)
    chat = world.open_chat(site)
    first = Assignment.objects.get(interaction=chat)
    time.sleep(OFFER_S + 2)
    first.refresh_from_db()
    assert first.leg == "offered", "somebody else ended the offer: this test proves nothing"

    stack.restart(name)
    restarted = time.time()
    soon(lambda: Assignment.objects.filter(pk=first.pk, end="expired").exists())
    soon(lambda: Assignment.objects.filter(interaction=chat).exclude(operator=first.operator).exists())
    board_says(stack, boss, after=restarted)


def test_of_two_workers_the_other_goes_on_telling_boards(stack: Stack) -> None:
    team = world.make_team()
    boss = world.make_user("marina", Role.SUPERVISOR, team)
    other = stack.start_one_more("now")
    try:
        board_says(stack, boss, after=time.time())
        stack.kill("now")
        board_says(stack, boss, after=time.time())
    finally:
        other.stop()
        stack.restart("now")


def test_what_falls_due_is_offered_by_itself_within_a_second(stack: Stack) -> None:
    """A step of what is asked for, the end of a preference, and a callback's time: none of them is a fact of somebody's."""
    team = world.make_team()
    alice, bob = world.make_user("alice", team=team), world.make_user("bob", team=team)
    queue = world.make_queue(members=(alice, bob), team=team, offer_s=60, callbacks=True)
    site = world.make_site(queue)
    rule = Requirement.objects.create(skill=Skill.objects.create(name="Rare"), level=5)
    RequirementStep.objects.create(requirement=rule, after_s=DUE_S, level=0)
    world.on_duty(bob, mode="pause")
    at_his_desk(alice)
    began = timezone.now()
    soon(lambda: swept_after(began))

    stepped = world.open_chat(site)
    assert not stepped.legs.exists()
    item = WorkItem.objects.get(interaction=stepped)
    late_s = [offered_late_s(stepped, item.waits_since + timedelta(seconds=DUE_S))]

    Requirement.objects.all().delete()
    # Nobody has room as he comes; that she has some later is no fact either: a row is changed past the acts.
    Presence.objects.filter(user=alice).update(capacity=1)
    meant = world.open_chat(site)
    until = timezone.now() + timedelta(seconds=DUE_S)
    WorkItem.objects.filter(interaction=meant).update(preferred=bob, preferred_until=until, only_preferred=True)
    Presence.objects.filter(user=alice).update(capacity=9)
    late_s += [offered_late_s(meant, until)]

    # A call takes all of somebody.
    at_his_desk(bob)
    asked, _made = callbacks.ask(
        callbacks.Wish(
            phone="+79005550184", queue=queue, at=timezone.now() + timedelta(hours=1), profile=stepped.profile
        )
    )
    due = timezone.now() + timedelta(seconds=DUE_S)
    Callback.objects.filter(pk=asked.pk).update(due_at=due)
    soon(lambda: Callback.objects.get(pk=asked.pk).session is not None)
    late_s += [offered_late_s(Callback.objects.get(pk=asked.pk).session, due)]
    assert max(late_s) <= 1 + SLACK_S, late_s


def offered_late_s(talk: Interaction, due: datetime) -> float:
    """Return how long after it was due a contact was offered. Never before."""
    soon(talk.legs.exists)
    late_s = (talk.legs.get().offered_at - due).total_seconds()
    assert late_s >= 0
    return late_s


def swept_after(moment: datetime) -> bool:
    return Pulse.objects.filter(name="routing", ran_at__gt=moment).exists()


def test_a_worker_that_the_death_of_redis_ends_with_it_is_started_again(stack: Stack) -> None:
    soon(lambda: swept_after(timezone.now() - timedelta(seconds=2)))
    worker = stack.processes["now"]
    with transaction.atomic(), connection.cursor() as cursor:
        # A sweep that cannot go on is in the worker's hands: Celery does not get over the loss of its line then.
        cursor.execute(f"LOCK TABLE {Outbox._meta.db_table} IN ACCESS EXCLUSIVE MODE")
        sweep_outbox.delay()
        time.sleep(1)
        stack.kill("valkey")
        time.sleep(1)
    stack.restart("valkey")
    soon(lambda: worker.poll() is not None)
    ended = timezone.now()
    stack.keep("now", "beat")
    soon(lambda: swept_after(ended))
