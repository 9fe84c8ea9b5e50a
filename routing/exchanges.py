"""Which visits and legs follow from what a telephone exchange tells of a call. Pure: however its facts came, the same.

A visit is a stretch in which the customer waits, from when a queue has him or it rings at somebody for him; a leg is a
stretch in which it rings at an operator, or he is in the call.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from interactions.calls.facts import CUSTOMER, Fact, Kind, is_operator, user_of
from interactions.calls.table import Phase
from interactions.calls.view import CallView, Interval, micros
from interactions.choices import CloseReason
from routing.choices import Leg, LegEnd, Outcome

# Why it was not answered, as a fact says it.
_REFUSALS = {"declined": LegEnd.DECLINED, "": LegEnd.DECLINED}
_NOT_REACHED = frozenset({"busy", "no_answer", "unreachable", "declined"})
_REASONS = {"customer": CloseReason.ENDED, "abandoned": CloseReason.LEFT, "operator": CloseReason.FINISHED}


@dataclass(frozen=True, slots=True)
class Stay:
    """A visit to a queue, by the exchange's name of it (empty: the channel's entrance). Moments are in Unix seconds."""

    queue: str
    entered: float
    left: float | None = None
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """A leg with an operator: in which visit, and what came of it."""

    operator: int
    stay: int
    offered: float
    accepted: float | None
    ended: float | None
    leg: str
    end: str = ""
    wrapped: float | None = None
    # Nobody wraps up what he has handed on: that the exchange cannot know.
    unwrapped: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All of a call. `reason` is empty while it goes on."""

    stays: tuple[Stay, ...] = ()
    turns: tuple[Turn, ...] = ()
    reason: str = ""


def is_outgoing(facts: Iterable[Fact]) -> bool:
    """Tell whether an operator has called the customer."""
    began = [fact for fact in facts if fact.kind == Kind.BEGAN]
    return bool(began) and is_operator(min(began, key=_place).party)


def plan(facts: Iterable[Fact], view: CallView) -> Plan:
    """Return what follows from the facts of a call and the view that they make."""
    facts = sorted((fact for fact in facts if view.ended is None or fact.at <= view.ended), key=_place)
    turns = sorted(
        (turn for party in view.phases if is_operator(party) for turn in _turns(party, facts, view)),
        key=lambda one: (one.offered, one.operator),
    )
    stays = [stay for one in _waits(view) for stay in _stays(one, facts)]
    stays = [_closed(one, turns, view) for one in _named(stays)]
    stays = sorted([*_missing(stays, turns, outgoing=is_outgoing(facts)), *stays], key=lambda one: one.entered)
    placed = tuple(_placed(turn, stays) for turn in turns)
    return Plan(tuple(stays), placed, _reason(view, placed))


def _place(fact: Fact) -> tuple[int, int, str]:
    return micros(fact.at), fact.order, fact.key


# Legs.


def _turns(party: str, facts: Sequence[Fact], view: CallView) -> Iterator[Turn]:
    own = [one for one in view.intervals if one.party == party]
    while own:
        size = next((n for n in range(1, len(own)) if _begins_anew(own[n - 1], own[n])), len(own))
        run, own = own[:size], own[size:]
        if not _is_guest(party, run[0].begin, facts):
            yield _turn(party, run, facts)


def _is_guest(party: str, begin: float, facts: Iterable[Fact]) -> bool:
    """Tell whether a stretch is that of a guest, of whom the exchange knows nothing: a browser has taken him in."""
    return any(one.party == party and micros(one.at) == micros(begin) and one.data.get("guest") for one in facts)


def _begins_anew(before: Interval, after: Interval) -> bool:
    """Tell whether a party had left, or had begun to wrap up, before this stretch."""
    return before.end != after.begin or (before.phase == Phase.WRAPUP and after.phase != Phase.WRAPUP)


def _turn(party: str, run: Sequence[Interval], facts: Sequence[Fact]) -> Turn:
    work = [one for one in run if one.phase != Phase.WRAPUP]
    wrap = run[-1] if run[-1].phase == Phase.WRAPUP else None
    begin = run[0].begin
    accepted = next((one.begin for one in run if one.phase != Phase.OFFERED), None)
    handed_on = bool(work) and work[-1].phase == Phase.TRANSFERRING
    ended = begin if not work else work[-1].begin if handed_on else work[-1].end
    own = [fact for fact in facts if fact.party == party and begin <= fact.at and (ended is None or fact.at <= ended)]
    operator = user_of(party) or 0
    if accepted is None:
        if ended is None:
            return Turn(operator, 0, begin, None, None, Leg.OFFERED)
        return Turn(operator, 0, begin, None, ended, Leg.ENDED, _refusal(own))
    if ended is None:
        return Turn(operator, 0, begin, accepted, None, Leg.ACTIVE)
    if handed_on or any(fact.kind == Kind.TRANSFERRED and fact.at == ended for fact in own):
        unwrapped = wrap.begin if wrap and wrap.end is None else None
        return Turn(operator, 0, begin, accepted, ended, Leg.ENDED, LegEnd.TRANSFERRED, unwrapped=unwrapped)
    if wrap and wrap.end is None:
        return Turn(operator, 0, begin, accepted, ended, Leg.WRAPUP, LegEnd.FINISHED)
    wrapped = wrap.end if wrap else None
    return Turn(operator, 0, begin, accepted, ended, Leg.ENDED, LegEnd.FINISHED, wrapped)


