"""The desk's pages from outside: who gets what, how many queries, what a script in a text does."""

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from customers.models import Identity
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Role
from cxcenter.core.models import AuditEntry
from cxcenter.desk import card, rows
from cxcenter.desk.golden import SHORT
from interactions.actions import cases
from interactions.models import Block, Case, Draft, Interaction, Message, Task, Thread
from routing.actions import offers
from routing.models import Assignment, QueueMember
from tests import world

pytestmark = pytest.mark.django_db

SCRIPT = '<script>alert("x")</script><img src=x onerror=alert(1)>'


@pytest.fixture
def place(django_capture_on_commit_callbacks):
    team = world.make_team()
    alice, bob = world.make_user("alice", team=team), world.make_user("bob", team=team)
    queue = world.make_queue(members=(alice, bob), team=team, wrapup_s=60)
    site = world.make_site(queue)
    world.on_duty(alice)
    return alice, bob, queue, site


def chat_of(place, capture, text="Where is my car?") -> Interaction:
    """Open a chat that alice holds."""
    alice, _bob, _queue, site = place
    with capture(execute=True):
        chat = world.open_chat(site, text)
    with capture(execute=True):
        offers.accept_offer(leg_id=Assignment.objects.get(interaction=chat, leg="offered").pk, actor=alice)
    return chat


def signed_in(user, **options) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


@pytest.fixture
def chat(place, django_capture_on_commit_callbacks):
    return chat_of(place, django_capture_on_commit_callbacks)


def test_the_owner_writes_once_however_often_he_sends(place, chat):
    client, key = signed_in(place[0]), str(uuid.uuid4())
    answers = [client.post(reverse("desk:send", args=[chat.pk]), {"text": "On Friday", "key": key}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Message.objects.filter(interaction=chat, author="staff").count() == 1


def test_a_colleague_writes_notes_but_no_replies(place, chat):
    client = signed_in(place[1])
    refused = client.post(reverse("desk:send", args=[chat.pk]), {"text": "Me too", "key": str(uuid.uuid4())})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_owner")
    note = client.post(
        reverse("desk:send", args=[chat.pk]), {"text": "Ask the dealer", "key": str(uuid.uuid4()), "note": "1"}
    )
    assert note.status_code == 200
    stored = Message.objects.get(text="Ask the dealer")
    assert (stored.audience, stored.customer_changed) == ("staff", 0)


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.OPERATOR, 404), (Role.SENIOR, 404), (Role.SUPERVISOR, 404), (Role.QUALITY, 200), (Role.MARKETER, 404)],
)
def test_a_stranger_finds_no_session(place, chat, role, status):
    stranger = world.make_user("charlie", role=role, team=world.make_team("Sales"))
    client = signed_in(stranger)
    for name in ("session", "side", "history"):
        assert client.get(reverse(f"desk:{name}", args=[chat.pk])).status_code == status, name
    changes = client.get(reverse("desk:changes"), {"threads": f"{chat.thread_id}:0"}).json()["threads"]
    assert bool(changes) == (status == 200)


def test_a_person_gets_a_page_and_a_script_gets_json(place, chat):
    client = signed_in(world.make_user("charlie", team=world.make_team("Sales")))
    address = reverse("desk:session", args=[chat.pk])
    page = client.get(address, headers={"Accept": "text/html,*/*"})
    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
    part = client.get(address, headers={"Accept": "text/html,*/*", "HX-Request": "true"})
    assert part.json()["code"] == "not_found"


def test_an_integrator_and_nobody_are_shown_the_door(place, chat):
    integrator = world.make_user("robot", role=Role.INTEGRATOR)
    assert signed_in(integrator).get(reverse("desk:desk")).status_code == 403
    assert Client().get(reverse("desk:desk")).status_code == 302


def test_writing_needs_the_csrf_token(place, chat):
    client = signed_in(place[0], enforce_csrf_checks=True)
    answer = client.post(reverse("desk:send", args=[chat.pk]), {"text": "x", "key": str(uuid.uuid4())})
    assert answer.status_code == 403
    assert not Message.objects.filter(interaction=chat, author="staff").exists()


