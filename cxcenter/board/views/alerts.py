"""Alerts: what was noted, in words, with the contacts behind it; that one was seen; from when on a queue calls."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cxcenter.accounts.models import User
from cxcenter.board import scope
from cxcenter.board.counted import SLOT_S
from cxcenter.board.forms import Thresholds
from cxcenter.board.views.acts import Act, OfQueue, Said
from routing.actions import alerts, control
from routing.choices import REACHED, AlertKind
from routing.models import Alert, Threshold

PAGE = 50
WORDS = {
    AlertKind.LATE: gettext_lazy("Waits longer than %(target_s)s s"),
    AlertKind.ARRIVALS: gettext_lazy("%(came)s came %(when)s; usual %(usual)s, at most %(at_most)s"),
    AlertKind.DROP: gettext_lazy("%(came)s came %(when)s; usual %(usual)s, at least %(at_least)s"),
    AlertKind.TOPIC: gettext_lazy("%(topic)s: %(came)s came %(when)s; usual %(usual)s, at most %(at_most)s"),
    AlertKind.WAITS: gettext_lazy(
        "%(came)s of those who came %(when)s waited too long; usual %(usual)s, at most %(at_most)s"
    ),
    AlertKind.LONG_PAUSE: gettext_lazy("%(operator)s: a pause longer than %(limit)s min"),
    AlertKind.STUCK: gettext_lazy("%(operator)s: in one contact for longer than %(limit)s min"),
    AlertKind.T_WAITING: gettext_lazy("Threshold: %(came)s waited at once, it calls from %(threshold)s on"),
    AlertKind.T_LONGEST: gettext_lazy("Threshold: one waited %(longest_s)s s, it calls from %(limit_s)s s on"),
    AlertKind.T_LEVEL: gettext_lazy("Threshold: the service level was %(level)s %%, it calls below %(threshold)s %%"),
}
# The state whose contacts are behind a rise or a drop.
STATES = {
    AlertKind.ARRIVALS: "entered",
    AlertKind.DROP: "entered",
    AlertKind.TOPIC: "entered",
    AlertKind.WAITS: "overdue",
}


def noted(user: User, before: int | None = None) -> tuple[list[dict[str, Any]], int | None]:
    """Return a page of what was noted for the user's teams, seen or not, in words, and the key of the next one.

    The newest first; `before`: what was noted before this one.
    """
    found = Alert.objects.filter(team__in=scope.teams_of(user)).select_related("queue", "item", "seen_by", "user")
    last = found.filter(pk=before).first() if before else None
    if last is not None:
        found = found.filter(Q(at__lt=last.at) | Q(at=last.at, pk__lt=last.pk))
    page = list(found.order_by("-at", "-pk")[: PAGE + 1])
    rows = [
        {
            "alert": alert,
            "words": in_words(alert, user.language),
            "queue": alert.queue.label(user.language) if alert.queue else "",
            "contacts": _contacts(alert),
            "seen_by": alert.seen_by.name if alert.seen_by else "",
            "is_threshold": alert.kind in REACHED,
        }
        for alert in page[:PAGE]
    ]
    return rows, page[PAGE - 1].pk if len(page) > PAGE else None


def in_words(alert: Alert, language: str) -> str:
    """Return what an alert says: what was found, and what would have been usual."""
    args = alert.args
    said = {
        **{
            name: args.get(name, "")
            for name in ("target_s", "usual", "at_most", "at_least", "longest_s", "limit_s", "level")
        },
        "threshold": args.get("limit", ""),
        "came": args.get("count", ""),
        "topic": (args.get("name_ru") if language == "ru" else "") or args.get("name", ""),
        "operator": alert.user.name if alert.user else "",
        "limit": args.get("limit_min") or round(args.get("limit_s", 0) / 60),
        "when": _quarter(args["begin"]) if "begin" in args else "",
    }
    words = WORDS.get(AlertKind(alert.kind)) if alert.kind in AlertKind.values else None
    return str(words) % said if words else alert.kind


def _quarter(begin: float) -> str:
    first, last = (timezone.localtime(datetime.fromtimestamp(at, UTC)) for at in (begin, begin + SLOT_S))
    return f"{first:%H:%M}–{last:%H:%M}"


def _contacts(alert: Alert) -> str:
    """Return the address of the contacts behind a rise or a drop."""
    if alert.kind not in STATES:
        return ""
    args = alert.args
    asked = {"state": STATES[AlertKind(alert.kind)], "day": args["day"], "slot": args["slot"]}
    about = {"queue": alert.queue_id} if alert.queue_id else {"team": alert.team_id, "topic": args["topic"]}
    return f"{reverse('board:contacts')}?{urlencode(asked | about)}"


class SeeAlert(Act):
    """Note that an alert was seen, and with it the older ones of its kind and queue."""

    title = button = gettext_lazy("Seen")

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Find the alert. Raises NotFound for another team's."""
        super().setup(request, *args, **kwargs)
        self.alert = scope.alert(self.user, self.pk)

    def _do(self, asked: dict[str, Any]) -> Said:
        control.see_alert(alert=self.alert, actor=self.user)
        return _("Seen")


class SetThresholds(OfQueue):
    """Say from when on the queue calls its supervisors."""

    title = gettext_lazy("When %(name)s calls")
    button = gettext_lazy("Save")
    hint = gettext_lazy(
        "The boards of the team ring and show an alert. An empty field never does. Each viewer may mute his own board."
    )
    form_class = Thresholds

    def _initial(self) -> dict[str, Any]:
        threshold = Threshold.objects.filter(queue=self.queue).first()
        return {name: getattr(threshold, name, None) for name in ("waiting", "longest_s", "level")}

    def _do(self, asked: dict[str, Any]) -> Said:
        alerts.set_thresholds(queue=self.queue, **asked, actor=self.user)
        return _("Saved")
