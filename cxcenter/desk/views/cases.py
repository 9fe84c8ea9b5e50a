"""Cases: register, list, change, attach sessions."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET, require_POST

from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Right
from cxcenter.core.errors import Invalid
from cxcenter.core.once import once
from cxcenter.core.reading import moment, number
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk import card
from cxcenter.desk.contexts import sessions_context, tree
from cxcenter.desk.views.common import case_for, chosen_profile, pick, session_for, whole
from cxcenter.frame import frame
from interactions.actions import cases as actions
from interactions.choices import CaseKind, CaseStatus, Priority
from interactions.models import Case, CaseLink, Interaction, Topic

PAGE = 50


def choices(user: User) -> dict[str, Any]:
    """Return the choices of the case form."""
    return {
        "kinds": CaseKind.choices,
        "priorities": Priority.choices,
        "statuses": CaseStatus.choices,
        "topics": tree(Topic, user.language),
        "people": User.objects.filter(is_active=True)
        .exclude(role="integrator")
        .order_by("first_name", "username")[:300],
    }


def section(user: User, talk: Interaction | None) -> dict[str, Any]:
    """Return the section "Cases" of a session: its customer's cases and the form."""
    if talk is None or talk.profile is None:
        listed = Case.objects.visible_to(user).open().filter(owner=user)
    else:
        listed = Case.objects.visible_to(user).filter(profile__customer_id=talk.profile.customer_id)
    linked = set(CaseLink.objects.filter(interaction=talk).values_list("case_id", flat=True)) if talk else set()
    found = list(listed.select_related("owner", "topic").order_by("-opened_at")[:PAGE])
    similar = next((case for case in found if case.is_open and case.pk not in linked), None)
    return {"cases": found, "linked": linked, "similar": similar, **choices(user)}


@require_GET
@needs(Right.CASES)
def index(request: HttpRequest) -> HttpResponse:
    """Show cases: mine, all open, or overdue; pages by keyset."""
    user = staff_of(request)
    show = request.GET.get("show", "mine")
    cases = Case.objects.visible_to(user).select_related("profile__customer", "owner", "topic")
    match show:
        case "open":
            cases = cases.open()
        case "overdue":
            cases = cases.open().filter(due_at__lt=timezone.now())
        case "all":
            pass
        case _:
            cases = cases.open().filter(owner=user)
    before = number(request.GET.get("before"))
    if before is not None:
        cases = cases.filter(pk__lt=before)
    page = list(cases.order_by("-pk")[: PAGE + 1])
    more = page[PAGE - 1].pk if len(page) > PAGE else ""
    shows = [("mine", _("Mine")), ("open", pgettext("cases", "Open")), ("overdue", _("Overdue")), ("all", _("All"))]
    context = {"cases": page[:PAGE], "more": more, "show": show, "shows": shows}
    return render(request, "desk/cases.html", {**frame(user, "cases"), **sessions_context(user, None), **context})


@require_GET
@needs(Right.CASES)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one case with its sessions and tasks."""
    user = staff_of(request)
    case = case_for(user, pk)
    context = {
        **frame(user, "cases"),
        **sessions_context(user, None),
        "case": case,
        "links": case.links.select_related("interaction__thread", "interaction__profile__customer", "linked_by"),
        "phones": card.phones_of(case.profile.customer, user) if case.profile else [],
        "call_sites": card.call_sites(user) if case.profile and not case.profile.customer.erased_at else [],
        "tasks": case.tasks.select_related("assignee").order_by("done_at", "due_at"),
        **choices(user),
    }
    return render(request, "desk/case.html", context)


def _fields(request: HttpRequest) -> dict[str, Any]:
    """Read the fields of the case form that were sent."""
    sent = request.POST
    fields: dict[str, Any] = {name: sent[name] for name in ("kind", "subject", "text", "status") if name in sent}
    if "priority" in sent:
        fields["priority"] = whole(sent["priority"], "priority")
    if "topic" in sent:
        fields["topic"] = pick(Topic.objects.filter(active=True), sent["topic"])
    if sent.get("owner"):
        fields["owner"] = pick(User.objects.filter(is_active=True), sent["owner"])
    if "due_at" in sent:
        fields["due_at"] = moment(sent["due_at"])
        if sent["due_at"] and fields["due_at"] is None:
            raise Invalid(_("This is not a date and time."), field="due_at")
    return fields


@require_POST
@needs(Right.CASES)
@once
def register(request: HttpRequest) -> HttpResponse:
    """Register a case, from a session or for a customer."""
    user = staff_of(request)
    session = number(request.POST.get("session"))
    talk = session_for(user, session) if session is not None else None
    profile = talk.profile if talk else None
    if profile is None:
        profile = chosen_profile(user, request.POST)
    fields = _fields(request)
    if not fields.get("subject", "").strip():
        raise Invalid(_("Say in a few words what the case is about."), field="subject")
    case = actions.register_case(actor=user, profile=profile, interaction=talk, **fields)
    return JsonResponse({"case": case.pk, "number": case.number})


@require_POST
@needs(Right.CASES)
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change fields of a case; a colleague's change meanwhile is answered 409 "stale"."""
    user = staff_of(request)
    case = case_for(user, pk)
    changed = actions.change_case(
        case_id=case.pk, version=number(request.POST.get("version")), actor=user, **_fields(request)
    )
    return JsonResponse({"version": changed.version, "status": changed.get_status_display()})


@require_POST
@needs(Right.EDIT_CUSTOMERS)
def link(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a case on a customer's card, or off it; answers the former profile for an undo."""
    user = staff_of(request)
    case = case_for(user, pk)
    before = actions.link_case_to_customer(case_id=case.pk, profile=chosen_profile(user, request.POST), actor=user)
    return JsonResponse({"before": before})


@require_POST
@needs(Right.CASES)
def attach(request: HttpRequest, pk: int) -> HttpResponse:
    """Attach a session to a case, or with `off=1` detach it."""
    user = staff_of(request)
    case = case_for(user, pk)
    talk = session_for(user, number(request.POST.get("session")) or 0)
    act = actions.unlink_case if request.POST.get("off") == "1" else actions.link_case
    act(case=case, interaction=talk, actor=user)
    return JsonResponse({"case": case.pk, "number": case.number})