def test_texts_are_shown_not_run(place, django_capture_on_commit_callbacks):
    chat = chat_of(place, django_capture_on_commit_callbacks, text=SCRIPT)
    alice = place[0]
    Interaction.objects.filter(pk=chat.pk).update(says={"name": SCRIPT, "contact": SCRIPT}, subject=SCRIPT)
    chat.thread.page = {"title": SCRIPT, "url": "javascript:alert(1)"}
    chat.thread.save(update_fields=["page"])
    client = signed_in(alice)
    client.post(reverse("desk:draft", args=[chat.pk]), {"text": "</textarea>" + SCRIPT})
    client.post(
        reverse("desk:register-case"), {"subject": SCRIPT, "text": SCRIPT, "kind": "question", "session": chat.pk}
    )
    client.post(reverse("desk:create-task"), {"title": SCRIPT, "text": SCRIPT, "session": chat.pk})
    pages = [
        reverse("desk:session", args=[chat.pk]),
        reverse("desk:section", args=[chat.pk, "cases"]),
        reverse("desk:section", args=[chat.pk, "tasks"]),
        reverse("desk:customer", args=[chat.profile.customer_id]),
        reverse("desk:case", args=[Case.objects.get().pk]),
        reverse("desk:tasks"),
        reverse("desk:rows") + "?show=all",
        reverse("desk:parts"),
    ]
    for page in pages:
        html = client.get(page).content.decode()
        assert "<script>alert" not in html, page
        assert "<img src=x" not in html, page
        assert 'href="javascript:' not in html, page
    gap = client.get(reverse("desk:changes"), {"threads": f"{chat.thread_id}:0"}).json()
    assert all("<script>" not in m["html"] for m in gap["threads"][str(chat.thread_id)]["messages"])


def test_the_gap_check_answers_what_changed(place, chat):
    client = signed_in(place[0])
    before = client.get(reverse("desk:changes"), {"threads": f"{chat.thread_id}:0"}).json()["threads"]
    known = before[str(chat.thread_id)]["changed"]
    sent = world.say(chat, "Are you there?")
    found = client.get(reverse("desk:changes"), {"threads": f"{chat.thread_id}:{known}"}).json()["threads"]
    assert [m["id"] for m in found[str(chat.thread_id)]["messages"]] == [sent.pk]
    assert found[str(chat.thread_id)]["changed"] == known + 1


@pytest.mark.parametrize("page", ["session", "parts", "rows", "customers", "customer", "cases", "tasks", "changes"])
def test_queries_do_not_grow_with_the_data(place, django_capture_on_commit_callbacks, page):
    alice = place[0]
    chat = chat_of(place, django_capture_on_commit_callbacks)
    client = signed_in(alice)
    addresses = {
        "session": reverse("desk:session", args=[chat.pk]),
        "parts": reverse("desk:parts"),
        "rows": reverse("desk:rows") + "?show=all",
        "customers": reverse("desk:customers"),
        "customer": reverse("desk:customer", args=[chat.profile.customer_id]),
        "cases": reverse("desk:cases") + "?show=all",
        "tasks": reverse("desk:tasks"),
        "changes": reverse("desk:changes") + f"?threads={chat.thread_id}:0",
    }

    def grow() -> None:
        chat_of(place, django_capture_on_commit_callbacks)
        for number in range(4):
            world.say(chat, f"and {number}")
            world.reply(chat, alice, f"yes {number}")
            case = cases.register_case(actor=alice, profile=chat.profile, subject=f"Case {number}")
            cases.create_task(title="Call", actor=alice, assignee=alice, profile=chat.profile, case=case)

    def count() -> int:
        client.get(addresses[page])
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert client.get(addresses[page]).status_code == 200
        return len(caught)

    grow()
    few = count()
    grow()
    grow()
    assert count() == few
    assert few <= 45


def test_acts_of_the_level_three(place, chat):
    alice, client = place[0], signed_in(place[0])
    assert client.post(reverse("desk:draft", args=[chat.pk]), {"text": "half"}).status_code == 204
    assert Draft.objects.get().text == "half"
    case = client.post(
        reverse("desk:register-case"), {"subject": "Late repair", "kind": "complaint", "session": chat.pk}
    )
    pk = case.json()["case"]
    assert Case.objects.get(pk=pk).links.count() == 1
    stale = {"status": "solved", "version": "7"}
    assert client.post(reverse("desk:change-case", args=[pk]), stale).json()["code"] == "stale"
    assert client.post(reverse("desk:change-case", args=[pk]), {"status": "solved", "version": "0"}).status_code == 200
    task = client.post(reverse("desk:create-task"), {"title": "Call back", "who": f"user:{alice.pk}"}).json()["task"]
    assert client.post(reverse("desk:act-on-task", args=[task, "done"])).status_code == 204
    assert Task.objects.get(pk=task).done_by == alice
    assert client.post(reverse("desk:block", args=[chat.pk]), {"hours": "1"}).status_code == 200
    assert client.post(reverse("desk:unblock", args=[Block.objects.get().pk])).status_code == 204
    assert Block.objects.get().lifted_at is not None


