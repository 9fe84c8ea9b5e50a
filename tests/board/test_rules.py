"""The rules on screen: changed by supervisors, checked as a whole, kept in versions, tried before they are saved."""

import json
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from customers.models import Segment
from cxcenter.core.errors import Forbidden
from cxcenter.core.models import AuditEntry
from interactions.models import Topic
from quality import retold, runs
from quality.models import SimulationRun
from routing.actions.rules import save_rules
from routing.models import (
    Assignment,
    BusinessHours,
    Entrance,
    FrequentRule,
    MemberPeriod,
    OpeningInterval,
    OperatorSkill,
    Overflow,
    PauseReason,
    Presence,
    PresenceInterval,
    Queue,
    QueueMember,
    Requirement,
    RuleVersion,
    Skill,
    WorkItem,
)
from routing.rules import document
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)

FIELDS = (
    "name", "name_ru", "priority", "priority_weight", "wait_weight", "choice", "target_s", "target_percent", "reply_s",
    "offer_s", "preferred_s", "wrapup_s", "wrapup_more_s", "max_waiting", "callback_ahead_s", "callback_attempts",
    "callback_pause_min",
)  # fmt: skip


def rows(*found: dict[str, object]) -> dict[str, object]:
    """Rules of overflow as the page sends them, in this order."""
    return {f"{name}-{row}": value for row, rule in enumerate(found) for name, value in rule.items()}


def after(limit: int, to: Queue) -> dict[str, object]:
    return {"when": "waited", "limit": limit, "then": "queue", "to": to.pk}


AWAY = {"when": "nobody", "then": "close", "words": "Come tomorrow", "words_ru": "Приходите завтра"}
FORM = {"when": "waited", "limit": 300, "then": "form"}


class Place:
    """A team with its supervisor, three operators, two queues; another team beside it."""

    def __init__(self) -> None:
        self.team = world.make_team()
        self.boss = world.make_user("marina", role="supervisor", team=self.team)
        self.alice, self.bob, self.carl = (world.make_user(name, team=self.team) for name in ("alice", "bob", "carl"))
        self.queue = world.make_queue("Warranty", members=(self.alice, self.bob), team=self.team)
        self.second = world.make_queue("Second line", members=(self.carl,), team=self.team)
        other = world.make_team("Other")
        self.stranger = world.make_user("stranger", team=other)
        self.foreign = world.make_queue("Foreign", members=(self.stranger,), team=other)

    def asked(self, queue: Queue | None = None, **changed: object) -> dict[str, object]:
        """What the form of a queue sends, with something changed; None leaves a field empty."""
        queue = queue or self.queue
        queue.refresh_from_db()
        members = list(queue.memberships.filter(until=None).values_list("user_id", flat=True))
        said = {
            **{name: getattr(queue, name) for name in FIELDS},
            "hours": queue.hours_id,
            **self._sent_on(queue),
            "members": members,
            "active": "on" if queue.active else None,
            "callbacks": "on" if queue.callbacks else None,
            **changed,
        }
        return {name: value for name, value in said.items() if value is not None}

    def _sent_on(self, queue: Queue) -> dict[str, object]:
        names = ("when", "limit", "then", "to_id", "words", "words_ru")
        said = rows(*queue.overflows.values(*names))
        frequent = FrequentRule.objects.filter(queue=queue).values("contacts", "days", "to_id").first()
        said |= {f"frequent-{name}": value for name, value in (frequent or {"contacts": 3, "days": 7}).items()}
        return {name.replace("to_id", "to"): value for name, value in said.items()}


@pytest.fixture
def place():
    return Place()


@pytest.fixture
def post(client, place):
    client.force_login(place.boss)

    def do(door, *args, **asked):
        return client.post(reverse(f"board:{door}", args=args), asked)

    return do


def faults(answer) -> dict[str, str]:
    assert answer.status_code == 400, answer.content
    return {one["field"]: one["message"] for one in answer.json()["faults"]}


def test_a_change_is_saved_whole_and_kept_as_a_version_with_its_words(post, place, client):
    asked = place.asked(wait_weight=0, target_s=30, members=[place.alice.pk, place.carl.pk])
    answer = post("rules-queue", place.queue.pk, why="Rush hours", **asked)
    assert answer.json()["said"] == "Saved as version 2"
    place.queue.refresh_from_db()
    assert (place.queue.wait_weight, place.queue.target_s, place.queue.rules_version) == (0, 30, 2)
    assert set(place.queue.members.all()) == {place.alice, place.carl}
    first, second = RuleVersion.objects.order_by("number")
    assert (first.outside, first.changes, first.state["queues"][str(place.queue.pk)]["target_s"]) == (True, [], 60)
    assert (second.why, second.made_by, second.outside) == ("Rush hours", place.boss, False)
    told = {change["field"]: (change["before"], change["after"]) for change in second.changes}
    assert (
        told["wait_weight"] == (1, 0)
        and told["target_s"] == (60, 30)
        and set(told) == {"wait_weight", "target_s", "members"}
    )
    assert AuditEntry.objects.get(act="rules.save").subject == "rules:2"
    page = client.get(reverse("board:rules-version", args=[2])).content.decode()
    assert "Rush hours" in page and "2 members; added: Carl; removed: Bob" in page


