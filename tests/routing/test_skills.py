"""Skills: what work asks for, how that loosens while it waits, and that the live selection decides as the whole would."""

import random
import threading
from datetime import timedelta
from io import StringIO

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cxcenter.core.errors import Invalid
from interactions.models import Interaction, Topic
from routing import explain, explain_waits, rows, skills, strategies
from routing.actions import legs, offers, presence, queueing
from routing.actions import skills as skills_acts
from routing.models import (
    ANYONE,
    Assignment,
    GivesWay,
    MemberPeriod,
    OperatorSkill,
    Policy,
    Presence,
    Queue,
    QueueMember,
    Requirement,
    RequirementStep,
    Skill,
    SkillPath,
    WorkItem,
)
from routing.strategies import Steps
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def russian():
    return Skill.objects.create(name="Russian")


@pytest.fixture
def mortgage():
    return Skill.objects.create(name="Mortgage")


def asks(skill, level, steps=(), **conditions) -> Requirement:
    rule = Requirement.objects.create(skill=skill, level=level, **conditions)
    RequirementStep.objects.bulk_create(RequirementStep(requirement=rule, after_s=s, level=n) for s, n in steps)
    return rule


def can(user, skill, level) -> None:
    OperatorSkill.objects.create(user=user, skill=skill, level=level)


def ask(floor, skill, level, steps=()) -> None:
    asked = skills_acts.Asked(skill, level, steps=steps)
    skills_acts.save_requirement(asked=asked, queue=floor.queue, actor=floor.boss)


def waited(talk, seconds: float) -> None:
    since = timezone.now() - timedelta(seconds=seconds)
    WorkItem.objects.filter(interaction=talk).update(waits_since=since, rank_at=since)


# --- From rules to a path ---


def test_work_that_meets_no_rule_asks_for_nothing(floor, russian):
    asks(russian, 3, language="ru")
    assert skills.path_for(queue=floor.queue, language="en") == ANYONE
    assert not SkillPath.objects.exists()


def test_a_path_of_several_rules(floor, russian, mortgage):
    """0–20 s Russian 4 and mortgage 3, 20–45 s Russian 3, then anyone."""
    home = Topic.objects.create(name="Home")
    loan = Topic.objects.create(name="Loan", parent=home)
    asks(russian, 4, [(20, 3), (45, 0)], language="ru")
    asks(mortgage, 3, [(20, 0)], topic=home)
    asks(mortgage, 1, queue=world.make_queue("Another"))
    path = skills.path_for(queue=floor.queue, topic=loan, language="ru")
    both, one = ((russian.pk, 4), (mortgage.pk, 3)), ((russian.pk, 3),)
    assert skills.steps_of([path])[path] == Steps((0.0, 20.0, 45.0), (both, one, ()))
    assert skills.path_for(queue=floor.queue, topic=loan, language="ru") == path, "the same is found again"
    with CaptureQueriesContext(connection) as queries:
        skills.steps_of([path, ANYONE])
    assert not queries, "a path never changes: it is read once"


def test_of_two_rules_the_stricter_holds_at_each_moment(floor, russian):
    asks(russian, 2, [(60, 1)])
    asks(russian, 4, [(30, 0)], queue=floor.queue)
    path = skills.path_for(queue=floor.queue, asked={russian.pk: 1})
    levels = [dict(needs)[russian.pk] for needs in skills.steps_of([path])[path].needs]
    assert (skills.steps_of([path])[path].after_s, levels) == ((0.0, 30.0, 60.0), [4, 2, 1])


# --- Live ---


def test_who_lacks_the_skill_is_not_offered_the_contact(floor, russian):
    asks(russian, 3, queue=floor.queue)
    can(floor.alice, russian, 2)
    can(floor.bob, russian, 3)
    floor.ready(floor.alice)
    chat = floor.chat()
    assert floor.item(chat).visit == "waiting"
    floor.ready(floor.bob)
    leg = floor.leg(chat)
    assert leg.operator == floor.bob
    assert leg.why["needs"] == [[russian.pk, 3]] and leg.why["left_out"]["skills"] == 1


def test_the_best_fit_has_it_though_he_has_more_in_work(floor, russian):
    asks(russian, 1, queue=floor.queue)
    can(floor.alice, russian, 5)
    can(floor.bob, russian, 1)
    floor.ready(floor.alice, floor.bob)
    assert {floor.leg(floor.chat()).operator for _ in range(3)} == {floor.alice}


