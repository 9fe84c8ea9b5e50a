"""Calls that nobody answered: where a queue wants it, its team gets a task to call back.

One for a customer and day, on which his further missed calls are counted. It is done by itself when he is served.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from customers.locks import hold_profile
from customers.models import Identity, ProfileIdentity
from cxcenter.core.errors import Gone
from interactions.actions import cases
from interactions.choices import ChannelKind, CloseReason, Direction, TaskKind
from interactions.models import Call, Interaction, MissedCall, Task, Thread
from routing import queries
from routing.actions import callbacks
from routing.models import Assignment, Queue, WorkItem

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# Hung up while waiting, his page gone, turned away: not what he asked for instead, and no spam.
MISSED = {CloseReason.ENDED, CloseReason.LEFT, CloseReason.REFUSED, CloseReason.NO_ANSWER}
WITHIN = timedelta(minutes=30)


def note(*, interaction_id: int) -> Task | None:
    """Make the task of a call that has ended, or count it on that of the day. Repeating it changes nothing.

    None if it was answered, its queue wants no tasks, he is called back anyhow or was served since, or nobody knows how to
    reach him.
    """
    if _answered(interaction_id).exists():
        return None
    with transaction.atomic():
        return _note(interaction_id)


def _note(interaction_id: int) -> Task | None:
    # He may miss two calls at once.
    Thread.objects.select_for_update().get(interactions=interaction_id)
    related = ("thread__identity", "profile__customer", "missed__task")
    talk = Interaction.objects.select_related(*related).get(pk=interaction_id)
    if hasattr(talk, "missed"):
        return talk.missed.task
    if _answered(talk.pk).exists():
        return None
    queue, contact = _queue_of(talk), contact_of(talk)
    if queue is None or not contact or _is_settled(talk):
        return None
    try:
        if talk.profile is not None:
            hold_profile(talk.profile.pk)
    except Gone:
        return None
    task = _tasks_of(talk, contact).filter(created_at__gte=_midnight()).first() or _made(talk, queue, contact)
    MissedCall.objects.create(interaction=talk, task=task, at=talk.closed_at)
    return task


def settle(*, interaction: Interaction, actor: "User") -> int:
    """A customer is served on the phone: nobody need call him any more. Returns how many tasks are done by it."""
    done = list(_tasks_of(interaction, contact_of(interaction)).values_list("pk", flat=True))
    for pk in done:
        cases.finish_task(task_id=pk, actor=actor)
    return len(done)


def _queue_of(talk: Interaction) -> Queue | None:
    """Return the queue whose team is to call back: the last one of a call that nobody answered."""
    if talk.kind != ChannelKind.VOICE or talk.close_reason not in MISSED:
        return None
    if Call.objects.filter(interaction=talk, direction=Direction.OUT).exists():
        return None
    item = (
        WorkItem.objects.filter(interaction=talk).select_related("queue__team", "queue__hours").order_by("-pk").first()
    )
    return item.queue if item and item.queue.missed_tasks else None


def _answered(interaction_id: int) -> "QuerySet[Assignment]":
    return Assignment.objects.filter(interaction=interaction_id, accepted_at__isnull=False)


def contact_of(talk: Interaction) -> str:
    """Return where to reach who called: his number, what he said, else what his card knows; "" if nothing is known."""
    if talk.thread.identity.kind == Identity.Kind.PHONE:
        return talk.thread.identity.value
    if said := talk.says.get("contact", ""):
        return str(said)
    if talk.profile is None:
        return ""
    known = ProfileIdentity.objects.filter(profile__customer=talk.profile.customer_id).order_by("-primary", "-verified")
    for kind in (Identity.Kind.PHONE, Identity.Kind.EMAIL):
        if value := known.filter(identity__kind=kind).values_list("identity__value", flat=True).first():
            return str(value)
    return ""


def _is_settled(talk: Interaction) -> bool:
    """Tell whether he is called back by a callback, or was served since he hung up: facts may be handled late."""
    if callbacks.of_customer(talk).exists():
        return True
    same = (
        {"interaction__profile__customer": talk.profile.customer_id}
        if talk.profile
        else {"interaction__thread": talk.thread_id}
    )
    later = Assignment.objects.filter(accepted_at__gt=talk.closed_at, interaction__kind=ChannelKind.VOICE)
    return later.filter(**same).exists()


def _tasks_of(talk: Interaction, contact: str) -> Any:
    """Return the open tasks of a customer's missed calls; of one on nobody's card, those with the same contact."""
    whose = {"profile__customer": talk.profile.customer_id} if talk.profile else {"profile": None, "contact": contact}
    open_tasks = Task.objects.open().filter(missed__isnull=False, **whose)
    return open_tasks.order_by("pk").distinct()


def _midnight() -> datetime:
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def _made(talk: Interaction, queue: Queue, contact: str) -> Task:
    return cases.create_task(
        title=talk.caller,
        kind=TaskKind.WRITE if "@" in contact else TaskKind.CALLBACK,
        team=queue.team,
        profile=talk.profile,
        interaction=talk,
        due_at=due_at(queue),
        contact=contact,
    )


def due_at(queue: Queue) -> datetime:
    """Return until when a customer is to hear from a queue that he has not reached: out of hours, soon after the opening."""
    now, hours = timezone.now(), queries.hours_of(queue)
    begins = now if hours is None or hours.is_open(now) else hours.next_opening(now) or now
    return begins + WITHIN
