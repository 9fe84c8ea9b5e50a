"""A queue with two operators and a site that leads to it."""

import itertools
from dataclasses import dataclass

import pytest

from cxcenter.accounts.models import Team, User
from cxcenter.accounts.roles import Role
from interactions.models import Channel, Interaction, Site
from routing.actions import offers, presence
from routing.models import Assignment, Guest, Presence, Queue, WorkItem
from tests import ears, world
from tests.telephones import Telephones


@dataclass
class Floor:
    """What a test of routing stands on."""

    team: Team
    alice: User
    bob: User
    boss: User
    queue: Queue
    site: Site

    def chat(self, user: User | None = None, **fields) -> Interaction:
        """Return a new chat that waits, or one that `user` has accepted."""
        talk = world.open_chat(self.site, **fields)
        if user is not None:
            offers.accept_offer(leg_id=self.leg(talk).pk, actor=user)
        return talk

    @staticmethod
    def ready(*users: User, capacity: int = 4) -> None:
        """Let operators become available by the act of the desk."""
        for user in users:
            Presence.objects.update_or_create(user=user, defaults={"capacity": capacity})
            presence.set_mode(user=user, mode="available", actor=user)

    @staticmethod
    def leg(talk: Interaction) -> Assignment:
        """Return the newest leg of a session."""
        return Assignment.objects.filter(interaction=talk).latest("pk")

    @staticmethod
    def item(talk: Interaction) -> WorkItem:
        """Return the newest visit of a session."""
        return WorkItem.objects.filter(interaction=talk).latest("pk")

    @staticmethod
    def presence(user: User) -> Presence:
        return Presence.objects.get(user=user)


@pytest.fixture
def floor():
    team = world.make_team()
    alice, bob = world.make_user("alice", team=team), world.make_user("bob", team=team)
    boss = world.make_user("boss", Role.SUPERVISOR, team)
    queue = world.make_queue(members=(alice, bob), team=team)
    return Floor(team, alice, bob, boss, queue, world.make_site(queue))


@dataclass
class Line:
    """A phone line that leads to the queue of the floor."""

    floor: Floor
    channel: Channel

    def call(self, user: User | None = None) -> Interaction:
        """Return a new call that waits, or one that `user` has accepted."""
        talk = world.open_call(self.channel)
        if user is not None:
            offers.accept_offer(leg_id=self.floor.leg(talk).pk, actor=user)
        return talk


@pytest.fixture
def line(floor):
    return Line(floor, world.make_line(floor.queue))


@pytest.fixture
def hall(floor):
    """Return the floor with browsers that are telephones at a SIP platform: Alice's and Bob's."""
    floor.ready(floor.alice, floor.bob)
    floor.phones = Telephones(floor)
    return floor


@pytest.fixture
def pushed():
    with ears.listening() as listener:
        yield listener


@pytest.fixture(autouse=True)
def loads_add_up(request):
    """After every test: an operator's load is the number of contacts that hold a place, and intervals have no gap."""
    yield
    if "floor" not in request.fixturenames:
        return
    for row in Presence.objects.all():
        held = Assignment.objects.filter(operator_id=row.user_id, holds=True).exclude(leg="ended").count()
        held += Guest.objects.present().filter(user_id=row.user_id, invited_by__isnull=False).count()
        assert row.load == held, f"load {row.load}, but {held} are held"
        intervals = list(row.user.presence_intervals.order_by("started_at", "pk"))
        for before, after in itertools.pairwise(intervals):
            assert before.ended_at == after.started_at
        assert [i for i in intervals if i.ended_at is None] == intervals[-1:]
        if intervals:
            assert intervals[-1].state == row.state
