"""The call of a telephone exchange is handed on by the exchange: it is asked to send it to a number."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from cxcenter.core.errors import Invalid
from interactions.actions import calls, talk
from interactions.calls.table import Control
from interactions.choices import Audience
from interactions.models import Call, Extension
from routing.actions import legs
from routing.models import ExchangeQueue, Queue, WorkItem

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


def ask(interaction_id: int, actor: "User", *, note: str, queue: Queue | None, operator: "User | None") -> WorkItem:
    """Ask an exchange to hand a call on, to a queue or a person of ours, with a note to colleagues.

    The visit and the legs follow when it has. Raises Invalid for whom it has no number of, Conflict if the actor does not
    talk in it now.
    """
    leg = legs.lock_owned(interaction_id=interaction_id, actor=actor)
    number = number_of(interaction_id, queue, operator)
    calls.press(interaction_id=interaction_id, actor=actor, control=Control.TRANSFER, value=number)
    if note:
        name = operator.name if operator else queue.name if queue else ""
        args = {"name": actor.public_name, "by": actor.name, "to": name, "note": note}
        talk.post_system_line(
            thread_id=leg.interaction.thread_id, code="transfer_note", args=args, audience=Audience.STAFF, user=actor
        )
    return leg.item


def consult(interaction_id: int, actor: "User", colleague: "User") -> None:
    """Ask an exchange to call a colleague while the customer hears music. Raises as `ask` does."""
    legs.lock_owned(interaction_id=interaction_id, actor=actor)
    number = number_of(interaction_id, None, colleague)
    control = Control.ADD if calls.view_of(interaction_id).members else Control.CONSULT
    calls.press(interaction_id=interaction_id, actor=actor, control=control, value=number)


def number_of(interaction_id: int, queue: Queue | None, operator: "User | None") -> str:
    """Return the number by which the exchange of a call reaches a queue or a person. Raises Invalid if it has none."""
    exchange = Call.objects.values_list("exchange", flat=True).get(pk=interaction_id)
    if operator is not None:
        phone = Extension.objects.filter(exchange=exchange, user=operator).first()
        if phone is None:
            said = {"name": operator.name}
            raise Invalid(_("%(name)s has no phone at this telephone exchange.") % said, field="target")
        return phone.number
    there = ExchangeQueue.objects.filter(exchange=exchange, queue=queue).exclude(number="").order_by("pk").first()
    if there is None:
        raise Invalid(_("This telephone exchange has no number of that queue."), field="target")
    return there.number
