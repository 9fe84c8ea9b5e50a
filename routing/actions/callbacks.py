"""What customers ask of callbacks, and what becomes of them when they come in by themselves. calling.py calls them."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from customers import actions as customers
from customers import normalise
from customers.locks import hold_profile
from customers.models import Identity, Profile
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.events import emit
from interactions.actions import talk
from interactions.choices import Audience, ChannelKind, CloseReason
from interactions.models import Interaction, Thread, Topic
from routing import calls, locks, queries
from routing.actions import calling, control, handover, overflow, queueing
from routing.choices import CallbackEnd, CallbackState, Outcome
from routing.events import CallbackAsked
from routing.models import Assignment, Callback, Queue

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Who wants to be called where, and when: `at` a time, or (None) as soon as his turn comes.

    `phone` is E.164. `source` is the session he leaves for it: he keeps its wait and its priority.
    """

    phone: str
    queue: Queue
    profile: Profile | None = None
    at: datetime | None = None
    asked_in: Thread | None = None
    source: Interaction | None = None
    topic: Topic | None = None
    language: str = "en"
    zone: str = ""
    name: str = ""
    text: str = ""
    waits_since: datetime | None = None
    boost: int = 0


# --- Asking ---------------------------------------------------------------------------------------


@transaction.atomic
def ask(wish: Wish, *, actor: "User | None" = None) -> tuple[Callback, bool]:
    """Plan a callback, or change the one that the same phone or customer has in the queue. Returns (callback, made).

    Raises Invalid for a time at which nobody may be called, Conflict if he is being called (code "calling") or served
    ("served") at this moment, Forbidden for a blocked phone, Gone for an erased customer.
    """
    due_at = _due(wish)
    thread = _thread_of(wish)
    callback = _found(wish, thread)
    made = callback is None
    if callback is None:
        callback, made = _made(wish, thread, due_at)
    if not made and _is_anothers(callback, wish, actor):
        # Who knows his phone only cannot move his call, nor learn of it. What he asks is told when it is called.
        _leave_talk(wish.source)
        _hear(callback, wish.text)
        return callback, False
    _take_place(callback, _leave_talk(wish.source), wish, made=made)
    if not made:
        _change(callback, wish, thread, due_at)
    at = callback.at.isoformat() if callback.at else None
    fact = CallbackAsked(callback=callback.pk, queue=callback.queue_id, at=at, changed=not made)
    emit(fact, profile_id=callback.profile_id, actor_id=actor.pk if actor else None)
    now = timezone.now()
    if callback.state == CallbackState.PLANNED and callback.due_at <= now:
        calling.enter(callback, now)
    if wish.profile is not None:
        hold_profile(wish.profile.pk)
    calling.tell(callback)
    return callback, made


@transaction.atomic
def request(*, phone: str, queue: Queue, actor: "User", **said: Any) -> tuple[Callback, bool]:
    """Plan a callback that a colleague or a program asks for, as `ask` does: `said` are other fields of a Wish.

    Without a `profile` it stands on the card of whom the phone leads to; of a phone that several share, on nobody's.
    """
    value = _read_phone(phone)
    zone = said.get("zone", "")
    if zone and not calls.zone_of(zone):
        raise Invalid(_("There is no such time zone. Write it like Europe/Moscow."), field="zone")
    if said.get("profile") is None:
        kind, name = Identity.Kind.PHONE, said.get("name", "")
        said["profile"] = customers.find_or_create_by_identity(kind=kind, value=value, source="callback", name=name)[1]
    callback, made = ask(Wish(phone=value, queue=queue, **said), actor=actor)
    audit.record(actor, "callback.ask", f"callback:{callback.pk}")
    return callback, made


def _read_phone(phone: str) -> str:
    try:
        return normalise.phone(phone)
    except Invalid as error:
        raise Invalid(error.message, field="phone") from None


def _due(wish: Wish) -> datetime:
    """Return when the callback enters its queue. Raises Invalid for a time that cannot be kept."""
    now = timezone.now()
    if wish.at is not None:
        ahead = now < wish.at < now + calls.LOOK_AHEAD
        if not ahead or not calls.may_call(wish.queue, wish.zone, wish.at):
            raise Invalid(_("Nobody can call at this time. Choose another one."), field="at")
        return wish.at
    due_at = calls.first_moment(wish.queue, wish.zone, now)
    if due_at is None:
        raise Invalid(_("This queue does not open within a month: nobody can call back."), field="queue")
    return due_at