def test_a_step_counts_from_its_moment(floor, russian):
    asks(russian, 3, [(20, 1), (45, 0)], queue=floor.queue)
    can(floor.bob, russian, 1)
    floor.ready(floor.alice, floor.bob)
    chat = floor.chat()
    for seconds, operators in ((19, []), (20, [floor.bob])):
        waited(chat, seconds)
        assert [leg.operator for leg in offers.assign_next()] == operators
    other = floor.chat()
    floor.ready(floor.bob, capacity=1)
    waited(other, 44)
    assert offers.assign_next() == []
    waited(other, 45)
    assert [leg.operator for leg in offers.assign_next()] == [floor.alice]


def test_those_who_wait_for_a_rare_skill_stand_not_in_the_way(floor, russian):
    loan = Topic.objects.create(name="Loan")
    asks(russian, 3, topic=loan)
    for _ in range(5):
        floor.chat(topic=loan)
    behind = floor.chat()
    floor.ready(floor.alice, capacity=1)
    assert floor.leg(behind).operator == floor.alice


def test_weights_of_a_queue_order_it(floor):
    plain, urgent = floor.chat(), floor.chat()
    waited(plain, 300)
    queueing.change_priority(item_id=floor.item(urgent).pk, priority=4)
    assert floor.item(plain).rank_at < floor.item(urgent).rank_at, "four minutes are less than five"
    before = queueing.head_start(floor.queue, 1)
    Queue.objects.update(priority_weight=1, wait_weight=0)
    floor.queue.refresh_from_db()
    queueing.reorder(queue=floor.queue, before=before)
    assert floor.item(urgent).rank_at < floor.item(plain).rank_at, "priority alone decides"
    floor.ready(floor.alice, capacity=1)
    assert floor.leg(urgent).leg == "offered"


def _bare_talk(floor) -> Interaction:
    thread = world.make_thread(floor.site)
    return Interaction.objects.create(thread=thread, profile_id=thread.profile_id, kind="webchat")


def _paths(chance: random.Random, known: list[Skill]) -> list[int]:
    found = [ANYONE]
    for _ in range(4):
        times = sorted({0, *chance.sample([20, 45, 90], chance.randint(0, 2))})
        needs = [
            tuple(sorted((skill.pk, chance.randint(1, 4)) for skill in chance.sample(known, chance.randint(0, 2))))
            for _ in times
        ]
        found.append(skills.path_of(Steps(tuple(map(float, times)), tuple(needs))))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_a_look_at_the_first_gives_what_a_look_at_all_would(floor, seed, monkeypatch):
    """The engine reads the first of those who wait alike; the result is that of the pure core over all rows.

    Batch by batch, where one is too small for all who could have somebody. The clock stands still: the lot is drawn from it.
    """
    chance = random.Random(seed)
    monkeypatch.setattr(offers, "BATCH", 40 if seed % 4 else 3)
    queues = [floor.queue, *(world.make_queue(f"Queue {n}") for n in range(3))]
    for queue in queues:
        queue.choice = chance.choice(["least_loaded", "longest_idle", "even", "random"])
        queue.priority_weight, queue.wait_weight = chance.choice([(60, 1), (30, 0.5), (1, 0)])
        queue.save()
    people = [world.make_user(f"operator{n}") for n in range(8)]
    known = [Skill.objects.create(name=f"Skill {n}") for n in range(3)]
    begin = timezone.now()
    for person in people:
        for queue in chance.sample(queues, chance.randint(1, 3)):
            QueueMember.objects.create(queue=queue, user=person)
        for skill in chance.sample(known, chance.randint(0, 3)):
            can(person, skill, chance.randint(1, 5))
        world.on_duty(person, capacity=chance.randint(0, 3))
        off = chance.choice([[], [], ["chat"], ["callback"], ["call"]])
        Presence.objects.filter(user=person).update(calls=chance.randint(0, 2), callbacks=chance.randint(0, 2), off=off)
    if seed % 3 == 0:
        GivesWay.objects.create(work="chat", to="callback")
    paths = _paths(chance, known)
    with transaction.atomic():
        for talk in [_bare_talk(floor) for _ in range(80)]:
            wish, queue, priority = chance.random(), chance.choice(queues), chance.randint(0, 3)
            since = begin - timedelta(seconds=chance.randint(0, 200))
            credit = timedelta(days=7 * (chance.random() < 0.1))
            WorkItem.objects.create(
                interaction=talk,
                queue=queue,
                work=chance.choice(["chat", "chat", "callback", "call"]),
                path=chance.choice(paths),
                priority=priority,
                waits_since=since,
                rank_at=queueing.rank(queue, since, priority) - credit,
                preferred=chance.choice(people) if wish < 0.4 else None,
                only_preferred=wish < 0.3,
                preferred_until=begin + timedelta(minutes=3) if wish < 0.4 else None,
            )
    items = list(WorkItem.objects.all())
    resting = {item.interaction_id: frozenset(chance.sample(people, 2)) for item in chance.sample(items, 15)}
    for item in items:
        for person in resting.get(item.interaction_id, ()):
            Assignment.objects.create(
                item=item, interaction_id=item.interaction_id, operator=person, leg="ended", end="declined",
                ended_at=begin, holds=False,
            )  # fmt: skip
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    batches, more = 0, True
    while more:
        expected = _decide_all(WorkItem.objects.waiting(), resting, now)
        batch, more = offers._assign_batch(None)
        assert [(leg.item_id, leg.operator_id) for leg in batch] == [(d.item, d.operator) for d in expected]
        batches += 1
    assert Assignment.objects.filter(leg="offered").count() > 3 and (seed % 4 or batches > 1)


