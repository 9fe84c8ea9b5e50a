"""Call links: made for a customer, from his card, a session or a case; revoked by who made them."""

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from customers.queries import lead_of
from cxcenter.accounts.roles import Right
from cxcenter.core.errors import Invalid, NotFound
from cxcenter.core.reading import number
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk.views.common import case_for, customer_for, pick, session_for
from interactions.actions import call_links
from interactions.models import CallLink, Case, Interaction, Site

if TYPE_CHECKING:
    from customers.models import Customer
    from cxcenter.accounts.models import User


@require_POST
@needs(Right.SERVE)
def make(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a link by which a customer calls: of a site, to me first (`me`), about what a session or a case is about."""
    user = staff_of(request)
    customer = customer_for(user, pk)
    site = pick(Site.objects.filter(voice__active=True).select_related("voice"), request.POST.get("site"))
    if site is None:
        raise Invalid(_("Choose a site that takes calls."), field="site")
    talk, case = _origin(request, user, customer)
    about = case or talk
    link = call_links.make(
        site=site,
        profile=(about.profile if about else None) or lead_of(customer),
        actor=user,
        topic=about.topic if about else None,
        case=case,
        operator=user if request.POST.get("me") else None,
    )
    until = date_format(timezone.localtime(link.expires_at), _("j M, H:i"))
    words = _("The link is copied: send it to the customer. It holds for one browser, until %(until)s.") % {
        "until": until
    }
    undo = reverse("desk:revoke-call-link", args=[link.pk])
    return JsonResponse({"url": call_links.address(link), "words": words, "undo": undo})


def _origin(request: HttpRequest, user: "User", customer: "Customer") -> tuple[Interaction | None, Case | None]:
    """Return the session or the case from which the link is made; one of another customer is none."""
    session, case = number(request.POST.get("session")), number(request.POST.get("case"))
    talk = session_for(user, session) if session is not None else None
    of_case = case_for(user, case) if case is not None else None
    return talk if _is_of(talk, customer) else None, of_case if _is_of(of_case, customer) else None


def _is_of(about: Interaction | Case | None, customer: "Customer") -> bool:
    return about is not None and about.profile is not None and about.profile.customer_id == customer.pk


@require_POST
@needs(Right.SERVE)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's own link back: nobody calls by it any more."""
    user = staff_of(request)
    link = CallLink.objects.filter(pk=pk, made_by=user).select_related("profile").first()
    if link is None:
        raise NotFound(_("There is no such link."))
    call_links.revoke(link=link, actor=user)
    return HttpResponse(status=204)
