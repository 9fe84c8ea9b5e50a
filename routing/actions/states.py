"""How a presence changes: its load, its shown state, its intervals. Callers hold the presence's lock."""

from datetime import datetime

from django.utils import timezone

from cxcenter.core import realtime
from cxcenter.core.events import announce
from cxcenter.core.planned import Given, Planned
from cxcenter.core.statements import Statement
from routing import rows
from routing.capacity import LIMITS
from routing.choices import Mode, State
from routing.events import PresenceChanged, RoomMade
from routing.models import Attendance, Presence, PresenceInterval

# Asked whenever somebody's work changes. In a colleague's call he works as in one of his own.
IN_WORK = Statement(
    "in_work",
    """
    SELECT coalesce(bool_or(leg = 'active' AND holds), false), coalesce(bool_or(leg = 'wrapup'), false) FROM (
        SELECT leg, holds FROM routing_assignment WHERE operator_id = %(user)s AND leg <> 'ended'
        UNION ALL
        SELECT 'active', true FROM routing_guest WHERE user_id = %(user)s AND state = 'in' AND invited_by_id IS NOT NULL
    ) work
    """,
    user="bigint",
)
RUNNING = Planned(
    "running_interval",
    lambda: PresenceInterval.objects.filter(user_id=Given("user", "bigint"), ended_at=None).order_by()[:1],
)


def shown_state(presence: Presence) -> str:
    """Return what an operator does: his mode, or while available the work he has."""
    if presence.mode != Mode.AVAILABLE:
        return presence.mode
    holds, wraps_up = IN_WORK.row(user=presence.user_id) or (False, False)
    if holds:
        return State.BUSY
    return State.WRAPUP if wraps_up else State.AVAILABLE


def settle(presence: Presence, *, now: datetime | None = None, loads: int = 0, work: str = "") -> None:
    """Write a presence after its mode or work changed: `loads` more of a kind of `work`, state, interval, announcements.

    Room that appears starts an assignment after the commit.
    """
    assert work or not loads, "say of which kind of work"
    now = now or timezone.now()
    presence.add(work, loads)
    if loads < 0 and presence.load == 0:
        presence.idle_since = now
    _go_if_asked(presence, now)
    state = shown_state(presence)
    if state != presence.state or presence.mode == Mode.PAUSE:
        _begin_interval(presence, state, now)
    presence.save(
        update_fields=[
            "mode",
            "state",
            "reason",
            "since",
            "profile",
            *LIMITS.values(),
            "load",
            "call_load",
            "callback_load",
            "off",
            "idle_since",
            "pause_after",
            "attends",
            "vanished_at",
        ]
    )
    realtime.signal(presence.user_id, "presence")
    if presence.mode == Mode.AVAILABLE and not presence.pause_after:
        queues = rows.queues_with_room(presence.user_id)
        if queues:
            announce(RoomMade(queues=queues))


def _go_if_asked(presence: Presence, now: datetime) -> None:
    """Begin the pause or the reserved time that was to follow the present contacts, when nothing is left in work."""
    if not presence.pause_after or presence.load > 0 or presence.mode != Mode.AVAILABLE:
        return
    if presence.attends is None:
        presence.mode, presence.pause_after = Mode.PAUSE, False
    else:
        attend(presence, presence.attends, now)


def attend(presence: Presence, attendance: Attendance, now: datetime) -> None:
    """Let an operator go to a meeting or a training for which his time is reserved."""
    presence.mode, presence.attends, presence.pause_after = attendance.reservation.state, attendance, False
    presence.reason = None
    if attendance.begun_at is None:
        attendance.begun_at = now
        attendance.save(update_fields=["begun_at"])


def _begin_interval(presence: Presence, state: str, now: datetime) -> None:
    """End the running interval and begin the next at the same moment: no gap, no overlap."""
    # A reason that was chosen for "pause after" is not yet the reason of what is done before it.
    reason = presence.reason_id if state == State.PAUSE else None
    running = RUNNING.first(user=presence.user_id)
    if running and running.state == state and running.reason_id == reason:
        return
    if running:
        # Who waited for the lock has an older time than he who had it.
        now = max(now, running.started_at)
        PresenceInterval.objects.filter(pk=running.pk).update(ended_at=now)
    PresenceInterval.objects.create(user_id=presence.user_id, state=state, reason_id=reason, started_at=now)
    presence.state, presence.since = state, now
    announce(PresenceChanged(operator=presence.user_id, state=state))
