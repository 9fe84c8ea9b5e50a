"""Ninety days of the demo: who wrote when, who answered, what came of it. The same at each run."""

import itertools
import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings

from customers.events import SiteEvent
from cxcenter.accounts.models import User
from cxcenter.management.demo import busy, cases, customers, dialogues_en, dialogues_ru, firms, queues, shifts, talks
from cxcenter.management.demo.customers import Person
from cxcenter.management.demo.dialogue import Dialogue
from cxcenter.management.demo.record import Book
from cxcenter.management.demo.shifts import Shift
from cxcenter.management.demo.talks import Talk, Visitor, World
from interactions.models import Disposition, Site, Thread, Topic
from routing.models import PauseReason, Queue, QueueMember

DAYS = 90
WEEKDAY, WEEKEND = 14, 6
LOST_SHARE = 0.06
# So many weeks back the weekday of today was busy as well.
WEEKS = 4
# Who comes today is none of those who came yesterday: late at night both meet.
LATE = 150
# Somebody who waits is tried again after so long.
STEP_S = 7
SEED = 4105
DIALOGUES: dict[str, tuple[Dialogue, ...]] = {"en": dialogues_en.DIALOGUES, "ru": dialogues_ru.DIALOGUES}
# The talks of today: minutes ago, who answered, what about.
TODAY = (
    (370, "operator1", "Repair takes long"),
    (300, "operator2", "Order and delivery"),
    (241, "operator5", "Maintenance"),
    (175, "operator1", "Tyres and wheels"),
    (120, "operator4", "Warranty claim"),
    (62, "operator1", "Warranty claim"),
)
# Who works today.
ON_DUTY = ("operator1", "operator2", "operator4", "operator5", "senior1")
PAGES = (
    ("tyres", "Tyres and wheels"),
    ("parts", "Parts"),
    ("service", "Service booking"),
    ("warranty", "Warranty claim status"),
    ("models/norda-4", "Norda 4"),
    ("delivery", "Delivery and payment"),
)


class Demo(NamedTuple):
    """The installation that the history is told of."""

    site: Site
    world: World
    staff: dict[str, User]
    people: list[Person]
    queues: dict[str, Queue]
    members: dict[int, set[int]]
    book: Book
    chance: random.Random
    now: datetime


def plant(site: Site, staff: dict[str, User], now: datetime) -> bool:
    """Write customers and their history, unless the site has had talks already. Returns whether it was written."""
    if Thread.objects.filter(channel=site.channel).exists():
        return False
    chance = random.Random(SEED)  # noqa: S311 — a demo, not a secret
    workers = {name: user for name, user in staff.items() if hasattr(user, "presence")}
    demo = Demo(
        site=site,
        world=World(
            topics={topic.name: topic for topic in Topic.objects.select_related("parent")},
            dispositions={row.name: row for row in Disposition.objects.all()},
            second_line=Queue.objects.get(name="Second line"),
            supervisor=staff["supervisor"],
        ),
        staff=workers,
        people=customers.plant(chance, now),
        queues={queue.name: queue for queue in Queue.objects.select_related("team")},
        members=_members(),
        book=Book(site.channel),
        chance=chance,
        now=now,
    )
    worked = _past_days(demo) + _today(demo)
    cases.lay_out(demo.book, staff, demo.queues["Warranty"].team, now)
    firms.plant(demo.book, demo.people, staff["operator2"], now)
    demo.book.write()
    shifts.write_intervals(worked, {reason.name: reason for reason in PauseReason.objects.all()})
    return True


def _members() -> dict[int, set[int]]:
    members: dict[int, set[int]] = {}
    for queue_id, user_id in QueueMember.objects.values_list("queue_id", "user_id"):
        members.setdefault(queue_id, set()).add(user_id)
    return members


