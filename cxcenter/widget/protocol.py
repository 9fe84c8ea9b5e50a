"""What the visitor's page is told, as plain values, and what it may say, cleaned. docs/widget.md has the whole."""

import json
from datetime import datetime, timedelta
from math import isfinite
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core.errors import Invalid
from cxcenter.core.planned import Given, Planned
from cxcenter.core.reading import moment
from cxcenter.widget import doors, files
from interactions import pushes
from interactions.actions import calls
from interactions.choices import CloseReason
from interactions.models import Attachment, CallLink, Interaction, Message, Site, Thread, Topic
from quality.models import Survey
from routing import queries, waits
from routing.actions.queueing import note_estimate
from routing.choices import CallbackEnd, CallbackState, Visit
from routing.models import Assignment, Callback, WorkItem

HISTORY = 50
CHANGES = 200
# How long after a talk its rating may be asked for and given.
RATE_WITHIN = timedelta(days=1)
EVENT_BYTES = 2048
# How long a visitor is told that he could not be reached.
TOLD_FOR = timedelta(days=1)
UNREACHED = {CallbackEnd.NO_ANSWER, CallbackEnd.WRONG_NUMBER}


# --- Told ---
NEWEST = Planned(
    "newest_session",
    lambda: Interaction.objects.filter(thread_id=Given("thread", "bigint")).order_by("-opened_at", "-pk")[:1],
)
VISIT = Planned(
    "live_visit",
    lambda: (
        WorkItem.objects.filter(interaction_id=Given("interaction", "bigint"))
        .exclude(visit=Visit.LEFT)
        .select_related("queue")[:1]
    ),
)


def message_view(message: Message, thread_id: int, attached: list[Attachment] | None = None) -> dict[str, Any]:
    """Return a message as its customer may see it. `user` and, unless given, its files should be fetched already."""
    attached = list(message.attachments.all()) if attached is None else attached
    view = pushes.message_view(message, files=attached, name="")
    name = message.user.public_name if message.user else ""
    seen = pushes.customer_view(view, changed=message.customer_changed, public_name=name)
    return files.add_addresses(seen, thread_id)


def history(thread: Thread, before: int | None = None) -> dict[str, Any]:
    """Return the newest messages of a thread, or those before a seq, in order: {"messages", "more"}."""
    found = thread.messages.for_customer().filter(withdrawn_at=None)
    if before is not None:
        found = found.filter(seq__lt=before)
    newest = list(found.select_related("user").prefetch_related("attachments").order_by("-seq")[: HISTORY + 1])
    return {
        "messages": [message_view(message, thread.pk) for message in reversed(newest[:HISTORY])],
        "more": len(newest) > HISTORY,
    }


def changes(thread: Thread, after: int) -> dict[str, Any]:
    """Return what changed for the customer after a number: {"messages", "changed", "more", "marks", "state"}.

    The page may count all up to `changed` as seen; with `more` it asks again from there. The thread must have
    been read before its messages are: what is committed later has a greater number.
    """
    found = (
        thread.messages.for_customer()
        .filter(customer_changed__gt=after)
        .select_related("user")
        .prefetch_related("attachments")
        .order_by("customer_changed")
    )
    rows = list(found[: CHANGES + 1]) if after < thread.customer_changes else []
    more = len(rows) > CHANGES
    rows = rows[:CHANGES]
    return {
        "messages": [message_view(message, thread.pk) for message in rows],
        "changed": rows[-1].customer_changed if more else thread.customer_changes,
        "more": more,
        "marks": pushes.marks_view(thread),
        "state": state(thread),
    }


def state(thread: Thread) -> dict[str, Any]:
    """Return where the newest session stands: open or why closed, who serves it, its place, whether to rate it.

    `calls` tells that he may ask to be called back instead of waiting, `callback` is the one he waits for.

    `delivered` is the seq up to which messages have come to an operator: it never goes back.
    """
    interaction = Interaction.objects.filter(thread=thread).order_by("-opened_at", "-pk").first()
    callback = callback_view(thread)
    if interaction is None:
        return {"session": None, "open": False, "delivered": 0, "callback": callback}
    view: dict[str, Any] = {
        "session": str(interaction.public_id),
        "open": interaction.is_open,
        "agent": None,
        "queue": None,
        "callback": callback,
    }
    leg = queries.owner_of(interaction.pk) if interaction.is_open else None
    view["delivered"] = thread.last_seq if leg else _delivered(thread)
    if interaction.is_open:
        place = None if leg else waits.place_of(interaction)
        if place and place.untold and place.estimate_s is not None:
            # What he is told first is what the fact is measured by.
            note_estimate(item_id=place.untold, estimate_s=place.estimate_s, estimator=place.estimator)
        view["agent"] = leg.operator.public_name if leg else None
        view["queue"] = {"position": place.position, "estimate_s": place.estimate_s} if place else None
        view["calls"] = place is not None and _may_ask(interaction)
        shut = doors.of_told(interaction) if place else None
        view["door"] = doors.view(shut) if shut else None
        return view
    return {**view, "reason": interaction.close_reason, "rate": _asks_rating(interaction)}


