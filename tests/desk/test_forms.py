"""Forms of the desk and the board that are sent again, and drafts that a message leaves alone."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from interactions.actions import drafts
from interactions.models import Case, Draft, Interaction, Message, Task
from routing.actions import offers
from routing.models import Assignment
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chat() -> Interaction:
    team = world.make_team()
    anna = world.make_user("anna", team=team)
    queue = world.make_queue(team=team, members=(anna,))
    world.on_duty(anna)
    chat = world.open_chat(world.make_site(queue), "Where is my order?")
    offers.accept_offer(leg_id=Assignment.objects.get(leg="offered").pk, actor=anna)
    return chat


@pytest.fixture
def client(chat: Interaction) -> Client:
    signed_in = Client()
    signed_in.force_login(chat.legs.get().operator)
    return signed_in


@pytest.mark.parametrize(
    ("address", "fields", "made"),
    [
        ("/desk/cases/register/", {"subject": "It knocks"}, Case),
        ("/desk/tasks/create/", {"title": "Call back"}, Task),
    ],
)
def test_a_form_that_is_sent_again_has_one_effect(client, chat, address, fields, made):
    sent = {**fields, "session": chat.pk, "key": str(uuid.uuid4())}
    first, second = client.post(address, sent), client.post(address, sent)
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert made.objects.count() == 1
    # Another content under the key is no answer to the first, and a new key is a new act.
    changed = client.post(address, {**sent, "text": "And it smells"})
    assert (changed.status_code, changed.json()["code"]) == (422, "key_reused")
    client.post(address, {**sent, "key": str(uuid.uuid4())})
    assert made.objects.count() == 2


def test_a_refused_form_may_be_put_right_under_its_key(client, chat):
    sent = {"session": chat.pk, "key": str(uuid.uuid4())}
    assert client.post("/desk/cases/register/", {**sent, "subject": " "}).status_code == 400
    assert client.post("/desk/cases/register/", {**sent, "subject": "It knocks"}).status_code == 200
    assert Case.objects.count() == 1


def test_a_whisper_that_is_sent_again_is_one_note(chat):
    boss = world.make_user("boss", role="supervisor", team=chat.legs.get().item.queue.team)
    client = Client()
    client.force_login(boss)
    sent = {"text": "Ask for the bill", "key": str(uuid.uuid4())}
    for _ in range(2):
        assert client.post(f"/board/session/{chat.pk}/whisper/", sent).status_code == 200
    assert Message.objects.filter(text="Ask for the bill").count() == 1


@pytest.mark.parametrize(("begun_s", "left"), [(-60, 0), (0.5, 0), (2, 1)])
def test_a_message_takes_its_own_draft_along_and_not_that_of_the_next(client, chat, begun_s, left):
    """The draft was saved so many seconds after the message was written; the message arrives only later."""
    written = timezone.now() - timedelta(minutes=5)
    anna = chat.legs.get().operator
    drafts.save_draft(interaction=chat, actor=anna, text="Something", is_note=False)
    Draft.objects.update(saved_at=written + timedelta(seconds=begun_s))
    sent = {"text": "Here it is", "key": str(uuid.uuid4()), "written": written.isoformat()}
    assert client.post(f"/desk/s/{chat.pk}/messages/", sent).status_code == 200
    assert Draft.objects.count() == left
