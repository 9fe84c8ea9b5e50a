"""What a report is asked to be: read from its address, and written into addresses. Each is whole: it can be kept and sent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cxcenter.core.errors import Invalid
from cxcenter.core.reading import day, number
from cxcenter.core.zones import is_zone
from quality import policies
from quality.metrics.dimensions import DIMENSIONS, NONE
from quality.metrics.registry import METRICS
from quality.metrics.reports import Asked, reach_of
from quality.metrics.spans import Interval, midnight

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

DAY = timedelta(days=1)
OWN = "own"
MOST_SPLITS = 2
USUAL = ("offered", "answered", "abandoned", "abandonment", "service_level", "asa", "aht")


def _month(today: date, back: int) -> tuple[date, date]:
    first = today.replace(day=1)
    for _time in range(back):
        first = (first - DAY).replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1) - DAY


def _week(today: date, back: int) -> tuple[date, date]:
    first = today - timedelta(days=today.weekday() + 7 * back)
    return first, first + timedelta(days=6)


# Of today: the first day and the last.
PERIODS: dict[str, tuple[Any, Callable[[date], tuple[date, date]]]] = {
    "today": (gettext_lazy("Today"), lambda today: (today, today)),
    "yesterday": (gettext_lazy("Yesterday"), lambda today: (today - DAY, today - DAY)),
    "7days": (gettext_lazy("Last 7 days"), lambda today: (today - 6 * DAY, today)),
    "week": (gettext_lazy("This week"), lambda today: _week(today, 0)),
    "last_week": (gettext_lazy("Last week"), lambda today: _week(today, 1)),
    "month": (gettext_lazy("This month"), lambda today: _month(today, 0)),
    "last_month": (gettext_lazy("Last month"), lambda today: _month(today, 1)),
}
INTERVALS = {
    Interval.WHOLE: gettext_lazy("the whole time"),
    Interval.QUARTER: gettext_lazy("15 minutes"),
    Interval.HOUR: gettext_lazy("hour"),
    Interval.DAY: gettext_lazy("day"),
    Interval.MONTH: gettext_lazy("month"),
}


@dataclass(frozen=True)
class Wanted:
    """What was asked for. Days are those of `zone`, both included."""

    period: str
    first: date
    last: date
    zone: ZoneInfo
    interval: Interval = Interval.DAY
    by: tuple[str, ...] = ()
    metrics: tuple[str, ...] = USUAL
    # Dimension → its one value.
    only: dict[str, Any] = field(default_factory=dict)
    team: int | None = None
    policy: str = ""
    sort: str = ""
    chart: str = ""

    def asked(self, user: "User") -> Asked:
        """Return the question, of what the user may see. Raises Invalid for what cannot be asked."""
        reach = reach_of(user, self.team)
        return Asked(
            since=midnight(self.first, self.zone),
            until=midnight(self.last + DAY, self.zone),
            by=self.by,
            interval=self.interval,
            zone=self.zone,
            metrics=self.metrics,
            only=self.only,
            policy=policies.read(self.policy) if self.policy else None,
            queues=reach.queues,
            operators=reach.operators,
        )

    def query(self, **changes: str) -> str:
        """Return the question as the query of an address. A period like "this week" stays one: it goes with the days."""
        said = {"period": self.period}
        if self.period == OWN:
            said |= {"since": str(self.first), "until": str(self.last)}
        said |= {"interval": str(self.interval), "by": ",".join(self.by), "metrics": ",".join(self.metrics)}
        said |= {**self.narrowing(), "sort": self.sort, "chart": self.chart, **changes}
        return urlencode({name: value for name, value in said.items() if value}, safe=",/:")

    def narrowing(self) -> dict[str, str]:
        """Return what narrows the report and tells how it counts, as an address says it."""
        only = {code: written(value) for code, value in self.only.items()}
        return {**only, "team": str(self.team or ""), "policy": self.policy, "zone": str(self.zone)}


def written(value: Any) -> str:
    """Return a value of a dimension as an address says it."""
    return NONE if value is None else str(value)


def read(query: QueryDict) -> Wanted:
    """Return what an address asks for. Raises Invalid with the field that is wrong."""
    zone = zone_of(query)
    period = query.get("period") or ("7days" if not query.get("since") else OWN)
    first, last = _days(query, period, datetime.now(zone).date())
    metrics = _words(query, "metrics", METRICS) or USUAL
    return Wanted(
        period=period,
        first=first,
        last=last,
        zone=zone,
        interval=_interval(query.get("interval") or Interval.DAY),
        by=_by(query),
        metrics=metrics,
        only=only_of(query),
        team=team_of(query),
        policy=query.get("policy", "").strip(),
        sort=query.get("sort", ""),
        chart=query.get("chart", ""),
    )


def _days(query: QueryDict, period: str, today: date) -> tuple[date, date]:
    if period in PERIODS:
        return PERIODS[period][1](today)
    if period != OWN:
        raise Invalid(_("There is no such period. Choose one of the list."), field="period")
    found = []
    for name in ("since", "until"):
        said = day(query.get(name))
        if said is None:
            raise Invalid(_("Give a day, like 2026-11-30."), field=name)
        found.append(said)
    if found[0] > found[1]:
        raise Invalid(_("The last day is before the first."), field="until")
    return found[0], found[1]


def _interval(text: str) -> Interval:
    try:
        return Interval(text)
    except ValueError:
        raise Invalid(_("There is no such interval. Choose one of the list."), field="interval") from None


def _words(query: QueryDict, name: str, known: Any) -> tuple[str, ...]:
    """Return the words of a list, however they are sent: several times, or with commas. Raises Invalid for unknown ones."""
    words = [word.strip() for text in query.getlist(name) for word in text.split(",")]
    found = tuple(dict.fromkeys(filter(None, words)))
    if strange := [word for word in found if word not in known]:
        told = {"code": ", ".join(strange)[:80], "all": ", ".join(known)}
        raise Invalid(_("There is no %(code)s; there are: %(all)s.") % told, field=name)
    return found


def _by(query: QueryDict) -> tuple[str, ...]:
    by = _words(query, "by", DIMENSIONS)
    if len(by) > MOST_SPLITS:
        raise Invalid(_("Split by two things at the most."), field="by")
    return by


def only_of(query: QueryDict) -> dict[str, Any]:
    """Return the values of dimensions that an address narrows to. Raises Invalid."""
    found = {}
    for code, dimension in DIMENSIONS.items():
        if text := query.get(code, ""):
            try:
                found[code] = dimension.read(text)
            except Invalid as error:
                raise Invalid(error.message, field=code) from None
    return found


def team_of(query: QueryDict) -> int | None:
    """Return the team that an address narrows to. Raises Invalid."""
    text = query.get("team", "")
    found = number(text)
    if text and found is None:
        raise Invalid(_("Choose a team of the list."), field="team")
    return found


def zone_of(query: QueryDict) -> ZoneInfo:
    """Return whose days they are: an address that is sent on keeps those of its maker. Raises Invalid."""
    name = query.get("zone") or str(timezone.get_current_timezone())
    if not is_zone(name):
        raise Invalid(_("There is no such time zone."), field="zone")
    return ZoneInfo(name)
