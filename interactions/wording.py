"""System lines in words: stored as code and arguments, worded for each reader."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from interactions.choices import CloseReason

ICONS = {
    "joined": "user-plus",
    "calling": "phone-outgoing",
    "answered": "phone-call",
    "closed": "circle-check",
    "transferred": "arrow-forward-up",
    "transfer_note": "note",
    "back_in_queue": "rotate",
    "silent_warning": "clock",
    "callback": "phone-outgoing",
    "callback_taken": "phone-off",
    "callback_over": "phone-off",
    "away": "clock",
    "announcement": "speakerphone",
    "overflow_queue": "arrow-forward-up",
    "overflow_callback": "phone-incoming",
    "overflow_form": "mail",
    "overflow_message": "speakerphone",
    "overflow_close": "ban",
}


def _closed(args: dict[str, Any]) -> str:
    words = {
        CloseReason.FINISHED: _("%(name)s has finished the session"),
        CloseReason.ENDED: _("The customer has ended the talk"),
        CloseReason.LEFT: _("The customer has left"),
        CloseReason.SILENT: _("Closed: nobody wrote for long"),
        CloseReason.SPAM: _("Closed as spam"),
        CloseReason.CALLBACK: _("The customer asked to be called back"),
        CloseReason.CAME: _("The customer came by himself"),
        CloseReason.NO_ANSWER: _("%(name)s called, nobody answered"),
        CloseReason.WRONG: _("%(name)s called, it was a wrong number"),
        CloseReason.CANCELLED: _("The callback was cancelled"),
        CloseReason.LATER: _("The hours are over: he is called when they begin again"),
        CloseReason.REFUSED: _("Turned away by a rule of the queue"),
    }
    return str(words.get(args.get("reason", ""), _("Closed"))) % {"name": args.get("name", "")}


def _callback(args: dict[str, Any]) -> str:
    attempt, at = args.get("attempt", 1), _moment(args.get("at", ""))
    said = _("The customer asked to be called at %(at)s") % {"at": at} if at else _("The customer keeps his place")
    return _("%(said)s (attempt %(n)s)") % {"said": said, "n": attempt} if attempt != 1 else said


def _moment(text: str) -> str:
    """Return a moment of a line in the reader's zone."""
    at = parse_datetime(text) if text else None
    return date_format(timezone.localtime(at), "j M, H:i") if at else ""


def _overflow(args: dict[str, Any]) -> str:
    return _("Told by a rule of the queue: %(reason)s") % {"reason": args.get("reason", "")}


def _transferred(args: dict[str, Any]) -> str:
    return _("Transferred by %(by)s to %(to)s") % {"by": args.get("by", ""), "to": args.get("to", "")}


WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "joined": lambda args: _("%(name)s joined the chat") % {"name": args.get("name", "")},
    "answered": lambda args: _("%(name)s has answered the call") % {"name": args.get("name", "")},
    "calling": lambda args: _("%(name)s has taken the callback") % {"name": args.get("name", "")},
    "closed": _closed,
    "transferred": _transferred,
    "transfer_note": lambda args: (
        _("Note of %(by)s: %(note)s") % {"by": args.get("by", ""), "note": args.get("note", "")}
    ),
    "back_in_queue": lambda args: _("The session went back to its queue"),
    "away": lambda args: _("The customer was told that nobody can answer now"),
    "silent_warning": lambda args: _("The customer was told that the chat closes if he stays silent"),
    "callback": _callback,
    "callback_taken": lambda args: _("The customer came by himself and takes the place of his callback"),
    "callback_over": lambda args: _("The callback that was planned is not needed any more"),
    "announcement": lambda args: _("Told to those who wait: %(reason)s") % {"reason": args.get("reason", "")},
    "overflow_queue": lambda args: _("Overflow: sent on to %(to)s") % {"to": args.get("to", "")},
    "overflow_callback": lambda args: _("Overflow: the customer was offered a callback"),
    "overflow_form": lambda args: _("Overflow: the customer was offered the form of a request"),
    "overflow_message": _overflow,
    "overflow_close": _overflow,
}


def system_words(code: str, args: dict[str, Any]) -> str:
    """Return a system line in the active language, as staff reads it. An unknown code is shown as it is."""
    return WORDS[code](args) if code in WORDS else code
