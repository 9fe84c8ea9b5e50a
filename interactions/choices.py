"""Closed lists of the interactions app: their values are stored, their labels are translated."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ChannelKind(models.TextChoices):
    """How a customer and we talk."""

    WEBCHAT = "webchat", _("Web chat")
    TELEGRAM = "telegram", _("Telegram")
    WHATSAPP = "whatsapp", _("WhatsApp")
    VIBER = "viber", _("Viber")
    VK = "vk", _("VK")
    EMAIL = "email", _("E-mail")
    SMS = "sms", _("SMS")
    PUSH = "push", _("Push")
    VOICE = "voice", _("Voice")
    SOCIAL = "social", _("Comments")
    CALLBACK = "callback", _("Callback")
    OFFICE = "office", _("Office")


# Contacts whose customer reads nothing: one speaks with him.
SPOKEN = frozenset({ChannelKind.VOICE, ChannelKind.CALLBACK})


class Author(models.TextChoices):
    """Who said it."""

    CUSTOMER = "customer", _("customer")
    STAFF = "staff", _("staff")
    BOT = "bot", _("bot")
    SYSTEM = "system", _("system")


class Audience(models.TextChoices):
    """Who may read it. A note is for staff alone."""

    ALL = "all", _("everybody")
    STAFF = "staff", _("staff")


class CloseReason(models.TextChoices):
    """Why an interaction ended."""

    FINISHED = "finished", _("finished by the operator")
    LEFT = "left", _("the customer left")
    ENDED = "ended", _("ended by the customer")
    SILENT = "silent", _("nobody wrote for long")
    SPAM = "spam", _("spam")
    CALLBACK = "callback", _("asked to be called back")
    CAME = "came", _("came by himself")
    NO_ANSWER = "no_answer", _("nobody answered")
    WRONG = "wrong", _("wrong number")
    CANCELLED = "cancelled", _("cancelled")
    LATER = "later", _("put off until opening")
    VOICEMAIL = "voicemail", _("left a message")
    REFUSED = "refused", _("turned away: full, closed, or waited too long")


class Music(models.TextChoices):
    """What who waits on the phone hears."""

    NONE = "none", _("nothing")
    BUILT_IN = "built_in", _("our own: soft chords, made in his browser")
    FILE = "file", _("a file")


class Provider(models.TextChoices):
    """Who carries a call."""

    BROWSER = "browser", _("browser line")
    ASTERISK = "asterisk", "Asterisk"
    BRIDGE = "bridge", _("telephony platform")


class ExchangeKind(models.TextChoices):
    """What a telephone exchange is spoken to by; who carries its calls has the same name."""

    ASTERISK = Provider.ASTERISK.value, _("Asterisk (AMI)")
    BRIDGE = Provider.BRIDGE.value, _("telephony platform by HTTP")


class Direction(models.TextChoices):
    """Who called whom."""

    IN = "in", _("incoming")
    OUT = "out", _("outgoing")


class CaseKind(models.TextChoices):
    """What a case is."""

    QUESTION = "question", _("Question")
    COMPLAINT = "complaint", _("Complaint")
    REQUEST = "request", _("Request")


class CaseStatus(models.TextChoices):
    """Where a case stands."""

    OPEN = "open", _("open")
    WAITING = "waiting", _("waiting")
    SOLVED = "solved", _("solved")
    CLOSED = "closed", _("closed")


class Priority(models.IntegerChoices):
    """How much it presses."""

    LOW = 1, _("Low")
    NORMAL = 2, _("Normal")
    HIGH = 3, _("High")
    URGENT = 4, _("Urgent")


class TaskKind(models.TextChoices):
    """What a task asks for."""

    TODO = "todo", _("To do")
    CALLBACK = "callback", _("Call back")
    WRITE = "write", _("Write to the customer")
    VOICEMAIL = "voicemail", _("Listen to a message")
