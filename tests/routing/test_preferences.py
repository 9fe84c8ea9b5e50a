"""Whom and what routing prefers: the personal operator, frequent customers, segments, emergencies, the order of priorities."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from customers import actions as customers
from customers.models import Customer, CustomField, Segment, SegmentCondition
from cxcenter.core.errors import Conflict, Forbidden, Invalid
from cxcenter.core.models import AuditEntry
from interactions.actions import talk as talks
from interactions.models import Interaction, Topic
from quality.metrics.reports import Asked, report
from routing import preferences, skills
from routing.actions import handover, legs, offers, presence, priorities, queueing
from routing.models import (
    FrequentRule,
    OperatorSkill,
    PriorityStep,
    Queue,
    QueueMember,
    Requirement,
    Skill,
    WorkItem,
)
from tests import world
from tests.api.callers import problem, token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def vip():
    CustomField.objects.create(code="vip", label="VIP card", kind="flag")
    made = Segment.objects.create(code="vip", name="VIP", name_ru="Важные")
    SegmentCondition.objects.create(segment=made, field="custom.vip", comparison="is", value="true")
    return made


def known(**fields):
    """A thread's owner: return a function that opens chats of a new visitor whose card says this."""
    identity, profile = customers.find_or_create_by_identity(
        kind="visitor", value=world.uuid.uuid4().hex, source="webchat"
    )
    if fields:
        said = {name.replace("__", "."): value for name, value in fields.items()}
        customers.add_record(profile=profile, source="crm", fields=said)
    return identity, profile


def thread_of(floor, **fields):
    identity, profile = known(**fields)
    return talks.open_thread(channel=floor.site.channel, identity=identity, profile=profile)


# --- The personal operator ---


def test_the_personal_operator_comes_before_the_last_and_before_who_has_less_in_work(floor):
    thread = thread_of(floor, personal_operator="bob")
    floor.ready(floor.alice)
    first = floor.chat(floor.alice, thread=thread)
    talks.close_interaction(interaction_id=first.pk, reason="ended")
    floor.ready(floor.bob)
    floor.chat(floor.bob)
    again = floor.chat(thread=thread)
    leg = floor.leg(again)
    assert (leg.operator, leg.why["how"]) == (floor.bob, "preferred")
    assert floor.item(again).preferred == floor.bob


@pytest.mark.parametrize("why", ["pause", "full", "left", "elsewhere", "unknown"])
def test_others_have_the_contact_at_once_if_he_is_not_ready(floor, why):
    thread = thread_of(floor, personal_operator="nobody" if why == "unknown" else "bob")
    floor.ready(floor.bob, capacity=2 if why == "unknown" else 1)
    if why == "pause":
        presence.set_mode(user=floor.bob, mode="pause", actor=floor.bob)
    elif why in {"full", "unknown"}:
        floor.chat(floor.bob)
    elif why == "left":
        type(floor.bob).objects.filter(pk=floor.bob.pk).update(is_active=False)
    elif why == "elsewhere":
        QueueMember.objects.filter(user=floor.bob).delete()
    floor.ready(floor.alice)
    assert floor.leg(floor.chat(thread=thread)).operator == floor.alice


def test_the_time_in_which_he_comes_first_is_the_queues(floor):
    Queue.objects.update(preferred_s=90)
    floor.ready(floor.bob, capacity=1)
    floor.chat(floor.bob)
    begun = timezone.now()
    meant = floor.chat(thread=thread_of(floor, personal_operator="bob"))
    assert timedelta(seconds=89) < floor.item(meant).preferred_until - begun < timedelta(seconds=95)
    Queue.objects.update(preferred_s=0)
    assert floor.item(floor.chat(thread=thread_of(floor, personal_operator="bob"))).preferred is None


