"""What a supervisor does to queues and contacts. Every act is audited."""

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core import audit
from cxcenter.core.errors import Forbidden, Invalid
from cxcenter.core.events import announce
from interactions.actions import talk
from interactions.choices import Audience, Author
from interactions.models import Interaction, Message
from routing.actions import queueing
from routing.events import RoomMade
from routing.models import Alert, Queue, QueueMember, WorkItem

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

LONGEST = timedelta(days=7)


def refuse_foreign(queue: Queue, actor: "User") -> None:
    """Raise Forbidden unless the actor supervises the queue's team."""
    if not Queue.objects.controlled_by(actor).filter(pk=queue.pk).exists():
        raise Forbidden(_("This queue belongs to another team."))


def _moment(lasting: timedelta) -> datetime:
    if not timedelta(0) < lasting <= LONGEST:
        raise Invalid(_("Choose how long: a week at most."), field="minutes")
    return timezone.now() + lasting


@transaction.atomic
def close_queue(*, queue: Queue, lasting: timedelta, message: str, actor: "User") -> Queue:
    """Take no new contacts for a time; those who wait are told and stay. It ends by itself."""
    refuse_foreign(queue, actor)
    queue.closed_until, queue.message = _moment(lasting), message[:300]
    queue.save(update_fields=["closed_until", "message"])
    audit.record(actor, "queue.close", f"queue:{queue.pk}", until=queue.closed_until.isoformat())
    tell_waiting(queue=queue, message=message)
    return queue


@transaction.atomic
def pause_queue(*, queue: Queue, lasting: timedelta, message: str, actor: "User") -> Queue:
    """Offer nothing from the queue for a time; contacts may enter and wait. It ends by itself."""
    refuse_foreign(queue, actor)
    queue.paused_until, queue.message = _moment(lasting), message[:300]
    queue.save(update_fields=["paused_until", "message"])
    audit.record(actor, "queue.pause", f"queue:{queue.pk}", until=queue.paused_until.isoformat())
    tell_waiting(queue=queue, message=message)
    return queue


@transaction.atomic
def open_queue(*, queue: Queue, actor: "User") -> Queue:
    """End a closing or a pause before its time."""
    refuse_foreign(queue, actor)
    queue.closed_until = queue.paused_until = None
    queue.message = ""
    queue.save(update_fields=["closed_until", "paused_until", "message"])
    audit.record(actor, "queue.open", f"queue:{queue.pk}")
    announce(RoomMade(queues=[queue.pk]))
    return queue


def tell_waiting(*, queue: Queue, message: str) -> None:
    """Tell everybody who waits in the queue, as a line in his chat, once the act is done.

    Each line is a transaction of its own: all at once would keep everybody who writes meanwhile waiting.
    """
    if message:
        transaction.on_commit(partial(_tell_waiting, queue.pk, message))


def _tell_waiting(queue_id: int, message: str) -> None:
    waiting = WorkItem.objects.filter(queue=queue_id).exclude(visit="left").order_by("pk")
    for thread_id in list(waiting.values_list("interaction__thread_id", flat=True)):
        # `reason` is one of the arguments that customers may see.
        talk.post_system_line(thread_id=thread_id, code="announcement", args={"reason": message})


@transaction.atomic
def lend_operator(*, queue: Queue, user: "User", lasting: timedelta, actor: "User") -> QueueMember:
    """Let an operator serve a queue for a time. It ends by itself; a standing membership stays as it is."""
    refuse_foreign(queue, actor)
    until = _moment(lasting)
    member, made = QueueMember.objects.get_or_create(queue=queue, user=user, defaults={"until": until})
    if not made and member.until is not None:
        member.until = until
        member.save(update_fields=["until"])
    audit.record(actor, "queue.lend", f"queue:{queue.pk}", user=user.pk, until=until.isoformat())
    announce(RoomMade(queues=[queue.pk]))
    return member


def whisper(*, interaction: Interaction, text: str, actor: "User") -> Message:
    """Write a note to the operator into a session: the customer never learns of it."""
    message, _new = talk.post_message(
        thread_id=interaction.thread_id,
        author=Author.STAFF,
        text=text,
        user=actor,
        audience=Audience.STAFF,
        meant_for=interaction.pk,
    )
    audit.record(actor, "interaction.whisper", f"interaction:{interaction.pk}")
    return message


@transaction.atomic
def set_priority(*, item: WorkItem, priority: int, actor: "User") -> WorkItem:
    """Change the priority of a waiting contact."""
    refuse_foreign(item.queue, actor)
    if not 0 <= priority <= 20:
        raise Invalid(_("Choose a priority from 0 to 20."), field="priority")
    changed = queueing.change_priority(item_id=item.pk, priority=priority)
    audit.record(actor, "item.priority", f"item:{item.pk}", priority=priority)
    announce(RoomMade(queues=[item.queue_id]))
    return changed


@transaction.atomic
def see_alert(*, alert: Alert, actor: "User") -> None:
    """Note that a supervisor has seen an alert and the older ones of its kind about the same: they leave the board."""
    about = {"queue": alert.queue_id, "user": alert.user_id, "subject": alert.subject}
    same = Alert.objects.filter(team=alert.team_id, kind=alert.kind, pk__lte=alert.pk, **about)
    same.filter(seen_at=None).update(seen_at=timezone.now(), seen_by=actor)
    audit.record(actor, "alert.see", f"alert:{alert.pk}")
