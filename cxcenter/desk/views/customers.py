"""The customer: search, card, edit in place, timeline, linking by hand."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from customers import actions as customers
from customers.models import Customer, Profile
from customers.survivorship import GOLDEN_FIELDS
from cxcenter.accounts.roles import Right
from cxcenter.core import audit
from cxcenter.core.errors import Invalid, NotFound
from cxcenter.core.reading import number
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk import card
from cxcenter.desk.contexts import sessions_context
from cxcenter.desk.views.common import customer_for, pick, session_for
from cxcenter.frame import frame
from interactions.actions import cases as case_actions
from interactions.models import Case, Interaction


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def search(request: HttpRequest) -> HttpResponse:
    """Find customers and cases for the search box and the palette, eight of each at the most."""
    user = staff_of(request)
    query = request.GET.get("q", "").strip()[:100]
    found, cases = [], []
    if len(query) >= 2:
        found = list(Customer.objects.visible_to(user).matching(query, contacts=user.may(Right.SEE_CONTACTS))[:8])
        digits = query.upper().removeprefix("CS-")
        if digits.isdecimal() and len(digits) < 18:
            cases = list(Case.objects.visible_to(user).filter(pk=int(digits)))
    context = {"found": found, "cases": cases, "query": query, "link_to": request.GET.get("link", "")}
    return render(request, "desk/_found.html", context)


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def index(request: HttpRequest) -> HttpResponse:
    """Show customers: the found ones, or those who were in touch last."""
    user = staff_of(request)
    query = request.GET.get("q", "").strip()[:100]
    if query:
        listed = list(Customer.objects.visible_to(user).matching(query, contacts=user.may(Right.SEE_CONTACTS))[:50])
    else:
        recent = Interaction.objects.filter(profile__isnull=False).order_by("-last_message_at")
        ids = list(recent.values_list("profile__customer_id", flat=True)[:120])
        order = {pk: place for place, pk in reversed(list(enumerate(ids)))}
        listed = sorted(Customer.objects.visible_to(user).filter(pk__in=ids), key=lambda c: order[c.pk])[:50]
    context = {**frame(user, "customers"), **sessions_context(user, None), "listed": listed, "query": query}
    return render(request, "desk/customers.html", context)


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the whole card. Who looked is kept in the audit log."""
    user = staff_of(request)
    customer = customer_for(user, pk)
    audit.record(user, "customer.view", f"customer:{pk}")
    lines, more = card.timeline_of(customer, limit=25)
    context = {
        **frame(user, "customers"),
        **sessions_context(user, None),
        "customer": customer,
        "fields": card.fields_of(customer),
        "identities": card.identities_of(customer, user),
        "numbers": card.numbers_of(customer),
        "timeline": lines,
        "timeline_more": more,
        "timeline_groups": card.groups(),
        "cases": Case.objects.visible_to(user).filter(profile__customer=customer).order_by("-opened_at")[:10],
        "said": card.said_of(_last_said(customer), user),
    }
    return render(request, "desk/customer.html", context)


def _last_said(customer: Customer) -> Interaction | None:
    """Return the newest session in which the customer typed who he is."""
    return Interaction.objects.filter(profile__customer=customer).exclude(says={}).order_by("-opened_at").first()


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Save one or more golden fields. A colleague's change meanwhile is answered 409 "stale"."""
    user = staff_of(request)
    customer = customer_for(user, pk)
    fields = {name: request.POST[name] for name in GOLDEN_FIELDS if name in request.POST}
    if not fields:
        raise Invalid(_("Nothing was changed."))
    saved = customers.edit_customer(
        customer=customer, fields=fields, version=number(request.POST.get("version")), actor=user
    )
    return JsonResponse({"version": saved.version, "name": saved.name or saved.number})


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def timeline(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a page of the timeline, filtered by a chip."""
    customer = customer_for(staff_of(request), pk)
    group = request.GET.get("group", "")
    lines, more = card.timeline_of(customer, group=group, before=request.GET.get("before", ""), limit=20)
    context = {"timeline": lines, "timeline_more": more, "customer": customer, "group": group}
    # The next page is lines alone; a chip replaces the chips as well.
    template = "desk/_timeline_lines.html" if request.GET.get("lines") else "desk/_timeline.html"
    return render(request, template, {**context, "timeline_groups": card.groups()})


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def link(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a session on a customer's card, or off it; answers the former profile for an undo."""
    user = staff_of(request)
    talk = session_for(user, pk)
    profile = pick(Profile.objects.visible_to(user), request.POST.get("profile"))
    if profile is None and request.POST.get("customer"):
        customer = pick(Customer.objects.visible_to(user), request.POST["customer"])
        if customer is None:
            raise NotFound(_("There is no such customer."))
        profile = customer.profiles.order_by("pk").first()
    before = case_actions.link_customer(interaction_id=talk.pk, profile=profile, actor=user)
    return JsonResponse({"before": before})
