"""Acts on sessions and on oneself: accept, finish, hand over, put aside, pause."""

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cxcenter.accounts.models import Team, User
from cxcenter.accounts.roles import Right
from cxcenter.core import liveness
from cxcenter.core.errors import Conflict, Invalid, NotFound
from cxcenter.core.once import once
from cxcenter.core.reading import moment
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk.card import shown_value
from cxcenter.desk.contexts import NEXT
from cxcenter.desk.views.common import case_for, pick, session_for, whole
from interactions.actions import cases, moderation
from interactions.choices import ChannelKind, CloseReason, TaskKind
from interactions.models import Block, Disposition, Interaction, Thread, Topic
from routing import queries
from routing.actions import guests, handover, legs, offers, presence
from routing.models import Assignment, PauseReason, Queue

# More minutes or hours than any act allows.
MANY = 10**6


@require_POST
@needs(Right.SERVE)
def accept(request: HttpRequest, leg: int) -> HttpResponse:
    """Accept an offer; answers which session to open."""
    accepted = offers.accept_offer(leg_id=_leg(leg, staff_of(request)), actor=staff_of(request))
    return JsonResponse({"session": accepted.interaction_id, "thread": accepted.interaction.thread_id})


@require_POST
@needs(Right.SERVE)
def decline(request: HttpRequest, leg: int) -> HttpResponse:
    """Give an offer back."""
    offers.decline_offer(leg_id=_leg(leg, staff_of(request)), actor=staff_of(request))
    return HttpResponse(status=204)


def _leg(pk: int, user: User) -> int:
    """Return the number of an offer that the user may know of. Raises NotFound."""
    if not Assignment.objects.visible_to(user).filter(pk=pk).exists():
        raise NotFound(_("There is no such offer."))
    return pk


@require_POST
@needs(Right.SERVE)
def set_presence(request: HttpRequest) -> HttpResponse:
    """Set my state. Going offline with contacts in work is answered 409 "open_contacts"; `move=1` moves them."""
    user = staff_of(request)
    presence.set_mode(
        user=user,
        mode=request.POST.get("mode", ""),
        actor=user,
        reason=pick(PauseReason.objects.filter(active=True), request.POST.get("reason")),
        after=request.POST.get("after") == "1",
        move=request.POST.get("move") == "1",
    )
    return HttpResponse(status=204)


@require_POST
@needs(Right.SERVE)
def set_kinds(request: HttpRequest) -> HttpResponse:
    """Set which kinds of work do not come to me now: `off`, once for each."""
    user = staff_of(request)
    presence.switch_kinds(user=user, off=request.POST.getlist("off"), actor=user)
    return HttpResponse(status=204)


@require_POST
@needs(Right.SERVE)
def goodbye(request: HttpRequest) -> HttpResponse:
    """Forget a page that says goodbye at sign-out."""
    from uuid import UUID

    try:
        liveness.forget(UUID(request.POST.get("tab", "")), liveness.operator_key(staff_of(request).pk))
    except ValueError:
        raise Invalid(_("The tab must be a UUID."), field="tab") from None
    return HttpResponse(status=204)


@require_POST
@needs(Right.SERVE)
def finish(request: HttpRequest, pk: int) -> HttpResponse:
    """End the talk and begin the wrap-up."""
    user = staff_of(request)
    if session_for(user, pk).kind == ChannelKind.VOICE:
        guests.refuse_consulting(interaction_id=pk)
    legs.finish(interaction_id=pk, actor=user)
    return HttpResponse(status=204)


