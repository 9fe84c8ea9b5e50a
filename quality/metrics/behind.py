"""What stands behind a number: the rows of the same condition, so that the list is as long as the number says."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib.postgres.functions import TransactionNow
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Greatest, Least
from django.utils.translation import gettext as _

from cxcenter.core.errors import Invalid
from interactions.models import Case, Interaction
from quality.metrics import cases, issues, presence
from quality.metrics.dimensions import DIMENSIONS
from quality.metrics.measures import MEASURES, MORE, Measure, in_level, in_time, net_of_short, rows_of
from quality.metrics.registry import ABOVE, BELOW, EVERYBODY, METRICS
from quality.metrics.reports import Asked, policies_of
from quality.service_level import FORMULAS, Policy
from routing.models import PresenceInterval, WorkItem


def contacts(asked: Asked, code: str, *, below: bool = False) -> QuerySet[Any]:
    """Return the rows that a metric counts: visits, legs, or sessions; in the order of their coming (`moment`, `pk`).

    Of a share or a mean these are the rows above the line, with `below` all that it is a share or mean of. `asked` narrows
    by `only`, from and to. Raises Invalid for a metric of times or cases: behind these stand `stretches` and `cases_of`.
    """
    counted = METRICS[code].base if below else METRICS[code].counted
    if not METRICS[code].of_contacts:
        raise Invalid(_("This metric is of times or cases, not of contacts."), field="metric")
    if METRICS[code].source_code == "issues":
        return _of_issues(asked, counted)
    if counted == EVERYBODY:
        return _everybody(asked)
    return _counted(asked, _measure(asked, code, counted))


def cases_of(asked: Asked) -> QuerySet[Case]:
    """Return the cases that were solved, in the order in which they were (`moment`, `pk`)."""
    if not cases.tells((), asked.only):
        return Case.objects.none()
    rows = cases.solved(since=asked.since, until=asked.until, only=asked.only, operators=asked.operators)
    return _ordered(rows, "resolved_at")


def stretches(asked: Asked, code: str, *, below: bool = False) -> QuerySet[PresenceInterval]:
    """Return the intervals of operators' states that a metric of times adds up, cut to what is asked: from `moment` to `over`."""
    if not presence.tells((), asked.only):
        return PresenceInterval.objects.none()
    states = presence.STATES[METRICS[code].base if below else METRICS[code].counted]
    rows = PresenceInterval.objects.filter(
        Q(ended_at=None) | Q(ended_at__gt=asked.since), started_at__lt=asked.until, state__in=states
    )
    if "operator" in asked.only:
        rows = rows.filter(user=asked.only["operator"])
    if asked.operators is not None:
        rows = rows.filter(user__in=list(asked.operators))
    cut = rows.annotate(
        moment=Greatest("started_at", Value(asked.since)),
        over=Least(Coalesce("ended_at", TransactionNow()), Value(asked.until)),
    )
    return cut.filter(over__gt=F("moment")).order_by("moment", "pk")


def _measure(asked: Asked, code: str, counted: str) -> Measure:
    if found := {**MEASURES, **MORE}.get(counted):
        return found
    holding = policies_of(asked)
    if counted in {ABOVE, BELOW}:
        return in_level(_by_formula(holding, code), below=counted == BELOW)
    return {**in_time(holding), **net_of_short(holding)}[counted]


def _by_formula(holding: Mapping[int, Policy], code: str) -> Mapping[int, Policy]:
    """Return the policies with the formula that a metric is named by, or with their own."""
    formula = code.removeprefix("level_").upper()
    if formula not in FORMULAS:
        return holding
    return {queue: replace(policy, formula=formula) for queue, policy in holding.items()}


def _counted(asked: Asked, measure: Measure) -> QuerySet[Any]:
    """Return the rows of a base that satisfy a measure and what is asked."""
    rows, moment = rows_of(measure.base)
    rows = rows.filter(**{f"{moment}__gte": asked.since, f"{moment}__lt": asked.until})
    of = {name: DIMENSIONS[name].of.get(measure.base) for name in {*asked.only, "queue"}}
    if asked.queues is not None and of["queue"] is None:
        return _ordered(rows.none(), moment)
    for name, value in asked.only.items():
        if place := of[name]:
            rows = rows.alias(**{f"k_{name}": place(asked.zone)}).filter(DIMENSIONS[name].among(f"k_{name}", value))
        elif value is not None:
            rows = rows.none()
    if asked.queues is not None:
        place = of["queue"]
        assert place is not None
        rows = rows.alias(mine=place(asked.zone)).filter(mine__in=list(asked.queues))
    return _ordered(rows.filter(measure.which), moment)


def _ordered(rows: QuerySet[Any], moment: str) -> QuerySet[Any]:
    return rows.annotate(moment=F(moment)).order_by("moment", "pk")


def _everybody(asked: Asked) -> QuerySet[Any]:
    """Return the sessions that came to a queue, and those that came to none."""
    firsts, menus = (_counted(asked, Measure(base)).order_by() for base in ("contacts", "menus"))
    return _sessions(Q(pk__in=firsts.values("interaction_id")) | Q(pk__in=menus.values("pk")))


def _of_issues(asked: Asked, counted: str) -> QuerySet[Any]:
    if not issues.tells((), asked.only):
        return _sessions(Q(pk__in=[]))
    ids = issues.sessions(counted, since=asked.since, until=asked.until, only=asked.only, queues=asked.queues)
    return _sessions(Q(pk__in=ids))


def _sessions(which: Q) -> QuerySet[Any]:
    first = WorkItem.objects.filter(interaction=OuterRef("pk")).order_by("pk").values("entered_at")[:1]
    came = Coalesce(Subquery(first), F("last_message_at"))
    return Interaction.objects.filter(which).annotate(moment=came).order_by("moment", "pk")
