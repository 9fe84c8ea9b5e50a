"""The timeline: all that happened to a customer, newest first, filtered, in pages and in words."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import reduce
from itertools import islice
from operator import or_
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, Func, OuterRef, Q
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from customers.models import Customer, Note
from cxcenter.core.models import Event
from cxcenter.core.reading import cursor
from cxcenter.desk.mentioned import mentioned_in
from cxcenter.desk.wording import Said, event_words
from interactions.models import Case, Interaction, Message, SpokenLine, Task

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from cxcenter.accounts.models import User

# Lines of a page on the card, and beside a talk.
PAGE, SHORT_PAGE = 25, 8
# A number beside a chip counts so far: who has more has many.
MANY = 99
# So many rows that hold the words are looked for, of each kind of them.
FOUND = 200
BATCH = 500
QUOTE = 200

GROUPS = {
    "chats": (
        "interaction.opened",
        "interaction.closed",
        "interaction.linked",
        "callback.asked",
        "callback.missed",
        "callback.ended",
    ),
    "cases": ("case.opened", "case.changed", "case.linked", "task.created", "task.done"),
    "notes": ("customer.note",),
    "site": ("site.event",),
    "outside": ("outside.event",),
    "surveys": ("survey.answered",),
    "card": (
        "customer.created",
        "customer.edited",
        "customer.identity",
        "customer.member",
        "customer.consent",
        "customer.merged",
        "customer.unmerged",
        "customer.apart",
        "visitor.blocked",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which facts are asked for: a group of kinds, words, whole days of the reader's zone from `since` to `until`."""

    group: str = ""
    text: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def is_all(self) -> bool:
        """Tell whether nothing narrows it."""
        return self == Wanted()


@dataclass(frozen=True)
class Line:
    """One line of the timeline. `day` is set on the first line of a day."""

    id: int
    at: datetime
    kind: str
    said: Said
    day: date | None = None


@dataclass(frozen=True)
class Chip:
    """A filter by a group of kinds, and how many facts of it there are, as far as they were counted."""

    code: str
    words: str
    count: int | None = None

    @property
    def shown(self) -> str:
        """The number as it stands on the chip."""
        return "" if self.count is None else f"{MANY}+" if self.count > MANY else str(self.count)


# --- Pages ---


def page_of(
    customer: Customer, user: "User", wanted: Wanted = Wanted(), *, before: str = "", limit: int = PAGE
) -> tuple[list[Line], str]:
    """Return a page of the timeline and the key of the next ("" at the end)."""
    events = _facts(customer, user, wanted, before, limit + 2)
    # The other half of a twin goes with the page, or it would begin the next one.
    end = limit + (len(events) > limit and _is_twin(events[limit - 1], events[limit]))
    page = events[:end]
    lines = _lines(page, user, wanted.text, _day_of(before))
    return lines, _key(page[-1]) if len(events) > end else ""


def _is_twin(one: Event, other: Event) -> bool:
    """Tell whether a fact was told to both of two customers who are one again: it is said once."""
    same = (one.kind, one.at, one.payload) == (other.kind, other.at, other.payload)
    return same and one.kind == "customer.unmerged"


def all_of(customer: Customer, user: "User", wanted: Wanted) -> Iterator[list[Line]]:
    """Yield everything that is asked for, batch by batch: never more of it at once.

    The facts are read in one go: page by page the tops of all profiles would be read for each page.
    """
    lanes = _lanes(customer, user, wanted)
    if lanes:
        facts = Event.objects.visible_to(user).filter(_within(wanted, ""), reduce(or_, lanes))
        ordered = facts.filter(profile_id__in=customer.profiles.values("pk")).order_by("-at", "-pk")
        rows = ordered.iterator(chunk_size=BATCH)
        while batch := list(islice(rows, BATCH)):
            yield _lines(batch, user, wanted.text, None)


def _key(event: Event) -> str:
    return f"{event.at.isoformat()}_{event.pk}"


