"""Run by `manage.py shell` in the installation: a team of its own for the tests of the board."""

import uuid
from datetime import timedelta

from django.utils import timezone

from customers import actions as customers
from cxcenter.accounts.models import Team, User
from cxcenter.core import liveness
from cxcenter.core.models import Tab
from interactions.actions import talk as talks
from interactions.choices import Author
from interactions.models import Channel, Interaction
from routing.actions import offers
from routing.models import Assignment, Entrance, PauseReason, Presence, Queue, QueueMember

TEAM = "Returns desk"


def plant() -> None:
    """Make a supervisor, three operators, two queues; one talk is in work, two wait."""
    team = Team.objects.create(name=TEAM)
    boss, ann, bob, eve = (
        User.objects.create_user(name, password="demo", first_name=name.title(), last_name="Ray", team=team, role=role)
        for name, role in (("rita", "supervisor"), ("ann", "operator"), ("bob", "operator"), ("eve", "operator"))
    )
    team.supervisors.add(boss)
    channel = Channel.objects.create(name="Returns messenger", kind="telegram")
    returns = Queue.objects.create(name="Returns", name_ru="Возвраты", team=team, target_s=600, wrapup_s=0)
    refunds = Queue.objects.create(name="Refunds", name_ru="Выплаты", team=team, target_s=600, wrapup_s=0)
    Entrance.objects.create(channel=channel, queue=returns)
    QueueMember.objects.create(queue=returns, user=ann)
    QueueMember.objects.create(queue=refunds, user=bob)
    QueueMember.objects.create(queue=refunds, user=eve)
    lunch = PauseReason.objects.get_or_create(name="Lunch", defaults={"name_ru": "Обед", "limit_min": 30})[0]
    far = timezone.now() + timedelta(days=1)
    for user, mode in ((ann, "available"), (bob, "pause"), (eve, "available")):
        # Nobody sits at their desks: a page that is heard of tomorrow keeps them on duty.
        Tab.objects.create(id=uuid.uuid4(), owner=liveness.operator_key(user.pk), opened_at=timezone.now(), seen_at=far)
        Presence.objects.create(
            user=user,
            mode=mode,
            state=mode,
            capacity=1 if user == ann else 4,
            reason=lunch if mode == "pause" else None,
        )
    held = write(channel, "Clara Held", "The parcel is broken")
    offers.accept_offer(leg_id=Assignment.objects.get(interaction=held, leg="offered").pk, actor=ann)
    talks.post_message(thread_id=held.thread_id, author=Author.STAFF, user=ann, text="Please send a picture")
    write(channel, "Walter First", "Where is my money?")
    write(channel, "Wanda Second", "I want to return a tyre")


def write(channel: Channel, name: str, text: str) -> Interaction:
    """Let a customer write for the first time."""
    identity, profile = customers.find_or_create_by_identity(kind="telegram", value=name, source="telegram")
    thread = talks.open_thread(channel=channel, identity=identity, profile=profile)
    session, _new = talks.open_interaction(thread=thread, says={"name": name})
    talks.post_message(thread_id=thread.pk, author=Author.CUSTOMER, text=text, client_key=uuid.uuid4())
    return session
