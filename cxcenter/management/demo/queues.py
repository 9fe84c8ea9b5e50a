"""Queues of the demo: hours, members, entrances, reasons of pauses."""

from datetime import date, time, timedelta
from typing import Any, NamedTuple

from django.utils import timezone

from cxcenter.accounts.models import Team, User
from cxcenter.management.demo.people import SALES, SUPPORT
from interactions.models import Site, Topic
from routing.models import (
    BusinessHours,
    Entrance,
    Holiday,
    MemberPeriod,
    OpeningInterval,
    PauseReason,
    Queue,
    QueueMember,
)

DAY_AND_NIGHT, OFFICE = "Day and night", "Office, Moscow"
MIDNIGHT = time(0, 0)
HISTORY = timedelta(days=100)


class Plan(NamedTuple):
    """One queue: who serves it, and what differs from the defaults."""

    name: str
    name_ru: str
    team: str
    hours: str
    operators: tuple[int, ...]
    others: tuple[str, ...] = ()
    fields: dict[str, Any] = {}


# operator1 and operator2 serve every queue of the site: whatever a visitor of the demo chooses, it reaches them.
QUEUES = (
    Plan(
        "Warranty", "Гарантия", SUPPORT, DAY_AND_NIGHT, (1, 2, 3, 4), ("senior1",), {"priority": 2, "callbacks": True}
    ),
    Plan("Parts and accessories", "Запчасти и аксессуары", SALES, DAY_AND_NIGHT, (1, 2, 9, 10, 11, 12)),
    Plan("Service booking", "Запись на сервис", SUPPORT, DAY_AND_NIGHT, (1, 2, 5, 6, 7, 8)),
    Plan(
        "Complaints",
        "Жалобы",
        SUPPORT,
        DAY_AND_NIGHT,
        (1, 2, 4, 8),
        ("senior1",),
        {"priority": 4, "target_s": 45, "wrapup_s": 120},
    ),
    Plan("Second line", "Вторая линия", SUPPORT, DAY_AND_NIGHT, (), ("senior1", "supervisor"), {"target_s": 120}),
    Plan(
        "Fleet sales",
        "Корпоративные продажи",
        SALES,
        OFFICE,
        (9, 12),
        (),
        {"target_s": 90, "max_waiting": 10, "callbacks": True},
    ),
)
# Which queue a topic leads to; all else goes to Service booking.
ENTRANCES = {
    "Warranty and repair": "Warranty",
    "Parts and accessories": "Parts and accessories",
    "Service booking": "Service booking",
    "Complaint": "Complaints",
    "Fleet and business": "Fleet sales",
}
PAUSES = (
    ("Break", "Перерыв", 15),
    ("Lunch", "Обед", 30),
    ("Back-office work", "Работа с документами", None),
)


def plant(staff: dict[str, User], site: Site, topics: dict[str, Topic]) -> None:
    """Make the missing queues with hours and members, the entrances of the site, the reasons of pauses."""
    hours = {DAY_AND_NIGHT: _day_and_night(), OFFICE: _office()}
    queues = {plan.name: _queue(plan, hours[plan.hours], staff) for plan in QUEUES}
    for topic, queue in ENTRANCES.items():
        Entrance.objects.get_or_create(channel=site.channel, topic=topics[topic], defaults={"queue": queues[queue]})
    Entrance.objects.get_or_create(channel=site.channel, topic=None, defaults={"queue": queues["Service booking"]})
    for name, name_ru, limit in PAUSES:
        PauseReason.objects.get_or_create(name=name, defaults={"name_ru": name_ru, "limit_min": limit})


def _queue(plan: Plan, hours: BusinessHours, staff: dict[str, User]) -> Queue:
    queue, made = Queue.objects.get_or_create(
        name=plan.name,
        defaults={
            "name_ru": plan.name_ru,
            "team": Team.objects.get(name=plan.team),
            "hours": hours,
            **plan.fields,
        },
    )
    if made:
        names = [f"operator{number}" for number in plan.operators] + list(plan.others)
        QueueMember.objects.bulk_create([QueueMember(queue=queue, user=staff[name]) for name in names])
        # They have served it as long as the history goes back.
        MemberPeriod.objects.filter(queue=queue).update(started_at=timezone.now() - HISTORY)
    return queue


def _day_and_night() -> BusinessHours:
    hours, made = BusinessHours.objects.get_or_create(name=DAY_AND_NIGHT)
    if made:
        OpeningInterval.objects.bulk_create(
            [OpeningInterval(hours=hours, day=day, opens=MIDNIGHT, closes=MIDNIGHT) for day in range(7)]
        )
    return hours


def _office() -> BusinessHours:
    """Weekdays with a lunch break, a short Saturday, public holidays of this year and the next."""
    hours, made = BusinessHours.objects.get_or_create(name=OFFICE)
    if not made:
        return hours
    halves = ((time(8, 0), time(13, 0)), (time(13, 30), time(20, 0)))
    week = [(day, opens, closes) for day in range(5) for opens, closes in halves] + [(5, time(10, 0), time(16, 0))]
    OpeningInterval.objects.bulk_create([OpeningInterval(hours=hours, day=d, opens=o, closes=c) for d, o, c in week])
    year = timezone.localdate().year
    days = [
        Holiday(hours=hours, date=date(y, month, day), name=name)
        for y in (year, year + 1)
        for month, day, name in ((1, 1, "New Year"), (1, 2, "New Year"), (1, 7, "Christmas"), (5, 9, "Victory Day"))
    ]
    short = Holiday(hours=hours, date=date(year, 12, 31), name="Short day", opens=time(9, 0), closes=time(15, 0))
    Holiday.objects.bulk_create([*days, short])
    return hours
