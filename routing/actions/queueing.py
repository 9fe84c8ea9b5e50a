"""Entering and leaving a queue."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import DurationField, ExpressionWrapper, F, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.segmentation import segments_of
from cxcenter.accounts.models import User
from cxcenter.core import audit, realtime
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.events import announce
from cxcenter.core.statements import Statement
from interactions.actions import talk
from interactions.choices import SPOKEN, Audience, ChannelKind
from interactions.models import Interaction, Message
from routing import locks, preferences, queries, skills
from routing.actions import states, voice
from routing.choices import Leg, LegEnd, Outcome, Visit, work_of
from routing.events import ItemLeft, ItemQueued, LegEnded, RoomMade
from routing.models import Assignment, Queue, WorkItem

# Asked for every session that comes.
NOBODYS = Statement(
    "nobodys",
    """
    SELECT 1 FROM interactions_interaction WHERE id = %(interaction)s AND closed_at IS NULL AND NOT EXISTS (
        SELECT FROM routing_assignment WHERE interaction_id = %(interaction)s AND leg IN ('offered', 'active')
    )
    """,
    interaction="bigint",
)
KNOWN = Statement(
    "known", "SELECT 1 FROM routing_workitem WHERE interaction_id = %(interaction)s", interaction="bigint"
)

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
    ahead: timedelta = timedelta(0),
    preferred: User | None = None,
    only_preferred: bool = False,
    preferred_for: timedelta | None = None,
    note: str = "",
    sent_by: User | None = None,
    segments: Sequence[str] = (),
    steps: int = 0,
    frequent: dict[str, Any] | None = None,
) -> WorkItem | None:
    """Put a session into a queue, `ahead` of its wait. Returns None if it waits or is held already, or has ended.

    `segments` are codes of those to which its customer belongs; `steps` the part of `boost` that follows from the order of
    channels, topics and segments.
    """
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
        path=_path(interaction, queue, segments),
        segments=list(segments),
        steps=steps,
        frequent=frequent,
        rank_at=rank(queue, since, priority) - ahead - (HEAD_OF_LINE if first_in_line else timedelta(0)),
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
            if not is_nobodys(interaction.pk):
                raise IntegrityError
    except IntegrityError:
        # one_live_visit: somebody queued it at the same moment.
        return None
    announce(ItemQueued(item=item.pk, interaction=interaction.pk, queue=queue.pk))
    return item


def _path(interaction: Interaction, queue: Queue, segments: Sequence[str]) -> int:
    asked = {int(skill): level for skill, level in interaction.asked.items()}
    return skills.path_for(
        queue=queue, topic=interaction.topic, language=interaction.language, segments=segments, asked=asked
    )


def is_nobodys(interaction_id: int) -> bool:
    """Tell whether a session goes on that nobody holds and nobody is offered."""
    return NOBODYS.row(interaction=interaction_id) is not None


def is_known(interaction_id: int) -> bool:
    """Tell whether a session waits, or has been in a queue before."""
    return KNOWN.row(interaction=interaction_id) is not None


def enqueue_new(*, interaction: Interaction, waits_since: datetime | None = None) -> WorkItem | None:
    """Give a new session its queue by channel and topic, its priority by the order, and the operator it is meant for.

    Who comes too often about the same goes to the second line, if that takes anybody now.
    """
    entrance = queries.queue_for(channel=interaction.thread.channel, topic=interaction.topic)
    if entrance is None:
        return None
    meant = preferences.meant(interaction, entrance.queue)
    queue, frequent = line_of(entrance.queue, interaction, meant.contacts)
    customer = interaction.profile.customer if interaction.profile else None
    segments = [segment.code for segment in segments_of(customer)]
    steps = preferences.steps_for(queue, interaction, segments)
    return enqueue(
        interaction=interaction,
        queue=queue,
        boost=entrance.boost + steps,
        waits_since=waits_since,
        # Of him only the number is kept.
        preferred=User(pk=meant.operator) if meant.operator and queue.preferred_s else None,
        preferred_for=timedelta(seconds=queue.preferred_s),
        segments=segments,
        steps=steps,
        frequent=frequent,
    )


def line_of(queue: Queue, interaction: Interaction, contacts: int) -> tuple[Queue, dict[str, Any] | None]:
    """Return the queue for who has come so often about the same, and why; where it takes nobody now, the first one."""
    rule = preferences.rule_of(queue)
    if rule is None or contacts < rule.contacts:
        return queue, None
    sent = rule.to.active and queries.door_of(rule.to).open
    why = {"contacts": contacts, "days": rule.days, "topic": interaction.topic_id, "queue": queue.pk, "sent": sent}
    return rule.to if sent else queue, why


@transaction.atomic
def ask_for(*, item_id: int, asked: Mapping[int, int], actor: User) -> WorkItem:
    """Let a program or an answer in a menu say which levels of skills a waiting contact asks for, besides the rules.

    They never loosen, and stay with the contact when it is handed on. Raises Invalid for a skill or level that there is
    not, and if nobody in the queue has them all; Conflict (code "left") if it does not wait.
    """
    item = locks.lock_item(item_id)
    if item.visit != Visit.WAITING:
        raise Conflict(_("This contact does not wait any more."), code="left")
    if not all(1 <= level <= 5 for level in asked.values()):
        raise Invalid(_("Choose a level from 1 to 5."), field="asked")
    interaction = Interaction.objects.select_related("topic").get(pk=item.interaction_id)
    rules = skills.rules_for(
        queue=item.queue, topic=interaction.topic, language=interaction.language, segments=item.segments
    )
    if not queries.could_serve(item.queue, asked, skills.least_of(rules)):
        raise Invalid(_("Nobody in this queue has all of these skills: it would wait for ever."), field="asked")
    interaction.asked = {str(skill): level for skill, level in asked.items()}
    interaction.save(update_fields=["asked"])
    item.path = _path(interaction, item.queue, item.segments)
    item.save(update_fields=["path"])
    audit.record(actor, "item.ask", f"item:{item.pk}", asked=interaction.asked)
    announce(RoomMade(queues=[item.queue_id]))
    return item


def leave_queue(item: WorkItem, outcome: str, *, at: datetime | None = None) -> None:
    """Note how a visit ended. The caller holds the item's lock."""
    item.visit, item.outcome, item.left_at = Visit.LEFT, outcome, at or timezone.now()
    item.save(update_fields=["visit", "outcome", "left_at"])
    announce(ItemLeft(item=item.pk, interaction=item.interaction_id, queue=item.queue_id, outcome=outcome))


def note_estimate(*, item_id: int, estimate_s: float, estimator: str) -> None:
    """Keep what a visitor is told first of his wait, and when. What he is told later changes nothing."""
    untold = WorkItem.objects.filter(pk=item_id, visit=Visit.WAITING, estimated_at=None)
    untold.update(estimate_s=round(estimate_s), estimator=estimator, estimated_at=timezone.now())


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
    voice.ended(leg)
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


def say_taken(interaction: Interaction, actor: User) -> Message | None:
    """Tell in the talk who has it in his hands now. Returns the line, None if the session has ended.

    Who is spoken with reads nothing: there it is a note for colleagues, and nobody has joined a chat.
    """
    code = {ChannelKind.CALLBACK: "calling", ChannelKind.VOICE: "answered"}.get(ChannelKind(interaction.kind), "joined")
    audience = Audience.STAFF if interaction.kind in SPOKEN else Audience.ALL
    args = {"name": actor.public_name}
    return talk.post_system_line(thread_id=interaction.thread_id, code=code, args=args, user=actor, audience=audience)
