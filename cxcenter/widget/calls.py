"""Callbacks as the visitor asks for them, changes and cancels them."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from customers import normalise
from cxcenter.core.errors import Conflict, Invalid, NotFound
from cxcenter.core.reading import moment
from cxcenter.widget import protocol
from interactions.actions import talk
from interactions.models import Interaction, Thread
from routing import calls
from routing.actions import callbacks
from routing.choices import Visit
from routing.models import Callback, Queue, WorkItem


def _visits(interaction: Interaction) -> Any:
    return WorkItem.objects.filter(interaction=interaction).exclude(visit=Visit.LEFT).select_related("queue__hours")


def choices(thread: Thread) -> dict[str, Any]:
    """Return what the form of a callback offers: the phone that is known, the hours to choose from."""
    queue, source = _where(thread)
    asked = Callback.objects.open().filter(asked_in=thread).select_related("thread__identity").order_by("-pk").first()
    said = source.says.get("contact", "") if source else ""
    return {
        "phone": asked.phone if asked else "" if "@" in said else said,
        "slots": [slot.isoformat() for slot in calls.slots(queue)],
    }


def _where(thread: Thread) -> tuple[Queue, Interaction | None]:
    """Return the queue in which a visitor waits, and his session; else that of his callback. Raises Conflict without any."""
    source = Interaction.objects.open().filter(thread=thread).select_related("profile", "topic").first()
    visit = _visits(source).first() if source else None
    if visit is not None:
        if not visit.queue.callbacks:
            raise Conflict(_("Nobody is called back from this queue."), code="no_callbacks")
        return visit.queue, source
    if source is not None:
        raise Conflict(_("An operator is with you already."), code="served")
    asked = Callback.objects.open().filter(asked_in=thread).select_related("queue__hours").order_by("-pk").first()
    if asked is None:
        raise Conflict(_("You do not wait any more. Write to us, or leave a request."), code="not_waiting")
    return asked.queue, None


def ask(thread: Thread, data: dict[str, Any], language: str) -> None:
    """Let a visitor who waits be called instead, or called otherwise than he asked before. Raises Invalid, Conflict."""
    talk.refuse_blocked(thread)
    queue, source = _where(thread)
    zone = zone_of(data)
    callbacks.ask(
        callbacks.Wish(
            phone=phone_of(data),
            queue=queue,
            profile=source.profile if source else thread.profile,
            at=slot_of(data, queue, zone),
            asked_in=thread,
            source=source,
            topic=source.topic if source else None,
            language=language,
            zone=zone,
            name=source.says.get("name", "") if source else "",
        )
    )


def zone_of(data: dict[str, Any]) -> str:
    """Return the visitor's time zone, "" if his browser says none that is known."""
    return calls.zone_of(protocol.text_of(data, "zone", 60))


def phone_of(data: dict[str, Any]) -> str:
    """Return the phone of the form. Raises Invalid."""
    try:
        return normalise.phone(protocol.text_of(data, "contact", 120))
    except Invalid as error:
        raise Invalid(error.message, field="contact") from None


def slot_of(data: dict[str, Any], queue: Queue | None, zone: str) -> datetime | None:
    """Return the chosen hour, one of those that can be promised; None for "as soon as my turn comes". Raises Invalid."""
    said = data.get("slot")
    if not said:
        return None
    chosen = moment(str(said)[:40])
    if chosen not in calls.slots(queue, zone=zone):
        raise Invalid(_("This time is taken or over. Choose another one."), field="slot")
    return chosen


@transaction.atomic
def cancel(thread: Thread, data: dict[str, Any]) -> None:
    """Cancel a callback that the visitor asked for. Repeating it changes nothing. Raises NotFound, Conflict."""
    number = protocol.whole_of(data, "id")
    callback = Callback.objects.filter(asked_in=thread, pk=number or 0).first()
    if callback is None:
        raise NotFound(_("There is no such callback."), code="no_callback")
    callbacks.cancel(callback_id=callback.pk)
