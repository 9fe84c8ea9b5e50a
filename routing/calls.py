"""When a customer may be called: in the hours of the queue, and by day where he lives."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from cxcenter.core.zones import is_zone
from routing import queries
from routing.hours import Hours
from routing.models import Queue

SLOT = timedelta(hours=1)
SLOT_DAYS = 5
LOOK_AHEAD = timedelta(days=14)
# A queue that never closes still has people who sleep: calls are offered in working hours.
CALL_HOURS = (time(9), time(18))
# Nobody is called at night, whatever the queue's hours.
DAY = (time(8), time(22))
# So many openings, closings by hand and mornings are tried one after another.
STEPS = 40


def zone_of(said: str) -> str:
    """Return a time zone as a browser names it, or "" for a name that means nothing."""
    return said if is_zone(said) else ""


def is_by_day(zone: str, moment: datetime) -> bool:
    """Tell whether it is day where he lives. Of somebody whose zone is not known nothing is known."""
    return not zone or DAY[0] <= moment.astimezone(ZoneInfo(zone)).time() < DAY[1]


def may_call(queue: Queue, zone: str, moment: datetime) -> bool:
    """Tell whether the hours of the queue and of the customer let him be called at a moment."""
    hours = queries.hours_of(queue)
    return (hours is None or hours.is_open(moment)) and is_by_day(zone, moment)


def first_moment(queue: Queue, zone: str, after: datetime) -> datetime | None:
    """Return the first moment from `after` on at which he may be called and the queue is not closed by hand.

    None if that is not within reach: a queue that never opens, or only at his night.
    """
    hours = queries.hours_of(queue)
    moment: datetime | None = after
    for _step in range(STEPS):
        if moment is None:
            return None
        if queue.closed_until and queue.closed_until > moment:
            moment = queue.closed_until
        elif hours and not hours.is_open(moment):
            moment = hours.next_opening(moment)
        elif not is_by_day(zone, moment):
            moment = _next_morning(zone, moment)
        else:
            return moment
    return None


def _next_morning(zone: str, moment: datetime) -> datetime:
    local = moment.astimezone(ZoneInfo(zone))
    day = local.date() + timedelta(days=0 if local.time() < DAY[0] else 1)
    return datetime.combine(day, DAY[0], tzinfo=ZoneInfo(zone))


def slots(queue: Queue | None, now: datetime | None = None, zone: str = "") -> list[datetime]:
    """Return the beginnings of the hours in which a call can be promised: working hours of the next days, by his day."""
    now = now or timezone.now()
    hours = queries.hours_of(queue) if queue else None
    if queue is not None and queue.closed_until and queue.closed_until > now:
        now = queue.closed_until
    begin = (now + SLOT).replace(minute=0, second=0, microsecond=0) + (SLOT if now.minute else timedelta(0))
    found: list[datetime] = []
    days: set[date] = set()
    moment = begin
    while moment < begin + LOOK_AHEAD:
        local = moment.astimezone(ZoneInfo(hours.zone if hours else settings.DEFAULT_ZONE))
        if _is_working(hours, local) and is_by_day(zone, moment):
            days.add(local.date())
            if len(days) > SLOT_DAYS:
                break
            found.append(moment)
        moment += SLOT
    return found


def _is_working(hours: Hours | None, local: datetime) -> bool:
    """Tell whether the whole hour from `local` is working time."""
    if hours is None:
        return CALL_HOURS[0] <= local.time() < CALL_HOURS[1]
    return hours.is_open(local) and hours.is_open(local + SLOT - timedelta(minutes=1))
