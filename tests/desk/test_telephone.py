"""The operator's browser as a telephone: its credentials, and what it tells at its doors."""

import pytest
from django.test import Client

from interactions.models import Call, CallCommand, Exchange, Extension
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice():
    alice = world.make_user("alice")
    queue = world.make_queue(members=(alice,), team=alice.team)
    world.on_duty(alice)
    exchange = Exchange.objects.create(
        name="Platform",
        kind="sip",
        channel=world.make_line(queue),
        host="sip.test",
        socket="wss://sip.test/",
        secret="x",
    )
    Extension.objects.create(exchange=exchange, interface="1017", user=alice)
    return alice


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_credentials_are_ones_own_and_are_kept_nowhere(alice):
    answer = client_of(alice).get("/desk/line/sip/")
    assert answer.json()["uri"] == "sip:1017@sip.test"
    assert "no-store" in answer["Cache-Control"]
    assert client_of(world.make_user("bob")).get("/desk/line/sip/").json() == {}


def test_a_call_is_told_and_answered_with_its_session(alice):
    client = client_of(alice)
    said = {"call": "c1", "key": "1", "what": "rings", "number": "+79001234567", "ago": "0.5"}
    heard = client.post("/desk/line/sip/told/", said).json()
    call = Call.objects.get()
    assert heard == {"name": "c1", "session": call.pk, "recorded": True, "taken": False}
    assert client.post("/desk/line/sip/told/", said).json() == heard
    toast = client.get("/desk/offers/").content.decode()
    assert "/accept/" in toast and "It rings at your phone" not in toast
    leg = call.interaction.legs.get()
    assert client.post(f"/desk/offers/{leg.pk}/accept/").json()["session"] == call.pk
    command = CallCommand.objects.get()
    assert client.post("/desk/line/sip/done/", {"command": command.pk}).json() == {"noted": True}
    client.post("/desk/line/sip/told/", {"call": "c1", "key": "2", "what": "answered"})
    assert client.post("/desk/line/sip/still/", {"call": ["c1"]}).json() == {"ended": 0}
    assert 'data-provider="sip"' in client.get("/desk/line/").content.decode()
    assert client.post("/desk/line/sip/still/").json() == {"ended": 1}


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"what": "sings"}, 400, "invalid"),
        ({"what": "rings", "ago": "x"}, 400, "invalid"),
        ({"what": "rings", "ago": "nan"}, 400, "invalid"),
        ({"what": "rings", "call": ""}, 400, "invalid"),
        ({"what": "answered", "call": "unknown"}, 409, "not_owner"),
    ],
)
def test_what_no_telephone_says_is_refused(alice, said, status, code):
    answer = client_of(alice).post("/desk/line/sip/told/", {"call": "c1", "key": "1", **said})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Call.objects.exists()


def test_who_has_no_extension_tells_nothing(alice):
    client = client_of(world.make_user("bob"))
    said = {"call": "c1", "key": "1", "what": "rings", "number": "+79001234567"}
    for door in ("told", "still", "done"):
        answer = client.post(f"/desk/line/sip/{door}/", {**said, "command": "1"})
        assert (answer.status_code, answer.json()["code"]) == (409, "no_extension")
