"""Guests of a call: a colleague is consulted, joins, leaves or takes the call; a supervisor listens.

The call stays one leg's. What happens is noted as facts of the call, so that bars and sums follow from its one table. Where
a SIP platform carries the call it knows nothing of guests: they hear and are heard by the operator's browser, as in others.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core import audit, liveness, realtime
from cxcenter.core.errors import Conflict, Forbidden, NotFound
from cxcenter.core.events import announce
from cxcenter.core.statements import Statement
from interactions.actions import calls, talk
from interactions.calls.facts import Fact, Kind
from interactions.calls.table import Control, Phase
from interactions.calls.view import CallView
from routing import locks
from routing.actions import exchange_transfer, handover, legs, queueing, states, voice
from routing.choices import GuestEnd, GuestRole, GuestState, Leg, LegEnd, Mode, Outcome, Work
from routing.events import LegAccepted
from routing.models import Assignment, Guest, Presence, Queue

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# So long it rings at a colleague.
RING_S = 30
# A guest whose pages have all been silent for so long has gone: nobody is heard from there.
GONE_S = 25
# So long a call that was handed to a guest is answered by his browser as soon as it rings there.
TAKES_S = 30
AT_ONCE = 200
# Asked whenever a leg of whatever work ends.
ORPHANS = Statement(
    "orphan_guests",
    """
    SELECT guest.id FROM routing_guest guest JOIN routing_assignment leg ON leg.id = leg_id
    WHERE guest.interaction_id = %(interaction)s AND state <> 'left' AND leg.leg <> 'active' ORDER BY guest.id
    """,
    interaction="bigint",
)
# Roles in which a guest is a party of the call: the others are not heard by the customer, and no fact speaks of them.
PARTIES = (GuestRole.CONSULT, GuestRole.MEMBER)


# --- Inviting ---


@transaction.atomic
def invite(*, interaction_id: int, actor: "User", colleague: "User", note: str = "") -> Guest:
    """Ring at a colleague: to consult him while the customer is on hold, or to add him to the conference.

    Raises Conflict if the call is not the actor's, has no such control now, or the colleague is away or in a call.
    """
    leg = legs.lock_owned(interaction_id=interaction_id, actor=actor)
    _refuse_carried(interaction_id)
    _refuse_unreachable(colleague, actor)
    party, now = calls.party_of(colleague.pk), timezone.now()
    is_conference = bool(calls.view_of(interaction_id).members)
    facts = [calls.fact(Kind.OFFERED, party=party, at=now, guest=True)]
    if not is_conference:
        consulted = calls.fact(Kind.CONSULTED, party=calls.party_of(actor.pk), at=now)
        facts.append(replace(consulted, data={"party": party}))
    control = Control.ADD if is_conference else Control.CONSULT
    _press(leg, actor, control, facts)
    guest = Guest.objects.create(
        leg=leg,
        interaction_id=interaction_id,
        user=colleague,
        role=GuestRole.MEMBER if is_conference else GuestRole.CONSULT,
        invited_by=actor,
        note=note,
        at=now,
        expires_at=now + timedelta(seconds=RING_S),
    )
    _call_page(colleague.pk)
    return guest


def _refuse_carried(interaction_id: int) -> None:
    """Raise Conflict for a call whose parties its exchange brings together."""
    if not calls.is_mixed_here(interaction_id):
        raise Conflict(_("This call is carried by a telephony platform."), code="no_browser")


def _refuse_unreachable(colleague: "User", actor: "User") -> None:
    if colleague.pk == actor.pk:
        raise Conflict(_("This is yourself."), code="self")
    presence = Presence.objects.filter(user=colleague).first()
    if presence is None or presence.mode == Mode.OFFLINE:
        raise Conflict(_("%(name)s is offline.") % {"name": colleague.name}, code="offline")
    in_call = Assignment.objects.filter(operator=colleague, leg=Leg.ACTIVE, item__work=Work.CALL)
    if in_call.exists() or Guest.objects.live().filter(user=colleague).exists():
        raise Conflict(_("%(name)s is in a call.") % {"name": colleague.name}, code="busy")


def _call_page(user_id: int) -> None:
    """Let the pages of a user ask for what is offered to him."""
    realtime.push((realtime.user_group(user_id), {"kind": "offer"}))


@transaction.atomic
def answer(*, guest_id: int, actor: "User") -> Guest:
    """Take part. Repeating it is harmless. Raises Conflict if it does not ring any more (code "gone")."""
    guest = _lock(guest_id, actor)
    if guest.state == GuestState.IN:
        return guest
    if guest.state != GuestState.RINGING:
        raise Conflict(_("This call does not ring any more."), code="gone")
    presence = locks.lock_presence(actor.pk)
    guest.state, guest.answered_at, guest.expires_at = GuestState.IN, timezone.now(), None
    guest.save(update_fields=["state", "answered_at", "expires_at"])
    voice.hold_others(actor.pk, but=guest.interaction_id)
    _note(guest, _fact(guest, Kind.ANSWERED, guest.answered_at))
    states.settle(presence, now=guest.answered_at, loads=1, work=Work.CALL)
    _tell(guest)
    return guest


@transaction.atomic
def decline(*, guest_id: int, actor: "User") -> None:
    """Refuse an invitation; who invited is told."""
    guest = _lock(guest_id, actor)
    if guest.state == GuestState.RINGING:
        _let_go([guest], GuestEnd.DECLINED)


# --- The operator's controls ---


@transaction.atomic
def merge(*, interaction_id: int, actor: "User") -> None:
    """Bring all together: the customer, the operator and whom he consults."""
    leg = legs.lock_owned(interaction_id=interaction_id, actor=actor)
    _press(leg, actor, Control.MERGE, [calls.fact(Kind.MERGED, party=calls.party_of(actor.pk))])
    consulted = Guest.objects.present().filter(leg=leg, role=GuestRole.CONSULT)
    told = list(consulted.values_list("user_id", flat=True))
    consulted.update(role=GuestRole.MEMBER)
    for user_id in told:
        realtime.signal(user_id, "call", interaction_id)


@transaction.atomic
def come_back(*, interaction_id: int, actor: "User") -> None:
    """Go back to the customer alone: who was called besides is let go."""
    leg = legs.lock_owned(interaction_id=interaction_id, actor=actor)
    _press(leg, actor, Control.RETURN, [calls.fact(Kind.RETURNED, party=calls.party_of(actor.pk))])
    _let_go(_locked(leg, PARTIES), GuestEnd.LET_GO)


@transaction.atomic
def complete(*, interaction_id: int, actor: "User") -> None:
    """Leave, and let the others talk on: the first colleague who takes part has the call from now on.

    If it still rings at him it is handed to him as by a transfer. Raises Conflict if nobody was called. The call of a
    platform goes to his telephone there: Invalid if he has none, Conflict if there are several (code "several").
    """
    leg = legs.lock_owned(interaction_id=interaction_id, actor=actor)
    guests = _locked(leg, PARTIES)
    if not guests:
        raise Conflict(_("Nobody else is in this call."), code="alone")
    if leg.outside:
        _send_to(guests, leg, actor)
        return
    over = calls.fact(Kind.TRANSFERRED, party=calls.party_of(actor.pk), key=voice.key_of(leg, Kind.TRANSFERRED))
    _press(leg, actor, Control.COMPLETE, [replace(over, data={"how": "consult"})])
    heir = next((guest for guest in guests if guest.state == GuestState.IN), None)
    if heir is None:
        _let_go(guests, GuestEnd.TOOK)
        handover.transfer(interaction_id=interaction_id, actor=actor, operator=guests[0].user, note=guests[0].note)
        return
    _hand_to(heir, leg, actor)


def _send_to(guests: list[Guest], leg: Assignment, actor: "User") -> None:
    """Have a platform's call sent to the telephone of its one guest. What comes of it the browsers tell."""
    if len(guests) > 1:
        said = _("One colleague alone can take this call over: let the others go first.")
        raise Conflict(said, code="several")
    number = exchange_transfer.number_of(leg.interaction_id, None, guests[0].user)
    recorded = leg.item.queue.record_calls
    calls.press(
        interaction_id=leg.interaction_id, actor=actor, control=Control.COMPLETE, recorded=recorded, value=number
    )
    _let_go(guests, GuestEnd.TOOK)


