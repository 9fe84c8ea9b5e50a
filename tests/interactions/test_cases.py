"""Cases, tasks, drafts, links: changed by several people, with undo."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from customers import actions as customers
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.models import AuditEntry, Event
from interactions.actions import cases, drafts, talk
from interactions.models import Case, CaseLink, Draft, Interaction, Task
from tests.interactions.test_talk import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def case(chat):
    return cases.register_case(
        actor=chat.alice,
        profile=chat.talk.profile,
        interaction=chat.talk,
        subject="Dents",
        kind="complaint",
        priority=3,
    )


def kinds(profile) -> list[str]:
    return list(
        Event.objects.filter(profile_id=profile.pk, kind__startswith="case")
        .order_by("pk")
        .values_list("kind", flat=True)
    )


# --- Cases ---


def test_register_links_the_session_and_tells_the_timeline(chat, case):
    assert (case.owner, case.opened_by, case.status, case.number) == (chat.alice, chat.alice, "open", f"CS-{case.pk}")
    assert case.links.get().interaction == chat.talk
    assert kinds(chat.talk.profile) == ["case.opened"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"subject": " "}, "subject"),
        ({"subject": "x" * 201}, "subject"),
        ({"subject": "x", "kind": ""}, "kind"),
        ({"subject": "x", "kind": "wish"}, "kind"),
        ({"subject": "x", "status": "gone"}, "status"),
        ({"subject": "x", "priority": 9}, "priority"),
        ({"subject": "x", "resolved_at": None}, "resolved_at"),
    ],
)
def test_what_a_case_cannot_be(chat, fields, wrong):
    with pytest.raises(Invalid) as refused:
        cases.register_case(actor=chat.alice, profile=None, **fields)
    assert refused.value.detail["field"] == wrong
    assert not Case.objects.exists() and not Event.objects.filter(kind="case.opened").exists()


def test_change_is_written_once_with_its_fields(chat, case):
    changed = cases.change_case(case_id=case.pk, version=0, actor=chat.bob, priority=4, subject="Dents on the door")
    assert changed.version == 1
    assert cases.change_case(case_id=case.pk, version=1, actor=chat.bob, priority=4).version == 1, "nothing changed"
    assert AuditEntry.objects.get(act="case.change").detail == {"fields": ["priority", "subject"]}
    assert kinds(chat.talk.profile) == ["case.opened", "case.changed"]


def test_of_two_who_change_at_once_one_is_told(chat, case):
    acts = [
        partial(cases.change_case, case_id=case.pk, version=0, actor=u, priority=p)
        for u, p in ((chat.alice, 1), (chat.bob, 4))
    ]
    results = together(acts)
    assert sorted(type(r).__name__ for r in results) == ["Case", "Conflict"]
    assert next(r for r in results if isinstance(r, Conflict)).code == "stale"
    assert Case.objects.get().version == 1


def test_solving_and_reopening(chat, case):
    change = partial(cases.change_case, case_id=case.pk, version=None, actor=chat.alice)
    assert change(status="waiting").resolved_at is None
    solved = change(status="solved").resolved_at
    assert solved is not None
    assert change(status="closed").resolved_at == solved, "solved when it was solved"
    assert change(status="open").resolved_at is None
    done = cases.register_case(actor=chat.alice, profile=None, subject="Said at once", status="solved")
    assert done.resolved_at is not None


def test_links_are_made_and_undone(chat, case):
    for _ in range(2):
        cases.link_case(case=case, interaction=chat.talk, actor=chat.bob)
    assert CaseLink.objects.count() == 1 and not AuditEntry.objects.filter(act="case.link").exists()
    for _ in range(2):
        cases.unlink_case(case=case, interaction=chat.talk, actor=chat.bob)
    cases.link_case(case=case, interaction=chat.talk, actor=chat.bob)
    assert list(AuditEntry.objects.order_by("pk").values_list("act", flat=True)) == ["case.unlink", "case.link"]


def test_a_session_is_put_on_a_card_and_back(chat):
    other = customers.create_profile(source="webchat")
    own = chat.talk.profile
    before = cases.link_customer(interaction_id=chat.talk.pk, profile=other, actor=chat.alice)
    assert (before, Interaction.objects.get(pk=chat.talk.pk).profile) == (own.pk, other)
    assert cases.link_customer(interaction_id=chat.talk.pk, profile=None, actor=chat.alice) == other.pk
    cases.link_customer(interaction_id=chat.talk.pk, profile=own, actor=chat.alice)
    assert Interaction.objects.get(pk=chat.talk.pk).profile == own
    assert AuditEntry.objects.filter(act="interaction.link").count() == 3


def test_a_linked_session_is_on_the_timeline_and_the_next_one_on_the_same_card(chat):
    def told(profile) -> list[bool]:
        facts = Event.objects.filter(profile_id=profile.pk, kind="interaction.linked").order_by("pk")
        return [fact.payload["linked"] for fact in facts]

    def next_session() -> Interaction:
        talk.close_interaction(interaction_id=Interaction.objects.latest("pk").pk, reason="finished")
        chat.talk.thread.refresh_from_db()
        return talk.open_interaction(thread=chat.talk.thread)[0]

    own, other = chat.talk.profile, customers.create_profile(source="webchat")
    for _ in range(2):
        cases.link_customer(interaction_id=chat.talk.pk, profile=other, actor=chat.alice)
    assert (told(own), told(other)) == ([False], [True])
    second = next_session()
    assert second.profile == other
    # An old session tells nothing of who writes now.
    cases.link_customer(interaction_id=chat.talk.pk, profile=own, actor=chat.alice)
    third = next_session()
    assert third.profile == other
    # The undo of a link is a link back.
    before = cases.link_customer(interaction_id=third.pk, profile=own, actor=chat.alice)
    assert next_session().profile == own and before == other.pk
    assert (told(own), told(other)) == ([False, True, True], [True, False, False])


# --- Tasks ---


def test_a_task_needs_words_and_somebody(chat):
    with pytest.raises(Invalid):
        cases.create_task(title=" ", actor=chat.alice, assignee=chat.bob)
    with pytest.raises(Invalid):
        cases.create_task(title="Call him", actor=chat.alice)
    task = cases.create_task(title="x" * 300, actor=chat.alice, assignee=chat.bob)
    assert len(task.title) == 200


def test_of_a_teams_task_one_takes_it(chat):
    task = cases.create_task(title="Call him", actor=chat.alice, team=chat.alice.team)
    results = together([partial(cases.take_task, task_id=task.pk, actor=user) for user in (chat.alice, chat.bob)])
    assert sorted(type(r).__name__ for r in results) == ["Conflict", "Task"]
    winner = Task.objects.get().assignee
    assert cases.take_task(task_id=task.pk, actor=winner).assignee == winner


def test_done_once_and_undone(chat):
    task = cases.create_task(title="Call him", actor=chat.alice, assignee=chat.bob, profile=chat.talk.profile)
    first = cases.finish_task(task_id=task.pk, actor=chat.bob)
    again = cases.finish_task(task_id=task.pk, actor=chat.alice)
    assert (again.done_at, again.done_by) == (first.done_at, chat.bob)
    assert Event.objects.filter(kind="task.done").count() == 1
    assert cases.reopen_task(task_id=task.pk, actor=chat.bob).done_at is None


def test_mine_and_my_teams(chat):
    mine = cases.create_task(title="mine", assignee=chat.alice)
    ours = cases.create_task(title="ours", team=chat.alice.team)
    cases.create_task(title="his", assignee=chat.bob, team=chat.alice.team)
    late = cases.create_task(title="late", assignee=chat.alice, due_at=timezone.now() - timedelta(minutes=1))
    assert set(Task.objects.open().for_user(chat.alice)) == {mine, ours, late}
    assert list(Task.objects.overdue()) == [late]
    chat.alice.team = None
    assert set(Task.objects.for_user(chat.alice)) == {mine, late}


# --- Drafts ---


def test_a_draft_is_one_per_person_and_session(chat):
    save = partial(drafts.save_draft, interaction=chat.talk, actor=chat.alice)
    together([partial(save, text=f"draft {n}", is_note=False) for n in range(6)])
    assert Draft.objects.count() == 1
    drafts.save_draft(interaction=chat.talk, actor=chat.bob, text="x" * 9000, is_note=True)
    assert len(Draft.objects.get(user=chat.bob).text) == 8000
    save(text="", is_note=False)
    assert [d.user for d in Draft.objects.all()] == [chat.bob]
