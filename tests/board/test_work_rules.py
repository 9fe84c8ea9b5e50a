"""What work asks for and what stands ahead are rules as others: one document, checked as a whole, kept in versions."""

import html
import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from customers.models import Segment
from cxcenter.core.models import AuditEntry
from interactions.models import Channel, Interaction, Thread, Topic
from quality import runs
from quality.models import SimulationRun
from routing.models import (
    Assignment,
    Entrance,
    MemberPeriod,
    PriorityStep,
    Queue,
    Requirement,
    RuleVersion,
    Skill,
    WorkItem,
)
from tests import world
from tests.board.test_rules import Place, faults, yesterday

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place():
    found = Place()
    found.loans = Topic.objects.create(name="Loans")
    found.mortgage = Skill.objects.create(name="Mortgage")
    found.alice.skills.create(skill=found.mortgage, level=3)
    return found


@pytest.fixture
def post(client, place):
    client.force_login(place.boss)

    def do(door, *args, **asked):
        return client.post(reverse(f"board:{door}", args=args), asked)

    return do


def asked(place, **changed: object) -> dict[str, object]:
    """What the dialog sends: mortgage of 3 for loans, after a minute anyone."""
    said = {"skill": place.mortgage.pk, "level": 3, "queue": place.queue.pk, "topic": place.loans.pk}
    return {**said, "after_1": 60, "level_1": 0, **changed}


def held() -> list[tuple[int, int | None, list[tuple[int, int]]]]:
    rules = Requirement.objects.order_by("skill", "topic")
    return [(one.level, one.topic_id, list(one.steps.values_list("after_s", "level"))) for one in rules]


def test_what_work_asks_for_is_a_version_in_words_and_is_put_back_with_its_steps(post, place, client):
    assert post("ask", why="Loans are hard", **asked(place)).json()["said"] == "Saved as version 2"
    rule = Requirement.objects.get()
    assert post("ask-otherwise", rule.pk, **asked(place, level=2, after_1=30, level_1=1)).status_code == 200
    assert post("ask-no-longer", rule.pk, why="Too strict").status_code == 200
    versions = RuleVersion.objects.order_by("number").values_list("number", "made_by", "why")
    boss = place.boss.pk
    assert list(versions) == [(1, None, ""), (2, boss, "Loans are hard"), (3, boss, ""), (4, boss, "Too strict")]
    page = client.get(reverse("board:rules-version", args=[3])).content.decode()
    assert "What work asks for “Warranty”" in page
    assert "Mortgage · Loans: ≥ 3, from 60 s anyone" in page and "Mortgage · Loans: ≥ 2, from 30 s ≥ 1" in page
    assert "Loans are hard" in client.get(reverse("board:rules-versions")).content.decode()
    # What was dropped comes back as it was, as a version of its own.
    assert post("rules-back", 2, why="It was right").json()["said"] == "Saved as version 5"
    assert held() == [(3, place.loans.pk, [(60, 0)])]
    assert post("rules-back", 1).status_code == 200 and held() == []
    acts = AuditEntry.objects.filter(subject__startswith="rules:").order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["requirement.save"] * 2 + ["requirement.drop"] + ["rules.back"] * 2


def test_an_offer_keeps_the_version_of_what_was_asked_for(post, place, client):
    world.on_duty(place.alice)
    post("ask", **asked(place, topic=""))
    talk = world.open_chat(world.make_site(place.queue))
    post("ask-otherwise", Requirement.objects.get().pk, **asked(place, topic="", level=1))
    offer = Assignment.objects.get(interaction=talk)
    version = RuleVersion.objects.get(number=offer.why["version"])
    (rule,) = version.state["requirements"][str(place.queue.pk)]["asked"]
    assert (version.number, [[rule["skill"], rule["level"]]]) == (2, offer.why["needs"])
    # What all queues ask for is a rule of each.
    admin = world.make_user("root", role="admin")
    place.stranger.skills.create(skill=place.mortgage, level=1)
    place.carl.skills.create(skill=place.mortgage, level=1)
    client.force_login(admin)
    assert post("ask", **asked(place, queue="", topic="", level=1)).status_code == 200
    assert set(Queue.objects.values_list("rules_version", flat=True)) == {4}


def test_an_order_is_a_version_and_is_put_back(post, place, client):
    mail = Channel.objects.create(name="Mail", kind="email")
    other = Topic.objects.create(name="Other")
    topics = [place.loans.pk, other.pk]
    assert post("own-order", place.queue.pk, why="Loans first", topics=topics, channels=[mail.pk]).status_code == 200
    assert post("own-order", place.queue.pk, topics=topics[::-1], channels=[]).status_code == 200
    page = client.get(reverse("board:rules-version", args=[3])).content.decode()
    assert "Order of priorities “Warranty”" in page and "Loans +2, Other +1" in page and "Other +2, Loans +1" in page
    assert post("drop-order", place.queue.pk).status_code == 200 and not PriorityStep.objects.exists()
    mail.delete()
    assert post("rules-back", 2).json()["said"] == "Saved as version 5"
    steps = PriorityStep.objects.filter(queue=place.queue, steps__gt=0).values_list("topic", "steps")
    assert set(steps) == {(place.loans.pk, 2), (other.pk, 1)}, "what is gone is left out"
    assert PriorityStep.objects.get(topic=other).steps == 1
    assert post("own-order", place.queue.pk, topics=topics).json()["code"] == "same"