def _decide_all(items, resting, now):
    queues, yields = rows.waited_for(None, now)
    steps = skills.steps_of(item.path for item in items)
    known = list(Skill.objects.values_list("pk", flat=True))
    crowd = strategies.Crowd(rows.free_of(queues.values(), known, yields, now), yields)
    waiting = []
    for i in items:
        since, rests = (i.waits_since - now).total_seconds(), [p.pk for p in resting.get(i.interaction_id, ())]
        row = (
            i.pk,
            i.queue_id,
            i.work,
            i.path,
            i.priority,
            since,
            i.waits_since,
            i.rank_at,
            i.preferred_id,
            i.only_preferred,
        )
        waiting.append(offers._as_waiting((*row, rests), queues, steps))
    rules = {
        queue.pk: strategies.Rules(queue.priority_weight, queue.wait_weight, queue.choice) for queue in queues.values()
    }
    seed = int(now.timestamp() * 1_000_000)
    return strategies.decide(waiting, crowd, now=0.0, seed=seed, rules=rules, most=offers.BATCH)


# --- Explained afterwards ---


def test_an_offer_is_explained_from_what_was_then(floor, russian):
    """Whoever changes later, the moment of the offer stays as it was."""
    asks(russian, 3, [(30, 0)], queue=floor.queue)
    carol, dave, eve = (world.make_user(name, team=floor.team) for name in ("carol", "dave", "eve"))
    for user in (carol, dave, eve):
        QueueMember.objects.create(queue=floor.queue, user=user)
    for user, level in ((floor.alice, 3), (floor.bob, 2), (carol, 4), (dave, 5)):
        skills_acts.set_level(user=user, skill=russian, level=level, actor=floor.boss)
    floor.ready(floor.alice, floor.bob)
    floor.ready(carol, capacity=0)
    chat = floor.chat()
    # The world moves on: levels, states, members.
    skills_acts.set_level(user=floor.alice, skill=russian, level=0, actor=floor.boss)
    skills_acts.set_level(user=floor.bob, skill=russian, level=5, actor=floor.boss)
    presence.set_mode(user=floor.bob, mode="offline", actor=floor.bob)
    QueueMember.objects.filter(user=eve).delete()
    (offer,) = explain.offers_of(floor.item(chat))
    found = {one.name: one for one in offer.candidates}
    verdicts = {name: one.verdict for name, one in found.items()}
    names = [user.name for user in (floor.alice, floor.bob, carol, dave, eve)]
    assert [verdicts.get(name) for name in names] == ["chosen", "skills", "full", "offline", None]
    assert offer.needs == ((russian.pk, 3),) and found[floor.alice.name].fit == 3
    for said in ([f"W-{floor.item(chat).pk}"], [str(floor.item(chat).pk), "--json"]):
        out = StringIO()
        call_command("explain", *said, stdout=out)
        assert floor.alice.name in out.getvalue() and "chosen" in out.getvalue()
    with pytest.raises(CommandError, match="no work item"):
        call_command("explain", "W-0")


