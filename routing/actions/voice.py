"""What happens to a contact that is a call, noted as facts of the call: offered, answered, handed on, over.

Of a call of a telephone exchange the exchange tells that itself; the end of the work after it we know alone.
"""

from datetime import datetime

from django.utils import timezone

from cxcenter.core import realtime
from interactions.actions import calls
from interactions.calls.facts import Fact, Kind
from routing.choices import Leg, LegEnd, Work
from routing.models import Assignment


def answered(leg: Assignment) -> None:
    """Note that an operator has taken a call."""
    if leg.item.work == Work.CALL and not leg.outside:
        _note(leg, _fact(leg, Kind.OFFERED, leg.offered_at), _fact(leg, Kind.ANSWERED, leg.accepted_at))


def ended(leg: Assignment) -> None:
    """Note that a leg of a call is over: refused before it was accepted, handed on, or finished, with or without wrap-up."""
    if leg.item.work != Work.CALL or leg.outside:
        return
    if leg.accepted_at is None:
        _note(leg, _fact(leg, Kind.OFFERED, leg.offered_at), _fact(leg, Kind.REFUSED, leg.ended_at))
        return
    handed_on = leg.end == LegEnd.TRANSFERRED
    facts = [_fact(leg, Kind.TRANSFERRED if handed_on else Kind.LEFT, leg.ended_at)]
    if leg.leg == Leg.ENDED:
        facts.append(_fact(leg, Kind.WRAPPED_UP, leg.ended_at))
    _note(leg, *facts)


def wrapped_up(leg: Assignment) -> None:
    """Note that the work after a call is done."""
    if leg.item.work == Work.CALL:
        _note(leg, _fact(leg, Kind.WRAPPED_UP, leg.wrapped_at))


def _fact(leg: Assignment, kind: Kind, at: datetime | None) -> Fact:
    # One leg, one fact of a kind: noted twice it is known.
    return calls.fact(
        kind, party=calls.party_of(leg.operator_id), at=at or timezone.now(), key=f"leg:{leg.pk}:{kind}", reason=leg.end
    )


def _note(leg: Assignment, *facts: Fact) -> None:
    calls.note(call_id=leg.interaction_id, facts=facts)
    talk = leg.interaction
    # The customer's page asks how it stands.
    realtime.push((realtime.customer_group(talk.thread_id), {"kind": "call", "session": str(talk.public_id)}))