def test_who_is_slower_with_an_order_is_told(post, place, client):
    page = client.get(reverse("board:priorities"), {"queue": place.queue.pk}).content.decode()
    seen = page.partition('name="version" value="')[2].partition('"')[0]
    assert post("own-order", place.queue.pk, version=seen, topics=[place.loans.pk]).status_code == 200
    answer = post("own-order", place.queue.pk, version=seen, topics=[])
    assert (answer.status_code, answer.json()["code"]) == (409, "stale")


def test_a_version_from_before_these_sorts_leaves_them_as_they_are(post, place, client):
    post("rules-queue", place.queue.pk, **place.asked(target_s=30))
    old = RuleVersion.objects.get(number=1)
    for sort in ("requirements", "priorities"):
        del old.state[sort]
    old.save()
    post("ask", **asked(place))
    post("own-order", place.queue.pk, topics=[place.loans.pk])
    page = client.get(reverse("board:rules-version", args=[1])).content.decode()
    assert "Nothing differs" not in page and "What work asks for “" not in page and "Put back" in page
    page = client.get(reverse("board:rules-version", args=[4]), {"with": 1}).content.decode()
    assert "What work asks for “" not in page.partition("Against version 1")[2]
    assert post("rules-back", 1).json()["said"] == "Saved as version 5"
    assert len(held()) == 1 and PriorityStep.objects.filter(steps=1).count() == 1
    # Nor is what versions begin to keep a change that somebody made.
    RuleVersion.objects.exclude(pk=old.pk).delete()
    post("ask-no-longer", Requirement.objects.get().pk)
    assert list(RuleVersion.objects.order_by("number").values_list("number", "outside")) == [(1, True), (2, False)]


def test_what_other_teams_ask_for_is_neither_told_nor_put_back(post, place, client):
    post("rules-queue", place.queue.pk, **place.asked(target_s=30))
    Requirement.objects.create(skill=place.mortgage, level=5, queue=place.foreign)
    Requirement.objects.create(skill=place.mortgage, level=1)
    page = client.get(reverse("board:rules-version", args=[2])).content.decode()
    assert "≥ 5" not in page and "What work asks for, all queues" in page and "in a queue of another team" in page
    post("rules-back", 1)
    assert Requirement.objects.count() == 2, "what all queues ask for is an administrator's"


def test_a_segment_asks_only_of_those_who_belong_to_it(post, place):
    """Two segments ask for what no single operator has: no contact of one of them asks for both."""
    vip, fleet = (Segment.objects.create(code=code, name=code) for code in ("vip", "fleet"))
    care = Skill.objects.create(name="Care")
    place.bob.skills.create(skill=care, level=3)
    plain = {"topic": "", "after_1": "", "level_1": ""}
    assert post("ask", **asked(place, segment=vip.pk, **plain)).status_code == 200
    assert post("ask", **asked(place, segment=fleet.pk, **{**plain, "skill": care.pk})).status_code == 200
    assert post("rules-queue", place.queue.pk, **place.asked(target_s=30)).status_code == 200
    # But each of them needs somebody.
    found = faults(post("rules-queue", place.queue.pk, **place.asked(members=[place.alice.pk])))
    assert "Care ≥ 3" in found["members"] and "Mortgage" not in found["members"]
    answer = post("set-level", care.pk, world.on_duty(place.bob).user.pk, level=0)
    assert answer.json()["code"] == "last"


def test_what_was_unserved_before_hides_nothing_new(post, place, client):
    """A topic that nobody can serve is an old fault; one more that nobody could serve is refused all the same."""
    Requirement.objects.create(skill=place.mortgage, level=5, queue=place.queue, topic=place.loans)
    other = Topic.objects.create(name="Other")
    refused = post("ask", **asked(place, topic=other.pk, level=4, after_1="", level_1=""))
    assert (refused.status_code, refused.json()["field"], refused.json()["code"]) == (400, "level", "unserved")
    assert post("ask", **asked(place, topic=other.pk, after_1="", level_1="")).status_code == 200
    # A topic asks for something wherever it comes in.
    Entrance.objects.create(channel=Channel.objects.create(name="Line", kind="voice"), topic=other, queue=place.second)
    admin = world.make_user("root", role="admin")
    client.force_login(admin)
    refused = post("ask", **asked(place, queue="", topic=other.pk, level=1, after_1="", level_1=""))
    assert refused.status_code == 400 and "Second line" in refused.json()["message"]


# --- Tried on yesterday ---------------------------------------------------------------------------


