"""The form of a wrap-up: outcome, topic, the case that the contact was about, and the task that follows."""

import uuid
from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cxcenter.accounts.middleware import zone_of
from interactions.actions import cases
from interactions.choices import TaskKind
from interactions.models import CaseLink, Interaction, Task
from routing.actions import legs, offers
from routing.models import Assignment
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(client):
    team = world.make_team()
    client.alice = world.make_user("alice", team=team)
    queue = world.make_queue(members=(client.alice,), team=team, wrapup_s=60)
    world.on_duty(client.alice)
    client.talk = world.open_chat(world.make_site(queue))
    offers.accept_offer(leg_id=Assignment.objects.get(interaction=client.talk).pk, actor=client.alice)
    client.talk.refresh_from_db()
    client.case = cases.register_case(subject="The heater leaks", profile=client.talk.profile, actor=client.alice)
    legs.finish(interaction_id=client.talk.pk, actor=client.alice)
    client.force_login(client.alice)
    return client


def save(desk, **said):
    return desk.post(f"/desk/s/{desk.talk.pk}/wrap-up/", said)


def page_of(desk) -> str:
    return desk.get(f"/desk/s/{desk.talk.pk}/").content.decode()


def test_a_contact_is_kept_with_its_case_and_what_follows(desk):
    page = page_of(desk)
    assert f'<option value="{desk.case.pk}" >{desk.case.number} · The heater leaks</option>' in page
    for kind in ("callback", "write", "todo"):
        assert f'<option value="{kind}">' in page
    said = {"case": desk.case.pk, "next": "callback", "due_at": "2031-05-06T10:30", "note": "Ask about the valve"}
    assert save(desk, **said).status_code == 200
    assert CaseLink.objects.filter(case=desk.case, interaction=desk.talk, linked_by=desk.alice).count() == 1
    task = Task.objects.get()
    assert (task.title, task.kind, task.assignee, task.case) == (
        "Ask about the valve",
        TaskKind.CALLBACK,
        desk.alice,
        desk.case,
    )
    assert (task.profile, task.interaction) == (desk.talk.profile, desk.talk)
    # The time of who reads it.
    assert task.due_at == datetime(2031, 5, 6, 10, 30, tzinfo=zone_of(desk.alice.zone))
    assert Interaction.objects.get(pk=desk.talk.pk).wrap_note == "Ask about the valve"
    assert Assignment.objects.get(interaction=desk.talk).leg == "ended"


def test_a_case_that_it_is_attached_to_is_chosen_already(desk):
    world_case = cases.register_case(subject="Another one", profile=desk.talk.profile, actor=desk.alice)
    cases.link_case(case=desk.case, interaction=desk.talk, actor=desk.alice)
    page = page_of(desk)
    assert f'<option value="{desk.case.pk}" selected>' in page and f'<option value="{world_case.pk}" >' in page


def test_sent_twice_under_its_key_it_sets_one_task(desk):
    key = str(uuid.uuid4())
    for _again in range(2):
        assert save(desk, next="write", key=key).json() == {"session": desk.talk.pk}
    assert [task.title for task in Task.objects.all()] == ["Write to the customer"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"next": "dance"}, "next"),
        ({"next": "voicemail"}, "next"),
        ({"next": "todo"}, "note"),
        ({"due_at": "2031-05-06T10:30"}, "next"),
        ({"next": "callback", "due_at": "tomorrow"}, "due_at"),
        ({"case": "x"}, "case"),
    ],
)
def test_what_cannot_be_set_is_refused_and_nothing_is_kept(desk, said, field):
    answer = save(desk, note=said.pop("note", ""), **said)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert not Task.objects.exists() and not CaseLink.objects.exists()
    assert Assignment.objects.get(interaction=desk.talk).leg == "wrapup"


def test_without_a_next_step_nothing_is_set(desk):
    assert save(desk, note="All is well").status_code == 200
    assert not Task.objects.exists() and not CaseLink.objects.exists()


def test_the_form_shows_the_newest_cases_and_asks_no_more_for_them(desk, django_assert_max_num_queries):
    page_of(desk)
    with CaptureQueriesContext(connection) as few:
        page_of(desk)
    for place in range(60):
        cases.register_case(subject=f"Case {place}", profile=desk.talk.profile, actor=desk.alice)
    with django_assert_max_num_queries(len(few)):
        page = page_of(desk)
    assert page.count("· Case ") == 50
