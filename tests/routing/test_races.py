"""Everybody at once: fifty workers, forty operators with skills, five queues, five thousand contacts.

One process serves some dozens a second. `RACE_S=1200 make test` (or pytest on this file alone) gives all of them the time.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from customers.models import Customer, Identity, Profile
from cxcenter.accounts.models import User
from cxcenter.core.errors import CxError
from cxcenter.core.models import Outbox
from interactions.actions import talk
from interactions.models import Interaction, Site, Thread
from routing import skills, sweeps
from routing.actions import handover, legs, offers, presence, queueing
from routing.actions import skills as skill_acts
from routing.choices import work_of
from routing.models import (
    Assignment,
    OperatorSkill,
    Presence,
    Queue,
    QueueMember,
    Requirement,
    RequirementStep,
    Skill,
    WorkItem,
)
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS, OPERATORS, QUEUES, CONTACTS, SKILLS = 50, 40, 5, 5000, 4
# These wait when it begins; the rest comes while it goes on.
WAITING = 4000
KINDS = ("callback", "voice", "office", "office", "office")
# What is not served in this time still waits at the end, and must not be lost.
AT_MOST_S = float(os.environ.get("RACE_S", "50"))
PARTS = {
    "accepted", "expired", "vanished", "returned", "kept", "wrapped", "idle", "woken", "left", "told", "escalated", "silent",
    "lent", "lost", "overflowed", "called", "reserved", "overstayed", "due", "offered",
    "hung_up", "unheard", "guests",
}  # fmt: skip

# One call, one callback or so many chats: what he has adds up to one operator.
OVER_CAPACITY = """
    SELECT user_id, load, call_load, callback_load, calls, capacity, callbacks FROM routing_presence
    WHERE user_id = ANY(%s) AND call_load * capacity * callbacks + callback_load * capacity * calls
        + (load - call_load - callback_load) * calls * callbacks > calls * capacity * callbacks
"""
# One statement sees one moment: whoever is counted wrong here was counted wrong for somebody else, too.
MISCOUNTED = """
    SELECT p.user_id, p.load, p.call_load, p.callback_load, count(a.id)
    FROM routing_presence p LEFT JOIN routing_assignment a
        ON a.operator_id = p.user_id AND a.holds AND a.leg <> 'ended'
    LEFT JOIN routing_workitem i ON i.id = a.item_id
    GROUP BY p.user_id HAVING p.load <> count(a.id) OR p.call_load <> count(*) FILTER (WHERE i.work = 'call')
        OR p.callback_load <> count(*) FILTER (WHERE i.work = 'callback')
"""
TWO_OWNERS = """
    SELECT interaction_id, count(*) FROM routing_assignment
    WHERE leg IN ('offered', 'active') GROUP BY interaction_id HAVING count(*) > 1
"""
HELD_AND_WAITING = """
    SELECT i.interaction_id FROM routing_workitem i JOIN routing_assignment a USING (interaction_id)
    WHERE a.leg = 'active' AND i.visit <> 'left'
"""
LOST = """
    SELECT t.id FROM interactions_interaction t WHERE t.closed_at IS NULL
        AND EXISTS (SELECT FROM routing_workitem i WHERE i.interaction_id = t.id)
        AND NOT EXISTS (SELECT FROM routing_workitem i WHERE i.interaction_id = t.id AND i.visit <> 'left')
        AND NOT EXISTS (SELECT FROM routing_assignment a WHERE a.interaction_id = t.id AND a.leg = 'active')
