"""The list of the cases behind a number, one line for each, in pages."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.urls import reverse

from cxcenter.core.api.pagination import after
from cxcenter.core.reading import cursor
from cxcenter.reports.contacts import PAGE, SECOND
from interactions.models import Case

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


@dataclass(frozen=True)
class Solved:
    """One line of the list, plain values; `url` and `subject` are empty for who may not read cases."""

    at: datetime
    opened_at: datetime
    number: str
    subject: str
    url: str
    topic: str
    owner: str
    waited_s: float
    took_s: float


def page_of(user: "User", rows: QuerySet[Any], *, language: str, since: str) -> tuple[list[Solved], str]:
    """Return a page of the list after the key `since`, and the key of the next page ("" at the end)."""
    if since:
        rows = rows.filter(after(("moment", "pk"), list(cursor(since))))
    page = list(rows.select_related("topic", "owner")[: PAGE + 1])
    more = f"{page[PAGE - 1].moment.isoformat()}_{page[PAGE - 1].pk}" if len(page) > PAGE else ""
    page = page[:PAGE]
    readable = set(Case.objects.visible_to(user).filter(pk__in=[row.pk for row in page]).values_list("pk", flat=True))
    return [_line(row, language, may_read=row.pk in readable) for row in page], more


def _line(row: Any, language: str, *, may_read: bool) -> Solved:
    return Solved(
        at=row.moment,
        opened_at=row.opened_at,
        number=row.number,
        subject=row.subject if may_read else "",
        url=reverse("desk:case", args=[row.pk]) if may_read else "",
        topic=row.topic.label(language) if row.topic else "",
        owner=row.owner.name if row.owner else "",
        waited_s=row.waited / SECOND,
        took_s=(row.moment - row.opened_at - row.waited) / SECOND,
    )