def test_the_card_is_edited_in_place_and_audited(place, chat):
    client, customer = signed_in(place[0]), chat.profile.customer
    address = reverse("desk:edit-customer", args=[customer.pk])
    saved = client.post(address, {"name": "Екатерина Воронцова", "version": customer.version})
    assert saved.json()["name"] == "Екатерина Воронцова"
    stale = client.post(address, {"name": "Катя", "version": customer.version})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale")
    assert client.post(address, {"birthday": "yesterday"}).json()["field"] == "birthday"
    assert AuditEntry.objects.filter(act="customer.edit").count() == 1


def test_a_session_is_linked_by_hand_and_back(place, chat):
    client, other = signed_in(place[0]), world.make_thread(place[3]).profile
    before = chat.profile_id
    linked = client.post(reverse("desk:link", args=[chat.pk]), {"customer": other.customer_id})
    assert linked.json()["before"] == before
    chat.refresh_from_db()
    assert chat.profile == other
    client.post(reverse("desk:link", args=[chat.pk]), {"profile": before})
    chat.refresh_from_db()
    assert chat.profile_id == before
    client.post(reverse("desk:link", args=[chat.pk]))
    chat.refresh_from_db()
    assert chat.profile_id is None
    assert client.get(reverse("desk:session", args=[chat.pk])).status_code == 200


def test_end_of_shift_asks_for_open_contacts(place, chat):
    client = signed_in(place[0])
    asked = client.post(reverse("desk:presence"), {"mode": "offline"})
    assert (asked.status_code, asked.json()["code"]) == (409, "open_contacts")
    assert client.post(reverse("desk:presence"), {"mode": "offline", "move": "1"}).status_code == 204
    assert Assignment.objects.get(interaction=chat, end="returned")


def test_guessing_passwords_is_slowed_down():
    world.make_user("alice")
    client = Client(REMOTE_ADDR="10.9.8.7")
    tries = [
        client.post(reverse("sign-in"), {"username": "alice", "password": f"guess{n}"}).status_code for n in range(12)
    ]
    assert tries[:10] == [200] * 10
    assert tries[10:] == [429, 429]
    right = client.post(reverse("sign-in"), {"username": "alice", "password": "demo"})
    assert right.status_code == 429


def test_files_are_served_as_downloads_that_run_nothing(place, chat):
    from django.core.files.uploadedfile import SimpleUploadedFile

    client = signed_in(place[0])
    page = SimpleUploadedFile("../../evil.html", b"<html><script>alert(1)</script></html>", content_type="image/png")
    as_text = client.post(reverse("desk:send-file", args=[chat.pk]), {"file": page, "key": str(uuid.uuid4())})
    text = SimpleUploadedFile("../../note<b>.txt", b"plain words", content_type="text/html")
    sent = client.post(reverse("desk:send-file", args=[chat.pk]), {"file": text, "key": str(uuid.uuid4())})
    assert sent.status_code == 200
    # A page is text as well: it is kept as such, whatever its sender says it is.
    kept = Message.objects.get(pk=as_text.json()["id"]).attachments.get()
    assert (kept.kind, kept.content_type) == ("text", "text/plain; charset=utf-8")
    attachment = Message.objects.get(pk=sent.json()["id"]).attachments.get()
    assert "/" not in attachment.name
    assert "<" not in attachment.name
    answer = client.get(reverse("desk:file", args=[attachment.pk]))
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    stranger = world.make_user("charlie", team=world.make_team("Sales"))
    assert signed_in(stranger).get(reverse("desk:file", args=[attachment.pk])).status_code == 404


def test_the_desk_goes_to_the_session_at_its_own_address(place, chat):
    answer = signed_in(place[0]).get(reverse("desk:desk"))
    assert (answer.status_code, answer["Location"]) == (302, reverse("desk:session", args=[chat.pk]))
    assert signed_in(place[1]).get(reverse("desk:desk")).status_code == 200