# --- A new queue ----------------------------------------------------------------------------------


def fresh(place: Place, **changed: object) -> dict[str, object]:
    """What the form of a new queue sends: what the model says, a name, a team, a member."""
    said = {name: getattr(Queue(), name) for name in FIELDS} | {"frequent-contacts": 3, "frequent-days": 7}
    said |= {"name": "Fleet", "team": place.team.pk, "active": "on", "members": [place.alice.pk], **changed}
    return {name: value for name, value in said.items() if value is not None}


def test_a_supervisor_makes_a_queue_with_all_its_rules(post, place, client):
    world.make_user("kate", role="marketer", team=place.team)
    page = client.get(reverse("board:rules-queue-new")).content.decode()
    assert "Alice" in page and "Kate" not in page and "Stranger" not in page, "who may serve it"
    assert "New queue" in page and f'value="{place.team.pk}" selected' in page and "Other</option>" not in page
    answer = post("rules-queue-new", why="Fleets", **fresh(place, target_s=45, **rows(after(60, place.second))))
    assert answer.json()["said"] == "Saved as version 2"
    queue = Queue.objects.get(name="Fleet")
    assert (queue.team, queue.target_s, queue.rules_version, queue.active) == (place.team, 45, 2, True)
    assert list(queue.members.all()) == [place.alice] and queue.overflows.get().to == place.second
    version = RuleVersion.objects.get(number=2)
    assert [(one["sort"], one["id"], one["field"], one["after"]) for one in version.changes] == [
        ("queues", f"{queue.pk}", "", "Fleet")
    ]
    assert version.state["queues"][f"{queue.pk}"]["target_s"] == 45
    assert AuditEntry.objects.get(act="rules.save").detail == {"changed": [f"queues:{queue.pk}"]}
    assert "Fleet" in client.get(reverse("board:rules")).content.decode()
    # It can be changed as any other, and takes contacts.
    assert post("rules-queue", queue.pk, **place.asked(queue, target_s=50)).status_code == 200
    world.on_duty(place.alice)
    talk = world.open_chat(world.make_site(queue))
    assert WorkItem.objects.get(interaction=talk).visit == "offered"


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"members": []}, "members", "Nobody serves Fleet"),
        ({"name": "warranty"}, "name", "is there already"),
        ({"name": ""}, "name", "required"),
        ({"team": ""}, "team", "required"),
        ({"max_waiting": 0}, "max_waiting", "nobody may ever wait here"),
        ({"when-0": "waited", "limit-0": "", "then-0": "form"}, "limit-0", "how many seconds"),
    ],
)  # fmt: skip
def test_a_queue_that_cannot_be_is_not_made(post, place, changed, field, words):
    assert words in faults(post("rules-queue-new", **fresh(place, **changed)))[field]
    assert not RuleVersion.objects.exists() and not Queue.objects.filter(name="Fleet").exists()


def test_a_new_queue_asks_for_the_skills_that_all_work_asks_for(post, place):
    skill = Skill.objects.create(name="Russian")
    Requirement.objects.create(skill=skill, level=3)
    assert "Russian ≥ 3" in faults(post("rules-queue-new", **fresh(place)))["members"]
    OperatorSkill.objects.create(user=place.alice, skill=skill, level=3)
    assert post("rules-queue-new", **fresh(place)).status_code == 200


def test_queues_are_made_for_own_teams_with_own_people(post, place):
    other = place.foreign.team
    assert "team" in faults(post("rules-queue-new", **fresh(place, team=other.pk)))
    assert "members" in faults(post("rules-queue-new", **fresh(place, members=[place.stranger.pk])))
    settings = document.current()["queues"][str(place.queue.pk)] | {"name": "Fleet", "team": other.pk}
    with pytest.raises(Forbidden, match="own teams"):
        save_rules(edit={"queues": {"new": settings}}, why="", actor=place.boss)


def test_a_version_from_before_a_queue_leaves_it_as_it_is_and_says_so(post, place, client):
    post("rules-queue", place.queue.pk, **place.asked(target_s=30))
    post("rules-queue-new", **fresh(place))
    queue = Queue.objects.get(name="Fleet")
    post("rules-queue", place.queue.pk, **place.asked(**rows(after(60, queue))))
    page = client.get(reverse("board:rules-version", args=[1])).content.decode()
    assert "Made later: Fleet." in page
    assert "Made later" not in client.get(reverse("board:rules-version", args=[3])).content.decode()
    assert post("rules-back", 1).json()["said"] == "Saved as version 5"
    queue.refresh_from_db()
    assert (queue.active, queue.rules_version, list(queue.members.all())) == (True, 3, [place.alice])
    assert not place.queue.overflows.exists()
    # What is gone is not made again.
    queue.delete()
    assert post("rules-back", 3).status_code == 200
    assert not Queue.objects.filter(name="Fleet").exists()


