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
from routing.models import Assignment
from tests import world
from tests.servers import Stack, session_stack

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True)]
OFFER_S = 1


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
