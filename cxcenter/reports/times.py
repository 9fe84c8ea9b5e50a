"""The list of the times behind a number: stretches of operators' states, one line for each, in pages."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

from cxcenter.core.api.pagination import after
from cxcenter.core.reading import cursor
from cxcenter.marks import MARKS
from cxcenter.reports.contacts import PAGE, SECOND
from routing.choices import State

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


@dataclass(frozen=True)
class Stretch:
    """One line of the list, plain values: what of an interval lies in the time that is asked for. `goes_on`: it has not ended."""

    at: datetime
    until: datetime
    operator: str
    state: str
    state_label: str
    reason: str
    goes_on: bool

    @property
    def mark(self) -> str:
        """How its state is marked."""
        return MARKS[self.state]

    @property
    def lasted_s(self) -> float:
        """How long it is, in seconds."""
        return (self.until - self.at) / SECOND


def page_of(_user: "User", rows: QuerySet[Any], *, language: str, since: str) -> tuple[list[Stretch], str]:
    """Return a page of the list after the key `since`, and the key of the next page ("" at the end)."""
    if since:
        rows = rows.filter(after(("moment", "pk"), list(cursor(since))))
    page = list(rows.select_related("user", "reason")[: PAGE + 1])
    more = f"{page[PAGE - 1].moment.isoformat()}_{page[PAGE - 1].pk}" if len(page) > PAGE else ""
    return [_stretch(row, language) for row in page[:PAGE]], more


def _stretch(row: Any, language: str) -> Stretch:
    return Stretch(
        at=row.moment,
        until=row.over,
        operator=row.user.name,
        state=row.state,
        state_label=str(State(row.state).label),
        reason=row.reason.label(language) if row.reason else "",
        goes_on=row.ended_at is None,
    )