def test_new_weights_move_those_who_wait(post, place):
    talk = world.open_chat(world.make_site(place.queue))
    item = WorkItem.objects.get(interaction=talk)
    before = item.rank_at
    post("rules-queue", place.queue.pk, **place.asked(priority_weight=120))
    item.refresh_from_db()
    assert before - item.rank_at == timedelta(seconds=60 * item.priority)


def test_a_new_member_gets_what_waits_and_a_lent_one_stays(post, place):
    world.on_duty(place.carl)
    QueueMember.objects.create(queue=place.queue, user=place.carl, until=timezone.now() - timedelta(hours=1))
    talk = world.open_chat(world.make_site(place.queue))
    assert WorkItem.objects.get(interaction=talk).visit == "waiting"
    post("rules-queue", place.queue.pk, **place.asked(members=[place.alice.pk, place.carl.pk]))
    assert QueueMember.objects.get(queue=place.queue, user=place.carl).until is None
    assert WorkItem.objects.get(interaction=talk).visit == "offered"


def test_an_offer_keeps_the_version_that_was_in_force(post, place):
    world.on_duty(place.alice)
    post("rules-queue", place.queue.pk, **place.asked(target_s=45))
    talk = world.open_chat(world.make_site(place.queue))
    assert Assignment.objects.get(interaction=talk).why["version"] == 2


def test_all_that_cannot_be_is_said_at_once_at_its_field_and_nothing_is_saved(post, place):
    wrong = {"when": "waited", "limit": "soon", "then": "queue", "to": place.foreign.pk}
    asked = place.asked(target_s="soon", offer_s=1, name="", callback_attempts=0, **rows(AWAY, wrong, {"when": "x"}))
    found = {"target_s", "offer_s", "name", "callback_attempts", "limit-1", "to-1", "when-2", "then-2"}
    assert set(faults(post("rules-queue", place.queue.pk, **asked))) == found
    assert not RuleVersion.objects.exists()


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"members": []}, "members", "Nobody serves Warranty: choose a member"),
        ({"frequent-to": "second", "frequent-days": None}, "frequent-days", "Write a number"),
        (rows(FORM | {"limit": None}), "limit-0", "how many seconds"),
        (rows(FORM | {"limit": "00000600000000000"}), "limit-0", "whole number"),
        (rows({"when": "waited", "limit": 30, "then": "queue"}), "to-0", "Choose the queue"),
        (rows(FORM, AWAY | {"words": "", "words_ru": ""}), "words-1", "what the visitor is told"),
        (rows(AWAY, AWAY | {"then": "message"}), "when-1", "always acts first"),
        (
            rows({"when": "length", "limit": 5, "then": "form"}, {"when": "length", "limit": 9, "then": "form"}),
            "when-1",
            "always acts",
        ),
        (rows({"when": "hours", "then": "form"}), "when-0", "open day and night"),
        (rows(FORM | {"then": "callback"}), "then-0", "switch its callbacks on"),
        ({"max_waiting": 5} | rows({"when": "length", "limit": 9, "then": "form"}), "limit-0", "At most 5 may wait"),
        ({"max_waiting": 0}, "max_waiting", "nobody may ever wait"),
        ({"name": "second LINE"}, "name", "is there already"),
    ],
)
def test_rules_that_make_no_sense_are_refused_with_words(post, place, changed, field, words):
    said = {name: place.second.pk if value == "second" else value for name, value in changed.items()}
    found = faults(post("rules-queue", place.queue.pk, **place.asked(**said)))
    assert list(found) == [field] and words in found[field]
    assert not Overflow.objects.exists() and not RuleVersion.objects.exists()


def test_a_circle_of_overflows_over_any_rules_is_refused_with_its_way(post, place):
    third = world.make_queue("Third", members=(place.carl,), team=place.team)
    Overflow.objects.create(queue=place.second, when="waited", limit=60, then="form")
    Overflow.objects.create(queue=place.second, place=1, when="nobody", then="queue", to=third)
    Overflow.objects.create(queue=third, when="waited", limit=60, then="queue", to=place.queue)
    found = faults(post("rules-queue", place.queue.pk, **place.asked(**rows(FORM, after(30, place.second)))))
    assert set(found) == {"to-1"}, "it is told once, at the rule that is changed"
    assert "Warranty → Second line → Third → Warranty" in found["to-1"]


