"""The bar of calls: its part of the page, its controls, and what browsers say of the connections between them."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cxcenter import phone
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Right
from cxcenter.core import realtime
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk.views.common import case_for, chosen_profile, pick, session_for, task_for, whole
from cxcenter.frame import presence_of
from interactions.actions import calls, dialling
from interactions.calls.facts import CUSTOMER, user_of
from interactions.calls.table import Control
from interactions.models import Interaction
from routing import queries
from routing.actions import guests, legs, voice
from routing.models import ExchangeQueue, Guest

# Controls that bring others into the call, or leave it to them.
JOINING: dict[Control, Callable[..., None]] = {
    Control.MERGE: guests.merge,
    Control.RETURN: guests.come_back,
    Control.COMPLETE: guests.complete,
}


@require_GET
@needs(Right.SERVE)
def bar(request: HttpRequest) -> HttpResponse:
    """Show the bar again."""
    user = staff_of(request)
    return render(request, "parts/_cti_bar.html", {"presence": presence_of(user), **phone.bar_context(user)})


@require_GET
@needs(Right.SERVE)
def sound(request: HttpRequest) -> HttpResponse:
    """Show the choice of microphone and speaker, with a test of both."""
    return render(request, "desk/_sound.html")


@require_POST
@needs(Right.SERVE)
def dial(request: HttpRequest) -> HttpResponse:
    """Call a number from my phone, typed in any form: by hand, or from a `customer`'s card, a `case`, a `task`.

    `queue` is the queue of the exchange as whose number I am seen.
    """
    user, asked = staff_of(request), request.POST
    if phone.lines_of(user):
        raise Conflict(_("You are in a call."), code="in_call")
    task = task_for(user, whole(asked["task"], "task")) if asked.get("task") else None
    case = case_for(user, whole(asked["case"], "case")) if asked.get("case") else task.case if task else None
    profile = chosen_profile(user, asked) or (case.profile if case else task.profile if task else None)
    queue = pick(ExchangeQueue.objects.all(), asked.get("queue"))
    row = dialling.dial(
        actor=user,
        number=asked.get("number", "")[:100],
        profile=profile,
        case=case,
        caller_id=queue.caller_id if queue else "",
    )
    return JsonResponse({"number": row.number, "how": row.exchange.kind})


@require_POST
@needs(Right.SERVE)
def press(request: HttpRequest, pk: int, control: str) -> HttpResponse:
    """Hold, resume, mute, pause the recording, merge, return, complete. A guest may mute himself.

    The exchange of a call is asked for all that it can; `value` is the number to call, or the key.
    """
    user = staff_of(request)
    leg = legs.leg_at(interaction_id=pk, actor=user)
    if leg is None:
        # Who has it in his hands sees it: the longer question is for the others.
        session_for(user, pk)
    try:
        pressed = Control(control)
    except ValueError:
        raise Invalid(_("There is no such control."), field="control") from None
    if leg is not None and leg.outside and not (pressed in JOINING and calls.is_mixed_here(pk)):
        recorded, value = leg.item.queue.record_calls, request.POST.get("value", "")
        calls.press(interaction_id=pk, actor=user, control=pressed, recorded=recorded, value=value)
        return HttpResponse(status=204)
    if pressed in JOINING:
        JOINING[pressed](interaction_id=pk, actor=user)
        return HttpResponse(status=204)
    if pressed not in calls.NOTED:
        raise Invalid(_("This is done otherwise: by the session's own buttons."), field="control")
    if (
        leg is None
        and pressed in phone.OF_GUESTS
        and Guest.objects.present().filter(interaction=pk, user=user).exists()
    ):
        said = calls.fact(calls.NOTED[pressed], party=calls.party_of(user.pk))
        calls.press(interaction_id=pk, actor=user, control=pressed, facts=[said])
        return HttpResponse(status=204)
    leg = leg or legs.owned_leg(interaction_id=pk, actor=user)
    if pressed == Control.RESUME:
        voice.hold_others(user.pk, but=pk)
    calls.press(interaction_id=pk, actor=user, control=pressed, recorded=leg.item.queue.record_calls)
    return HttpResponse(status=204)


@require_POST
@needs(Right.SERVE)
def signal(request: HttpRequest, pk: int) -> HttpResponse:
    """Pass a description of my connection on: `to` the customer or a guest, by a guest to whose call it is.

    conn, turn, what, sdp: see interactions.actions.calls.read_signal.
    """
    user = staff_of(request)
    # Who has it in his hands sees it: the longer question is for the others.
    talk = queries.held_by(pk, user) or session_for(user, pk)
    if talk.kind != "voice" or talk.voice.provider not in calls.MIXED_HERE:
        raise Conflict(_("This call is carried by a telephony platform."), code="no_browser")
    turn = whole(request.POST.get("turn"), "turn")
    said = calls.read_signal({**request.POST.dict(), "turn": turn})
    _pass_on(talk, user, request.POST.get("to", CUSTOMER), {"kind": "sdp", **said})
    return JsonResponse({"sent": True})


@require_POST
@needs(Right.SERVE)
def ready(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask whose call it is to connect my page anew: it was loaded just now."""
    user = staff_of(request)
    talk = session_for(user, pk)
    owner = queries.owner_of(pk)
    _pass_on(talk, user, calls.party_of(owner.operator_id) if owner else "", {"kind": "ready"})
    return HttpResponse(status=204)


def _pass_on(talk: Interaction, user: User, to: str, said: dict[str, Any]) -> None:
    """Push to another party of a call. Whose call it is reaches all; a guest reaches him alone. Raises Conflict."""
    owner = queries.owner_of(talk.pk)
    own = calls.party_of(user.pk)
    if owner is None:
        raise Conflict(_("This session is not in your hands now."), code="not_owner")
    if owner.operator_id == user.pk and to == CUSTOMER:
        pushed = {**said, "session": str(talk.public_id), "party": own}
        realtime.publish((realtime.customer_group(talk.thread_id), pushed))
        return
    # Between colleagues one of the two is the owner, and the other is in the call now.
    other = user_of(to)
    guest = other if owner.operator_id == user.pk else user.pk if other == owner.operator_id else None
    if guest is None or not Guest.objects.present().filter(interaction=talk, user=guest).exists():
        raise Conflict(_("Somebody else has this call now."), code="not_owner")
    realtime.publish((realtime.user_group(other or 0), {**said, "id": talk.pk, "from": own}))
