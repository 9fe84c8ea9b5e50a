"""Time reserved for meetings and trainings: planned by a supervisor, kept by the operators' states."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core import audit, realtime
from cxcenter.core.errors import Forbidden, Invalid
from routing import locks
from routing.actions import states
from routing.choices import RESERVED, Mode
from routing.models import Attendance, Presence, Reservation

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

LONGEST = timedelta(hours=12)
FURTHEST = timedelta(days=92)
# So long before it an operator is told.
TOLD_BEFORE = timedelta(minutes=5)
# A plan that begins now was filled in a little while ago.
LATE = timedelta(minutes=5)


@transaction.atomic
def plan(
    *,
    users: Iterable["User"],
    state: str,
    subject: str,
    starts_at: datetime,
    ends_at: datetime,
    actor: "User",
    then: str = Mode.AVAILABLE,
) -> Reservation:
    """Reserve time of operators for a meeting or a training; `then` is what they are after it.

    Raises Invalid for times that make no sense or are reserved already, Forbidden for operators of other teams.
    """
    people = {user.pk: user for user in users}
    _check(state, then, starts_at, ends_at)
    if not people:
        raise Invalid(_("Choose who takes part."), field="operators")
    _refuse_foreign(people, actor)
    # Two plans for one operator follow each other.
    locks.lock_presences(people)
    _refuse_overlap(people, starts_at, ends_at)
    made = Reservation.objects.create(
        state=state, subject=subject.strip(), starts_at=starts_at, ends_at=ends_at, then=then, made_by=actor
    )
    Attendance.objects.bulk_create(Attendance(reservation=made, user_id=pk) for pk in sorted(people))
    audit.record(actor, "reservation.plan", f"reservation:{made.pk}", users=sorted(people), state=state)
    for pk in people:
        realtime.signal(pk, "presence")
    return made


def _refuse_foreign(people: Collection[int], actor: "User") -> None:
    """Raise Forbidden unless the actor controls all of these operators."""
    if Presence.objects.controlled_by(actor).filter(user__in=people).count() != len(people):
        raise Forbidden(_("Operators of other teams take part: their supervisor or an administrator can do that."))


def _check(state: str, then: str, starts_at: datetime, ends_at: datetime) -> None:
    now = timezone.now()
    if state not in RESERVED:
        raise Invalid(_("Choose a meeting or a training."), field="state")
    if then not in {Mode.AVAILABLE, Mode.PAUSE}:
        raise Invalid(_("There is no such state."), field="then")
    if starts_at < now - LATE or starts_at > now + FURTHEST:
        raise Invalid(_("Choose a beginning from now on, within three months."), field="starts_at")
    if not timedelta(0) < ends_at - starts_at <= LONGEST or ends_at <= now:
        raise Invalid(_("Choose an end after the beginning, 12 hours later at the most."), field="ends_at")


def _refuse_overlap(people: "dict[int, User]", starts_at: datetime, ends_at: datetime) -> None:
    taken = Attendance.objects.filter(
        user__in=people, ended_at=None, reservation__starts_at__lt=ends_at, reservation__ends_at__gt=starts_at
    )
    other = taken.select_related("reservation").order_by("reservation__starts_at", "user_id").first()
    if other is not None:
        words = _("%(name)s has “%(subject)s” at that time. Choose another time, or leave him out.")
        name, subject = people[other.user_id].name, other.reservation.subject
        raise Invalid(words % {"name": name, "subject": subject}, field="operators")


@transaction.atomic
def cancel(*, reservation: Reservation, actor: "User") -> int:
    """Call a reserved time off; who is there comes back to work. Returns for how many.

    Raises Forbidden if operators of other teams take part.
    """
    now = timezone.now()
    people = Attendance.objects.filter(reservation=reservation, ended_at=None)
    users = list(people.values_list("user_id", flat=True))
    _refuse_foreign(users, actor)
    locks.lock_presences(users)
    if not Reservation.objects.filter(pk=reservation.pk, cancelled_at=None).update(cancelled_at=now):
        return 0
    attendances = list(people.select_related("reservation"))
    for attendance in attendances:
        _end(attendance, now)
    audit.record(actor, "reservation.cancel", f"reservation:{reservation.pk}")
    return len(attendances)


def sweep_reserved(*, now: datetime) -> int:
    """Tell operators what is ahead, let them go there when their contacts have ended, and let them come back."""
    open_ones = Attendance.objects.filter(ended_at=None)
    here = Q(user__presence__mode__in=[Mode.AVAILABLE, Mode.PAUSE, Mode.NOT_RESPONDING])
    waits = Q(user__presence__load__gt=0) & Q(user__presence__attends__isnull=False)
    over = open_ones.filter(reservation__ends_at__lte=now)
    due = open_ones.filter(here, reservation__starts_at__lte=now, reservation__ends_at__gt=now).exclude(waits)
    soon = open_ones.filter(told_at=None, reservation__starts_at__gt=now, reservation__starts_at__lte=now + TOLD_BEFORE)
    return sum(_each(found, act, now) for found, act in ((over, _end), (due, _begin), (soon, _tell)))


def _each(found: QuerySet[Attendance], act: Callable[[Attendance, datetime], bool], now: datetime) -> int:
    """Do the act to each that is found, in a transaction of its own, under its operator's lock."""
    done = 0
    for pk, user_id in list(found.order_by("user_id", "pk").values_list("pk", "user_id")[:200]):
        with transaction.atomic():
            locks.lock_presence(user_id)
            attendance = Attendance.objects.select_related("reservation").filter(pk=pk, ended_at=None).first()
            done += attendance is not None and act(attendance, now)
    return done


def _tell(attendance: Attendance, now: datetime) -> bool:
    """Tell an operator once what begins soon."""
    if attendance.told_at is not None:
        return False
    attendance.told_at = now
    attendance.save(update_fields=["told_at"])
    ahead = attendance.reservation
    told = {"kind": "reserved", "state": ahead.state, "subject": ahead.subject, "at": ahead.starts_at.timestamp()}
    realtime.push((realtime.user_group(attendance.user_id), told))
    realtime.signal(attendance.user_id, "presence")
    return True


def _begin(attendance: Attendance, now: datetime) -> bool:
    """Let an operator go to it: at once with empty hands, else after his contacts; nothing new comes to him."""
    presence = locks.lock_presence(attendance.user_id)
    if presence.mode in RESERVED or presence.mode == Mode.OFFLINE:
        return False
    if presence.load == 0:
        states.attend(presence, attendance, now)
    elif presence.mode == Mode.AVAILABLE and presence.attends_id != attendance.pk:
        presence.attends, presence.pause_after = attendance, True
    else:
        return False
    states.settle(presence, now=now)
    return True


def _end(attendance: Attendance, now: datetime) -> bool:
    """Let an operator come back, or wait for it no longer."""
    presence = locks.lock_presence(attendance.user_id)
    attendance.ended_at = now
    attendance.save(update_fields=["ended_at"])
    if presence.attends_id != attendance.pk:
        realtime.signal(attendance.user_id, "presence")
        return True
    if presence.mode in RESERVED:
        presence.mode = Mode.AVAILABLE if attendance.reservation.cancelled_at else attendance.reservation.then
        presence.idle_since = now
    presence.attends, presence.pause_after = None, False
    states.settle(presence, now=now)
    return True
