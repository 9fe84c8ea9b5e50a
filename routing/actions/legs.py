"""A contact in work: hold its place, snooze, finish, wrap up. handover.py gives it to others."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core import realtime
from cxcenter.core.errors import Conflict, Forbidden, Invalid
from cxcenter.core.planned import Given, Planned
from cxcenter.core.statements import Statement
from interactions.actions import calls, talk
from interactions.calls.table import Control
from interactions.choices import Audience, Author, CloseReason
from interactions.models import Disposition, Interaction, Message, Topic
from routing import locks
from routing.actions import queueing, states, voice
from routing.choices import Leg, LegEnd, Mode, Outcome, Work
from routing.models import Assignment, Presence, WorkItem
from routing.querysets import seconds

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


# Asked for every message of a customer.
HELD = Statement(
    "held",
    """
    SELECT 1 WHERE EXISTS (SELECT FROM routing_assignment WHERE interaction_id = %(interaction)s AND leg = 'active' AND holds)
        OR EXISTS (SELECT FROM routing_workitem WHERE interaction_id = %(interaction)s AND visit <> 'left')
    """,
    interaction="bigint",
)
# Asked for every session that ends: mostly it was finished by its operator.
IN_HANDS = Statement(
    "in_hands",
    """
    SELECT 1 WHERE EXISTS (SELECT FROM routing_assignment WHERE interaction_id = %(interaction)s AND leg = 'active')
        OR EXISTS (SELECT FROM routing_workitem WHERE interaction_id = %(interaction)s AND visit <> 'left')
    """,
    interaction="bigint",
)
AT = Planned(
    "leg_at",
    lambda: (
        Assignment.objects.filter(
            Q(leg=Leg.ACTIVE) | Q(leg=Leg.OFFERED, outside=True),
            interaction_id=Given("interaction", "bigint"),
            operator_id=Given("operator", "bigint"),
        )
        .select_related("item__queue")
        .order_by("-outside", "pk")[:1]
    ),
)
LONGEST_SNOOZE = timedelta(days=31)


def owned_leg(*, interaction_id: int, actor: "User") -> Assignment:
    """Return the leg in which the actor holds the session. Raises Conflict if he does not."""
    leg = (
        Assignment.objects.filter(interaction_id=interaction_id, operator=actor, leg=Leg.ACTIVE)
        .select_related("item__queue")
        .first()
    )
    if leg is None:
        raise _not_owner()
    return leg


def leg_at(*, interaction_id: int, actor: "User") -> Assignment | None:
    """Return the leg in which a session is in the actor's hands, or an exchange's call rings at him; None without one."""
    return AT.first(interaction=interaction_id, operator=actor.pk)


def lock_owned(*, interaction_id: int, actor: "User") -> Assignment:
    """Lock the leg in which the actor holds the session. Raises Conflict if he does not, or just no longer."""
    leg = locks.lock_leg(owned_leg(interaction_id=interaction_id, actor=actor).pk)
    if leg.leg != Leg.ACTIVE:
        raise _not_owner()
    return leg


def _not_owner() -> Conflict:
    return Conflict(_("This session is not in your hands now."), code="not_owner")


def release(leg: Assignment, end: str, *, now: datetime | None = None) -> None:
    """End an active leg and free its place. The caller holds the leg's lock."""
    presence = locks.lock_presence(leg.operator_id)
    held = leg.holds
    queueing.end_leg(leg, end, at=now)
    states.settle(presence, now=now, loads=-1 if held else 0, work=leg.item.work)


@transaction.atomic
def return_to_queue(
    *,
    leg_id: int,
    first_in_line: bool = False,
    end: str = LegEnd.RETURNED,
    preferred_for: timedelta | None = None,
) -> WorkItem | None:
    """End a leg and let its contact wait again in the same queue, with its priority; the customer is told.

    That of a telephone exchange stays where the exchange has it. If its operator is ready again before somebody else has it, he is the first to get it: for `preferred_for`, or
    the channel's time of return.
    """
    leg = locks.lock_leg(leg_id)
    if leg.leg != Leg.ACTIVE or leg.outside:
        return None
    if preferred_for is None:
        preferred_for = timedelta(seconds=leg.interaction.thread.channel.return_s)
    release(leg, end)
    item = queueing.enqueue(
        interaction=leg.interaction,
        queue=leg.item.queue,
        boost=leg.item.priority - leg.item.queue.priority,
        waits_since=timezone.now(),
        first_in_line=first_in_line,
        preferred=leg.operator if preferred_for > timedelta(0) else None,
        preferred_for=preferred_for,
        segments=leg.item.segments,
        steps=leg.item.steps,
        frequent=leg.item.frequent,
    )
    if item is not None:
        talk.post_system_line(thread_id=leg.interaction.thread_id, code="back_in_queue")
    return item


