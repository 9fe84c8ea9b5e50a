"""Events in words, as the timeline shows them."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from customers.models import Customer
from cxcenter.core.models import Event
from interactions.choices import CaseKind, CaseStatus, ChannelKind, CloseReason

Words = tuple[str, str, str, str]
Payload = dict[str, Any]


def _opened(payload: Payload) -> Words:
    kind = payload.get("kind", "webchat")
    text = _("%(channel)s: a session began") % {"channel": ChannelKind(kind).label}
    return "message-circle", kind, text, f"/desk/s/{payload.get('interaction')}/"


def _closed(payload: Payload) -> Words:
    reason = payload.get("reason", "")
    words = CloseReason(reason).label if reason in CloseReason.values else reason
    return (
        "circle-check",
        payload.get("kind", "webchat"),
        _("Session ended: %(reason)s") % {"reason": words},
        (f"/desk/s/{payload.get('interaction')}/"),
    )


def _linked(payload: Payload) -> Words:
    text = _("Session linked to this card by hand") if payload.get("linked") else _("Session taken off this card")
    return "link", payload.get("kind", "webchat"), text, f"/desk/s/{payload.get('interaction')}/"


def _case(payload: Payload) -> Words:
    kind = payload.get("kind", "")
    label = CaseKind(kind).label if kind in CaseKind.values else _("Case")
    text = _("%(kind)s CS-%(number)s registered") % {"kind": label, "number": payload.get("case")}
    return "clipboard-list", "callback", text, f"/desk/cases/{payload.get('case')}/"


def _case_changed(payload: Payload) -> Words:
    status = payload.get("status", "")
    label = CaseStatus(status).label if status in CaseStatus.values else status
    text = _("Case CS-%(number)s: %(status)s") % {"number": payload.get("case"), "status": label}
    return "clipboard-list", "callback", text, f"/desk/cases/{payload.get('case')}/"


def _site(payload: Payload) -> Words:
    data = payload.get("data") or {}
    what = payload.get("type", "")
    if what == "page_view" and isinstance(data, dict):
        return "world", "office", _("Page: %(title)s") % {"title": data.get("title") or data.get("url", "")}, ""
    return "world", "office", _("On the site: %(what)s") % {"what": what}, ""


def _survey(payload: Payload) -> Words:
    words = _("Rated: satisfaction %(csat)s of 5, effort %(ces)s of 7")
    return "star", "push", words % {"csat": payload.get("csat") or "–", "ces": payload.get("ces") or "–"}, ""


def _merged(payload: Payload) -> Words:
    words = _("Merged: C-%(absorbed)s into C-%(customer)s") % payload
    return "git-merge", "office", words, f"/desk/customers/{payload.get('customer')}/"


def _unmerged(payload: Payload) -> Words:
    words = _("Merge undone: C-%(absorbed)s out of C-%(customer)s") % payload
    return "git-merge", "office", words, f"/desk/customers/{payload.get('absorbed')}/"


def _apart(payload: Payload) -> Words:
    words = (
        _("Not the same person as C-%(other)s") if payload.get("apart") else _("May be the same person as C-%(other)s")
    )
    return "git-merge", "office", words % payload, f"/desk/customers/{payload.get('other')}/"


def _edited(payload: Payload) -> Words:
    titles = {field.name: str(field.verbose_name) for field in Customer._meta.concrete_fields}
    titles["address"] = _("address")
    fields = ", ".join(titles.get(name, name) for name in payload.get("fields", []))
    return "pencil", "office", _("Card edited: %(fields)s") % {"fields": fields}, ""


def _consent(payload: Payload) -> Words:
    words = _("Consent given") if payload.get("granted") else _("Consent withdrawn")
    return "shield-lock", "office", words, ""


WORDS: dict[str, Callable[[Payload], Words]] = {
    "interaction.opened": _opened,
    "interaction.closed": _closed,
    "interaction.linked": _linked,
    "case.opened": _case,
    "case.changed": _case_changed,
    "task.created": lambda _payload: ("checklist", "callback", _("A task was set"), ""),
    "task.done": lambda _payload: ("checklist", "callback", _("A task was done"), ""),
    "site.event": _site,
    "survey.answered": _survey,
    "customer.created": lambda _payload: ("user-plus", "office", _("First contact"), ""),
    "customer.edited": _edited,
    "customer.consent": _consent,
    "customer.merged": _merged,
    "customer.unmerged": _unmerged,
    "customer.apart": _apart,
    "visitor.blocked": lambda _payload: ("ban", "social", _("Blocked for a time"), ""),
}


def event_words(event: Event) -> Words:
    """Return (icon, channel colour, words, address) of an event in the active language; an unknown kind as it is."""
    if event.kind in WORDS:
        return WORDS[event.kind](event.payload)
    return "history", "office", event.kind, ""
