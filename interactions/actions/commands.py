"""What telephone exchanges are asked to do: rows, so that none is lost or done twice. Whoever keeps the line does them.

A command changes nothing of its call: the exchange does it, and tells. One that is not done in time fails, with words.
"""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from cxcenter.core import realtime
from cxcenter.core.events import announce
from interactions.adapters.voice.ami import commands as ami
from interactions.calls import facts as parties
from interactions.calls.table import Control
from interactions.choices import ExchangeKind
from interactions.events import CommandGiven
from interactions.models import Call, CallCommand, Exchange, Extension

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

State = CallCommand.State
# Of a platform by HTTP none is done here but this: the work after a call is ended at the desk.
OURS = frozenset({Control.WRAP_UP})
# Later than this nobody wants it any more: he has pressed again, or done it at the phone.
LASTS = timedelta(seconds=10)
PAUSE, UNPAUSE, DIAL = "pause_member", "unpause_member", "originate"
OPEN = Q(state__in=[State.WAITING, State.SENT])
AT_ONCE = 100


def controls_of(exchange: Exchange) -> frozenset[Control]:
    """Return what an exchange can be asked to do; of a platform by HTTP its settings say it."""
    if exchange.kind == ExchangeKind.ASTERISK:
        return ami.CONTROLS
    return frozenset(control for control in Control if control.value in exchange.controls) - OURS


def can_dial(exchange: Exchange) -> bool:
    """Tell whether an exchange can be asked to call a number from an operator's phone."""
    return exchange.kind == ExchangeKind.ASTERISK or DIAL in exchange.controls


@transaction.atomic
def command(*, call: Call, control: Control, actor: "User", value: str = "", key: str = "") -> CallCommand:
    """Ask the exchange of a call for a control at an operator's leg. The same key asks once."""
    assert call.exchange_id is not None, "only calls of an exchange are commanded"
    return _keep(
        CallCommand(
            exchange_id=call.exchange_id,
            call=call,
            control=control,
            party=parties.operator(actor.pk),
            value=value[:80],
            key=key,
            user=actor,
        )
    )


@transaction.atomic
def pause_phone(*, extension: Extension, on: bool, reason: str = "") -> CallCommand | None:
    """Ask an exchange to give an operator's phone no calls, or calls again. None if this was asked last."""
    now = timezone.now()
    differs = Q(pauses=None) | ~Q(pauses=on)
    if not Extension.objects.filter(differs, pk=extension.pk).update(pauses=on, asked_at=now):
        return None
    # What waits still is older than this.
    older = CallCommand.objects.filter(exchange=extension.exchange_id, control__in=[PAUSE, UNPAUSE])
    older.filter(party=parties.operator(extension.user_id), state=State.WAITING).update(state=State.DONE, done_at=now)
    return _keep(
        CallCommand(
            exchange_id=extension.exchange_id,
            control=PAUSE if on else UNPAUSE,
            party=parties.operator(extension.user_id),
            value=reason[:80],
        )
    )


def originate(*, extension: Extension, number: str, caller_id: str = "") -> CallCommand:
    """Ask an exchange to ring at an operator's phone, and to call a number from there as soon as he takes it up."""
    return _keep(
        CallCommand(
            exchange_id=extension.exchange_id,
            control=DIAL,
            party=parties.operator(extension.user_id),
            value=number,
            caller_id=caller_id,
            user_id=extension.user_id,
        )
    )


@transaction.atomic
def _keep(row: CallCommand) -> CallCommand:
    row.key = row.key or uuid.uuid4().hex
    row.expires_at = row.made_at + LASTS
    # Of two that bring one key at once the second finds the first.
    CallCommand.objects.bulk_create([row], ignore_conflicts=True)
    kept = CallCommand.objects.get(key=row.key)
    realtime.push((realtime.exchange_group(kept.exchange_id), {"kind": "command"}))
    announce(CommandGiven(command=kept.pk, exchange=kept.exchange_id))
    return kept


@transaction.atomic
def take(*, exchange: Exchange) -> list[CallCommand]:
    """Return the commands that wait, in their order, as sent: they are this caller's to do. What has expired fails."""
    expire(exchange=exchange)
    waiting = CallCommand.objects.filter(exchange=exchange, state=State.WAITING).select_related("call")
    rows = list(waiting.select_for_update(of=("self",), skip_locked=True).order_by("pk")[:AT_ONCE])
    CallCommand.objects.filter(pk__in=[row.pk for row in rows]).update(state=State.SENT)
    return rows


def open_after(*, exchange: Exchange, after: int) -> list[CallCommand]:
    """Return the commands behind a number that are not done, for a platform that asks: what it was told before too."""
    expire(exchange=exchange)
    rows = CallCommand.objects.filter(OPEN, exchange=exchange, pk__gt=after).select_related("call").order_by("pk")
    found = list(rows[:AT_ONCE])
    CallCommand.objects.filter(pk__in=[row.pk for row in found], state=State.WAITING).update(state=State.SENT)
    return found


def again(*, command_id: int, tries: int) -> None:
    """Let a command that could not be sent wait for the next try."""
    CallCommand.objects.filter(pk=command_id, state=State.SENT).update(state=State.WAITING, tries=tries)


def expire(*, exchange: Exchange) -> int:
    """Let commands fail that nobody has done in time: whoever keeps the line may have died over them."""
    late = CallCommand.objects.filter(OPEN, exchange=exchange, expires_at__lt=timezone.now())
    return _fail(late.values_list("pk", flat=True), "")


def done(*, command_id: int) -> bool:
    """Note that an exchange has taken a command. Returns False if it had failed, or was done, before.

    What was typed is not kept: it may be the number of a card.
    """
    rows = CallCommand.objects.filter(OPEN, pk=command_id)
    return bool(rows.update(state=State.DONE, done_at=timezone.now(), value=""))


def failed(*, command_id: int, words: str) -> bool:
    """Note that a command was not done, and tell its operator why. Returns False if it is over already."""
    return bool(_fail([command_id], words))


@transaction.atomic
def _fail(ids: Iterable[int], words: str) -> int:
    rows = CallCommand.objects.select_for_update(of=("self",)).select_related("user")
    found = list(rows.filter(OPEN, pk__in=list(ids)[:AT_ONCE]).order_by("pk"))
    for row in found:
        with translation.override(row.user.language if row.user else "en"):
            row.words = (words or _("The telephone exchange has not answered in time."))[:300]
            said = _("The telephone exchange did not do it: %(why)s") % {"why": row.words}
        row.state, row.done_at, row.value = State.FAILED, timezone.now(), ""
        if row.user_id is not None:
            realtime.push((realtime.user_group(row.user_id), {"kind": "trouble", "text": said}))
            realtime.signal(row.user_id, "call", row.call_id or "")
    for row in found:
        if row.control in (PAUSE, UNPAUSE):
            # Whether its phone pauses there is not known any more.
            phone = Extension.objects.filter(exchange=row.exchange_id, user=parties.user_of(row.party))
            phone.update(pauses=None)
    CallCommand.objects.bulk_update(found, ["words", "state", "done_at", "value"])
    return len(found)


def reload(exchange_ids: Iterable[int]) -> None:
    """Tell whoever keeps the lines that settings of exchanges have changed."""
    ids = set(exchange_ids)
    Exchange.objects.filter(pk__in=ids).update(version=F("version") + 1)
    realtime.push(*[(realtime.exchange_group(one), {"kind": "reload"}) for one in (*ids, 0)])