def _day_of(before: str) -> date | None:
    """Return the day of the line that a page follows: its heading stands already."""
    return timezone.localdate(cursor(before)[0]) if before else None


def _lines(events: list[Event], user: "User", text: str, day: date | None) -> list[Line]:
    events = [event for n, event in enumerate(events) if n == 0 or not _is_twin(events[n - 1], event)]
    about, lines = mentioned_in(events, user), []
    quotes = _quotes(about.sessions, text) if text else {}
    for event in events:
        said, today = event_words(event, about), timezone.localdate(event.at)
        if event.kind in GROUPS["chats"] and event.payload.get("interaction") in quotes:
            said = _quoting(said, quotes[event.payload["interaction"]])
        lines.append(Line(event.pk, event.at, event.kind, said, today if today != day else None))
        day = today
    return lines


Quotes = dict[int, Message | SpokenLine]


def _quotes(sessions: Iterable[int], text: str) -> Quotes:
    """Return of each session that holds the words its newest message with them, else the first line said aloud.

    The sessions are such as may be read.
    """
    session = "recording__interaction"
    spoken = SpokenLine.objects.filter(recording__interaction__in=sessions).saying(text).select_related("recording")
    lines = spoken.order_by(session, "recording__started_at", "start_s").distinct(session)
    quotes: Quotes = {found.recording.interaction_id: found for found in lines}
    holding = Message.objects.filter(interaction__in=sessions).saying(text)
    messages = holding.order_by("interaction", "-seq").distinct("interaction")
    return quotes | {found.interaction_id: found for found in messages}


def _quoting(said: Said, quote: Message | SpokenLine) -> Said:
    if isinstance(quote, Message):
        url = f"{said.url}#m-{quote.pk}"
    else:
        url = f"{reverse('desk:recording', args=[quote.recording.public_id])}?s={quote.start_s:.2f}"
    return replace(said, detail=Truncator(quote.text).chars(QUOTE), url=url)


# --- Facts ---


_NUMBERS: "ArrayField[Any, Any]" = ArrayField(BigIntegerField())


class _Unnest(Func):
    function = "unnest"
    set_returning = True


def _facts(customer: Customer, user: "User", wanted: Wanted, before: str, limit: int) -> list[Event]:
    """Return the newest facts in one query: the top of each lane by its index, then merged, never a sort of all."""
    readable = Event.objects.visible_to(user).filter(_within(wanted, before))
    tops = [_tops(customer, readable.filter(lane), limit) for lane in _lanes(customer, user, wanted)]
    if not tops:
        return []
    return list(Event.objects.filter(pk__in=tops[0].union(*tops[1:], all=True)).order_by("-at", "-pk")[:limit])


def _tops(customer: Customer, events: "QuerySet[Any]", limit: int) -> "QuerySet[Any]":
    """Return numbers of the newest `limit` events of each profile, each by the index."""
    top = ArraySubquery(events.filter(profile_id=OuterRef("pk")).order_by("-at", "-pk").values("pk")[:limit])
    # A lane that can hold nothing is a NULL, which has to know its type.
    return customer.profiles.values_list(_Unnest(Cast(top, _NUMBERS), output_field=BigIntegerField()))


def _within(wanted: Wanted, before: str) -> Q:
    """Keep what stands behind the key, and what is of the period."""
    within = Q()
    if wanted.since:
        within &= Q(at__gte=_midnight(wanted.since))
    if wanted.until:
        within &= Q(at__lt=_midnight(wanted.until + timedelta(days=1)))
    if before:
        edge, pk = cursor(before)
        within &= Q(at__lte=edge) & (Q(at__lt=edge) | Q(at=edge, pk__lt=pk))
    return within


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _lanes(customer: Customer, user: "User", wanted: Wanted) -> list[Q]:
    """Return what to look for, kind by kind: so each kind is read in its order by its index."""
    if not wanted.group and not wanted.text:
        return [Q()]
    holding = _holding(customer, user, wanted.text) if wanted.text else None
    kinds = GROUPS.get(wanted.group) or [kind for kinds in GROUPS.values() for kind in kinds]
    if holding is None:
        return [Q(kind=kind) for kind in kinds]
    return [Q(kind=kind) & holding[kind] for kind in kinds if kind in holding]


