"""Events in words, as the timeline shows them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from customers.choices import IdentityKind
from customers.fields import CUSTOM
from customers.models import Customer
from cxcenter.core.models import Event
from cxcenter.core.templatetags.cx import clock, moment
from cxcenter.desk.card import IDENTITY_ICONS, shown_value
from cxcenter.desk.consents import title_of
from cxcenter.desk.mentioned import Mentioned
from interactions.choices import CaseKind, CaseStatus, ChannelKind, CloseReason
from interactions.models import Interaction
from routing.choices import CallbackEnd

Payload = dict[str, Any]
TONES = {"open": "info", "waiting": "warn", "solved": "ok", "closed": "ok"}
# Of what another system says of its fact, so much is shown.
FIELDS, LETTERS = 4, 120


@dataclass(frozen=True)
class Said:
    """A fact in words: a title, a tag beside it, a line of details below, where it leads to.

    `note` is the number of the reader's own note, which he may change; `taken_back` tells that he has taken it back.
    """

    icon: str
    colour: str
    title: str
    detail: str = ""
    tag: str = ""
    tone: str = ""
    url: str = ""
    text: str = ""
    note: int = 0
    taken_back: bool = False


def joined(*parts: object) -> str:
    """Join what there is to say by a middle dot."""
    return " · ".join(str(part) for part in parts if part)


# --- Sessions ---


def _session(payload: Payload, about: Mentioned) -> tuple[Interaction | None, str]:
    """Return the session, if the reader may read it, and its address."""
    session = about.sessions.get(payload.get("interaction", 0))
    return session, f"/desk/s/{session.pk}/" if session else ""


def _opened(payload: Payload, about: Mentioned) -> Said:
    kind = payload.get("kind", "webchat")
    title = _("%(channel)s: a session began") % {"channel": ChannelKind(kind).label}
    session, url = _session(payload, about)
    if session is None:
        return Said("message-circle", kind, title)
    topic = session.topic.label(get_language() or "en") if session.topic else session.subject
    tag = _("in progress") if session.is_open else ""
    detail = joined(topic, _who_answered(session), _how_much(session))
    return Said("message-circle", kind, title, detail, tag, "info", url)


def _who_answered(session: Any) -> str:
    return ", ".join(dict.fromkeys(leg.operator.name for leg in session.answered_by))


def _how_much(session: Any) -> str:
    count = session.said or 0
    return ngettext("%(count)s message", "%(count)s messages", count) % {"count": count}


def _closed(payload: Payload, about: Mentioned) -> Said:
    reason = payload.get("reason", "")
    words = CloseReason(reason).label if reason in CloseReason.values else reason
    title = _("Session ended: %(reason)s") % {"reason": words}
    session, url = _session(payload, about)
    detail = joined(_how_long(session), _recorded(session), _outcome(session)) if session else ""
    return Said("circle-check", payload.get("kind", "webchat"), title, detail, url=url)


def _how_long(session: Interaction) -> str:
    if session.closed_at is None:
        return ""
    return _("lasted %(time)s") % {"time": clock((session.closed_at - session.opened_at).total_seconds())}


def _recorded(session: Any) -> str:
    return _("recording %(time)s") % {"time": clock(session.recorded_s)} if session.recorded_s else ""


def _outcome(session: Interaction) -> str:
    return session.disposition.label(get_language() or "en") if session.disposition else ""


def _linked(payload: Payload, about: Mentioned) -> Said:
    title = _("Session linked to this card by hand") if payload.get("linked") else _("Session taken off this card")
    return Said("link", payload.get("kind", "webchat"), title, url=_session(payload, about)[1])


def _survey(payload: Payload, about: Mentioned) -> Said:
    words = _("Rated: satisfaction %(csat)s of 5, effort %(ces)s of 7")
    title = words % {"csat": payload.get("csat") or "–", "ces": payload.get("ces") or "–"}
    session, url = _session(payload, about)
    survey = getattr(session, "survey", None)
    return Said("star", "push", title, survey.comment if survey else "", url=url)


# --- Callbacks ---


def _callback(payload: Payload, about: Mentioned) -> Said:
    title = _("The callback was changed") if payload.get("changed") else _("Asked to be called back")
    at = parse_datetime(payload.get("at") or "")
    detail = _("at %(at)s") % {"at": moment(at)} if at else _("as soon as his turn comes")
    return Said("phone-outgoing", "callback", title, detail)


def _callback_missed(payload: Payload, _about: Mentioned) -> Said:
    words = _("Called, nobody answered (attempt %(attempt)s)") % {"attempt": payload.get("attempt")}
    again = parse_datetime(payload.get("again_at") or "")
    return Said("phone-x", "callback", words, _("again at %(at)s") % {"at": moment(again)} if again else "")


def _callback_ended(payload: Payload, _about: Mentioned) -> Said:
    result = payload.get("result", "")
    words = CallbackEnd(result).label if result in CallbackEnd.values else result
    return Said("phone", "callback", _("Callback: %(result)s") % {"result": words})


# --- Cases and tasks ---


def _case(payload: Payload, about: Mentioned) -> Said:
    kind = payload.get("kind", "")
    label = CaseKind(kind).label if kind in CaseKind.values else _("Case")
    said = _about_case(
        _("%(kind)s CS-%(number)s registered") % {"kind": label, "number": payload.get("case")}, payload, about
    )
    case = about.cases.get(payload.get("case", 0))
    # Where it stands now: what it was then is told by the facts that follow.
    return replace(said, tag=case.get_status_display(), tone=TONES.get(case.status, "")) if case else said


def _case_changed(payload: Payload, about: Mentioned) -> Said:
    status = payload.get("status", "")
    label = CaseStatus(status).label if status in CaseStatus.values else status
    title = _("Case CS-%(number)s: %(status)s") % {"number": payload.get("case"), "status": label}
    return _about_case(title, payload, about)


def _case_linked(payload: Payload, about: Mentioned) -> Said:
    titles = {
        (True, True): _("Session attached to CS-%(number)s"),
        (True, False): _("Session detached from CS-%(number)s"),
        (False, True): _("CS-%(number)s linked to this card by hand"),
        (False, False): _("CS-%(number)s taken off this card"),
    }
    title = titles[bool(payload.get("interaction")), bool(payload.get("linked"))]
    return _about_case(title % {"number": payload.get("case")}, payload, about)


def _about_case(title: str, payload: Payload, about: Mentioned) -> Said:
    case = about.cases.get(payload.get("case", 0))
    said = Said("clipboard-list", "callback", title)
    return replace(said, detail=case.subject, url=f"/desk/cases/{case.pk}/") if case else said


def _task(title: str, payload: Payload, about: Mentioned) -> Said:
    task = about.tasks.get(payload.get("task", 0))
    return Said("checklist", "callback", title, task.title if task else "")


# --- The site and other systems ---


def _site(payload: Payload, about: Mentioned) -> Said:
    data, what = _data(payload), payload.get("type", "")
    if what == "page_view":
        url = str(data.get("url", ""))
        return Said("world", "office", _("Page: %(title)s") % {"title": data.get("title") or url}, url)
    return Said("world", "office", _("On the site: %(what)s") % {"what": what}, _fields(data))


def _outside(payload: Payload, about: Mentioned) -> Said:
    """Say a fact of another system: its type, what it names by "title" or "name", its amount, its other fields."""
    data = _data(payload)
    icon, colour, words = outside_types().get(payload.get("type", ""), ("share", "office", payload.get("type", "")))
    name = next((str(data[key]) for key in ("title", "name") if data.get(key)), "")
    amount = _amount(data)
    rest = {key: value for key, value in data.items() if key not in {"title", "name", "amount", "currency"}}
    source = _("source: %(source)s") % {"source": payload.get("source", "")}
    return Said(icon, colour, joined(words, name[:LETTERS]), joined(_fields(rest), source), amount, "ok")


def outside_types() -> dict[str, tuple[str, str, str]]:
    """Return types of facts from outside that have words and an icon of their own; others are shown by their code."""
    return {
        "purchase": ("shopping-cart", "webchat", _("Purchase")),
        "order": ("shopping-cart", "webchat", _("Order")),
        "payment": ("coin", "webchat", _("Payment")),
        "delivery": ("route", "office", _("Delivery")),
        "office.visit": ("building-store", "office", _("Visit to the office")),
        "call": ("phone", "voice", _("Call")),
    }


def _amount(data: Payload) -> str:
    amount = data.get("amount")
    is_number = isinstance(amount, int | float) and not isinstance(amount, bool)
    return f"{amount:,} {data.get('currency', '')}".replace(",", " ").strip()[:40] if is_number else ""


def _data(payload: Payload) -> Payload:
    data = payload.get("data")
    return data if isinstance(data, dict) else {}


def _fields(data: Payload) -> str:
    plain = [f"{key}: {value}"[:LETTERS] for key, value in data.items() if isinstance(value, str | int | float)]
    return joined(*plain[:FIELDS])


# --- The card ---


def _merged(payload: Payload, about: Mentioned) -> Said:
    words = _("Merged: C-%(absorbed)s into C-%(customer)s") % payload
    return Said("git-merge", "office", words, url=f"/desk/customers/{payload.get('customer')}/")


def _unmerged(payload: Payload, about: Mentioned) -> Said:
    words = _("Merge undone: C-%(absorbed)s out of C-%(customer)s") % payload
    return Said("git-merge", "office", words, url=f"/desk/customers/{payload.get('absorbed')}/")


def _apart(payload: Payload, about: Mentioned) -> Said:
    words = (
        _("Not the same person as C-%(other)s") if payload.get("apart") else _("May be the same person as C-%(other)s")
    )
    return Said("git-merge", "office", words % payload, url=f"/desk/customers/{payload.get('other')}/")


def _edited(payload: Payload, about: Mentioned) -> Said:
    titles = {field.name: str(field.verbose_name) for field in Customer._meta.concrete_fields}
    titles["address"] = _("address")
    titles |= {CUSTOM + code: own.words(get_language() or "en") for code, own in about.fields.items()}
    fields = ", ".join(titles.get(name, name) for name in payload.get("fields", []))
    return Said("pencil", "office", _("Card edited: %(fields)s") % {"fields": fields})


def _identity(payload: Payload, about: Mentioned) -> Said:
    """Say what was done by hand to a way to reach the customer."""
    kind, change, other = payload.get("kind", ""), payload.get("change"), payload.get("other")
    titles = {
        "linked": _("moved here from C-%(other)s") if other else _("linked"),
        "unlinked": _("moved to C-%(other)s") if other else _("unlinked"),
        "verified": _("verified"),
        "unverified": _("not verified any more"),
        "primary": _("the main one"),
        "secondary": _("not the main one any more"),
    }
    label = IdentityKind(kind).label if kind in IdentityKind.values else kind
    title = f"{capfirst(label)}: {titles.get(str(change), '') % {'other': other}}"
    url = f"/desk/customers/{other}/" if other else ""
    icon = "unlink" if change == "unlinked" else "link"
    return Said(icon, IDENTITY_ICONS.get(kind, ("office", ""))[0], title, _value(payload, about), url=url)


def _value(payload: Payload, about: Mentioned) -> str:
    """Return the identity that a fact names, as the reader may see it."""
    identity = about.identities.get(payload.get("identity", 0))
    return shown_value(identity, about.reader) if identity else ""


def _member(payload: Payload, about: Mentioned) -> Said:
    """Say who came to a company, left it or has another role there, with the way to the other one."""
    titles = {
        "joined": _("%(person)s is with %(company)s"),
        "left": _("%(person)s is no longer with %(company)s"),
        "role": _("Another role: %(person)s, %(company)s"),
    }
    member = about.members.get(payload.get("membership", 0))
    names = {"person": f"C-{payload.get('person')}", "company": f"C-{payload.get('company')}"}
    if member is not None:
        names = {"person": str(member.person.customer), "company": str(member.company.customer)}
    other = payload.get("person") if payload.get("of") == "company" else payload.get("company")
    title = titles.get(payload.get("change", ""), "%(person)s, %(company)s") % names
    return Said("building", "office", title, member.role if member else "", url=f"/desk/customers/{other}/")


def _note(payload: Payload, about: Mentioned) -> Said:
    """Say a colleague's note; of one that was taken back only that there was one."""
    note = about.notes.get(payload.get("note", 0))
    said = Said("note", "note", _("Note"))
    if note is None:
        return said
    own = note.pk if note.author_id == about.reader.pk else 0
    if note.withdrawn_at is not None:
        return replace(said, title=_("A note was taken back"), note=own, taken_back=True)
    return replace(said, text=note.text, tag=_("changed") if note.edited_at else "", note=own)