def _past_days(demo: Demo) -> list[Shift]:
    """Tell every day up to this one; shifts that would reach into today's talks are left out."""
    today = demo.now.astimezone(ZoneInfo(settings.DEFAULT_ZONE)).date()
    worked = []
    for back in range(DAYS, -1, -1):
        day = today - timedelta(days=back)
        on_duty = [shift for shift in shifts.roster(demo.staff, day, demo.chance) if _is_over(demo, shift, back)]
        if back == 1:
            able = demo.members[demo.queues[queues.ENTRANCES[busy.RUSH_ABOUT]].pk]
            came = busy.yesterday(day, on_duty, able, demo.chance)
            _tell_arrivals(demo, came, demo.people[len(TODAY) : LATE], on_duty)
        elif back and back % 7 == 0 and back <= WEEKS * 7:
            _tell_arrivals(demo, busy.like_today(day, demo.chance), demo.people[:LATE], on_duty)
        else:
            _tell_day(demo, day, on_duty)
        worked += on_duty
    return worked


def _is_over(demo: Demo, shift: Shift, back: int) -> bool:
    """Tell whether a shift ends before those of today begin; of yesterday, also that of somebody who has none today."""
    free = timedelta(hours=1 if back == 1 and shift.user.username not in ON_DUTY else 8)
    return shift.ends < demo.now - free


def _tell_day(demo: Demo, day: date, on_duty: list[Shift]) -> None:
    count = WEEKEND if day.weekday() >= 5 else WEEKDAY
    for person in demo.chance.sample(_by_habit(demo), count):
        if on_duty:
            _tell_one(demo, person, on_duty)


