"""Colleagues in a call: whom to call, his answer, and supervisors who listen."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cxcenter.accounts.roles import Right
from cxcenter.core.errors import Invalid
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk.views.common import session_for
from interactions.actions import calls
from routing import queries
from routing.actions import exchange_transfer, guests, legs
from routing.choices import GuestRole

# What a supervisor who listens may do next.
ROLES = (GuestRole.LISTEN, GuestRole.WHISPER, GuestRole.MEMBER)


@require_GET
@needs(Right.SERVE)
def invite_form(request: HttpRequest, pk: int) -> HttpResponse:
    """Show which colleagues can be called into my call, and what each is doing."""
    user = staff_of(request)
    talk = session_for(user, pk)
    legs.owned_leg(interaction_id=pk, actor=user)
    context = {
        "talk": talk,
        "people": queries.colleagues_of(user),
        "is_conference": bool(calls.view_of(pk).members),
    }
    return render(request, "desk/_invite.html", context)


@require_POST
@needs(Right.SERVE)
def invite(request: HttpRequest, pk: int) -> HttpResponse:
    """Call a colleague (`colleague`) into my call: to consult him, or into the conference."""
    user = staff_of(request)
    session_for(user, pk)
    chosen = request.POST.get("colleague")
    person = next((one.user for one in queries.colleagues_of(user) if str(one.user_id) == chosen), None)
    if person is None:
        raise Invalid(_("This colleague is not here any more. Choose again."), field="colleague")
    if calls.is_outside(pk) and not calls.is_mixed_here(pk):
        exchange_transfer.consult(pk, user, person)
    else:
        guests.invite(interaction_id=pk, actor=user, colleague=person, note=request.POST.get("note", "")[:1000])
    return HttpResponse(status=204)


@require_POST
@needs(Right.SERVE)
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Take part in a call to which a colleague has invited me; answers which session to open."""
    guest = guests.answer(guest_id=pk, actor=staff_of(request))
    return JsonResponse({"session": guest.interaction_id, "thread": guest.interaction.thread_id})


@require_POST
@needs(Right.SERVE)
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    """Refuse to take part."""
    guests.decline(guest_id=pk, actor=staff_of(request))
    return HttpResponse(status=204)


@require_POST
@needs(Right.SERVE)
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """Go out of a colleague's call."""
    user = staff_of(request)
    session_for(user, pk)
    guests.leave(interaction_id=pk, actor=user)
    return HttpResponse(status=204)


@require_POST
@needs(Right.CONTROL)
def listen(request: HttpRequest, pk: int) -> HttpResponse:
    """Hear a call of my teams, unheard."""
    user = staff_of(request)
    session_for(user, pk)
    guests.listen(interaction_id=pk, actor=user)
    return HttpResponse(status=204)


@require_POST
@needs(Right.CONTROL)
def speak(request: HttpRequest, pk: int, role: str) -> HttpResponse:
    """Whisper to the operator, speak with all, or only listen again."""
    user = staff_of(request)
    session_for(user, pk)
    if role not in ROLES:
        raise Invalid(_("There is no such control."), field="role")
    guests.speak(interaction_id=pk, actor=user, role=role)
    return HttpResponse(status=204)