def test_rules_of_overflow_are_kept_in_their_order_and_one_that_stays_is_the_same_row(post, place, client):
    post("rules-queue", place.queue.pk, **place.asked(**rows(FORM, after(90, place.second), AWAY)))
    first = list(place.queue.overflows.all())
    assert [(rule.code, rule.limit, rule.to) for rule in first] == [
        ("waited:form", 300, None),
        ("waited:queue", 90, place.second),
        ("nobody:close", None, None),
    ]
    moved = rows(after(90, place.second), FORM | {"limit": 200}, AWAY)
    assert post("rules-queue", place.queue.pk, **place.asked(**moved)).status_code == 200
    then = list(place.queue.overflows.all())
    assert [(rule.code, rule.limit) for rule in then] == [
        ("waited:queue", 90),
        ("waited:form", 200),
        ("nobody:close", None),
    ]
    assert (then[0].pk, then[2].pk) == (first[1].pk, first[2].pk) and then[1].pk != first[0].pk
    page = client.get(reverse("board:rules-queue", args=[place.queue.pk])).content.decode()
    assert page.index('id="limit-0" value="90"') < page.index('id="limit-1" value="200"') and "Приходите завтра" in page
    page = client.get(reverse("board:rules-version", args=[3])).content.decode()
    assert (
        "1. after 300 s: the form\n2. after 90 s: to Second line\n3. with nobody signed in: turned away “Come tomorrow”"
        in page
    )
    assert "1. after 90 s: to Second line\n2. after 200 s: the form" in page
    assert AuditEntry.objects.get(subject="rules:3").detail["changed"] == [f"queues:{place.queue.pk} overflow"]
    assert "after 90 s: to Second line" in client.get(reverse("board:rules")).content.decode()
    post("rules-back", 2)
    assert [(rule.code, rule.limit) for rule in place.queue.overflows.all()] == [
        ("waited:form", 300), ("waited:queue", 90), ("nobody:close", None)
    ]  # fmt: skip
    post("rules-back", 1)
    assert not place.queue.overflows.exists()


def test_what_a_condition_or_an_outcome_does_not_need_is_not_kept(post, place):
    said = {"when": "nobody", "limit": 30, "then": "form", "to": place.second.pk, "words": "Write to us"}
    post("rules-queue", place.queue.pk, **place.asked(**rows(said)))
    rule = Overflow.objects.get()
    assert (rule.limit, rule.to, rule.words) == (None, None, "Write to us")


def test_an_old_version_that_sends_to_a_queue_that_takes_nobody_now_is_not_put_back(post, place):
    Overflow.objects.create(queue=place.queue, when="waited", limit=90, then="queue", to=place.foreign)
    nothing = {f"{name}-0": None for name in ("when", "limit", "then", "to")}
    post("rules-queue", place.queue.pk, **place.asked(**nothing))
    assert not Overflow.objects.exists()
    Queue.objects.filter(pk=place.foreign.pk).update(active=False)
    answer = post("rules-back", 1)
    assert answer.status_code == 400 and "goes on to Foreign, which is switched off" in answer.json()["message"]


def test_callbacks_preferences_and_frequent_customers_are_set_there_too(post, place, client):
    changed = {
        "callbacks": "on", "callback_ahead_s": 60, "callback_attempts": 5, "callback_pause_min": 30, "preferred_s": 0,
        "wrapup_more_s": 90, "frequent-contacts": 4, "frequent-days": 14, "frequent-to": place.second.pk,
    }  # fmt: skip
    assert post("rules-queue", place.queue.pk, **place.asked(**changed)).status_code == 200
    queue = Queue.objects.select_related("frequent").get(pk=place.queue.pk)
    assert {name: getattr(queue, name) for name in changed if "-" not in name} == {
        **{name: value for name, value in changed.items() if "-" not in name}, "callbacks": True
    }  # fmt: skip
    assert (queue.frequent.contacts, queue.frequent.days, queue.frequent.to) == (4, 14, place.second)
    page = client.get(reverse("board:rules-version", args=[2])).content.decode()
    assert "from contact 4 in 14 days on: to Second line" in page
    found = faults(post("rules-queue", place.queue.pk, **place.asked(**{"frequent-contacts": 1})))
    assert set(found) == {"frequent-contacts"}
    for user in (place.alice, place.bob):
        Presence.objects.create(user=user, callbacks=0)
    found = faults(
        post("rules-queue", place.second.pk, **place.asked(place.second, members=[place.bob.pk], callbacks="on"))
    )
    assert list(found) == ["callbacks"] and "No member of Second line takes callbacks" in found["callbacks"]
    Presence.objects.update(callbacks=1, calls=0)
    line = world.make_line(place.second)
    found = faults(post("rules-queue", place.second.pk, **place.asked(place.second, members=[place.bob.pk])))
    assert list(found) == ["members"] and "No member of Second line takes calls" in found["members"]
    Presence.objects.update(calls=1)
    line.entrance_set.all().delete()
    post("rules-back", 1)
    assert not FrequentRule.objects.exists() and not Queue.objects.get(pk=place.queue.pk).callbacks
    post("rules-back", 2)
    assert FrequentRule.objects.get().to == place.second
    found = faults(post("rules-queue", place.second.pk, **place.asked(place.second, active=None)))
    assert list(found) == [""] and "Warranty goes on to Second line, which is switched off" in found[""]


