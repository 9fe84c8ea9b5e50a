"""The bar of calls: which call is on the line, where it stands, what may be pressed. Plain values for its template."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils.translation import gettext as _

from cxcenter.core import ice
from interactions.actions import calls, commands
from interactions.calls.table import Control, Phase
from interactions.choices import Provider
from routing.choices import Leg, Work
from routing.models import Assignment

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# A browser's line has nothing that listens to tones, and consulting and conferences come with their own sounds.
ABSENT = {Provider.BROWSER: frozenset({Control.KEYPAD, Control.CONSULT, Control.ADD})}


@dataclass(frozen=True)
class OnLine:
    """A call in an operator's hands. `since` is when its phase began; `controls` are what may be pressed now.

    `has` are those that its provider has at all: the others are not shown.
    """

    session: int
    name: str
    party: str
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


def bar_context(user: "User") -> dict[str, Any]:
    """Return what the bar's template is given."""
    return {"calls_in_hand": lines_of(user), "ice": ice.servers(f"user{user.pk}")}


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
    """Return the calls that an operator has, the one that is spoken first. One query, one more for each call."""
    # What rings by a telephone exchange rings at the phone: of ours the toast tells.
    shown = Q(leg=Leg.ACTIVE) | Q(leg=Leg.OFFERED, outside=True)
    legs = Assignment.objects.filter(shown, operator=user, item__work=Work.CALL)
    held = legs.select_related(
        "interaction__voice__exchange", "interaction__profile__customer", "item__queue"
    ).order_by("accepted_at")
    lines = [_line_of(leg, user) for leg in held[:8] if hasattr(leg.interaction, "voice")]
    return sorted(lines, key=lambda one: not one.active)


def _line_of(leg: Assignment, user: "User") -> OnLine:
    talk, view = leg.interaction, calls.view_of(leg.interaction_id)
    party = calls.party_of(user.pk)
    phase, muted = view.phases.get(party, Phase.ENDED), party in view.muted
    exchange = talk.voice.exchange
    off = (
        set(Control) - commands.controls_of(exchange) if exchange else ABSENT.get(Provider(talk.voice.provider), set())
    )
    active = calls.controls_of(view, user.pk, recorded=leg.item.queue.record_calls)
    begun = next((one.begin for one in reversed(view.intervals) if one.party == party), time.time())
    return OnLine(
        session=talk.pk,
        name=talk.caller,
        party=party,
        provider=talk.voice.provider,
        phase=phase,
        words=words_of(phase, muted=muted),
        since=datetime.fromtimestamp(begun, UTC),
        muted=muted,
        recorded=leg.item.queue.record_calls,
        paused=view.paused,
        controls=frozenset(map(str, active - off)),
        has=frozenset(map(str, set(Control) - off)),
        active=phase in {Phase.TALKING, Phase.CONSULTING, Phase.CONFERENCED},
    )
