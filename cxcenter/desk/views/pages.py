"""Pages and parts of the desk: the whole, a session in it, and what pushes make it fetch again."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Right
from cxcenter.core.errors import Forbidden, NotFound
from cxcenter.core.reading import number
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk import conversation, rows
from cxcenter.desk.contexts import counts_of, session_context, sessions_context, side_context, wrapup_context
from cxcenter.desk.views import cases, knowledge, tasks
from cxcenter.desk.views.common import note_looking, session_for, session_to_read
from cxcenter.frame import frame, presence_of
from interactions import pushes
from interactions.models import Interaction, Thread
from routing import queries
from routing.actions.guests import RING_S
from routing.choices import Mode, work_of

SECTIONS = ("card", "cases", "tasks", "knowledge")


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def desk(request: HttpRequest) -> HttpResponseBase:
    """Show the desk, or go to the session that needs an answer most: at its address a reload shows it again."""
    user = staff_of(request)
    mine = rows.my_rows(user)
    waiting = rows.by_need(mine).get("mine", [])
    first = (waiting or mine)[:1]
    return redirect("desk:session", first[0].id) if first else _page(request, user, None, "card")


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def session(request: HttpRequest, pk: int, section: str = "card") -> HttpResponse:
    """Show a session with the card beside it: the whole page, or its work area alone for a change of tab."""
    user = staff_of(request)
    talk = session_to_read(user, pk)
    _note_card(user, talk)
    return _page(request, user, talk, section)


def _note_card(user: User, talk: Interaction) -> None:
    """Keep in the audit log whose card stands beside a session; of an erased customer none does."""
    if talk.profile is not None and talk.profile.customer.erased_at is None:
        note_looking(user, talk.profile.customer)


def _page(request: HttpRequest, user: User, talk: Interaction | None, section: str) -> HttpResponse:
    if section not in SECTIONS:
        raise NotFound(_("There is no such section."))
    if section in {"cases", "tasks"} and not user.may(Right.CASES):
        raise Forbidden(_("Cases and tasks are not for your role."))
    context: dict[str, Any] = {
        **sessions_context(user, talk.pk if talk else None),
        "section": section,
        "counts": counts_of(user, talk),
    }
    if talk is not None:
        context |= session_context(user, talk)
        if context["wrapup"]:
            context |= wrapup_context(user, talk)
    context |= section_context(user, talk, section)
    if request.headers.get("HX-Request"):
        return render(request, "desk/_work.html", context)
    return render(request, "desk/desk.html", {**frame(user, "desk"), **context})


def section_context(user: User, talk: Interaction | None, section: str) -> dict[str, Any]:
    """Return what levels 3 and 4 show besides the card."""
    if section == "cases":
        return cases.section(user, talk)
    if section == "tasks":
        return tasks.section(user, talk)
    if section == "knowledge":
        return knowledge.section("")
    return {}


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def parts(request: HttpRequest) -> HttpResponse:
    """Answer the thin signals "sessions" and "presence": tabs, list and my state, each to be morphed in place."""
    user = staff_of(request)
    chosen = request.GET.get("chosen", "")
    context = {**frame(user, "desk"), **sessions_context(user, number(chosen))}
    return render(request, "desk/_parts.html", context)


@require_GET
@needs(Right.SERVE)
def offers(request: HttpRequest) -> HttpResponse:
    """Show what is offered to me now, and why nothing is if I have missed an offer."""
    user = staff_of(request)
    context = {
        "offers": rows.offers_of(user),
        "invitations": rows.invitations_of(user),
        "missed": presence_of(user).mode == Mode.NOT_RESPONDING,
        "ring_s": RING_S,
        "now": timezone.now(),
    }
    return render(request, "desk/_offers.html", context)


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def other_rows(request: HttpRequest) -> HttpResponse:
    """Show the other halves of the list: who waits in my queues, or everything I may read."""
    user = staff_of(request)
    if request.GET.get("show") == "queue":
        queue = request.GET.get("queue", "")
        context = {"listed": rows.queue_rows(user, number(queue)), "more": ""}
    else:
        listed, more = rows.recent_rows(user, request.GET.get("before", ""))
        context = {"listed": listed, "more": more}
    return render(request, "desk/_listed.html", {**context, "now": timezone.now()})


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def side(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the right side of a session again, how its visitor is called, and where he is."""
    user = staff_of(request)
    talk = session_to_read(user, pk)
    _note_card(user, talk)
    customer = talk.profile.customer if talk.profile else None
    context = {"talk": talk, "name": talk.caller, "customer": customer, **side_context(user, talk)}
    return render(request, "desk/_side_parts.html", {**context, "now": timezone.now()})


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def history(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the page of the conversation before a cursor."""
    user = staff_of(request)
    talk = session_to_read(user, pk)
    log = conversation.page_of(conversation.threads_of(talk, user), user, request.GET.get("before", ""))
    context = {"log": log, "talk": talk, "marks": pushes.marks_view(talk.thread), "name": talk.caller}
    return render(request, "desk/_entries.html", context)


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def changes(request: HttpRequest) -> JsonResponse:
    """Answer the gap check: for each "thread:N" what changed after N, as rendered messages, marks and counter."""
    user = staff_of(request)
    asked = conversation.cursors(request.GET.get("threads", ""))
    answer = {}
    for thread in Thread.objects.filter(pk__in=list(asked)[:40]).visible_to(user):
        found = conversation.changes_of(thread, asked[thread.pk], user)
        answer[str(thread.pk)] = {
            "changed": found[-1]["changed"] if len(found) == 200 else thread.staff_changes,
            "more": len(found) == 200,
            "marks": pushes.marks_view(thread),
            "messages": [
                {
                    "id": m["id"],
                    "seq": m["seq"],
                    "key": m["key"],
                    "changed": m["changed"],
                    "html": conversation.message_html(m),
                }
                for m in found
            ],
        }
    return JsonResponse({"threads": answer})


@require_GET
@needs(Right.SERVE)
def transfer_form(request: HttpRequest, pk: int) -> HttpResponse:
    """Show who could take the session: queues that are open, people with room."""
    user = staff_of(request)
    talk = session_for(user, pk)
    queues, ready = queries.who_can_take(talk, user)
    work = work_of(talk.kind)
    people = [{"user": one.user, "load": one.loads[work], "limit": one.limits[work]} for one in ready]
    return render(request, "desk/_transfer.html", {"talk": talk, "queues": queues, "people": people})
