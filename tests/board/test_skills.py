"""The skills screen: levels by operator, what work asks for, and what is refused."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cxcenter.core.models import AuditEntry
from interactions.models import Topic
from routing.models import OperatorSkill, Presence, Requirement, Skill, WorkItem
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


class Place:
    """A team with its supervisor, two operators, a queue; a team beside it; two skills."""

    def __init__(self) -> None:
        self.team = world.make_team()
        self.boss = world.make_user("marina", role="supervisor", team=self.team)
        self.alice, self.bob = (world.make_user(name, team=self.team) for name in ("alice", "bob"))
        self.queue = world.make_queue(members=(self.alice, self.bob), team=self.team)
        other = world.make_team("Other")
        self.stranger = world.make_user("stranger", team=other)
        self.foreign = world.make_queue("Foreign", members=(self.stranger,), team=other)
        self.russian, self.mortgage = (Skill.objects.create(name=name) for name in ("Russian", "Mortgage"))
        for user in (self.alice, self.bob, self.stranger):
            world.on_duty(user)


@pytest.fixture
def place():
    return Place()


@pytest.fixture
def post(client, place):
    client.force_login(place.boss)

    def do(act, *args, **asked):
        return client.post(reverse(f"board:{act}", args=args), asked)

    return do


def test_a_level_is_kept_with_its_past_and_audited(post, place):
    for level in (3, 5, 5, 0):
        assert post("set-level", place.russian.pk, place.alice.pk, level=level).json() == {"level": level}
    rows = OperatorSkill.objects.filter(user=place.alice, skill=place.russian).order_by("started_at")
    assert [row.level for row in rows] == [3, 5]
    assert rows[0].ended_at == rows[1].started_at and rows[1].ended_at is not None
    assert AuditEntry.objects.filter(act="skill.level", actor=place.boss).count() == 3, "what changes nothing is no act"


def test_a_level_that_is_none_and_a_stranger_are_refused(post, place):
    for level in ("6", "-1", "much", "", "9" * 5000):
        assert post("set-level", place.russian.pk, place.alice.pk, level=level).status_code == 400
    assert post("set-level", place.russian.pk, place.stranger.pk, level=3).status_code == 404
    assert post("set-level", 999, place.alice.pk, level=3).status_code == 404
    assert not OperatorSkill.objects.exists()


def test_a_level_brings_what_waits_for_it(post, place):
    Requirement.objects.create(skill=place.russian, level=2, queue=place.queue)
    talk = world.open_chat(world.make_site(place.queue))
    assert WorkItem.objects.get(interaction=talk).visit == "waiting"
    post("set-level", place.russian.pk, place.bob.pk, level=2)
    assert WorkItem.objects.get(interaction=talk).visit == "offered"


def test_what_work_asks_for_with_its_steps(post, place):
    OperatorSkill.objects.create(user=place.alice, skill=place.russian, level=3)
    loan = Topic.objects.create(name="Loan")
    asked = {"skill": place.russian.pk, "level": 4, "queue": place.queue.pk, "topic": loan.pk, "language": "ru"}
    steps = {"after_1": 20, "level_1": 3, "after_2": 45, "level_2": 0}
    assert post("ask", **asked, **steps).json()["said"] == "Saved as version 2"
    rule = Requirement.objects.get()
    assert (rule.level, rule.topic, rule.language) == (4, loan, "ru")
    assert list(rule.steps.values_list("after_s", "level")) == [(20, 3), (45, 0)]
    assert post("ask-otherwise", rule.pk, **asked, after_1=30, level_1=1).status_code == 200
    assert list(rule.steps.values_list("after_s", "level")) == [(30, 1)]
    assert post("ask", **asked, **steps).json()["code"] == "exists"
    assert post("ask-no-longer", rule.pk).status_code == 200
    assert not Requirement.objects.exists()
    acts = AuditEntry.objects.filter(act__startswith="requirement").values_list("act", flat=True).order_by("pk")
    assert list(acts) == ["requirement.save", "requirement.save", "requirement.drop"]


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"level": 4}, "level", "would wait for ever"),
        ({"after_1": 20}, "level_1", "needs a time and a level"),
        ({"after_1": 20, "level_1": 2, "after_2": 20, "level_2": 0}, "after_2", "later than the one before"),
        ({"after_1": 20, "level_1": 4}, "level_1", "less than the one before"),
        ({"queue": ""}, "queue", "required"),
    ],
)
def test_rules_that_make_no_sense_are_refused_with_words(post, place, changed, field, words):
    OperatorSkill.objects.create(user=place.alice, skill=place.russian, level=3)
    answer = post("ask", **{"skill": place.russian.pk, "level": 3, "queue": place.queue.pk, **changed})
    assert answer.status_code == 400
    assert (answer.json()["field"], words in answer.json()["message"]) == (field, True), answer.json()
    assert not Requirement.objects.exists()


def test_other_teams_rules_are_not_his(post, place, client):
    rule = Requirement.objects.create(skill=place.russian, level=1, queue=place.foreign)
    everywhere = Requirement.objects.create(skill=place.mortgage, level=1)
    asked = {"skill": place.russian.pk, "level": 1, "queue": place.foreign.pk}
    assert post("ask", **asked).json()["field"] == "queue"
    for one in (rule, everywhere):
        assert post("ask-otherwise", one.pk, **asked).status_code == 404
        assert post("ask-no-longer", one.pk).status_code == 404
    page = client.get(reverse("board:skills")).content.decode()
    assert "All queues" in page and "Foreign" not in page and "stranger" not in page.lower()
    client.force_login(world.make_user("admin", role="admin"))
    assert client.post(reverse("board:ask-no-longer", args=[everywhere.pk])).status_code == 200


def test_a_new_skill_and_the_page_of_many(post, place, client):
    assert post("add-skill", name="Spanish", name_ru="Испанский").status_code == 200
    assert post("add-skill", name="spanish").json()["code"] == "exists"

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            page = client.get(reverse("board:skills")).content.decode()
        assert (
            page.count('class="cx-level"')
            == Presence.objects.exclude(user=place.stranger).count() * Skill.objects.count()
        )
        return len(asked)

    Requirement.objects.create(skill=place.russian, level=1, queue=place.queue)
    few = queries()
    for number in range(12):
        world.make_user(f"operator{number}", team=place.team)
        world.on_duty(world.make_user(f"second{number}", team=place.team))
        Requirement.objects.create(skill=Skill.objects.create(name=f"Skill {number}"), level=1, queue=place.queue)
    assert queries() == few
