"""Messages that callers leave: instead of waiting any longer, or at a shut door. The queue's team gets a task with each."""

import uuid
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core.errors import Conflict
from interactions.actions import calls, cases, recordings, talk
from interactions.choices import CloseReason, TaskKind
from interactions.models import CallLink, Interaction, Recording, Thread
from routing import locks, missed, overflow
from routing.actions import queueing
from routing.actions.overflow import SAME_REFUSAL
from routing.choices import Outcome, Visit
from routing.models import Assignment, Queue, WorkItem


def left_before(*, thread: Thread | None, key: uuid.UUID) -> bool:
    """Tell whether a message is here already: it was sent again. Raises Conflict for the key of somebody else's."""
    found = Recording.objects.filter(public_id=key).select_related("interaction").first()
    if found is None:
        return False
    if thread is None or found.interaction.thread_id != thread.pk:
        raise Conflict(_("This key belongs to another recording."), code="other_recording")
    return True


@transaction.atomic
def instead_of_waiting(*, interaction: Interaction, key: uuid.UUID, content: bytes) -> Recording:
    """Let who waits leave a message: his call is over by it. Raises Conflict if an operator has it, or he waits no more."""
    item = locks.lock_live_item(interaction.pk)
    if Assignment.objects.owned().filter(interaction=interaction).exists():
        raise Conflict(_("An operator is with you already."), code="served")
    if item is None or not item.queue.voicemail:
        raise Conflict(_("No messages are taken here."), code="no_voicemail")
    queueing.drop_from_queue(interaction_id=interaction.pk, outcome=Outcome.FLOWED_OUT)
    talk.close_interaction(interaction_id=interaction.pk, reason=CloseReason.VOICEMAIL)
    return _keep(interaction, item.queue, key, content)


@transaction.atomic
def at_the_door(
    *, thread: Thread, way: overflow.Way, key: uuid.UUID, content: bytes, link: CallLink | None = None, **session: Any
) -> Recording:
    """Keep the message of who was not let in, as a call of his. Raises Conflict where none are taken, Forbidden if blocked."""
    if not way.queue.voicemail:
        raise Conflict(_("No messages are taken here."), code="no_voicemail")
    talk.refuse_blocked(thread)
    Thread.objects.select_for_update().get(pk=thread.pk)
    interaction = talk.refuse_interaction(thread=thread, reason=CloseReason.VOICEMAIL, **session)
    calls.begin(interaction=interaction, link=link)
    calls.end(interaction=interaction)
    _visit(interaction, way)
    return _keep(interaction, way.queue, key, content)


def _visit(interaction: Interaction, way: overflow.Way) -> None:
    """Note the visit: blocked, unless he was counted so lately, or the door has opened while he spoke."""
    now = timezone.now()
    last = WorkItem.objects.filter(interaction__thread=interaction.thread_id).order_by("-pk").first()
    counted = last is not None and last.outcome == Outcome.BLOCKED and last.entered_at > now - SAME_REFUSAL
    is_blocked = not counted and not way.door.open
    WorkItem.objects.create(
        queue=way.queue,
        interaction=interaction,
        visit=Visit.LEFT,
        priority=way.queue.priority,
        entered_at=now,
        waits_since=now,
        rank_at=queueing.rank(way.queue, now, way.queue.priority),
        left_at=now,
        outcome=Outcome.BLOCKED if is_blocked else Outcome.WITHDRAWN,
        blocked_kind=way.kind if is_blocked else "",
    )


def _keep(interaction: Interaction, queue: Queue, key: uuid.UUID, content: bytes) -> Recording:
    recording = recordings.keep_message(interaction=interaction, key=key, content=content)
    cases.create_task(
        title=interaction.caller,
        kind=TaskKind.VOICEMAIL,
        team=queue.team,
        profile=interaction.profile,
        interaction=interaction,
        due_at=missed.due_at(queue),
        contact=missed.contact_of(interaction),
    )
    return recording
