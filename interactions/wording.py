"""System lines in words: stored as code and arguments, worded for each reader."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from interactions.choices import CloseReason

ICONS = {
    "joined": "user-plus",
    "closed": "circle-check",
    "transferred": "arrow-forward-up",
    "transfer_note": "note",
    "back_in_queue": "rotate",
    "silent_warning": "clock",
    "away": "clock",
    "announcement": "speakerphone",
    "overflow_queue": "arrow-forward-up",
    "overflow_form": "mail",
    "overflow_message": "speakerphone",
    "overflow_close": "ban",
}


def _closed(args: dict[str, Any]) -> str:
    words = {
        CloseReason.FINISHED: _("%(name)s has finished the session"),
        CloseReason.ENDED: _("The customer has ended the chat"),
        CloseReason.LEFT: _("The customer has left"),
        CloseReason.SILENT: _("Closed: nobody wrote for long"),
        CloseReason.SPAM: _("Closed as spam"),
        CloseReason.REFUSED: _("Turned away by a rule of the queue"),
    }
    return str(words.get(args.get("reason", ""), _("Closed"))) % {"name": args.get("name", "")}


def _overflow(args: dict[str, Any]) -> str:
    return _("Told by a rule of the queue: %(reason)s") % {"reason": args.get("reason", "")}


def _transferred(args: dict[str, Any]) -> str:
    return _("Transferred by %(by)s to %(to)s") % {"by": args.get("by", ""), "to": args.get("to", "")}


WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "joined": lambda args: _("%(name)s joined the chat") % {"name": args.get("name", "")},
    "closed": _closed,
    "transferred": _transferred,
    "transfer_note": lambda args: (
        _("Note of %(by)s: %(note)s") % {"by": args.get("by", ""), "note": args.get("note", "")}
    ),
    "back_in_queue": lambda args: _("The session went back to its queue"),
    "away": lambda args: _("The customer was told that nobody can answer now"),
    "silent_warning": lambda args: _("The customer was told that the chat closes if he stays silent"),
    "announcement": lambda args: _("Told to those who wait: %(reason)s") % {"reason": args.get("reason", "")},
    "overflow_queue": lambda args: _("Overflow: sent on to %(to)s") % {"to": args.get("to", "")},
    "overflow_form": lambda args: _("Overflow: the customer was offered the form of a request"),
    "overflow_message": _overflow,
    "overflow_close": _overflow,
}


def system_words(code: str, args: dict[str, Any]) -> str:
    """Return a system line in the active language, as staff reads it. An unknown code is shown as it is."""
    return WORDS[code](args) if code in WORDS else code
