"""Who worked when: shifts with pauses, the contacts in them, and the states that follow from both."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from cxcenter.accounts.models import User
from routing.choices import State
from routing.models import PauseReason, PresenceInterval

Span = tuple[datetime, datetime]
# Shifts begin at 8, 11 and 14 o'clock, in turn.
STARTS = (8, 11, 14)
LENGTH = timedelta(hours=8)
# What happens in a shift: hours after its beginning, reason of the pause.
PAUSES = ((2.0, "Break"), (4.0, "Lunch"), (6.25, "Break"))
MINUTES = {"Break": 15, "Lunch": 30, "Training": 45, "Back-office work": 40}


@dataclass
class Contact:
    """One contact in a shift: when it took a place of the operator, and when its wrap-up ended."""

    accepted: datetime
    let_go: datetime
    wrapup: Span | None


@dataclass
class Shift:
    """One operator's working day."""

    user: User
    capacity: int
    begins: datetime
    ends: datetime
    pauses: list[tuple[Span, str]] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)

    def is_at(self, moment: datetime) -> bool:
        """Tell whether it is a moment of the shift, pauses included."""
        return self.begins <= moment < self.ends

    def has_room(self, begins: datetime, ends: datetime) -> bool:
        """Tell whether a contact of that time fits: within the shift, outside pauses, below the capacity."""
        if begins < self.begins or ends > self.ends:
            return False
        if any(begins < pause_ends and ends > pause_begins for (pause_begins, pause_ends), _reason in self.pauses):
            return False
        at_once = sum(1 for c in self.contacts if begins < (c.wrapup or (0, c.let_go))[1] and ends > c.accepted)
        return at_once < self.capacity

    def states(self) -> Iterator[tuple[datetime, str, str]]:
        """Yield (since, state, reason of the pause) of the shift in order, without two alike in a row."""
        marks = {self.begins, *(moment for span, _ in self.pauses for moment in span)}
        for contact in self.contacts:
            marks |= {contact.accepted, contact.let_go, *(contact.wrapup or ())}
        before = None
        for moment in sorted(mark for mark in marks if mark < self.ends):
            now = self._state_at(moment)
            if now != before:
                yield moment, *now
            before = now

    def _state_at(self, moment: datetime) -> tuple[str, str]:
        for (begins, ends), reason in self.pauses:
            if begins <= moment < ends:
                return State.PAUSE, reason
        if any(c.accepted <= moment < c.let_go for c in self.contacts):
            return State.BUSY, ""
        if any(c.wrapup and c.wrapup[0] <= moment < c.wrapup[1] for c in self.contacts):
            return State.WRAPUP, ""
        return State.AVAILABLE, ""


def roster(staff: dict[str, User], day: date, chance: random.Random) -> list[Shift]:
    """Return the shifts of a day: two operators of three work on a weekday, one of three at the weekend."""
    zone = ZoneInfo(settings.DEFAULT_ZONE)
    shifts = []
    for number, user in enumerate(staff.values()):
        turn = (number + day.toordinal()) % 3
        if turn == 2 or (day.weekday() >= 5 and turn == 1):
            continue
        lateness = timedelta(seconds=chance.randint(-240, 300))
        begins = datetime.combine(day, time(STARTS[(number + turn) % 3]), tzinfo=zone) + lateness
        shifts.append(shift_of(user, begins, begins + LENGTH, chance))
    return shifts


def shift_of(user: User, begins: datetime, ends: datetime, chance: random.Random) -> Shift:
    """Return a shift with its pauses; now and then a training or work with papers."""
    shift = Shift(user=user, capacity=user.presence.capacity, begins=begins, ends=ends)
    plan = list(PAUSES)
    if chance.random() < 0.2:
        plan.append((1.0, chance.choice(["Training", "Back-office work"])))
    for hours, reason in sorted(plan):
        at = begins + timedelta(hours=hours, minutes=chance.randint(-8, 8))
        until = at + timedelta(minutes=MINUTES[reason], seconds=chance.randint(-150, 200))
        if until < ends:
            shift.pauses.append(((at, until), reason))
    return shift


def write_intervals(shifts: list[Shift], reasons: dict[str, PauseReason]) -> None:
    """Write the states of all shifts as intervals that follow each other, offline between the shifts.

    The last interval of everybody runs on: offline since his last shift.
    """
    by_user: dict[User, list[Shift]] = {}
    for shift in sorted(shifts, key=lambda s: s.begins):
        by_user.setdefault(shift.user, []).append(shift)
    rows = []
    for user, worked in by_user.items():
        states = [state for shift in worked for state in (*shift.states(), (shift.ends, State.OFFLINE, ""))]
        until = [since for since, _state, _reason in states[1:]] + [None]
        rows += [
            PresenceInterval(user=user, state=state, reason=reasons.get(reason), started_at=since, ended_at=end)
            for (since, state, reason), end in zip(states, until, strict=True)
        ]
        _sign_off(user, worked[-1])
    PresenceInterval.objects.bulk_create(sorted(rows, key=lambda row: row.started_at))


def _sign_off(user: User, last: Shift) -> None:
    presence = user.presence
    presence.since = last.ends
    presence.idle_since = max((c.let_go for c in last.contacts), default=last.begins)
    presence.save(update_fields=["since", "idle_since"])
