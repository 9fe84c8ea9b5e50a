"""Changes of rules in a dialog: saved as a version, or tried on yesterday before that."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from cxcenter.board.forms import Why
from cxcenter.board.views.acts import Act, Said
from cxcenter.core.reading import day, number
from cxcenter.core.requests import staff_of
from quality import trials
from quality.models import SimulationRun
from routing.rules import document as rules
from routing.rules.document import Document


def trial_of(request: HttpRequest) -> dict[str, Any] | None:
    """Return the trial of the user's own that the address names: it is thought out further."""
    asked = number(request.GET.get("trial"))
    run = SimulationRun.objects.filter(made_by=staff_of(request), pk=asked).first() if asked else None
    return run.trial if run else None


class RulesAct(Act):
    """A change of rules. POST with `act` "try" saves nothing: it has yesterday played under them."""

    form_class = Why
    can_try = True

    def _edit(self, asked: dict[str, Any], present: Document) -> Document:
        """Return what is wished."""
        raise NotImplementedError

    def _save(self, asked: dict[str, Any]) -> Said:
        raise NotImplementedError

    def _do(self, asked: dict[str, Any]) -> Said:
        if self.request.POST.get("act") != "try":
            return self._save(asked)
        present = rules.current()
        edit = self._edit(asked, present)
        seen = self.request.POST.get("version") or rules.digest(rules.part(present, edit))
        tried = day(self.request.POST.get("try_day"))
        run = trials.try_rules(edit=edit, why=asked["why"], actor=self.user, seen=seen, day=tried)
        return {"then": reverse("board:simulation", args=[run.pk])}