def let_go(*, leg_id: int, end: str = LegEnd.RETURNED) -> None:
    """Take a contact from an operator who goes.

    If an answer is due, or the customer is on the line, it waits again, first in line. Else nobody need see it now: it stays
    his without a place until the customer writes (then it goes to the queue, if he is not back) or has been silent for long.
    """
    if not _let_idle(leg_id):
        return_to_queue(leg_id=leg_id, first_in_line=True, end=end)


@transaction.atomic
def snooze(*, interaction_id: int, actor: "User", until: datetime) -> Assignment:
    """Put a session aside until a time: it frees its place and wakes up by itself or by the customer.

    Raises Conflict (code "on_the_line") for a call: its customer would hear nothing.
    """
    if until <= timezone.now():
        raise Invalid(_("Choose a time that is still to come."), field="until")
    if until > timezone.now() + LONGEST_SNOOZE:
        raise Invalid(_("Choose a time within a month."), field="until")
    leg = lock_owned(interaction_id=interaction_id, actor=actor)
    if leg.item.work == Work.CALL:
        raise Conflict(_("A call cannot be put aside: hold it, or hand it over."), code="on_the_line")
    presence = locks.lock_presence(leg.operator_id)
    held, leg.holds, leg.snoozed_until = leg.holds, False, until
    leg.save(update_fields=["holds", "snoozed_until"])
    states.settle(presence, loads=-1 if held else 0, work=leg.item.work)
    realtime.signal(actor.pk, "sessions", interaction_id)
    return leg


@transaction.atomic
def wake(*, leg_id: int, force: bool = False) -> bool:
    """Let a snoozed or idle session take its place again. Returns False if its operator has no room or is away.

    With `force` it takes its place whatever the room: its operator asked for it himself.
    """
    leg = locks.lock_leg(leg_id)
    if leg.leg != Leg.ACTIVE:
        return False
    presence = locks.lock_presence(leg.operator_id)
    if leg.holds:
        return True
    if not force and not _would_take(presence, leg.item.work):
        return False
    leg.holds, leg.snoozed_until = True, None
    leg.save(update_fields=["holds", "snoozed_until"])
    states.settle(presence, loads=1, work=leg.item.work)
    realtime.signal(leg.operator_id, "sessions", leg.interaction_id)
    return True


def _would_take(presence: Presence, work: str) -> bool:
    return presence.mode == Mode.AVAILABLE and work not in presence.off and presence.has_room(work)


def is_held(*, interaction_id: int) -> bool:
    """Tell whether a session waits in a queue or takes a place of an operator: nothing has to be done for it."""
    return HELD.row(interaction=interaction_id) is not None


def revive(*, message_id: int) -> None:
    """A customer wrote into an idle or snoozed contact.

    Within the channel's time of return since what was said last it returns to its operator, if he is ready. Else it
    goes to the queue with its priority, and for the rest of that time he is the first to get it.
    """
    message = Message.objects.select_related("interaction__thread__channel").get(pk=message_id)
    leg = Assignment.objects.owned().filter(interaction_id=message.interaction_id).first()
    if leg is None:
        _queue_if_nobodys(message.interaction_id)
        return
    if message.interaction.waiting_since is None:
        # It was answered before this was handled (again).
        return
    rest = _rest_of_return(message)
    # Talks of an operator who vanished are kept for him for a while: the sweep returns them.
    if leg.holds or (rest > timedelta(0) and (wake(leg_id=leg.pk) or _has_vanished(leg.operator_id))):
        return
    return_to_queue(leg_id=leg.pk, preferred_for=rest)


def _rest_of_return(message: Message) -> timedelta:
    """Return how much of the channel's time of return was left when the customer wrote; negative if none."""
    whole = timedelta(seconds=message.interaction.thread.channel.return_s)
    said = Message.objects.filter(interaction=message.interaction_id, seq__lt=message.seq, withdrawn_at=None)
    last = said.filter(audience=Audience.ALL).exclude(author=Author.SYSTEM).order_by("-seq").first()
    return whole - (message.at - last.at) if last else whole


