"""A small installation: two teams that know nothing of each other, and one of everything in each."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from customers import actions as customers
from customers.models import Customer, Profile
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Role
from interactions.actions import cases
from interactions.models import Case, Interaction, Task
from routing.actions import offers
from routing.models import Assignment, Queue
from tests import world

PHONE = "+79005550184"


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@dataclass
class Place:
    """What a test finds."""

    people: dict[str, User] = field(default_factory=dict)
    ours: dict[str, Any] = field(default_factory=dict)
    theirs: dict[str, Any] = field(default_factory=dict)
    customer: Customer = None  # type: ignore[assignment]
    profile: Profile = None  # type: ignore[assignment]

    @property
    def chat(self) -> Interaction:
        return self.ours["chat"]

    @property
    def queue(self) -> Queue:
        return self.ours["queue"]

    @property
    def case(self) -> Case:
        return self.ours["case"]

    @property
    def task(self) -> Task:
        return self.ours["task"]


def build() -> Place:
    place = Place()
    support, sales = world.make_team("Support"), world.make_team("Sales")
    for name, role, team in (
        ("operator", Role.OPERATOR, support),
        ("senior", Role.SENIOR, support),
        ("supervisor", Role.SUPERVISOR, support),
        ("stranger", Role.OPERATOR, sales),
        ("quality", Role.QUALITY, None),
        ("marketer", Role.MARKETER, None),
        ("admin", Role.ADMIN, None),
        ("integrator", Role.INTEGRATOR, None),
    ):
        place.people[name] = world.make_user(name, role, team)
    people = place.people
    for side, team, name, member in (
        (place.ours, support, "Warranty", people["operator"]),
        (place.theirs, sales, "Leasing", people["stranger"]),
    ):
        side["queue"] = world.make_queue(name, team, (member,))
        side["site"] = world.make_site(side["queue"])
        world.on_duty(member)
        side["chat"] = world.open_chat(side["site"], f"Hello, {name}")
        side["leg"] = Assignment.objects.get(interaction=side["chat"])
        offers.accept_offer(leg_id=side["leg"].pk, actor=member)
        side["reply"] = world.reply(side["chat"], member, "Good day")
    place.profile = place.chat.profile
    place.customer = place.profile.customer
    _known(place)
    return place


def _known(place: Place) -> None:
    """The customer of our chat: name, phone, a case, a task."""
    actor = place.people["operator"]
    customers.edit_customer(customer=place.customer, fields={"name": "Anna Orlova"}, version=None, actor=actor)
    identity = customers.find_identity(kind="phone", value=PHONE)
    customers.link_identity(profile=place.profile, identity=identity, source="form", verified=True)
    place.customer.refresh_from_db()
    Interaction.objects.filter(pk=place.chat.pk).update(says={"name": "Anna", "contact": PHONE})
    place.chat.refresh_from_db()
    place.ours["case"] = cases.register_case(
        actor=actor, profile=place.profile, interaction=place.chat, subject="The part is late"
    )
    place.ours["task"] = cases.create_task(title="Call back", actor=actor, team=actor.team, profile=place.profile)


@pytest.fixture
def place(transactional_db) -> Place:
    return build()