@require_POST
@needs(Right.SERVE)
@once
@transaction.atomic
def wrap_up(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep outcome, topic and note, the case that it is about and what is to be done next, and end the wrap-up."""
    user = staff_of(request)
    talk = session_for(user, pk)
    leg = Assignment.objects.filter(interaction_id=pk, operator=user).order_by("-pk").first()
    if leg is None:
        raise Conflict(_("This session is not in your hands now."), code="not_owner")
    outcome = pick(Disposition.objects.filter(active=True), request.POST.get("disposition"))
    if outcome is None and Disposition.objects.filter(active=True).exists():
        raise Invalid(_("Choose how the contact ended."), field="disposition")
    legs.wrap_up(
        leg_id=leg.pk,
        actor=user,
        disposition=outcome,
        topic=pick(Topic.objects.filter(active=True), request.POST.get("topic")),
        note=request.POST.get("note", "")[:4000],
        solved=True if request.POST.get("solved") == "1" else None,
    )
    if user.may(Right.CASES):
        _go_on(talk, user, request.POST)
    return JsonResponse({"session": pk})


def _go_on(talk: Interaction, user: User, asked: QueryDict) -> None:
    """Attach an ended session to a case, and set its operator the task that follows. Raises Invalid."""
    number = asked.get("case", "")
    case = case_for(user, whole(number, "case")) if number else None
    if case is not None:
        cases.link_case(case=case, interaction=talk, actor=user)
    kind, due = asked.get("next", ""), asked.get("due_at", "")
    if due and moment(due) is None:
        raise Invalid(_("This is not a date and time."), field="due_at")
    if due and not kind:
        raise Invalid(_("Choose what is to be done by then."), field="next")
    if not kind:
        return
    if kind not in NEXT:
        raise Invalid(_("There is no such next step."), field="next")
    note = asked.get("note", "").strip()
    if kind == TaskKind.TODO and not note:
        raise Invalid(_("Say in the note what is to be done."), field="note")
    cases.create_task(
        title=note or str(TaskKind(kind).label),
        kind=kind,
        actor=user,
        assignee=user,
        profile=talk.profile,
        case=case,
        interaction=talk,
        due_at=moment(due),
        text=note,
    )


@require_POST
@needs(Right.SERVE)
def extend(request: HttpRequest, pk: int) -> HttpResponse:
    """Give myself a minute more for the wrap-up; answers until when, and how many seconds more there may be."""
    user = staff_of(request)
    session_for(user, pk)
    leg = Assignment.objects.filter(interaction_id=pk, operator=user, leg="wrapup").first()
    if leg is None:
        raise Conflict(_("This wrap-up is over."), code="over")
    leg = legs.extend_wrapup(leg_id=leg.pk, actor=user)
    until = leg.wrapup_until.timestamp() if leg.wrapup_until else 0
    return JsonResponse({"until": until, "left": leg.wrapup_left_s})


@require_POST
@needs(Right.SERVE)
def transfer(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand the session to a queue or a person with a note."""
    user = staff_of(request)
    talk = session_for(user, pk)
    legs.owned_leg(interaction_id=pk, actor=user)
    queue, operator = _target(request, talk)
    handover.transfer(
        interaction_id=pk, actor=user, note=request.POST.get("note", "")[:1000], queue=queue, operator=operator
    )
    return HttpResponse(status=204)


def _target(request: HttpRequest, talk: Interaction) -> tuple[Queue | None, User | None]:
    """Read the chosen queue or person; a chosen group means the open queue of it that waits least.

    Raises Invalid for who is not in the list any more: it may have stood open for a while.
    """
    user = staff_of(request)
    team = pick(Team.objects.all(), request.POST.get("group"))
    if team is not None:
        return queries.queue_of_group(team, talk, user), None
    queues, people = queries.who_can_take(talk, user)
    queue = next((one for one in queues if str(one.pk) == request.POST.get("queue")), None)
    person = next((one.user for one in people if str(one.user_id) == request.POST.get("operator")), None)
    if queue is None and person is None:
        raise Invalid(_("Nobody there can take the session now. Choose again."), field="target")
    return queue, person


@require_POST
@needs(Right.SERVE)
def snooze(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the session aside for some minutes or until a time."""
    user = staff_of(request)
    session_for(user, pk)
    minutes = request.POST.get("minutes", "")
    until = (
        timezone.now() + timedelta(minutes=min(whole(minutes, "minutes"), MANY))
        if minutes
        else moment(request.POST.get("until"))
    )
    if until is None:
        raise Invalid(_("Choose until when."), field="until")
    legs.snooze(interaction_id=pk, actor=user, until=until)
    return HttpResponse(status=204)


@require_POST
@needs(Right.SERVE)
def wake(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a snoozed session up again before its time."""
    user = staff_of(request)
    session_for(user, pk)
    legs.wake(leg_id=legs.owned_leg(interaction_id=pk, actor=user).pk, force=True)
    return HttpResponse(status=204)


@require_POST
@needs(Right.SERVE)
def spam(request: HttpRequest, pk: int) -> HttpResponse:
    """End the session as spam: without a wrap-up, nothing is left to say about it."""
    user = staff_of(request)
    session_for(user, pk)
    leg = legs.finish(interaction_id=pk, actor=user, reason=CloseReason.SPAM)
    legs.wrap_up(leg_id=leg.pk, actor=user)
    return HttpResponse(status=204)


@require_POST
@needs(Right.SERVE)
def block(request: HttpRequest, pk: int) -> HttpResponse:
    """Refuse the visitor's messages for some hours; answers the block's number for an undo."""
    user = staff_of(request)
    made = moderation.block_visitor(
        interaction=session_for(user, pk),
        lasting=timedelta(hours=min(whole(request.POST.get("hours"), "hours"), MANY)),
        reason=request.POST.get("reason", ""),
        actor=user,
    )
    return JsonResponse({"block": made.pk})


@require_POST
@needs(Right.SERVE)
def unblock(request: HttpRequest, pk: int) -> HttpResponse:
    """Lift a block."""
    user = staff_of(request)
    found = _blocks_for(user).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such block."))
    moderation.lift_block(block=found, actor=user)
    return HttpResponse(status=204)


@require_GET
@needs(Right.SERVE)
def blocks(request: HttpRequest) -> HttpResponse:
    """Show who is blocked now, of those whose talks the user may read."""
    user = staff_of(request)
    listed = _blocks_for(user).filter(lifted_at=None, until__gt=timezone.now())
    shown = [(block, shown_value(block.identity, user)) for block in listed.order_by("-pk")[:100]]
    return render(request, "desk/_blocks.html", {"blocks": shown})


def _blocks_for(user: User) -> QuerySet[Block]:
    talked = Thread.objects.visible_to(user).values("identity")
    return Block.objects.filter(identity__in=talked).select_related("identity", "blocked_by")