def takes(*, interaction_id: int, user: "User") -> bool:
    """Tell whether a call that rings at a user's telephone is the one that he took over a moment ago as its guest."""
    since = timezone.now() - timedelta(seconds=TAKES_S)
    own = Guest.objects.filter(interaction=interaction_id, user=user, end=GuestEnd.TOOK, answered_at__isnull=False)
    return own.filter(left_at__gte=since).exists()


def parties_of(interaction_id: int) -> set[str]:
    """Return the parties of a call who are its guests now."""
    live = Guest.objects.live().filter(interaction=interaction_id).values_list("user_id", flat=True)
    return set(map(calls.party_of, live))


def _hand_to(heir: Guest, leg: Assignment, actor: "User") -> None:
    """Let a guest have the call in hand: the leg ends, and a new visit and leg begin with those who are in it."""
    now = timezone.now()
    presences = locks.lock_presences({heir.user_id, leg.operator_id})
    queue = handover.queue_towards(heir.user, leg.item.queue)
    legs.release(leg, LegEnd.TRANSFERRED, now=now)
    item = queueing.enqueue(
        interaction=leg.interaction,
        queue=queue,
        boost=leg.item.priority - leg.item.queue.priority,
        note=heir.note,
        sent_by=actor,
        segments=leg.item.segments,
        steps=leg.item.steps,
    )
    if item is None:
        raise Conflict(_("This session has ended."), code="closed")
    queueing.leave_queue(item, Outcome.ANSWERED, at=now)
    taken = Assignment.objects.create(
        item=item,
        interaction_id=leg.interaction_id,
        operator=heir.user,
        leg=Leg.ACTIVE,
        offered_at=heir.at,
        accepted_at=now,
        why={"how": "consulted"},
    )
    Guest.objects.live().filter(leg=leg).exclude(pk=heir.pk).update(leg=taken)
    heir.state, heir.end, heir.left_at = GuestState.LEFT, GuestEnd.TOOK, now
    heir.save(update_fields=["state", "end", "left_at"])
    voice.answered(taken)
    # His place is taken already: as a guest he had one.
    states.settle(presences[heir.user_id], now=now)
    args = {"name": actor.public_name, "by": actor.name, "to": heir.user.name, "note": ""}
    talk.post_system_line(thread_id=leg.interaction.thread_id, code="transferred", args=args, user=actor)
    announce(LegAccepted(leg=taken.pk, interaction=taken.interaction_id, operator=heir.user_id))
    realtime.signal(heir.user_id, "sessions", taken.interaction_id)


