"""Reports: values of metrics by interval and dimension."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from cxcenter.accounts.models import Team
from cxcenter.accounts.roles import Right
from cxcenter.core.errors import Invalid
from quality import policies
from quality.metrics import business, cases, issues, presence
from quality.metrics.dimensions import DIMENSIONS
from quality.metrics.measures import LARGEST
from quality.metrics.metric import Number, Sums
from quality.metrics.reading import Counted, Question, one_moment, totals
from quality.metrics.registry import METRICS
from quality.metrics.spans import EPOCH, QUARTER, Interval, pieces, starts
from quality.service_level import Policy
from routing.models import Presence, Queue

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

MOST_INTERVALS = 5000
# No sums of days: of issues each contact is compared with its neighbours, business time goes by the hours of today. Of a
# longer time they are told only if asked for.
UNSUMMED, UNSUMMED_UP_TO = {"issues", "business"}, timedelta(days=93)
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
    # How the service level of each queue was counted.
    policies: Mapping[int, Policy]
    # The queues it may tell of; None: all, and what came to none.
    queues: Collection[int] | None


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
    short = until - since <= UNSUMMED_UP_TO
    return tuple(code for code, metric in METRICS.items() if short or metric.source_code not in UNSUMMED)


@dataclass(frozen=True)
class Reach:
    """Of which queues somebody may see the numbers, and of which operators the times; None: of all."""

    queues: Collection[int] | None
    operators: Collection[int] | None


def reach_of(user: "User", team: int | None = None) -> Reach:
    """Return what a user may see: own teams, for an administrator and quality every one; of it what is of one team."""
    queues, people = Queue.objects.all(), Presence.objects.all()
    everything = user.may(Right.EVERY_TEAM) or user.may(Right.READ_ALL)
    if everything and team is None:
        return Reach(None, None)
    if not everything:
        queues, people = Queue.objects.controlled_by(user), Presence.objects.controlled_by(user)
    if team is not None:
        queues, people = queues.filter(team=team), people.filter(user__team=team)
    return Reach(set(queues.values_list("pk", flat=True)), set(people.values_list("user_id", flat=True)))


def teams_of(user: "User") -> QuerySet[Team]:
    """Return the teams whose numbers a user may see."""
    if user.may(Right.EVERY_TEAM) or user.may(Right.READ_ALL):
        return Team.objects.all()
    return user.supervised_teams.all()


def report(asked: Asked) -> Report:
    """Return the values of metrics, all of one moment of the database."""
    begins = _begins(asked)
    with one_moment():
        return _report(asked, begins)


def _report(asked: Asked, begins: list[datetime]) -> Report:
    holding = policies_of(asked)
    question = Question(
        by=asked.by, policies=holding, queues=asked.queues, only=asked.only, kept=asked.kept, zone=asked.zone,
        needs={measure for code in asked.metrics for measure in METRICS[code].needs},
    )  # fmt: skip
    places = [question.keys.index(code) + 1 for code in asked.by]
    found = totals(question, list(pieces(begins, asked.since, asked.until)))
    counted = [((key[0], *(key[place] for place in places)), (key[1], sums)) for key, sums in found.items()]
    counted += [(key, (None, sums)) for more in _more(asked, begins) for key, sums in more.items()]
    rows_of = _spread(asked, {key for key, _part in counted})
    groups: dict[Key, list[Part]] = defaultdict(list)
    for key, part in counted:
        for row in rows_of[key]:
            groups[row].append(part)
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
        # Not the rows together: what has two skills stands in two of them.
        whole=_values(asked, [part for _key, part in counted], holding),
        policies=holding,
        queues=asked.queues,
    )


def _begins(asked: Asked) -> list[datetime]:
    begins: list[datetime] = []
    for at in starts(asked.since, asked.until, asked.interval, asked.zone):
        begins.append(at)
        if len(begins) > MOST_INTERVALS:
            told = {"limit": MOST_INTERVALS}
            raise Invalid(_("More than %(limit)s intervals: ask for longer ones.") % told, field="interval")
    return begins


def _spread(asked: Asked, keys: Collection[Key]) -> dict[Key, list[Key]]:
    """Return the keys of rows in which what was counted under a key belongs: of several skills in that of each."""
    values = [DIMENSIONS[code].values_of(key[place] for key in keys) for place, code in enumerate(asked.by, 1)]
    found = {}
    for key in keys:
        # Of what is narrowed to one skill the others that were asked for besides are not told.
        each = [
            [one for one in known[standing] if asked.only.get(code, one) == one]
            for code, known, standing in zip(asked.by, values, key[1:], strict=True)
        ]
        found[key] = [(key[0], *split) for split in product(*each)]
    return found


def policies_of(asked: Asked) -> dict[int, Policy]:
    """Return how the service level of each queue is counted."""
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
    if "business" in needed and issues.tells(asked.by, asked.only):
        yield business.totals(**told, queues=asked.queues)
    if "cases" in needed and cases.tells(asked.by, asked.only):
        yield cases.totals(**told, operators=asked.operators)
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
