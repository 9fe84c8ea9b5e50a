"""A callback on its way: it enters its queue, is called, and ends. callbacks.py takes what customers ask."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core import realtime
from cxcenter.core.errors import Conflict, CxError, Invalid
from cxcenter.core.events import emit
from interactions.actions import talk
from interactions.choices import Audience, Author, ChannelKind, CloseReason
from interactions.models import Channel, Interaction, Thread
from routing import calls, locks
from routing.actions import legs, queueing
from routing.choices import CallbackEnd, CallbackState, Leg, Outcome, Visit
from routing.events import CallbackEnded, CallbackMissed
from routing.models import Assignment, Callback, Queue, WorkItem

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

LONGEST_PAUSE_MIN = 24 * 60
# An operator who calls says when he is ready: no silence in writing takes the contact from him.
CHANNEL = {"kind": ChannelKind.CALLBACK, "hold_s": 12 * 3600, "warn_silent_s": 0}
# What ends the session of each result.
REASONS = {
    CallbackEnd.REACHED: CloseReason.FINISHED,
    CallbackEnd.NO_ANSWER: CloseReason.NO_ANSWER,
    CallbackEnd.WRONG_NUMBER: CloseReason.WRONG,
}


def channel() -> Channel:
    """Return the channel of callbacks, made at the first one."""
    found = Channel.objects.filter(kind=ChannelKind.CALLBACK).order_by("pk").first()
    return found or Channel.objects.get_or_create(name="Callbacks", defaults=CHANNEL)[0]


def tell(callback: Callback) -> None:
    """Tell the customer's pages that something about his callback changed: they ask where it stands."""
    if callback.asked_in_id is not None:
        realtime.push((realtime.customer_group(callback.asked_in_id), {"kind": "callback"}))


# --- Into the queue and out of it -----------------------------------------------------------------


def enter(callback: Callback, now: datetime) -> bool:
    """Open a session of a callback and let it wait. Returns False while its phone is called for another queue.

    The caller holds its lock. Raises Forbidden for a blocked phone, Gone for an erased customer.
    """
    if callback.profile_id is not None:
        Thread.objects.filter(pk=callback.thread_id).exclude(profile=callback.profile_id).update(
            profile=callback.profile_id
        )
    session, new = talk.open_interaction(
        thread=callback.thread,
        topic=callback.topic,
        language=callback.language,
        says={"contact": callback.phone, **({"name": callback.name} if callback.name else {})},
        whose=lambda _thread: callback.profile_id,
    )
    if not new:
        return False
    # Who keeps his place keeps his time. At a time of his choice, and after a call that nobody answered, he is so much ahead.
    keeps = callback.at is None and callback.attempts == 0
    since = callback.waits_since if keeps else now
    queueing.enqueue(
        interaction=session,
        queue=callback.queue,
        boost=callback.boost,
        waits_since=since,
        ahead=timedelta(0) if keeps else timedelta(seconds=callback.queue.callback_ahead_s),
    )
    callback.state, callback.session = CallbackState.QUEUED, session
    _say(callback)
    # An answer is due since he began to wait: nobody's silence frees its place, and who goes leaves it to the queue.
    Interaction.objects.filter(pk=session.pk).update(waiting_since=since)
    callback.save(update_fields=["state", "session", "text"])
    tell(callback)
    return True


def _say(callback: Callback) -> None:
    """Write into the session which attempt it is, and what he wrote that stands in no talk yet."""
    args = {"attempt": callback.attempts + 1, "at": callback.at.isoformat() if callback.at else ""}
    talk.post_system_line(thread_id=callback.thread_id, code="callback", args=args, audience=Audience.STAFF)
    ask_on(callback)


def ask_on(callback: Callback) -> None:
    """Post what he wrote into the session that waits."""
    if callback.text:
        talk.post_message(thread_id=callback.thread_id, author=Author.CUSTOMER, text=callback.text)
        callback.text = ""