def test_work_that_no_member_could_ever_do_is_refused(post, place, client):
    loans = Topic.objects.create(name="Loans")
    skill = Skill.objects.create(name="Mortgage")
    place.alice.skills.create(skill=skill, level=3)
    Requirement.objects.create(skill=skill, level=3, queue=place.queue, topic=loans)
    found = faults(post("rules-queue", place.queue.pk, **place.asked(members=[place.bob.pk])))
    assert "Mortgage ≥ 3" in found["members"]
    # What one segment asks for is not asked of another: each has somebody who can.
    other = Skill.objects.create(name="Cards")
    place.bob.skills.create(skill=other, level=5)
    for wanted, code in ((skill, "vip"), (other, "new")):
        Requirement.objects.create(
            skill=wanted, level=3, queue=place.queue, segment=Segment.objects.create(code=code, name=code)
        )
    assert post("rules-queue", place.queue.pk, **place.asked(target_s=31)).status_code == 200
    page = client.get(reverse("board:rules")).content.decode()
    assert "has all that its work asks for" not in page
    Requirement.objects.filter(topic=None).delete()
    # With a step to anyone it could be done.
    Requirement.objects.get().steps.create(after_s=60, level=0)
    assert post("rules-queue", place.queue.pk, **place.asked(members=[place.bob.pk])).status_code == 200


def test_a_queue_with_an_entrance_or_an_overflow_to_it_is_not_switched_off(post, place):
    world.make_site(place.queue)
    found = faults(post("rules-queue", place.queue.pk, **place.asked(active=None)))
    assert "lead them to another queue first" in found["active"]
    Entrance.objects.all().delete()
    Overflow.objects.create(queue=place.second, when="waited", limit=60, then="queue", to=place.queue)
    answer = post("rules-queue", place.queue.pk, **place.asked(active=None))
    assert "which is switched off" in answer.json()["message"]


def test_what_was_wrong_before_stands_in_nobodys_way(post, place, client):
    world.make_queue("Empty", team=place.team)
    assert post("rules-queue", place.queue.pk, **place.asked(target_s=30)).status_code == 200
    page = client.get(reverse("board:rules")).content.decode()
    assert "Nobody serves Empty" in page


def test_hours_are_made_and_those_that_never_open_are_refused(post, place):
    week = {"name": "Office", "zone": "Europe/Moscow", "day-0": 0, "opens-0": "9:00", "closes-0": "18.00", "day-1": 0}
    assert post("rules-hours-new", **week, **{"date-0": "2026-12-31", "name-0": "New Year"}).status_code == 200
    hours = BusinessHours.objects.get()
    assert list(hours.intervals.values_list("day", "opens", "closes")) == [(0, time(9), time(18))]
    assert hours.holidays.get().opens is None
    found = faults(post("rules-hours", hours.pk, name="Office", zone="Europe/Moscow"))
    assert "never open" in found["intervals"]
    wrong = {
        **week,
        "day-1": 0,
        "opens-1": "17:00",
        "closes-1": "20:00",
        "day-2": 3,
        "opens-2": "12:00",
        "closes-2": "8:00",
    }
    assert set(faults(post("rules-hours", hours.pk, **wrong))) == {"opens-1", "closes-2"}
    twice = {**week, "date-0": "2026-12-31", "date-1": "20261231"}
    assert set(faults(post("rules-hours", hours.pk, **twice))) == {"date-1"}
    unread = {**week, "opens-0": "9 o'clock", "date-0": "soon", "name": ""}
    assert set(faults(post("rules-hours", hours.pk, **unread))) == {"opens-0", "date-0", "name"}
    assert hours.intervals.count() == 1


def test_hours_of_other_teams_too_are_not_his_to_change(post, place):
    hours = BusinessHours.objects.create(name="All")
    OpeningInterval.objects.create(hours=hours, day=0, opens=time(9), closes=time(18))
    Queue.objects.update(hours=hours)
    said = {"name": "All", "zone": "Europe/Moscow", "day-0": 1, "opens-0": "9:00", "closes-0": "18:00"}
    answer = post("rules-hours", hours.pk, **said)
    assert (answer.status_code, "Foreign" in answer.json()["message"]) == (403, True)


def test_pause_reasons(post, place):
    lunch = PauseReason.objects.create(name="Lunch", limit_min=30)
    said = {f"name-{lunch.pk}": "Lunch", f"limit_min-{lunch.pk}": 45, "name-new0": "Meeting", "active-new0": "on"}
    assert post("rules-pauses", **said).status_code == 200
    assert list(PauseReason.objects.order_by("name").values_list("name", "limit_min", "active")) == [
        ("Lunch", 45, False),
        ("Meeting", None, True),
    ]
    found = faults(post("rules-pauses", **{f"name-{lunch.pk}": "", f"limit_min-{lunch.pk}": "long"}))
    assert set(found) == {f"name-{lunch.pk}", f"limit_min-{lunch.pk}"}
    assert set(faults(post("rules-pauses", **said | {f"limit_min-{lunch.pk}": "0014400000000"}))) == {
        f"limit_min-{lunch.pk}"
    }


