"""The form of a report as it is filled in: what was typed stays, right or wrong."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef
from django.http import QueryDict
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from cxcenter.accounts.models import User
from cxcenter.reports.asking import INTERVALS, OWN, PERIODS, USUAL, Wanted
from cxcenter.reports.catalogue import groups_of
from interactions.choices import ChannelKind
from interactions.models import Topic
from quality.metrics.dimensions import DIMENSIONS, NONE
from quality.metrics.reports import Reach, reach_of, teams_of
from quality.metrics.spans import Interval
from quality.service_level import FORMULAS
from routing.models import Assignment, Queue, Skill

if TYPE_CHECKING:
    from django.db.models import QuerySet

# Of these there are contacts without any.
MAY_BE_NONE = {"queue", "operator", "topic", "skill"}
PRIORITIES = range(21)


@dataclass(frozen=True)
class Select:
    """A choice of one: value and words of each, and which is chosen."""

    code: str
    name: str
    options: list[tuple[str, str]]
    chosen: str


def form_of(user: User, query: QueryDict, wanted: Wanted | None) -> dict[str, Any]:
    """Return what the form shows. Seven queries at the most."""
    by = [word for text in query.getlist("by") for word in text.split(",") if word]
    days = {"since": str(wanted.first), "until": str(wanted.last)} if wanted else query
    period = wanted.period if wanted else query.get("period", "")
    reach = reach_of(user)
    filters = [_filter(reach, user.language, code, query.get(code, "")) for code in DIMENSIONS]
    words = {word for text in query.getlist("metrics") for word in text.split(",") if word}
    return {
        "period": Select("period", "", [(code, str(name)) for code, (name, _days) in PERIODS.items()], period),
        "own": OWN,
        "since": days.get("since", ""),
        "until": days.get("until", ""),
        "interval": Select("interval", "", _words_of(INTERVALS), query.get("interval") or str(Interval.DAY)),
        "by": [_split(by[place] if place < len(by) else "", place) for place in range(2)],
        "team": _team(user, query.get("team", "")),
        "filters": filters,
        "narrowed": sum(bool(one.chosen) for one in filters),
        "policy": query.get("policy", ""),
        "formulas": list(FORMULAS),
        "groups": groups_of(words or set(USUAL)),
        "zone": str(wanted.zone) if wanted else query.get("zone", ""),
        "kept": {name: query.get(name, "") for name in ("sort", "chart")},
    }


def _words_of(names: Any) -> list[tuple[str, str]]:
    return [(str(code), str(name)) for code, name in names.items()]


def _split(chosen: str, place: int) -> Select:
    nothing = _("nothing more") if place else _("nothing")
    options = [("", nothing), *((code, str(one.name)) for code, one in DIMENSIONS.items())]
    return Select("by", _("And by") if place else _("Split by"), options, chosen)


def _team(user: User, chosen: str) -> Select | None:
    """Return the choice of a team, None for who sees one alone."""
    options = [(str(team.pk), team.name) for team in teams_of(user).order_by("name")]
    return Select("team", _("Team"), [("", _("all")), *options], chosen) if len(options) > 1 else None


def _filter(reach: Reach, language: str, code: str, chosen: str) -> Select:
    options = [("", _("all")), *_options(reach, language, code)]
    if code in MAY_BE_NONE:
        options.append((NONE, _("none")))
    if chosen not in dict(options):
        options.append((chosen, f"№ {chosen}"))
    return Select(code, capfirst(str(DIMENSIONS[code].name)), options, chosen)


def _options(reach: Reach, language: str, code: str) -> list[tuple[str, str]]:
    if code == "channel":
        return [(kind.value, str(kind.label)) for kind in ChannelKind]
    if code == "operator":
        return [(str(one.pk), one.name) for one in _operators(reach).order_by("first_name", "last_name", "pk")]
    rows: Any = {"queue": lambda: _queues(reach), "skill": Skill.objects.all, "topic": Topic.objects.all}.get(code)
    if rows is not None:
        return sorted(((str(row.pk), row.label(language)) for row in rows()), key=lambda option: option[1])
    keys = {"hour": range(24), "weekday": range(1, 8)}.get(code, PRIORITIES)
    return [(str(key), name) for key, name in DIMENSIONS[code].names(keys, language).items()]


def _queues(reach: Reach) -> "QuerySet[Queue]":
    rows: QuerySet[Queue] = Queue.objects.all()
    return rows if reach.queues is None else rows.filter(pk__in=reach.queues)


def _operators(reach: Reach) -> "QuerySet[User]":
    """Return who has served, of those whose numbers the user may see."""
    rows = User.objects.filter(Exists(Assignment.objects.filter(operator=OuterRef("pk"))))
    return rows if reach.operators is None else rows.filter(pk__in=reach.operators)
