"""The bar of calls: which call is on the line, where it stands, who else is in it, what may be pressed. Plain values."""

import json
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils.translation import gettext as _

from cxcenter.core import ice
from interactions.actions import calls, commands, dialling
from interactions.calls.facts import CUSTOMER
from interactions.calls.table import Control, Phase
from interactions.calls.view import CallView
from interactions.choices import Provider
from routing.choices import GuestRole, GuestState, Leg, Work
from routing.models import Assignment, ExchangeQueue, Guest

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# A browser's line has nothing that listens to tones.
ABSENT = {Provider.BROWSER: frozenset({Control.KEYPAD})}
# What a guest does with his own part; all else is in the hands of whose call it is.
OF_GUESTS = {Control.MUTE, Control.UNMUTE}
SPEAKS = {Phase.TALKING, Phase.CONSULTING, Phase.CONFERENCED}


@dataclass(frozen=True)
class Party:
    """Somebody else in a call, as the bar names him and the phone connects him. `shown`: whether the bar names him."""

    party: str
    name: str
    role: str
    state: str
    words: str
    shown: bool = True


@dataclass(frozen=True)
class OnLine:
    """A call in an operator's hands, or of a colleague who has taken him in (`role` is not "owner").

    `since` is when its phase began; `controls` are what may be pressed now; `owner` is the party whose call it is.
    `has` are those that its provider has at all: the others are not shown.
    """

    session: int
    name: str
    party: str
    owner: str
    role: str
    provider: str
    phase: str
    words: str
    since: datetime
    muted: bool
    recorded: bool
    paused: bool
    controls: frozenset[str]
    has: frozenset[str]
    active: bool
    parties: tuple[Party, ...] = ()
    # Whether its reader is a supervisor who listens.
    listens: bool = False

    @property
    def others(self) -> tuple[Party, ...]:
        """Colleagues in the call, as far as they are shown."""
        return tuple(one for one in self.parties if one.party != CUSTOMER and one.shown)

    @property
    def who(self) -> str:
        """Who is in the call beside its reader, whole: the bar has room for the beginnings of names."""
        words = [f"{one.name} ({one.words})" if one.words else one.name for one in self.others]
        return " · ".join([*words, self.name])

    @property
    def as_data(self) -> str:
        """The parties to whom the page has a connection of its own, as JSON: see static/cx/desk/phone.js."""
        there = [one for one in self.parties if one.state == GuestState.IN]
        return json.dumps([{"party": one.party, "role": one.role} for one in there])

    @property
    def off(self) -> dict[str, bool]:
        """Which controls cannot be pressed now, by name."""
        return {str(control): str(control) not in self.controls for control in Control}


def bar_context(user: "User") -> dict[str, Any]:
    """Return what the bar's template is given."""
    lines = lines_of(user)
    dials = None if lines else dials_of(user)
    return {"calls_in_hand": lines, "dials": dials, "keys": "123456789*0#", "ice": ice.servers(f"user{user.pk}")}


def dials_of(user: "User") -> dict[str, Any] | None:
    """Return by which phone an operator calls out, as which number, and whom he called last; None if he has no phone."""
    phone = dialling.phone_of(user)
    if phone is None:
        return None
    queues = ExchangeQueue.objects.filter(exchange=phone.exchange).exclude(caller_id="").select_related("queue")
    return {"phone": phone, "last": dialling.last_dialled(user), "queues": list(queues.order_by("queue__name")[:20])}


def words_of(phase: Phase, *, muted: bool) -> str:
    """Return a phase in words."""
    if phase == Phase.TALKING and muted:
        return _("Muted")
    return {
        Phase.RINGING: _("Calling"),
        Phase.OFFERED: _("Rings"),
        Phase.TALKING: _("Talking"),
        Phase.HELD: _("On hold"),
        Phase.CONSULTING: _("Consulting"),
        Phase.CONFERENCED: _("Conference"),
        Phase.TRANSFERRING: _("Handing over"),
        Phase.WRAPUP: _("Wrap-up"),
        Phase.ENDED: _("Ended"),
    }[phase]