def test_who_waits_is_listed_once_to_each_member_and_to_no_former_one(place, django_capture_on_commit_callbacks):
    alice, bob, queue, site = place
    world.on_duty(alice, mode="pause")
    QueueMember.objects.filter(user=bob).update(until=timezone.now() - timedelta(hours=1))
    with django_capture_on_commit_callbacks(execute=True):
        chats = [world.open_chat(site, text) for text in ("One", "Two")]
    assert [row.id for row in rows.queue_rows(alice)] == [chat.pk for chat in chats]
    assert rows.queue_rows(bob) == []
    QueueMember.objects.filter(user=bob).update(until=timezone.now() + timedelta(hours=1))
    assert len(rows.queue_rows(bob, queue.pk)) == 2


def test_a_text_that_comes_back_is_added_to_the_draft(place, chat):
    client, address = signed_in(place[0]), reverse("desk:draft", args=[chat.pk])
    client.post(address, {"text": "Dear Oleg"})
    client.post(address, {"text": "unpaid", "note": "1", "add": "1"})
    draft = Draft.objects.get()
    assert (draft.text, draft.is_note) == ("Dear Oleg\nunpaid", True)
    client.post(address, {"text": "On Friday", "add": "1"})
    assert Draft.objects.get().is_note, "what is meant for colleagues never becomes a reply by itself"


def test_who_missed_an_offer_is_told_why_nothing_comes(place):
    client = signed_in(place[0])
    told = "You did not accept a contact in time"
    assert told not in client.get(reverse("desk:offers")).content.decode()
    world.on_duty(place[0], mode="not_responding")
    page = client.get(reverse("desk:offers")).content.decode()
    assert told in page
    assert 'data-presence="available"' in page


def test_the_side_says_where_the_visitor_is_now(place, chat):
    Thread.objects.filter(pk=chat.thread_id).update(page={"title": "Brakes", "url": "https://shop.example/brakes"})
    page = signed_in(place[0]).get(reverse("desk:side", args=[chat.pk])).content.decode()
    assert 'id="where"' in page
    assert page.count("Brakes") >= 2


def test_likes_come_with_the_page_to_every_browser(place):
    client = signed_in(place[0])
    client.post("/preferences/", {"preferences": '{"silent": {"offer": true}, "keys": {"note": "KeyN"}}'})
    page = signed_in(User.objects.get(pk=place[0].pk)).get(reverse("desk:desk")).content.decode()
    assert '{"keys": {"note": "KeyN"}, "silent": {"offer": true}}' in page


def test_who_cannot_take_a_session_now_is_refused_as_a_target(place, chat):
    client, address = signed_in(place[0]), reverse("desk:transfer", args=[chat.pk])
    bob, closed = place[1], world.make_queue("Closed")
    for target in ({"operator": bob.pk}, {"queue": closed.pk}, {"queue": place[2].pk}, {"operator": "x"}, {}):
        refused = client.post(address, target)
        assert (refused.status_code, refused.json()["field"]) == (400, "target"), target
    assert Assignment.objects.get(interaction=chat).leg == "active"
    world.on_duty(bob)
    assert client.post(address, {"operator": bob.pk}).status_code == 204


def test_blocks_are_seen_and_lifted_by_those_who_may_read_the_talk(place, chat):
    alice = place[0]
    signed_in(alice).post(reverse("desk:block", args=[chat.pk]), {"hours": "1"})
    pk = Block.objects.get().pk
    lift = reverse("desk:unblock", args=[pk])
    stranger = signed_in(world.make_user("charlie", team=world.make_team("Sales")))
    assert lift not in stranger.get(reverse("desk:blocks")).content.decode()
    assert stranger.post(lift).status_code == 404
    assert lift in signed_in(alice).get(reverse("desk:blocks")).content.decode()


def test_an_address_is_masked_for_whoever_may_not_see_contacts(place):
    phone = Identity(kind="phone", value="+79261234567")
    assert card.shown_value(phone, place[0]) == "+79261234567"
    assert card.shown_value(phone, world.make_user("mark", role=Role.MARKETER)) == "•••• 67"


def test_golden_fields_are_edited_beside_the_talk(place, chat):
    page = signed_in(place[0]).get(reverse("desk:session", args=[chat.pk])).content.decode()
    side = page[page.index('id="side"') :]
    assert all(f'data-edit="{name}"' in side for name in SHORT)


def test_what_was_yesterday_carries_its_day(place, chat):
    Interaction.objects.filter(pk=chat.pk).update(
        last_message_at=timezone.now() - timedelta(days=2), waiting_since=None
    )
    page = signed_in(place[0]).get(reverse("desk:parts")).content.decode()
    assert re.search(r'<time class="f0 mut">\d+ [A-Z][a-z]{2}, \d\d:\d\d</time>', page)
