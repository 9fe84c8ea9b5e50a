"""A day that was, as rules are tried on it: who came, how long serving took, who gave up, who was there."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from cxcenter.accounts.models import User
from routing.choices import Blocked, LegEnd, Outcome, State, Then, When, Work
from routing.hours import MIDNIGHT
from routing.models import Assignment, MemberPeriod, OperatorSkill, Presence, PresenceInterval, WorkItem

# With fewer contacts, or fewer answered ones, a day tells nothing.
FEWEST, ANSWERED = 20, 10
# Weeks that are looked back for a day like it.
WEEKS = 8
THERE = (State.AVAILABLE, State.BUSY, State.WRAPUP)
LEFT = (Outcome.ANSWERED, Outcome.ABANDONED, Outcome.FLOWED_OUT, Outcome.BLOCKED)
NO_ENTRY = (Blocked.NO_LINE, Blocked.RULE)
# Of those who met a closed door, these did because nobody was there: rules for that are played.
UNATTENDED = [f"{When.NOBODY}:{then}" for then in (Then.CALLBACK, Then.FORM, Then.CLOSE)]


@dataclass(frozen=True)
class About:
    """What rules ask of a contact: its channel, its topic, its language, the segments of its customer by their codes.

    `asked` are levels that a program asked for besides the rules, `steps` those of priority that it got by the order of its
    queue; where `is_ordered` is not true it came past the order: handed on, or as a callback.
    """

    channel: int
    topic: int | None
    language: str
    segments: tuple[str, ...]
    asked: tuple[tuple[int, int], ...]
    steps: int
    is_ordered: bool


@dataclass(frozen=True)
class Visit:
    """A contact of the day: what it asked for, how it went. Times are seconds of the day."""

    queue: int
    is_call: bool
    at: float
    credit_s: float
    priority: int
    path: int
    wait_s: float
    outcome: str
    blocked: str
    service_s: float | None
    wrapup_s: float | None
    about: About


@dataclass
class Day:
    """What is known of a day in the queues that share operators or lead into each other."""

    date: date
    begins: datetime
    length_s: float
    visits: list[Visit] = field(default_factory=list)
    shifts: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    served: dict[int, set[int]] = field(default_factory=dict)
    # How many contacts in writing, and how many calls, each takes at once.
    capacity: dict[int, int] = field(default_factory=dict)
    calls: dict[int, int] = field(default_factory=dict)
    skills: dict[int, dict[int, int]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)


def read(day: date, queues: set[int]) -> Day:
    """Read a day of these queues, in the zone of the reader. Nine queries, whatever the number of contacts."""
    begins, ends = _edges(day)
    found = Day(day, begins, (ends - begins).total_seconds())
    found.visits = _visits(begins, ends, queues)
    for queue, user in MemberPeriod.objects.filter(
        Q(ended_at=None) | Q(ended_at__gt=begins), started_at__lt=ends, queue__in=queues
    ).values_list("queue_id", "user_id"):
        found.served.setdefault(user, set()).add(queue)
    people = sorted(found.served)
    found.shifts = _shifts(begins, ends, people)
    for user, capacity, calls in Presence.objects.filter(user__in=people).values_list("user_id", "capacity", "calls"):
        found.capacity[user], found.calls[user] = capacity, calls
    found.names = dict(User.objects.filter(pk__in=people).values_list("pk", "username"))
    held = OperatorSkill.objects.filter(Q(ended_at=None) | Q(ended_at__gt=begins), started_at__lt=ends, user__in=people)
    for user, skill, level in held.order_by("started_at").values_list("user_id", "skill_id", "level"):
        found.skills.setdefault(user, {})[skill] = level
    return found


def _edges(day: date) -> tuple[datetime, datetime]:
    """Return when a day begins and ends where the reader is: a day of a clock change is longer or shorter."""
    zone = timezone.get_current_timezone()
    midnights = (datetime.combine(one, MIDNIGHT, tzinfo=zone) for one in (day, day + timedelta(days=1)))
    begins, ends = (one.astimezone(UTC) for one in midnights)
    return begins, ends


def tells(day: date, queues: set[int]) -> bool:
    """Tell whether so much happened in the queues that rules can be tried on the day. Three short queries."""
    begins, ends = _edges(day)
    came = WorkItem.objects.filter(entered_at__gte=begins, entered_at__lt=ends, queue__in=queues, outcome__in=LEFT)
    if came[:FEWEST].count() < FEWEST or came.filter(outcome=Outcome.ANSWERED)[:ANSWERED].count() < ANSWERED:
        return False
    there = PresenceInterval.objects.filter(Q(ended_at=None) | Q(ended_at__gt=begins), started_at__lt=ends)
    return bool(there.filter(state__in=THERE).exists())


def like(day: date, queues: set[int]) -> date | None:
    """Return the last day of the same weekday before `day` that tells enough of the queues, if there is one."""
    days = (day - timedelta(weeks=weeks) for weeks in range(1, WEEKS + 1))
    return next((one for one in days if tells(one, queues)), None)


def _visits(begins: datetime, ends: datetime, queues: set[int]) -> list[Visit]:
    items = WorkItem.objects.filter(entered_at__gte=begins, entered_at__lt=ends, queue__in=queues, outcome__in=LEFT)
    came_in = ~Q(blocked_kind__in=NO_ENTRY) | Q(overflows__overlap=UNATTENDED)
    rows = items.filter(came_in).order_by("entered_at", "pk")
    columns = (
        "pk",
        "interaction_id",
        "queue_id",
        "entered_at",
        "waits_since",
        "left_at",
        "priority",
        "path",
        "outcome",
        "blocked_kind",
        "work",
        "sent_by_id",
        "steps",
        "segments",
        "interaction__thread__channel_id",
        "interaction__topic_id",
        "interaction__language",
        "interaction__asked",
    )
    worked = _worked(begins, ends, queues)
    flowed: dict[int, datetime] = {}
    found = []
    for pk, talk, queue, entered, since, left, priority, path, outcome, blocked, *about in rows.values_list(*columns):
        # Who came by an overflow comes so in the simulation too.
        is_next = flowed.get(talk) == entered
        if outcome == Outcome.FLOWED_OUT:
            flowed[talk] = left
        if is_next:
            continue
        service_s, wrapup_s = worked.get(pk, (None, None))
        found.append(
            Visit(
                queue=queue,
                is_call=about[0] == Work.CALL,
                at=(entered - begins).total_seconds(),
                credit_s=max(0.0, (entered - since).total_seconds()),
                priority=priority,
                path=path,
                wait_s=(left - entered).total_seconds(),
                outcome=outcome,
                blocked=blocked,
                service_s=service_s,
                wrapup_s=wrapup_s,
                about=_about(about),
            )
        )
    return found


def _about(row: Sequence[Any]) -> About:
    work, sent_by, steps, segments, channel, topic, language, asked = row
    return About(
        channel=channel,
        topic=topic,
        language=language,
        segments=tuple(segments),
        asked=tuple(sorted((int(skill), level) for skill, level in asked.items())),
        steps=steps,
        is_ordered=sent_by is None and work != Work.CALLBACK,
    )


def _worked(begins: datetime, ends: datetime, queues: set[int]) -> dict[int, tuple[float, float]]:
    """Return how long each visit was served and wrapped up by whom it was answered, by visit."""
    legs = Assignment.objects.filter(
        item__entered_at__gte=begins, item__entered_at__lt=ends, item__queue__in=queues, accepted_at__isnull=False
    ).exclude(ended_at=None)
    found: dict[int, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for item, accepted, ended, wrapped, end in legs.values_list(
        "item_id", "accepted_at", "ended_at", "wrapped_at", "end"
    ):
        wrapup_s = (wrapped - ended).total_seconds() if wrapped and end == LegEnd.FINISHED else 0.0
        talk_s = (ended - accepted).total_seconds()
        found[item] = (found[item][0] + max(0.0, talk_s), found[item][1] + max(0.0, wrapup_s))
    return dict(found)


def _shifts(begins: datetime, ends: datetime, people: list[int]) -> dict[int, list[dict[str, Any]]]:
    rows = PresenceInterval.objects.filter(
        Q(ended_at=None) | Q(ended_at__gt=begins), user__in=people, started_at__lt=ends
    ).exclude(state=State.OFFLINE)
    stretches: dict[int, list[tuple[float, float, bool]]] = defaultdict(list)
    until = min(ends, timezone.now())
    for user, state, started, ended in rows.order_by("user_id", "started_at").values_list(
        "user_id", "state", "started_at", "ended_at"
    ):
        first = (max(started, begins) - begins).total_seconds()
        last = (min(ended or until, ends) - begins).total_seconds()
        if last > first:
            stretches[user].append((first, last, state in THERE))
    return {user: list(_joined(found)) for user, found in stretches.items()}


def _joined(stretches: list[tuple[float, float, bool]]) -> Iterable[dict[str, Any]]:
    """Yield shifts of stretches that follow each other; those in which nobody was there are their breaks."""
    shift: dict[str, Any] | None = None
    for first, last, is_there in stretches:
        if shift is None or first > shift["ends"] + 1:
            if shift is not None:
                yield shift
            shift = {"begins": first, "ends": last, "breaks": []}
        if not is_there:
            shift["breaks"].append({"begins": max(first, shift["begins"]), "ends": last})
        shift["ends"] = max(last, shift["ends"])
    if shift is not None:
        yield shift