def _thread_of(wish: Wish) -> Thread:
    """Return the thread of the phone. The phone is no link to anybody: it was only said."""
    identity = customers.find_identity(kind=Identity.Kind.PHONE, value=wish.phone)
    known = Thread.objects.filter(channel=calling.channel(), identity=identity).select_related("identity").first()
    if known is not None:
        return known
    profile = wish.profile or (wish.asked_in.profile if wish.asked_in else customers.create_profile(source="callback"))
    return talk.open_thread(channel=calling.channel(), identity=identity, profile=profile)


def _found(wish: Wish, thread: Thread) -> Callback | None:
    """Lock and return the open callback of the phone in the queue, else of the customer."""
    there = Callback.objects.open().filter(queue=wish.queue)
    return locks.lock_callback(there.filter(thread=thread)) or locks.lock_callback(there.filter(_asker(wish)))


def _asker(wish: Wish) -> Q:
    asked = Q(asked_in=wish.asked_in) if wish.asked_in else Q(pk__in=[])
    return asked | (Q(profile__customer=wish.profile.customer_id) if wish.profile else Q(pk__in=[]))


def _made(wish: Wish, thread: Thread, due_at: datetime) -> tuple[Callback, bool]:
    """Write a new callback; if somebody was faster, return his."""
    callback = Callback(
        thread=thread,
        profile=wish.profile,
        queue=wish.queue,
        topic=wish.topic,
        asked_in=wish.asked_in,
        source=wish.source,
        at=wish.at,
        due_at=due_at,
        waits_since=wish.waits_since or timezone.now(),
        boost=wish.boost,
        name=wish.name,
        text=wish.text,
        language=wish.language,
        zone=wish.zone,
    )
    try:
        with transaction.atomic():
            callback.save(force_insert=True)
    except IntegrityError:
        # callback_once: the same phone was asked for at the same moment.
        other = _found(wish, thread)
        if other is None:
            raise
        return other, False
    return callback, True


def _is_anothers(callback: Callback, wish: Wish, actor: "User | None") -> bool:
    """Tell whether somebody else asked for it: another visitor who says the same phone. Our own people may change all."""
    if actor is not None or (wish.asked_in is not None and callback.asked_in_id == wish.asked_in.pk):
        return False
    owner = callback.profile.customer_id if callback.profile else None
    return wish.profile is None or owner != wish.profile.customer_id


def _leave_talk(source: Interaction | None) -> tuple[datetime, int] | None:
    """End the talk in which he waits. Returns since when he has waited and his priority on top of the queue's."""
    if source is None:
        return None
    item = locks.lock_live_item(source.pk)
    if item is None and Assignment.objects.owned().filter(interaction=source).exists():
        raise Conflict(_("An operator is with you already."), code="served")
    if item is not None:
        queueing.drop_from_queue(interaction_id=source.pk, outcome=Outcome.CALLBACK)
    talk.close_interaction(interaction_id=source.pk, reason=CloseReason.CALLBACK)
    return (item.waits_since, item.priority - item.queue.priority) if item else None


def _take_place(callback: Callback, place: tuple[datetime, int] | None, wish: Wish, *, made: bool) -> None:
    """Keep the earliest time since when he has waited, and the highest priority."""
    since, boost = place or (wish.waits_since or callback.waits_since, wish.boost)
    callback.waits_since = min(callback.waits_since, since)
    callback.boost = boost if made else max(callback.boost, boost)
    callback.save(update_fields=["waits_since", "boost"])


def _hear(callback: Callback, text: str) -> None:
    """Add what he wrote: to the session that waits, else to what will be said in it. Raises Conflict for too much of it."""
    if not text or text in callback.text:
        return
    if len(callback.text) + len(text) >= talk.MESSAGE_LIMIT:
        # It is said as one message when his turn comes.
        words = _("Much is written to this callback already. Tell the rest when you are called.")
        raise Conflict(words, code="too_much")
    callback.text = "\n".join(part for part in (callback.text, text) if part)
    if callback.state == CallbackState.QUEUED:
        calling.ask_on(callback)
    callback.save(update_fields=["text"])


def _change(callback: Callback, wish: Wish, thread: Thread, due_at: datetime) -> None:
    """Give a callback another time or phone; what stays the same keeps its place."""
    moved = callback.thread_id != thread.pk or callback.at != wish.at
    if moved and not calling.leave(callback, CloseReason.CALLBACK):
        raise calling.being_called()
    if moved:
        callback.thread, callback.at, callback.due_at, callback.attempts = thread, wish.at, due_at, 0
    callback.asked_in, callback.profile = wish.asked_in or callback.asked_in, wish.profile or callback.profile
    callback.topic, callback.name = wish.topic or callback.topic, wish.name or callback.name
    callback.zone, callback.source = wish.zone or callback.zone, wish.source or callback.source
    callback.save()
    _hear(callback, wish.text)