def test_strangers_queues_and_people_are_not_his(post, place, client):
    assert post("rules-queue", place.foreign.pk, **place.asked(place.foreign)).status_code == 404
    asked = place.asked(members=[place.alice.pk, place.stranger.pk])
    assert "members" in faults(post("rules-queue", place.queue.pk, **asked))
    page = client.get(reverse("board:rules")).content.decode()
    assert "Foreign" not in page and "Warranty" in page


def test_who_is_slower_is_told_and_loses_nothing(post, place):
    page = place.asked()
    seen = document.digest(document.part(document.current(), {"queues": {str(place.queue.pk): {}}}))
    assert post("rules-queue", place.queue.pk, version=seen, **{**page, "target_s": 30}).status_code == 200
    answer = post("rules-queue", place.queue.pk, version=seen, **{**page, "target_s": 40})
    assert (answer.status_code, answer.json()["code"]) == (409, "stale")
    assert post("rules-queue", place.queue.pk, **place.asked()).json()["code"] == "same"


def test_an_old_version_is_put_back_as_a_new_one(post, place, client):
    post("rules-queue", place.queue.pk, **place.asked(target_s=30, members=[place.bob.pk]))
    # Past the screen, as an administrator does it.
    Queue.objects.filter(pk=place.foreign.pk).update(target_s=99)
    assert post("rules-back", 1, why="Too strict").json()["said"] == "Saved as version 4"
    place.queue.refresh_from_db()
    assert place.queue.target_s == 60 and set(place.queue.members.all()) == {place.alice, place.bob}
    numbers = RuleVersion.objects.order_by("number").values_list("number", "outside", "why")
    assert list(numbers) == [(1, True, ""), (2, False, ""), (3, True, ""), (4, False, "Too strict")]
    assert Queue.objects.get(pk=place.foreign.pk).target_s == 99, "another team's queue stays"
    assert post("rules-back", 1).json()["code"] == "same"
    assert AuditEntry.objects.filter(act="rules.back").count() == 1
    page = client.get(reverse("board:rules-version", args=[1]) + "?with=2").content.decode()
    assert "2 members" in page and "removed: Alice" in page and "Nothing differs" not in page


def test_the_pages_ask_the_same_of_few_and_of_many(place, client):
    client.force_login(place.boss)
    pages = [
        reverse("board:rules"),
        reverse("board:rules-queue", args=[place.queue.pk]),
        reverse("board:rules-queue-new"),
        reverse("board:rules-versions"),
    ]

    def queries() -> list[int]:
        counts = []
        for page in pages:
            with CaptureQueriesContext(connection) as asked:
                assert client.get(page).status_code == 200
            counts.append(len(asked))
        return counts

    skill = Skill.objects.create(name="Russian")
    RuleVersion.objects.create(number=1, made_by=place.boss)
    Requirement.objects.create(skill=skill, level=1, queue=place.queue)
    OpeningInterval.objects.create(
        hours=BusinessHours.objects.create(name="Any"), day=0, opens=time(9), closes=time(18)
    )
    QueueMember.objects.create(queue=place.queue, user=place.carl, until=timezone.now() + timedelta(hours=1))
    Overflow.objects.create(queue=place.queue, when="waited", limit=60, then="queue", to=place.second)
    FrequentRule.objects.create(queue=place.queue, to=place.second)
    few = queries()
    for number in range(8):
        user = world.make_user(f"operator{number}", team=place.team)
        queue = world.make_queue(f"Queue {number}", members=(user,), team=place.team)
        hours = BusinessHours.objects.create(name=f"Hours {number}")
        OpeningInterval.objects.create(hours=hours, day=0, opens=time(9), closes=time(18))
        Queue.objects.filter(pk=queue.pk).update(hours=hours)
        Requirement.objects.create(skill=skill, level=1, queue=queue)
        RuleVersion.objects.create(number=number + 2, made_by=user)
        Overflow.objects.create(queue=place.queue, when="waited", limit=90 + number, then="queue", to=queue)
        FrequentRule.objects.create(queue=queue, to=place.second)
    assert queries() == few


# --- Tried on yesterday ---------------------------------------------------------------------------


