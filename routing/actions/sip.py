"""Calls at a SIP platform, whose telephones are operators' browsers: each browser tells what it sees of its own calls.

A platform decides who is rung; the browser is the only witness, and the one that does what its operator presses
(interactions/actions/commands.py). So a browser that is no more is a call that is no more.
"""

import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from customers import normalise
from cxcenter.core import ice
from cxcenter.core.errors import Conflict, Invalid
from interactions.actions import calls, commands
from interactions.adapters.voice.sip import Word, facts_of
from interactions.calls.facts import Fact, is_operator
from interactions.calls.table import Phase
from interactions.calls.view import CallView
from interactions.choices import ExchangeKind, Provider
from interactions.models import Call, CallCommand, Exchange, Extension
from routing.actions import exchange as exchanges
from routing.actions import guests
from routing.actions.exchange import Told
from routing.choices import Leg
from routing.models import Assignment, Policy

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# How long a browser may register by the credentials that it was given; it asks for others long before.
LIFE_S = 3600
# What a browser could not say at once, it says later; of longer ago it knows nothing that still counts.
MOST_AGO_S = 600
BEGINS = frozenset({Word.RINGS, Word.CALLS})
PRESENT = frozenset({Phase.OFFERED, Phase.TALKING, Phase.HELD, Phase.CONSULTING, Phase.CONFERENCED, Phase.TRANSFERRING})
AT_ONCE = 200


def phone_of(user: "User") -> Extension | None:
    """Return the extension that an operator's browser is at a SIP platform; None if he has none."""
    own = Extension.objects.filter(user=user, exchange__kind=ExchangeKind.SIP, exchange__active=True)
    return own.select_related("exchange").order_by("pk").first()


def registration(phone: Extension) -> dict[str, Any]:
    """Return where a browser registers, and by which credentials: short-lived ones, where the platform takes them.

    A short-lived name is "end:extension", its password the name signed with the secret that we share with the platform
    (as kamailio's auth_ephemeral checks it).
    """
    there = phone.exchange
    user, password, expires = phone.number, phone.password, 0
    if not password:
        expires = int(time.time()) + LIFE_S
        user = f"{expires}:{phone.number}"
        password = ice.password(user, there.secret)
    uri = f"sip:{phone.number}@{there.host}"
    return {"uri": uri, "servers": [there.socket], "user": user, "password": password, "expires": expires}


def tell(
    *,
    phone: Extension,
    call: str,
    word: Word,
    key: str,
    number: str = "",
    to: str = "",
    reason: str = "",
    ago_s: float = 0,
) -> Call | None:
    """Keep what a browser says of a call of its own, and let all else follow. The same key is heard once.

    Returns the call, under whose name the browser speaks of it from now on: who is rung by a call that is being handed
    over takes part in that. Raises Conflict for the call of somebody else, Invalid for one without a name.
    """
    if not call or not key:
        raise Invalid(_("A call has a name, and what is said of it a key."), field="call")
    at, party = time.time() - min(max(ago_s, 0), MOST_AGO_S), calls.party_of(phone.user_id)
    found = _known(phone.exchange, call) or (_handed_over(phone.exchange, number) if word == Word.RINGS else None)
    view = calls.view_of(found.pk) if found else CallView()
    if word not in BEGINS and party not in view.phases:
        raise Conflict(_("This call is not yours."), code="not_owner")
    name = (found.key if found else None) or call
    facts = facts_of(word, key=f"{party}:{key}", at=at, party=party, to=to, reason=reason)
    if word == Word.TAKEN:
        # One of ours says so himself; whom nobody sees any more is over for us.
        facts = [] if found and _others(found.pk, party) else [*facts, *_over(party, key, at, "operator")]
    if found and found.key != call:
        facts = [one for one in facts if one.key != "began"]
    _hear(phone.exchange, name, facts, number)
    found = found or _known(phone.exchange, name)
    if found and word in (Word.DECLINED, Word.MISSED) and not _others(found.pk, party):
        _hear(phone.exchange, name, _over(party, key, at, "abandoned"))
    return found


def still(*, phone: Extension, going: Collection[str]) -> int:
    """Note that of a browser's calls these alone are going on: the others were lost with a page. Returns how many."""
    own = _live().filter(operator=phone.user_id, interaction__voice__exchange=phone.exchange)
    return sum(_lose(leg) for leg in own.exclude(interaction__voice__key__in=going))


def sweep_lost(*, now: datetime, steady_since: datetime) -> int:
    """End calls of operators whose pages are all gone, and with them the only telephone. Returns how many.

    What no browser has done in time fails.
    """
    for exchange in Exchange.objects.filter(kind=ExchangeKind.SIP, active=True):
        commands.expire(exchange=exchange)
    if steady_since > now - timedelta(seconds=Policy.current().operator_grace_s):
        return 0
    return sum(_lose(leg) for leg in _live().filter(operator__presence__vanished_at__isnull=False)[:AT_ONCE])


def done(*, phone: Extension, command_id: int, words: str = "") -> bool:
    """Note what came of a command: the browser has done it, or says why not. Returns False for none of its own."""
    own = CallCommand.objects.filter(pk=command_id, user=phone.user_id, exchange=phone.exchange)
    if not own.exists():
        return False
    return commands.failed(command_id=command_id, words=words) if words else commands.done(command_id=command_id)


def _live() -> Any:
    legs = Assignment.objects.filter(outside=True, leg__in=[Leg.OFFERED, Leg.ACTIVE])
    ours = legs.filter(interaction__voice__provider=Provider.SIP, interaction__voice__ended_at=None)
    return ours.select_related("interaction__voice__exchange").order_by("pk")


def _lose(leg: Assignment) -> bool:
    call, party, at = leg.interaction.voice, calls.party_of(leg.operator_id), time.time()
    key = f"lost:{leg.pk}"
    gone = facts_of(Word.MISSED, key=f"{party}:{key}", at=at, party=party)
    alone = not _others(call.pk, party)
    assert call.exchange is not None, "calls of a SIP platform are those of an exchange"
    _hear(call.exchange, call.key or "", _over(party, key, at, "lost") if alone else gone)
    return True


def _hear(exchange: Exchange, name: str, facts: list[Fact], number: str = "") -> None:
    exchanges.hear(exchange=exchange, told=[Told(name, fact, number) for fact in facts])


def _over(party: str, key: str, at: float, reason: str) -> list[Fact]:
    return facts_of(Word.ENDED, key=f"{party}:{key}:over", at=at, party=party, reason=reason)


def _known(exchange: Exchange, name: str) -> Call | None:
    return Call.objects.filter(exchange=exchange, key=name[: exchanges.KEY_CHARS]).first()


def _handed_over(exchange: Exchange, number: str) -> Call | None:
    """Return the call of this number that is being handed over: to the platform the next one to ring is another call."""
    try:
        number = normalise.phone(number)
    except Invalid:
        return None
    going = Call.objects.filter(exchange=exchange, number=number, ended_at=None).order_by("-began_at")[:4]
    return next((one for one in going if Phase.TRANSFERRING in calls.view_of(one.pk).phases.values()), None)


def _others(call_id: int, party: str) -> bool:
    """Tell whether another operator has a call, or it rings at him. Guests are in it by a browser that has it."""
    there = {one for one, phase in calls.view_of(call_id).phases.items() if is_operator(one) and phase in PRESENT}
    return bool(there - guests.parties_of(call_id) - {party})
