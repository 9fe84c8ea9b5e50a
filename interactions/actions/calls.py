"""Acts of a call: it begins, its facts are noted, an operator presses a control.

Lock order: routing's rows, the thread, the interaction, then the call.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core import realtime
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.events import announce
from cxcenter.core.planned import Given, Planned
from cxcenter.core.statements import Statement
from interactions.actions import commands
from interactions.calls import facts as parties
from interactions.calls.facts import CUSTOMER, Fact, Kind
from interactions.calls.reducer import reduce
from interactions.calls.table import Control, Phase
from interactions.calls.view import CallView
from interactions.choices import Direction, Provider
from interactions.events import CallAnswered, CallEnded, CallOffered
from interactions.models import Call, CallFact, CallLink, Exchange, Interaction

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# Providers whose sound meets in the operator's browser, which can mix it with that of colleagues.
MIXED_HERE = (Provider.BROWSER, Provider.SIP)
# A description of a connection with all its addresses: browsers write some 2 to 6 kB.
SDP_CHARS = 20_000
# Controls that change nothing but the call itself. The others hand a contact on or end it: routing does that.
NOTED = {
    Control.HOLD: Kind.HELD,
    Control.RESUME: Kind.RESUMED,
    Control.MUTE: Kind.MUTED,
    Control.UNMUTE: Kind.UNMUTED,
    Control.PAUSE_RECORDING: Kind.RECORDING_PAUSED,
    Control.RESUME_RECORDING: Kind.RECORDING_RESUMED,
}
FACTS = Planned(
    "facts", lambda: CallFact.objects.filter(call_id=Given("call", "bigint")).order_by("at", "order", "key")
)
# Written for every control that is pressed, and whatever else happens in a call.
KEEP = Statement(
    "keep_call_facts",
    """
    WITH kept AS (
        INSERT INTO interactions_callfact (call_id, key, at, "order", kind, party, data)
        SELECT %(call)s, * FROM unnest(%(keys)s, %(at)s, %(orders)s, %(kinds)s, %(parties)s, %(data)s)
    )
    UPDATE interactions_call SET answered_at = %(answered)s, ended_at = %(ended)s, talk_s = %(talk)s, hold_s = %(hold)s,
        version = %(version)s
    WHERE interaction_id = %(call)s
    """,
    call="bigint",
    keys="text[]",
    at="timestamptz[]",
    orders="bigint[]",
    kinds="text[]",
    parties="text[]",
    data="jsonb[]",
    answered="timestamptz",
    ended="timestamptz",
    talk="float8",
    hold="float8",
    version="int",
)
OUTSIDE = Statement(
    "call_outside",
    "SELECT 1 FROM interactions_call WHERE interaction_id = %(interaction)s AND exchange_id IS NOT NULL",
    interaction="bigint",
)
LOCKED = Planned("call_locked", lambda: Call.objects.select_for_update().filter(pk=Given("call", "bigint")))
PRESSED = Planned(
    "call_pressed",
    lambda: (
        Call.objects.select_for_update(of=("self",))
        .select_related("interaction", "exchange")
        .filter(pk=Given("call", "bigint"))
    ),
)


def party_of(user_id: int) -> str:
    """Return the party that an operator is."""
    return parties.operator(user_id)


@transaction.atomic
def begin(
    *,
    interaction: Interaction,
    provider: str = Provider.BROWSER,
    direction: str = Direction.IN,
    number: str = "",
    key: str | None = None,
    link: CallLink | None = None,
    exchange: Exchange | None = None,
) -> Call:
    """Make the call of a session of voice that has just opened. What happens in that of an exchange, the exchange tells."""
    call = Call.objects.create(
        interaction=interaction,
        provider=provider,
        direction=direction,
        number=number,
        key=key,
        link=link,
        exchange=exchange,
        began_at=interaction.opened_at,
    )
    if exchange is None:
        # Nobody else knows of it yet.
        _add(call, [], [fact(Kind.BEGAN, at=interaction.opened_at, party=CUSTOMER, key="began")])
    return call


def is_outside(interaction_id: int) -> bool:
    """Tell whether a telephone exchange carries and routes the call of a session."""
    return OUTSIDE.row(interaction=interaction_id) is not None


def is_mixed_here(interaction_id: int) -> bool:
    """Tell whether colleagues can be brought into a session's call by its operator's browser."""
    return Call.objects.filter(pk=interaction_id, provider__in=MIXED_HERE).exists()


def end(*, interaction: Interaction) -> None:
    """Note that the session of a call has ended, and tell the customer's page. An exchange tells that itself."""
    if is_outside(interaction.pk):
        return
    over = fact(Kind.ENDED, at=interaction.closed_at, key="ended", reason=interaction.close_reason)
    note(call_id=interaction.pk, facts=[over])
    said = {"kind": "call", "session": str(interaction.public_id), "phase": "ended"}
    realtime.push((realtime.customer_group(interaction.thread_id), said))


