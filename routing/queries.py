"""Questions that screens and acts ask about queues: open or not, who waits in which place, who could take it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Case, Count, Exists, OuterRef, Q, When, Window
from django.db.models.functions import Coalesce, RowNumber
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core.errors import Invalid
from cxcenter.core.planned import Given, Planned
from cxcenter.core.statements import Statement
from interactions.models import Channel, Interaction, Topic
from routing.choices import Leg, Mode, Work, work_of
from routing.hours import Hours
from routing.models import Assignment, Entrance, GivesWay, Guest, OperatorSkill, Presence, Queue, QueueMember, WorkItem

if TYPE_CHECKING:
    from cxcenter.accounts.models import Team, User

# A member who is signed in may take a contact sooner or later: he counts as on duty.
ON_DUTY = [Mode.AVAILABLE, Mode.PAUSE]
# Asked of everybody who comes, and while a phone rings.
STAFFED = Statement(
    "staffed",
    """
    SELECT 1 FROM routing_queuemember member JOIN routing_presence presence USING (user_id)
        JOIN accounts_user person ON person.id = user_id
    WHERE queue_id = %(queue)s AND (until IS NULL OR until > %(now)s) AND is_active AND mode = ANY(%(modes)s) LIMIT 1
    """,
    queue="bigint",
    now="timestamptz",
    modes="text[]",
)
# Asked whenever a contact comes, and when it is accepted: nearly always there is nothing.
AWAITS = Statement(
    "awaits_call",
    """
    WITH talk AS (
        SELECT interaction.id, interaction.profile_id, thread_id, identity_id
        FROM interactions_interaction interaction JOIN interactions_thread thread ON thread.id = thread_id
        WHERE interaction.id = %(interaction)s
    ), cards AS (
        SELECT id FROM customers_profile WHERE customer_id = (
            SELECT customer_id FROM customers_profile WHERE id = (SELECT profile_id FROM talk)
        )
    )
    SELECT EXISTS (SELECT FROM talk WHERE profile_id IS NULL)
        OR EXISTS (SELECT FROM routing_callback WHERE session_id = %(interaction)s)
        OR EXISTS (SELECT FROM routing_callback WHERE state <> 'ended' AND asked_in_id = (SELECT thread_id FROM talk))
        OR EXISTS (SELECT FROM routing_callback WHERE state <> 'ended' AND profile_id IN (SELECT id FROM cards))
        OR EXISTS (
            SELECT FROM routing_callback JOIN interactions_thread thread ON thread.id = thread_id
            WHERE state <> 'ended' AND identity_id = (SELECT identity_id FROM talk)
        )
        OR EXISTS (SELECT FROM interactions_task WHERE done_at IS NULL AND profile_id IN (SELECT id FROM cards))
        OR EXISTS (
            SELECT FROM interactions_task task JOIN interactions_interaction left_talk ON left_talk.id = interaction_id
            WHERE done_at IS NULL AND left_talk.thread_id = (SELECT thread_id FROM talk)
        )
    """,
    interaction="bigint",
)
ENTRANCES = Planned(
    "entrances",
    lambda: Entrance.objects.filter(channel_id=Given("channel", "bigint"), queue__active=True).select_related(
        "queue__hours", "queue__frequent__to"
    ),
)
HELD_BY = Planned(
    "held_by",
    lambda: Interaction.objects.filter(
        pk=Given("interaction", "bigint"), legs__operator_id=Given("operator", "bigint"), legs__leg=Leg.ACTIVE
    ).select_related("voice")[:1],
)
OWNER = Planned(
    "owner",
    lambda: Assignment.objects.filter(interaction_id=Given("interaction", "bigint"), leg=Leg.ACTIVE).select_related(
        "operator", "item__queue"
    )[:1],
)


@dataclass(frozen=True)
class Door:
    """Whether a queue takes visitors now; if not, why and until when, and whether a request may be left instead.

    `letters` tells that an answer by letter may be asked for, not a call only.
    """

    open: bool
    why: str = ""
    opens_at: datetime | None = None
    message: str = ""
    form: bool = True
    letters: bool = True


def hours_of(queue: Queue) -> Hours | None:
    """Return the business hours of a queue, or None if it is always open."""
    if queue.hours is None:
        return None
    return Hours(
        zone=queue.hours.zone,
        weekly=tuple((i.day, i.opens, i.closes) for i in queue.hours.intervals.all()),
        special={h.date: (h.opens, h.closes) if h.opens and h.closes else None for h in queue.hours.holidays.all()},
    )


def queue_for(*, channel: Channel, topic: Topic | None) -> Entrance | None:
    """Return the entrance of a new session: its topic's, a parent topic's, else the channel's own."""
    entrances = {entrance.topic_id: entrance for entrance in ENTRANCES.rows(channel=channel.pk)}
    while topic is not None:
        if topic.pk in entrances:
            return entrances[topic.pk]
        topic = topic.parent
    return entrances.get(None)


def door_of(queue: Queue, now: datetime | None = None) -> Door:
    """Tell whether the queue takes visitors now: closed by hand, out of hours, nobody on duty, full."""
    now = now or timezone.now()
    if queue.closed_until and queue.closed_until > now:
        return Door(open=False, why="closed", opens_at=queue.closed_until, message=queue.message)
    hours = hours_of(queue)
    if hours and not hours.is_open(now):
        return Door(open=False, why="hours", opens_at=hours.next_opening(now))
    if not is_staffed(queue, now):
        return Door(open=False, why="nobody")
    if queue.max_waiting is not None and queue.items.filter(visit="waiting").count() >= queue.max_waiting:
        return Door(open=False, why="full")
    # The message was written for a time: after a closing or a pause that ended by itself it tells nothing.
    is_paused = queue.paused_until is not None and queue.paused_until > now
    return Door(open=True, message=queue.message if is_paused else "")


