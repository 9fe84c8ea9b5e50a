"""What a supervisor may do. Each act is a small dialog: GET shows what it asks, POST does it and says what was done."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from cxcenter.board import contacts, scope
from cxcenter.board.forms import ActForm, HoldQueue, LendOperator, Move, ServeQueue, SetPriority, SetState, Whisper
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.once import once
from cxcenter.core.requests import staff_of
from routing import queries
from routing.actions import control, handover, presence
from routing.models import Presence, Queue

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

Said = str | dict[str, str]


class Act(View):
    """One act: what its dialog says, what it asks, what it does. %(name)s in its words is whom it is about."""

    title: ClassVar[str | Promise]
    button: ClassVar[str | Promise]
    hint: ClassVar[str | Promise] = ""
    form_class: ClassVar[type[ActForm]] = ActForm
    template = "board/_act.html"
    danger = False
    # Whether it may be tried before: a button more.
    can_try = False

    @property
    def user(self) -> "User":
        """The supervisor."""
        return staff_of(self.request)

    @property
    def pk(self) -> int:
        """The number in the address."""
        return int(self.kwargs["pk"])

    @property
    def name(self) -> str:
        """Whom the act is about."""
        return ""

    def _choices(self) -> dict[str, Any]:
        return {}

    def _initial(self) -> dict[str, Any]:
        """What the link proposes."""
        return self.request.GET.dict()

    def _do(self, asked: dict[str, Any]) -> Said:
        """Do it. Returns what to say of it, or {"said": …, "then": address to go to}."""
        raise NotImplementedError

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Show the dialog."""
        words = {part: str(getattr(self, part)) % {"name": self.name} for part in ("title", "button", "hint")}
        form = self.form_class(initial=self._initial(), **self._choices())
        return render(request, self.template, {**words, "form": form, "danger": self.danger, "can_try": self.can_try})

    @method_decorator(once)
    def post(self, request: HttpRequest, **_kwargs: Any) -> JsonResponse:
        """Do it and say so. Raises Invalid with the first field that is wrong."""
        form = self.form_class(request.POST, **self._choices())
        if not form.is_valid():
            field, errors = next(iter(form.errors.items()))
            raise Invalid(str(errors[0]), field=field)
        done = self._do(form.cleaned_data)
        return JsonResponse({"said": done} if isinstance(done, str) else done)


def _lasting(asked: dict[str, Any]) -> timedelta:
    return timedelta(minutes=asked["minutes"])


# --- Queues ---------------------------------------------------------------------------------------


class OfQueue(Act):
    """An act on a queue of own teams."""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Find the queue. Raises NotFound for another team's."""
        super().setup(request, *args, **kwargs)
        self.queue = scope.queue(self.user, self.pk)

    @property
    def name(self) -> str:
        """Its name in the reader's language."""
        return self.queue.label(self.user.language)


class CloseQueue(OfQueue):
    """Take no new contacts for a time."""

    title = gettext_lazy("Close the queue %(name)s")
    button = gettext_lazy("Close the queue")
    hint = gettext_lazy("New visitors get the form instead of the chat. Those who wait stay. It opens again by itself.")
    form_class = HoldQueue
    danger = True

    def _do(self, asked: dict[str, Any]) -> Said:
        control.close_queue(queue=self.queue, lasting=_lasting(asked), message=asked["message"], actor=self.user)
        return _("%(name)s is closed") % {"name": self.name}


class PauseQueue(OfQueue):
    """Offer nothing for a time."""

    title = gettext_lazy("Pause the queue %(name)s")
    button = gettext_lazy("Pause the queue")
    hint = gettext_lazy("Nothing is offered to operators. Visitors may come and wait. It goes on again by itself.")
    form_class = HoldQueue

    def _do(self, asked: dict[str, Any]) -> Said:
        control.pause_queue(queue=self.queue, lasting=_lasting(asked), message=asked["message"], actor=self.user)
        return _("%(name)s is paused") % {"name": self.name}


class OpenQueue(OfQueue):
    """End a closing or a pause."""

    title = gettext_lazy("Open the queue %(name)s")
    button = gettext_lazy("Open the queue")
    hint = gettext_lazy("It takes contacts and offers them at once.")

    def _do(self, asked: dict[str, Any]) -> Said:
        control.open_queue(queue=self.queue, actor=self.user)
        return _("%(name)s is open") % {"name": self.name}


class Lend(OfQueue):
    """Let an operator serve a queue for a time."""

    title = gettext_lazy("Lend an operator to %(name)s")
    button = gettext_lazy("Lend")
    hint = gettext_lazy("He gets contacts of this queue besides his own. It ends by itself.")
    form_class = LendOperator

    def _choices(self) -> dict[str, Any]:
        return {"operators": scope.operators_of(self.user).exclude(state="offline").order_by("user__first_name")}

    def _do(self, asked: dict[str, Any]) -> Said:
        user = asked["operator"].user
        control.lend_operator(queue=self.queue, user=user, lasting=_lasting(asked), actor=self.user)
        return _("%(person)s serves %(name)s too") % {"person": user.name, "name": self.name}


# --- Operators ------------------------------------------------------------------------------------


