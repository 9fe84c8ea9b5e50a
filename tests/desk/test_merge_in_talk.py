"""A merge while the customer is chatting: nothing is lost on either screen, and the answer goes where he wrote from."""

import threading

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from customers import actions
from customers.models import Customer, Merge
from cxcenter.core import realtime
from interactions.models import Message
from routing.actions import offers
from routing.models import Assignment
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)
EACH = 30


@pytest.fixture
def alice():
    return world.make_user("alice", team=world.make_team())


@pytest.fixture
def chat(alice):
    queue = world.make_queue(team=alice.team, members=(alice,))
    world.on_duty(alice)
    chat = world.open_chat(world.make_site(queue), "Where is my order?")
    offers.accept_offer(leg_id=Assignment.objects.get(leg="offered").pk, actor=alice)
    return chat


def test_messages_of_both_sides_come_through_merges_and_unmerges(alice, chat):
    other = actions.create_profile(source="shop", fields={"name": "Kate Orlova"}).customer
    broken: list[Exception] = []

    def run(act):
        try:
            for number in range(EACH):
                act(number)
        except Exception as error:
            broken.append(error)
        finally:
            connections.close_all()

    def turn(_number):
        merged = Merge.objects.standing().first()
        if merged:
            actions.unmerge(merge_id=merged.pk, actor=alice)
        else:
            actions.merge_customers(survivor=other.pk, others=[chat.profile.customer_id], actor=alice)

    acts = [lambda n: world.say(chat, f"customer {n}"), lambda n: world.reply(chat, alice, f"staff {n}"), turn]
    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not broken, broken
    stored = Message.objects.filter(interaction=chat).order_by("seq")
    assert [message.seq for message in stored] == list(range(1, stored.count() + 1))
    for author in ("customer", "staff"):
        texts = [m.text for m in stored if m.text.startswith(author)]
        assert texts == [f"{author} {n}" for n in range(EACH)]
    # His sessions and his thread are where they were: with the profile he wrote from.
    chat.refresh_from_db()
    assert chat.thread.profile_id == chat.profile_id and Merge.objects.count() == EACH / 2


def test_the_open_card_shows_whose_talk_it_is_now(alice, chat, monkeypatch):
    told = []
    monkeypatch.setattr(realtime, "push", lambda *pushes: told.extend(pushes))
    other = actions.create_profile(source="shop", fields={"name": "Kate Orlova"}).customer
    actions.merge_customers(survivor=other.pk, others=[chat.profile.customer_id], actor=alice)
    assert (realtime.staff_group(chat.thread_id), {"kind": "card", "thread": chat.thread_id}) in told
    client = Client()
    client.force_login(alice)
    side = client.get(reverse("desk:side", args=[chat.pk])).content.decode()
    assert "Kate Orlova" in side and Customer.objects.get(pk=other.pk).number in side
