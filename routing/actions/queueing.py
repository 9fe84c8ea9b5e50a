"""Entering and leaving a queue."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import DurationField, ExpressionWrapper, F, Value
from django.utils import timezone

from cxcenter.core import realtime
from cxcenter.core.events import announce
from interactions.models import Interaction
from routing import locks, queries, skills
from routing.actions import states
from routing.choices import Leg, LegEnd, Outcome, Visit, work_of
from routing.events import ItemLeft, ItemQueued, LegEnded
from routing.models import Assignment, Queue, WorkItem

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# "First in line": before everybody who waits by time and priority.
HEAD_OF_LINE = timedelta(days=7)


# With a weight of waiting of 0 no wait makes up for a step of priority.
NEVER_MADE_UP = timedelta(days=3650)
# Whatever the weights: a place is a date that can be written.
FURTHEST = timedelta(days=365_000)


def head_start(queue: Queue, priority: int) -> timedelta:
    """Return how much earlier than its time of entering a contact of this priority stands in the order of a queue."""
    if queue.wait_weight <= 0:
        start = priority * NEVER_MADE_UP if queue.priority_weight > 0 else timedelta(0)
    else:
        seconds = priority * queue.priority_weight / queue.wait_weight
        start = timedelta(seconds=max(-FURTHEST.total_seconds(), min(seconds, FURTHEST.total_seconds())))
    return max(-FURTHEST, min(start, FURTHEST))


def rank(queue: Queue, waits_since: datetime, priority: int) -> datetime:
    """Return the place in the order: the moment of entering less the head start of the priority."""
    return waits_since - head_start(queue, priority)


def credit(queue: Queue, waits_since: datetime, priority: int, rank_at: datetime) -> timedelta:
    """Return the waiting that a contact is credited with in the order beyond its own: who is first in line has much."""
    return rank(queue, waits_since, priority) - rank_at


def is_first_in_line(item: WorkItem) -> bool:
    """Tell whether an item was put before those who wait by time and priority."""
    return credit(item.queue, item.waits_since, item.priority, item.rank_at) >= HEAD_OF_LINE


@transaction.atomic(savepoint=False)
def enqueue(
    *,
    interaction: Interaction,
    queue: Queue,
    boost: int = 0,
    waits_since: datetime | None = None,
    first_in_line: bool = False,
    preferred: "User | None" = None,
    only_preferred: bool = False,
    preferred_for: timedelta | None = None,
    note: str = "",
    sent_by: "User | None" = None,
) -> WorkItem | None:
    """Put a session into a queue. Returns None if it waits or is held already, or has ended: it can be repeated."""
    now = timezone.now()
    since = waits_since or now
    priority = queue.priority + boost
    item = WorkItem(
        queue=queue,
        interaction=interaction,
        priority=priority,
        entered_at=now,
        waits_since=since,
        work=work_of(interaction.kind),
        path=skills.path_for(queue=queue, topic=interaction.topic, language=interaction.language),
        rank_at=rank(queue, since, priority) - (HEAD_OF_LINE if first_in_line else timedelta(0)),
        preferred=preferred,
        only_preferred=only_preferred,
        preferred_until=now + preferred_for if preferred and preferred_for else None,
        note=note,
        sent_by=sent_by,
    )
    try:
        with transaction.atomic():
            item.save(force_insert=True)
            # Looked at only now: whoever else queues or accepts it at this moment has made us wait for him.
            if not _is_nobodys(interaction.pk):
                raise IntegrityError
    except IntegrityError:
        # one_live_visit: somebody queued it at the same moment.
        return None
    announce(ItemQueued(item=item.pk, interaction=interaction.pk, queue=queue.pk))
    return item


def _is_nobodys(interaction_id: int) -> bool:
    held = [Leg.OFFERED, Leg.ACTIVE]
    return Interaction.objects.open().filter(pk=interaction_id).exclude(legs__leg__in=held).exists()


def enqueue_new(*, interaction: Interaction, waits_since: datetime | None = None) -> WorkItem | None:
    """Give a new session its queue by channel and topic; back to the last operator if he can take it soon."""
    entrance = queries.queue_for(channel=interaction.thread.channel, topic=interaction.topic)
    if entrance is None:
        return None
    return enqueue(
        interaction=interaction,
        queue=entrance.queue,
        boost=entrance.boost,
        waits_since=waits_since,
        preferred=last_operator(interaction),
        preferred_for=timedelta(seconds=30),
    )


def last_operator(interaction: Interaction) -> "User | None":
    """Return who served this thread last, if that was within the channel's time of return."""
    within = timezone.now() - timedelta(seconds=interaction.thread.channel.return_s)
    leg = (
        Assignment.objects.filter(interaction__thread=interaction.thread_id, accepted_at__isnull=False)
        .filter(ended_at__gt=within)
        .select_related("operator")
        .order_by("-accepted_at")
        .first()
    )
    return leg.operator if leg else None


def leave_queue(item: WorkItem, outcome: str, *, at: datetime | None = None) -> None:
    """Note how a visit ended. The caller holds the item's lock."""
    item.visit, item.outcome, item.left_at = Visit.LEFT, outcome, at or timezone.now()
    item.save(update_fields=["visit", "outcome", "left_at"])
    announce(ItemLeft(item=item.pk, interaction=item.interaction_id, queue=item.queue_id, outcome=outcome))


@transaction.atomic(savepoint=False)
def drop_from_queue(*, interaction_id: int, outcome: str = Outcome.ABANDONED, at: datetime | None = None) -> bool:
    """Take a session out of its queue, an offer of it included: the customer left or the session ended."""
    item = locks.lock_live_item(interaction_id)
    if item is None:
        return False
    offer = Assignment.objects.filter(item=item, leg=Leg.OFFERED).first()
    if offer is not None:
        presence = locks.lock_presence(offer.operator_id)
        end_leg(offer, LegEnd.WITHDRAWN)
        states.settle(presence, loads=-1, work=item.work)
    leave_queue(item, outcome, at=at)
    return True


def end_leg(leg: Assignment, end: str, *, at: datetime | None = None) -> None:
    """End a leg and tell its operator's pages. The caller holds the locks and settles the presence."""
    leg.leg, leg.end, leg.ended_at, leg.holds = Leg.ENDED, end, leg.ended_at or at or timezone.now(), False
    leg.save(update_fields=["leg", "end", "ended_at", "holds"])
    announce(LegEnded(leg=leg.pk, interaction=leg.interaction_id, operator=leg.operator_id, end=end))
    realtime.signal(leg.operator_id, "sessions", leg.interaction_id)


@transaction.atomic
def reorder(*, queue: Queue, before: timedelta) -> None:
    """Give those who wait their places by a queue's new weights; `before` is what one step of priority was worth."""
    moved = before - head_start(queue, 1)
    live = WorkItem.objects.filter(queue=queue).exclude(visit=Visit.LEFT)
    locks.lock_items(live.values_list("pk", flat=True))
    live.update(rank_at=F("rank_at") + ExpressionWrapper(F("priority") * Value(moved), DurationField()))


@transaction.atomic
def change_priority(*, item_id: int, priority: int) -> WorkItem:
    """Move a waiting contact in its queue by a new priority. Who stands first in line stays there."""
    item = locks.lock_item(item_id)
    item.rank_at -= head_start(item.queue, priority) - head_start(item.queue, item.priority)
    item.priority = priority
    item.save(update_fields=["priority", "rank_at"])
    return item
