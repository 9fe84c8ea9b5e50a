"""The rules of the queues a supervisor controls: shown, changed, tried before they are saved."""

from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_GET

from cxcenter.accounts.roles import Right
from cxcenter.board import scope
from cxcenter.board.rules import words
from cxcenter.board.rules.forms import (
    FrequentRules,
    NewQueueRules,
    QueueRules,
    checked,
    hours_from,
    pauses_from,
    people_for,
)
from cxcenter.board.rules.overflow import fresh_line, lines_of, overflow_from
from cxcenter.board.views.pages import board_page
from cxcenter.core.errors import NotFound
from cxcenter.core.once import once
from cxcenter.core.reading import day
from cxcenter.core.requests import needs, staff_of
from cxcenter.core.zones import zones
from quality import trials
from quality.models import SimulationRun
from routing.actions import rules as acts
from routing.choices import Then, When
from routing.models import FrequentRule, OpeningInterval, Overflow, Queue, QueueMember, RuleVersion
from routing.rules import document as rules
from routing.rules.document import HOURS, PAUSES, QUEUES, Document, Settings
from routing.rules.faults import faults

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# Empty rows that a table offers.
MORE_ROWS = 2
LATEST = 8


@require_GET
@needs(Right.CONTROL)
def overview(request: HttpRequest) -> HttpResponse:
    """Show the rules of own queues, business hours and pause reasons, what is wrong with them, the last versions."""
    user = staff_of(request)
    present, names = rules.current(), words.Names.read(user.language)
    own = list(Queue.objects.controlled_by(user).select_related("team").order_by("-active", "team__name", "name"))
    team = request.GET.get("team", "")
    shown = [queue for queue in own if not team.isdecimal() or queue.team_id == int(team)]
    ours = {str(queue.pk) for queue in own}
    return board_page(
        request,
        "rules",
        "board/rules/overview.html",
        queues=[_row(queue, present, names, user.language) for queue in shown],
        hours=[
            {
                "pk": ident,
                "one": one,
                "week": words.week(one["intervals"]),
                "keepers": len(acts.keepers(ident, present)),
            }
            for ident, one in sorted(present[HOURS].items(), key=lambda row: row[1]["name"])
        ],
        pauses=present[PAUSES].values(),
        can_make=scope.teams_of(user).exists(),
        wrong=[
            {"fault": fault, "url": _address(fault.sort, fault.id)}
            for fault in faults(present)
            if fault.sort != QUEUES or fault.id in ours
        ],
        versions=RuleVersion.objects.select_related("made_by").defer("state")[:LATEST],
    )


def _row(queue: Queue, present: Document, names: words.Names, language: str) -> dict[str, Any]:
    one = present[QUEUES][str(queue.pk)]
    return {
        "queue": queue,
        "label": queue.label(language),
        "one": one,
        "hours": words.value(QUEUES, "hours", one["hours"], names),
        "choice": words.value(QUEUES, "choice", one["choice"], names),
        "order": words.order(one["priority_weight"], one["wait_weight"]),
        "overflow": [words.overflow_rule(rule, names, is_short=True) for rule in one["overflow"]],
    }


def _address(sort: str, ident: str) -> str:
    return {
        QUEUES: lambda: reverse("board:rules-queue", args=[ident]),
        HOURS: lambda: reverse("board:rules-hours", args=[ident]),
        PAUSES: lambda: reverse("board:rules-pauses"),
    }[sort]()