def test_the_last_operator_is_meant_where_there_is_no_personal_one(floor):
    floor.ready(floor.alice)
    thread = world.make_thread(floor.site)
    first = floor.chat(floor.alice, thread=thread)
    talks.close_interaction(interaction_id=first.pk, reason="ended")
    floor.ready(floor.bob)
    assert floor.leg(floor.chat(thread=thread)).operator == floor.alice


def test_he_is_set_on_the_card_and_follows_a_merge_and_back(floor, client):
    client.force_login(floor.alice)
    one, other = (customers.create_profile(source="shop").customer for _ in range(2))

    def edit(login):
        version = Customer.objects.get(pk=one.pk).version
        asked = {"personal_operator": login, "version": version}
        return client.post(reverse("desk:edit-customer", args=[one.pk]), asked)

    assert edit("boss").json()["shown"]["personal_operator"] == {"value": "boss", "shown": floor.boss.name}
    assert edit("stranger").json()["field"] == "personal_operator"
    assert AuditEntry.objects.filter(act="customer.edit", detail__fields=["personal_operator"]).count() == 1
    page = client.get(reverse("desk:customer", args=[one.pk])).content.decode()
    assert 'data-kind="person"' in page and "alice=Alice|" in page
    (merge,) = customers.merge_customers(survivor=other.pk, others=[one.pk])
    assert Customer.objects.get(pk=other.pk).personal_operator == "boss"
    customers.unmerge(merge_id=merge.pk)
    assert [Customer.objects.get(pk=pk).personal_operator for pk in (one.pk, other.pk)] == ["boss", ""]


# --- Frequent customers ---


@pytest.fixture
def second(floor):
    """A second line with bob in it; alice serves the first alone."""
    queue = world.make_queue("Second line", team=floor.team, members=(floor.bob,))
    QueueMember.objects.filter(queue=floor.queue, user=floor.bob).delete()
    FrequentRule.objects.create(queue=floor.queue, contacts=3, days=7, to=queue)
    return queue


@pytest.fixture
def topics():
    warranty = Topic.objects.create(name="Warranty", name_ru="Гарантия")
    return {
        "warranty": warranty,
        "engine": Topic.objects.create(name="Engine", parent=warranty),
        "other": Topic.objects.create(name="Other"),
    }


def past(thread, topic, *, days_ago=1.0, reason="ended", profile=None):
    at = timezone.now() - timedelta(days=days_ago)
    return Interaction.objects.create(
        thread=thread, profile=profile or thread.profile, kind="webchat", topic=topic, opened_at=at, closed_at=at,
        close_reason=reason,
    )  # fmt: skip


def test_the_third_contact_on_a_topic_goes_to_the_second_line_and_its_operator_sees_why(floor, second, topics, client):
    floor.ready(floor.alice, floor.bob)
    thread = thread_of(floor)
    # One with the topic above it, one of another profile of the same customer.
    past(thread, topics["warranty"])
    absorbed = customers.create_profile(source="phone")
    customers.merge_customers(survivor=thread.profile.customer_id, others=[absorbed.customer_id])
    past(world.make_thread(floor.site), topics["engine"], profile=absorbed)
    talk = floor.chat(thread=thread, topic=topics["engine"])
    item, leg = floor.item(talk), floor.leg(talk)
    assert (item.queue, leg.operator) == (second, floor.bob)
    why = {"contacts": 3, "days": 7, "topic": topics["engine"].pk, "queue": floor.queue.pk, "sent": True}
    assert item.frequent == why
    words = "3 contacts on Engine in 7 days: straight to the second line"
    client.force_login(floor.bob)
    assert words in client.get(reverse("desk:offers")).content.decode()
    offers.accept_offer(leg_id=leg.pk, actor=floor.bob)
    assert words in client.get(reverse("desk:session", args=[talk.pk])).content.decode()
    client.force_login(floor.boss)
    assert words in client.get(reverse("board:session-why", args=[talk.pk])).content.decode()
    assert words in client.get(reverse("board:session", args=[talk.pk])).content.decode()
    out = StringIO()
    call_command("explain", str(item), stdout=out)
    assert words in out.getvalue()
    shown = token("routing:read").get(f"work-items/{item.pk}/").json()
    assert shown["frequent"] == why


