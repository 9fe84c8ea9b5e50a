"""My browser as a telephone of a SIP platform: how it registers there, and what it tells of its calls."""

import math

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cxcenter.accounts.roles import Right
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk.views.common import whole
from interactions.adapters.voice.sip import Word
from interactions.models import Extension
from routing.actions import guests, sip
from routing.models import Assignment

# What a call can be called, and how many one browser can have.
NAME_CHARS, MOST_CALLS = 120, 8


@require_GET
@never_cache
@needs(Right.SERVE)
def registration(request: HttpRequest) -> HttpResponse:
    """Tell where my browser registers and by which credentials; `{}` if I am no extension of a SIP platform."""
    phone = sip.phone_of(staff_of(request))
    return JsonResponse(sip.registration(phone) if phone else {})


@require_POST
@needs(Right.SERVE)
def told(request: HttpRequest) -> HttpResponse:
    """Keep what my telephone says of a call: call, what, key, number, to, reason, ago (seconds).

    Answers under which name it speaks of the call from now on, its session, whether it is to be recorded, and whether I
    took it over as a guest: then it is answered as soon as it rings.
    """
    sent = request.POST
    try:
        word, ago = Word(sent.get("what", "")), float(sent.get("ago") or 0)
    except ValueError:
        raise _unheard() from None
    if not math.isfinite(ago):
        raise _unheard()
    texts = {name: sent.get(name, "")[:NAME_CHARS] for name in ("call", "key", "number", "to", "reason")}
    call = sip.tell(phone=_phone(request), word=word, ago_s=ago, **texts)
    if call is None:
        return JsonResponse({})
    legs = Assignment.objects.filter(interaction=call.pk, operator=staff_of(request)).select_related("item__queue")
    leg = legs.order_by("-pk").first()
    recorded = bool(leg and leg.item.queue.record_calls)
    taken = word == Word.RINGS and guests.takes(interaction_id=call.pk, user=staff_of(request))
    return JsonResponse({"name": call.key, "session": call.pk, "recorded": recorded, "taken": taken})


@require_POST
@needs(Right.SERVE)
def still(request: HttpRequest) -> HttpResponse:
    """Note which calls my telephone has: all others of mine ended with the page that had them. `call`, as often as need be."""
    return JsonResponse({"ended": sip.still(phone=_phone(request), going=request.POST.getlist("call")[:MOST_CALLS])})


@require_POST
@needs(Right.SERVE)
def done(request: HttpRequest) -> HttpResponse:
    """Note what came of something that my telephone was asked to do: command, and words if it did not."""
    command_id = whole(request.POST.get("command"), "command")
    return JsonResponse(
        {"noted": sip.done(phone=_phone(request), command_id=command_id, words=request.POST.get("words", ""))}
    )


def _unheard() -> Invalid:
    return Invalid(_("A telephone does not say this."), field="what")


def _phone(request: HttpRequest) -> Extension:
    phone = sip.phone_of(staff_of(request))
    if phone is None:
        raise Conflict(_("You are no extension of a SIP platform."), code="no_extension")
    return phone