def fact(kind: Kind, *, party: str = "", at: datetime | None = None, key: str = "", **data: Any) -> Fact:
    """Return a fact that we have seen ourselves: now, under a key of its own, unless told otherwise."""
    moment = at or timezone.now()
    return Fact(key=key or uuid.uuid4().hex, at=moment.timestamp(), order=0, kind=kind, party=party, data=data)


@transaction.atomic
def note(*, call_id: int, facts: Iterable[Fact]) -> CallView:
    """Keep what happened in a call, each fact once, and let its columns follow. Returns how it stands now.

    A session of voice that was kept before there were calls has none: of it nothing is known.
    """
    call = LOCKED.first(call=call_id)
    if call is None:
        return CallView()
    return _add(call, facts_of(call.pk), facts)


def _add(call: Call, before: list[Fact], facts: Iterable[Fact]) -> CallView:
    """Keep those of the facts that are new. The caller holds the call's lock, and knows what was known before."""
    keys = {one.key for one in before}
    fresh = [one for one in facts if one.key not in keys]
    known = [*before, *fresh]
    view = reduce(known, timezone.now().timestamp())
    if fresh:
        derive(call, view, known)
        _keep(call, fresh)
        tell(call.pk, before, fresh)
    return view


def _keep(call: Call, fresh: Sequence[Fact]) -> None:
    KEEP.run(
        call=call.pk,
        keys=[one.key for one in fresh],
        at=[datetime.fromtimestamp(one.at, UTC) for one in fresh],
        orders=[one.order for one in fresh],
        kinds=[one.kind for one in fresh],
        parties=[one.party for one in fresh],
        data=[json.dumps(dict(one.data)) for one in fresh],
        answered=call.answered_at,
        ended=call.ended_at,
        talk=call.talk_s,
        hold=call.hold_s,
        version=call.version,
    )


def tell(call_id: int, before: Iterable[Fact], fresh: Sequence[Fact]) -> None:
    """Announce to integrations which of these facts, new ones of a call, concern them."""
    for one in _said_first(before, fresh):
        operator, at = parties.user_of(one.party), datetime.fromtimestamp(one.at, UTC).isoformat()
        if one.kind == Kind.OFFERED and operator is not None:
            announce(CallOffered(call=call_id, operator=operator, at=at))
        elif one.kind == Kind.ANSWERED:
            announce(CallAnswered(call=call_id, operator=operator, at=at))
        elif one.kind == Kind.ENDED:
            announce(CallEnded(call=call_id, reason=str(one.data.get("reason", "")), at=at))


# What an exchange says by several of its events: it rings when a queue calls the phone, and when the phone says so.
_ONCE = frozenset({Kind.OFFERED, Kind.ANSWERED})
_ENDS = frozenset({Kind.REFUSED, Kind.LEFT, Kind.TRANSFERRED, Kind.WRAPPED_UP})


def _said_first(before: Iterable[Fact], fresh: Sequence[Fact]) -> Iterator[Fact]:
    """Yield the new facts but for those that say of a party once more how it stands already."""
    keys = {one.key for one in fresh}
    stands: dict[str, Kind] = {}
    for one in sorted([*before, *fresh], key=lambda one: (one.at, one.order, one.key)):
        is_again = one.kind in _ONCE and stands.get(one.party) == one.kind
        if one.kind in _ONCE | _ENDS:
            stands[one.party] = one.kind
        if one.key in keys and not is_again:
            yield one


def row_of(call_id: int, one: Fact) -> CallFact:
    """Return a fact as it is kept."""
    return CallFact(
        call_id=call_id,
        key=one.key,
        at=datetime.fromtimestamp(one.at, UTC),
        order=one.order,
        kind=one.kind,
        party=one.party,
        data=dict(one.data),
    )