def members_of(queue: Queue, now: datetime | None = None) -> models.QuerySet[QueueMember]:
    """Return memberships that count now: lent operators until their time is over."""
    now = now or timezone.now()
    return QueueMember.objects.filter(Q(until=None) | Q(until__gt=now), queue=queue, user__is_active=True)


def is_staffed(queue: Queue, now: datetime) -> bool:
    """Tell whether somebody who serves a queue is on duty."""
    return STAFFED.row(queue=queue.pk, now=now, modes=ON_DUTY) is not None


def could_serve(queue: Queue, *wanted: Mapping[int, int]) -> bool:
    """Tell whether any member of a queue has all of these skills (id → least level), at work or not. Two queries."""
    members = members_of(queue).values_list("user_id", flat=True)
    held: dict[int, dict[int, int]] = {user: {} for user in members}
    for one in OperatorSkill.objects.filter(user__in=held, ended_at=None):
        held[one.user_id][one.skill_id] = one.level
    needs = [need for asked in wanted for need in asked.items()]
    return any(all(levels.get(skill, 0) >= least for skill, least in needs) for levels in held.values())


def waiting_order(limit: int) -> list[tuple[int, int, int, datetime]]:
    """Return (queue id, thread id, position from 1, when he came) of the first `limit` who wait in each queue. One query.

    The thread is the one in which the customer looks: of a callback, where he asked for it.
    """
    order = Window(RowNumber(), partition_by="queue_id", order_by=["rank_at", "id"])
    told = Coalesce("interaction__callback__asked_in", "interaction__thread")
    waiting = WorkItem.objects.filter(visit__in=["waiting", "offered"]).annotate(position=order, told=told)
    first = waiting.filter(position__lte=limit)
    return list(first.values_list("queue_id", "told", "position", "entered_at"))


def open_queues(now: datetime) -> list[Queue]:
    """Return the queues that take contacts now and offer them, those of one team beside each other."""
    offering = Queue.objects.offering(now).select_related("hours", "team").order_by("team__name", "name")
    return [
        queue for queue in offering.prefetch_related("hours__intervals", "hours__holidays") if door_of(queue, now).open
    ]


def queue_of_group(team: "Team", interaction: Interaction, user: "User") -> Queue:
    """Return the queue of a group that can take a session and in which the fewest wait. Raises Invalid without any."""
    waiting = Count("items", filter=Q(items__visit="waiting"))
    able = [queue.pk for queue in who_can_take(interaction, user)[0] if queue.team_id == team.pk]
    queue = Queue.objects.filter(pk__in=able).annotate(waits=waiting).order_by("waits", "pk").first()
    if queue is None:
        raise Invalid(_("No queue of this group is open now."), field="target")
    return queue


def who_can_take(interaction: Interaction, user: "User") -> tuple[list[Queue], list[Presence]]:
    """Return where a session could go: open queues in which somebody is ready, and people with room.

    Neither the queue in which it is nor who holds it: that would be no transfer. Who pauses will come back, but
    cannot take it now.
    """
    now = timezone.now()
    visit = WorkItem.objects.filter(interaction=interaction).order_by("-pk").first()
    owner = owner_of(interaction.pk)
    members = QueueMember.objects.filter(Q(until=None) | Q(until__gt=now), user__is_active=True)
    others = members.exclude(user__in=[user.pk, owner.operator_id if owner else user.pk])
    ready = set(others.filter(user__presence__mode=Mode.AVAILABLE).values_list("queue_id", flat=True))
    queues = [queue for queue in open_queues(now) if queue.pk in ready and not (visit and visit.queue_id == queue.pk)]
    serving = others.filter(queue__in=Queue.objects.offering(now)).values("user")
    people = Presence.objects.ready().filter(user__in=serving).select_related("user", "user__team")
    work, rules = work_of(interaction.kind), GivesWay.pairs()
    return queues, [one for one in people.order_by("load", "user__first_name") if one.takes(work, rules)]


def colleagues_of(user: "User") -> list[Presence]:
    """Return colleagues on duty who can be called into a call, with `in_call`; the ready ones first, two hundred at most."""
    calls = Assignment.objects.filter(operator=OuterRef("user"), leg=Leg.ACTIVE, item__work=Work.CALL)
    taken_in = Guest.objects.live().filter(user=OuterRef("user"))
    on_duty = Presence.objects.filter(user__is_active=True).exclude(mode=Mode.OFFLINE).exclude(user=user)
    people = on_duty.select_related("user__team").annotate(in_call=Exists(calls) | Exists(taken_in))
    ready = Case(When(mode=Mode.AVAILABLE, then=0), default=1)
    return list(people.order_by("in_call", ready, "user__first_name", "user__last_name")[:200])


def may_await(interaction_id: int) -> bool:
    """Tell whether the customer of a session may be waiting to be called: a callback or a task of his is open.

    False is certain. True also says that nobody knows whose session it is, or that the task is of another kind.
    """
    found = AWAITS.row(interaction=interaction_id)
    return bool(found and found[0])


def held_by(interaction_id: int, user: "User") -> Interaction | None:
    """Return a session that is in a user's hands now, None if it is not."""
    return HELD_BY.first(interaction=interaction_id, operator=user.pk)


def owner_of(interaction_id: int) -> Assignment | None:
    """Return the leg that holds a session now, or None."""
    return OWNER.first(interaction=interaction_id)