def lines_of(user: "User") -> list[OnLine]:
    """Return the calls in which an operator is, the one that is spoken first. Two queries, two more for each call."""
    # What rings by a telephone exchange rings at the phone: of ours the toast tells.
    shown = Q(leg=Leg.ACTIVE) | Q(leg=Leg.OFFERED, outside=True)
    legs = Assignment.objects.filter(shown, operator=user, item__work=Work.CALL)
    held = legs.select_related(
        "interaction__voice__exchange", "interaction__profile__customer", "item__queue"
    ).order_by("accepted_at")
    own = [leg for leg in held[:8] if hasattr(leg.interaction, "voice")]
    present = Guest.objects.present().filter(user=user)
    related = ("leg__operator", "leg__item__queue", "interaction__voice", "interaction__profile__customer")
    invited = list(present.select_related(*related).order_by("answered_at")[:4])
    guests = _guests_of(own)
    lines = [_own_line(leg, user, guests[leg.pk]) for leg in own] + [_guest_line(guest) for guest in invited]
    return sorted(lines, key=lambda one: not one.active)


def _guests_of(legs: Iterable[Assignment]) -> dict[int, list[Guest]]:
    found: dict[int, list[Guest]] = defaultdict(list)
    ids = [leg.pk for leg in legs]
    if ids:
        for guest in Guest.objects.live().filter(leg__in=ids).select_related("user").order_by("at"):
            found[guest.leg_id].append(guest)
    return found


def _own_line(leg: Assignment, user: "User", guests: list[Guest]) -> OnLine:
    talk, view, queue = leg.interaction, calls.view_of(leg.interaction_id), leg.item.queue
    party = calls.party_of(user.pk)
    phase, muted = view.phases.get(party, Phase.ENDED), party in view.muted
    exchange = talk.voice.exchange
    off = (
        set(Control) - commands.controls_of(exchange) if exchange else ABSENT.get(Provider(talk.voice.provider), set())
    )
    active = calls.controls_of(view, user.pk, recorded=queue.record_calls)
    customer = Party(CUSTOMER, talk.caller, "customer", GuestState.IN, "")
    return OnLine(
        session=talk.pk,
        name=talk.caller,
        party=party,
        owner=party,
        role="owner",
        provider=talk.voice.provider,
        phase=phase,
        words=words_of(phase, muted=muted),
        since=_since(view, party),
        muted=muted,
        recorded=queue.record_calls,
        paused=view.paused,
        controls=frozenset(map(str, active - off)),
        has=frozenset(map(str, set(Control) - off)),
        active=phase in SPEAKS,
        parties=(customer, *(_party_of(guest, tells=queue.tell_listening) for guest in guests)),
    )


def _party_of(guest: Guest, *, tells: bool) -> Party:
    ringing = guest.state == GuestState.RINGING
    words = {
        GuestRole.LISTEN: _("listens"),
        GuestRole.WHISPER: _("whispers to you"),
    }.get(GuestRole(guest.role), _("it rings") if ringing else "")
    shown = tells or guest.role != GuestRole.LISTEN
    return Party(calls.party_of(guest.user_id), guest.user.name, guest.role, guest.state, words, shown)


def _guest_line(guest: Guest) -> OnLine:
    talk, view = guest.interaction, calls.view_of(guest.interaction_id)
    party = calls.party_of(guest.user_id)
    muted = party in view.muted
    heard = guest.role in (GuestRole.CONSULT, GuestRole.MEMBER)
    active = calls.controls_of(view, guest.user_id, recorded=False) if heard else frozenset()
    words = {
        GuestRole.LISTEN: _("Listening"),
        GuestRole.WHISPER: _("Whispering"),
        GuestRole.CONSULT: _("Muted") if muted else _("Consulted"),
        GuestRole.MEMBER: _("Muted") if muted else _("Conference"),
    }[GuestRole(guest.role)]
    return OnLine(
        session=talk.pk,
        name=talk.caller,
        party=party,
        owner=calls.party_of(guest.leg.operator_id),
        role=guest.role,
        provider=talk.voice.provider,
        phase=Phase.CONFERENCED if guest.role == GuestRole.MEMBER else Phase.TALKING,
        words=words,
        since=_since(view, party) if heard else guest.answered_at or guest.at,
        muted=muted,
        recorded=False,
        paused=False,
        controls=frozenset(map(str, active & OF_GUESTS)),
        has=frozenset(map(str, OF_GUESTS if heard else ())),
        active=True,
        listens=guest.invited_by_id is None,
        parties=(Party(calls.party_of(guest.leg.operator_id), guest.leg.operator.name, "owner", GuestState.IN, ""),),
    )


def _since(view: CallView, party: str) -> datetime:
    begun = next((one.begin for one in reversed(view.intervals) if one.party == party), time.time())
    return datetime.fromtimestamp(begun, UTC)
