"""What an IVR is told while the phone rings: who calls, what about, which outage touches him, where he would go."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from customers.choices import IdentityKind
from customers.models import Customer, Profile, Segment
from customers.queries import Resolved, resolve
from customers.segmentation import segments_of_each
from cxcenter.core.errors import Invalid
from interactions.models import Case, Channel, Interaction, Outage, Thread, Topic
from routing import overflow, preferences, queries, waits
from routing.actions import queueing
from routing.models import Queue

# More cases, or outages, are not read aloud.
MOST = 5
# What he called about longer ago tells nothing of this call.
RECENT = timedelta(days=30)
NOBODY = Resolved("unknown", [])


class Why(StrEnum):
    """What a likely topic was told by."""

    MENU = "menu"
    OUTAGE = "outage"
    CASE = "case"
    SESSION = "session"


@dataclass(frozen=True)
class Likely:
    """What the call is likely about, and why: the choice in the menu, an outage, an open case, the last session."""

    topic: Topic
    why: Why


@dataclass(frozen=True)
class Route:
    """Where the call would go now. `wait_s` is None without ground for an estimate, and behind a shut door."""

    line: Channel
    queue: Queue
    door: queries.Door
    wait_s: float | None
    callback: bool


@dataclass(frozen=True)
class Caller:
    """What is known of who calls. Of several whom a phone leads to nothing is told that is not true of each."""

    resolved: Resolved
    customer: Customer | None = None
    language: str = ""
    segments: list[Segment] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    likely: Likely | None = None
    route: Route | None = None


def ask(*, phone: str | None, line: Channel | None, topic: int | None) -> Caller:
    """Return what is known of who calls with a phone (E.164; None: he hides it) on a line, and has chosen a topic.

    Raises Invalid for a topic that does not exist. As many queries for a long past as for a short one.
    """
    now, topics = timezone.now(), preferences.topics()
    if topic is not None and topic not in topics:
        raise Invalid(_("There is no such topic."), field="topic")
    resolved = resolve(kind=IdentityKind.PHONE, value=phone) if phone else NOBODY
    people = list(Customer.objects.filter(pk__in=resolved.customers).order_by("pk")) if resolved.customers else []
    sure = people[0] if resolved.status == "found" and people else None
    belongs = segments_of_each(people) if people else []
    outages = [outage for outage in _outages(now) if _touches(outage, belongs)][:MOST]
    cases = _cases(sure) if sure else []
    why, about = _likely(topic, outages, cases, sure, now)
    likely = Likely(topics[about], why) if about is not None else None
    language = _language(people)
    with translation.override(spoken(language)):
        route = _route(line, likely.topic if likely else None, sure) if line else None
    return Caller(
        resolved=resolved,
        customer=sure,
        language=language,
        segments=belongs[0] if sure else [],
        cases=cases,
        outages=outages,
        likely=likely,
        route=route,
    )


def _likely(
    chosen: int | None, outages: list[Outage], cases: list[Case], customer: Customer | None, now: datetime
) -> tuple[Why, int | None]:
    """Return the first topic that there is: what he chose, what fails, what he waits for, what he came with last."""
    signs = [
        (Why.MENU, chosen),
        *((Why.OUTAGE, outage.topic_id) for outage in outages),
        *((Why.CASE, case.topic_id) for case in cases),
    ]
    for why, about in signs:
        if about is not None:
            return why, about
    return Why.SESSION, _last_topic(customer, now) if customer else None


def line_of(called: str) -> Channel | None:
    """Return the line that a dialled number (E.164) belongs to; with "" the only line there is, if it is the only one."""
    lines = Channel.objects.filter(kind="voice", active=True)
    found = list((lines.filter(number=called) if called else lines).order_by("pk")[:2])
    return found[0] if len(found) == 1 else None


def _language(people: list[Customer]) -> str:
    spoken = {customer.language for customer in people}
    return spoken.pop() if len(spoken) == 1 else ""


def _outages(now: datetime) -> list[Outage]:
    return list(Outage.objects.going_on(now).prefetch_related("segments"))


def _touches(outage: Outage, belongs: list[list[Segment]]) -> bool:
    """Tell whether an outage touches each of these people. Whom nobody knows only one touches that is everybody's."""
    wanted = set(outage.segments.all())
    return not wanted or (bool(belongs) and all(wanted & set(segments) for segments in belongs))


def _cases(customer: Customer) -> list[Case]:
    """Return the newest open cases."""
    return list(Case.objects.open().filter(profile__customer=customer).order_by("-opened_at", "-pk")[:MOST])


def _last_topic(customer: Customer, now: datetime) -> int | None:
    recent = Interaction.objects.filter(profile__customer=customer, opened_at__gt=now - RECENT, topic__active=True)
    return recent.order_by("-opened_at", "-pk").values_list("topic_id", flat=True).first()


def _route(line: Channel, topic: Topic | None, customer: Customer | None) -> Route | None:
    """Return where a call on a line would go now: as one that comes does, by entrance, second line and overflow."""
    entrance = queries.queue_for(channel=line, topic=topic)
    if entrance is None:
        return None
    queue = entrance.queue
    if customer and preferences.rule_of(queue) and topic:
        # A session that nobody has opened: how often he has come is counted with it.
        call = Interaction(pk=0, thread=Thread(pk=0, channel=line), topic=topic)
        call.profile = Profile.objects.filter(customer=customer).order_by("pk").first()
        queue, _why = queueing.line_of(queue, call, preferences.meant(call, queue).contacts)
    way = overflow.way_in(queue)
    is_open = way.door.open
    return Route(
        line=line,
        queue=way.queue,
        door=way.door,
        wait_s=waits.expected_s(way.queue) if is_open else None,
        callback=way.queue.callbacks and (is_open or way.door.form),
    )


def spoken(language: str) -> str:
    """Return the language in which a caller is spoken to: his own if it is one of ours, else that of the question."""
    own = language[:2].lower()
    return own if own in dict(settings.LANGUAGES) else (get_language() or "en")[:2]