def refuse_consulting(*, interaction_id: int) -> None:
    """Raise Conflict while a colleague is consulted: of two calls it would end the wrong one."""
    if Guest.objects.live().filter(interaction=interaction_id, role=GuestRole.CONSULT).exists():
        raise Conflict(_("A colleague is in this call: complete it, or go back to the customer."), code="guests")


# --- Leaving ---


@transaction.atomic
def leave(*, interaction_id: int, actor: "User") -> None:
    """Go out of a call that is a colleague's; the others talk on."""
    guest = guest_of(interaction_id, actor)
    _let_go([_lock(guest.pk, actor)], GuestEnd.LEFT)


def dismiss(*, interaction_id: int) -> None:
    """Let all guests go whose call is in nobody's hands any more: it has ended, or was handed on without them."""
    ids = [pk for (pk,) in ORPHANS.rows(interaction=interaction_id)]
    if not ids:
        return
    with transaction.atomic():
        locks.lock_presences(Guest.objects.filter(pk__in=ids).values_list("user_id", flat=True))
        _let_go(list(_rows().filter(pk__in=ids).exclude(leg__leg=Leg.ACTIVE)), GuestEnd.OVER)


def sweep(*, now: datetime, steady_since: datetime) -> int:
    """Let it ring no longer than its time, and let those go whose pages are gone, and those whose call is."""
    late = Guest.objects.filter(state=GuestState.RINGING, expires_at__lte=now).order_by("pk")[:AT_ONCE]
    done = sum(_end(guest.pk, GuestState.RINGING, GuestEnd.NO_ANSWER) for guest in late)
    gone_before = now - timedelta(seconds=GONE_S)
    here = list(Guest.objects.present().filter(answered_at__lt=gone_before).order_by("pk")[:AT_ONCE])
    if steady_since < gone_before and here:
        seen = liveness.last_seen([liveness.operator_key(guest.user_id) for guest in here])
        gone = [one for one in here if seen.get(liveness.operator_key(one.user_id), gone_before) <= gone_before]
        done += sum(_end(guest.pk, GuestState.IN, GuestEnd.LEFT) for guest in gone)
    orphans = Guest.objects.live().exclude(leg__leg=Leg.ACTIVE).values_list("interaction_id", flat=True)
    for interaction_id in sorted(set(orphans[:AT_ONCE])):
        dismiss(interaction_id=interaction_id)
        done += 1
    return done


