"""What every staff screen shows around its work: areas, my state, my load, my tasks."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from cxcenter import phone
from cxcenter.accounts.roles import Right
from cxcenter.core.planned import Given, Planned
from interactions.models import Task
from routing.models import PauseReason, Presence

if TYPE_CHECKING:
    from cxcenter.accounts.models import User
# Asked by every page of an operator.
PRESENCE = Planned(
    "presence",
    lambda: Presence.objects.select_related("reason", "attends__reservation").filter(pk=Given("user", "bigint")),
)


@dataclass(frozen=True)
class Area:
    """One entry of the rail."""

    code: str
    icon: str
    title: str
    url: str


def areas_of(user: "User") -> list[Area]:
    """Return the areas a user may enter; what he may not enter is absent."""
    every = [
        (Right.VIEW_CUSTOMERS, "desk", "headset", _("Desk"), reverse("desk:desk")),
        (Right.VIEW_CUSTOMERS, "customers", "users", _("Customers"), reverse("desk:customers")),
        (Right.CASES, "cases", "clipboard-list", _("Cases"), reverse("desk:cases")),
        (Right.CASES, "tasks", "checklist", _("Tasks"), reverse("desk:tasks")),
        (Right.BOARD, "board", "layout-dashboard", _("Live board"), reverse("board:now")),
        (Right.REPORTS, "reports", "chart-bar", _("Reports"), reverse("reports:report")),
        (Right.VIEW_CUSTOMERS, "knowledge", "book", _("Knowledge"), reverse("desk:knowledge")),
    ]
    return [Area(code, icon, title, url) for right, code, icon, title, url in every if user.may(right)]


def frame(user: "User", area: str) -> dict[str, Any]:
    """Return the context of templates/frame.html. Five queries at the most; its menu of states asks one more."""
    serves = user.may(Right.SERVE)
    tasks = Task.objects.open().for_user(user) if user.may(Right.CASES) else Task.objects.none()
    return {
        "area": area,
        "areas": areas_of(user),
        "settings_url": reverse("admin:index") if user.is_staff and user.may(Right.SETTINGS) else "",
        "serves": serves,
        "presence": presence_of(user) if serves else None,
        **(phone.bar_context(user) if serves else {}),
        "pause_reasons": list(PauseReason.objects.filter(active=True)) if serves else [],
        "due_tasks": tasks.filter(due_at__lt=timezone.now() + timedelta(days=1)).count(),
        "now": timezone.now(),
        "language": translation.get_language() or "en",
    }


def presence_of(user: "User") -> Presence:
    """Return the user's presence, offline if he never was on duty."""
    return PRESENCE.first(user=user.pk) or Presence(user=user, state="offline", mode="offline")