def yesterday(place: Place, *, days: int = 1, contacts: int = 60) -> None:
    """A day of calls of ten minutes, one each five minutes, for one operator: he is overrun, a second one would help."""
    # As the supervisor's pages count days: late in the evening of UTC it is tomorrow there.
    there = timezone.localtime(timezone.now() - timedelta(days=days), ZoneInfo(settings.DEFAULT_ZONE))
    day = there.replace(hour=9, minute=0, second=0, microsecond=0)
    MemberPeriod.objects.update(started_at=day - timedelta(days=2))
    for user in (place.alice, place.carl):
        PresenceInterval.objects.create(
            user=user, state="available", started_at=day, ended_at=day + timedelta(hours=10)
        )
        world.on_duty(user, capacity=1)
    # One customer comes again and again: visits are counted, not people.
    talk = world.open_chat(world.make_site())
    moments = [day + timedelta(minutes=5 * number) for number in range(contacts)]
    items = WorkItem.objects.bulk_create(
        WorkItem(
            queue=place.queue, interaction=talk, visit="left", entered_at=came, waits_since=came, rank_at=came,
            left_at=came + timedelta(seconds=300 if number % 3 == 2 else 20),
            outcome="abandoned" if number % 3 == 2 else "answered",
        )
        for number, came in enumerate(moments)
    )  # fmt: skip
    Assignment.objects.bulk_create(
        Assignment(
            item=item, interaction=talk, operator=place.alice, leg="ended", end="finished", offered_at=item.left_at,
            accepted_at=item.left_at, ended_at=item.left_at + timedelta(minutes=10),
            wrapped_at=item.left_at + timedelta(minutes=11),
        )
        for item in items
        if item.outcome == "answered"
    )  # fmt: skip


def test_rules_are_tried_on_yesterday_and_then_saved(post, place, client):
    yesterday(place)
    asked = place.asked(members=[place.alice.pk, place.bob.pk, place.carl.pk])
    then = post("rules-queue", place.queue.pk, act="try", why="A second one", **asked).json()["then"]
    run = SimulationRun.objects.get()
    assert then == reverse("board:simulation", args=[run.pk]) and run.state == "waiting"
    assert place.carl not in place.queue.members.all(), "nothing is saved"
    assert "0 / 10" in client.get(then).content.decode()
    assert runs.work(seconds=60) is False
    run.refresh_from_db()
    assert (run.state, run.fault) == ("done", "")
    found = json.loads(run.result)
    figures = {
        name: {row["figure"]: row for row in rows if (row["by"], row["of"]) == ("queue", "Warranty")}
        for name, rows in {**found["figures"], "Δ": found["differences"]["changed"]}.items()
    }
    assert figures["base"]["visits"]["mean"] == figures["changed"]["visits"]["mean"] == 60
    assert figures["Δ"]["wait_s"]["high"] < 0 and figures["Δ"]["V2_60s"]["low"] > 0
    page = client.get(then).content.decode()
    assert "better" in page and "V2, 60 s" in page and "Save these rules" in page
    saved = post("simulation-save", run.pk, why="It helps").json()
    assert saved["said"] == "Saved as version 2" and place.carl in place.queue.members.all()
    assert post("simulation-save", run.pk, why="Again").json()["code"] in {"stale", "same"}


def test_a_day_that_tells_too_little_is_said_and_another_one_offered(post, place):
    asked = place.asked(target_s=30)
    answer = post("rules-queue", place.queue.pk, act="try", **asked)
    assert (answer.status_code, answer.json()["code"], "offer" in answer.json()) == (409, "too_little", False)
    yesterday(place, days=8, contacts=30)
    offer = post("rules-queue", place.queue.pk, act="try", **asked).json()["offer"]
    assert offer[
        "day"
    ] == f"{timezone.localdate(timezone=ZoneInfo(settings.DEFAULT_ZONE)) - timedelta(days=8)}" and offer[
        "words"
    ].startswith("Try on ")
    assert post("rules-queue", place.queue.pk, act="try", try_day=offer["day"], **asked).status_code == 200
    assert runs.work(seconds=60) is False
    assert SimulationRun.objects.get().state == "done"


def test_moves_and_full_queues_are_played_and_what_is_not_is_said(post, place, client):
    yesterday(place)
    message = {"when": "waited", "limit": 30, "then": "message", "words": "Soon"}
    full = {"when": "length", "limit": 4, "then": "form"}
    asked = place.asked(**rows(message, full, after(60, place.second)))
    then = post("rules-queue", place.queue.pk, act="try", **asked).json()["then"]
    assert runs.work(seconds=60) is False
    run = SimulationRun.objects.get()
    assert (run.state, run.fault) == ("done", "")
    scenario = json.loads(run.scenario)
    assert scenario["rules"]["changed"]["queues"]["Warranty"] == {
        "overflow": [
            {"when": "length", "limit": 4, "then": "form"},
            {"when": "waited", "limit": 60, "then": "queue", "to": "Second line"},
        ]
    }
    found = json.loads(run.result)["differences"]["changed"]
    moved = {(row["of"], row["figure"]): row["mean"] for row in found if row["by"] == "queue"}
    assert moved["Warranty", "flowed_out"] > 0
    page = client.get(then).content.decode()
    assert "Rules of overflow that are not played: Warranty (after 30 s: a message)." in page
    post("simulation-save", run.pk, why="It helps")
    assert list(place.queue.overflows.values_list("then", flat=True)) == ["message", "form", "queue"]


