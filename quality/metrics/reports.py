"""Reports: values of metrics by interval and dimension, and the contacts behind each value."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from cxcenter.accounts.roles import Right
from cxcenter.core.errors import Invalid
from quality import policies
from quality.metrics import issues, presence
from quality.metrics.dimensions import DIMENSIONS
from quality.metrics.measures import LARGEST, MEASURES, MORE, in_time, rows_of
from quality.metrics.reading import Counted, Question, one_moment, totals
from quality.metrics.registry import METRICS, Number, Sums
from quality.metrics.spans import EPOCH, QUARTER, Interval, pieces, starts
from quality.service_level import Policy
from routing.models import Queue

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

MOST_INTERVALS = 5000
# Issues are no sums of days: each contact is compared with its neighbours. Of a longer time they are told only if asked for.
ISSUES_UP_TO = timedelta(days=93)
Key = tuple[Any, ...]
# The queue of some sums (None: of none, or of all), and the sums.
Part = tuple[int | None, Counted]


@dataclass(frozen=True)
class Row:
    """One line of a report: the interval it begins, the values of its dimensions, its metrics."""

    at: datetime
    keys: dict[str, Any]
    values: dict[str, Number]


@dataclass(frozen=True)
class Report:
    """What was asked and its answer."""

    since: datetime
    until: datetime
    interval: Interval
    zone: str
    by: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: list[Row]
    # The metrics of the whole time and of everything.
    whole: dict[str, Number]


@dataclass(frozen=True)
class Asked:
    """What a report is of. Raises Invalid with the field for what cannot be."""

    since: datetime
    until: datetime
    by: tuple[str, ...] = ()
    interval: Interval = Interval.WHOLE
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    metrics: tuple[str, ...] = ()
    # Dimension → its one value.
    only: Mapping[str, Any] = field(default_factory=dict)
    policy: Policy | None = None
    version: int | None = None
    # None: all queues, and what came to none.
    queues: Collection[int] | None = None
    # Of these operators times are told; None: of all.
    operators: Collection[int] | None = None
    kept: bool = True

    def __post_init__(self) -> None:
        if not self.metrics:
            object.__setattr__(self, "metrics", usual(self.since, self.until))
        for name, at in (("since", self.since), ("until", self.until)):
            if (at - EPOCH) % QUARTER:
                raise Invalid(_("A report begins and ends at a full quarter of an hour."), field=name)
        if self.since >= self.until:
            raise Invalid(_("It must end after it begins."), field="until")
        for name, said, known in (
            ("by", self.by, DIMENSIONS),
            ("only", self.only, DIMENSIONS),
            ("metrics", self.metrics, METRICS),
        ):
            if strange := [code for code in said if code not in known]:
                told = {"code": ", ".join(strange), "all": ", ".join(known)}
                raise Invalid(_("There is no %(code)s; there are: %(all)s.") % told, field=name)


def usual(since: datetime, until: datetime) -> tuple[str, ...]:
    """Return the metrics that are told of a time if none are asked for."""
    short = until - since <= ISSUES_UP_TO
    return tuple(code for code, metric in METRICS.items() if short or metric.source_code != "issues")


def may_see(user: "User") -> set[int] | None:
    """Return the queues whose numbers a user may see, None for all: own teams, for an administrator and quality every one."""
    if user.may(Right.EVERY_TEAM) or user.may(Right.READ_ALL):
        return None
    return set(Queue.objects.controlled_by(user).values_list("pk", flat=True))


def report(asked: Asked) -> Report:
    """Return the values of metrics, all of one moment of the database."""
    begins = _begins(asked)
    with one_moment():
        return _report(asked, begins)


def _report(asked: Asked, begins: list[datetime]) -> Report:
    holding = _policies(asked)
    question = Question(by=asked.by, policies=holding, queues=asked.queues, only=asked.only, kept=asked.kept)
    places = [question.keys.index(code) + 1 for code in asked.by]
    groups: dict[Key, list[Part]] = defaultdict(list)
    for key, sums in totals(question, list(pieces(begins, asked.since, asked.until))).items():
        groups[(key[0], *(key[place] for place in places))].append((key[1], sums))
    for more in _more(asked, begins):
        for key, sums in more.items():
            groups[key].append((None, sums))
    return Report(
        since=asked.since,
        until=asked.until,
        interval=asked.interval,
        zone=str(asked.zone),
        by=asked.by,
        metrics=asked.metrics,
        rows=[
            Row(begins[key[0]], dict(zip(asked.by, key[1:], strict=True)), _values(asked, groups[key], holding))
            for key in sorted(groups, key=_order)
        ],
        whole=_values(asked, [part for parts in groups.values() for part in parts], holding),
    )


def _begins(asked: Asked) -> list[datetime]:
    begins: list[datetime] = []
    for at in starts(asked.since, asked.until, asked.interval, asked.zone):
        begins.append(at)
        if len(begins) > MOST_INTERVALS:
            told = {"limit": MOST_INTERVALS}
            raise Invalid(_("More than %(limit)s intervals: ask for longer ones.") % told, field="interval")
    return begins


def _policies(asked: Asked) -> dict[int, Policy]:
    holding = policies.holding(asked.version)
    return dict.fromkeys(holding, asked.policy) if asked.policy else holding


def _more(asked: Asked, begins: list[datetime]) -> Iterator[dict[Key, Counted]]:
    """Yield what needs statements of its own, if it is asked for."""
    needed = {METRICS[code].source_code for code in asked.metrics}
    told: dict[str, Any] = {
        "begins": begins,
        "since": asked.since,
        "until": asked.until,
        "by": asked.by,
        "only": asked.only,
    }
    if "issues" in needed and issues.tells(asked.by, asked.only):
        yield issues.totals(**told, queues=asked.queues)
    if "presence" in needed and presence.tells(asked.by, asked.only):
        yield presence.totals(**told, operators=asked.operators)


def _order(key: Key) -> tuple[Any, ...]:
    return tuple((part is None, part if part is not None else 0) for part in key)


def _values(asked: Asked, parts: list[Part], holding: Mapping[int, Policy]) -> dict[str, Number]:
    """Return the metrics of several parts together, each counted with the policy of its queue."""
    if len(parts) == 1:
        whole: Mapping[str, int] = defaultdict(int, parts[0][1])
    else:
        whole = _added(sums for _queue, sums in parts)
    policies_of = {
        (one.formula, one.blocked): one for one in (holding.get(queue) for queue, _sums in parts if queue) if one
    }
    sums = Sums(whole, next(iter(policies_of.values())) if len(policies_of) == 1 else None)
    return {code: METRICS[code].value(sums) for code in asked.metrics}


def _added(parts: Iterable[Counted]) -> Counted:
    whole: Counted = defaultdict(int)
    for sums in parts:
        for code, number in sums.items():
            whole[code] = max(whole[code], number) if code in LARGEST else whole[code] + number
    return whole


def named(told: Report, language: str) -> dict[str, dict[Any, str]]:
    """Return how the values of a report's dimensions are called: one query for each dimension that has rows of its own."""
    found = {}
    for code in told.by:
        keys = {row.keys[code] for row in told.rows} - {None}
        found[code] = DIMENSIONS[code].names(keys, language)
    return found


