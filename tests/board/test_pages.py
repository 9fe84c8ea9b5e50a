"""Pages of the board: who may see them, and what they show."""

import html
import json
import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from cxcenter.accounts.middleware import zone_of
from cxcenter.core.models import AuditEntry
from routing import skills
from routing.actions import offers, presence
from routing.models import (
    Alert,
    Assignment,
    OperatorSkill,
    Presence,
    QueueMember,
    Requirement,
    RequirementStep,
    Skill,
    WorkItem,
)
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)
PAGES = ("now", "queues", "operators", "alerts", "contacts", "numbers")


@pytest.fixture
def place():
    cache.clear()
    team = world.make_team()
    boss = world.make_user("marina", role="supervisor", team=team)
    alice = world.make_user("alice", team=team)
    queue = world.make_queue(members=(alice,), team=team)
    world.on_duty(alice)
    talk = world.open_chat(world.make_site(queue), text="Where is my car?")
    return boss, alice, queue, talk


def embedded(page) -> list[dict]:
    return json.loads(re.search(r'<script id="numbers" type="application/json">(.*?)</script>', page).group(1))


@pytest.mark.parametrize("name", PAGES)
def test_a_supervisor_sees_every_page(client, place, name):
    client.force_login(place[0])
    assert client.get(reverse(f"board:{name}")).status_code == 200


@pytest.mark.parametrize("role", ["operator", "senior", "quality", "marketer", "integrator"])
@pytest.mark.parametrize("name", PAGES)
def test_others_learn_which_right_is_needed(client, place, name, role):
    client.force_login(world.make_user("somebody", role=role, team=place[2].team))
    answer = client.get(reverse(f"board:{name}"))
    assert answer.status_code == 403
    assert "see the live board" in answer.content.decode()


@pytest.mark.parametrize("name", PAGES)
def test_strangers_sign_in_first(client, place, name):
    assert client.get(reverse(f"board:{name}")).url.startswith(reverse("sign-in"))


def test_the_page_holds_the_numbers_of_own_teams_alone(client, place):
    boss, alice, queue, _talk = place
    stranger = world.make_user("oleg", role="supervisor", team=world.make_team("Sales"))
    client.force_login(boss)
    (mine,) = embedded(client.get(reverse("board:now")).content.decode())
    assert [q["id"] for q in mine["queues"]] == [queue.pk]
    assert [o["id"] for o in mine["operators"]] == [alice.pk]
    client.force_login(stranger)
    page = client.get(reverse("board:now")).content.decode()
    (theirs,) = embedded(page)
    assert (theirs["queues"], theirs["operators"], theirs["alerts"]) == ([], [], [])
    assert "Alice" not in page and "Warranty" not in page
    (again,) = client.get(reverse("board:numbers")).json()["teams"]
    assert {**again, "at": 0} == {**theirs, "at": 0}


def test_an_administrator_sees_all_teams(client, place):
    world.make_team("Sales")
    client.force_login(world.make_user("root", role="admin"))
    assert [team["name"] for team in embedded(client.get(reverse("board:now")).content.decode())] == [
        "Sales",
        "Support",
    ]


def test_a_name_that_is_a_script_is_a_name(client, place):
    boss, alice, queue, _talk = place
    alice.first_name = "</script><script>alert(1)</script>"
    alice.save()
    queue.name = "<img src=x onerror=alert(1)>"
    queue.save()
    client.force_login(boss)
    for name in ("now", "queues", "operators", "contacts"):
        page = client.get(reverse(f"board:{name}"), {"state": "entered"}).content.decode()
        assert "<script>alert" not in page and "<img src=x" not in page
    (mine,) = embedded(client.get(reverse("board:now")).content.decode())
    assert mine["operators"][0]["name"] == alice.first_name


def test_anomalies_are_listed_in_words_with_the_contacts_behind_them(client, place):
    boss, alice, queue, talk = place
    rise = {"count": 60, "usual": 20.0, "at_most": 40, "day": "2026-11-30", "slot": 41, "begin": 1796022900.0}
    topic = {**rise, "topic": 7, "name": "Delivery", "name_ru": "Доставка"}
    about = {"team": queue.team, "queue": queue}
    Alert.objects.create(kind="arrivals", subject=f"queue:{queue.pk}", args=rise, **about)
    Alert.objects.create(kind="waits", subject=f"queue:{queue.pk}", args=rise, ended_at=timezone.now(), **about)
    Alert.objects.create(kind="topic", subject="topic:7", args=topic, team=queue.team)
    item, limit = talk.visits.get(), {"begin": 1796022900.0, "limit_s": 1500}
    Alert.objects.create(kind="stuck", subject="leg:1", args=limit, user=alice, item=item, **about)
    client.force_login(boss)
    page = html.unescape(client.get(reverse("board:alerts")).content.decode())
    contacts = reverse("board:contacts")
    assert "60 came 10:15–10:30; usual 20.0, at most 40" in page
    assert f"{contacts}?state=entered&day=2026-11-30&slot=41&queue={queue.pk}" in page
    assert "60 of those who came 10:15–10:30 waited too long" in page
    assert f"{contacts}?state=overdue&day=2026-11-30&slot=41&queue={queue.pk}" in page
    assert "Delivery: 60 came" in page and f"&team={queue.team_id}&topic=7" in page
    assert "Alice: in one contact for longer than 25 min" in page
    assert page.count("goes on") == 3
    # On the board stands what goes on and was not seen.
    (mine,) = embedded(client.get(reverse("board:now")).content.decode())
    assert sorted(one["kind"] for one in mine["alerts"]) == ["arrivals", "stuck", "topic"]
    Alert.objects.update(seen_at=timezone.now())
    cache.clear()
    (mine,) = embedded(client.get(reverse("board:now")).content.decode())
    assert mine["alerts"] == []