def test_an_explanation_asks_the_same_of_many_offers_and_reads_what_can_count(floor, russian):
    asks(russian, 1, [(30, 0)], queue=floor.queue)
    can(floor.alice, russian, 3)
    can(floor.bob, russian, 2)
    floor.ready(floor.alice, floor.bob)
    old = floor.chat(floor.alice)
    chat = floor.chat()
    item, moment = floor.item(chat), timezone.now()

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            explain.offers_of(item)
        return len(asked)

    queries()
    few = queries()
    assert few <= 9, "beside what is known already"
    for number in range(1, 20):
        Assignment.objects.create(
            item=item, interaction=chat, operator=(floor.alice, floor.bob)[number % 2], leg="ended", end="declined",
            offered_at=moment + timedelta(seconds=number), ended_at=moment + timedelta(seconds=number + 0.5),
        )  # fmt: skip
    assert len(explain.offers_of(item)) == 20 and queries() == few
    # Of the past it reads what is in work still, and what ended after the moment: not a year of legs.
    held = Assignment.objects.get(interaction=old)
    Assignment.objects.filter(pk=held.pk).update(offered_at=moment - timedelta(days=30))
    for days in (1, 3, 100):
        begun = moment - timedelta(days=days)
        Assignment.objects.create(
            item=floor.item(old), interaction=old, operator=floor.bob, leg="ended", end="finished", offered_at=begun,
            accepted_at=begun, ended_at=begun + timedelta(minutes=5), wrapped_at=begun + timedelta(minutes=6),
        )  # fmt: skip
    past = explain._Past(item, list(Assignment.objects.filter(item=item, interaction=chat).order_by("offered_at")))
    assert held.pk in {row[0] for row in past.legs} and len(past.legs) == 21
    assert {one.name: one.load for one in explain.offers_of(item)[0].candidates}[floor.alice.name] == 1


def test_who_waits_is_explained_from_everybody_as_he_is_now(floor, russian):
    """Each hindrance by its name, and from when on it is none by time alone: the same moments at which it is offered."""
    asks(russian, 4, [(30, 2), (90, 0)], queue=floor.queue)
    carol, dave, eve, frank = (world.make_user(name, team=floor.team) for name in ("carol", "dave", "eve", "frank"))
    for user in (carol, dave, eve, frank):
        QueueMember.objects.create(queue=floor.queue, user=user)
    for user, level in ((floor.alice, 4), (floor.bob, 3), (carol, 4), (dave, 4), (frank, 4)):
        can(user, russian, level)
    floor.ready(floor.alice)
    chat = floor.chat()
    offers.decline_offer(leg_id=floor.leg(chat).pk, actor=floor.alice)
    floor.ready(floor.bob, eve)
    floor.ready(carol, capacity=0)
    presence.set_mode(user=dave, mode="pause", actor=dave)
    floor.ready(frank)
    offers.decline_offer(leg_id=floor.leg(chat).pk, actor=frank)
    Presence.objects.filter(user=frank).update(off=["chat"])
    Assignment.objects.filter(operator=frank).update(ended_at=timezone.now() - timedelta(days=1))
    item = floor.item(chat)
    waits = explain_waits.waits_of(item)
    found = {one.operator: (one.verdict, one.lacks, one.able_at) for one in waits.candidates}

    def after(seconds: float):
        return item.waits_since + timedelta(seconds=seconds)

    declined = Assignment.objects.get(operator=floor.alice).ended_at
    assert found == {
        floor.alice.pk: ("resting", (), declined + timedelta(seconds=Policy.current().decline_rest_s)),
        floor.bob.pk: ("skills", ((russian.pk, 4),), after(30)),
        carol.pk: ("full", (), None),
        dave.pk: ("pause", (), None),
        eve.pk: ("skills", ((russian.pk, 4),), after(90)),
        frank.pk: ("off", (), None),
    }
    assert (waits.needs, waits.next_at, waits.next_needs) == (((russian.pk, 4),), after(30), ((russian.pk, 2),))
    for seconds, free in ((29, []), (30, [floor.bob]), (90, [floor.alice, floor.bob, eve])):
        told = explain_waits.waits_of(item, after(seconds))
        assert [one.operator for one in told.candidates if one.verdict == "free"] == [user.pk for user in free]
    for said in ([f"W-{item.pk}"], [str(item.pk), "--json"]):
        out = StringIO()
        call_command("explain", *said, stdout=out)
        assert "resting" in out.getvalue() and f"{after(30):%H:%M:%S}" in out.getvalue()


