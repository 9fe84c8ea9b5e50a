"""Pages: now, queues, operators, alerts, contacts, one session."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_GET

from cxcenter.accounts.roles import Right
from cxcenter.board import contacts, publisher, scope
from cxcenter.core import audit
from cxcenter.core.requests import needs, staff_of
from cxcenter.frame import frame
from interactions import pushes
from interactions.choices import ChannelKind
from interactions.models import Interaction
from quality import metrics
from routing import explain
from routing.choices import Choice, State
from routing.models import Alert, Assignment, Skill, WorkItem

ALERTS = 200
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
    "skills": gettext_lazy("lacks a skill"),
}
# Marks of the states: a colour and a shape, see the styles of .cx-state.
MARKS = {"available": "av", "busy": "bz", "wrapup": "wr", "pause": "ps", "not_responding": "nr"}


def _numbers(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the numbers of the teams whose board the user sees."""
    own = set(scope.teams_of(staff_of(request)).values_list("pk", flat=True))
    return [team for pk, team in publisher.current().items() if pk in own]


def board_page(request: HttpRequest, section: str, template: str, **context: Any) -> HttpResponse:
    """Render a section of the board with what all its pages need."""
    user = staff_of(request)
    asked = request.GET.get("team", "")
    team = int(asked) if asked.isdecimal() else None
    settings = {
        "kinds": {kind.value: str(kind.label) for kind in ChannelKind},
        "states": {state.value: str(state.label) for state in State},
        "marks": MARKS,
        "wait_edges": metrics.WAIT_EDGES,
        "team": team,
        "contacts": reverse("board:contacts"),
        "numbers": reverse("board:numbers"),
        "s": _("s"),
        "h": _("h"),
        "zone": str(timezone.get_current_timezone()),
        "held": {"closed": _("closed"), "paused": _("paused")},
        "lent": _("lent: {count}, till {until}"),
    }
    common = {
        "section": section,
        "controls": user.may(Right.CONTROL),
        "teams": list(scope.teams_of(user).order_by("name")),
        "chosen_team": team,
        "team_query": f"?team={team}" if team else "",
        "kinds": ChannelKind.choices,
        "state_chips": [(code, css, words) for (code, css), words in zip(MARKS.items(), _chip_words(), strict=True)],
        "operator_columns": [
            ("name", "", _("Operator")),
            ("state", "", _("State")),
            ("in_state", "r", _("In state")),
            ("load", "", _("Load")),
            ("contacts", "r", _("Contacts")),
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
        pgettext("operators", "Silent"),
    ]


@require_GET
@needs(Right.BOARD)
def live(request: HttpRequest, section: str = "now") -> HttpResponse:
    """Show a section of the live board: the page fills in the numbers, now and at each push."""
    context = {"noted": _noted(request)} if section == "alerts" else {}
    return board_page(request, section, f"board/{section}.html", **context)


def _noted(request: HttpRequest) -> list[dict[str, Any]]:
    """Return what was noted lately, seen or not, in words."""
    user = staff_of(request)
    found = Alert.objects.filter(team__in=scope.teams_of(user)).select_related("queue", "item", "seen_by")
    return [
        {
            "at": alert.at,
            "words": _alert_words(alert),
            "queue": alert.queue.label(user.language) if alert.queue else "",
            "session": alert.item.interaction_id if alert.item else None,
            "seen_at": alert.seen_at,
            "seen_by": alert.seen_by.name if alert.seen_by else "",
        }
        for alert in found.order_by("-at", "-pk")[:ALERTS]
    ]


def _alert_words(alert: Alert) -> str:
    if alert.kind == "late":
        return _("Waits longer than %(target)s s") % {"target": alert.args.get("target_s", "")}
    return alert.kind


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
    context = {
        "visit": visit,
        "offers": [
            {
                "offer": offer,
                "needs": [f"{known.get(skill, skill)} ≥ {level}" for skill, level in offer.needs],
                "how": HOWS.get(offer.why.get("how", ""), ""),
                "rows": [(one, _verdict(one), State(one.state).label) for one in offer.candidates],
            }
            for offer in reversed(offers)
        ],
    }
    return render(request, "board/_session_why.html", context)


def _verdict(one: explain.Candidate) -> str:
    words = VERDICTS.get(one.verdict)
    return str(words or State(one.verdict).label)


def _head_of(request: HttpRequest, talk: Interaction) -> dict[str, Any]:
    user = staff_of(request)
    visit = contacts.last_visit(talk)
    return {
        "talk": talk,
        "name": contacts.name_of(talk),
        "kind_label": talk.get_kind_display(),
        "visit": visit,
        "queue": visit.queue.label(user.language) if visit else "",
        "leg": Assignment.objects.filter(metrics.IN_WORK, interaction=talk).select_related("operator").first(),
        "mine": user.pk,
        "now": timezone.now(),
    }


def _path_of(talk: Interaction, language: str) -> list[dict[str, Any]]:
    """Return where the session has been: queues, operators, the end."""
    visits = WorkItem.objects.filter(interaction=talk).select_related("queue")
    legs = Assignment.objects.filter(interaction=talk, accepted_at__isnull=False).select_related("operator")
    steps = [
        {"at": v.entered_at, "icon": "inbox", "words": v.queue.label(language), "detail": v.get_outcome_display()}
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
