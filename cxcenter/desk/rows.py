"""Sessions as the desk lists them: tabs, rows, offers. Plain values, no queries inside."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from customers.segmentation import names_of
from cxcenter.core.planned import Given, Planned
from cxcenter.core.reading import cursor
from interactions.choices import Author, ChannelKind, Provider
from interactions.models import Case, Interaction
from interactions.wording import system_words
from routing import preferences
from routing.choices import GuestState, Leg, Work
from routing.models import Assignment, Guest, QueueMember, WorkItem

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

RELATED = ("interaction__thread", "interaction__last_message", "interaction__profile__customer", "item__queue")
# Asked by a page each time something is offered.
OFFERED = Planned(
    "offered",
    lambda: (
        Assignment.objects.filter(
            Q(expires_at__gt=Given("now", "timestamptz")) | Q(outside=True),
            operator_id=Given("operator", "bigint"),
            leg=Leg.OFFERED,
        )
        .select_related(*RELATED, "interaction__voice__link__made_by")
        .order_by("offered_at")[:10]
    ),
)
INVITATIONS = Planned(
    "invitations",
    lambda: Guest.objects.filter(
        user_id=Given("user", "bigint"), state=GuestState.RINGING, expires_at__gt=Given("now", "timestamptz")
    ).select_related("invited_by", "interaction__profile__customer", "interaction__thread")[:5],
)
BEFORE = Planned(
    "contact_before",
    lambda: (
        Interaction.objects.filter(
            profile__customer_id=Given("customer", "bigint"), opened_at__lt=Given("at", "timestamptz")
        )
        .order_by("-opened_at")
        .only("kind", "opened_at")[:1]
    ),
)


@dataclass(frozen=True)
class Row:
    """One session of the desk."""

    id: int
    thread: int
    name: str
    kind: str
    kind_label: str
    queue: str
    group: str
    text: str
    unread: int
    # The clock: an answer is due since `since`, within `target_s`; without `since` it is stopped.
    since: datetime | None
    target_s: int
    at: datetime
    until: datetime | None = None
    leg: int | None = None
    operator: str = ""
    # Since when a call is in hand: nothing of it falls due.
    talks_since: datetime | None = None


def preview(interaction: Interaction) -> str:
    """Return the last message in one line."""
    message = interaction.last_message
    if message is None:
        return _("Call back") if interaction.kind == ChannelKind.CALLBACK else ""
    text = message.text or (system_words(message.code, message.args) if message.code else _("File"))
    return _("You: %(text)s") % {"text": text} if message.author == Author.STAFF else text


def _group(leg: Assignment) -> str:
    if leg.leg == Leg.WRAPUP:
        return "wrapup"
    if leg.snoozed_until is not None:
        return "snoozed"
    is_due = leg.interaction.waiting_since or leg.item.work == Work.CALL
    return "mine" if is_due else "customer"


def row_of_leg(leg: Assignment) -> Row:
    """Return the row of one of the user's own sessions."""
    talk, queue = leg.interaction, leg.item.queue
    first = talk.first_reply_at is None
    return Row(
        id=talk.pk,
        thread=talk.thread_id,
        name=talk.caller,
        kind=talk.kind,
        kind_label=str(ChannelKind(talk.kind).label),
        queue=queue.label(translation.get_language() or "en"),
        group=_group(leg),
        text=preview(talk),
        unread=talk.unread,
        since=talk.waiting_since,
        target_s=queue.target_s if first else queue.reply_s,
        at=talk.last_message_at,
        until=leg.wrapup_until if leg.leg == Leg.WRAPUP else leg.snoozed_until,
        leg=leg.pk,
        talks_since=leg.accepted_at if leg.item.work == Work.CALL else None,
    )


def my_rows(user: "User") -> list[Row]:
    """Return the user's sessions, those in wrap-up included, in the order of their acceptance. One query."""
    legs = (
        Assignment.objects.filter(operator=user, leg__in=[Leg.ACTIVE, Leg.WRAPUP])
        .select_related(*RELATED)
        .order_by("accepted_at", "pk")
    )
    return [row_of_leg(leg) for leg in legs[:60]]