@transaction.atomic
def _end(guest_id: int, state: str, end: str) -> int:
    guest = _lock(guest_id)
    if guest.state != state:
        return 0
    _let_go([guest], end)
    return 1


def _let_go(guests: list[Guest], end: str) -> None:
    """End the part of guests, free their places, and tell all whom it concerns. The caller holds their locks."""
    now = timezone.now()
    for guest in guests:
        was, held = guest.state, guest.takes_place
        guest.state, guest.end, guest.left_at = GuestState.LEFT, end, now
        guest.save(update_fields=["state", "end", "left_at"])
        if guest.role in PARTIES:
            kinds = (Kind.REFUSED,) if was == GuestState.RINGING else (Kind.LEFT, Kind.WRAPPED_UP)
            _note(guest, *[_fact(guest, kind, now, reason=end) for kind in kinds])
        if held:
            states.settle(locks.lock_presence(guest.user_id), now=now, loads=-1, work=Work.CALL)
        _tell(guest)


# --- Listening ---


@transaction.atomic
def listen(*, interaction_id: int, actor: "User") -> Guest:
    """Let a supervisor hear a call of his teams, unheard. It is audited. Repeating it is harmless.

    Raises Forbidden for a call of other teams, Conflict if nobody talks in it or it is the actor's own.
    """
    held = Assignment.objects.filter(interaction_id=interaction_id, leg=Leg.ACTIVE, item__work=Work.CALL).first()
    if held is None:
        raise Conflict(_("Nobody talks in this call now."), code="nobody")
    _refuse_carried(interaction_id)
    leg = locks.lock_leg(held.pk)
    if leg.leg != Leg.ACTIVE:
        raise Conflict(_("Nobody talks in this call now."), code="nobody")
    if leg.operator_id == actor.pk:
        raise Conflict(_("This call is yours."), code="self")
    if not Queue.objects.controlled_by(actor).filter(pk=leg.item.queue_id).exists():
        raise Forbidden(_("This is a call of another team."))
    now = timezone.now()
    guest, made = Guest.objects.live().get_or_create(
        interaction_id=interaction_id,
        user=actor,
        defaults={"leg": leg, "role": GuestRole.LISTEN, "state": GuestState.IN, "answered_at": now},
    )
    if made:
        audit.record(actor, "call.listen", f"interaction:{interaction_id}", operator=leg.operator_id)
        _tell(guest)
    return guest