"""


class Hall:
    """The people, the queues and the contacts that are still to come."""

    def __init__(self) -> None:
        team = world.make_team()
        self.queues = [world.make_queue(f"Queue {n}", team, offer_s=3, wrapup_s=n // 4 * 60) for n in range(QUEUES)]
        self.people = [world.make_user(f"operator{n}", team=team) for n in range(OPERATORS)]
        self.boss = world.make_user("boss", "supervisor", team)
        chance = random.Random(1)
        for number, user in enumerate(self.people):
            world.on_duty(user, capacity=1 + number % 5)
            Presence.objects.filter(user=user).update(callbacks=1 + number % 2, calls=1 + number // 2 % 2)
            for queue in chance.sample(self.queues, chance.randint(1, 3)):
                QueueMember.objects.create(queue=queue, user=user)
        self.skills = [Skill.objects.create(name=f"Skill {n}") for n in range(SKILLS)]
        OperatorSkill.objects.bulk_create(
            OperatorSkill(user=user, skill=skill, level=chance.randint(1, 5))
            for user in self.people
            for skill in chance.sample(self.skills, 2)
        )
        # Each queue but the last asks for a skill, for less of it after a while, then for none.
        for queue in self.queues[:-1]:
            rule = Requirement.objects.create(queue=queue, skill=chance.choice(self.skills), level=4)
            for after_s, level in ((2, 2), (6, 0)):
                RequirementStep.objects.create(requirement=rule, after_s=after_s, level=level)
        talks = _talks(world.make_site(self.queues[0]), CONTACTS)
        _let_wait(talks[:WAITING], self.queues)
        self.to_come = talks[WAITING:]
        self.faults: list[str] = []
        self.acts: Counter[str] = Counter()
        self.over = threading.Event()
        self.lock = threading.Lock()

    def next_contact(self) -> Interaction | None:
        with self.lock:
            return self.to_come.pop() if self.to_come else None


def _talks(site: Site, count: int) -> list[Interaction]:
    """Make open sessions without their queue, in bulk."""
    customers = Customer.objects.bulk_create(Customer() for _ in range(count))
    profiles = Profile.objects.bulk_create(Profile(customer=c, home=c, source="webchat") for c in customers)
    identities = Identity.objects.bulk_create(Identity(kind="visitor", value=f"race-{n}") for n in range(count))
    threads = Thread.objects.bulk_create(
        Thread(channel=site.channel, identity=i, profile=p) for i, p in zip(identities, profiles, strict=True)
    )
    # An answer is due (no contact is idle), but not so long that the sweep takes those to come for lost.
    due = timezone.now() + timedelta(days=1)
    return Interaction.objects.bulk_create(
        Interaction(thread=t, profile_id=t.profile_id, kind=KINDS[n % len(KINDS)], waiting_since=due)
        for n, t in enumerate(threads)
    )


def _let_wait(talks: list[Interaction], queues: list[Queue]) -> None:
    now = timezone.now()
    paths = [skills.path_for(queue=queue) for queue in queues]
    WorkItem.objects.bulk_create(
        WorkItem(
            interaction=talk_,
            work=work_of(talk_.kind),
            queue=queues[n % QUEUES],
            path=paths[n % QUEUES],
            waits_since=now + timedelta(milliseconds=n),
            rank_at=queueing.rank(queues[n % QUEUES], now + timedelta(milliseconds=n), 1),
        )
        for n, talk_ in enumerate(talks)
    )


# --- What happens ---


def arrive(hall: Hall, chance: random.Random) -> None:
    for _ in range(5):
        contact = hall.next_contact()
        if contact is not None:
            queueing.enqueue(interaction=contact, queue=chance.choice(hall.queues), boost=chance.choice([0, 0, 2]))


def serve(hall: Hall, chance: random.Random) -> None:
    """An operator deals with what is on his desk."""
    user = chance.choice(hall.people)
    for leg in Assignment.objects.filter(operator=user).exclude(leg="ended").order_by("pk"):
        match leg.leg:
            case "offered":
                _answer(leg, user, chance)
            case "active":
                _end(hall, leg, user, chance)
            case "wrapup":
                legs.wrap_up(leg_id=leg.pk, actor=user)


def _answer(leg: Assignment, user: User, chance: random.Random) -> None:
    fate = chance.random()
    if fate < 0.85:
        offers.accept_offer(leg_id=leg.pk, actor=user)
    elif fate < 0.95:
        offers.decline_offer(leg_id=leg.pk, actor=user)


def _end(hall: Hall, leg: Assignment, user: User, chance: random.Random) -> None:
    fate = chance.random()
    if fate < 0.85:
        legs.finish(interaction_id=leg.interaction_id, actor=user)
    elif fate < 0.9:
        handover.transfer(interaction_id=leg.interaction_id, actor=user, queue=chance.choice(hall.queues))
    elif fate < 0.93:
        handover.transfer(
            interaction_id=leg.interaction_id, actor=user, operator=chance.choice(hall.people), note="yours"
        )
    elif fate < 0.96:
        later = timezone.now() + timedelta(hours=1)
        legs.snooze(interaction_id=leg.interaction_id, actor=user, until=later)
        talk.post_message(thread_id=leg.interaction.thread_id, author="customer", text="still here")
    elif fate < 0.98:
        legs.return_to_queue(leg_id=leg.pk, first_in_line=True)
    else:
        handover.take_over(interaction_id=leg.interaction_id, actor=hall.boss)


def leave(hall: Hall, chance: random.Random) -> None:
    """Some customers go, from the head of a queue or its tail, offered or not."""
    order = chance.choice(["rank_at", "-rank_at"])
    live = WorkItem.objects.exclude(visit="left").filter(queue=chance.choice(hall.queues)).order_by(order)
    for item in live[: chance.randint(1, 8)]:
        talk.close_interaction(interaction_id=item.interaction_id, reason="ended")


def change_state(hall: Hall, chance: random.Random) -> None:
    user = chance.choice(hall.people)
    away = chance.choice(["pause", "offline", "available"])
    presence.set_mode(user=user, mode=away, actor=user, move=True)
    presence.set_mode(user=user, mode="available", actor=user)


def switch(hall: Hall, chance: random.Random) -> None:
    """An operator takes no chats, no calls, or no callbacks, for a while."""
    user = chance.choice(hall.people)
    presence.switch_kinds(user=user, off=chance.choice([["chat"], ["call"], ["callback"], []]), actor=user)


def learn(hall: Hall, chance: random.Random) -> None:
    """An operator's level changes while contacts that ask for it come and go."""
    user, skill = chance.choice(hall.people), chance.choice(hall.skills)
    skill_acts.set_level(user=user, skill=skill, level=chance.randint(0, 5), actor=hall.boss)


