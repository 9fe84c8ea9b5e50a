"""Callbacks on the board: the list, and what a supervisor may do."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from cxcenter.accounts.roles import Right
from cxcenter.board import callbacks as listed
from cxcenter.board import scope
from cxcenter.board.forms import ActForm, Named
from cxcenter.board.views.acts import Act, Said
from cxcenter.board.views.pages import board_page
from cxcenter.core.reading import number
from cxcenter.core.requests import needs, staff_of
from routing.actions import callbacks
from routing.models import Queue


@require_GET
@needs(Right.BOARD)
def callback_list(request: HttpRequest) -> HttpResponse:
    """Show who is still to be called back, the next first."""
    user = staff_of(request)
    queue = number(request.GET.get("queue"))
    total, page, more = listed.page_of(
        user, queue=queue, team=number(request.GET.get("team")), after=request.GET.get("after", "")
    )
    kept = request.GET.copy()
    kept.pop("after", None)
    chosen = scope.queues_of(user).filter(pk=queue).first() if queue is not None else None
    context = {
        "total": total,
        "page": page,
        "more": more,
        "kept": kept.urlencode(),
        "chosen_queue": chosen.label(user.language) if chosen else "",
    }
    return board_page(request, "callbacks", "board/callbacks.html", **context)


class OfCallback(Act):
    """An act on a callback of own teams."""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Find the callback. Raises NotFound for another team's."""
        super().setup(request, *args, **kwargs)
        self.callback = listed.one(self.user, self.pk)

    @property
    def name(self) -> str:
        """Whom to call."""
        return listed.name_of(self.callback)


class CancelCallback(OfCallback):
    """Call nobody."""

    title = gettext_lazy("Cancel the callback of %(name)s")
    button = gettext_lazy("Cancel the callback")
    hint = gettext_lazy("Nobody will call him. He sees in the chat that the callback is gone.")
    danger = True

    def _do(self, asked: dict[str, Any]) -> Said:
        callbacks.cancel(callback_id=self.callback.pk, actor=self.user)
        return _("The callback is cancelled")


class ToQueue(ActForm):
    """A queue that shall call."""

    queue = Named(label=gettext_lazy("Queue"), queryset=Queue.objects.none())

    def __init__(self, *args: Any, queues: Any, **kwargs: Any) -> None:
        """Offer these queues."""
        super().__init__(*args, **kwargs)
        self.fields["queue"].queryset = queues  # type: ignore[attr-defined]


class MoveCallback(OfCallback):
    """Let another queue call."""

    title = gettext_lazy("Move the callback of %(name)s")
    button = gettext_lazy("Move")
    hint = gettext_lazy("He keeps his time and his place.")
    form_class = ToQueue

    def _choices(self) -> dict[str, Any]:
        return {"queues": scope.queues_of(self.user).exclude(pk=self.callback.queue_id)}

    def _do(self, asked: dict[str, Any]) -> Said:
        callbacks.move(callback_id=self.callback.pk, queue=asked["queue"], actor=self.user)
        return _("The callback is moved")