@transaction.atomic
def speak(*, interaction_id: int, actor: "User", role: str) -> Guest:
    """Let a supervisor who listens whisper to the operator, speak with all, or only listen again. It is audited.

    Raises Conflict if he does not listen to the call, or nobody talks in it at this moment.
    """
    guest = _lock(guest_of(interaction_id, actor).pk, actor)
    if guest.state != GuestState.IN or guest.invited_by_id is not None:
        raise Conflict(_("You do not listen to this call."), code="not_in")
    if role == guest.role:
        return guest
    if role == GuestRole.MEMBER:
        view = calls.view_of(interaction_id)
        if view.phases.get(calls.party_of(guest.leg.operator_id)) not in {Phase.TALKING, Phase.CONFERENCED}:
            raise Conflict(_("The operator does not talk with the customer now."), code="not_now")
        _note(guest, _fact(guest, Kind.ANSWERED), _fact(guest, Kind.MERGED))
    elif guest.role == GuestRole.MEMBER:
        _note(guest, _fact(guest, Kind.LEFT), _fact(guest, Kind.WRAPPED_UP))
    guest.role = role
    guest.save(update_fields=["role"])
    audit.record(actor, "call.listen", f"interaction:{interaction_id}", operator=guest.leg.operator_id, role=role)
    _tell(guest)
    return guest


# --- Below ---


def guest_of(interaction_id: int, user: "User") -> Guest:
    """Return the part that a user has in a colleague's call. Raises Conflict if he has none."""
    guest = Guest.objects.live().filter(interaction=interaction_id, user=user).first()
    if guest is None:
        raise Conflict(_("You are not in this call."), code="not_in")
    return guest


def _rows() -> "models.QuerySet[Guest]":
    rows = Guest.objects.select_for_update(of=("self",)).select_related("user", "leg__operator", "interaction")
    return rows.order_by("pk")


def _lock(guest_id: int, user: "User | None" = None) -> Guest:
    """Lock a guest by way of its leg, so that the work item comes first. Raises NotFound if it is not the user's."""
    known = Guest.objects.filter(pk=guest_id).values_list("leg_id", "user_id").first()
    if known is None or (user is not None and known[1] != user.pk):
        raise NotFound(_("There is no such call."))
    locks.lock_leg(known[0])
    locks.lock_presence(known[1])
    guest: Guest = _rows().get(pk=guest_id)
    return guest


def _locked(leg: Assignment, roles: tuple[str, ...]) -> list[Guest]:
    """Lock the guests of a leg, whose lock the caller holds; who takes part comes before those at whom it rings."""
    users = Guest.objects.live().filter(leg=leg, role__in=roles).values_list("user_id", flat=True)
    locks.lock_presences({leg.operator_id, *users})
    found = list(_rows().filter(leg=leg, role__in=roles).exclude(state=GuestState.LEFT))
    return sorted(found, key=lambda one: (one.state != GuestState.IN, one.answered_at or one.at))


def _press(leg: Assignment, actor: "User", control: Control, facts: list[Fact]) -> CallView:
    recorded = leg.item.queue.record_calls
    return calls.press(interaction_id=leg.interaction_id, actor=actor, control=control, recorded=recorded, facts=facts)


def _fact(guest: Guest, kind: Kind, at: datetime | None = None, reason: str = "") -> Fact:
    # Of guests no exchange knows: they have no visits and legs of its making (routing/exchanges.py).
    return calls.fact(kind, party=calls.party_of(guest.user_id), at=at, reason=reason, guest=True)


def _note(guest: Guest, *facts: Fact) -> None:
    view = calls.note(call_id=guest.interaction_id, facts=facts)
    if guest.interaction.is_open:
        calls.tell_customer(guest.interaction, view)


def _tell(guest: Guest) -> None:
    """Let the pages of the guest and of whose call it is ask again; the operator hears why a colleague is gone."""
    for user_id in (guest.user_id, guest.leg.operator_id):
        realtime.signal(user_id, "call", guest.interaction_id)
    _call_page(guest.user_id)
    if (
        guest.state == GuestState.LEFT
        and guest.role in PARTIES
        and guest.end in {GuestEnd.DECLINED, GuestEnd.NO_ANSWER, GuestEnd.LEFT}
    ):
        said = {"kind": "guest", "end": guest.end, "name": guest.user.name}
        realtime.push((realtime.user_group(guest.leg.operator_id), said))
