"""The order of channels, topics and segments: what is served sooner. Every act is audited."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, Value

from customers.models import Segment
from cxcenter.core import audit
from cxcenter.core.events import announce
from interactions.models import Channel, Topic
from routing import locks, preferences
from routing.actions.queueing import head_start
from routing.actions.rules import refuse_foreign, save_rules
from routing.choices import Visit
from routing.events import RoomMade
from routing.models import Queue, WorkItem
from routing.rules import document as rules
from routing.rules.document import ALL, KINDS, PRIORITIES, Document, Settings

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
    why: str = "",
    seen: str = "",
    actor: "User",
) -> int:
    """Set what stands ahead of the rest in a queue, or in all (None), the first first: the last has one step, and so on up.

    It holds for contacts from now on; with `also_waiting` those who wait get their places by it as well. Returns how many
    of them have moved. Raises as save_rules does; what stands already may be saved for those who wait.
    """
    locks.lock_rules()
    edit, present = edit_of(queue, channels=channels, topics=topics, segments=segments), rules.current()
    if not also_waiting or rules.merged(present, edit) != present:
        save_rules(edit=edit, why=why, actor=actor, seen=seen, act="priority.order")
    if not also_waiting:
        return 0
    refuse_foreign(edit, present, actor)
    moved = _reorder(queue)
    audit.record(actor, "priority.waiting", f"queue:{_ident(queue)}", moved=moved)
    return moved


@transaction.atomic
def drop_order(*, queue: Queue, why: str = "", actor: "User") -> None:
    """Let a queue go by the order for all queues again. Raises as save_rules does."""
    save_rules(edit=edit_of(queue), why=why, actor=actor, act="priority.drop")


def edit_of(queue: Queue | None, **ahead: Sequence[Channel | Topic | Segment]) -> Document:
    """Return the change of the rules that makes an order, or with nothing said at all lets a queue have none of its own."""
    order: Settings = {"own": queue is None or bool(ahead)}
    for kind in KINDS:
        ranked = list(ahead.get(kind, ()))
        order[kind] = [[one.pk, steps] for steps, one in zip(range(len(ranked), 0, -1), ranked, strict=True)]
    return {PRIORITIES: {_ident(queue): order}}


def _ident(queue: Queue | None) -> str:
    return str(queue.pk) if queue else ALL


def _reorder(queue: Queue | None) -> int:
    """Give those who wait the steps that they would get now; what they have besides, by hand or by waiting, they keep."""
    queues = [queue] if queue else list(Queue.objects.all())
    live = WorkItem.objects.exclude(visit=Visit.LEFT).filter(queue__in=queues)
    locks.lock_items(live.values_list("pk", flat=True))
    topics = preferences.topics()
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
