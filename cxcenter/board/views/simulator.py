"""The simulator on screen: scenarios played in the background, rules that are tried, what came out."""

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cxcenter.accounts.roles import Right
from cxcenter.board.rules import words
from cxcenter.board.rules.results import Result, days_in_words, narrowed
from cxcenter.board.views.pages import board_page
from cxcenter.core.errors import Conflict, Forbidden, Invalid, NotFound
from cxcenter.core.once import once
from cxcenter.core.reading import number
from cxcenter.core.requests import needs, staff_of
from quality import runs
from quality.models import SimulationRun
from routing.models import Queue
from routing.rules import document as rules

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

EXAMPLES = Path(settings.BASE_DIR) / "docs/scenarios"
SHOWN = 30
USUAL_DAYS = 10
# What the simulator does not play: a change of it shows no difference.
UNPLAYED = (
    "name",
    "name_ru",
    "active",
    "target_percent",
    "reply_s",
    "offer_s",
    "auto_accept",
    "preferred_s",
    "wrapup_more_s",
    "callbacks",
    "callback_ahead_s",
    "callback_attempts",
    "callback_pause_min",
    "frequent",
)


def run_of(user: "User", pk: int, *, trial: bool = False) -> SimulationRun:
    """Return a run of the user's own; an administrator may see all. Raises NotFound."""
    found = SimulationRun.objects.select_related("made_by").filter(pk=pk)
    own = found if user.may(Right.EVERY_TEAM) else found.filter(made_by=user)
    run = own.exclude(trial=None).first() if trial else own.first()
    if run is None:
        raise NotFound(_("This simulation is not yours, or was cleared away after 30 days."))
    return run


@require_http_methods(["GET", "POST"])
@needs(Right.CONTROL)
def simulator(request: HttpRequest) -> HttpResponseBase:
    """Show what was played lately and a place for a scenario; POST has one played."""
    if request.method == "POST":
        return _start(request)
    user = staff_of(request)
    found = SimulationRun.objects.filter(made_by=user).defer("scenario", "result", "played", "trial").order_by("-pk")
    again = number(request.GET.get("from"))
    return board_page(
        request,
        "simulator",
        "board/simulator/list.html",
        runs=found[:SHOWN],
        examples=[_example(path) for path in sorted(EXAMPLES.glob("*.json"))],
        scenario=_scenario_of(user, run_of(user, again)) if again else "",
        usual=USUAL_DAYS,
        most=runs.MOST_DAYS,
    )


def _example(path: Path) -> dict[str, str]:
    return {"name": path.stem, "title": json.loads(path.read_text(encoding="utf-8"))["title"]}


@once
def _start(request: HttpRequest) -> JsonResponse:
    text = request.POST.get("scenario", "")
    if file := request.FILES.get("file"):
        text = _text_of(file)
    days = number(request.POST.get("days", ""))
    run = runs.start(text=text, days=days or 0, actor=staff_of(request))
    return JsonResponse({"then": reverse("board:simulation", args=[run.pk])})


