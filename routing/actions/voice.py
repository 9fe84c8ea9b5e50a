"""What happens to a contact that is a call, noted as facts of the call: offered, answered, handed on, over.

Of a call of a telephone exchange the exchange tells that itself; the end of the work after it we know alone.
"""

from datetime import datetime

from django.utils import timezone

from cxcenter.core import realtime
from cxcenter.core.planned import Given, Planned
from interactions.actions import calls
from interactions.calls.facts import Fact, Kind
from interactions.calls.table import Phase
from routing.choices import Leg, LegEnd, Work
from routing.models import Assignment

OTHERS = Planned(
    "other_calls",
    lambda: (
        Assignment.objects.filter(
            operator_id=Given("operator", "bigint"), leg=Leg.ACTIVE, outside=False, item__work=Work.CALL
        )
        .exclude(interaction_id=Given("but", "bigint"))
        .select_related("interaction")
        .order_by("interaction_id")
    ),
)


def answered(leg: Assignment) -> None:
    """Note that an operator has taken a call."""
    if leg.item.work == Work.CALL and not leg.outside:
        hold_others(leg.operator_id, but=leg.interaction_id)
        _note(leg, _fact(leg, Kind.OFFERED, leg.offered_at), _fact(leg, Kind.ANSWERED, leg.accepted_at))


def hold_others(user_id: int, *, but: int) -> None:
    """Put the other calls in which an operator talks on hold: one speaks in one call at a time."""
    party = calls.party_of(user_id)
    for other in OTHERS.rows(operator=user_id, but=but):
        if calls.view_of(other.interaction_id).phases.get(party) == Phase.TALKING:
            view = calls.note(call_id=other.interaction_id, facts=[calls.fact(Kind.HELD, party=party)])
            calls.tell_customer(other.interaction, view)
            realtime.signal(user_id, "call", other.interaction_id)


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
    party, moment = calls.party_of(leg.operator_id), at or timezone.now()
    return calls.fact(kind, party=party, at=moment, key=key_of(leg, kind), reason=leg.end)


def key_of(leg: Assignment, kind: Kind) -> str:
    """Return the key under which a fact of a leg is known: noted twice it is one."""
    return f"leg:{leg.pk}:{kind}"


def _note(leg: Assignment, *facts: Fact) -> None:
    calls.note(call_id=leg.interaction_id, facts=facts)
    talk = leg.interaction
    # The customer's page asks how it stands.
    realtime.push((realtime.customer_group(talk.thread_id), {"kind": "call", "session": str(talk.public_id)}))
