"""Tasks: own ones, to a colleague, of the team; due and done."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cxcenter.accounts.models import Team, User
from cxcenter.accounts.roles import Right
from cxcenter.core.errors import Invalid
from cxcenter.core.once import once
from cxcenter.core.reading import moment, number
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk.contexts import sessions_context
from cxcenter.desk.views.common import case_for, pick, session_for, task_for
from cxcenter.frame import frame
from interactions.actions import cases as actions
from interactions.choices import TaskKind
from interactions.models import Interaction, Task

RELATED = ("assignee", "team", "profile__customer", "case")


def section(user: User, talk: Interaction | None) -> dict[str, Any]:
    """Return the section "Tasks" of a session: its customer's tasks, else mine."""
    tasks = Task.objects.visible_to(user).select_related(*RELATED).with_missed()
    if talk is not None and talk.profile is not None:
        tasks = tasks.filter(profile__customer_id=talk.profile.customer_id)
    else:
        tasks = tasks.open().for_user(user)
    return {"tasks": tasks.order_by("done_at", "due_at", "pk")[:100], **choices()}


def choices() -> dict[str, Any]:
    """Return the choices of the task form."""
    return {
        "task_kinds": TaskKind.choices,
        "people": User.objects.filter(is_active=True)
        .exclude(role="integrator")
        .order_by("first_name", "username")[:300],
        "teams": Team.objects.all(),
    }


@require_GET
@needs(Right.CASES)
def index(request: HttpRequest) -> HttpResponse:
    """Show my tasks and those of my team that nobody has taken; or what I asked of others; or what is done."""
    user = staff_of(request)
    show = request.GET.get("show", "mine")
    tasks = Task.objects.visible_to(user).select_related(*RELATED).with_missed()
    match show:
        case "asked":
            tasks = tasks.open().filter(created_by=user).exclude(assignee=user)
        case "done":
            tasks = tasks.filter(done_by=user).order_by("-done_at")
        case _:
            tasks = tasks.open().for_user(user)
    tasks = tasks if show == "done" else tasks.order_by("due_at", "pk")
    shows = [("mine", _("Mine and my team's")), ("asked", _("Asked of others")), ("done", _("Done"))]
    context = {
        **frame(user, "tasks"),
        **sessions_context(user, None),
        "tasks": tasks[:100],
        "show": show,
        "shows": shows,
    }
    return render(request, "desk/tasks.html", {**context, **choices()})


@require_POST
@needs(Right.CASES)
@once
def create(request: HttpRequest) -> HttpResponse:
    """Set a task to a person ("user:ID") or a team ("team:ID")."""
    user = staff_of(request)
    kind, _sep, ident = request.POST.get("who", f"user:{user.pk}").partition(":")
    session, case = number(request.POST.get("session")), number(request.POST.get("case"))
    talk = session_for(user, session) if session is not None else None
    of_case = case_for(user, case) if case is not None else None
    due = request.POST.get("due_at", "")
    if due and moment(due) is None:
        raise Invalid(_("This is not a date and time."), field="due_at")
    task = actions.create_task(
        title=request.POST.get("title", ""),
        kind=request.POST["kind"] if request.POST.get("kind") in TaskKind.values else TaskKind.TODO,
        actor=user,
        assignee=pick(User.objects.filter(is_active=True), ident) if kind == "user" else None,
        team=pick(Team.objects.all(), ident) if kind == "team" else None,
        profile=talk.profile if talk else (of_case.profile if of_case else None),
        interaction=talk,
        case=of_case,
        due_at=moment(due),
        text=request.POST.get("text", "")[:4000],
    )
    return JsonResponse({"task": task.pk})


@require_POST
@needs(Right.CASES)
def act(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Finish, reopen or take a task."""
    user = staff_of(request)
    task = task_for(user, pk)
    acts = {"done": actions.finish_task, "reopen": actions.reopen_task, "take": actions.take_task}
    if what not in acts:
        raise Invalid(_("There is no such act."))
    acts[what](task_id=task.pk, actor=user)
    return HttpResponse(status=204)