# --- The contacts behind a number ---------------------------------------------------------------


def contacts(asked: Asked, code: str) -> QuerySet[Any]:
    """Return the rows that a metric counts: visits, legs, or sessions that came to no queue; as many as the number says.

    Of a share or a mean these are the rows above the line. `asked` narrows by `only`, from and to.
    """
    measure = {**MEASURES, **MORE, **in_time(_policies(asked))}.get(METRICS[code].counted)
    if measure is None:
        raise Invalid(_("This metric is of times, not of contacts."), field="metric")
    rows, moment = rows_of(measure.base)
    rows = rows.filter(**{f"{moment}__gte": asked.since, f"{moment}__lt": asked.until})
    of = {name: DIMENSIONS[name].of.get(measure.base) for name in {*asked.only, "queue"}}
    if asked.queues is not None and of["queue"] is None:
        return rows.none()
    for name, value in asked.only.items():
        where = of[name]
        if where is None:
            rows = rows if value is None else rows.none()
        else:
            rows = rows.alias(**{f"k_{name}": where()}).filter(_is(f"k_{name}", value))
    if asked.queues is not None:
        where = of["queue"]
        assert where is not None
        rows = rows.alias(mine=where()).filter(mine__in=list(asked.queues))
    return rows.filter(measure.which).order_by(moment, "pk")


def _is(field_name: str, value: Any) -> Q:
    return Q(**{f"{field_name}__isnull": True}) if value is None else Q(**{field_name: value})