def by_need(rows: list[Row]) -> dict[str, list[Row]]:
    """Return rows by group, the most overdue first where an answer is due."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    groups["mine"].sort(key=lambda r: (r.since or r.at).timestamp() + r.target_s)
    groups["customer"].sort(key=lambda r: r.at, reverse=True)
    return dict(groups)


def queue_rows(user: "User", queue_id: int | None = None) -> list[Row]:
    """Return who waits in the user's queues, the next first. One query, fifty rows at the most."""
    now = timezone.now()
    memberships = QueueMember.objects.filter(Q(until=None) | Q(until__gt=now), user=user)
    items = (
        WorkItem.objects.exclude(visit="left")
        .filter(queue__in=memberships.values("queue"))
        .select_related("interaction__thread", "interaction__last_message", "interaction__profile__customer", "queue")
        .order_by("rank_at", "pk")
    )
    if queue_id is not None:
        items = items.filter(queue_id=queue_id)
    return [_row_of_item(item) for item in items[:50]]


def _row_of_item(item: WorkItem) -> Row:
    talk = item.interaction
    return Row(
        id=talk.pk,
        thread=talk.thread_id,
        name=talk.caller,
        kind=talk.kind,
        kind_label=str(ChannelKind(talk.kind).label),
        queue=item.queue.label(translation.get_language() or "en"),
        group="queue",
        text=preview(talk),
        unread=talk.unread,
        since=item.waits_since,
        target_s=item.queue.target_s,
        at=talk.last_message_at,
    )


def recent_rows(user: "User", before: str = "") -> tuple[list[Row], str]:
    """Return sessions the user may read, newest first, and the key of the next page ("" at the end)."""
    talks = (
        Interaction.objects.visible_to(user)
        .select_related("thread", "last_message", "profile__customer")
        .order_by("-last_message_at", "-pk")
    )
    if before:
        at, pk = cursor(before)
        # The bound on the first column alone is what an index can begin at.
        talks = talks.filter(Q(last_message_at__lt=at) | Q(last_message_at=at, pk__lt=pk), last_message_at__lte=at)
    page = list(talks[:31])
    more = f"{page[29].last_message_at.isoformat()}_{page[29].pk}" if len(page) > 30 else ""
    return [_row_of_talk(talk) for talk in page[:30]], more


def _row_of_talk(talk: Interaction) -> Row:
    return Row(
        id=talk.pk,
        thread=talk.thread_id,
        name=talk.caller,
        kind=talk.kind,
        kind_label=str(ChannelKind(talk.kind).label),
        queue="",
        group="open" if talk.is_open else "closed",
        text=preview(talk),
        unread=0,
        since=None,
        target_s=0,
        at=talk.last_message_at,
    )


def offers_of(user: "User") -> list[dict[str, Any]]:
    """Return what is offered to the user now, for toasts."""
    language = translation.get_language() or "en"
    shown = OFFERED.rows(operator=user.pk, now=timezone.now())
    codes = sorted({code for leg in shown for code in leg.item.segments})
    segments = dict(zip(codes, names_of(codes, language), strict=True))
    return [
        {
            "leg": leg.pk,
            "session": leg.interaction_id,
            "name": leg.interaction.caller,
            "kind": leg.interaction.kind,
            "kind_label": ChannelKind(leg.interaction.kind).label,
            "queue": leg.item.queue.label(language),
            "text": preview(leg.interaction),
            "pop": pop_of(leg.interaction, user) if leg.item.work == Work.CALL else None,
            "waits_since": leg.item.waits_since,
            "expires_at": leg.expires_at,
            "elsewhere": leg.outside and leg.interaction.voice.provider != Provider.SIP,
            "seconds": leg.item.queue.offer_s,
            "note": leg.item.note,
            "how": leg.why.get("how", ""),
            "segments": [segments[code] for code in leg.item.segments],
            "frequent": preferences.frequent_words(leg.item.frequent, language),
        }
        for leg in shown
    ]


def invitations_of(user: "User") -> list[Guest]:
    """Return the calls of colleagues that ring at the user now."""
    return INVITATIONS.rows(user=user.pk, now=timezone.now())


def pop_of(talk: Interaction, user: "User") -> dict[str, Any]:
    """Return what an operator sees of a caller before he answers: number, last contact, open cases. Two questions."""
    call = getattr(talk, "voice", None)
    pop: dict[str, Any] = {"number": call.number if call else "", "says": talk.says.get("contact", ""), "cases": []}
    pop["link"] = call.link if call else None
    if talk.profile is None:
        return pop
    customer = talk.profile.customer_id
    cases = Case.objects.visible_to(user).open().filter(profile__customer=customer)
    pop["cases"] = list(cases.order_by("-opened_at").only("pk", "subject")[:2])
    pop["last"] = BEFORE.first(customer=customer, at=talk.opened_at)
    return pop
