"""The conversation: all threads of one customer merged by time, as one endless log."""

from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import dateformat, timezone, translation
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from cxcenter.core.reading import number
from interactions import pushes
from interactions.choices import Author, ChannelKind
from interactions.models import Interaction, Message, Thread
from interactions.wording import ICONS, system_words
from routing.models import WorkItem

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

PAGE = 40
# Places and change numbers are less than this.
SEQS = 2**31
PLACE = ' id="m-{}" data-day="{}" data-session="{}" data-seq="{}" data-thread="{}"'
SAID = ' data-author="{}" data-at="{}" data-key="{}"{}'


@dataclass
class Log:
    """A page of the conversation, oldest first, with dividers; and where the page before begins."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    more: str = ""


def threads_of(interaction: Interaction, user: "User") -> list[Thread]:
    """Return the threads that the conversation of a session joins: those of its customer, its own first."""
    if interaction.profile is None:
        return [interaction.thread]
    others = (
        Thread.objects.filter(profile__customer_id=interaction.profile.customer_id)
        .exclude(pk=interaction.thread_id)
        .visible_to(user)
        .select_related("channel")
    )
    return [interaction.thread, *others[:20]]


def page_of(threads: list[Thread], user: "User", before: str = "") -> Log:
    """Return the last page of the merged threads before the cursor.

    The cursor is "thread:seq,…": each thread is read backwards by its own index, then merged by time, so
    a page costs the same at any depth.
    """
    starts = cursors(before)
    found: list[Message] = []
    for thread in threads:
        limit = starts.get(thread.pk, thread.last_seq + 1)
        if limit <= 1:
            continue
        messages = (
            Message.objects.filter(thread=thread, seq__lt=limit)
            .visible_to(user)
            .select_related("user")
            .prefetch_related("attachments")
            .order_by("-seq")
        )
        found += messages[: PAGE + 1]
    found.sort(key=lambda m: (m.at, m.thread_id, m.seq), reverse=True)
    page, rest = found[:PAGE], found[PAGE:]
    page.reverse()
    more = ""
    if rest:
        first = {thread.pk: starts.get(thread.pk, thread.last_seq + 1) for thread in threads}
        for message in page:
            first[message.thread_id] = min(first[message.thread_id], message.seq)
        more = ",".join(f"{pk}:{seq}" for pk, seq in first.items())
    return Log(entries=_with_dividers(page), more=more)


def cursors(text: str) -> dict[int, int]:
    """Read "thread:number,…"; what is not of that form is passed over."""
    pairs = ([number(part) for part in pair.split(":")] for pair in text.split(",") if pair.count(":") == 1)
    return {thread: seq for thread, seq in pairs if thread is not None and seq is not None and seq < SEQS}


def _with_dividers(messages: list[Message]) -> list[dict[str, Any]]:
    """Put a divider before each change of session."""
    sessions = {talk.pk: talk for talk in Interaction.objects.filter(pk__in={m.interaction_id for m in messages})}
    queues: dict[int, str] = {}
    language = translation.get_language() or "en"
    for item in WorkItem.objects.filter(interaction_id__in=sessions).select_related("queue").order_by("pk"):
        queues.setdefault(item.interaction_id, item.queue.label(language))
    entries: list[dict[str, Any]] = []
    current = None
    for message in messages:
        if message.interaction_id != current:
            current = message.interaction_id
            talk = sessions[current]
            entries.append(
                {
                    "divider": talk.pk,
                    "kind": talk.kind,
                    "kind_label": ChannelKind(talk.kind).label,
                    "at": talk.opened_at,
                    "queue": queues.get(talk.pk, ""),
                }
            )
        entries.append(
            entry(pushes.message_view(message, files=list(message.attachments.all()), name=author_name(message)))
        )
    return entries


def author_name(message: Message) -> str:
    """Return who wrote it, as colleagues call him; empty for customers."""
    return message.user.name if message.user else ""


def entry(view: dict[str, Any]) -> dict[str, Any]:
    """Turn a pushed or stored message into what the template shows. No query: a push is rendered so too."""
    shown = {**view, "at": parse_datetime(view["at"]) if isinstance(view["at"], str) else view["at"]}
    shown["note"] = view["audience"] == "staff" and view["author"] == Author.STAFF
    shown["out"] = view["author"] in {Author.STAFF, Author.BOT}
    # A message has a text or a file, unless it was erased.
    shown["erased"] = view["author"] != Author.SYSTEM and not (view["text"] or view["files"] or view["withdrawn"])
    if view["author"] == Author.SYSTEM:
        shown["words"] = system_words(view["code"], view["args"])
        shown["icon"] = ICONS.get(view["code"], "info-circle")
    shown["files"] = [{**file, "url": reverse("desk:file", args=[file["id"]])} for file in view["files"]]
    shown["marks"] = _marks(shown)
    return shown


def _marks(shown: dict[str, Any]) -> SafeString:
    """Return what the page's script reads off a message.

    By code and not in the template: each message that comes is rendered for each desk that shows it, and filters are slow.
    """
    at = timezone.localtime(shown["at"])
    day = _day(at.date(), get_language() or "en")
    place = (shown["id"], day, shown["interaction"], shown["seq"], shown["thread"])
    if shown["author"] == Author.SYSTEM:
        return format_html(PLACE + ' data-author="system"', *place)
    by = f"{shown['author']}{shown['user'] or ''}{'n' if shown['note'] else ''}"
    marked = " data-marks" if shown["out"] and not shown["note"] else ""
    return format_html(PLACE + SAID, *place, by, int(at.timestamp()), shown["key"], marked)


@lru_cache(maxsize=1024)
def _day(day: date, _language: str) -> str:
    """Return how the active language writes a day."""
    return dateformat.format(day, gettext("j M Y"))


def changes_of(thread: Thread, after: int, user: "User", limit: int = 200) -> list[dict[str, Any]]:
    """Return what changed in a thread after a staff change number, in the order of the numbers."""
    changed = (
        Message.objects.filter(thread=thread, staff_changed__gt=after)
        .visible_to(user)
        .select_related("user")
        .prefetch_related("attachments")
        .order_by("staff_changed")
    )
    return [
        entry(pushes.message_view(m, files=list(m.attachments.all()), name=author_name(m))) for m in changed[:limit]
    ]


def message_html(shown: dict[str, Any]) -> str:
    """Render one message by the page's own template."""
    return render_to_string("desk/_message.html", {"m": shown})
