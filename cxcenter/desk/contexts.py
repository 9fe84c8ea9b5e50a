"""What the desk's templates are given: sessions, the chosen one, its side, numbers and choices."""

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.segmentation import segments_of
from cxcenter.accounts.roles import Right
from cxcenter.desk import calls, card, conversation, golden, player, rows, timeline
from cxcenter.frame import presence_of
from interactions import pushes
from interactions.choices import SPOKEN, TaskKind
from interactions.models import Case, Disposition, Draft, Interaction, Task, Topic
from routing.models import Assignment, Queue

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# What an operator may leave himself to do after a contact.
NEXT = (TaskKind.CALLBACK, TaskKind.WRITE, TaskKind.TODO)


def sessions_context(user: "User", chosen: int | None) -> dict[str, Any]:
    """Return what tabs and list show."""
    mine = rows.my_rows(user)
    return {
        "rows": mine,
        "groups": rows.by_need(mine),
        "chosen": chosen,
        "row": next((row for row in mine if row.id == chosen), None),
        "my_queues": list(Queue.objects.filter(members=user, active=True)),
        "presence": presence_of(user),
        "rights": user.rights,
        "now": timezone.now(),
    }


def session_context(user: "User", talk: Interaction) -> dict[str, Any]:
    """Return what the chosen session shows: its log, its side, what may be done with it."""
    threads = conversation.threads_of(talk, user)
    leg = (
        Assignment.objects.filter(interaction=talk)
        .exclude(leg="ended")
        .select_related("operator", "item__queue")
        .first()
    )
    call = calls.call_of(talk, user)
    mine = leg is not None and leg.operator_id == user.pk and leg.leg == "active"
    draft = Draft.objects.filter(user=user, interaction=talk).first()
    customer = talk.profile.customer if talk.profile else None
    return {
        "talk": talk,
        "name": talk.caller,
        "log": conversation.page_of(threads, user),
        "watch": {str(thread.pk): thread.staff_changes for thread in threads},
        "marks": pushes.marks_view(talk.thread),
        "leg": leg,
        "mine": mine,
        # Nobody reads what is written into a call.
        "replies": mine and talk.kind not in SPOKEN,
        "call": call,
        "call_sites": card.call_sites(user),
        "player": player.of_session(talk, user) if talk.kind in SPOKEN else None,
        "callbacks": calls.others_of(talk, user),
        "wrapup": leg is not None and leg.operator_id == user.pk and leg.leg == "wrapup",
        "draft": draft,
        "customer": customer,
        "chosen": talk.pk,
        "snooze_choices": [(15, _("15 minutes")), (60, _("An hour")), (180, _("3 hours")), (1440, _("A day"))],
        "block_choices": [(1, _("Block for an hour")), (24, _("Block for a day")), (168, _("Block for a week"))],
        **side_context(user, talk),
    }


def side_context(user: "User", talk: Interaction) -> dict[str, Any]:
    """Return the right side of a session: card, numbers, hints, the beginning of the timeline."""
    customer = talk.profile.customer if talk.profile else None
    if customer is not None and customer.erased_at is not None:
        return {"rights": user.rights}
    if customer is None:
        return {
            "says": card.said_of(talk, user),
            "rights": user.rights,
            "hints": card.hints_of(talk, user.language),
            "owners": card.owners_of(talk, user),
            "identity": talk.thread.identity,
        }
    return {
        "says": card.said_of(talk, user),
        "link": card.link_of(talk),
        "rights": user.rights,
        "identities": card.identities_of(customer, user),
        "numbers": card.numbers_of(customer),
        "segments": [segment.label(user.language) for segment in segments_of(customer)],
        "fields": [one for one in golden.fields_of(customer) if golden.is_shown(one)],
        "hints": card.hints_of(talk, user.language),
        **timeline_context(customer, user),
    }


def timeline_context(customer: Customer, user: "User", *, whole: bool = False) -> dict[str, Any]:
    """Return the beginning of a customer's timeline: beside a talk a short one, on his card with all its filters."""
    lines, more = timeline.page_of(customer, user, limit=timeline.PAGE if whole else timeline.SHORT_PAGE)
    return {
        "timeline": lines,
        "timeline_more": more,
        "timeline_chips": timeline.chips(customer if whole else None),
        "timeline_whole": whole,
        "wanted": timeline.Wanted(),
        "asked": "whole=1" if whole else "",
    }


def counts_of(user: "User", talk: Interaction | None) -> dict[str, Any]:
    """Return the numbers on level 3."""
    cases = Case.objects.visible_to(user).open()
    tasks = Task.objects.visible_to(user).open()
    if talk is not None and talk.profile is not None:
        cases = cases.filter(profile__customer_id=talk.profile.customer_id)
        tasks = tasks.filter(profile__customer_id=talk.profile.customer_id)
    else:
        cases, tasks = cases.filter(owner=user), tasks.for_user(user)
    now = timezone.now()
    return {
        "cases": cases.count(),
        "cases_overdue": cases.filter(due_at__lt=now).count(),
        "tasks": tasks.count(),
        "tasks_overdue": tasks.filter(due_at__lt=now).count(),
    }


def wrapup_context(user: "User", talk: Interaction) -> dict[str, Any]:
    """Return the choices of a wrap-up: outcomes and topics as flat trees, the customer's open cases, what may follow."""
    choices: dict[str, Any] = {"dispositions": tree(Disposition, user.language), "topics": tree(Topic, user.language)}
    if not user.may(Right.CASES):
        return choices
    return {
        **choices,
        "wrapup_cases": _cases_for(talk, user),
        "next_steps": [(kind.value, kind.label) for kind in NEXT],
    }


def _cases_for(talk: Interaction, user: "User") -> list[tuple[Case, bool]]:
    """Return the cases that a session may be about, those to which it is attached first: (case, is attached). Two queries."""
    attached = list(Case.objects.visible_to(user).filter(links__interaction=talk).order_by("-opened_at")[:50])
    if talk.profile is None:
        return [(case, True) for case in attached]
    others = Case.objects.visible_to(user).open().filter(profile__customer=talk.profile.customer_id)
    others = others.exclude(pk__in=[case.pk for case in attached]).order_by("-opened_at")
    return [*((case, True) for case in attached), *((case, False) for case in others[:50])]


def tree(model: type[Disposition] | type[Topic], language: str) -> list[tuple[int, str]]:
    """Return (id, "parent › child") of the active leaves of a tree, sorted by their words."""
    nodes = {node.pk: node for node in model.objects.filter(active=True)}
    parents = {node.parent_id for node in nodes.values()}

    def path(node: Any) -> str:
        label: str = node.label(language)
        parent = nodes.get(node.parent_id)
        return f"{path(parent)} › {label}" if parent else label

    return sorted(((pk, path(node)) for pk, node in nodes.items() if pk not in parents), key=lambda pair: pair[1])
