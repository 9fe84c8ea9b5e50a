"""Callbacks for people: the supervisor's list and acts, the operator's page; what each says costs no query more."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cxcenter.accounts.roles import RIGHTS, Right, Role
from cxcenter.board import snapshot
from cxcenter.core.models import AuditEntry
from interactions.models import Interaction
from routing import calls
from routing.actions import callbacks, offers
from routing.models import Assignment, Callback
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


class Place:
    """A queue that routes callbacks, who serves it, its supervisor, and a supervisor of another team."""

    def __init__(self) -> None:
        team, theirs = world.make_team(), world.make_team("Sales")
        self.alice = world.make_user("alice", team=team, language="en")
        self.boss = world.make_user("boss", "supervisor", team, language="en")
        self.other = world.make_user("other", "supervisor", theirs, language="en")
        self.queue = world.make_queue(members=(self.alice,), team=team, callbacks=True)
        self.second = world.make_queue("Second", members=(self.alice,), team=team, callbacks=True)
        self.site = world.make_site(self.queue)

    def callback(self, number: int, **said) -> Callback:
        profile = world.make_thread(self.site).profile
        known = {"name": f"Kate {number}", "profile": profile, "queue": self.queue, **said}
        return callbacks.ask(callbacks.Wish(phone=f"+7900555{number:04}", **known))[0]


@pytest.fixture
def place() -> Place:
    return Place()


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def queries_of(client: Client, address: str) -> tuple[int, str]:
    with CaptureQueriesContext(connection) as caught:
        answer = client.get(address)
    assert answer.status_code == 200
    return len(caught), answer.content.decode()


def test_the_list_has_all_who_are_to_be_called_in_as_many_queries(place):
    place.callback(1)
    place.callback(2, at=calls.slots(place.queue)[3])
    client = client_of(place.boss)
    few, page = queries_of(client, "/board/callbacks/")
    assert all(words in page for words in ("Kate 1", "+79005550001", "in its queue", "planned", "in his turn", "1/3"))
    assert page.index("Kate 1") < page.index("Kate 2"), "the next first"
    assert page.count("data-dial=") == 2 and 'data-dial="+79005550001" data-customer=' in page
    for number in range(3, 60):
        place.callback(number)
    many, page = queries_of(client, "/board/callbacks/")
    assert many == few and "after=" in page
    assert "Kate" not in queries_of(client_of(place.other), "/board/callbacks/")[1]
    tile = next(one for team in snapshot.compute().values() for one in team["queues"] if one["id"] == place.queue.pk)
    assert (tile["callbacks"], tile["planned"]) == (59, 1)


def test_who_sees_no_phones_calls_none_of_the_list(place, monkeypatch):
    place.callback(1)
    monkeypatch.setitem(RIGHTS, Role.SUPERVISOR, RIGHTS[Role.SUPERVISOR] - {Right.SEE_CONTACTS})
    page = queries_of(client_of(place.boss), "/board/callbacks/")[1]
    assert "Kate 1" in page and "+79005550001" not in page and "data-dial=" not in page


def test_a_supervisor_moves_and_cancels_his_own_alone(place):
    one = place.callback(1)
    client, stranger = client_of(place.boss), client_of(place.other)
    for act, said in (("move", {"queue": place.second.pk}), ("cancel", {})):
        address = f"/board/callbacks/{one.pk}/{act}/"
        assert stranger.post(address, said).status_code == stranger.get(address).status_code == 404
        assert client.get(address).status_code == 200
        assert client.post(address, said).status_code == 200
    one.refresh_from_db()
    assert (one.queue, one.result, one.ended_by) == (place.second, "cancelled", place.boss)
    assert set(AuditEntry.objects.values_list("act", flat=True)) >= {"callback.move", "callback.cancel"}


def test_the_desk_shows_the_call_and_takes_what_came_of_it(place):
    world.on_duty(place.alice)
    one = place.callback(1, zone=world.zone_by_day())
    offers.accept_offer(leg_id=Assignment.objects.get(interaction=one.session).pk, actor=place.alice)
    client = client_of(place.alice)
    page = client.get(f"/desk/s/{one.session_id}/").content.decode()
    assert 'href="tel:+79005550001"' in page and "attempt 1 of 3" in page and "Reply" not in page
    assert (
        client.post(f"/desk/s/{one.session_id}/messages/", {"text": "x", "key": "0" * 32}).json()["code"] == "no_reader"
    )
    assert client.post(f"/desk/s/{one.session_id}/report/", {"result": "engaged"}).status_code == 400
    said = {"result": "no_answer", "minutes": "30"}
    assert client.post(f"/desk/s/{one.session_id}/report/", said).status_code == 204
    one.refresh_from_db()
    assert (one.state, one.attempts) == ("planned", 1)
    assert client.get(f"/desk/s/{one.session_id}/").status_code == 200


def test_whoever_serves_him_sees_the_call_that_he_waits_for_and_may_cancel_it(place):
    world.on_duty(place.alice)
    chat = world.open_chat(place.site)
    offers.accept_offer(leg_id=Assignment.objects.get(interaction=chat).pk, actor=place.alice)
    at = calls.slots(place.second)[0]
    wish = {"phone": "+79005550001", "queue": place.second, "asked_in": chat.thread, "profile": chat.profile, "at": at}
    one, _made = callbacks.ask(callbacks.Wish(**wish))
    client = client_of(place.alice)
    page = client.get(f"/desk/s/{chat.pk}/").content.decode()
    assert "He is to be called at +79005550001" in page and "Not needed any more" in page
    assert f'data-dial="+79005550001" data-customer="{chat.profile.customer_id}"' in page
    assert client.post(f"/desk/s/{chat.pk}/no-callback/", {"callback": "999"}).status_code == 400
    assert client.post(f"/desk/s/{chat.pk}/no-callback/", {"callback": one.pk}).status_code == 204
    one.refresh_from_db()
    assert one.result == "cancelled" and Interaction.objects.open().get() == chat
    assert "He is to be called" not in client.get(f"/desk/s/{chat.pk}/").content.decode()