@pytest.mark.parametrize("why", ["two", "old", "other topic", "spam", "went away", "no topic", "stranger"])
def test_who_does_not_come_so_often_stays_in_the_first_line(floor, second, topics, why):
    floor.ready(floor.alice, floor.bob)
    thread, about = thread_of(floor), topics["warranty"]
    said = {"topic": None if why == "no topic" else about}
    past(thread, about)
    if why != "two":
        strange = world.make_thread(floor.site) if why == "stranger" else thread
        past(
            strange,
            topics["other"] if why == "other topic" else about,
            days_ago=7.1 if why == "old" else 2,
            reason={"spam": "spam", "went away": "left"}.get(why, "ended"),
        )
    item = floor.item(floor.chat(thread=thread, **said))
    assert (item.queue, item.frequent) == (floor.queue, None)


def test_a_second_line_that_takes_nobody_leaves_him_in_the_first_and_says_so(floor, second, topics):
    floor.ready(floor.alice)
    thread = thread_of(floor)
    past(thread, topics["other"]), past(thread, topics["other"])
    item = floor.item(floor.chat(thread=thread, topic=topics["other"]))
    assert (item.queue, item.frequent["sent"]) == (floor.queue, False)
    assert "the second line takes nobody now" in preferences.frequent_words(item.frequent, "en")


# --- Segments ---


def test_a_segment_is_kept_with_the_visit_asks_for_skills_and_gives_steps(floor, vip, client):
    care = Skill.objects.create(name="Care")
    OperatorSkill.objects.create(user=floor.bob, skill=care, level=3)
    Requirement.objects.create(skill=care, level=3, segment=vip)
    PriorityStep.objects.create(segment=vip, steps=2)
    floor.ready(floor.alice, floor.bob)
    talk = floor.chat(thread=thread_of(floor, custom__vip=True))
    item = floor.item(talk)
    assert (item.segments, item.steps, item.priority) == (["vip"], 2, 3)
    assert floor.leg(talk).operator == floor.bob
    plain = floor.item(floor.chat())
    assert (plain.segments, plain.steps, plain.path) == ([], 0, 0)
    # It stays with him when he is handed on, with what it asks for there.
    offers.accept_offer(leg_id=floor.leg(talk).pk, actor=floor.bob)
    other = world.make_queue("Other", team=floor.team, members=(floor.alice,))
    moved = handover.transfer(interaction_id=talk.pk, actor=floor.bob, queue=other)
    assert (moved.segments, moved.steps, moved.path) == (["vip"], 2, item.path)
    client.force_login(floor.boss)
    listed = client.get(reverse("board:contacts"), {"state": "entered"}).content.decode()
    assert listed.count('<span class="cx-tag t-acc">VIP</span>') == 2
    client.force_login(floor.alice)
    assert '<li class="cx-tag t-acc">VIP</li>' in client.get(reverse("desk:session", args=[talk.pk])).content.decode()


@pytest.mark.parametrize(("worth", "steps"), [("100000", 3), ("99999", 0), ("99999.5", 0), ("1000000", 3), (None, 0)])
def test_what_a_customer_is_worth_gives_steps(floor, worth, steps):
    """A number of the house, compared as a number: 99,999 is less than 100,000 though its first digit is more."""
    CustomField.objects.create(code="ltv", label="Worth a year", kind="number")
    high = Segment.objects.create(code="high", name="Of high value")
    SegmentCondition.objects.create(segment=high, field="custom.ltv", comparison="at_least", value="100000")
    PriorityStep.objects.create(segment=high, steps=3)
    plain = floor.chat()
    talk = floor.chat(thread=thread_of(floor, **({"custom__ltv": worth} if worth else {})))
    item = floor.item(talk)
    assert (item.steps, item.segments) == (steps, ["high"] if steps else [])
    floor.ready(floor.alice, capacity=1)
    assert floor.leg(talk if steps else plain).leg == "offered"