def supervise(hall: Hall, chance: random.Random) -> None:
    for leg in Assignment.objects.filter(operator=hall.boss, leg__in=["active", "wrapup"])[:3]:
        if leg.leg == "active":
            legs.finish(interaction_id=leg.interaction_id, actor=hall.boss)
        else:
            legs.wrap_up(leg_id=leg.pk, actor=hall.boss)
    waiting = WorkItem.objects.waiting().order_by("-pk").first()
    if waiting is not None:
        queueing.change_priority(item_id=waiting.pk, priority=chance.randint(0, 9))


ACTS: list[tuple[Callable[[Hall, random.Random], None], int]] = [
    (serve, 70), (arrive, 10), (leave, 12), (change_state, 4), (supervise, 4), (learn, 3), (switch, 3),
]  # fmt: skip


def work(hall: Hall, seed: int) -> None:
    chance = random.Random(seed)
    names, weights = zip(*ACTS, strict=True)
    try:
        while not hall.over.is_set():
            act = chance.choices(names, weights)[0]
            try:
                act(hall, chance)
                hall.acts[act.__name__] += 1
            except CxError as refused:
                # Somebody was faster: the act is refused in words.
                hall.acts[refused.code] += 1
            except Exception as error:
                hall.faults.append(f"{act.__name__}: {error!r}")
    finally:
        connections.close_all()