def test_who_waits_for_one_alone_is_explained(floor):
    floor.ready(floor.bob)
    presence.set_mode(user=floor.alice, mode="pause", actor=floor.alice)
    Presence.objects.filter(user=floor.bob).update(capacity=0)
    chat = floor.chat()
    until = timezone.now() + timedelta(minutes=1)
    WorkItem.objects.update(preferred=floor.alice, preferred_until=until, only_preferred=True)
    Presence.objects.filter(user=floor.bob).update(capacity=1)
    item = floor.item(chat)
    waits = explain_waits.waits_of(item)
    assert (waits.meant_for, waits.meant_until, waits.only_meant) == (floor.alice.name, until, True)
    assert [(one.verdict, one.able_at) for one in waits.candidates] == [("meant", until), ("pause", None)]
    assert [one.verdict for one in explain_waits.waits_of(item, until).candidates] == ["free", "pause"]

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            explain_waits.waits_of(floor.item(chat))
        return len(asked)

    few = queries()
    for number in range(10):
        QueueMember.objects.create(queue=floor.queue, user=(user := world.make_user(f"operator{number}")))
        world.on_duty(user, capacity=0)
    assert queries() == few <= 9
    WorkItem.objects.update(preferred=None, only_preferred=False)
    assert [leg.operator for leg in offers.assign_next()] == [floor.bob]
    assert explain_waits.waits_of(floor.item(chat)) is None, "it is offered"


def test_the_times_as_a_member_follow_the_members(floor):
    carol = world.make_user("carol")
    member = QueueMember.objects.create(queue=floor.queue, user=carol)
    member.queue = world.make_queue("Another")
    member.save()
    QueueMember.objects.filter(user=carol).delete()
    periods = MemberPeriod.objects.filter(user=carol).order_by("pk")
    assert [one.queue.name for one in periods] == [floor.queue.name, "Another"]
    assert all(one.ended_at is not None for one in periods)


# --- What a fresh eye found ---


def test_who_or_what_another_act_holds_leaves_nobody_free_beside_a_waiting_contact(floor):
    """A row that is locked at the moment of the decision is passed over in the same decision."""
    held, behind = floor.chat(), floor.chat()
    floor.ready(floor.alice, floor.bob, capacity=0)
    Presence.objects.update(capacity=1)

    def hold(rows, sql, key) -> None:
        with psycopg2.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
            with other.cursor() as cursor:
                cursor.execute(sql, [key])
                rows.set()
                over.wait(20)
            other.rollback()

    for sql, key in (
        ("SELECT 1 FROM routing_workitem WHERE id = %s FOR UPDATE", floor.item(held).pk),
        ("SELECT 1 FROM routing_presence WHERE user_id = %s FOR UPDATE", floor.alice.pk),
    ):
        locked, over = threading.Event(), threading.Event()
        thread = threading.Thread(target=hold, args=(locked, sql, key))
        thread.start()
        assert locked.wait(10)
        try:
            made = offers.assign_next()
        finally:
            over.set()
            thread.join()
        if "workitem" in sql:
            assert [leg.interaction_id for leg in made] == [behind.pk]
            for leg in made:
                offers.decline_offer(leg_id=leg.pk, actor=leg.operator)
            Assignment.objects.update(ended_at=timezone.now() - timedelta(hours=1))
            Assignment.objects.filter(leg="offered").update(leg="ended", holds=False)
            WorkItem.objects.update(visit="waiting")
            Presence.objects.update(load=0, idle_since=timezone.now())
        else:
            assert {leg.operator for leg in made} == {floor.bob}, "alice is in other hands"


def test_longest_idle_goes_round(floor):
    Queue.objects.update(choice="longest_idle")
    floor.ready(floor.alice, floor.bob)
    assert len({floor.leg(floor.chat()).operator for _ in range(2)}) == 2


def test_even_counts_what_is_offered(floor):
    Queue.objects.update(choice="even")
    floor.ready(floor.alice, floor.bob)
    assert len({floor.leg(floor.chat()).operator for _ in range(2)}) == 2


def test_a_lot_is_drawn_anew_each_time(floor):
    Queue.objects.update(choice="random")
    people = [world.make_user(f"p{n}", team=floor.team) for n in range(8)]
    for user in people:
        QueueMember.objects.create(queue=floor.queue, user=user)
    floor.ready(*people, capacity=1)
    drawn = [floor.leg(floor.chat()).operator_id for _ in range(8)]
    assert sorted(drawn) == sorted(user.pk for user in people) and drawn != sorted(drawn)


