"""What a report is of, in words: its filters, and how its service level is counted."""

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from cxcenter.reports.asking import Wanted
from quality import policies
from quality.metrics.dimensions import DIMENSIONS, label
from quality.metrics.reports import Asked, Report, teams_of
from quality.service_level import FORMULAS, Policy
from routing.models import Queue

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# As many queues are named that count alike.
MOST_QUEUES = 5
# Metrics that depend on the policy besides the levels themselves.
BY_POLICY = {"service_level", "abandoned_short", "abandonment_net"}


@dataclass(frozen=True)
class Filter:
    """What narrows a report, in words, and the address of the report without it."""

    words: str
    without: str = ""


@dataclass(frozen=True)
class CountedBy:
    """A policy of the service level, and the queues that count by it (empty: all)."""

    policy: str
    formula: str
    queues: list[str]


def filters_of(user: "User", wanted: Wanted, asked: Asked) -> list[Filter]:
    """Return what narrows a report."""
    found = [Filter(_value(user, asked, code), f"?{wanted.query(**{code: ''})}") for code in asked.only]
    if wanted.team is not None:
        found.append(Filter(_team(user, wanted.team), f"?{wanted.query(team='')}"))
    return found


def narrowed(user: "User", asked: Asked, team: int | None) -> list[Filter]:
    """Return what narrows a list of contacts, its time before all."""
    since, until = asked.since.astimezone(asked.zone), asked.until.astimezone(asked.zone)
    found = [Filter(f"{date_format(since, _('j M Y, H:i'))} – {date_format(until, _('j M Y, H:i'))}")]
    found += [Filter(_value(user, asked, code)) for code in asked.only]
    return found + ([Filter(_team(user, team))] if team is not None else [])


def _value(user: "User", asked: Asked, code: str) -> str:
    """Return what a dimension is narrowed to; of a queue that the user may not see its number."""
    value = asked.only[code]
    is_hidden = code == "queue" and asked.queues is not None and value not in asked.queues
    names = {} if is_hidden or value is None else DIMENSIONS[code].names([value], user.language)
    return f"{capfirst(str(DIMENSIONS[code].name))}: {label(value, names)}"


def _team(user: "User", team: int) -> str:
    found = teams_of(user).filter(pk=team).first()
    return f"{_('Team')}: {found.name if found else label(team, {})}"


def policies_of(wanted: Wanted, told: Report, language: str) -> list[CountedBy]:
    """Return by which policies the service levels of a report are counted, the one of most queues first; [] if none is in it."""
    if not any(code in BY_POLICY or code.startswith("level_") for code in told.metrics):
        return []
    if wanted.policy:
        return [_counted_by(policies.read(wanted.policy), [])]
    groups: dict[Policy, list[str]] = defaultdict(list)
    for queue in Queue.objects.filter(pk__in=_meant(wanted, told)):
        groups[told.policies[queue.pk]].append(queue.label(language))
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[1]))
    return [_counted_by(policy, sorted(names) if len(groups) > 1 else []) for policy, names in ordered]


def _meant(wanted: Wanted, told: Report) -> set[Any]:
    """Return the queues that a report is of: the one it is narrowed to, else those that it may tell of."""
    own = set(told.policies if told.queues is None else told.queues)
    return own & {wanted.only["queue"]} if "queue" in wanted.only else own


def _counted_by(policy: Policy, queues: list[str]) -> CountedBy:
    parts = [policy.formula, f"T = {policy.within_s:g} {_('s')}"]
    if policy.short_s is not None:
        parts.append(f"S = {policy.short_s:g} {_('s')}")
    if "B" in FORMULAS[policy.formula].below:
        parts.append("B = " + (" + ".join(sorted(policy.blocked)) or "0"))
    if len(queues) > MOST_QUEUES:
        queues = [*queues[:MOST_QUEUES], _("%(n)s more") % {"n": len(queues) - MOST_QUEUES}]
    return CountedBy(", ".join(parts), str(FORMULAS[policy.formula]), queues)