class Page(View):
    """A page on which rules are changed. POST saves them whole or says all that is wrong."""

    sort: str
    template: str

    @property
    def user(self) -> "User":
        """The supervisor."""
        return staff_of(self.request)

    @property
    def ident(self) -> str:
        """The number in the address, or that of a thing to come."""
        return str(self.kwargs.get("pk", acts.NEW))

    def _edit(self) -> Document:
        """Return what was filled in. Raises Invalid with all that is wrong."""
        raise NotImplementedError

    def _context(self, tried: Settings | None) -> dict[str, Any]:
        raise NotImplementedError

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Show the settings: those in force, or those of a trial that is to go on."""
        trial = self._trial()
        tried = trial["edit"].get(self.sort, {}).get(self.ident) if trial else None
        present = rules.current()
        context = {
            "seen": rules.digest(rules.part(present, {self.sort: {self.ident: {}}})),
            "why": trial["why"] if trial else "",
            "is_trial": tried is not None,
        }
        return board_page(request, "rules", self.template, **{**context, **self._context(tried)})

    def _trial(self) -> dict[str, Any] | None:
        asked = self.request.GET.get("trial", "")
        own = SimulationRun.objects.filter(made_by=self.user).exclude(trial=None)
        run = own.filter(pk=int(asked)).first() if asked.isdecimal() and len(asked) < 18 else None
        return run.trial if run else None

    @method_decorator(once)
    def post(self, request: HttpRequest, **_kwargs: Any) -> JsonResponse:
        """Save, or try before."""
        asked: dict[str, Any] = {
            "edit": self._edit(),
            "why": request.POST.get("why", ""),
            "seen": request.POST.get("version", ""),
            "actor": self.user,
        }
        if request.POST.get("act") == "try":
            run = trials.try_rules(**asked, day=day(request.POST.get("try_day")))
            return JsonResponse({"then": reverse("board:simulation", args=[run.pk])})
        version = acts.save_rules(**asked)
        said = _("Saved as version %(number)s") % {"number": version.number}
        return JsonResponse({"said": said, "then": reverse("board:rules")})


class OfQueue(Page):
    """The rules of a queue."""

    sort = QUEUES
    template = "board/rules/queue.html"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Find the queue and who may serve it. Raises NotFound for another team's."""
        super().setup(request, *args, **kwargs)
        self.queue = scope.queue(self.user, int(self.ident))
        self.people = people_for(self.user, self.queue)

    def _targets(self) -> QuerySet[Queue]:
        """Return where contacts may go on to: queues in use that the user controls, and where they go now."""
        own = Q(pk__in=scope.queues_of(self.user).exclude(pk=self.queue.pk).values("pk"))
        kept = (Overflow.objects.filter(queue=self.queue.pk), FrequentRule.objects.filter(queue=self.queue.pk))
        overflow, frequent = (Q(pk__in=found.values("to")) for found in kept)
        return Queue.objects.filter(own | overflow | frequent).order_by("name")

    def _form(self, said: QueryDict | None = None, **more: Any) -> QueueRules:
        return QueueRules(said, people=self.people, **more)

    def _edit(self) -> Document:
        said, targets = self.request.POST, self._targets()
        form, frequent = self._form(said), FrequentRules(said, queues=targets)
        faults: list[dict[str, str]] = []
        overflow = overflow_from(said, targets.values_list("pk", flat=True), faults)
        checked(form, frequent, more=faults)
        return {QUEUES: {self.ident: {**form.settings(), "overflow": overflow, "frequent": frequent.settings()}}}

    def _settings(self) -> Settings:
        standing = QueueMember.objects.filter(queue=self.queue, until=None).values_list("user_id", flat=True)
        return rules.queue_settings(self.queue, list(standing))

    def _context(self, tried: Settings | None) -> dict[str, Any]:
        lent = QueueMember.objects.filter(queue=self.queue.pk).exclude(until=None).select_related("user")
        settings = tried or self._settings()
        targets = self._targets()
        chosen = set(settings["members"])
        groups: dict[str, list[dict[str, Any]]] = {}
        for person in self.people:
            team = person.team.name if person.team else _("without a team")
            groups.setdefault(team, []).append({"user": person, "chosen": person.pk in chosen})
        return {
            "queue": self.queue,
            "label": self.queue.label(self.user.language),
            "form": self._form(initial=_shown(settings)),
            "frequent": FrequentRules(initial=settings["frequent"], queues=targets),
            "overflow": lines_of(settings["overflow"]),
            "fresh": fresh_line(),
            "whens": When.choices,
            "thens": Then.choices,
            "targets": [(queue.pk, queue.label(self.user.language)) for queue in targets],
            "groups": groups,
            "chosen": len(chosen),
            "lent": [member for member in lent if member.user_id not in chosen],
            "order": words.order(settings["priority_weight"], settings["wait_weight"]),
            "can_try": True,
            "version": RuleVersion.objects.filter(number=self.queue.rules_version).select_related("made_by").first(),
        }


