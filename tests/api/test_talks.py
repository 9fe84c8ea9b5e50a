"""Threads, sessions and messages by API."""

import uuid
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.utils import timezone

from interactions.actions import talk
from interactions.models import Message
from routing.actions import legs
from routing.models import Assignment
from tests import world
from tests.api.callers import problem, session, token


@pytest.fixture
def caller(transactional_db):
    return token("interactions:write")


def messages(caller, chat):
    return caller.rows(f"interactions/{chat.pk}/messages/")


def test_messages_are_listed_in_the_order_of_the_talk(place, caller):
    rows = messages(caller, place.chat)
    assert [(row["seq"], row["author"], row["text"], row["code"]) for row in rows] == [
        (1, "customer", "Hello, Warranty", ""),
        (2, "system", "", "joined"),
        (3, "staff", "Good day", ""),
    ]
    assert rows[2]["user"] == {"id": place.people["operator"].pk, "name": "Operator"}
    assert [row["seq"] for row in caller.rows(f"interactions/{place.chat.pk}/messages/?after=1")] == [2, 3]
    assert [row["seq"] for row in caller.rows(f"threads/{place.chat.thread_id}/messages/?author=staff")] == [3]


def test_a_message_reaches_the_customer_and_a_note_does_not(place, caller):
    path = f"interactions/{place.chat.pk}/messages/"
    said = caller.post(path, {"text": "The part has come"})
    noted = caller.post(path, {"text": "He is upset", "audience": "staff"})
    assert (said.status_code, noted.status_code) == (201, 201)
    seen = Message.objects.filter(thread=place.chat.thread_id).for_customer().values_list("pk", flat=True)
    assert said.json()["id"] in seen
    assert noted.json()["id"] not in seen
    place.chat.refresh_from_db()
    assert place.chat.waiting_since is None


def test_the_same_client_key_is_one_message(place, caller):
    body = {"text": "Once", "client_key": str(uuid.uuid4())}
    path = f"interactions/{place.chat.pk}/messages/"
    first, second = caller.post(path, body), caller.post(path, body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert [row["text"] for row in messages(caller, place.chat)].count("Once") == 1


def test_a_reply_that_crosses_a_colleagues_is_refused(place, caller):
    refusal = caller.post(f"interactions/{place.chat.pk}/messages/", {"text": "Hi", "unless_after": 2})
    assert problem(refusal, 409, "crossed")["seq"] == 3
    assert caller.post(f"interactions/{place.chat.pk}/messages/", {"text": "Hi", "unless_after": 3}).status_code == 201


def test_nothing_is_written_into_a_session_that_has_ended(place, caller):
    talk.close_interaction(interaction_id=place.chat.pk, reason="finished")
    path = f"interactions/{place.chat.pk}/messages/"
    problem(caller.post(path, {"text": "Hi"}), 409, "closed")
    again = world.open_chat(place.ours["site"], "Me again", thread=place.chat.thread)
    # The thread goes on in another session: the message was not meant for that one.
    problem(caller.post(path, {"text": "Hi"}), 409, "closed")
    assert [row["author"] for row in messages(caller, again)] == ["customer"]


def test_what_was_taken_back_is_not_shown(place, caller):
    made = caller.post(f"interactions/{place.chat.pk}/messages/", {"text": "Oops"}).json()
    talk.withdraw_message(message_id=made["id"], actor=place.people["integrator"])
    row = messages(caller, place.chat)[-1]
    assert (row["text"], row["withdrawn"], row["attachments"]) == ("", True, [])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": "  "},
        {"text": "x" * 8001},
        {"text": "x", "author": "customer"},
        {"text": "x", "audience": "customer"},
        {"text": "x", "client_key": "1"},
        {"text": ["x"]},
    ],
)
def test_a_wrong_message_is_refused(place, caller, body):
    problem(caller.post(f"interactions/{place.chat.pk}/messages/", body), 400, "invalid")
    assert len(messages(caller, place.chat)) == 3


def test_sessions_are_filtered(place, caller):
    ours, theirs = place.chat, place.theirs["chat"]
    talk.close_interaction(interaction_id=theirs.pk, reason="finished")
    soon, ago = (quote((timezone.now() + delta).isoformat()) for delta in (timedelta(hours=1), timedelta(hours=-1)))
    found = {
        "state=open": {ours.pk},
        "state=closed": {theirs.pk},
        f"queue={place.queue.pk}": {ours.pk},
        f"operator={place.people['stranger'].pk}": {theirs.pk},
        f"channel={ours.thread.channel_id}": {ours.pk},
        "kind=webchat": {ours.pk, theirs.pk},
        "kind=email": set(),
        f"customer={place.customer.pk}": {ours.pk},
        f"profile={place.profile.pk}&state=closed": set(),
        f"opened_since={ago}&opened_until={soon}": {ours.pk, theirs.pk},
        f"opened_since={soon}": set(),
        f"active_since={ago}": {ours.pk, theirs.pk},
    }
    assert {query: caller.ids(f"interactions/?{query}") for query in found} == found


def test_a_person_replies_where_he_holds_the_session_and_notes_where_he_may_read(place):
    path, key = f"interactions/{place.chat.pk}/messages/", str(uuid.uuid4())
    owner = session(place.people["operator"])
    assert owner.post(path, {"text": "Hi", "client_key": key}).status_code == 201
    for name in ("supervisor", "quality", "admin"):
        problem(session(place.people[name]).post(path, {"text": "Hi"}), 409, "not_owner")
        assert session(place.people[name]).post(path, {"text": "Look", "audience": "staff"}).status_code == 201
    problem(session(place.people["stranger"]).post(path, {"text": "Hi", "audience": "staff"}), 404, "not_found")
    legs.return_to_queue(leg_id=place.ours["leg"].pk)
    Assignment.objects.filter(leg="offered").delete()
    problem(owner.post(path, {"text": "Hi again"}), 409, "not_owner")
    # A retry of what was stored while the session was his is answered all the same.
    assert owner.post(path, {"text": "Hi", "client_key": key}).status_code == 200