def _by_habit(demo: Demo) -> list[Person]:
    """Return everybody; the first dozen write in often, so most days choose among them and a third of the rest."""
    rest = demo.people[12:]
    return demo.people[:12] + demo.chance.sample(rest, len(rest) // 3)


def _tell_one(demo: Demo, person: Person, on_duty: list[Shift]) -> None:
    """Find a time at which somebody of the queue is free, and tell the talk; a few give up before."""
    for _attempt in range(12):
        dialogue = talks.filled(demo.chance.choice(DIALOGUES[person.language]), person, demo.chance)
        queue = _queue_of(demo, dialogue)
        able = [shift for shift in on_duty if shift.user.pk in demo.members[queue.pk]]
        if not able:
            continue
        shift = demo.chance.choice(able)
        span = int((shift.ends - shift.begins).total_seconds())
        opened = shift.begins + timedelta(seconds=demo.chance.randint(60, span - 600))
        visitor = Visitor(person, dialogue, queue, opened, _wait(demo.chance))
        if demo.chance.random() < LOST_SHARE:
            _lose(demo, replace(visitor, wait_s=visitor.wait_s + 30), shift.user)
            return
        if _tell_at(demo, visitor, shift, on_duty):
            return


def _tell_arrivals(demo: Demo, came: list[busy.Arrival], people: list[Person], on_duty: list[Shift]) -> None:
    """Tell of people who come one after the other: each is served as soon as somebody has room, or gives up before."""
    # Each comes again only after all others: nobody has two talks at once.
    turns = itertools.cycle(demo.chance.sample(people, len(people)))
    for arrival, person in zip(came, turns, strict=False):
        dialogues = [one for one in DIALOGUES[person.language] if arrival.about in ("", _root(demo, one))]
        dialogue = talks.filled(demo.chance.choice(dialogues), person, demo.chance)
        queue = _queue_of(demo, dialogue)
        able = [shift for shift in on_duty if shift.user.pk in demo.members[queue.pk] and shift.is_at(arrival.at)]
        if able:
            _serve(demo, Visitor(person, dialogue, queue, arrival.at, 0), able, on_duty)


def _serve(demo: Demo, visitor: Visitor, able: list[Shift], on_duty: list[Shift]) -> None:
    demo.chance.shuffle(able)
    patience_s = busy.patience_s(visitor.queue, demo.chance)
    for wait_s in range(demo.chance.randint(4, 12), patience_s, STEP_S):
        waited = replace(visitor, wait_s=wait_s)
        if any(_tell_at(demo, waited, shift, on_duty) for shift in sorted(able, key=lambda one: len(one.contacts))):
            return
    _lose(demo, replace(visitor, wait_s=patience_s), able[0].user)


def _root(demo: Demo, dialogue: Dialogue) -> str:
    topic = demo.world.topics[dialogue.topic]
    return (topic.parent or topic).name


def _wait(chance: random.Random) -> int:
    """Mostly half a minute, now and then several."""
    return min(420, 6 + round(chance.expovariate(1 / 22)))


def _queue_of(demo: Demo, dialogue: Dialogue) -> Queue:
    return demo.queues[queues.ENTRANCES[_root(demo, dialogue)]]


def _tell_at(demo: Demo, visitor: Visitor, shift: Shift, on_duty: list[Shift]) -> bool:
    """Tell the talk if everybody whom it needs has room then. Returns whether it was told."""
    second_line = demo.members[demo.world.second_line.pk]
    seniors = [other for other in on_duty if other.user.pk in second_line and other is not shift]
    senior = demo.chance.choice(seniors) if seniors else None
    parts = talks.plan(demo.world, visitor, shift, senior, demo.chance)
    if parts is None:
        return False
    _browse(demo, visitor)
    talk = Talk(demo.book, demo.world, visitor, demo.chance)
    talk.go_through(parts)
    cases.register(demo.book, visitor.dialogue, talk.session, demo.chance, demo.now)
    return True


def _lose(demo: Demo, visitor: Visitor, user: User) -> None:
    """Tell of a visitor who left; the callback he gets is done by now unless it is of today."""
    talk = Talk(demo.book, demo.world, visitor, demo.chance)
    task = talk.give_up(timedelta(seconds=demo.site.gone_after_s))
    if task and demo.now - task.created_at > timedelta(days=1):
        task.assignee = user
        cases.finish(demo.book, task, user, task.created_at + timedelta(minutes=demo.chance.randint(9, 50)))


def _browse(demo: Demo, visitor: Visitor) -> None:
    """Tell which pages the visitor saw before he wrote, and what he put into the basket."""
    at = visitor.opened - timedelta(minutes=demo.chance.randint(2, 9))
    for path, title in demo.chance.sample(PAGES, demo.chance.randint(0, 2)):
        data: dict[str, object] = {"url": f"https://norda.example/{path}", "title": title}
        _on_site(demo, visitor, at, "page_view", data)
        at += timedelta(seconds=demo.chance.randint(15, 50))
    if visitor.dialogue.topic == "Tyres and wheels":
        _on_site(demo, visitor, at, "cart_add", {"sku": "nord-ice-16", "count": 4})


def _on_site(demo: Demo, visitor: Visitor, at: datetime, kind: str, data: dict[str, object]) -> None:
    demo.book.fact(at, visitor.person.profile, lambda: SiteEvent(type=kind, origin="browser", data=data))


def _today(demo: Demo) -> list[Shift]:
    """Tell the talks of the last hours; their operators signed off a few minutes ago."""
    begins, ends = demo.now - timedelta(hours=6, minutes=40), demo.now - timedelta(minutes=6)
    on_duty = {name: shifts.shift_of(demo.staff[name], begins, ends, demo.chance) for name in ON_DUTY}
    for (minutes_ago, name, topic), person in zip(TODAY, demo.people, strict=False):
        dialogue = next(d for d in DIALOGUES[person.language] if d.topic == topic and not d.is_handed_over)
        dialogue = talks.filled(dialogue, person, demo.chance)
        opened = demo.now - timedelta(minutes=minutes_ago)
        visitor = Visitor(person, dialogue, _queue_of(demo, dialogue), opened, _wait(demo.chance))
        # A pause of the operator moves the visitor a little.
        later = (replace(visitor, opened=opened + timedelta(minutes=minutes)) for minutes in range(0, 40, 2))
        assert any(_tell_at(demo, moved, on_duty[name], list(on_duty.values())) for moved in later), name
    came = busy.today(begins, ends - timedelta(minutes=25), demo.chance)
    _tell_arrivals(demo, came, demo.people[LATE:], list(on_duty.values()))
    return list(on_duty.values())