# --- Words ---


def _holding(customer: Customer, user: "User", text: str) -> dict[str, Q]:
    """Return for each kind that is about words the facts that hold them. Only what the user may read is searched.

    Messages are found by forms of their words, as in the search box; the few words of other facts as they stand.
    """
    sessions, rated = _sessions_with(customer, user, text)
    cases = Case.objects.visible_to(user).filter(profile__customer=customer, subject__icontains=text)
    tasks = Task.objects.visible_to(user).filter(profile__customer=customer, title__icontains=text)
    of_sessions, of_ratings = Q(payload__interaction__in=sessions), Q(payload__interaction__in=rated)
    notes = Note.objects.visible_to(user).filter(profile__customer=customer, withdrawn_at=None, text__icontains=text)
    of_cases, of_tasks = Q(payload__case__in=_newest(cases)), Q(payload__task__in=_newest(tasks))
    return {
        **dict.fromkeys(GROUPS["chats"], of_sessions),
        "survey.answered": of_ratings,
        **dict.fromkeys(("case.opened", "case.changed", "case.linked"), of_cases),
        **dict.fromkeys(("task.created", "task.done"), of_tasks),
        "customer.note": Q(payload__note__in=_newest(notes)),
        "site.event": Q(payload__data__title__icontains=text) | Q(payload__data__url__icontains=text),
        "outside.event": Q(payload__type__icontains=text) | Q(payload__data__icontains=text),
    }


def _sessions_with(customer: Customer, user: "User", text: str) -> tuple[list[int], list[int]]:
    """Return sessions in which the words were said, and those rated with them."""
    readable = Interaction.objects.visible_to(user).filter(profile__customer=customer)
    said = Message.objects.filter(interaction__in=readable).saying(text)
    sessions = said.order_by("-interaction").values_list("interaction", flat=True).distinct()[:FOUND]
    spoken = SpokenLine.objects.filter(recording__interaction__in=readable).saying(text)
    calls = spoken.order_by("-recording__interaction").values_list("recording__interaction", flat=True)
    return [*sessions, *calls.distinct()[:FOUND]], _newest(readable.filter(survey__comment__icontains=text))


def _newest(rows: "QuerySet[Any]") -> list[int]:
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:FOUND])


# --- Chips ---


def chips(customer: Customer | None = None, chosen: str = "") -> list[Chip]:
    """Return the filters; of a customer who is named with their numbers, and without those that would find nothing."""
    words = {
        "": _("All"),
        "chats": _("Chats"),
        "cases": _("Cases"),
        "notes": _("Notes"),
        "site": _("Site"),
        "outside": _("Other systems"),
        "surveys": _("Ratings"),
        "card": _("Card"),
    }
    counts = _counts(customer) if customer else {}
    found = [Chip(code, said, counts.get(code)) for code, said in words.items()]
    return [chip for chip in found if chip.count != 0 or chip.code in {"", chosen}]


def _counts(customer: Customer) -> dict[str, int]:
    """Count the facts of each group, of each profile so far as is shown. One query."""
    counts = {group: _count_of(Q(kind__in=kinds)) for group, kinds in GROUPS.items()}
    rows = list(customer.profiles.values_list(_count_of(Q()), *counts.values()))
    return {group: sum(row[place] for row in rows) for place, group in enumerate(["", *counts])}


def _count_of(kinds: Q) -> Func:
    some = ArraySubquery(Event.objects.filter(kinds, profile_id=OuterRef("pk")).values("pk")[: MANY + 1])
    return Func(some, function="cardinality", output_field=BigIntegerField())