@pytest.mark.parametrize(
    ("priority_weight", "wait_weight", "priority"), [(1e12, 1, 9), (60, 0, 300), (0, 0, 20), (1, 1e-9, -20)]
)
def test_whatever_the_weights_a_contact_has_its_place(floor, priority_weight, wait_weight, priority):
    Queue.objects.update(priority_weight=priority_weight, wait_weight=wait_weight, priority=priority)
    floor.site.refresh_from_db()
    chat = floor.chat()
    floor.ready(floor.alice)
    assert floor.leg(chat).leg == "offered"


def test_where_nothing_weighs_age_decides(floor):
    Queue.objects.update(priority_weight=0, wait_weight=0)
    floor.queue.refresh_from_db()
    old, urgent = floor.chat(), floor.chat()
    waited(old, 500)
    queueing.change_priority(item_id=floor.item(urgent).pk, priority=9)
    floor.ready(floor.alice, capacity=1)
    assert floor.leg(old).leg == "offered"


def test_rules_that_nobody_meets_together_are_refused(floor, russian, mortgage):
    can(floor.alice, russian, 5)
    can(floor.bob, mortgage, 5)
    ask(floor, russian, 3)
    with pytest.raises(Invalid, match="Russian ≥ 3, Mortgage ≥ 3"):
        ask(floor, mortgage, 3)
    ask(floor, mortgage, 3, [(20, 0)])


def test_the_last_who_has_a_level_that_work_asks_for_keeps_it(floor, russian, client):
    can(floor.alice, russian, 5)
    can(floor.bob, russian, 3)
    ask(floor, russian, 3)
    client.force_login(floor.boss)
    floor.ready(floor.alice, floor.bob)

    def level(user, wanted):
        return client.post(reverse("board:set-level", args=[russian.pk, user.pk]), {"level": wanted})

    assert level(floor.alice, 0).status_code == 200, "bob has it"
    refused = level(floor.bob, 2)
    assert (refused.status_code, refused.json()["code"]) == (400, "last")
    assert f"{floor.bob.name} is the last in {floor.queue.name}" in refused.json()["message"]
    assert OperatorSkill.objects.get(user=floor.bob, ended_at=None).level == 3
    # Once somebody else has it, or less is asked for in the end, he may lose it.
    assert level(floor.alice, 3).status_code == level(floor.bob, 2).status_code == 200
    RequirementStep.objects.create(requirement=Requirement.objects.get(), after_s=60, level=0)
    assert level(floor.alice, 0).status_code == 200


def test_what_nobody_could_do_before_stands_in_no_way_of_a_level(floor, russian, mortgage):
    can(floor.alice, russian, 3)
    asks(mortgage, 5, queue=floor.queue)
    skills_acts.set_level(user=floor.alice, skill=russian, level=1, actor=floor.boss)
    assert OperatorSkill.objects.get(user=floor.alice, ended_at=None).level == 1


def test_a_running_wrap_up_holds_its_place_in_the_explanation(floor):
    Queue.objects.update(wrapup_s=60)
    floor.ready(floor.alice, capacity=1)
    first = floor.chat(floor.alice)
    legs.finish(interaction_id=first.pk, actor=floor.alice)
    floor.ready(floor.bob)
    second = floor.chat()
    found = {one.name: one for one in explain.offers_of(floor.item(second))[0].candidates}
    assert (found[floor.alice.name].verdict, found[floor.alice.name].load) == ("full", 1)


def test_of_the_last_two_who_have_a_level_one_keeps_it_though_both_lose_it_at_once(floor, russian):
    for user in (floor.alice, floor.bob):
        can(user, russian, 3)
    ask(floor, russian, 3)
    refused, over = [], threading.Event()

    def lose() -> None:
        try:
            skills_acts.set_level(user=floor.bob, skill=russian, level=0, actor=floor.boss)
        except Invalid as error:
            refused.append(error.code)
        finally:
            over.set()
            connection.close()

    thread = threading.Thread(target=lose)
    with transaction.atomic():
        skills_acts.set_level(user=floor.alice, skill=russian, level=0, actor=floor.boss)
        thread.start()
        assert not over.wait(1), "it waits until it is known who has lost it"
    thread.join()
    assert refused == ["last"] and OperatorSkill.objects.filter(ended_at=None).count() == 1