def test_a_report_splits_by_the_first_segment(floor, vip):
    for said in ({"custom__vip": True}, {"custom__vip": True}, {}):
        floor.chat(thread=thread_of(floor, **said))
    WorkItem.objects.filter(segments=["vip"]).update(segments=["vip", "new"])
    begin = timezone.now().replace(minute=0, second=0, microsecond=0)
    told = report(Asked(begin, begin + timedelta(hours=1), metrics=("offered",), by=("segment",)))
    assert {row.keys["segment"]: row.values["offered"] for row in told.rows} == {"vip": 2, None: 1}


def test_what_a_segment_asks_for_is_set_on_the_board_and_refused_if_nobody_could_serve_it(floor, vip, client):
    care = Skill.objects.create(name="Care")
    client.force_login(floor.boss)
    asked = {"skill": care.pk, "level": 2, "queue": floor.queue.pk, "segment": vip.pk}
    assert client.post(reverse("board:ask"), asked).json()["field"] == "level"
    OperatorSkill.objects.create(user=floor.bob, skill=care, level=2)
    assert client.post(reverse("board:ask"), asked).status_code == 200
    assert Requirement.objects.get().segment == vip
    assert "customer is VIP" in client.get(reverse("board:skills")).content.decode()


# --- Emergencies and the order of priorities ---


def test_an_emergency_comes_first_with_the_topics_under_it(floor, topics):
    topics["warranty"].urgent = True
    topics["warranty"].save()
    plain, urgent = floor.chat(topic=topics["other"]), floor.chat(topic=topics["engine"])
    since = timezone.now() - timedelta(hours=1)
    WorkItem.objects.filter(interaction=plain).update(waits_since=since, rank_at=queueing.rank(floor.queue, since, 1))
    floor.ready(floor.alice, capacity=1)
    assert floor.leg(urgent).operator == floor.alice
    assert floor.item(urgent).steps == preferences.URGENT_STEPS


def test_a_contact_adds_up_the_steps_of_its_channel_its_topic_and_the_best_of_its_segments(floor, vip, topics):
    fresh = Segment.objects.create(code="fresh", name="Fresh")
    SegmentCondition.objects.create(segment=fresh, field="city", comparison="known")
    channel = floor.site.channel
    order = {"channels": [channel], "topics": [topics["other"], topics["warranty"]], "segments": [vip, fresh]}
    admin = world.make_user("root", role="admin")
    priorities.save_order(queue=None, actor=admin, **order)
    thread = thread_of(floor, custom__vip=True, city="Tula")
    item = floor.item(floor.chat(thread=thread, topic=topics["engine"]))
    assert (item.segments, item.steps) == (["fresh", "vip"], 1 + 1 + 2)
    # A queue's own order stands before that for all.
    priorities.save_order(queue=floor.queue, channels=[], topics=[], segments=[fresh], actor=floor.boss)
    item = floor.item(floor.chat(thread=thread_of(floor, custom__vip=True, city="Tula"), topic=topics["engine"]))
    assert item.steps == 1
    priorities.drop_order(queue=floor.queue, actor=floor.boss)
    assert floor.item(floor.chat(topic=topics["other"])).steps == 1 + 2


