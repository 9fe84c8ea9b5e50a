"""What numbers are split by: for each dimension where its value stands in the rows of each base."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F, OuterRef, Subquery
from django.db.models.expressions import Combinable
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Segment
from cxcenter.accounts.models import User
from interactions.choices import ChannelKind
from interactions.models import Topic
from routing.models import Assignment, Queue


def _served_by() -> Combinable:
    """Return who took a visit first; nobody for one that was never answered."""
    legs = Assignment.objects.filter(item=OuterRef("pk"), accepted_at__isnull=False).order_by("accepted_at", "pk")
    return Subquery(legs.values("operator_id")[:1])


def _named(model: Any, label: Callable[[Any, str], str]) -> Callable[[Iterable[Any], str], dict[Any, str]]:
    def names(keys: Iterable[Any], language: str) -> dict[Any, str]:
        return {row.pk: label(row, language) for row in model.objects.filter(pk__in=list(keys))}

    return names


def _channels(keys: Iterable[Any], _language: str) -> dict[Any, str]:
    return {key: str(ChannelKind(key).label) for key in keys}


def _segments(keys: Iterable[Any], language: str) -> dict[Any, str]:
    return {row.code: row.label(language) for row in Segment.objects.filter(code__in=list(keys))}


def _numbers(keys: Iterable[Any], _language: str) -> dict[Any, str]:
    return {key: str(key) for key in keys}


@dataclass(frozen=True)
class Dimension:
    """One dimension: its column in rollups ("" if they do not have it), its SQL type, its value by base, its names."""

    name: Promise | str
    column: str
    type: str
    of: Mapping[str, Callable[[], Combinable]]
    names: Callable[[Iterable[Any], str], dict[Any, str]]


def _fields(visits: str, legs: str, menus: str = "") -> dict[str, Callable[[], Combinable]]:
    paths = {"visits": visits, "contacts": visits, "legs": legs, "menus": menus}
    return {base: lambda path=path: F(path) for base, path in paths.items() if path}  # type: ignore[misc]


# A contact that ended in the menu has no queue, priority or operator.
DIMENSIONS: dict[str, Dimension] = {
    "queue": Dimension(
        gettext_lazy("queue"),
        "queue_id",
        "bigint",
        _fields("queue_id", "item__queue_id"),
        _named(Queue, lambda row, language: row.label(language)),
    ),
    "priority": Dimension(
        gettext_lazy("priority"), "priority", "smallint", _fields("priority", "item__priority"), _numbers
    ),
    "channel": Dimension(
        gettext_lazy("channel"),
        "channel",
        "text",
        _fields("interaction__kind", "interaction__kind", "kind"),
        _channels,
    ),
    "operator": Dimension(
        gettext_lazy("operator"),
        "operator_id",
        "bigint",
        {"visits": _served_by, "contacts": _served_by, "legs": lambda: F("operator_id")},
        _named(User, lambda row, _language: row.name),
    ),
    "topic": Dimension(
        gettext_lazy("topic"),
        "",
        "bigint",
        _fields("interaction__topic_id", "interaction__topic_id", "topic_id"),
        _named(Topic, lambda row, language: row.label(language)),
    ),
    # Of several segments the first: the parts of a number add up to it.
    "segment": Dimension(gettext_lazy("segment"), "", "text", _fields("segments__0", "item__segments__0"), _segments),
}


def label(code: str, key: Any, names: dict[Any, str]) -> str:
    """Return how a value of a dimension is called."""
    return _("none") if key is None else names.get(key, str(key)) or code
