"""The page of priorities: the order that is shown, saved and dropped, and whose it is."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.models import Segment
from cxcenter.core.models import AuditEntry
from interactions.models import Channel, Topic
from routing.models import PriorityStep
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


class Place:
    """A team with its supervisor and queue, another one beside it; two channels, three topics, a segment."""

    def __init__(self) -> None:
        self.team = world.make_team()
        self.boss = world.make_user("marina", role="supervisor", team=self.team)
        self.admin = world.make_user("root", role="admin")
        self.queue = world.make_queue(team=self.team)
        self.foreign = world.make_queue("Foreign", team=world.make_team("Other"))
        self.site = world.make_site(self.queue)
        self.chat, self.mail = self.site.channel, Channel.objects.create(name="Mail", kind="email")
        self.parts = Topic.objects.create(name="Parts", name_ru="Запчасти")
        self.brakes = Topic.objects.create(name="Brakes", parent=self.parts)
        self.fire = Topic.objects.create(name="Fire", urgent=True)
        self.vip = Segment.objects.create(code="vip", name="VIP")


@pytest.fixture
def place():
    return Place()


def shown(client, **query) -> dict[str, list[tuple[str, str]]]:
    """What stands in each list of the page: (label, steps)."""
    page = client.get(reverse("board:priorities"), query).content.decode()
    found = {}
    for code, items in re.findall(r'data-order="(\w+)"(.*?)</ol>', page, re.DOTALL):
        found[code] = re.findall(r'data-label="([^"]*)".*?data-steps (?:hidden)?>\+(\d+)', items, re.DOTALL)
    return found


def test_an_order_is_saved_shown_and_audited(place, client):
    client.force_login(place.admin)
    assert shown(client)["topics"] == [("Parts", "0"), ("Parts › Brakes", "0")], "an emergency stands in no order"
    asked = {"channels": [place.mail.pk], "topics": [place.brakes.pk, place.parts.pk], "segments": [place.vip.pk]}
    answer = client.post(reverse("board:general-order"), asked).json()
    page = reverse("board:priorities")
    assert answer == {"said": "Saved. It holds for contacts that come from now on.", "then": f"{page}?queue=all"}
    assert shown(client) == {
        "channels": [("Mail", "1"), (place.chat.name, "0")],
        "topics": [("Parts › Brakes", "2"), ("Parts", "1")],
        "segments": [("VIP", "1")],
    }
    page = client.get(reverse("board:priorities")).content.decode()
    assert page.count("emergency: before all") == 1
    entry = AuditEntry.objects.get(act="priority.order")
    changed = [f"priorities:all {kind}" for kind in asked]
    assert (entry.actor, entry.subject, entry.detail["changed"]) == (place.admin, "rules:2", changed)


def test_a_supervisor_orders_his_own_queue_which_goes_by_the_common_order_until_then(place, client):
    PriorityStep.objects.create(topic=place.parts, steps=1)
    client.force_login(place.boss)
    assert shown(client)["topics"] == [("Parts", "1"), ("Parts › Brakes", "0")]
    assert "goes by the order for all queues" in client.get(reverse("board:priorities")).content.decode()
    own = reverse("board:own-order", args=[place.queue.pk])
    assert client.post(own, {"topics": [place.brakes.pk]}).json()["then"].endswith(f"?queue={place.queue.pk}")
    assert shown(client)["topics"] == [("Parts › Brakes", "1"), ("Parts", "0")]
    assert shown(client, queue="all")["topics"] == [("Parts", "1"), ("Parts › Brakes", "0")]
    fixed = client.get(reverse("board:priorities"), {"queue": "all"}).content.decode()
    assert "data-fixed" in fixed and "Save the order" not in fixed
    assert client.post(reverse("board:drop-order", args=[place.queue.pk])).status_code == 200
    assert not PriorityStep.objects.filter(queue=place.queue).exists()


def test_what_is_not_his_and_what_there_is_not_are_refused(place, client):
    client.force_login(place.boss)
    assert client.post(reverse("board:general-order"), {}).status_code == 403
    assert client.post(reverse("board:own-order", args=[place.foreign.pk]), {}).status_code == 404
    own = reverse("board:own-order", args=[place.queue.pk])
    assert client.post(own, {"topics": [9999]}).json()["field"] == "topics"
    assert client.post(own, {"channels": ["mail"]}).json()["field"] == "channels"
    assert not PriorityStep.objects.exists()


def test_those_who_wait_move_on_request(place, client):
    client.force_login(place.boss)
    talk = world.open_chat(place.site, topic=place.brakes)
    own = reverse("board:own-order", args=[place.queue.pk])
    assert "holds for contacts that come" in client.post(own, {"topics": [place.parts.pk]}).json()["said"]
    assert talk.visits.get().priority == 1
    said = client.post(own, {"topics": [place.parts.pk], "also_waiting": "1"}).json()["said"]
    assert "1 waiting contact has moved" in said
    assert (talk.visits.get().priority, talk.visits.get().steps) == (2, 1)


def test_the_page_of_many_asks_no_more(place, client):
    client.force_login(place.admin)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get(reverse("board:priorities"))
        return len(asked)

    few = queries()
    for number in range(15):
        topic = Topic.objects.create(name=f"Topic {number}", parent=place.brakes)
        PriorityStep.objects.create(topic=topic, steps=number)
        Channel.objects.create(name=f"Line {number}", kind="voice")
        world.make_queue(f"Queue {number}", team=place.team)
    assert queries() == few