def fact_of(row: CallFact) -> Fact:
    """Return what is kept as a fact."""
    return Fact(
        key=row.key, at=row.at.timestamp(), order=row.order, kind=Kind(row.kind), party=row.party, data=row.data
    )


# The columns of a call that follow from its facts.
DERIVED = ("answered_at", "ended_at", "talk_s", "hold_s", "version")


def derive(call: Call, view: CallView, known: Sequence[Fact]) -> None:
    """Let the columns say what follows from the facts."""
    answered = [one.at for one in known if one.kind == Kind.ANSWERED]
    call.answered_at = datetime.fromtimestamp(min(answered), UTC) if answered else None
    call.ended_at = datetime.fromtimestamp(view.ended, UTC) if view.ended else None
    operators = [one for party, one in view.times.items() if parties.is_operator(party)]
    call.talk_s, call.hold_s = sum(one.talk_s for one in operators), sum(one.hold_s for one in operators)
    call.version = len(known)


def facts_of(call_id: int) -> list[Fact]:
    """Return what is known of a call, in the order in which it happened."""
    return [fact_of(row) for row in FACTS.rows(call=call_id)]


def view_of(call_id: int) -> CallView:
    """Return how a call stands now."""
    return reduce(facts_of(call_id), timezone.now().timestamp())


def controls_of(view: CallView, user_id: int, *, recorded: bool) -> frozenset[Control]:
    """Return what an operator may press in a call now."""
    return view.allowed(party_of(user_id), recorded=recorded)


@transaction.atomic
def press(
    *,
    interaction_id: int,
    actor: "User",
    control: Control,
    recorded: bool = False,
    facts: Sequence[Fact] | None = None,
    value: str = "",
) -> CallView:
    """Carry out a control. Without `facts` it is one that changes the call alone (NOTED); else they are what it does.

    The exchange of a call is asked to, for any control that it has, unless `facts` say what was done here. `value`: the
    number to hand over to, the key.
    Raises Conflict for a session that is no call (code "no_call") and if the control is not active now ("not_now").
    """
    call = PRESSED.first(call=interaction_id)
    if call is None:
        raise Conflict(_("This session is no call."), code="no_call")
    known = facts_of(call.pk)
    active = controls_of(reduce(known, timezone.now().timestamp()), actor.pk, recorded=recorded)
    if call.exchange is not None:
        active &= commands.controls_of(call.exchange)
    if control not in active:
        raise Conflict(_("This is not possible at this moment."), code="not_now", allowed=sorted(active))
    if call.exchange_id is not None and facts is None:
        # What comes of it the exchange tells.
        commands.command(call=call, control=control, actor=actor, value=value)
        return reduce(known, timezone.now().timestamp())
    view = _add(call, known, [fact(NOTED[control], party=party_of(actor.pk))] if facts is None else facts)
    tell_customer(call.interaction, view)
    realtime.signal(actor.pk, "call", interaction_id)
    return view


def tell_customer(interaction: Interaction, view: CallView) -> None:
    """Tell the customer's page whether he is spoken with or on hold."""
    said = {"kind": "call", "session": str(interaction.public_id), "phase": _heard(view)}
    realtime.push((realtime.customer_group(interaction.thread_id), said))


def read_signal(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message of one browser to another, {"conn", "turn", "what", "sdp"}, as far as it is one. Raises Invalid."""
    conn, turn, kind, sdp = data.get("conn"), data.get("turn"), data.get("what"), data.get("sdp")
    good = (
        isinstance(conn, str)
        and conn.isalnum()
        and len(conn) <= 32
        and isinstance(turn, int)
        and 0 <= turn < 10**6
        and kind in {"offer", "answer"}
        and isinstance(sdp, str)
        and sdp.startswith("v=0")
        and len(sdp) <= SDP_CHARS
    )
    if not good:
        raise Invalid(_("This is no description of a connection."), field="sdp")
    return {"conn": conn, "turn": turn, "what": kind, "sdp": sdp}


def customer_phase(interaction_id: int) -> str:
    """Return what the customer of a call that an operator has is told: "talking" or "held"."""
    return _heard(view_of(interaction_id))


def _heard(view: CallView) -> str:
    return "held" if view.phases.get(CUSTOMER) == Phase.HELD else "talking"