def _consent(payload: Payload, about: Mentioned) -> Said:
    words = _("Consent given: %(what)s") if payload.get("granted") else _("Consent withdrawn: %(what)s")
    what = title_of(payload.get("purpose", ""), payload.get("channel", ""))
    return Said("shield-lock", "office", words % {"what": what}, _value(payload, about))


WORDS: dict[str, Callable[[Payload, Mentioned], Said]] = {
    "interaction.opened": _opened,
    "interaction.closed": _closed,
    "interaction.linked": _linked,
    "case.opened": _case,
    "case.changed": _case_changed,
    "case.linked": _case_linked,
    "task.created": lambda payload, about: _task(_("A task was set"), payload, about),
    "task.done": lambda payload, about: _task(_("A task was done"), payload, about),
    "callback.asked": _callback,
    "callback.missed": _callback_missed,
    "callback.ended": _callback_ended,
    "site.event": _site,
    "outside.event": _outside,
    "survey.answered": _survey,
    "customer.created": lambda _payload, _about: Said("user-plus", "office", _("First contact")),
    "customer.edited": _edited,
    "customer.consent": _consent,
    "customer.identity": _identity,
    "customer.note": _note,
    "customer.member": _member,
    "customer.merged": _merged,
    "customer.unmerged": _unmerged,
    "customer.apart": _apart,
    "visitor.blocked": lambda _payload, _about: Said("ban", "social", _("Blocked for a time")),
}


def event_words(event: Event, about: Mentioned) -> Said:
    """Return an event in the active language, with who did it; an unknown kind as it is."""
    if event.kind not in WORDS:
        return Said("history", "office", event.kind)
    said = WORDS[event.kind](event.payload, about)
    actor = about.people.get(event.actor_id or 0)
    # Of a fact from outside the actor is the integration's account: its source is named already.
    if actor is None or event.kind == "outside.event":
        return said
    return replace(said, detail=joined(said.detail, actor.name))
