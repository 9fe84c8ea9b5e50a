"""Closed lists of routing."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from interactions.choices import ChannelKind


class Work(models.TextChoices):
    """Kinds of work, by which an operator's capacity is counted."""

    CALL = "call", _("Calls")
    CHAT = "chat", _("Chats")
    CALLBACK = "callback", _("Callbacks")


# All that is written is one kind of work.
_WORK_OF = {ChannelKind.VOICE: Work.CALL, ChannelKind.CALLBACK: Work.CALLBACK}


def work_of(kind: str) -> Work:
    """Return the kind of work that an interaction of this kind is."""
    return _WORK_OF.get(ChannelKind(kind), Work.CHAT)


class Mode(models.TextChoices):
    """What an operator has chosen, or what we had to set for him."""

    AVAILABLE = "available", _("Available")
    PAUSE = "pause", _("Pause")
    MEETING = "meeting", _("Meeting")
    TRAINING = "training", _("Training")
    NOT_RESPONDING = "not_responding", _("Not responding")
    OFFLINE = "offline", _("Offline")


class State(models.TextChoices):
    """What an operator is doing, as shown and measured: his mode, and his work while available."""

    AVAILABLE = "available", _("Available")
    BUSY = "busy", _("Busy")
    WRAPUP = "wrapup", _("Wrap-up")
    PAUSE = "pause", _("Pause")
    MEETING = "meeting", _("Meeting")
    TRAINING = "training", _("Training")
    NOT_RESPONDING = "not_responding", _("Not responding")
    OFFLINE = "offline", _("Offline")


# States for which time is reserved beforehand: nobody chooses them himself.
RESERVED = (Mode.MEETING, Mode.TRAINING)


class Choice(models.TextChoices):
    """Whom a queue chooses among operators who fit equally well."""

    LEAST_LOADED = "least_loaded", _("who has the least in work")
    LONGEST_IDLE = "longest_idle", _("who has been idle the longest")
    EVEN = "even", _("who was given the fewest in the last hour")
    RANDOM = "random", _("by lot")


class Visit(models.TextChoices):
    """Where a work item stands."""

    WAITING = "waiting", _("waiting")
    OFFERED = "offered", _("offered")
    OUTSIDE = "outside", _("waits at the telephone exchange")
    LEFT = "left", _("left the queue")


class Outcome(models.TextChoices):
    """How a visit to a queue ended."""

    ANSWERED = "answered", _("answered")
    ABANDONED = "abandoned", _("abandoned")
    FLOWED_OUT = "flowed_out", _("flowed out")
    CALLBACK = "callback", _("asked to be called back")
    BLOCKED = "blocked", _("blocked")
    WITHDRAWN = "withdrawn", _("withdrawn")
    # Nobody waited: an operator has called by a telephone exchange. No number of visits counts it.
    OUTGOING = "outgoing", _("called by us")


class Blocked(models.TextChoices):
    """Why a visit was refused. The codes are those of the service level (metrics)."""

    NO_LINE = "B1", _("no line is free")
    FULL = "B2", _("the queue is full, or the limit of waiting is reached")
    RULE = "B3", _("closed by a rule")


class When(models.TextChoices):
    """What starts an overflow: while somebody waits, or as he comes."""

    WAITED = "waited", _("has waited so many seconds")
    LENGTH = "length", _("so many wait already")
    NOBODY = "nobody", _("nobody is signed in")
    HOURS = "hours", _("out of hours")


class Then(models.TextChoices):
    """What an overflow does."""

    QUEUE = "queue", _("another queue")
    CALLBACK = "callback", _("a callback")
    FORM = "form", _("the form of a request")
    MESSAGE = "message", _("a message, once")
    CLOSE = "close", _("turned away with words")


class Estimator(models.TextChoices):
    """How long a wait will be: see routing/estimators.py."""

    LENGTH = "ql", _("length of the queue")
    PATIENT = "qla", _("length of the queue, with patience")
    LAST = "les", _("wait of the last one who was answered")
    HEAD = "hol", _("wait of the first in line")
    RECENT = "recent", _("mean wait of those answered lately")


class Leg(models.TextChoices):
    """Where an assignment stands."""

    OFFERED = "offered", _("offered")
    ACTIVE = "active", _("in work")
    WRAPUP = "wrapup", _("wrap-up")
    ENDED = "ended", _("ended")


class LegEnd(models.TextChoices):
    """Why an assignment ended."""

    FINISHED = "finished", _("finished")
    DECLINED = "declined", _("declined")
    EXPIRED = "expired", _("not accepted in time")
    TRANSFERRED = "transferred", _("transferred")
    TAKEN = "taken", _("taken over by a supervisor")
    VANISHED = "vanished", _("the operator vanished")
    RETURNED = "returned", _("went back to the queue")
    WITHDRAWN = "withdrawn", _("withdrawn")


class GuestRole(models.TextChoices):
    """What a colleague does in a call that another has in hand."""

    CONSULT = "consult", _("is consulted")
    MEMBER = "member", _("is in the conference")
    LISTEN = "listen", _("listens")
    WHISPER = "whisper", _("whispers to the operator")


class GuestState(models.TextChoices):
    """Where a guest of a call stands."""

    RINGING = "ringing", _("it rings")
    IN = "in", _("takes part")
    LEFT = "left", _("is gone")


class GuestEnd(models.TextChoices):
    """How a guest's part in a call ended."""

    DECLINED = "declined", _("declined")
    NO_ANSWER = "no_answer", _("did not answer")
    LEFT = "left", _("left")
    LET_GO = "let_go", _("let go by the operator")
    TOOK = "took", _("took the call")
    OVER = "over", _("the call was over")


class CallbackState(models.TextChoices):
    """Where a callback stands. Who is being called at this moment is told by its leg."""

    PLANNED = "planned", _("planned")
    QUEUED = "queued", _("in its queue")
    ENDED = "ended", _("over")


class CallbackEnd(models.TextChoices):
    """What became of a callback."""

    REACHED = "reached", _("reached")
    NO_ANSWER = "no_answer", _("nobody answered")
    WRONG_NUMBER = "wrong_number", _("wrong number")
    CAME = "came", _("came by himself")
    CANCELLED = "cancelled", _("cancelled")


class AlertKind(models.TextChoices):
    """Why a supervisor was alerted."""

    LATE = "late", _("waits past the target time")
    ARRIVALS = "arrivals", _("sharply more contacts than usual")
    DROP = "drop", _("sharply fewer contacts than usual")
    TOPIC = "topic", _("sharply more contacts with a topic than usual")
    WAITS = "waits", _("sharply more late contacts than usual")
    STUCK = "stuck", _("a contact lasts unusually long")
    LONG_PAUSE = "long_pause", _("a pause is longer than its limit")
    T_WAITING = "t_waiting", _("a threshold is reached: so many wait")
    T_LONGEST = "t_longest", _("a threshold is reached: the longest wait")
    T_LEVEL = "t_level", _("a threshold is reached: the service level")


# Alerts of the thresholds that supervisors set.
REACHED = (AlertKind.T_WAITING, AlertKind.T_LONGEST, AlertKind.T_LEVEL)
