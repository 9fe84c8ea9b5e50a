"""What numbers are split by: for each dimension where its value stands in the rows of each base."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from django.db.models import F, OuterRef, Q, SmallIntegerField, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Extract, ExtractHour, ExtractIsoWeekDay
from django.utils.dates import WEEKDAYS
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Segment
from cxcenter.accounts.models import User
from cxcenter.core.errors import Invalid
from interactions.choices import ChannelKind
from interactions.models import Topic
from routing.models import Assignment, Queue, Skill, SkillPath

# How what has no value is written.
NONE = "none"
LARGEST = {"bigint": 2**63 - 1, "smallint": 2**15 - 1}
# Where the value of a row stands, given the zone of the report.
Place = Callable[[tzinfo], Combinable]


def _named(model: Any, label: Callable[[Any, str], str]) -> Callable[[Iterable[Any], str], dict[Any, str]]:
    def names(keys: Iterable[Any], language: str) -> dict[Any, str]:
        return {row.pk: label(row, language) for row in model.objects.filter(pk__in=list(keys))}

    return names


def _channels(keys: Iterable[Any], _language: str) -> dict[Any, str]:
    return {key: str(ChannelKind(key).label) for key in keys if key in ChannelKind.values}


def _segments(keys: Iterable[Any], language: str) -> dict[Any, str]:
    return {row.code: row.label(language) for row in Segment.objects.filter(code__in=list(keys))}


def _numbers(keys: Iterable[Any], _language: str) -> dict[Any, str]:
    return {key: str(key) for key in keys}


def _hours(keys: Iterable[Any], _language: str) -> dict[Any, str]:
    return {key: f"{key:02}:00–{(key + 1) % 24:02}:00" for key in keys}


def _weekdays(keys: Iterable[Any], _language: str) -> dict[Any, str]:
    return {key: str(WEEKDAYS[key - 1]) for key in keys if 1 <= key <= len(WEEKDAYS)}


def _skills_of(paths: Iterable[Any]) -> dict[Any, tuple[Any, ...]]:
    """Return what work with these paths asks for."""
    return {path.pk: path.asked for path in SkillPath.objects.filter(pk__in=list(paths))}


def _paths_of(skill: Any) -> list[Any]:
    """Return the paths that ask for a skill."""
    return [path.pk for path in SkillPath.objects.all() if skill in path.asked]


@dataclass(frozen=True)
class Several:
    """How a row has several values of a dimension at once: what stands in the rows → its values, and a value → what may stand."""

    values: Callable[[Iterable[Any]], dict[Any, tuple[Any, ...]]]
    standing: Callable[[Any], list[Any]]


@dataclass(frozen=True)
class Dimension:
    """One dimension: where it stands in rollups ("" if they do not have it), its SQL type, its value by base, its names.

    `clock`: what part of a moment it is, as SQL names it; rollups of quarters of an hour tell it by their own moment.
    """

    name: Promise | str
    column: str
    type: str
    of: Mapping[str, Place]
    names: Callable[[Iterable[Any], str], dict[Any, str]]
    several: Several | None = None
    clock: str = ""

    def read(self, text: str) -> Any:
        """Return the value that a text names. Raises Invalid."""
        if text == NONE or self.type == "text":
            return None if text == NONE else text
        sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
        if not (digits.isascii() and digits.isdigit() and len(digits) < 20 and int(digits) <= LARGEST[self.type]):
            raise Invalid(_("Give a number, or none."))
        return sign * int(digits)

    def among(self, field: str, value: Any) -> Q:
        """Return the condition of rows that have a value, by the field in which `of` stands."""
        if value is None:
            # Of work that asks for nothing there is a path, but no skill.
            return Q(**{f"{field}__isnull": True}) | (Q(**{field: 0}) if self.several else Q())
        return Q(**{f"{field}__in": self.several.standing(value)}) if self.several else Q(**{field: value})

    def values_of(self, keys: Iterable[Any]) -> dict[Any, tuple[Any, ...]]:
        """Return the values that rows have of what stands in them. One query at the most."""
        keys = set(keys)
        if self.several is None:
            return {key: (key,) for key in keys}
        found = self.several.values(keys - {None})
        return {key: found.get(key) or (None,) for key in keys}


def _fields(visits: str, legs: str, menus: str = "") -> dict[str, Place]:
    paths = {"visits": visits, "contacts": visits, "legs": legs, "menus": menus}
    return {base: lambda _zone, path=path: F(path) for base, path in paths.items() if path}  # type: ignore[misc]


def _served_by(_zone: tzinfo) -> Combinable:
    """Return who took a visit first; nobody for one that was never answered."""
    legs = Assignment.objects.filter(item=OuterRef("pk"), accepted_at__isnull=False).order_by("accepted_at", "pk")
    return Subquery(legs.values("operator_id")[:1])


def _clock(part: type[Extract]) -> dict[str, Place]:
    """Return what the clock or the calendar of the zone says of the moment that puts a row into its interval."""
    moments = {"visits": "entered_at", "contacts": "entered_at", "legs": "item__entered_at", "menus": "last_message_at"}
    return {
        base: lambda zone, field=field: Cast(part(field, tzinfo=zone), SmallIntegerField())  # type: ignore[misc]
        for base, field in moments.items()
    }


# A contact that ended in the menu has no queue, priority, operator or skill.
DIMENSIONS: dict[str, Dimension] = {
    "queue": Dimension(
        gettext_lazy("queue"),
        "kept.queue_id",
        "bigint",
        _fields("queue_id", "item__queue_id"),
        _named(Queue, lambda row, language: row.label(language)),
    ),
    "priority": Dimension(
        gettext_lazy("priority"), "kept.priority", "smallint", _fields("priority", "item__priority"), _numbers
    ),
    "channel": Dimension(
        gettext_lazy("channel"),
        "kept.channel",
        "text",
        _fields("interaction__kind", "interaction__kind", "kind"),
        _channels,
    ),
    "operator": Dimension(
        gettext_lazy("operator"),
        "kept.operator_id",
        "bigint",
        {"visits": _served_by, "contacts": _served_by, "legs": lambda _zone: F("operator_id")},
        _named(User, lambda row, _language: row.name),
    ),
    "topic": Dimension(
        gettext_lazy("topic"),
        # Contacts of a topic that is gone have none.
        "CASE WHEN kept.topic_id = ANY (ARRAY(SELECT id FROM interactions_topic)) THEN kept.topic_id END",
        "bigint",
        _fields("interaction__topic_id", "interaction__topic_id", "topic_id"),
        _named(Topic, lambda row, language: row.label(language)),
    ),
    # Of several segments the first: the parts of a number add up to it.
    "segment": Dimension(gettext_lazy("segment"), "", "text", _fields("segments__0", "item__segments__0"), _segments),
    # What a visit asked for when it came. One that asked for two skills is counted with each.
    "skill": Dimension(
        gettext_lazy("skill"),
        "kept.path",
        "bigint",
        _fields("path", "item__path"),
        _named(Skill, lambda row, language: row.label(language)),
        Several(_skills_of, _paths_of),
    ),
    "hour": Dimension(gettext_lazy("hour of the day"), "", "smallint", _clock(ExtractHour), _hours, clock="hour"),
    # From 1, Monday, to 7.
    "weekday": Dimension(
        gettext_lazy("day of the week"), "", "smallint", _clock(ExtractIsoWeekDay), _weekdays, clock="isodow"
    ),
}


def label(key: Any, names: Mapping[Any, str]) -> str:
    """Return how a value of a dimension is called; what is there no more is called by its number."""
    return _("none") if key is None else names.get(key) or f"№ {key}"
