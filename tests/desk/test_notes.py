"""Notes on a customer's timeline: for staff, changed and taken back by their author alone."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from customers import actions
from customers.models import Customer, Note
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Role
from cxcenter.core import realtime
from cxcenter.core.models import AuditEntry, Event
from cxcenter.desk import timeline
from cxcenter.desk.timeline import Wanted
from tests import world
from tests.ears import listening

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice():
    return world.make_user("alice", team=world.make_team())


@pytest.fixture
def kate():
    return actions.create_profile(source="shop", fields={"name": "Kate Orlova"}).customer


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def address(name: str, pk: int) -> str:
    return reverse(f"desk:{name}", args=[pk])


def lines(client: Client, customer: Customer, **wanted) -> str:
    return client.get(address("timeline", customer.pk), {"whole": "1", "lines": "1", **wanted}).content.decode()


def write(client: Client, customer: Customer, text: str = "Prefers calls after six") -> Note:
    assert client.post(address("add-note", customer.pk), {"text": text}).status_code == 200
    return Note.objects.latest("pk")


def test_a_note_is_written_changed_taken_back_and_put_back(alice, kate):
    client = client_of(alice)
    answer = client.post(address("add-note", kate.pk), {"text": " Prefers calls\nafter six "})
    note = Note.objects.get()
    assert answer.json()["undo"] == [address("withdraw-note", note.pk)]
    assert '<p class="txt">Prefers calls\nafter six</p>' in lines(client, kate)
    assert "Prefers calls" in client.get(address("note", note.pk)).content.decode()
    client.post(address("edit-note", note.pk), {"text": "Prefers <b>letters</b>"})
    assert "Prefers &lt;b&gt;letters&lt;/b&gt;" in lines(client, kate) and "changed" in lines(client, kate)
    undo = client.post(address("withdraw-note", note.pk)).json()["undo"]
    shown = lines(client, kate)
    assert "A note was taken back" in shown and "letters" not in shown
    refused = client.post(address("edit-note", note.pk), {"text": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "withdrawn")
    client.post(undo[0])
    assert "letters" in lines(client, kate)
    acts = AuditEntry.objects.filter(act__startswith="note").order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["note.add", "note.edit", "note.withdraw", "note.withdraw.undo"]
    # The words are in their row alone: webhooks and the list of events carry numbers.
    assert Event.objects.get(kind="customer.note").payload == {"customer": kate.pk, "note": note.pk}


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 4001])
def test_an_empty_or_too_long_note_is_refused(alice, kate, text):
    refused = client_of(alice).post(address("add-note", kate.pk), {"text": text})
    assert (refused.status_code, refused.json()["field"]) == (400, "text")
    assert not Note.objects.exists()


def test_a_note_sent_twice_under_one_key_is_one(alice, kate):
    client = client_of(alice)
    for _ in range(2):
        client.post(address("add-note", kate.pk), {"text": "Once", "key": "k1"})
    assert Note.objects.count() == 1


def test_only_its_author_changes_a_note(alice, kate):
    note = write(client_of(alice), kate)
    bob = client_of(world.make_user("bob", Role.SUPERVISOR))
    shown = lines(bob, kate)
    assert "Prefers calls" in shown and address("note", note.pk) not in shown
    for name in ("edit-note", "withdraw-note", "put-note-back"):
        assert bob.post(address(name, note.pk), {"text": "x"}).status_code == 403, name
    note.refresh_from_db()
    assert (note.text, note.withdrawn_at) == ("Prefers calls after six", None)


def test_who_only_reads_sees_notes_and_no_form(alice, kate):
    note = write(client_of(alice), kate)
    mark = client_of(world.make_user("mark", Role.MARKETER))
    page = mark.get(address("customer", kate.pk)).content.decode()
    assert "Prefers calls" in page and address("add-note", kate.pk) not in page
    assert mark.post(address("edit-note", note.pk), {"text": "x"}).status_code == 403


def test_the_chip_and_the_search_find_notes(alice, kate):
    client = client_of(alice)
    write(client, kate)
    gone = write(client, kate, "Calls twice a day")
    client.post(address("withdraw-note", gone.pk))
    found = timeline.page_of(kate, alice, Wanted(group="notes"))[0]
    assert [line.kind for line in found] == ["customer.note"] * 2
    assert re.search(
        r'id="tl-notes".*?Notes <span class="n">2</span>', client.get(address("customer", kate.pk)).content.decode()
    )
    # What was taken back is not found by its words.
    assert [line.said.text for line in timeline.page_of(kate, alice, Wanted(text="calls"))[0]] == [
        "Prefers calls after six"
    ]


def test_a_note_goes_with_its_profile_when_cards_are_merged_and_parted(alice, kate):
    oleg = actions.create_profile(source="shop", fields={"name": "Oleg"}).customer
    client = client_of(alice)
    write(client, oleg)
    (made,) = actions.merge_customers(survivor=kate.pk, others=[oleg.pk])
    assert "Prefers calls" in lines(client, kate)
    actions.unmerge(merge_id=made.pk)
    assert "Prefers calls" not in lines(client, kate) and "Prefers calls" in lines(client, oleg)


def test_it_is_in_the_file(alice, kate):
    client = client_of(alice)
    write(client, kate)
    exported = b"".join(client.get(address("timeline-csv", kate.pk), {"group": "notes"})).decode()
    assert "Prefers calls after six · Alice" in exported


def test_every_change_is_told_to_the_pages_that_show_the_timeline(alice, kate):
    client = client_of(alice)
    with listening() as ears:
        note = write(client, kate)
        client.post(address("edit-note", note.pk), {"text": "Other words"})
        client.post(address("withdraw-note", note.pk))
        client.post(address("put-note-back", note.pk))
        assert ears.kinds(realtime.card_group(kate.pk)) == ["timeline"] * 4
