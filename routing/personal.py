"""What routing notes of a customer's visits, in an export and in an erasure."""

from django.utils.translation import ngettext

from cxcenter.core.personal import Holder, Rows, Section, Subject, in_batches, register
from interactions.personal import sessions_of
from routing.choices import Leg
from routing.models import Assignment, WorkItem


class Visits(Holder):
    """Visits to queues and the notes that were handed on with them."""

    tables = (WorkItem,)

    def obstacles(self, subject: Subject) -> list[str]:
        """Return how many sessions an operator still wraps up: he may write a note."""
        legs = Assignment.objects.filter(leg=Leg.WRAPUP, interaction__in=sessions_of(subject)).count()
        return [ngettext("%(count)s wrap-up", "%(count)s wrap-ups", legs) % {"count": legs}] if legs else []

    def sections(self) -> dict[str, Section]:
        """Return what is exported of it."""
        return {"visits": _visits}

    def erase(self, subject: Subject) -> None:
        """Erase the notes."""
        WorkItem.objects.filter(interaction__in=sessions_of(subject)).exclude(note="").update(note="")


register(Visits())


def _visits(subject: Subject) -> Rows:
    for row in in_batches(WorkItem.objects.filter(interaction__in=sessions_of(subject)).select_related("queue")):
        yield {
            "session": f"S-{row.interaction_id}",
            "queue": row.queue.name,
            "entered_at": row.entered_at,
            "left_at": row.left_at,
            "outcome": row.outcome,
            "segments": row.segments,
            "internal_note": row.note,
        }