class OfOperator(Act):
    """An act on an operator of own teams."""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Find the operator. Raises NotFound for another team's."""
        super().setup(request, *args, **kwargs)
        self.presence = scope.operator(self.user, self.pk)

    @property
    def name(self) -> str:
        """The operator's name."""
        return self.presence.user.name


class ForceState(OfOperator):
    """Set an operator's state."""

    title = gettext_lazy("State of %(name)s")
    button = gettext_lazy("Set the state")
    hint = gettext_lazy("What is offered to him now goes to somebody else. The contacts in his hands stay.")
    form_class = SetState

    def _do(self, asked: dict[str, Any]) -> Said:
        user = self.presence.user
        changed = presence.set_mode(user=user, mode=asked["mode"], actor=self.user, reason=asked["reason"])
        return _("%(name)s: %(state)s") % {"name": self.name, "state": changed.get_state_display()}


class MoveAll(OfOperator):
    """Return all contacts of an operator to their queues."""

    title = gettext_lazy("Move all contacts of %(name)s")
    button = gettext_lazy("Move them to the queue")
    hint = gettext_lazy("They return to their queues, first in line; the customers are told.")
    danger = True

    def _do(self, asked: dict[str, Any]) -> Said:
        moved = presence.move_all_to_queue(user=self.presence.user, actor=self.user)
        return _("Returned to the queue: %(count)s") % {"count": moved}


class LendTo(OfOperator):
    """Let an operator serve one more queue for a time."""

    title = gettext_lazy("Lend %(name)s to a queue")
    button = gettext_lazy("Lend")
    hint = gettext_lazy("He gets contacts of this queue besides his own. It ends by itself.")
    form_class = ServeQueue

    def _choices(self) -> dict[str, Any]:
        served = Queue.objects.filter(memberships__user=self.presence.user, memberships__until=None)
        return {"queues": Queue.objects.controlled_by(self.user).filter(active=True).exclude(pk__in=served)}

    def _do(self, asked: dict[str, Any]) -> Said:
        queue: Queue = asked["queue"]
        control.lend_operator(queue=queue, user=self.presence.user, lasting=_lasting(asked), actor=self.user)
        return _("%(person)s serves %(name)s too") % {"person": self.name, "name": queue.label(self.user.language)}


# --- Sessions -------------------------------------------------------------------------------------


class OfSession(Act):
    """An act on a session of own teams' queues."""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Find the session. Raises NotFound for another team's."""
        super().setup(request, *args, **kwargs)
        self.talk = scope.session(self.user, self.pk)

    @property
    def name(self) -> str:
        """How to call the customer."""
        return self.talk.caller


class WriteNote(OfSession):
    """Whisper a note to the operator."""

    title = gettext_lazy("Note to the operator of %(name)s")
    button = gettext_lazy("Whisper")
    hint = gettext_lazy("The customer never learns of it.")
    form_class = Whisper

    def _do(self, asked: dict[str, Any]) -> Said:
        control.whisper(interaction=self.talk, text=asked["text"], actor=self.user)
        return _("The note is in the session")


class TakeOver(OfSession):
    """Take a session into one's own hands."""

    title = gettext_lazy("Take over the session with %(name)s")
    button = gettext_lazy("Take over")
    hint = gettext_lazy("It leaves its operator or queue and opens at your desk. The customer is told that you joined.")

    def _do(self, asked: dict[str, Any]) -> Said:
        handover.take_over(interaction_id=self.talk.pk, actor=self.user)
        return {"said": _("The session is yours"), "then": reverse("desk:session", args=[self.talk.pk])}


class MoveSession(OfSession):
    """Move a session to a queue or a person."""

    title = gettext_lazy("Move the session with %(name)s")
    button = gettext_lazy("Move")
    hint = gettext_lazy("A person gets an offer for himself alone; if he does not take it, his queue may.")
    form_class = Move

    def _choices(self) -> dict[str, Any]:
        queues, people = queries.who_can_take(self.talk, self.user)
        return {"queues": queues, "people": people}

    def _do(self, asked: dict[str, Any]) -> Said:
        what, _sep, ident = asked["target"].partition(":")
        queue = Queue.objects.get(pk=ident) if what == "queue" else None
        operator = None if queue else Presence.objects.select_related("user").get(pk=ident).user
        handover.transfer(
            interaction_id=self.talk.pk,
            actor=self.user,
            note=asked["note"],
            queue=queue,
            operator=operator,
            by_supervisor=True,
        )
        return _("The session is moved")


class ChangePriority(OfSession):
    """Change the priority of a waiting contact."""

    title = gettext_lazy("Priority of %(name)s")
    button = gettext_lazy("Set the priority")
    form_class = SetPriority

    def _initial(self) -> dict[str, Any]:
        visit = contacts.last_visit(self.talk)
        return {"priority": visit.priority if visit else 1}

    def _do(self, asked: dict[str, Any]) -> Said:
        visit = contacts.last_visit(self.talk)
        if visit is None or visit.visit == "left":
            raise Conflict(_("This contact does not wait any more."), code="left")
        control.set_priority(item=visit, priority=asked["priority"], actor=self.user)
        return _("The priority is %(priority)s") % {"priority": asked["priority"]}
