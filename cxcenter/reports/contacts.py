"""The list of the contacts behind a number: visits, legs or sessions, one line for each, in pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch, QuerySet
from django.urls import reverse

from cxcenter.accounts.roles import Right
from cxcenter.core.api.pagination import after
from cxcenter.core.reading import cursor
from interactions.choices import ChannelKind
from interactions.models import Interaction
from routing.models import Assignment, WorkItem

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

PAGE = 50
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Contact:
    """One line of the list, plain values; `url` and `name` are empty for a session that the reader may not read."""

    at: datetime
    kind: str
    kind_label: str
    name: str
    url: str
    queue: str
    priority: int | None
    wait_s: float | None
    outcome: str
    operators: str
    talk_s: float | None


def page_of(user: "User", rows: QuerySet[Any], *, language: str, since: str) -> tuple[list[Contact], str]:
    """Return a page of the list after the key `since`, and the key of the next page ("" at the end)."""
    if since:
        rows = rows.filter(after(("moment", "pk"), list(cursor(since))))
    page = list(_related(rows)[: PAGE + 1])
    more = f"{page[PAGE - 1].moment.isoformat()}_{page[PAGE - 1].pk}" if len(page) > PAGE else ""
    page = page[:PAGE]
    readable = _readable(user, page)
    return [_contact(user, row, language, readable) for row in page], more


def _related(rows: QuerySet[Any]) -> QuerySet[Any]:
    legs = Assignment.objects.filter(accepted_at__isnull=False).select_related("operator").order_by("accepted_at", "pk")
    if rows.model is WorkItem:
        related = rows.select_related("queue", "interaction__profile__customer")
        return related.prefetch_related(Prefetch("legs", queryset=legs))
    if rows.model is Assignment:
        return rows.select_related("item__queue", "operator", "interaction__profile__customer")
    visits = WorkItem.objects.select_related("queue").order_by("pk")
    related = rows.select_related("profile__customer")
    return related.prefetch_related(Prefetch("visits", queryset=visits), Prefetch("legs", queryset=legs))


def _readable(user: "User", page: Iterable[Any]) -> set[int]:
    """Return the sessions of a page that the user may read."""
    ids = [_session(row).pk for row in page]
    return set(Interaction.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))


def _session(row: Any) -> Interaction:
    return row if isinstance(row, Interaction) else row.interaction


def _visit(row: Any) -> WorkItem | None:
    """Return the visit that a line tells of; of a session its first."""
    if isinstance(row, WorkItem):
        return row
    if isinstance(row, Assignment):
        return row.item
    return next(iter(row.visits.all()), None)


def _contact(user: "User", row: Any, language: str, readable: set[int]) -> Contact:
    session, visit = _session(row), _visit(row)
    legs = [row] if isinstance(row, Assignment) else list(row.legs.all())
    may_read = session.pk in readable
    return Contact(
        at=row.moment,
        kind=session.kind,
        kind_label=str(ChannelKind(session.kind).label),
        name=session.caller if may_read else "",
        url=_url(user, session, visit) if may_read else "",
        queue=visit.queue.label(language) if visit else "",
        priority=visit.priority if visit else None,
        wait_s=(visit.left_at - visit.entered_at) / SECOND if visit and visit.left_at else None,
        outcome=_outcome(row, session, visit),
        operators=", ".join(dict.fromkeys(leg.operator.name for leg in legs)),
        talk_s=_talk_s(legs),
    )


def _url(user: "User", session: Interaction, visit: WorkItem | None) -> str:
    """Return where the session is read: at the board by who watches it, a session that came to no queue at the desk."""
    at_board = user.may(Right.BOARD) and visit is not None
    return reverse("board:session" if at_board else "desk:session", args=[session.pk])


def _outcome(row: Any, session: Interaction, visit: WorkItem | None) -> str:
    if isinstance(row, Assignment):
        return row.get_end_display() or row.get_leg_display()
    if visit is None:
        return session.get_close_reason_display()
    return visit.get_outcome_display() or visit.get_visit_display()


def _talk_s(legs: list[Assignment]) -> float | None:
    spans = [leg.ended_at - leg.accepted_at for leg in legs if leg.accepted_at and leg.ended_at]
    return sum(spans, timedelta()) / SECOND if spans else None
