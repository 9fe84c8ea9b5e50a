"""Pages: now, queues, operators, alerts, contacts, one session."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_GET

from customers.segmentation import names_of as segment_names
from cxcenter.accounts.roles import Right
from cxcenter.board import contacts, publisher, scope
from cxcenter.board.views.alerts import noted
from cxcenter.core import audit
from cxcenter.core.reading import number
from cxcenter.core.requests import needs, staff_of
from cxcenter.frame import frame
from cxcenter.marks import MARKS
from interactions import pushes
from interactions.actions import calls
from interactions.choices import ChannelKind
from interactions.models import Interaction
from quality import metrics
from routing import explain, explain_waits, preferences
from routing.choices import Choice, State, Work
from routing.models import Assignment, Callback, Queue, Skill, WorkItem
from routing.strategies import Needs

PLANS = 100
# How an operator was chosen, and what became of the others.
HOWS = {
    "preferred": gettext_lazy("meant for him"),
    "taken over": gettext_lazy("took it over"),
    **{choice.value: choice.label for choice in Choice},
}
VERDICTS = {
    "chosen": gettext_lazy("chosen"),
    "free": gettext_lazy("could have it"),
    "resting": gettext_lazy("had just refused it"),
    "full": gettext_lazy("full"),
    "off": gettext_lazy("takes none of these now"),
    "skills": gettext_lazy("lacks a skill"),
    "meant": gettext_lazy("it is meant for another"),
    "leaves": gettext_lazy("leaves after what is in work"),
}
# What is said when a threshold is reached; the page fills it in.
REACHED = {
    "t_waiting": gettext_lazy("{count} wait, the limit is {limit}"),
    "t_longest": gettext_lazy("somebody has waited {waited}, the limit is {limit}"),
    "t_level": gettext_lazy("service level {level}, the limit is {limit} %"),
}
TILES = {"queue": gettext_lazy("By queue"), "kind": gettext_lazy("By channel"), "team": gettext_lazy("By team")}
# What is set for routing: one tab of the board, with its pages in a line of their own.
RULES = frozenset({"rules", "skills", "priorities", "simulator", "versions"})


def _numbers(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the numbers of the teams whose board the user sees."""
    own = set(scope.teams_of(staff_of(request)).values_list("pk", flat=True))
    return [team for pk, team in publisher.current().items() if pk in own]


def board_page(request: HttpRequest, section: str, template: str, **context: Any) -> HttpResponse:
    """Render a section of the board with what all its pages need."""
    user = staff_of(request)
    team, by = number(request.GET.get("team")), request.GET.get("by", "")
    teams = list(scope.teams_of(user).order_by("name"))
    settings = {
        "kinds": {kind.value: str(kind.label) for kind in ChannelKind},
        "states": {state.value: str(state.label) for state in State},
        "on_call": _("On a call"),
        "marks": MARKS,
        "wait_edges": metrics.WAIT_EDGES,
        "team": team,
        "contacts": reverse("board:contacts"),
        "numbers": reverse("board:numbers"),
        "s": _("s"),
        "h": _("h"),
        "zone": str(timezone.get_current_timezone()),
        "without": {kind.value: _("no %(kind)s") % {"kind": kind.label.lower()} for kind in Work},
        "held": {"closed": _("closed"), "paused": _("paused")},
        "lent": _("lent: {count}, till {until}"),
        "visitor": _("Visitor %(number)s") % {"number": "{number}"},
        "reached": {kind: str(words) for kind, words in REACHED.items()},
    }
    common = {
        "section": section,
        "of_rules": section in RULES,
        "controls": user.may(Right.CONTROL),
        "calls_back": Queue.objects.visible_to(user).filter(callbacks=True).exists(),
        "teams": teams,
        "chosen_team": team,
        "reached": REACHED,
        "tile_groups": list(TILES.items()),
        "by": by if by in TILES else "queue",
        "team_query": f"?team={team}" if team else "",
        "kinds": ChannelKind.choices,
        "state_chips": [(code, css, words) for (code, css), words in zip(MARKS.items(), _chip_words(), strict=True)],
        "operator_columns": [
            ("name", "", _("Operator")),
            ("state", "", _("State")),
            ("in_state", "r", _("In state")),
            ("load", "", _("Load")),
            ("current", "", _("Contact")),
            ("aht", "r", _("AHT")),
        ],
        "settings": settings,
        "snapshot": _numbers(request),
    }
    return render(request, template, {**frame(user, "board"), **common, **context})


def _chip_words() -> list[str]:
    """Return the states as they are counted, short enough for a row of chips."""
    return [
        pgettext("operators", "Free"),
        pgettext("operators", "Busy"),
        pgettext("operators", "Wrap-up"),
        pgettext("operators", "Pause"),
        pgettext("operators", "Meeting"),
        pgettext("operators", "Training"),
        pgettext("operators", "Silent"),
    ]


@require_GET
@needs(Right.BOARD)
def live(request: HttpRequest, section: str = "now") -> HttpResponse:
    """Show a section of the live board: the page fills in the numbers, now and at each push."""
    context: dict[str, Any] = {}
    if section == "alerts":
        context["noted"], context["more"] = noted(staff_of(request), number(request.GET.get("before")))
    elif section == "operators":
        context["planned"] = list(scope.reservations_of(staff_of(request))[:PLANS])
    return board_page(request, section, f"board/{section}.html", **context)