def sweep(hall: Hall) -> None:
    """The timers, more often than they really run."""
    try:
        while not hall.over.wait(0.3):
            done = sweeps.sweep() | sweeps.decide()
            hall.acts["expired"] += done.get("expired", 0)
            if done.keys() != PARTS:
                hall.faults.append(f"parts of the sweep failed: {sorted(done.keys() ^ PARTS)}")
    finally:
        connections.close_all()


def watch(hall: Hall) -> None:
    """Look at the rows all the time."""
    ids = [user.pk for user in hall.people]
    try:
        while not hall.over.wait(0.1):
            hall.faults += look(ids)
            hall.acts["looks"] += 1
    finally:
        connections.close_all()


def look(operator_ids: list[int]) -> list[str]:
    faults = []
    with connection.cursor() as cursor:
        for name, question, values in (
            ("over capacity", OVER_CAPACITY, [operator_ids]),
            ("load is not the count", MISCOUNTED, []),
            ("two owners", TWO_OWNERS, []),
            ("held and waiting", HELD_AND_WAITING, []),
            ("lost", LOST, []),
        ):
            cursor.execute(question, values)
            faults += [f"{name}: {row}" for row in cursor.fetchall()[:3]]
    return faults


def beyond_skills() -> list[int]:
    """Legs that were given to somebody who had not the levels asked for at that moment, or within half a second of it."""
    slack, found = timedelta(seconds=0.5), []
    levels = list(OperatorSkill.objects.values_list("user_id", "skill_id", "level", "started_at", "ended_at"))
    for leg in Assignment.objects.exclude(why__needs=[]).exclude(why__how__in=["preferred", "taken over"]):
        for skill, least in leg.why["needs"]:
            had = any(
                (user, held) == (leg.operator_id, skill)
                and level >= least
                and began <= leg.offered_at + slack
                and (ended is None or ended >= leg.offered_at - slack)
                for user, held, level, began, ended in levels
            )
            found += [] if had else [leg.pk]
    return found


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


@pytest.mark.no_cover
@pytest.mark.timeout(AT_MOST_S + 600)
def test_everybody_at_once():
    hall = Hall()
    before = deadlocks()
    begin = time.monotonic()
    threads = [threading.Thread(target=work, args=(hall, seed)) for seed in range(WORKERS)]
    threads += [threading.Thread(target=sweep, args=(hall,)), threading.Thread(target=watch, args=(hall,))]
    for thread in threads:
        thread.start()
    while time.monotonic() < begin + AT_MOST_S and not hall.faults:
        time.sleep(0.5)
        if not hall.to_come and not Interaction.objects.open().exists():
            break
    took = time.monotonic() - begin
    hall.over.set()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads), "somebody hangs"
    assert hall.faults == []
    assert deadlocks() == before
    assert list(Outbox.objects.filter(tries__gt=0).values_list("topic", "error")) == []
    assert look([user.pk for user in hall.people]) == []
    assert beyond_skills() == []
    assert Assignment.objects.exclude(why__needs=[]).filter(why__how="least_loaded").count() > 50
    outcomes = Counter(WorkItem.objects.values_list("visit", "outcome"))
    print(f"\n{took:.1f} s, acts {dict(hall.acts)}, visits {dict(outcomes)}, not come: {len(hall.to_come)}")
    assert set(outcomes) <= {
        ("left", "answered"), ("left", "abandoned"), ("left", "flowed_out"), ("waiting", ""), ("offered", ""),
    }  # fmt: skip
    assert WorkItem.objects.values("interaction").distinct().count() == CONTACTS - len(hall.to_come)
    if AT_MOST_S > 600:
        assert not hall.to_come and not Interaction.objects.open().exists(), "not all have gone through"
    assert outcomes["left", "answered"] > 100 and outcomes["left", "abandoned"] > 100
    assert hall.acts["looks"] > 20