# --- Cancelling and moving ------------------------------------------------------------------------


@transaction.atomic
def cancel(*, callback_id: int, actor: "User | None" = None) -> Callback:
    """Call nobody. Repeating it changes nothing. Raises Conflict (code "calling") while an operator is calling."""
    callback = locks.lock_callback(Callback.objects.filter(pk=callback_id))
    assert callback is not None
    if not callback.is_open:
        return callback
    if not calling.leave(callback, CloseReason.CANCELLED):
        raise calling.being_called()
    calling.end(callback, CallbackEnd.CANCELLED, actor)
    if actor is not None:
        audit.record(actor, "callback.cancel", f"callback:{callback.pk}")
    return callback


@transaction.atomic
def move(*, callback_id: int, queue: Queue, actor: "User") -> Callback:
    """Let another queue call, with the same time or the same wait. Raises Conflict if the phone has a callback there."""
    control.refuse_foreign(queue, actor)
    callback = locks.lock_callback(Callback.objects.filter(pk=callback_id))
    assert callback is not None
    if callback.queue_id == queue.pk:
        return callback
    if not callback.is_open:
        raise Conflict(_("This callback is over."), code="over")
    if callback.state == CallbackState.QUEUED and callback.session_id is not None:
        handover.transfer(interaction_id=callback.session_id, actor=actor, queue=queue, by_supervisor=True)
    callback.queue = queue
    try:
        with transaction.atomic():
            callback.save(update_fields=["queue"])
    except IntegrityError:
        # callback_once: as somebody asks for it there at this moment, too.
        raise Conflict(_("This phone has a callback in that queue already."), code="exists") from None
    audit.record(actor, "callback.move", f"callback:{callback.pk}", queue=queue.pk)
    calling.tell(callback)
    return callback


# --- The customer comes in by himself -------------------------------------------------------------


def of_customer(interaction: Interaction) -> QuerySet[Callback]:
    """Return the open callbacks of the customer of a session, besides the one that the session is."""
    whose = Q(asked_in=interaction.thread_id) | Q(thread__identity=interaction.thread.identity_id)
    if interaction.profile_id is not None:
        customer = Profile.objects.filter(pk=interaction.profile_id).values("customer")
        whose |= Q(profile__in=Profile.objects.filter(customer__in=customer))
    return Callback.objects.open().filter(whose).exclude(session=interaction)


@transaction.atomic(savepoint=False)
def come_in(*, interaction: Interaction, waits_since: datetime | None = None) -> None:
    """Give a new session its queue, or where its overflow leads: with the place of the callback that its customer waits for there.

    A callback at a time of his choice, and one in another queue, stays until somebody serves him.
    """
    if queries.may_await(interaction.pk):
        for callback in locks.lock_callbacks(of_customer(interaction)):
            waits_since = _place_taken(callback, interaction, waits_since)
    overflow.enter(interaction=interaction, waits_since=waits_since)


def _place_taken(callback: Callback, interaction: Interaction, otherwise: datetime | None) -> datetime | None:
    """End a locked callback whose place a session takes. Returns since when the session waits."""
    entrance = queries.queue_for(channel=interaction.thread.channel, topic=interaction.topic)
    waits = callback.state == CallbackState.QUEUED or callback.at is None
    if entrance is None or not waits or callback.queue_id != entrance.queue_id:
        return otherwise
    since = callback.waits_since if callback.at is None else callback.due_at
    if not calling.leave(callback, CloseReason.CAME):
        return otherwise
    calling.end(callback, CallbackEnd.CAME)
    talk.post_system_line(thread_id=interaction.thread_id, code="callback_taken", args={"since": since.isoformat()})
    return min(since, otherwise) if otherwise else since


@transaction.atomic
def serve(*, interaction: Interaction, queue: Queue, actor: "User") -> None:
    """An operator serves the customer: he need not be called for the same queue any more."""
    if interaction.kind == ChannelKind.CALLBACK:
        return
    for callback in locks.lock_callbacks(of_customer(interaction).filter(queue=queue)):
        if calling.leave(callback, CloseReason.CAME):
            calling.end(callback, CallbackEnd.CAME, actor)
            args = {"at": callback.at.isoformat() if callback.at else ""}
            talk.post_system_line(
                thread_id=interaction.thread_id, code="callback_over", args=args, audience=Audience.STAFF
            )
