"""Questions that screens and acts ask about queues: open or not, how long, who could take it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Avg, Count, F, Q, Sum, Window
from django.db.models.functions import Coalesce, RowNumber
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core.errors import Invalid
from interactions.models import Channel, Interaction, Topic
from routing.choices import Leg, LegEnd, Mode, Work, work_of
from routing.hours import Hours
from routing.models import Assignment, Entrance, GivesWay, Presence, Queue, QueueMember, WorkItem
from routing.strategies import estimate_wait

if TYPE_CHECKING:
    from cxcenter.accounts.models import Team, User

# A member who is signed in may take a contact sooner or later: he counts as on duty.
ON_DUTY = [Mode.AVAILABLE, Mode.PAUSE]


@dataclass(frozen=True)
class Door:
    """Whether a queue takes visitors now; if not, why and until when."""

    open: bool
    why: str = ""
    opens_at: datetime | None = None
    message: str = ""


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
    entrances = {
        entrance.topic_id: entrance
        for entrance in Entrance.objects.filter(channel=channel, queue__active=True).select_related("queue")
    }
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
    if not members_of(queue, now).filter(user__presence__mode__in=ON_DUTY).exists():
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


@dataclass(frozen=True)
class Place:
    """A place in a queue: position from 1, and the estimate in seconds if there is ground for one."""

    position: int
    estimate_s: float | None


def handling_s(now: datetime, queue_ids: Iterable[int]) -> dict[int, float]:
    """Return the mean handling time of each queue's contacts in the last day, wrap-up included; absent without any.

    In seconds. What was handed over or went back is no handled contact.
    """
    means = (
        Assignment.objects.filter(accepted_at__gt=now - timedelta(days=1), leg=Leg.ENDED, end=LegEnd.FINISHED)
        .filter(item__queue_id__in=list(queue_ids))
        .values_list("item__queue_id")
        .annotate(mean=Avg(Coalesce("wrapped_at", "ended_at") - F("accepted_at")))
    )
    return {queue_id: mean.total_seconds() for queue_id, mean in means}


def slots_of(now: datetime, queue_ids: Iterable[int]) -> dict[int, int]:
    """Return how many chats each queue's available operators serve at once; absent without any, or on a pause."""
    members = QueueMember.objects.filter(Q(until=None) | Q(until__gt=now), queue_id__in=list(queue_ids))
    members = members.exclude(user__presence__off__contains=[Work.CHAT])
    free = members.filter(user__presence__mode=Mode.AVAILABLE, queue__in=Queue.objects.offering(now))
    return dict(free.values_list("queue_id").annotate(total=Sum("user__presence__capacity")))


def waiting_order(limit: int) -> list[tuple[int, int, int]]:
    """Return (queue id, thread id, position from 1) of the first `limit` who wait in each queue. One query."""
    order = Window(RowNumber(), partition_by="queue_id", order_by=["rank_at", "id"])
    waiting = WorkItem.objects.filter(visit__in=["waiting", "offered"]).annotate(position=order)
    return list(waiting.filter(position__lte=limit).values_list("queue_id", "interaction__thread_id", "position"))


def place_of(interaction: Interaction) -> Place | None:
    """Return the place of one session that waits, or None if it does not wait."""
    item = WorkItem.objects.filter(interaction=interaction, visit__in=["waiting", "offered"]).first()
    if item is None:
        return None
    now = timezone.now()
    ahead = (
        WorkItem.objects.filter(queue_id=item.queue_id, visit__in=["waiting", "offered"])
        .filter(Q(rank_at__lt=item.rank_at) | Q(rank_at=item.rank_at, id__lt=item.pk))
        .count()
    )
    queue = item.queue_id
    return place(ahead + 1, handling_s(now, [queue]).get(queue), slots_of(now, [queue]).get(queue))


def place(position: int, mean_s: float | None, slots: int | None) -> Place:
    """Return a place with its estimate, which needs a mean handling time and somebody who serves."""
    if mean_s is None or slots is None:
        return Place(position, None)
    return Place(position, estimate_wait(ahead=position - 1, slots=slots, handling_s=mean_s))


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


def owner_of(interaction_id: int) -> Assignment | None:
    """Return the leg that holds a session now, or None."""
    return (
        Assignment.objects.filter(interaction_id=interaction_id, leg="active")
        .select_related("operator", "item__queue")
        .first()
    )