def test_those_who_wait_move_only_when_asked_and_keep_what_they_have_besides(floor, topics):
    first, second = floor.chat(topic=topics["warranty"]), floor.chat(topic=topics["other"])
    queueing.change_priority(item_id=floor.item(first).pk, priority=5)
    order = {"channels": [], "topics": [topics["other"], topics["warranty"]], "segments": []}
    assert priorities.save_order(queue=floor.queue, actor=floor.boss, **order) == 0
    assert [floor.item(talk).steps for talk in (first, second)] == [0, 0]
    assert priorities.save_order(queue=floor.queue, actor=floor.boss, also_waiting=True, **order) == 2
    one, other = floor.item(first), floor.item(second)
    assert [(item.priority, item.steps) for item in (one, other)] == [(6, 1), (3, 2)]
    for item in (one, other):
        assert abs(item.rank_at - queueing.rank(floor.queue, item.waits_since, item.priority)) < timedelta(seconds=1)
    entry = AuditEntry.objects.get(act="priority.waiting")
    assert (entry.subject, entry.detail) == (f"queue:{floor.queue.pk}", {"moved": 2})
    assert AuditEntry.objects.filter(act="priority.order").count() == 1, (
        "the same order for those who wait is none anew"
    )
    topics["other"].urgent = True
    topics["other"].save()
    assert priorities.save_order(queue=floor.queue, actor=floor.boss, also_waiting=True, **order) == 1
    assert floor.item(second).steps == 2 + preferences.URGENT_STEPS


def test_another_teams_queue_and_all_queues_are_not_his(floor):
    foreign = world.make_queue("Foreign", team=world.make_team("Other"))
    nothing = {"channels": [], "topics": [], "segments": []}
    for queue in (foreign, None):
        with pytest.raises(Forbidden):
            priorities.save_order(queue=queue, actor=floor.boss, **nothing)
    assert not AuditEntry.objects.filter(act="priority.order").exists()


# --- What a program asks for ---


def test_a_program_says_what_a_waiting_contact_asks_for(floor):
    loan = Skill.objects.create(name="Loans")
    talk = floor.chat()
    path = f"work-items/{floor.item(talk).pk}/ask/"
    asked = {"skills": [{"skill": loan.pk, "level": 3}]}
    problem(token("routing:write").post(path, asked), 400, "invalid")
    OperatorSkill.objects.create(user=floor.bob, skill=loan, level=3)
    assert token("routing:write").post(path, asked).json()["asked"] == asked["skills"]
    floor.ready(floor.alice, floor.bob)
    assert floor.leg(talk).operator == floor.bob
    problem(token("routing:write").post(path, asked), 409, "left")
    # It goes with the contact into other hands.
    offers.accept_offer(leg_id=floor.leg(talk).pk, actor=floor.bob)
    item = legs.return_to_queue(leg_id=floor.leg(talk).pk)
    assert skills.steps_of([item.path])[item.path].needs == (((loan.pk, 3),),)
    assert AuditEntry.objects.filter(act="item.ask").count() == 1


def test_what_cannot_be_asked_for_is_refused(floor):
    talk = floor.chat()
    for asked in ({999: 1}, {1: 9}):
        with pytest.raises(Invalid):
            queueing.ask_for(item_id=floor.item(talk).pk, asked=asked, actor=floor.boss)
    queueing.drop_from_queue(interaction_id=talk.pk)
    with pytest.raises(Conflict):
        queueing.ask_for(item_id=floor.item(talk).pk, asked={}, actor=floor.boss)


# --- The price ---

# Of a contact with a topic under another one, before there were preferences.
BEFORE = 9


def test_a_new_contact_costs_two_queries_more_at_the_most(floor, vip, second, topics):
    """Every new contact comes this way: with a rule for frequent customers, segments, an order and a personal operator."""
    PriorityStep.objects.create(segment=vip, steps=1)
    thread = thread_of(floor, custom__vip=True, personal_operator="alice")
    floor.ready(floor.alice)
    talk = Interaction.objects.create(thread=thread, profile=thread.profile, kind="webchat", topic=topics["engine"])
    related = Interaction.objects.select_related("thread__channel", "topic", "profile__customer")
    fresh = related.get(pk=talk.pk)
    # What follows once it is committed, the offer, is no part of it.
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        item = queueing.enqueue_new(interaction=fresh)
    assert item is not None and (item.preferred_id, item.segments) == (floor.alice.pk, ["vip"])
    assert len(asked) <= BEFORE + 2, [one["sql"] for one in asked]
