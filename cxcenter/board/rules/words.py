"""Rules in words: settings, values, what has changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.utils import dates
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from customers.models import Segment
from cxcenter.accounts.models import User
from interactions.models import Channel, Topic
from routing.choices import Choice, Then, When
from routing.models import BusinessHours, PauseReason, Queue, Skill
from routing.rules.document import ALL, HOURS, KINDS, PAUSES, PRIORITIES, QUEUES, REQUIREMENTS, Settings

MODELS: Mapping[str, Any] = {QUEUES: Queue, HOURS: BusinessHours, PAUSES: PauseReason}
SORTS = {
    QUEUES: gettext_lazy("Queue"),
    HOURS: gettext_lazy("Business hours"),
    PAUSES: gettext_lazy("Pause reason"),
    REQUIREMENTS: gettext_lazy("What work asks for"),
    PRIORITIES: gettext_lazy("Order of priorities"),
}
LABELS = {
    "members": gettext_lazy("members"),
    "intervals": gettext_lazy("week"),
    "holidays": gettext_lazy("days that differ"),
    "overflow": gettext_lazy("overflow"),
    "frequent": gettext_lazy("frequent customers"),
    "choice": gettext_lazy("choice of the operator"),
    "asked": gettext_lazy("skills"),
    "own": gettext_lazy("an order of its own"),
    "channels": gettext_lazy("channels"),
    "topics": gettext_lazy("topics"),
    "segments": gettext_lazy("segments"),
}
# When a rule of overflow acts, and what it does.
WHEN = {
    When.WAITED: gettext_lazy("after %(limit)s s"),
    When.LENGTH: gettext_lazy("when %(limit)s wait"),
    When.NOBODY: gettext_lazy("with nobody signed in"),
    When.HOURS: gettext_lazy("out of hours"),
}
THEN = {
    Then.QUEUE: gettext_lazy("to %(queue)s"),
    Then.CALLBACK: gettext_lazy("a callback"),
    Then.FORM: gettext_lazy("the form"),
    Then.MESSAGE: gettext_lazy("a message"),
    Then.CLOSE: gettext_lazy("turned away"),
}
NOTHING = "–"


@dataclass(frozen=True)
class Names:
    """What numbers in rules stand for."""

    users: Mapping[int, str]
    hours: Mapping[int, str]
    queues: Mapping[int, str]
    skills: Mapping[int, str]
    channels: Mapping[int, str]
    topics: Mapping[int, str]
    segments: Mapping[int, str]

    @classmethod
    def read(cls, language: str) -> "Names":
        """Read the names of today. Seven queries."""
        return cls(
            users={user.pk: user.name for user in User.objects.only("username", "first_name", "last_name")},
            hours=dict(BusinessHours.objects.values_list("pk", "name")),
            queues={queue.pk: queue.label(language) for queue in Queue.objects.all()},
            skills={skill.pk: skill.label(language) for skill in Skill.objects.all()},
            channels={channel.pk: str(channel) for channel in Channel.objects.all()},
            topics={topic.pk: topic.label(language) for topic in Topic.objects.all()},
            segments={segment.pk: segment.label(language) for segment in Segment.objects.all()},
        )


@dataclass(frozen=True)
class Line:
    """One change: of what, which setting, from what to what. Without a setting the thing is new or gone."""

    of: str
    label: str
    before: str
    after: str


def lines(changes: Iterable[Mapping[str, Any]], names: Names) -> list[Line]:
    """Return changes in words."""
    return [_line(change, names) for change in changes]


def _line(change: Mapping[str, Any], names: Names) -> Line:
    sort, field = change["sort"], change["field"]
    named = _("%(sort)s “%(name)s”") % {"sort": SORTS[sort], "name": change["name"]}
    of = f"{SORTS[sort]}, {_('all queues')}" if change["id"] == ALL else named
    if not field:
        return Line(of, _("new") if change["before"] is None else _("removed"), "", "")
    before, after = change["before"], change["after"]
    if field == "members":
        came, went = (_people(set(one) - set(other), names) for one, other in ((after, before), (before, after)))
        parts = [_("added: %(names)s") % {"names": came}] if came else []
        parts += [_("removed: %(names)s") % {"names": went}] if went else []
        return Line(of, label(sort, field), _count(len(before)), "; ".join([_count(len(after)), *parts]))
    if field == "asked":
        # Of many lines those are told that differ.
        before, after = [one for one in before if one not in after], [one for one in after if one not in before]
    return Line(of, label(sort, field), value(sort, field, before, names), value(sort, field, after, names))


def label(sort: str, field: str) -> str:
    """Return how a setting is called."""
    return str(LABELS.get(field) or MODELS[sort]._meta.get_field(field).verbose_name)


def value(sort: str, field: str, said: Any, names: Names) -> str:
    """Return a value of a setting in words."""
    named = {
        "hours": lambda: _("open day and night") if said is None else names.hours.get(said, f"#{said}"),
        "overflow": lambda: overflow(said, names) or NOTHING,
        "frequent": lambda: NOTHING if said is None else frequent(said, names),
        "choice": lambda: str(dict(Choice.choices).get(said, said)),
        "intervals": lambda: week(said),
        "asked": lambda: "\n".join(asked(rule, names) for rule in said),
        **dict.fromkeys(KINDS, lambda: ", ".join(f"{_named(field, pk, names)} +{steps}" for pk, steps in said)),
        "holidays": lambda: ", ".join(_holiday(*one) for one in said) or NOTHING,
    }
    if field in named:
        return named[field]() or NOTHING
    if isinstance(said, bool):
        return _("yes") if said else _("no")
    return NOTHING if said in (None, "") else f"{said:g}" if isinstance(said, float) else str(said)


def _holiday(day: str, name: str, opens: str, closes: str) -> str:
    return " ".join(part for part in (day, name, f"{opens}–{closes}" if opens else "") if part)


def _people(pks: set[int], names: Names) -> str:
    return ", ".join(sorted(names.users.get(pk, f"#{pk}") for pk in pks))


def _count(members: int) -> str:
    return ngettext("%(count)s member", "%(count)s members", members) % {"count": members}


def week(intervals: Iterable[tuple[int, str, str]]) -> str:
    """Write a week in short: "Mon–Fri 09:00–18:00, Sat 10:00–16:00"."""
    days: dict[int, list[str]] = {}
    for day, opens, closes in intervals:
        days.setdefault(day, []).append(f"{opens}–{'24:00' if closes == '00:00' else closes}")
    rows = [(day, ", ".join(days[day])) for day in sorted(days)]
    # Days that follow each other and are alike are one stretch.
    found = []
    for (times, _run), group in groupby(enumerate(rows), key=lambda row: (row[1][1], row[1][0] - row[0])):
        stretch = [day for _place, (day, _times) in group]
        ends = [str(dates.WEEKDAYS_ABBR[day]) for day in (stretch[0], stretch[-1])]
        found.append(f"{'–'.join(ends) if len(stretch) > 1 else ends[0]} {times}")
    return "; ".join(found) or _("never")


def order(priority_weight: float, wait_weight: float) -> str:
    """Say what weights of a queue mean."""
    if priority_weight <= 0:
        return _("First come, first served: priority does not count.")
    if wait_weight <= 0:
        return _("Priority alone decides, then age.")
    return _("Each step of priority is a head start of %(seconds)s s.") % {
        "seconds": f"{priority_weight / wait_weight:g}"
    }


def overflow(rules: Iterable[Settings], names: Names) -> str:
    """Write rules of overflow, a line each with its number."""
    return "\n".join(f"{number}. {overflow_rule(rule, names)}" for number, rule in enumerate(rules, start=1))


def overflow_rule(rule: Settings, names: Names, *, is_short: bool = False) -> str:
    """Write a rule of overflow: when, what then, and unless it is to be short what the visitor reads."""
    when = WHEN[When(rule["when"])] % {"limit": rule["limit"]}
    then = THEN[Then(rule["then"])] % {"queue": names.queues.get(rule["to"] or 0, f"#{rule['to']}")}
    told = [] if is_short else [f"“{said}”" for said in (rule["words"], rule["words_ru"]) if said]
    return " ".join([f"{when}: {then}", *told])


def frequent(rule: Settings, names: Names) -> str:
    """Write the rule for frequent customers."""
    words = _("from contact %(contacts)s in %(days)s on: to %(queue)s")
    days = ngettext("%(count)s day", "%(count)s days", rule["days"]) % {"count": rule["days"]}
    queue = names.queues.get(rule["to"], f"#{rule['to']}")
    return words % {"contacts": rule["contacts"], "days": days, "queue": queue}


def asked(rule: Settings, names: Names) -> str:
    """Write a requirement: the skill, of which work, its levels by time."""
    of = [
        *([_named("topics", rule["topic"], names)] if rule["topic"] else []),
        *([_("customer speaks %(language)s") % {"language": rule["language"]}] if rule["language"] else []),
        *(
            [_("customer is %(segment)s") % {"segment": _named("segments", rule["segment"], names)}]
            if rule["segment"]
            else []
        ),
    ]
    steps = [
        _("from %(seconds)s s %(level)s") % {"seconds": after, "level": _level(least)} for after, least in rule["steps"]
    ]
    skill = names.skills.get(rule["skill"], f"#{rule['skill']}")
    return f"{' · '.join([skill, *of])}: {', '.join([_level(rule['level']), *steps])}"


def _level(least: int) -> str:
    return f"≥ {least}" if least else _("anyone")


def _named(kind: str, pk: int, names: Names) -> str:
    found: Mapping[int, str] = getattr(names, kind)
    return found.get(pk, f"#{pk}")