def leave(callback: Callback, reason: str) -> bool:
    """Take a callback out of its queue, an offer of it included. Returns False if it is being called: it stays.

    The caller holds its lock, and saves it.
    """
    if callback.state != CallbackState.QUEUED or callback.session_id is None:
        return True
    session = callback.session_id
    taken = queueing.drop_from_queue(interaction_id=session, outcome=Outcome.WITHDRAWN)
    if not taken and not queueing.is_nobodys(session):
        return False
    talk.close_interaction(interaction_id=session, reason=reason)
    callback.state = CallbackState.PLANNED
    return True


def end(callback: Callback, result: str, actor: "User | None" = None) -> None:
    """Note what became of a callback. The caller holds its lock, and has taken it out of its queue."""
    callback.state, callback.result, callback.text = CallbackState.ENDED, result, ""
    callback.ended_at, callback.ended_by = timezone.now(), actor
    callback.save(update_fields=["state", "result", "text", "ended_at", "ended_by"])
    fact = CallbackEnded(callback=callback.pk, queue=callback.queue_id, result=result)
    emit(fact, profile_id=callback.profile_id, actor_id=actor.pk if actor else None)
    tell(callback)


# --- The call -------------------------------------------------------------------------------------


@transaction.atomic
def report(*, interaction_id: int, actor: "User", result: str, minutes: int | None = None) -> Callback:
    """Say what came of a call: it ends the session, and the callback unless it is tried again in `minutes`.

    Raises Conflict if the session is no callback, or not in the actor's hands.
    """
    if result not in REASONS:
        raise Invalid(_("Say what came of the call."), field="result")
    if minutes is not None and not 1 <= minutes <= LONGEST_PAUSE_MIN:
        raise Invalid(_("Choose from a minute to a day."), field="minutes")
    callback = locks.lock_callback(Callback.objects.filter(session=interaction_id, state=CallbackState.QUEUED))
    if callback is None:
        raise Conflict(_("This session is no callback, or it is over."), code="no_callback")
    leg = legs.finish(interaction_id=interaction_id, actor=actor, reason=REASONS[CallbackEnd(result)])
    if result == CallbackEnd.REACHED:
        end(callback, result, actor)
        return callback
    # Nothing was said: there is nothing to wrap up.
    legs.wrap_up(leg_id=leg.pk, actor=None)
    _follow(callback, leg.item.queue)
    if result == CallbackEnd.WRONG_NUMBER:
        end(callback, result, actor)
    else:
        _try_again(callback, actor, minutes)
    return callback


def _follow(callback: Callback, queue: Queue) -> None:
    """Let a callback that was handed over stay where it went, unless the phone has another one there."""
    taken = Callback.objects.open().filter(thread=callback.thread_id, queue=queue)
    if callback.queue_id != queue.pk and not taken.exists():
        callback.queue = queue


def _try_again(callback: Callback, actor: "User", minutes: int | None) -> None:
    """Plan the next attempt within the hours, or give up after as many as the queue wants."""
    queue, callback.attempts = callback.queue, callback.attempts + 1
    pause = timedelta(minutes=minutes or queue.callback_pause_min)
    again_at = calls.first_moment(queue, callback.zone, timezone.now() + pause)
    callback.save(update_fields=["attempts", "queue"])
    if callback.attempts >= queue.callback_attempts or again_at is None:
        end(callback, CallbackEnd.NO_ANSWER, actor)
        return
    callback.state, callback.due_at = CallbackState.PLANNED, again_at
    callback.save(update_fields=["state", "due_at"])
    fact = CallbackMissed(
        callback=callback.pk, queue=queue.pk, attempt=callback.attempts, again_at=again_at.isoformat()
    )
    emit(fact, profile_id=callback.profile_id, actor_id=actor.pk)
    tell(callback)


