"""Callbacks at the desk: whom to call, and which other calls a customer waits for."""

from typing import TYPE_CHECKING, Any

from customers.masking import shown_to
from cxcenter.accounts.roles import Right
from interactions.choices import ChannelKind
from interactions.models import Interaction
from routing.actions import callbacks
from routing.models import Callback

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# After a call that nobody answered it is tried again in so many minutes, as the operator chooses.
PAUSES = (5, 15, 30, 60, 120)


def call_of(talk: Interaction, user: "User") -> dict[str, Any] | None:
    """Return what the open session of a callback shows of the call; None for any other session."""
    if talk.kind != ChannelKind.CALLBACK or not talk.is_open:
        return None
    callback = Callback.objects.filter(session=talk).select_related("thread__identity", "queue").first()
    if callback is None:
        return None
    pauses = sorted({*PAUSES, callback.queue.callback_pause_min})
    return {
        "callback": callback,
        "phone": shown_to(user, callback.thread.identity),
        "dials": user.may(Right.SEE_CONTACTS),
        "attempt": callback.attempts + 1,
        "attempts": callback.queue.callback_attempts,
        "is_last": callback.attempts + 1 >= callback.queue.callback_attempts,
        "pause": callback.queue.callback_pause_min,
        "pauses": pauses,
    }


def others_of(talk: Interaction, user: "User") -> list[dict[str, Any]]:
    """Return the other callbacks that the customer of an open session waits for: whoever serves him sees them. One query."""
    if not talk.is_open:
        return []
    waiting: Any = callbacks.of_customer(talk)
    found = waiting.with_calling().select_related("thread__identity", "queue").order_by("due_at", "pk")
    return [
        {
            "callback": one,
            "phone": shown_to(user, one.thread.identity),
            "calling": one.calling,
            "dials": user.may(Right.SEE_CONTACTS) and not one.calling,
        }
        for one in found[:5]
    ]
