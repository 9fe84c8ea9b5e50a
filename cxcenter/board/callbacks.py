"""Callbacks as the board lists them: those that wait in a queue, and those that are still to come."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from customers.masking import masked, shown_to
from cxcenter.accounts.roles import Right
from cxcenter.board import scope
from cxcenter.core.api.pagination import after as behind
from cxcenter.core.errors import NotFound
from cxcenter.core.reading import cursor
from routing.choices import CallbackState
from routing.models import Callback

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

PAGE = 50


def of(user: "User") -> Any:
    """Return the callbacks in queues of the user's teams."""
    return Callback.objects.visible_to(user).filter(queue__team__in=scope.teams_of(user))


def one(user: "User", pk: int) -> Callback:
    """Return a callback of a queue that the user controls. Raises NotFound for others."""
    rows = of(user).select_related("queue", "thread__identity", "profile__customer")
    found: Callback | None = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such thing in your teams."))
    return found


def name_of(callback: Callback) -> str:
    """Return how to call the customer: his golden name, else what he says, else his phone without most of its digits."""
    customer = callback.profile.customer if callback.profile else None
    name: str = (customer.name if customer else "") or callback.name
    return name or masked(callback.thread.identity.kind, callback.thread.identity.value)


def page_of(user: "User", *, queue: int | None, team: int | None, after: str) -> tuple[int, list[dict[str, Any]], str]:
    """Return how many are still to be called, one page of them by when they are due, and the key of the next ("" at the end)."""
    found = of(user).open()
    if queue is not None:
        found = found.filter(queue=queue)
    if team is not None:
        found = found.filter(queue__team=team)
    rows = found.with_calling().select_related("queue", "thread__identity", "profile__customer", "session")
    rows = rows.order_by("due_at", "pk")
    if after:
        rows = rows.filter(behind(("due_at", "pk"), list(cursor(after))))
    page = list(rows[: PAGE + 1])
    more = f"{page[PAGE - 1].due_at.isoformat()}_{page[PAGE - 1].pk}" if len(page) > PAGE else ""
    return found.count(), [_row(callback, user) for callback in page[:PAGE]], more


def _row(callback: Any, user: "User") -> dict[str, Any]:
    due_at: datetime | None = callback.due_at if callback.state == CallbackState.PLANNED else None
    return {
        "callback": callback,
        "name": name_of(callback),
        "phone": shown_to(user, callback.thread.identity),
        # Whom a colleague is calling at this moment nobody calls beside him.
        "dials": user.may(Right.SEE_CONTACTS) and not callback.calling,
        "queue": callback.queue.label(user.language),
        "due_at": due_at,
    }