def _has_vanished(user_id: int) -> bool:
    return Presence.objects.filter(user_id=user_id, vanished_at__isnull=False).exists()


def _queue_if_nobodys(interaction_id: int) -> None:
    """A session that waits nowhere and is in nobody's hands must not lie: it goes to its queue."""
    interaction = Interaction.objects.select_related("thread__channel", "topic", "profile__customer").get(
        pk=interaction_id
    )
    if interaction.is_open and not WorkItem.objects.filter(interaction=interaction).exclude(visit="left").exists():
        queueing.enqueue_new(interaction=interaction)


def sweep_idle(*, now: datetime) -> int:
    """Free the places of contacts in which no answer is due and nothing was said for the channel's time.

    A call never idles: what is said in it is not written.
    """
    idle = (
        Assignment.objects.filter(leg=Leg.ACTIVE, holds=True, interaction__waiting_since=None)
        .exclude(item__work=Work.CALL)
        .annotate(quiet_until=F("interaction__last_message_at") + seconds("interaction__thread__channel__hold_s"))
        .filter(quiet_until__lt=now, accepted_at__lt=now - seconds("interaction__thread__channel__hold_s"))
    )
    ids = list(idle.order_by("item_id").values_list("pk", flat=True)[:200])
    for leg_id in ids:
        _let_idle(leg_id)
    return len(ids)


@transaction.atomic
def _let_idle(leg_id: int) -> bool:
    """Free the place of a contact if no answer is due in it and nobody is on the line. Returns whether it is so."""
    leg = locks.lock_leg(leg_id)
    if leg.leg != Leg.ACTIVE or leg.item.work == Work.CALL:
        return False
    presence = locks.lock_presence(leg.operator_id)
    # A message that arrives now waits for this lock, and then finds the contact idle and revives it.
    if Interaction.objects.select_for_update().filter(pk=leg.interaction_id, waiting_since=None).first() is None:
        return False
    if leg.holds:
        leg.holds = False
        leg.save(update_fields=["holds"])
        states.settle(presence, loads=-1, work=leg.item.work)
        # Nothing that could be done with it changes: a page that shows it only counts anew.
        realtime.signal(leg.operator_id, "load", leg.interaction_id)
    return True


def sweep_snoozed(*, now: datetime) -> int:
    """End the snoozes whose time has come: at their operator, or if he has gone as when he goes."""
    due = Assignment.objects.filter(leg=Leg.ACTIVE, snoozed_until__lte=now).order_by("item_id")
    ids = list(due.values_list("pk", "operator__presence__mode")[:200])
    for leg_id, mode in ids:
        _end_snooze(leg_id)
        if mode == Mode.OFFLINE:
            let_go(leg_id=leg_id)
    return len(ids)


@transaction.atomic
def _end_snooze(leg_id: int) -> None:
    """Let a session be seen again: in a place if there is room for it, else without one."""
    leg = locks.lock_leg(leg_id)
    if leg.leg != Leg.ACTIVE or leg.snoozed_until is None:
        return
    presence = locks.lock_presence(leg.operator_id)
    leg.snoozed_until, leg.holds = None, presence.mode != Mode.OFFLINE and presence.has_room(leg.item.work)
    leg.save(update_fields=["snoozed_until", "holds"])
    states.settle(presence, loads=int(leg.holds), work=leg.item.work)
    realtime.signal(leg.operator_id, "sessions", leg.interaction_id)


@transaction.atomic
def finish(*, interaction_id: int, actor: "User", reason: str = CloseReason.FINISHED) -> Assignment:
    """End a session: the talk closes, the leg goes into wrap-up (still holding its place).

    A telephone exchange is asked to hang up its call, and all this follows when it has.
    """
    leg = lock_owned(interaction_id=interaction_id, actor=actor)
    if leg.outside:
        calls.press(interaction_id=interaction_id, actor=actor, control=Control.HANG_UP)
        return leg
    to_wrapup(leg)
    talk.close_interaction(interaction_id=interaction_id, reason=reason, actor=actor)
    return leg