def call_state(thread: Thread) -> dict[str, Any]:
    """Return where the newest call of a thread stands: {"session", "phase", "agent", "queue"}, and why it ended.

    `phase` is "waiting", "talking", "held" or "ended".
    """
    interaction = NEWEST.first(thread=thread.pk)
    if interaction is None:
        return {"session": None, "phase": "none"}
    view: dict[str, Any] = {"session": str(interaction.public_id), "agent": None, "party": "", "queue": None}
    if not interaction.is_open:
        return {**view, "phase": "ended", "reason": interaction.close_reason}
    leg = queries.owner_of(interaction.pk)
    if leg is not None:
        told = {"phase": calls.customer_phase(interaction.pk), "party": calls.party_of(leg.operator_id)}
        return {**view, **told, "agent": leg.operator.public_name, "recorded": leg.item.queue.record_calls}
    place = waits.place_of(interaction)
    if place and place.untold and place.estimate_s is not None:
        note_estimate(item_id=place.untold, estimate_s=place.estimate_s, estimator=place.estimator)
    queue = {"position": place.position, "estimate_s": place.estimate_s} if place else None
    return {**view, "phase": "waiting", "queue": queue, **_while_waiting(interaction)}


def _while_waiting(interaction: Interaction) -> dict[str, Any]:
    """Return what a caller is told besides his place: whether he will be recorded, and in how long he may leave a message."""
    item = VISIT.first(interaction=interaction.pk)
    if item is None:
        return {"recorded": False, "voicemail_in_s": None}
    left = item.queue.voicemail_after_s - (timezone.now() - item.entered_at).total_seconds()
    return {
        "recorded": item.queue.record_calls,
        "voicemail_in_s": max(0, round(left)) if item.queue.voicemail else None,
    }


def callback_view(thread: Thread) -> dict[str, Any] | None:
    """Return the callback that the visitor waits for, or that did not reach him; None without one."""
    asked = Callback.objects.filter(asked_in=thread).with_calling().select_related("thread__identity", "session")
    callback: Any = asked.order_by("-pk").first()
    if callback is None or not (callback.is_open or _is_told(callback)):
        return None
    is_waiting = callback.state == CallbackState.QUEUED and not callback.calling
    place = waits.place_of(callback.session) if is_waiting else None
    return {
        "id": callback.pk,
        "phone": callback.phone,
        "state": "calling" if callback.calling else callback.state,
        "result": callback.result,
        "at": callback.at.isoformat() if callback.at else None,
        # When he is called, or called again, if that is not when his turn comes.
        "due_at": callback.due_at.isoformat() if callback.state == CallbackState.PLANNED else None,
        "attempts": callback.attempts,
        "position": place.position if place else None,
        "estimate_s": place.estimate_s if place else None,
    }


def _is_told(callback: Callback) -> bool:
    """Tell whether he is still told that he could not be reached."""
    ended = callback.ended_at or timezone.now()
    return callback.result in UNREACHED and ended > timezone.now() - TOLD_FOR


def _may_ask(interaction: Interaction) -> bool:
    """Tell whether who waits may ask to be called back: his queue routes callbacks."""
    visits = WorkItem.objects.filter(interaction=interaction).exclude(visit=Visit.LEFT)
    return visits.filter(queue__callbacks=True).exists()


def _delivered(thread: Thread) -> int:
    """Return the seq of what stood last before the eyes of the last operator who held the talk."""
    legs = Assignment.objects.filter(interaction__thread=thread).exclude(accepted_at=None)
    last = legs.order_by("-accepted_at").values_list("ended_at", flat=True).first()
    return thread.messages.filter(at__lte=last).aggregate(seq=Max("seq"))["seq"] or 0 if last else 0


def may_rate(interaction: Interaction) -> bool:
    """Tell whether a rating is taken, or changed: somebody answered, and it ended lately."""
    return (
        interaction.closed_at is not None
        and interaction.close_reason != CloseReason.SPAM
        and interaction.first_reply_at is not None
        and interaction.closed_at > timezone.now() - RATE_WITHIN
    )


def _asks_rating(interaction: Interaction) -> bool:
    return may_rate(interaction) and not Survey.objects.filter(interaction=interaction).exists()


def form(site: Site, language: str) -> dict[str, Any]:
    """Return what the pre-chat form asks for."""
    topics = [topic for topic in site.topics.all() if topic.active] if site.ask_topic else []
    return {
        "title": site.title,
        "greeting": site.greeting_ru if language == "ru" and site.greeting_ru else site.greeting,
        "ask_name": site.ask_name,
        "ask_contact": site.ask_contact or site.need_contact,
        "need_contact": site.need_contact,
        "topics": [{"id": topic.pk, "label": topic.label(language)} for topic in topics],
        "ask_consent": site.ask_consent,
        "consent_url": site.consent_url,
        "contact_line": site.contact_line,
        "file_limit_mb": settings.UPLOAD_LIMIT_MB,
    }