def _text_of(file: Any) -> str:
    if file.size > runs.MOST_BYTES:
        words = _("The file is too large: %(most)s MB at the most.")
        raise Invalid(words % {"most": runs.MOST_BYTES // 1_000_000}, field="file")
    try:
        text: str = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(_("The file is not UTF-8: save it as UTF-8."), field="file") from None
    return text


@require_GET
@needs(Right.CONTROL)
def example(request: HttpRequest, name: str) -> HttpResponse:
    """Answer the text of an example. Raises NotFound."""
    known = {path.stem: path for path in EXAMPLES.glob("*.json")}
    if name not in known:
        raise NotFound(_("There is no such example."))
    return HttpResponse(known[name].read_text(encoding="utf-8"), content_type="application/json")


@require_GET
@needs(Right.CONTROL)
def simulation(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a run: how far it is, then what came out."""
    run = run_of(staff_of(request), pk)
    return board_page(request, "rules" if run.trial else "simulator", "board/simulator/run.html", **_told(request, run))


@require_GET
@needs(Right.CONTROL)
def simulation_part(request: HttpRequest, pk: int) -> HttpResponse:
    """Show again what changes while a run is played."""
    run = run_of(staff_of(request), pk)
    return render(request, "board/simulator/_run.html", _told(request, run))


def _told(request: HttpRequest, run: SimulationRun) -> dict[str, Any]:
    user, trial = staff_of(request), run.trial
    own = _own_of(user, run)
    context: dict[str, Any] = {
        "run": run,
        "done": len(run.played),
        "going": run.state in runs.GOING,
        "has_scenario": run.scenario and not _others_in(run, own),
    }
    if trial:
        names = words.Names.read(user.language)
        fields = {change["field"] for change in trial["changes"] if change["sort"] == rules.QUEUES}
        context |= {
            "trial": trial,
            "day": date_format(date.fromisoformat(trial["day"]), _("l, j F")),
            "lines": words.lines(trial["changes"], names),
            "unplayed": sorted(words.label(rules.QUEUES, field) for field in fields & set(UNPLAYED)),
            "unplayed_overflow": [
                (queue, [words.overflow_rule(rule, names, is_short=True) for rule in found])
                for queue, found in trial.get("unplayed", {}).items()
                if own is None or queue in own
            ],
            "edit_url": _edit_url(run),
        }
    if run.result:
        result = Result(narrowed(json.loads(run.result), own), levels=trial["levels"] if trial else None)
        context |= {
            "result": result,
            "days": days_in_words(result.days),
            "names": result.names(),
            "columns": 2 * len(result.sets),
            "tables": result.tables(),
            "verdicts": result.verdicts(),
            "chart": result.chart(),
        }
    return context


def _own_of(user: "User", run: SimulationRun) -> set[str] | None:
    """Return the names of the queues of which a run tells the user; None: of all. A trial plays other teams' queues too."""
    if not run.trial or user.may(Right.EVERY_TEAM):
        return None
    return set(Queue.objects.controlled_by(user).values_list("name", flat=True))


def _others_in(run: SimulationRun, own: set[str] | None) -> bool:
    """Tell whether queues are played that are not among these."""
    return own is not None and bool(set((run.trial or {})["levels"]) - {""} - own)


def _scenario_of(user: "User", run: SimulationRun) -> str:
    """Return the scenario of a run. Raises Forbidden if the day of other teams' queues is in it."""
    if _others_in(run, _own_of(user, run)):
        raise Forbidden(_("Queues of other teams are played in it: their contacts and operators are not yours to see."))
    return run.scenario


def _edit_url(run: SimulationRun) -> str:
    """Return where a trial is thought out further."""
    edit: rules.Document = (run.trial or {})["edit"]
    for sort, name in ((rules.QUEUES, "rules-queue"), (rules.HOURS, "rules-hours")):
        for ident in edit.get(sort, {}):
            if ident.isdigit():
                return f"{reverse(f'board:{name}', args=[ident])}?trial={run.pk}"
    if rules.PRIORITIES in edit:
        return f"{reverse('board:priorities')}?queue={next(iter(edit[rules.PRIORITIES]))}&trial={run.pk}"
    if rules.REQUIREMENTS in edit:
        return f"{reverse('board:skills')}?trial={run.pk}"
    return reverse("board:rules")


@require_GET
@needs(Right.CONTROL)
def simulation_json(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer a run as a file: the scenario as it was played (`what=scenario`), else all figures."""
    user = staff_of(request)
    run = run_of(user, pk)
    what = "scenario" if request.GET.get("what") == "scenario" else "result"
    text = _scenario_of(user, run) if what == "scenario" else _figures_of(user, run)
    answer = HttpResponse(text, content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="simulation-{run.pk}-{what}.json"'
    return answer


def _figures_of(user: "User", run: SimulationRun) -> str:
    """Return the figures of a run. Raises Conflict before it has any."""
    if not run.result:
        raise Conflict(_("There is no result yet."), code="not_yet")
    own = _own_of(user, run)
    if own is None:
        return run.result
    return json.dumps(narrowed(json.loads(run.result), own), indent=1, ensure_ascii=False)


@require_POST
@needs(Right.CONTROL)
def stop(request: HttpRequest, pk: int) -> JsonResponse:
    """End a run before its time."""
    user = staff_of(request)
    runs.stop(run_of(user, pk), actor=user)
    return JsonResponse({"said": _("Stopped")})
