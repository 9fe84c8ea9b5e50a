"""How long it took to solve cases: from opening to solving, less the time it was agreed to wait. By topic and who is responsible."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    Count,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    Func,
    IntegerField,
    Q,
    QuerySet,
    Sum,
    Value,
)

from interactions.models import Case

US = timedelta(microseconds=1)
PLACES = {"topic": "topic_id", "operator": "owner_id"}


class Bucket(Func):
    """The number of the interval that a time is in, from 0."""

    template = "width_bucket(%(expressions)s::timestamptz[]) - 1"
    output_field = IntegerField()


TOOK = ExpressionWrapper(F("resolved_at") - F("opened_at") - F("waited"), output_field=DurationField())


def tells(by: Iterable[str], only: Iterable[str]) -> bool:
    """Tell whether cases can be split so."""
    return {*by, *only} <= PLACES.keys()


def solved(
    *, since: datetime, until: datetime, only: Mapping[str, Any], operators: Collection[int] | None
) -> QuerySet[Case]:
    """Return the cases that were solved in a time; with `operators` those that one of them is responsible for."""
    rows = Case.objects.filter(resolved_at__gte=since, resolved_at__lt=until)
    for code, value in only.items():
        rows = rows.filter(Q(**{PLACES[code]: value}) if value is not None else Q(**{f"{PLACES[code]}__isnull": True}))
    return rows if operators is None else rows.filter(owner__in=list(operators))


def totals(
    *,
    begins: list[datetime],
    since: datetime,
    until: datetime,
    by: tuple[str, ...],
    only: Mapping[str, Any],
    operators: Collection[int] | None,
) -> dict[tuple[Any, ...], dict[str, int]]:
    """Return the sums by (interval, *by). One statement."""
    rows = solved(since=since, until=until, only=only, operators=operators).order_by()
    keys = ("bucket", *(PLACES[code] for code in by))
    counted = rows.annotate(bucket=Bucket("resolved_at", Value(begins, ArrayField(DateTimeField())))).values(*keys)
    found = counted.annotate(n=Count("pk"), took=Sum(TOOK))
    return {tuple(row[key] for key in keys): {"solved": row["n"], "solved_us": row["took"] // US} for row in found}
