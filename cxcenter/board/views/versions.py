"""Versions of the rules: who changed what and why, two compared, an old one put back."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from cxcenter.accounts.roles import Right
from cxcenter.board.rules import words
from cxcenter.board.rules.forms import Why
from cxcenter.board.views.acts import Act, Said
from cxcenter.board.views.pages import board_page
from cxcenter.board.views.simulator import run_of
from cxcenter.core.reading import number
from cxcenter.core.requests import needs, staff_of
from quality.models import SimulationRun
from routing.actions import rules as acts
from routing.models import RuleVersion
from routing.rules import document as rules
from routing.rules.document import QUEUES

PAGE = 50


@require_GET
@needs(Right.CONTROL)
def history(request: HttpRequest) -> HttpResponse:
    """List versions, the newest first."""
    user = staff_of(request)
    before = number(request.GET.get("before"))
    found = RuleVersion.objects.select_related("made_by").defer("state")
    page = list((found.filter(number__lt=before) if before else found)[: PAGE + 1])
    names, own = words.Names.read(user.language), acts.own_queues(user)
    return board_page(
        request,
        "rules",
        "board/rules/versions.html",
        versions=[{"version": one, **_told(one.changes, own, names)} for one in page[:PAGE]],
        more=page[PAGE - 1].number if len(page) > PAGE else None,
    )


@require_GET
@needs(Right.CONTROL)
def version(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a version has changed, and how it differs from another one: what is in force now, unless one is said."""
    user = staff_of(request)
    shown = acts.version_of(pk)
    other = number(request.GET.get("with"))
    beside = acts.version_of(other) if other else None
    names, own = words.Names.read(user.language), acts.own_queues(user)
    now = beside.state if beside else rules.current()
    return board_page(
        request,
        "rules",
        "board/rules/version.html",
        version=shown,
        beside=beside,
        numbers=RuleVersion.objects.exclude(pk=shown.pk).values_list("number", flat=True)[:200],
        **_told(shown.changes, own, names),
        compared=_told([asdict(one) for one in rules.changes(shown.state, now)], own, names),
        can_go_back=any(acts.back_to(shown, user).values()),
        later=acts.made_later(shown, user),
    )


def _told(changes: list[dict[str, Any]], own: set[str], names: words.Names) -> dict[str, Any]:
    """Return changes in words; those of other teams' queues are counted and not told."""
    ours = [change for change in changes if change["sort"] != QUEUES or change["id"] in own]
    return {"lines": words.lines(ours, names), "others": len(changes) - len(ours)}


class PutBack(Act):
    """Put an old version in force again."""

    title = gettext_lazy("Put version %(name)s back")
    button = gettext_lazy("Put back")
    hint = gettext_lazy(
        "Your queues, hours and pause reasons become what they were in it, as a new version. What was made later stays"
        " as it is, what is gone is not made again."
    )
    form_class = Why

    @property
    def name(self) -> str:
        """Its number."""
        return str(self.pk)

    def _initial(self) -> dict[str, Any]:
        acts.version_of(self.pk)
        return {"why": _("Back to version %(number)s") % {"number": self.pk}}

    def _do(self, asked: dict[str, Any]) -> Said:
        made = acts.put_back(version=acts.version_of(self.pk), why=asked["why"], actor=self.user)
        return {"said": _("Saved as version %(number)s") % {"number": made.number}, "then": reverse("board:rules")}


class SaveTried(Act):
    """Save rules that were tried."""

    title = gettext_lazy("Save these rules")
    button = gettext_lazy("Save")
    hint = gettext_lazy("They hold from now on. The version that they replace can be put back.")
    form_class = Why

    def _run(self) -> SimulationRun:

        return run_of(self.user, self.pk, trial=True)

    def _initial(self) -> dict[str, Any]:
        return {"why": (self._run().trial or {})["why"]}

    def _do(self, asked: dict[str, Any]) -> Said:
        trial = self._run().trial or {}
        made = acts.save_rules(edit=trial["edit"], why=asked["why"], actor=self.user, seen=trial["seen"])
        return {"said": _("Saved as version %(number)s") % {"number": made.number}, "then": reverse("board:rules")}
