"""Operators at telephone exchanges: our state pauses their phones there, and a pause that is made there is ours as well.

Who works is said at the desk: signed off, in a pause, in a meeting or at a wrap-up the exchange is asked to give him no
calls, and again when that is over. A pause that somebody makes at the exchange (at the phone, or its own supervisor) becomes
a pause here, with the reason of the same name. That a phone is unreachable or signed off there changes nothing here: he may
write with customers. Nothing is asked of a phone before its operator changes his state at the desk for the first time.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from cxcenter.core.planned import Given, Planned
from interactions.actions import commands
from interactions.adapters.voice.ami.states import OFFLINE, PAUSED, AgentState
from interactions.choices import ExchangeKind
from interactions.models import Exchange, Extension
from routing.actions import presence
from routing.choices import Mode, State
from routing.models import PauseReason, Presence

# What an exchange says of a pause so soon after we have asked for one may be its answer to what was asked before.
SETTLES = timedelta(seconds=5)
READY = "ready"
# States of which a phone that is taken out of the queues says nothing more.
KNOWN = frozenset({READY, PAUSED, OFFLINE, "busy", "ringing", "unreachable"})
# Asked whenever somebody's state changes: where there is no exchange, nobody has a phone there.
PHONES = Planned(
    "phones_of",
    lambda: Extension.objects.filter(user_id=Given("user", "bigint"), exchange__active=True).exclude(
        exchange__kind=ExchangeKind.SIP
    ),
)


def pause_phones(*, user_id: int) -> int:
    """Ask the exchanges at which an operator has a phone for what follows from his state. Returns how many were asked."""
    # A browser that is a telephone has no queue to pause: its platform has.
    phones = PHONES.rows(user=user_id)
    found = Presence.objects.filter(user=user_id).select_related("reason").first() if phones else None
    if found is None:
        return 0
    reason = found.reason.name if found.reason else found.state
    asked = [commands.pause_phone(extension=one, on=_is_away(found), reason=reason) for one in phones]
    return sum(row is not None for row in asked)


def _is_away(found: Presence) -> bool:
    return found.mode != Mode.AVAILABLE or found.state == State.WRAPUP


def hear_states(*, exchange: Exchange, states: Iterable[AgentState]) -> int:
    """Keep what an exchange says of operators, and let a pause that was made or ended there be ours. Returns how many changed."""
    newest = {one.user: one for one in sorted(states, key=lambda one: one.at) if one.state in KNOWN}
    phones = Extension.objects.filter(exchange=exchange, user__in=newest).select_related("user").order_by("user_id")
    changed = 0
    for phone in phones:
        said = newest[phone.user_id]
        phone.state, phone.state_reason = said.state, said.reason[:80]
        phone.state_at = datetime.fromtimestamp(said.at, UTC)
        phone.save(update_fields=["state", "state_reason", "state_at"])
        changed += _take_over(phone)
    return changed


def _take_over(phone: Extension) -> bool:
    """Let the operator's state follow a pause that was made, or ended, at the exchange."""
    paused = {PAUSED: True, READY: False}.get(phone.state)
    if paused is None or paused is bool(phone.pauses) or _is_settling(phone):
        return False
    found = Presence.objects.filter(user=phone.user_id).select_related("reason").first()
    Extension.objects.filter(pk=phone.pk).update(pauses=paused)
    if found is None:
        return False
    if paused and found.mode == Mode.AVAILABLE:
        presence.set_mode(user=phone.user, mode=Mode.PAUSE, actor=phone.user, reason=_reason(phone.state_reason))
        return True
    if not paused and found.mode == Mode.PAUSE:
        presence.set_mode(user=phone.user, mode=Mode.AVAILABLE, actor=phone.user)
        return True
    # He wraps up, is in a meeting or away: then the desk's word stands.
    pause_phones(user_id=phone.user_id)
    return False


def _is_settling(phone: Extension) -> bool:
    return phone.asked_at is not None and timezone.now() - phone.asked_at < SETTLES


def _reason(name: str) -> PauseReason | None:
    known = PauseReason.objects.filter(active=True).order_by("pk")
    return known.filter(Q(name__iexact=name) | Q(name_ru__iexact=name)).first() or known.first()


def users_of(exchange: Exchange) -> dict[str, int]:
    """Return whose each phone is, by its interface."""
    return dict(Extension.objects.filter(exchange=exchange).values_list("interface", "user_id"))
