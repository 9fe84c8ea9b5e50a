"""The bar of calls: its part of the page, its controls, and what two browsers say of their connection."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cxcenter import phone
from cxcenter.accounts.roles import Right
from cxcenter.core import realtime
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk.views.common import session_for, whole
from cxcenter.frame import presence_of
from interactions.actions import calls
from interactions.calls.table import Control
from interactions.choices import Provider
from routing.actions import legs


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
def press(request: HttpRequest, pk: int, control: str) -> HttpResponse:
    """Hold, resume, mute, pause the recording …: what changes the call alone. Of an exchange all that it can be asked."""
    user = staff_of(request)
    session_for(user, pk)
    leg = legs.outside_leg(interaction_id=pk, actor=user) or legs.owned_leg(interaction_id=pk, actor=user)
    try:
        pressed = Control(control)
    except ValueError:
        raise Invalid(_("There is no such control."), field="control") from None
    if pressed not in calls.NOTED and not leg.outside:
        raise Invalid(_("This is done otherwise: by the session's own buttons."), field="control")
    recorded, value = leg.item.queue.record_calls, request.POST.get("value", "")
    calls.press(interaction_id=pk, actor=user, control=pressed, recorded=recorded, value=value)
    return HttpResponse(status=204)


@require_POST
@needs(Right.SERVE)
def signal(request: HttpRequest, pk: int) -> HttpResponse:
    """Pass a description of my connection on to the customer's browser: conn, turn, what, sdp."""
    user = staff_of(request)
    talk = session_for(user, pk)
    legs.owned_leg(interaction_id=pk, actor=user)
    if talk.kind != "voice" or talk.voice.provider != Provider.BROWSER:
        raise Conflict(_("This call is carried by a telephony platform."), code="no_browser")
    turn = whole(request.POST.get("turn"), "turn")
    said = calls.read_signal({**request.POST.dict(), "turn": turn})
    pushed = {"kind": "sdp", "session": str(talk.public_id), "party": calls.party_of(user.pk), **said}
    realtime.publish((realtime.customer_group(talk.thread_id), pushed))
    return JsonResponse({"sent": True})
