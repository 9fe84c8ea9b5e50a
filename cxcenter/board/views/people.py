"""What a supervisor sets for operators: which kinds of work come to them, and time reserved for meetings and trainings."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cxcenter.board import scope
from cxcenter.board.forms import PlanTime, TakeKinds
from cxcenter.board.views.acts import Act, OfOperator, Said
from routing.actions import presence, reservations


class SwitchKinds(OfOperator):
    """Set which kinds of work come to an operator."""

    title = gettext_lazy("What comes to %(name)s")
    button = gettext_lazy("Set it")
    hint = gettext_lazy(
        "What is offered to him now and is not ticked goes to somebody else. The contacts in his hands stay."
    )
    form_class = TakeKinds

    def _choices(self) -> dict[str, Any]:
        return {"kinds": [kind["code"] for kind in self.presence.kinds]}

    def _initial(self) -> dict[str, Any]:
        return {"takes": [kind["code"] for kind in self.presence.kinds if kind["on"]]}

    def _do(self, asked: dict[str, Any]) -> Said:
        off = [kind["code"] for kind in self.presence.kinds if kind["code"] not in asked["takes"]]
        changed = presence.switch_kinds(user=self.presence.user, off=off, actor=self.user)
        kinds = ", ".join(str(kind["words"]).lower() for kind in changed.kinds if kind["on"])
        return _("%(name)s takes: %(kinds)s") % {"name": self.name, "kinds": kinds}


class Plan(Act):
    """Reserve time of operators."""

    title = gettext_lazy("Reserve time of operators")
    button = gettext_lazy("Reserve")
    hint = gettext_lazy(
        "At that time they go there by themselves, after the contacts in their hands, and come back at its end. They are told five minutes before."
    )
    form_class = PlanTime

    def _choices(self) -> dict[str, Any]:
        return {"operators": scope.operators_of(self.user).order_by("user__first_name", "user__last_name")}

    def _initial(self) -> dict[str, Any]:
        begin = timezone.localtime() + timedelta(minutes=15)
        begin -= timedelta(minutes=begin.minute % 15, seconds=begin.second, microseconds=begin.microsecond)
        return {"starts_at": begin, "ends_at": begin + timedelta(hours=1)}

    def _do(self, asked: dict[str, Any]) -> Said:
        users = [one.user for one in asked.pop("operators")]
        reservations.plan(users=users, actor=self.user, **asked)
        return {"said": _("The time is reserved"), "then": reverse("board:operators")}


class CancelPlan(Act):
    """Call a reserved time off."""

    title = gettext_lazy("Cancel “%(name)s”")
    button = gettext_lazy("Cancel it")
    hint = gettext_lazy("Who is there comes back to work; to the others nothing happens.")
    danger = True

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Find the reserved time. Raises NotFound for another team's, and for one that is over."""
        super().setup(request, *args, **kwargs)
        self.reservation = scope.reservation(self.user, self.pk)

    @property
    def name(self) -> str:
        """Its subject."""
        return self.reservation.subject

    def _do(self, asked: dict[str, Any]) -> Said:
        reservations.cancel(reservation=self.reservation, actor=self.user)
        return {"said": _("The time is not reserved any more"), "then": reverse("board:operators")}
