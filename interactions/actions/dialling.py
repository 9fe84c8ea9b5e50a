"""Calls that an operator makes: the number as he typed it, by which phone, seen as which number, and what for."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from customers import normalise
from customers.models import Profile
from cxcenter.core.errors import Conflict, Invalid
from interactions.actions import cases, commands
from interactions.choices import ExchangeKind
from interactions.models import Case, Dialled, Exchange, Extension, Interaction

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# A call that begins later is another one.
RINGS = timedelta(minutes=2)
REDIALS = 5


def phone_of(user: "User") -> Extension | None:
    """Return the phone by which an operator calls out, None if he has none."""
    phones = Extension.objects.filter(user=user, exchange__active=True).select_related("exchange").order_by("pk")
    return next((phone for phone in phones if commands.can_dial(phone.exchange)), None)


@transaction.atomic
def dial(
    *,
    actor: "User",
    number: str,
    profile: Profile | None = None,
    case: Case | None = None,
    caller_id: str = "",
) -> Dialled:
    """Let an operator's phone call a number, typed in any form. Its session opens when the exchange tells of the call.

    Raises Conflict if he has no phone (code "no_phone"), Invalid for what is no number (field "number").
    """
    phone = phone_of(actor)
    if phone is None:
        raise Conflict(_("You have no phone by which you could call out."), code="no_phone")
    try:
        called = normalise.phone(number)
    except Invalid as error:
        raise Invalid(error.message, field="number") from None
    row = Dialled.objects.create(user=actor, exchange=phone.exchange, number=called, profile=profile, case=case)
    if phone.exchange.kind in ExchangeKind.values:
        plain = called.partition(";")[0]
        commands.originate(extension=phone, number=plain, caller_id=caller_id or phone.exchange.caller_id)
    return row


def dialled_for(*, exchange: Exchange, user_id: int, number: str) -> Dialled | None:
    """Return what an operator has just dialled at the desk, locked, if a call of his to that number begins."""
    rows = Dialled.objects.filter(user=user_id, exchange=exchange, call=None, at__gt=timezone.now() - RINGS)
    found: Dialled | None = (
        rows.filter(Q(number=number) | Q(number__startswith=f"{number};"))
        .select_for_update(of=("self",))
        .select_related("profile", "case", "user")
        .order_by("-at")
        .first()
    )
    return found


def adopt(*, dialled: Dialled, interaction: Interaction) -> None:
    """Note that a session is the call that was dialled; it belongs to the case from which it was."""
    dialled.call_id = interaction.pk
    dialled.save(update_fields=["call"])
    if dialled.case is not None:
        cases.link_case(case=dialled.case, interaction=interaction, actor=dialled.user)


def last_dialled(user: "User") -> list[Dialled]:
    """Return the numbers that an operator has dialled last, the newest first, each once."""
    rows = Dialled.objects.filter(user=user).select_related("profile__customer").order_by("-at", "-pk")[:20]
    newest: dict[str, Dialled] = {}
    for row in rows:
        newest.setdefault(row.number, row)
    return list(newest.values())[:REDIALS]
