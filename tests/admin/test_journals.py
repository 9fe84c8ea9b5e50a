"""Pages that are only read, and the acts on their rows."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from customers import actions
from customers.models import Customer, Identity, Merge, Profile
from cxcenter.accounts.models import User
from cxcenter.core.models import AuditEntry, Outbox, WebhookDelivery, WebhookSubscription
from interactions.models import Block, Case, Interaction, Site, Task, Thread, Topic
from routing.actions import offers
from routing.choices import Mode
from routing.models import Assignment, Callback, Presence, Queue, WorkItem
from tests import world
from tests.admin.pages import MODELS, act, address, save

pytestmark = pytest.mark.django_db


READ_ONLY = [
    model for model in MODELS
    if model._meta.label in {
        "interactions.Interaction", "interactions.Message", "routing.WorkItem", "routing.Assignment",
        "routing.PresenceInterval", "routing.Presence", "core.Event", "core.AuditEntry", "core.Outbox",
        "core.WebhookDelivery", "interactions.Block", "admin.LogEntry", "customers.Customer", "quality.Survey",
        "interactions.Case", "interactions.Task", "routing.Callback", "customers.Profile", "customers.Identity",
    }
]  # fmt: skip


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model._meta.label)
def test_journals_are_only_read(page, model):
    assert page.get(address(model, "add")).status_code == 403
    row = model.objects.first()
    if row is None:
        return
    assert page.post(address(model, "change", row.pk), {}).status_code == 403
    assert page.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


def test_who_opens_a_card_here_is_kept(page, boss):
    def looks() -> list[tuple]:
        return list(AuditEntry.objects.filter(act="customer.view", actor=boss).values_list("subject", flat=True))

    AuditEntry.objects.filter(actor=boss).delete()
    customer = Customer.objects.filter(profiles__records__isnull=False).first()
    profile = customer.profiles.filter(records__isnull=False).first()
    for row in (customer, profile, profile.records.first()):
        page.get(address(type(row), "changelist"))
        assert looks() == []
        for _ in range(2):
            assert page.get(address(type(row), "change", row.pk)).status_code == 200
        assert looks() == [f"customer:{customer.pk}"], row
        AuditEntry.objects.filter(actor=boss).delete()


def test_callbacks_are_listed_with_what_became_of_them(page, django_assert_max_num_queries):
    queue, channel = Queue.objects.get(name="Warranty"), Site.objects.get(key="demo").channel

    def callback(number: int, **fields) -> Callback:
        phone = Identity.objects.create(kind="phone", value=f"+7900777{number:04}")
        thread = Thread.objects.create(channel=channel, identity=phone, profile=Profile.objects.first())
        return Callback.objects.create(thread=thread, queue=queue, name=f"Anna {number}", **fields)

    done = callback(1, state="ended", result="no_answer", attempts=3, ended_by=User.objects.get(username="operator1"))
    for number in range(2, 30):
        callback(number)
    with django_assert_max_num_queries(20):
        shown = page.get(address(Callback, "changelist")).content.decode()
    assert "Anna 1 •••• 01" in shown and "nobody answered" in shown and "planned" in shown
    assert "+79007770001" not in shown
    found = page.get(address(Callback, "changelist"), {"q": f"CB-{done.pk}"}).context["cl"].result_list
    assert [row.pk for row in found] == [done.pk]
    assert page.get(address(Callback, "change", done.pk)).status_code == 200
    assert page.post(address(Callback, "change", done.pk), {}).status_code == 403


def test_numbers_lead_to_rows(page):
    session = Interaction.objects.first()
    answer = page.get(address(Interaction, "changelist"), {"q": f"S-{session.pk}"})
    assert [row.pk for row in answer.context["cl"].result_list] == [session.pk]
    case = Case.objects.first()
    answer = page.get(address(Case, "changelist"), {"q": case.number})
    assert [row.pk for row in answer.context["cl"].result_list] == [case.pk]


@pytest.fixture
def chat(django_capture_on_commit_callbacks):
    """Open a chat on the demo site while operator1 alone is on duty; returns (session, his leg)."""
    operator = User.objects.get(username="operator1")
    Presence.objects.filter(user=operator).update(mode=Mode.AVAILABLE, state="available")

    def begin() -> tuple[Interaction, Assignment]:
        with django_capture_on_commit_callbacks(execute=True):
            session = world.open_chat(Site.objects.get(key="demo"))
        return session, Assignment.objects.get(interaction=session)

    return begin


def test_acts_on_rows_are_the_acts(page, boss, chat):
    session, leg = chat()
    act(page, WorkItem, "raise_priority", leg.item)
    assert WorkItem.objects.get(pk=leg.item_id).priority == leg.item.priority + 1
    act(page, Interaction, "close", session)
    session.refresh_from_db()
    assert (session.close_reason, session.messages.last().user) == ("finished", boss)
    spam, _leg = chat()
    act(page, Interaction, "mark_spam", spam)
    spam.refresh_from_db()
    assert spam.close_reason == "spam"


def test_contact_is_given_back(page, boss, chat):
    session, leg = chat()
    offers.accept_offer(leg_id=leg.pk, actor=leg.operator)
    act(page, Assignment, "give_back", leg)
    assert Assignment.objects.get(pk=leg.pk).end == "transferred"
    assert WorkItem.objects.get(interaction=session, visit="waiting").sent_by == boss
    assert AuditEntry.objects.filter(act="interaction.move", subject=f"interaction:{session.pk}").exists()


def test_operator_is_signed_off(page, chat):
    session, leg = chat()
    offers.accept_offer(leg_id=leg.pk, actor=leg.operator)
    act(page, Presence, "sign_off", leg.operator.presence)
    assert Presence.objects.get(user=leg.operator).mode == Mode.OFFLINE
    assert Assignment.objects.get(pk=leg.pk).end == "returned"
    assert WorkItem.objects.filter(interaction=session, visit="waiting").count() == 1


def test_an_act_that_fails_says_why(page, boss):
    answer = act(page, User, "switch_off", boss)
    assert "You cannot switch yourself off." in answer.content.decode()


def test_blocks_are_lifted_and_tasks_done(page, boss):
    identity = Identity.objects.first()
    block = Block.objects.create(identity=identity, until=timezone.now() + timedelta(days=1))
    act(page, Block, "lift", block)
    assert Block.objects.get(pk=block.pk).lifted_at is not None
    task = Task.objects.open().first()
    act(page, Task, "finish", task)
    assert Task.objects.get(pk=task.pk).done_by == boss
    act(page, Task, "reopen", task)
    assert Task.objects.get(pk=task.pk).done_at is None
    case = Case.objects.open().first()
    act(page, Case, "close", case)
    assert Case.objects.get(pk=case.pk).status == "closed"


def test_a_merge_is_undone_once(page, boss):
    one, other = (actions.create_profile(source="shop", fields={"name": name}).customer for name in ("Anna", "Boris"))
    (made,) = actions.merge_customers(survivor=one.pk, others=[other.pk])
    act(page, Merge, "undo", made)
    made.refresh_from_db()
    assert made.undone_by == boss
    assert AuditEntry.objects.filter(act="customer.unmerge", actor=boss, subject=f"customer:{one.pk}").count() == 1
    assert "This merge was undone already." in act(page, Merge, "undo", made).content.decode()


def test_webhooks_are_made_changed_and_sent_again(page, boss, settings):
    settings.WEBHOOK_ALLOWED_HOSTS = ["localhost"]
    save(page, WebhookSubscription, name="CRM", url="http://localhost:9/in", topics=["case.opened"], active="on")
    made = WebhookSubscription.objects.get(name="CRM")
    assert made.secret
    assert made.created_by == boss
    save(page, WebhookSubscription, made, name="CRM 2", topics=["case.opened", "task.created"])
    made.refresh_from_db()
    assert (made.name, made.topics) == ("CRM 2", ["case.opened", "task.created"])
    answer = save(page, WebhookSubscription, name="Inside", url="http://127.0.0.1/", active="on")
    assert "url" in answer.context["adminform"].form.errors
    delivery = WebhookDelivery.objects.create(
        subscription=made, topic="case.opened", key="1", body={}, state="failed", tries=10
    )
    act(page, WebhookDelivery, "redeliver", delivery)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("pending", 0)
    entry = Outbox.objects.create(topic="case.opened", claimed_until=timezone.now() + timedelta(days=1), tries=12)
    act(page, Outbox, "retry", entry)
    entry.refresh_from_db()
    assert entry.tries == 0
    assert entry.claimed_until <= timezone.now()


def test_changes_are_kept_in_the_history(page, boss):
    save(page, Topic, name="Recall", name_ru="Отзыв")
    topic = Topic.objects.get(name="Recall")
    save(page, Topic, topic, name_ru="Отзывная кампания")
    entries = LogEntry.objects.filter(object_id=str(topic.pk), content_type__model="topic")
    assert [entry.user for entry in entries] == [boss, boss]
    assert "Recall" in page.get(address(LogEntry, "changelist")).content.decode()
    assert "Recall" in page.get("/admin/").content.decode()
