"""The order of channels, topics and segments: what is served sooner. One audited act."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import DurationField, ExpressionWrapper, F, Value
from django.utils.translation import gettext as _

from customers.models import Segment
from cxcenter.accounts.roles import Right
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Forbidden
from cxcenter.core.events import announce
from interactions.models import Channel, Topic
from routing import locks, preferences
from routing.actions.control import refuse_foreign
from routing.actions.queueing import head_start
from routing.choices import Visit
from routing.events import RoomMade
from routing.models import PriorityStep, Queue, WorkItem

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


@transaction.atomic
def save_order(
    *,
    queue: Queue | None,
    channels: Sequence[Channel],
    topics: Sequence[Topic],
    segments: Sequence[Segment],
    also_waiting: bool = False,
    actor: "User",
) -> int:
    """Set what stands ahead of the rest in a queue, or in all (None), the first first: the last has one step, and so on up.

    It holds for contacts from now on; with `also_waiting` those who wait get their places by it as well. Returns how many
    of them have moved. Raises Forbidden for another team's queue, and for all queues unless the actor has every team.
    """
    if queue is not None:
        refuse_foreign(queue, actor)
    elif not actor.may(Right.EVERY_TEAM):
        raise Forbidden(_("The order for all queues is set by an administrator. Choose a queue of yours."))
    ahead = {
        **{("channel", one.pk): steps for steps, one in enumerate(reversed(channels), start=1)},
        **{("topic", one.pk): steps for steps, one in enumerate(reversed(topics), start=1)},
        **{("segment", one.pk): steps for steps, one in enumerate(reversed(segments), start=1)},
    }
    PriorityStep.objects.filter(queue=queue).delete()
    try:
        with transaction.atomic():
            PriorityStep.objects.bulk_create(
                PriorityStep(queue=queue, steps=ahead.get((kind, pk), 0), **{f"{kind}_id": pk})
                for kind, pk in (_everything() if queue else ahead)
            )
    except IntegrityError:
        raise Conflict(_("A colleague has just saved this order. Reload the page."), code="stale") from None
    moved = _reorder(queue) if also_waiting else 0
    audit.record(
        actor,
        "priority.order",
        f"queue:{queue.pk if queue else 'all'}",
        channels=[one.pk for one in channels],
        topics=[one.pk for one in topics],
        segments=[one.pk for one in segments],
        moved=moved,
    )
    return moved


@transaction.atomic
def drop_order(*, queue: Queue, actor: "User") -> None:
    """Let a queue go by the order for all queues again."""
    refuse_foreign(queue, actor)
    PriorityStep.objects.filter(queue=queue).delete()
    audit.record(actor, "priority.drop", f"queue:{queue.pk}")


def _everything() -> list[tuple[str, int]]:
    """Return all that has a place in an order: a queue's own says of each that it has one, or none."""
    kinds = (("channel", Channel), ("topic", Topic), ("segment", Segment))
    return [(kind, pk) for kind, model in kinds for pk in model.objects.values_list("pk", flat=True)]


def _topics() -> dict[int, Topic]:
    """Return all topics by number, each with those above it at hand. One query."""
    found = {topic.pk: topic for topic in Topic.objects.all()}
    for topic in found.values():
        topic.parent = found.get(topic.parent_id or 0)
    return found


def _reorder(queue: Queue | None) -> int:
    """Give those who wait the steps that they would get now; what they have besides, by hand or by waiting, they keep."""
    queues = [queue] if queue else list(Queue.objects.all())
    live = WorkItem.objects.exclude(visit=Visit.LEFT).filter(queue__in=queues)
    locks.lock_items(live.values_list("pk", flat=True))
    topics = _topics()
    moved = 0
    for one in queues:
        order = preferences.Order(preferences.rows_for(one))
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        asked = ("pk", "steps", "segments", "interaction__topic_id", "interaction__thread__channel_id")
        for pk, steps, segments, topic, channel in live.filter(queue=one).values_list(*asked):
            wanted = order.steps(channel=channel, topic=topics.get(topic), segments=segments)
            if wanted != steps:
                groups[steps, wanted].append(pk)
        for (before, after), ids in groups.items():
            sooner = ExpressionWrapper(Value((after - before) * head_start(one, 1)), DurationField())
            changes = {"steps": after, "priority": F("priority") + after - before, "rank_at": F("rank_at") - sooner}
            moved += WorkItem.objects.filter(pk__in=ids).update(**changes)
    if moved:
        announce(RoomMade(queues=[one.pk for one in queues]))
    return moved