@require_GET
@needs(Right.BOARD)
def numbers(request: HttpRequest) -> JsonResponse:
    """Answer the numbers again: for a page that comes back after a break."""
    return JsonResponse({"teams": _numbers(request)})


@require_GET
@needs(Right.BOARD)
def contact_list(request: HttpRequest) -> HttpResponse:
    """Show the contacts behind a number."""
    user = staff_of(request)
    after = request.GET.get("after", "")
    chosen, total, page, more = contacts.page_of(user, request.GET, language=user.language, after=after)
    kept = request.GET.copy()
    for name in ("after", "state"):
        kept.pop(name, None)
    context = {
        "state": chosen.state_now,
        "state_words": contacts.STATES[chosen.state_now],
        "states": contacts.STATES,
        "filters": contacts.filters_in_words(user, chosen),
        "kept": kept.urlencode(),
        "total": total,
        "page": page,
        "more": more,
    }
    return board_page(request, "contacts", "board/contacts.html", **context)


@require_GET
@needs(Right.BOARD)
def session(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one session for reading, with the acts of a supervisor. That he looked is noted."""
    user = staff_of(request)
    talk = scope.session(user, pk)
    audit.record(user, "interaction.read", f"interaction:{talk.pk}")
    context = {
        "marks": pushes.marks_view(talk.thread),
        # From this number on the page takes what is pushed, or asks for what it missed.
        "watch": {str(talk.thread_id): talk.thread.staff_changes},
        "path": _path_of(talk, user.language),
    }
    return board_page(request, "contacts", "board/session.html", **_head_of(request, talk), **context)


@require_GET
@needs(Right.BOARD)
def session_head(request: HttpRequest, pk: int) -> HttpResponse:
    """Show again who holds the session and what may be done with it."""
    return render(request, "board/_session_head.html", _head_of(request, scope.session(staff_of(request), pk)))


@require_GET
@needs(Right.BOARD)
def session_why(request: HttpRequest, pk: int) -> HttpResponse:
    """Show who was considered for the session in its last queue, when, and why this one."""
    user = staff_of(request)
    visit = contacts.last_visit(scope.session(user, pk))
    known = {skill.pk: skill.label(user.language) for skill in Skill.objects.all()}
    offers = explain.offers_of(visit) if visit else []
    waits = explain_waits.waits_of(visit) if visit else None
    context = {
        "visit": visit,
        "waits": waits
        and {
            "now": waits,
            "needs": _in_words(waits.needs, known),
            "next_needs": _in_words(waits.next_needs, known),
            "rows": [(one, _verdict(one, known), State(one.state).label) for one in waits.candidates],
        },
        "frequent": preferences.frequent_words(visit.frequent, user.language) if visit else "",
        "segments": segment_names(visit.segments, user.language) if visit else [],
        "offers": [
            {
                "offer": offer,
                "needs": _in_words(offer.needs, known),
                "how": HOWS.get(offer.why.get("how", ""), ""),
                "rows": [(one, _verdict(one, known), State(one.state).label) for one in offer.candidates],
            }
            for offer in reversed(offers)
        ],
    }
    return render(request, "board/_session_why.html", context)


def _in_words(needs: Needs, known: dict[int, str]) -> list[str]:
    return [f"{known.get(skill, skill)} ≥ {level}" for skill, level in needs]


def _verdict(one: explain.Candidate, known: dict[int, str]) -> str:
    if one.lacks:
        return _("lacks {skills}").format(skills=", ".join(_in_words(one.lacks, known)))
    words = VERDICTS.get(one.verdict)
    return str(words or State(one.verdict).label)


def _head_of(request: HttpRequest, talk: Interaction) -> dict[str, Any]:
    user = staff_of(request)
    visit = contacts.last_visit(talk)
    leg = Assignment.objects.filter(metrics.IN_WORK, interaction=talk).select_related("operator").first()
    return {
        "talk": talk,
        "name": talk.caller,
        "kind_label": talk.get_kind_display(),
        "visit": visit,
        "queue": visit.queue.label(user.language) if visit else "",
        "leg": leg,
        "can_listen": leg is not None and leg.operator_id != user.pk and _is_mixed_here(talk),
        "callback": Callback.objects.open().filter(session=talk).first() if talk.kind == ChannelKind.CALLBACK else None,
        "mine": user.pk,
        "now": timezone.now(),
    }


def _is_mixed_here(talk: Interaction) -> bool:
    """Tell whether it is a call whose sound colleagues can be brought into."""
    return talk.kind == ChannelKind.VOICE and calls.is_mixed_here(talk.pk)


def _path_of(talk: Interaction, language: str) -> list[dict[str, Any]]:
    """Return where the session has been: queues, operators, the end."""
    visits = WorkItem.objects.filter(interaction=talk).select_related("queue")
    legs = Assignment.objects.filter(interaction=talk, accepted_at__isnull=False).select_related("operator")
    steps = [
        {
            "at": v.entered_at,
            "icon": "inbox",
            "words": v.queue.label(language),
            "detail": " · ".join(
                filter(None, (v.get_outcome_display(), preferences.frequent_words(v.frequent, language)))
            ),
        }
        for v in visits
    ]
    steps += [
        {"at": leg.accepted_at, "icon": "headset", "words": leg.operator.name, "detail": leg.get_end_display()}
        for leg in legs
    ]
    if talk.closed_at:
        steps.append(
            {
                "at": talk.closed_at,
                "icon": "circle-check",
                "words": _("Ended"),
                "detail": talk.get_close_reason_display(),
            }
        )
    return sorted(steps, key=lambda step: step["at"])