def form_by_link(form: dict[str, Any], link: CallLink) -> dict[str, Any]:
    """Return what is asked for who has opened a link: nothing of himself, and a topic only if the link has none.

    Whoever it was handed on to reads it, so nothing of the customer stands in it.
    """
    return {
        **form,
        "ask_name": False,
        "ask_contact": False,
        "need_contact": False,
        "topics": [] if link.topic_id else form["topics"],
    }


# --- Said ---


def text_of(data: dict[str, Any], name: str, limit: int) -> str:
    """Return a text field without spaces around it. Raises Invalid if it is no text or too long."""
    value = data.get(name) or ""
    if not isinstance(value, str):
        raise Invalid(_("This must be a text."), field=name)
    value = value.strip()
    if len(value) > limit:
        raise Invalid(_("Too long: %(limit)s characters at most.") % {"limit": limit}, field=name)
    return value


def whole_of(data: dict[str, Any], name: str, default: int | None = None) -> int | None:
    """Return a whole number from 0, or the default if the field is absent. Raises Invalid for anything else."""
    value = data.get(name)
    if value is None or value == "":
        return default
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = -1
    if isinstance(value, bool) or not 0 <= number < 2**31:
        raise Invalid(_("This must be a whole number."), field=name)
    return number


def topic_of(site: Site, data: dict[str, Any]) -> Topic | None:
    """Return the chosen topic, one of the site's. Raises Invalid for another."""
    number = whole_of(data, "topic")
    if not number:
        return None
    for topic in site.topics.all():
        if topic.pk == number and topic.active:
            return topic
    raise Invalid(_("Choose a topic from the list."), field="topic")


def page_of(said: Any) -> dict[str, Any]:
    """Return the page a visitor is on, bounded: {"url", "title", "referrer", "utm"}. Nonsense is left out."""
    if not isinstance(said, dict):
        return {}
    page: dict[str, Any] = {"url": web_address(said.get("url")), "title": _short(said.get("title"), 200)}
    page["referrer"] = web_address(said.get("referrer"))
    utm = said.get("utm")
    if isinstance(utm, dict):
        page["utm"] = {key: _short(utm.get(key), 100) for key in UTM if utm.get(key)}
    return {key: value for key, value in page.items() if value}


UTM = ("source", "medium", "campaign", "term", "content")


def web_address(said: Any) -> str:
    """Return a web address of 500 characters at most, without name, password and fragment; "" if it is none."""
    if not isinstance(said, str):
        return ""
    try:
        parts = urlsplit(said.strip())
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not host:
        return ""
    return urlunsplit((parts.scheme, f"{host}{port}", parts.path, parts.query, ""))[:500]


def _short(said: Any, limit: int) -> str:
    return said.strip()[:limit] if isinstance(said, str) else ""


def event_of(site: Site, said: Any) -> tuple[str, dict[str, object]]:
    """Return (type, data) of something the site reports. Raises Invalid if it may not, or for too much."""
    if not isinstance(said, dict):
        raise Invalid(_("This event cannot be read."))
    kind = text_of(said, "type", 60)
    if kind == "page_view":
        page = page_of(said.get("page"))
        # The path says where he was; what stands behind it may be personal.
        return kind, {"url": page.get("url", "").partition("?")[0], "title": page.get("title", "")}
    if kind not in site.tracked_types:
        raise Invalid(_("This site may not report events of the type %(type)s.") % {"type": kind}, field="type")
    return kind, _flat(said.get("data") or {})


def _flat(data: Any) -> dict[str, object]:
    """Return an event's data if it is a flat object of at most `EVENT_BYTES`. Raises Invalid."""
    if not isinstance(data, dict) or not all(_is_plain(value) for value in data.values()):
        raise Invalid(_("The data of an event must be an object of plain values."), field="data")
    written = json.dumps(data, ensure_ascii=False)
    if len(written.encode()) > EVENT_BYTES:
        raise Invalid(
            _("The data of an event is too long: %(limit)s bytes at most.") % {"limit": EVENT_BYTES}, field="data"
        )
    return data


def _is_plain(value: Any) -> bool:
    """Tell whether a database can keep a value as JSON: 1e999 is read as endless and cannot be written."""
    return isfinite(value) if isinstance(value, float) else value is None or isinstance(value, str | int)


def moment_of(said: Any) -> datetime:
    """Return when a browser says something happened: within the last day, else now."""
    now = timezone.now()
    at = moment(said) if isinstance(said, str) and len(said) < 40 else None
    return at if at and now - timedelta(days=1) < at < now else now
