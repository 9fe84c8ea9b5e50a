"""What came of a call, and calls that are not needed any more."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cxcenter.accounts.roles import Right
from cxcenter.core.errors import Invalid
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk.views.common import pick, session_for, whole
from routing.actions import callbacks, calling, legs


@require_POST
@needs(Right.SERVE)
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that the customer was reached (the wrap-up follows), did not answer, or that the number is wrong."""
    user = staff_of(request)
    session_for(user, pk)
    minutes = request.POST.get("minutes")
    calling.report(
        interaction_id=pk,
        actor=user,
        result=request.POST.get("result", ""),
        minutes=whole(minutes, "minutes") if minutes else None,
    )
    return HttpResponse(status=204)


@require_POST
@needs(Right.SERVE)
def no_callback(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel a callback of the customer whom I serve."""
    user = staff_of(request)
    talk = session_for(user, pk)
    legs.owned_leg(interaction_id=pk, actor=user)
    callback = pick(callbacks.of_customer(talk), request.POST.get("callback"))
    if callback is None:
        raise Invalid(_("There is no such callback any more."), field="callback")
    callbacks.cancel(callback_id=callback.pk, actor=user)
    return HttpResponse(status=204)
