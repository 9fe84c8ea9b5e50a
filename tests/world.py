"""Alice and her colleagues: the people, queues and visitors that tests play with."""

import uuid
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password

from customers import actions as customers
from cxcenter.accounts.models import Team, User
from cxcenter.accounts.roles import Role
from interactions.actions import talk
from interactions.choices import Author
from interactions.models import Channel, Interaction, Site, Thread, Topic
from routing.choices import Mode
from routing.models import Entrance, Presence, Queue, QueueMember


def zone_by_day() -> str:
    """A time zone where it is day now, near that of our queues: people are called by day, tests run at any hour."""
    hour = datetime.now(UTC).hour
    offset = min((o for o in range(-12, 13) if 9 <= (hour + o) % 24 < 20), key=lambda o: abs(o - 3))
    # The signs of these names are those of POSIX.
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"


def make_team(name: str = "Support") -> Team:
    return Team.objects.get_or_create(name=name)[0]


@cache
def hash_of(password: str) -> str:
    """The hash that the product makes, once: it is slow on purpose."""
    return make_password(password)


def make_user(username: str, role: str = Role.OPERATOR, team: Team | None = None, **fields: Any) -> User:
    password = hash_of("demo")
    user = User.objects.create(
        username=username, password=password, role=role, team=team, first_name=username.title(), **fields
    )
    if role == Role.SUPERVISOR and team:
        team.supervisors.add(user)
    return user


def make_queue(
    name: str = "Warranty", team: Team | None = None, members: tuple[User, ...] = (), **fields: Any
) -> Queue:
    queue = Queue.objects.create(name=name, team=team or make_team(), **fields)
    for user in members:
        QueueMember.objects.create(queue=queue, user=user)
    return queue


def make_site(queue: Queue | None = None, **fields: Any) -> Site:
    channel = Channel.objects.create(name=f"Chat {uuid.uuid4().hex[:6]}", kind="webchat")
    site = Site.objects.create(
        channel=channel, title="Norda, support", origins=["http://localhost:9001"], ask_consent=False, **fields
    )
    if queue is not None:
        Entrance.objects.create(channel=channel, queue=queue)
    return site


def make_line(queue: Queue, name: str = "Phone") -> Channel:
    """A channel of calls that leads to a queue."""
    channel = Channel.objects.create(name=name, kind="voice")
    Entrance.objects.create(channel=channel, queue=queue)
    return channel


def open_call(channel: Channel, phone: str | None = None, topic: Topic | None = None) -> Interaction:
    """A customer calls: nothing is written in it."""
    phone = phone or f"+7900{uuid.uuid4().int % 10**7:07}"
    identity, profile = customers.find_or_create_by_identity(kind="phone", value=phone, source="voice")
    assert profile is not None
    thread = talk.open_thread(channel=channel, identity=identity, profile=profile)
    interaction, _new = talk.open_interaction(thread=thread, topic=topic)
    interaction.refresh_from_db()
    return interaction


def on_duty(user: User, capacity: int = 4, mode: str = Mode.AVAILABLE) -> Presence:
    presence, _ = Presence.objects.update_or_create(
        user=user, defaults={"mode": mode, "state": mode, "capacity": capacity}
    )
    return presence


def make_thread(site: Site, visitor: str | None = None) -> Thread:
    identity, profile = customers.find_or_create_by_identity(
        kind="visitor", value=visitor or uuid.uuid4().hex, source="webchat"
    )
    assert profile is not None
    return talk.open_thread(channel=site.channel, identity=identity, profile=profile)


def open_chat(site: Site, text: str = "Hello", topic: Topic | None = None, thread: Thread | None = None) -> Interaction:
    thread = thread or make_thread(site)
    interaction, _new = talk.open_interaction(thread=thread, topic=topic)
    say(interaction, text)
    interaction.refresh_from_db()
    return interaction


def say(interaction: Interaction, text: str, key: uuid.UUID | None = None) -> Any:
    return talk.post_message(
        thread_id=interaction.thread_id, author=Author.CUSTOMER, text=text, client_key=key or uuid.uuid4()
    )[0]


def reply(interaction: Interaction, user: User, text: str, **fields: Any) -> Any:
    return talk.post_message(thread_id=interaction.thread_id, author=Author.STAFF, user=user, text=text, **fields)[0]
