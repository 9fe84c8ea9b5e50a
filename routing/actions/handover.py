"""A contact goes into other hands: to a queue, to a person, or to the supervisor who takes it."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core import audit, realtime
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.events import announce
from interactions.actions import calls, talk
from interactions.choices import Audience
from interactions.models import Interaction
from routing import locks
from routing.actions import exchange_transfer, legs, queueing, states, voice
from routing.choices import Leg, LegEnd, Outcome, Work
from routing.events import LegAccepted
from routing.models import Assignment, Guest, Queue, WorkItem

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


@transaction.atomic
def transfer(
    *,
    interaction_id: int,
    actor: "User",
    note: str = "",
    queue: Queue | None = None,
    operator: "User | None" = None,
    by_supervisor: bool = False,
) -> WorkItem:
    """Hand a session to a queue, or to a person by way of his queue, with a note to colleagues.

    The leg ends and a new visit begins, with the priority of the old one. A person gets an offer for himself alone; if
    he does not take it within three minutes the queue may. Raises Invalid without a target, Conflict if the actor
    does not hold the session. The call of a telephone exchange is handed on by it: it is asked to.
    """
    if (queue is None) == (operator is None):
        raise Invalid(_("Choose a person or a queue."), field="target")
    if calls.is_outside(interaction_id):
        return exchange_transfer.ask(interaction_id, actor, note=note, queue=queue, operator=operator)
    visit, leg = _lock_visit(interaction_id, actor, by_supervisor=by_supervisor)
    target = queue or queue_towards(operator, visit.queue)
    if leg is not None:
        legs.release(leg, LegEnd.TRANSFERRED)
    else:
        queueing.drop_from_queue(interaction_id=interaction_id, outcome=Outcome.FLOWED_OUT)
    interaction = Interaction.objects.select_related("thread").get(pk=interaction_id)
    item = queueing.enqueue(
        interaction=interaction,
        queue=target,
        boost=visit.priority - visit.queue.priority,
        waits_since=interaction.waiting_since if leg else visit.waits_since,
        preferred=operator,
        only_preferred=operator is not None,
        preferred_for=timedelta(minutes=3) if operator else None,
        note=note,
        sent_by=actor,
        segments=visit.segments,
        steps=visit.steps,
    )
    if item is None:
        raise Conflict(_("Somebody else has moved this session just now."), code="moved")
    args = {"name": actor.public_name, "by": actor.name, "to": operator.name if operator else target.name, "note": note}
    talk.post_system_line(thread_id=interaction.thread_id, code="transferred", args=args, user=actor)
    _refuse_ended(interaction_id)
    if note:
        talk.post_system_line(
            thread_id=interaction.thread_id, code="transfer_note", args=args, audience=Audience.STAFF, user=actor
        )
    return item


def _lock_visit(interaction_id: int, actor: "User", *, by_supervisor: bool) -> tuple[WorkItem, Assignment | None]:
    """Lock the visit that a transfer ends and its leg: the actor's own, or for a supervisor anybody's (or none)."""
    if not by_supervisor:
        leg = legs.lock_owned(interaction_id=interaction_id, actor=actor)
        if leg.item.work == Work.CALL and Guest.objects.live().filter(leg=leg).exists():
            raise Conflict(_("A colleague is in this call: complete it, or go back to the customer."), code="guests")
        return leg.item, leg
    audit.record(actor, "interaction.move", f"interaction:{interaction_id}")
    visit, held = _lock_place(interaction_id)
    return visit, held if held and held.leg == Leg.ACTIVE else None


def _lock_place(interaction_id: int) -> tuple[WorkItem, Assignment | None]:
    """Lock the visit of a session and the leg in which it is offered or held. Raises Conflict if it is nowhere."""
    _refuse_ended(interaction_id)
    visit = locks.lock_live_item(interaction_id)
    held = Assignment.objects.filter(interaction_id=interaction_id, leg__in=[Leg.OFFERED, Leg.ACTIVE]).first()
    if visit is None and held is not None:
        held = locks.lock_leg(held.pk)
        visit = held.item if held.leg == Leg.ACTIVE else None
    if visit is None:
        raise Conflict(_("This session is in nobody's hands."), code="nobody")
    return visit, held


def _refuse_ended(interaction_id: int) -> None:
    """Raise Conflict if the session has ended. With its thread locked, it cannot end before we commit."""
    if not Interaction.objects.open().filter(pk=interaction_id).exists():
        raise Conflict(_("This session has ended."), code="closed")


def queue_towards(operator: "User | None", present: Queue) -> Queue:
    """Return the queue by which a contact reaches a person: the present one if he serves it, else his first.

    Raises Invalid if he serves none.
    """
    assert operator is not None
    now = timezone.now()
    queues = Queue.objects.offering(now).filter(
        Q(memberships__until=None) | Q(memberships__until__gt=now), memberships__user=operator
    )
    queue = queues.filter(pk=present.pk).first() or queues.order_by("pk").first()
    if queue is None:
        raise Invalid(_("%(name)s serves no queue.") % {"name": operator.name}, field="target")
    return queue


@transaction.atomic
def take_over(*, interaction_id: int, actor: "User") -> Assignment:
    """A supervisor takes a session into his own hands, from an operator or out of the queue, offered or not."""
    if calls.is_outside(interaction_id):
        raise Conflict(_("This call is handed out by a telephone exchange: take it there."), code="outside")
    item, held = _lock_place(interaction_id)
    is_held = held is not None and held.leg == Leg.ACTIVE
    if held is not None and is_held and held.operator_id == actor.pk:
        return held
    # Both at once, in their order: two who take over from each other must not wait crosswise.
    locks.lock_presences({actor.pk, held.operator_id} if held else {actor.pk})
    if held is not None and is_held:
        legs.release(held, LegEnd.TAKEN)
    else:
        queueing.drop_from_queue(interaction_id=interaction_id, outcome=Outcome.ANSWERED)
    taken = Assignment.objects.create(
        item=item,
        interaction_id=interaction_id,
        operator=actor,
        leg=Leg.ACTIVE,
        accepted_at=timezone.now(),
        why={"how": "taken over"},
    )
    voice.answered(taken)
    states.settle(locks.lock_presence(actor.pk), loads=1, work=item.work)
    audit.record(actor, "interaction.take_over", f"interaction:{interaction_id}")
    queueing.say_taken(item.interaction, actor)
    _refuse_ended(interaction_id)
    announce(LegAccepted(leg=taken.pk, interaction=interaction_id, operator=actor.pk))
    realtime.signal(actor.pk, "sessions", interaction_id)
    return taken
