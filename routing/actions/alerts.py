"""What supervisors are told: alerts that last while a rule finds something, and the limits of queues at which boards ring."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from cxcenter.core import audit
from cxcenter.core.errors import Invalid
from routing.actions.control import refuse_foreign
from routing.choices import REACHED
from routing.models import Alert, Queue, Threshold

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

HIGHEST = 1_000_000
# Which of two values of a threshold is the worse one.
WORST: dict[str, Callable[..., float]] = {"count": max, "longest_s": max, "level": min}


@dataclass(frozen=True)
class Finding:
    """Something that a rule finds now: of which team, about what ("queue:3"), and the numbers behind it."""

    kind: str
    team: int
    subject: str
    args: dict[str, Any] = field(default_factory=dict)
    queue: int | None = None
    user: int | None = None
    item: int | None = None

    @property
    def key(self) -> tuple[str, int, str]:
        """What makes two findings one."""
        return self.kind, self.team, self.subject


@transaction.atomic
def keep_alerts(*, found: Iterable[Finding], kinds: Collection[str], now: datetime) -> int:
    """Let an alert stand for everything that is found: new ones come once, those of these kinds that are found no more end.

    Returns how many came and ended.
    """
    wanted = {finding.key: finding for finding in found}
    ended = []
    lasting = Alert.objects.select_for_update().filter(kind__in=kinds, ended_at=None).exclude(subject="")
    for alert in lasting.order_by("pk"):
        finding = wanted.pop((alert.kind, alert.team_id, alert.subject), None)
        if finding is None:
            ended.append(alert.pk)
        elif (args := _worst(alert, finding)) != alert.args:
            Alert.objects.filter(pk=alert.pk).update(args=args)
    Alert.objects.filter(pk__in=ended).update(ended_at=now)
    fresh = [_alert(finding, now) for finding in wanted.values()]
    # Who looked at the same moment has told it already.
    Alert.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(ended) + len(fresh)


def _worst(alert: Alert, finding: Finding) -> dict[str, Any]:
    """Return the newest numbers of an alert; of a threshold the worst value since it was reached."""
    if alert.kind not in REACHED:
        return finding.args
    kept = {name: pick(alert.args[name], finding.args[name]) for name, pick in WORST.items() if name in alert.args}
    return finding.args | kept


def _alert(finding: Finding, now: datetime) -> Alert:
    return Alert(
        kind=finding.kind,
        team_id=finding.team,
        subject=finding.subject,
        args=finding.args,
        queue_id=finding.queue,
        user_id=finding.user,
        item_id=finding.item,
        at=now,
    )


@transaction.atomic
def set_thresholds(
    *, queue: Queue, waiting: int | None, longest_s: int | None, level: int | None, actor: "User"
) -> Threshold:
    """Say from when on a queue calls the supervisors of its team: so many wait, one waits so long, a level below.

    None: never. Raises Invalid for a limit that would always or never be reached.
    """
    refuse_foreign(queue, actor)
    limits = {"waiting": waiting, "longest_s": longest_s, "level": level}
    for name, limit in limits.items():
        if limit is not None and not 1 <= limit <= (100 if name == "level" else HIGHEST):
            raise Invalid(_("Choose a limit from 1 on, of the level up to 100, or leave it empty."), field=name)
    threshold, _made = Threshold.objects.update_or_create(queue=queue, defaults=limits)
    audit.record(actor, "queue.thresholds", f"queue:{queue.pk}", **limits)
    return threshold