def to_wrapup(leg: Assignment) -> None:
    """Turn an active leg into wrap-up; with a wrap-up of 0 s it ends at once. The caller holds its lock."""
    presence = locks.lock_presence(leg.operator_id)
    now = timezone.now()
    held, leg.ended_at = leg.holds, now
    if leg.item.queue.wrapup_s == 0:
        queueing.end_leg(leg, LegEnd.FINISHED)
        states.settle(presence, now=now, loads=-1 if held else 0, work=leg.item.work)
        return
    # An idle contact that ends takes a place again, if there is one: nobody gets over his capacity by it.
    leg.holds = held or presence.has_room(leg.item.work)
    loads = int(leg.holds) - int(held)
    leg.leg, leg.end, leg.snoozed_until = Leg.WRAPUP, LegEnd.FINISHED, None
    leg.wrapup_until = now + timedelta(seconds=leg.item.queue.wrapup_s)
    leg.save(update_fields=["leg", "end", "holds", "ended_at", "wrapup_until", "snoozed_until"])
    voice.ended(leg)
    states.settle(presence, now=now, loads=loads, work=leg.item.work)
    realtime.signal(leg.operator_id, "sessions", leg.interaction_id)


@transaction.atomic
def wrap_up(
    *,
    leg_id: int,
    actor: "User | None",
    disposition: Disposition | None = None,
    topic: Topic | None = None,
    note: str = "",
    solved: bool | None = None,
) -> Assignment:
    """End a wrap-up with its outcome and topic, or without (actor None) when its time is over."""
    leg = locks.lock_leg(leg_id)
    if actor is not None and leg.operator_id != actor.pk:
        raise Forbidden(_("This is a colleague's wrap-up."))
    if leg.end != LegEnd.FINISHED:
        raise _not_owner()
    if actor is not None:
        Interaction.objects.filter(pk=leg.interaction_id).update(
            disposition=disposition,
            wrap_note=note,
            solved=solved if solved is not None else (disposition.solved if disposition else None),
            **({"topic": topic} if topic else {}),
        )
    if leg.leg != Leg.WRAPUP:
        return leg
    presence = locks.lock_presence(leg.operator_id)
    held = leg.holds
    leg.leg, leg.holds, leg.wrapped_at = Leg.ENDED, False, timezone.now()
    leg.save(update_fields=["leg", "holds", "wrapped_at"])
    voice.wrapped_up(leg)
    states.settle(presence, loads=-1 if held else 0, work=leg.item.work)
    realtime.signal(leg.operator_id, "sessions", leg.interaction_id)
    return leg


@transaction.atomic
def extend_wrapup(*, leg_id: int, actor: "User", seconds: int = 60) -> Assignment:
    """Give oneself more time for the wrap-up, as much in all as its queue allows.

    Raises Conflict if it is over (code "over") or cannot be extended any more (code "limit").
    """
    leg = locks.lock_leg(leg_id)
    if leg.operator_id != actor.pk or leg.leg != Leg.WRAPUP or leg.wrapup_until is None:
        raise Conflict(_("This wrap-up is over."), code="over")
    if leg.wrapup_left_s == 0:
        raise Conflict(_("This wrap-up cannot be extended any more. Save the outcome."), code="limit")
    leg.wrapup_until += timedelta(seconds=min(seconds, leg.wrapup_left_s))
    leg.save(update_fields=["wrapup_until"])
    return leg


def sweep_wrapups(*, now: datetime) -> int:
    """End wrap-ups whose time is over."""
    ids = list(
        Assignment.objects.filter(leg=Leg.WRAPUP, wrapup_until__lte=now)
        .order_by("item_id")
        .values_list("pk", flat=True)[:200]
    )
    for leg_id in ids:
        wrap_up(leg_id=leg_id, actor=None)
    return len(ids)


def end_with_interaction(*, interaction_id: int) -> None:
    """The session ended by itself (the customer left, silence, spam): its leg goes into wrap-up, its visit leaves.

    While we look, an offer may be accepted or a contact go back: the queue is cleared before and after. In one look it is
    in the queue, or in somebody's hands, or neither.
    """
    if IN_HANDS.row(interaction=interaction_id) is None:
        return
    queueing.drop_from_queue(interaction_id=interaction_id, outcome=Outcome.ABANDONED)
    for leg_id in list(Assignment.objects.owned().filter(interaction_id=interaction_id).values_list("pk", flat=True)):
        _end_with_interaction(leg_id)
    queueing.drop_from_queue(interaction_id=interaction_id, outcome=Outcome.ABANDONED)


@transaction.atomic
def _end_with_interaction(leg_id: int) -> None:
    leg = locks.lock_leg(leg_id)
    if leg.leg == Leg.ACTIVE:
        to_wrapup(leg)
