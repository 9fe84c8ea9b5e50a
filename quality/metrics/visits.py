"""Conditions on visits to queues (work items) and on legs: what is counted live and over time.

A number is a count by a condition; the link on it asks for the rows of the same condition, so the list
behind a number has as many rows as the number says. Times are compared inclusively.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, ExpressionWrapper, F, FloatField, Func, OuterRef, Q, Value
from django.db.models.expressions import Combinable

from routing.choices import Leg, Outcome, Visit
from routing.models import WorkItem

SECOND = Value(timedelta(seconds=1))
# Upper edges of the charts' columns, in seconds; one more column holds the rest.
WAIT_EDGES = (10, 20, 30, 40, 50, 60, 90, 120, 180)
REACTION_EDGES = (10, 20, 30)


class Seconds(Func):
    """An interval as seconds."""

    template = "EXTRACT(EPOCH FROM %(expressions)s)"
    output_field = FloatField()


def _seconds(later: str, earlier: str) -> Seconds:
    return Seconds(ExpressionWrapper(F(later) - F(earlier), output_field=FloatField()))


# The wait of a visit that has ended, and the time until the first human reply, both from entering the queue.
WAIT_S: Combinable = _seconds("left_at", "entered_at")
REACTION_S: Combinable = _seconds("interaction__first_reply_at", "entered_at")

# Now.
WAITING = ~Q(visit=Visit.LEFT)

# Of the visits of a period, by the moment of arrival.
ANSWERED = Q(outcome=Outcome.ANSWERED)
ABANDONED = Q(outcome=Outcome.ABANDONED)
FLOWED_OUT = Q(outcome=Outcome.FLOWED_OUT)

# A leg that holds a contact; a leg that is over: what AHT is the mean of.
IN_WORK = Q(leg=Leg.ACTIVE)
HANDLED = Q(leg=Leg.ENDED, accepted_at__isnull=False)


def overdue(now: datetime) -> Q:
    """Return the condition of visits that waited, or wait, for longer than their queue promises."""
    promised = F("entered_at") + SECOND * F("queue__target_s")
    return Q(left_at__gt=promised) | (WAITING & Q(entered_at__lt=now - SECOND * F("queue__target_s")))


def replied() -> Q:
    """Return the condition of first visits whose session has had a human reply."""
    earlier = WorkItem.objects.filter(interaction=OuterRef("interaction"), pk__lt=OuterRef("pk"))
    return Q(interaction__first_reply_at__isnull=False) & ~Q(Exists(earlier))
