"""Rules that are tried before they are saved: the changed ones against the present ones, on a day that was."""

from dataclasses import asdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from cxcenter.core.errors import Conflict, Invalid
from quality import retold, runs, yesterday
from quality.models import SimulationRun
from quality.simulation.figures import name_of
from routing.actions import rules as acts
from routing.rules import document as rules

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

DAYS = 10


def try_rules(
    *, edit: rules.Document, why: str, actor: "User", seen: str = "", day: date | None = None
) -> SimulationRun:
    """Have rules tried on a day, yesterday unless another one is said. Nothing of them is saved.

    Raises as save_rules does for rules that cannot be, Invalid if nothing changes that a day shows, Conflict
    ("too_little") with an `offer` of a day like it if too little happened on the day.
    """
    present = rules.current()
    acts.refuse_foreign(edit, present, actor)
    acts.refuse_stale(edit, present, seen)
    wanted = rules.merged(present, edit)
    acts.refuse(present, wanted)
    changed = retold.changed_queues(present, wanted)
    if not changed:
        raise Invalid(_("Nothing is changed in a queue: there is nothing to try."), code="same")
    tried = day or timezone.localdate() - timedelta(days=1)
    if not yesterday.tells(tried, changed):
        raise _too_little(tried, changed)
    found = [change for change in rules.changes(present, wanted) if change.sort != rules.PAUSES]
    trial = {
        "edit": edit,
        "seen": rules.digest(rules.part(present, edit)),
        "why": why[:300],
        "day": f"{tried}",
        "queues": sorted(changed),
        "levels": _levels(changed, present, wanted),
        "changes": [asdict(change) for change in found],
        "unplayed": _unplayed(changed, present, wanted),
    }
    names = ", ".join(present[rules.QUEUES][str(queue)]["name"] for queue in sorted(changed))
    return runs.line_up(title=f"{names}, {tried}", days=DAYS, actor=actor, trial=trial)


def _levels(changed: set[int], present: rules.Document, wanted: rules.Document) -> dict[str, list[str]]:
    """Return the figures of the service level that count for each queue of the play, by its name; "" for the whole."""
    found: dict[str, set[str]] = {"": set()}
    for document in (present, wanted):
        for queue, policy in retold.levels_of(retold.around(changed, present, wanted), document).items():
            found.setdefault(present[rules.QUEUES][str(queue)]["name"], set()).add(name_of(policy))
            if queue in changed:
                found[""].add(name_of(policy))
    return {name: sorted(figures) for name, figures in found.items()}


def _unplayed(changed: set[int], present: rules.Document, wanted: rules.Document) -> dict[str, list[dict[str, Any]]]:
    """Return the rules of overflow that the simulator does not play, old and new, by the name of each queue of the play."""
    found: dict[str, list[dict[str, Any]]] = {}
    for queue in sorted(retold.around(changed, present, wanted)):
        before, after = (retold.unplayed(one[rules.QUEUES][str(queue)]["overflow"]) for one in (present, wanted))
        lines = [*after, *(rule for rule in before if rule not in after)]
        if lines:
            found[present[rules.QUEUES][str(queue)]["name"]] = lines
    return found


def _too_little(day: date, queues: set[int]) -> Conflict:
    words = _(
        "On %(day)s too little happened in these queues to try rules on: fewer than %(count)s contacts, or nobody there."
    )
    said = words % {"day": _named(day), "count": yesterday.FEWEST}
    other = yesterday.like(day, queues)
    if other is None:
        return Conflict(f"{said} {_('Nor is there such a day of the last weeks.')}", code="too_little")
    offer = {"day": f"{other}", "words": _("Try on %(day)s") % {"day": _named(other)}}
    return Conflict(said, code="too_little", offer=offer)


def _named(day: date) -> str:
    return date_format(day, _("l, j F"))