# --- One session -----------------------------------------------------------------------------------


def test_a_session_is_shown_with_its_acts_and_noted(client, place):
    boss, alice, _queue, talk = place
    offers.accept_offer(leg_id=Assignment.objects.get().pk, actor=alice)
    client.force_login(boss)
    page = client.get(reverse("board:session", args=[talk.pk])).content.decode()
    assert "with Alice" in page and reverse("desk:history", args=[talk.pk]) in page
    for name in ("move", "take-over", "whisper"):
        assert reverse(f"board:{name}", args=[talk.pk]) in page
    assert AuditEntry.objects.get(act="interaction.read").subject == f"interaction:{talk.pk}"
    log = client.get(reverse("desk:history", args=[talk.pk])).content.decode()
    assert "Where is my car?" in log


def test_a_waiting_session_offers_its_priority(client, place):
    boss, _alice, _queue, talk = place
    client.force_login(boss)
    assert (
        reverse("board:priority", args=[talk.pk])
        in client.get(reverse("board:session", args=[talk.pk])).content.decode()
    )


def table_of(page: str) -> list[list[str]]:
    """Return the cells of the rows of the tables of a page."""
    rows = re.findall(r"<tr ?[^>]*>(?!<th)(.*?)</tr>", page, re.DOTALL)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in rows]
    return [[" ".join(html.unescape(re.sub(r"<[^>]+>", "", cell)).split()) for cell in row] for row in cells]


def test_the_panel_tells_why_this_one_and_why_nobody(client, place):
    """Offered: the chosen one, who lacked a skill, who was full. While it waits: who lacks what until when."""
    boss, alice, queue, talk = place
    offers.decline_offer(leg_id=Assignment.objects.get().pk, actor=alice)
    russian = Skill.objects.create(name="Russian")
    rule = Requirement.objects.create(skill=russian, level=3, queue=queue)
    RequirementStep.objects.create(requirement=rule, after_s=600, level=1)
    WorkItem.objects.update(path=skills.path_for(queue=queue))
    bob, carol = (world.make_user(name, team=queue.team) for name in ("bob", "carol"))
    for user, level, capacity in ((bob, 2, 4), (carol, 5, 0)):
        QueueMember.objects.create(queue=queue, user=user)
        OperatorSkill.objects.create(user=user, skill=russian, level=level)
        Presence.objects.update_or_create(user=user, defaults={"capacity": capacity})
        presence.set_mode(user=user, mode="available", actor=user)
    presence.set_mode(user=alice, mode="pause", actor=alice)
    Assignment.objects.update(ended_at=timezone.now() - timedelta(days=1))
    client.force_login(boss)
    address = reverse("board:session-why", args=[talk.pk])
    waits_since = WorkItem.objects.get().waits_since
    at = date_format(timezone.localtime(waits_since + timedelta(minutes=10), zone_of(boss.zone)), "H:i:s")
    page = client.get(address).content.decode()
    assert f"from {at}: Russian ≥ 1" in html.unescape(page)
    said = {row[0]: row[1:4] for row in table_of(page)}
    assert said["Bob"] == ["lacks Russian ≥ 3", at, "0/4"]
    assert said["Carol"] == ["full", "–", "0/0"]
    assert said["Alice"][0] in {"Pause", "chosen"}

    OperatorSkill.objects.create(user=alice, skill=russian, level=4)
    presence.set_mode(user=alice, mode="available", actor=alice)
    page = client.get(address).content.decode()
    assert "why nobody takes it" not in page
    newest = table_of(page.split("</section>")[0])
    assert [row[:4] for row in newest] == [
        ["Alice", "chosen", "4", "0/4"],
        ["Carol", "full", "5", "0/0"],
        ["Bob", "lacks a skill", "2", "0/4"],
    ]


@pytest.mark.parametrize("name", ["session", "session-head"])
def test_a_session_of_another_team_does_not_exist(client, place, name):
    stranger = world.make_user("oleg", role="supervisor", team=world.make_team("Sales"))
    for user, status in ((stranger, 404), (place[1], 403)):
        client.force_login(user)
        assert client.get(reverse(f"board:{name}", args=[place[3].pk])).status_code == status
    assert not AuditEntry.objects.filter(act="interaction.read").exists()