def test_a_trial_tells_nothing_of_the_queues_of_another_team(place, client):
    """Who shares operators with the changed queue is played as well."""
    rows = [{"by": "queue", "of": name, "figure": "visits", "mean": 1.0} for name in ("Warranty", "Foreign")]
    run = SimulationRun.objects.create(
        made_by=place.boss, title="Warranty", seeds=10, state="done", scenario='{"queues": {"Foreign": {}}}',
        trial={"levels": {"": [], "Warranty": [], "Foreign": []}},
        result=json.dumps({"figures": {"base": rows}, "differences": {"changed": rows}}),
    )  # fmt: skip
    result = reverse("board:simulation-json", args=[run.pk])
    scenario = (f"{result}?what=scenario", f"{reverse('board:simulator')}?from={run.pk}")
    client.force_login(place.boss)
    found = client.get(result).json()
    assert found == {"figures": {"base": rows[:1]}, "differences": {"changed": rows[:1]}}
    assert [client.get(address).status_code for address in scenario] == [403, 403]
    client.force_login(world.make_user("root", role="admin"))
    assert client.get(result).json()["figures"]["base"] == rows
    assert [client.get(address).status_code for address in scenario] == [200, 200]


def test_calls_of_a_day_are_played_as_calls(post, place):
    yesterday(place)
    Presence.objects.filter(user=place.alice).update(capacity=4, calls=2)
    Presence.objects.filter(user=place.carl).update(capacity=0)
    called = WorkItem.objects.order_by("entered_at")[:30].values("pk")
    WorkItem.objects.filter(pk__in=list(called.values_list("pk", flat=True))).update(work="call")
    assert (
        post(
            "rules-queue", place.queue.pk, act="try", **place.asked(members=[place.alice.pk, place.carl.pk])
        ).status_code
        == 200
    )
    runs.work(seconds=60)
    run = SimulationRun.objects.get()
    assert (run.state, run.fault) == ("done", "")
    scenario = json.loads(run.scenario)
    streams = {(one["kind"], len(one["log"])) for one in scenario["streams"].values()}
    assert streams == {("contact", 30), ("call", 30)}
    limits = {name: one["limits"] for name, one in scenario["operators"].items()}
    assert limits["alice"] == {"contact": 4, "call": 2}


def test_what_the_simulator_plays_of_overflows(place):
    onward, away = after(60, place.second), {"when": "waited", "limit": 90, "then": "close"}
    full, closed = {"when": "length", "limit": 9, "then": "close"}, {"when": "hours", "limit": None, "then": "form"}
    told = {"when": "length", "limit": 3, "then": "message"}
    rules = [told, full, onward, away, AWAY, FORM, closed]
    assert retold.played(rules) == [full, onward, away, AWAY]
    assert retold.unplayed(rules) == [told, FORM, closed]


def test_who_met_a_door_that_nobody_stood_behind_is_played_where_rules_ask_for_that(post, place):
    yesterday(place, contacts=30)
    refused = WorkItem.objects.order_by("-entered_at").first()
    WorkItem.objects.filter(pk=refused.pk).update(
        outcome="blocked", blocked_kind="B3", overflows=["nobody:close"], left_at=refused.entered_at
    )
    asked = place.asked(**rows({**AWAY, "then": "queue", "to": place.second.pk, "limit": ""}, after(40, place.second)))
    assert post("rules-queue", place.queue.pk, act="try", **asked).status_code == 200
    runs.work(seconds=60)
    run = SimulationRun.objects.get()
    assert (run.state, run.fault) == ("done", "")
    scenario = json.loads(run.scenario)
    assert scenario["queues"]["Warranty"]["overflow"] == [{"when": "nobody", "then": "form"}], "as it is without a rule"
    assert scenario["rules"]["changed"]["queues"]["Warranty"]["overflow"] == [
        {"when": "nobody", "then": "queue", "to": "Second line"},
        {"when": "waited", "limit": 40, "then": "queue", "to": "Second line"},
        {"when": "nobody", "then": "form"},
    ]
    assert len(scenario["streams"]["Warranty"]["log"]) == 30
    # Without such rules it is not known who else was refused, and he is left out.
    assert post("rules-queue", place.queue.pk, act="try", **place.asked(priority=3)).status_code == 200
    runs.work(seconds=60)
    scenario = json.loads(SimulationRun.objects.order_by("-pk").first().scenario)
    assert len(scenario["streams"]["Warranty"]["log"]) == 29 and "overflow" not in scenario["queues"]["Warranty"]


def test_what_cannot_be_saved_cannot_be_tried(post, place):
    yesterday(place, contacts=30)
    assert "members" in faults(post("rules-queue", place.queue.pk, act="try", **place.asked(members=[])))
    assert post("rules-queue", place.queue.pk, act="try", **place.asked()).json()["code"] == "same"
    assert not SimulationRun.objects.exists()