@transaction.atomic
def settle(*, interaction_id: int) -> None:
    """A session ended by itself or by another door: its callback is over as well, or it would never be heard of again."""
    callback = locks.lock_callback(Callback.objects.filter(session=interaction_id, state=CallbackState.QUEUED))
    if callback is None or callback.session is None or callback.session.is_open:
        return
    finished = callback.session.close_reason == CloseReason.FINISHED
    end(callback, CallbackEnd.REACHED if finished else CallbackEnd.CANCELLED)


# --- What time alone causes -----------------------------------------------------------------------


def sweep(*, now: datetime) -> int:
    """Let callbacks that are due enter their queues, take them out when the hours end, queue again what lies lost."""
    return enter_due(now) + _go_home(now) + _queue_lost()


def enter_due(now: datetime) -> int:
    """Let callbacks whose time has come enter their queues. Returns how many did."""
    called = Interaction.objects.open().filter(thread=OuterRef("thread"))
    due = Callback.objects.filter(state=CallbackState.PLANNED, due_at__lte=now).exclude(Exists(called))
    return sum(_enter_one(pk, now) for pk in list(due.order_by("due_at").values_list("pk", flat=True)[:200]))


@transaction.atomic
def _enter_one(pk: int, now: datetime) -> bool:
    callback = locks.lock_callback(Callback.objects.filter(pk=pk, state=CallbackState.PLANNED, due_at__lte=now))
    if callback is None:
        return False
    moment = calls.first_moment(callback.queue, callback.zone, now)
    try:
        with transaction.atomic():
            if moment == now and enter(callback, now):
                return True
    except CxError:
        # The phone was blocked, or the customer erased: nobody may call him.
        moment = None
    if moment is None:
        end(callback, CallbackEnd.CANCELLED)
    elif moment > now:
        callback.due_at = moment
        callback.save(update_fields=["due_at"])
    return False


def _go_home(now: datetime) -> int:
    """Take those out of the queue who may not be called at this hour: they come back in the morning with their time."""
    waiting = Callback.objects.filter(state=CallbackState.QUEUED, session__visits__visit=Visit.WAITING)
    rows = waiting.select_related("queue__hours").prefetch_related("queue__hours__intervals", "queue__hours__holidays")
    late = [row.pk for row in rows.order_by("pk")[:500] if not calls.may_call(row.queue, row.zone, now)]
    return sum(_postpone(pk, now) for pk in late)


@transaction.atomic
def _postpone(pk: int, now: datetime) -> bool:
    callback = locks.lock_callback(Callback.objects.filter(pk=pk, state=CallbackState.QUEUED))
    if callback is None or not leave(callback, CloseReason.LATER):
        return False
    moment = calls.first_moment(callback.queue, callback.zone, now)
    callback.save(update_fields=["state"])
    if moment is None:
        end(callback, CallbackEnd.CANCELLED)
        return True
    callback.due_at = moment
    callback.save(update_fields=["due_at"])
    tell(callback)
    return True


def _queue_lost() -> int:
    """Queue open sessions of callbacks that wait nowhere and are in nobody's hands. That should not happen."""
    live = WorkItem.objects.exclude(visit=Visit.LEFT).filter(interaction=OuterRef("session"))
    held = Assignment.objects.filter(interaction=OuterRef("session"), leg__in=[Leg.OFFERED, Leg.ACTIVE])
    lost = Callback.objects.filter(state=CallbackState.QUEUED, session__closed_at=None)
    count = 0
    for callback in lost.exclude(Exists(live)).exclude(Exists(held)).select_related("session__topic", "queue")[:100]:
        assert callback.session is not None
        again = queueing.enqueue(
            interaction=callback.session,
            queue=callback.queue,
            boost=callback.boost,
            waits_since=callback.session.waiting_since,
        )
        count += again is not None
    return count


def being_called() -> Conflict:
    """Return the refusal of an act on a callback that somebody is calling at this moment."""
    return Conflict(_("An operator is calling at this moment."), code="calling")
