"""A chat in an operator's hands."""

from dataclasses import dataclass

import pytest

from cxcenter.accounts.models import User
from interactions.models import Interaction, Thread
from routing.actions import offers
from routing.models import Assignment
from tests import ears, world


@dataclass
class Chat:
    alice: User
    bob: User
    talk: Interaction

    @property
    def thread(self) -> Thread:
        """The thread as it stands in the database."""
        return Thread.objects.get(pk=self.talk.thread_id)

    def fresh(self) -> Interaction:
        return Interaction.objects.get(pk=self.talk.pk)


@pytest.fixture
def chat():
    team = world.make_team()
    alice, bob = world.make_user("alice", team=team), world.make_user("bob", team=team)
    queue = world.make_queue(members=(alice, bob), team=team)
    world.on_duty(alice)
    talk = world.open_chat(world.make_site(queue))
    offers.accept_offer(leg_id=Assignment.objects.get().pk, actor=alice)
    return Chat(alice, bob, talk)


@pytest.fixture
def pushed():
    with ears.listening() as listener:
        yield listener