def played() -> tuple[dict, dict, dict[tuple[str, str], float]]:
    """What was played: the streams of the present rules and of the changed ones, and what differs by queue."""
    assert runs.work(seconds=60) is False
    run = SimulationRun.objects.latest("pk")
    assert (run.state, run.fault) == ("done", "")
    said, found = json.loads(run.scenario), json.loads(run.result)["differences"]["changed"]
    changed = said["rules"]["changed"].get("streams", {})
    return said["streams"], changed, {(row["of"], row["figure"]): row["mean"] for row in found if row["by"] == "queue"}


def test_what_work_would_ask_for_is_tried_on_yesterday_and_then_saved(post, place, client):
    """Every second contact was about loans; one of the two who were there that day has mortgage."""
    yesterday(place)
    place.queue.members.add(place.carl)
    MemberPeriod.objects.filter(user=place.carl, queue=place.queue).update(
        started_at=timezone.now() - timedelta(days=3)
    )
    day = Interaction.objects.get()
    about_loans = world.open_chat(world.make_site(), topic=place.loans)
    ids = list(
        WorkItem.objects.filter(interaction=day, queue=place.queue).order_by("entered_at").values_list("pk", flat=True)
    )
    WorkItem.objects.filter(pk__in=ids[::2]).update(interaction=about_loans)
    then = post("ask", act="try", why="Loans", **asked(place, after_1=240)).json()["then"]
    assert not Requirement.objects.exists() and not RuleVersion.objects.exists(), "nothing is saved"
    before, after, differs = played()
    assert [("steps" in stream, len(stream["log"])) for stream in before.values()] == [(False, 30), (False, 30)]
    (name,) = after
    assert after == {name: {"steps": [{"after_s": 0.0, "needs": {"Mortgage": 3}}, {"after_s": 240.0, "needs": {}}]}}
    assert differs["Warranty", "wait_s"] > 0
    page = client.get(then).content.decode()
    assert "Mortgage · Loans: ≥ 3, from 240 s anyone" in page and reverse("board:skills") in page
    run = SimulationRun.objects.get()
    page = client.get(reverse("board:skills"), {"trial": run.pk}).content.decode()
    further = html.unescape(page.partition("from a trial")[2].partition('data-dialog="')[2].partition('"')[0])
    dialog = client.get(further).content.decode()
    assert 'value="240"' in dialog and f'value="{place.loans.pk}" selected' in dialog
    assert post("simulation-save", run.pk, why="It helps").json()["said"] == "Saved as version 2"
    assert held() == [(3, place.loans.pk, [(240, 0)])]
    # In force now, it is what the day is compared with, though the day began without it.
    assert post("ask-no-longer", Requirement.objects.get().pk, act="try").status_code == 200
    before, after, differs = played()
    assert [stream.get("steps", [{}])[0].get("needs") for stream in before.values()] == [{"Mortgage": 3}, None][::-1]
    assert after == {name: {"steps": None}} and differs["Warranty", "wait_s"] < 0


def test_an_order_is_tried_on_yesterday(post, place, client):
    """Who came by mail stands ahead in the trial; who was handed on, or called back, keeps what he had."""
    yesterday(place)
    mail = Channel.objects.create(name="Mail", kind="email")
    talk = world.open_chat(world.make_site())
    Thread.objects.filter(pk=talk.thread_id).update(channel=mail)
    ids = list(WorkItem.objects.filter(queue=place.queue).order_by("entered_at").values_list("pk", flat=True))
    WorkItem.objects.filter(pk__in=ids[::3]).update(interaction=talk, priority=3)
    WorkItem.objects.filter(pk=ids[0]).update(sent_by=place.bob)
    other = Topic.objects.create(name="Other")
    order = {"channels": [mail.pk, Channel.objects.exclude(pk=mail.pk).first().pk], "topics": [other.pk]}
    then = post("own-order", place.queue.pk, act="try", **order).json()["then"]
    assert not PriorityStep.objects.exists()
    before, after, _differs = played()
    ahead = [row["priority"] for row in before["Warranty"]["log"]]
    shown = [row["priority"] for row in after["Warranty"]["log"]]
    assert (ahead[0], shown[0]) == (3, 3) and {b - a for a, b in zip(ahead[3::3], shown[3::3], strict=True)} == {2}
    page = client.get(
        f"{reverse('board:priorities')}?queue={place.queue.pk}&trial={then.split('/')[-2]}"
    ).content.decode()
    assert "from a trial: not saved yet" in page
    assert (
        place.queue.name in client.get(then).content.decode()
        and f"?queue={place.queue.pk}&amp;trial=" in client.get(then).content.decode()
    )
    assert post("own-order", place.queue.pk, act="try", **order, try_day="2020-01-01").json()["code"] == "too_little"
    assert post("drop-order", place.queue.pk, act="try").json()["code"] == "same"
    assert "Try on yesterday" in client.get(reverse("board:ask")).content.decode()
