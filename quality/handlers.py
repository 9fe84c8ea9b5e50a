"""Quality's reactions to facts: what changes the numbers of a day that was summed up marks it. Each may run twice."""

from datetime import datetime

from cxcenter.core.events import handles
from quality import rollups
from quality.events import SurveyAnswered
from routing.events import CallsImported
from routing.models import WorkItem


@handles(SurveyAnswered)
def note_rating(fact: SurveyAnswered) -> None:
    """A rating counts on the day the session first came to a queue."""
    first = WorkItem.objects.filter(interaction=fact.interaction).order_by("pk").first()
    if first is not None:
        rollups.mark(first.entered_at, first.entered_at)


@handles(CallsImported)
def note_calls(fact: CallsImported) -> None:
    """Calls of the past have come."""
    rollups.mark(datetime.fromisoformat(fact.since), datetime.fromisoformat(fact.until))