def _shown(settings: Settings) -> Settings:
    """Write weights as people write them."""
    weights = {name: f"{settings[name]:g}" for name in acts.WEIGHTS}
    return {**settings, **weights}


class NewQueue(OfQueue):
    """A queue to come, of one of the user's teams. It has all settings from the start, checked as a change is."""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Begin with what the model says."""
        Page.setup(self, request, *args, **kwargs)
        self.queue = Queue()
        self.people = people_for(self.user, self.queue)

    def _form(self, said: QueryDict | None = None, **more: Any) -> NewQueueRules:
        return NewQueueRules(said, people=self.people, teams=scope.teams_of(self.user).order_by("name"), **more)

    def _settings(self) -> Settings:
        """Return what the model says; the team where there is no other."""
        teams = list(scope.teams_of(self.user)[:2])
        plain = {name: getattr(self.queue, rules.LINKS.get(name, name)) for name in rules.QUEUE}
        return {**plain, "members": [], "overflow": [], "frequent": None, "team": teams[0] if len(teams) == 1 else None}

    def _context(self, tried: Settings | None) -> dict[str, Any]:
        return {**super()._context(tried), "label": _("New queue"), "is_new": True, "can_try": False}


class OfHours(Page):
    """Business hours: a week and the days that differ."""

    sort = HOURS
    template = "board/rules/hours.html"

    def _edit(self) -> Document:
        self._settings()
        return {HOURS: {self.ident: hours_from(self.request.POST)}}

    def _settings(self) -> Settings:
        """Return the hours in force. Raises NotFound."""
        if self.ident == acts.NEW:
            return {"name": "", "zone": str(self.user.zone or "Europe/Moscow"), "intervals": [], "holidays": []}
        found = rules.current()[HOURS].get(self.ident)
        if found is None:
            raise NotFound(_("These business hours are no longer there: choose others."))
        return found

    def _context(self, tried: Settings | None) -> dict[str, Any]:
        settings, present = tried or self._settings(), rules.current()
        keepers = acts.keepers(self.ident, present)
        intervals = [*settings["intervals"], *[["", "", ""]] * MORE_ROWS]
        holidays = [*settings["holidays"], *[["", "", "", ""]] * MORE_ROWS]
        return {
            "settings_of": settings,
            "intervals": [{"row": row, "day": d, "opens": o, "closes": c} for row, (d, o, c) in enumerate(intervals)],
            "holidays": [
                {"row": row, "date": d, "name": n, "opens": o, "closes": c} for row, (d, n, o, c) in enumerate(holidays)
            ],
            "days": OpeningInterval.Day.choices,
            "zones": sorted(zones()),
            "keepers": sorted(present[QUEUES][queue]["name"] for queue in keepers),
            "foreign": bool(keepers - acts.own_queues(self.user)),
            "can_try": bool(keepers),
        }


class OfPauses(Page):
    """Pause reasons with their limits."""

    sort = PAUSES
    template = "board/rules/pauses.html"

    def _edit(self) -> Document:
        return {PAUSES: pauses_from(self.request.POST)}

    def _context(self, tried: Settings | None) -> dict[str, Any]:
        present = rules.current()
        rows = [{"id": ident, **one} for ident, one in present[PAUSES].items()]
        rows += [{"id": f"{acts.NEW}{row}", "active": True} for row in range(MORE_ROWS)]
        # All reasons are one table: what was seen of them is all of them.
        return {"rows": rows, "seen": rules.digest({PAUSES: present[PAUSES]}), "can_try": False}