def _refusal(own: Iterable[Fact]) -> str:
    """Return how an offer ended that was not accepted: by the operator, by time, or because nobody is to take it any more."""
    said = [str(fact.data.get("reason", "")) for fact in own if fact.kind == Kind.REFUSED]
    return _REFUSALS.get(said[-1], LegEnd.EXPIRED) if said else LegEnd.WITHDRAWN


# Visits.


def _waits(view: CallView) -> list[Interval]:
    return [one for one in view.intervals if one.party == CUSTOMER and one.phase == Phase.RINGING]


def _stays(wait: Interval, facts: Iterable[Fact]) -> Iterator[Stay]:
    """Yield the visits of one stretch of waiting: what it waited before in a menu is none."""
    queue, entered, is_handed = "", None, False
    for fact in facts:
        if fact.at < wait.begin or (wait.end is not None and fact.at >= wait.end) or not _lets_wait(fact):
            continue
        name = str(fact.data.get("queue", "")) if fact.kind in (Kind.QUEUED, Kind.OFFERED) else ""
        if entered is None:
            queue, entered, is_handed = name, fact.at, fact.kind == Kind.TRANSFERRED
        elif fact.kind == Kind.QUEUED and name and name != queue:
            if queue or not is_handed:
                yield Stay(queue, entered, fact.at, Outcome.FLOWED_OUT)
                entered = fact.at
            queue, is_handed = name, False
    if entered is not None:
        yield Stay(queue, entered, wait.end)


def _lets_wait(fact: Fact) -> bool:
    if fact.kind == Kind.QUEUED:
        return fact.party in ("", CUSTOMER)
    if fact.kind == Kind.TRANSFERRED:
        return fact.data.get("how") != "consult"
    return fact.kind == Kind.OFFERED and fact.party != CUSTOMER


def _named(stays: Iterable[Stay]) -> Iterator[Stay]:
    """Yield visits with their queues: who was handed on without a word of a queue waits in the one before."""
    before = ""
    for one in stays:
        before = one.queue or before
        yield Stay(before, one.entered, one.left, one.outcome)


def _closed(stay: Stay, turns: Iterable[Turn], view: CallView) -> Stay:
    if stay.left is None or stay.outcome:
        return stay
    at = stay.left
    if any(one.accepted is not None and one.accepted <= at and (one.ended is None or one.ended > at) for one in turns):
        return Stay(stay.queue, stay.entered, at, Outcome.ANSWERED)
    goes_on = any(one.party == CUSTOMER and one.begin == at for one in view.intervals)
    return Stay(stay.queue, stay.entered, at, Outcome.FLOWED_OUT if goes_on else Outcome.ABANDONED)


def _missing(stays: Sequence[Stay], turns: Sequence[Turn], *, outgoing: bool) -> list[Stay]:
    """Return the visit in which the first leg is, if nobody waited for it: he was called, or answered at once."""
    if not turns or any(one.entered <= turns[0].offered for one in stays):
        return []
    first = turns[0]
    if outgoing:
        return [Stay("", first.offered, first.offered, Outcome.OUTGOING)]
    left = first.accepted if first.accepted is not None else first.ended
    outcome = Outcome.ANSWERED if first.accepted is not None else Outcome.ABANDONED
    return [Stay("", first.offered, left, outcome if left is not None else "")]


def _placed(turn: Turn, stays: Sequence[Stay]) -> Turn:
    stay = max(n for n, one in enumerate(stays) if one.entered <= turn.offered)
    return Turn(
        turn.operator, stay, turn.offered, turn.accepted, turn.ended, turn.leg, turn.end, turn.wrapped, turn.unwrapped
    )


def _reason(view: CallView, turns: Iterable[Turn]) -> str:
    """Return how the session of a call has ended, empty while it goes on."""
    if view.ended is None:
        return ""
    if view.reason in _NOT_REACHED:
        return CloseReason.NO_ANSWER
    talked = any(one.accepted is not None for one in turns)
    return _REASONS.get(view.reason, CloseReason.FINISHED if talked else CloseReason.LEFT)
