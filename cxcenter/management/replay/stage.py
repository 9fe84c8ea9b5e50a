"""Where talks are played: a site, a queue and operators of the replay's own, or those of the demo."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from cxcenter.accounts.backends import DEMO_PASSWORD
from cxcenter.accounts.models import Team, User
from cxcenter.accounts.roles import Role
from cxcenter.core import liveness
from cxcenter.management.demo.channel import SITE_KEY as DEMO_SITE
from interactions.choices import ChannelKind
from interactions.models import Channel, Disposition, Site, Topic
from routing.models import Entrance, Presence, Queue, QueueMember

NAME, SITE_KEY, PREFIX = "Replay", "replay", "replay"
# Wrap-ups hold their places too: above the talks that are open at once.
SPARE = 2
DEMO_DESKS = 5
DEMO_FIRST, DEMO_LAST = 2, 12
# Whoever's page was heard within this is a person at work.
HEARD = timedelta(seconds=12)


@dataclass(frozen=True)
class Stage:
    """Site key, operators as (user name, password), the outcome to choose by the customer's "resolved".

    `topics` are those of the site's form by name; a `shared` stage has visitors who are not ours.
    """

    site: str
    operators: list[tuple[str, str]]
    outcomes: dict[bool | None, int]
    topics: dict[str, int] = field(default_factory=dict)
    shared: bool = False


@transaction.atomic
def of_its_own(operators: int, open_talks: int) -> Stage:
    """Make or find the replay's site, queue and operators, with room for `open_talks` at once."""
    team = Team.objects.get_or_create(name=NAME)[0]
    queue = Queue.objects.get_or_create(name=NAME, defaults={"team": team})[0]
    site = _site()
    Entrance.objects.get_or_create(channel=site.channel, topic=None, defaults={"queue": queue})
    # Nobody knows the password but this run; hashing is slow on purpose, so one hash serves all.
    password = secrets.token_urlsafe(24)
    hashed = make_password(password)
    users = [_operator(number, team, hashed) for number in range(1, operators + 1)]
    capacity = -(-open_talks // operators) + SPARE
    for user in users:
        QueueMember.objects.get_or_create(queue=queue, user=user)
        Presence.objects.update_or_create(user=user, defaults={"capacity": min(capacity, 50)})
    QueueMember.objects.filter(queue=queue, user__username__startswith=PREFIX).exclude(user__in=users).delete()
    return Stage(SITE_KEY, [(user.username, password) for user in users], _outcomes())


def _site() -> Site:
    found = Site.objects.filter(key=SITE_KEY).select_related("channel").first()
    if found is not None:
        return found
    return Site.objects.create(
        channel=Channel.objects.create(name=f"{NAME}, chat", kind=ChannelKind.WEBCHAT),
        key=SITE_KEY,
        title=NAME,
        ask_name=False,
        ask_contact=False,
        ask_topic=False,
        ask_consent=False,
        # Talks that are played faster than people write.
        rate_per_min=6000,
    )


def _operator(number: int, team: Team, hashed: str) -> User:
    return User.objects.update_or_create(
        username=f"{PREFIX}{number}",
        defaults={"password": hashed, "is_active": True},
        create_defaults={
            "password": hashed,
            "first_name": NAME,
            "last_name": str(number),
            "role": Role.OPERATOR,
            "team": team,
        },
    )[0]


def _outcomes() -> dict[bool | None, int]:
    """Return an outcome for each closing answer: leaves of the tree, the first that counts as solved or not."""
    leaves = Disposition.objects.filter(active=True, children=None).order_by("pk")
    chosen: dict[bool | None, int] = {}
    for resolved in (True, False, None):
        leaf = leaves.filter(solved=bool(resolved)).first() or leaves.first()
        if leaf is not None:
            chosen[resolved] = leaf.pk
    return chosen


def of_the_demo() -> Stage:
    """Return the demo shop's site and a few operators at whose desks nobody sits; never operator1."""
    names = [f"operator{number}" for number in range(DEMO_FIRST, DEMO_LAST + 1)]
    users = {user.username: user for user in User.objects.filter(username__in=names, is_active=True)}
    seen = liveness.last_seen([liveness.operator_key(user.pk) for user in users.values()])
    now = timezone.now()
    free = [
        name
        for name in names
        if name in users and now - seen.get(liveness.operator_key(users[name].pk), now - 2 * HEARD) > HEARD
    ]
    operators = [(name, DEMO_PASSWORD) for name in free[:DEMO_DESKS]]
    topics = Topic.objects.filter(site__key=DEMO_SITE, active=True)
    return Stage(DEMO_SITE, operators, _outcomes(), dict(topics.values_list("name", "pk")), shared=True)
