"""What routing notes of a customer's visits and callbacks, in an export and in an erasure."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.utils.translation import ngettext

from cxcenter.core.personal import Holder, Rows, Section, Subject, in_batches, register
from interactions.personal import sessions_of
from routing.choices import Leg
from routing.models import Assignment, Callback, WorkItem


def _callbacks_of(subject: Subject) -> Any:
    """Return his callbacks: those on his card, and those on nobody's card to a phone of his alone."""
    unclaimed = Q(profile=None, thread__identity__in=subject.identities)
    return Callback.objects.filter(Q(profile__in=subject.profiles) | unclaimed)


class Visits(Holder):
    """Visits to queues and the notes that were handed on with them; callbacks."""

    tables = (WorkItem, Callback)

    def reached(self, profiles: tuple[int, ...]) -> set[int]:
        """Return the phones at which they were to be called."""
        return {*Callback.objects.filter(profile__in=profiles).values_list("thread__identity", flat=True)}

    def claimed(self, profiles: tuple[int, ...], identities: Iterable[int]) -> set[int]:
        """Return the phones at which others are called."""
        others = Callback.objects.filter(thread__identity__in=list(identities)).exclude(profile__in=profiles)
        return {*others.exclude(profile=None).values_list("thread__identity", flat=True)}

    def obstacles(self, subject: Subject) -> list[str]:
        """Return how many sessions an operator still wraps up, where he may write a note, and how many callbacks are open."""
        legs = Assignment.objects.filter(leg=Leg.WRAPUP, interaction__in=sessions_of(subject)).count()
        calls = _callbacks_of(subject).open().count()
        return [
            *([ngettext("%(count)s wrap-up", "%(count)s wrap-ups", legs) % {"count": legs}] if legs else []),
            *([ngettext("%(count)s callback", "%(count)s callbacks", calls) % {"count": calls}] if calls else []),
        ]

    def sections(self) -> dict[str, Section]:
        """Return what is exported of it."""
        return {"visits": _visits, "callbacks": _callbacks}

    def erase(self, subject: Subject) -> None:
        """Erase the notes, and what he said of himself when he asked to be called."""
        WorkItem.objects.filter(interaction__in=sessions_of(subject)).exclude(note="").update(note="")
        _callbacks_of(subject).update(name="", text="", zone="")


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


def _callbacks(subject: Subject) -> Rows:
    for row in in_batches(_callbacks_of(subject).select_related("queue", "thread__identity")):
        yield {
            "number": str(row),
            "profile": row.profile_id,
            "phone": row.phone,
            "queue": row.queue.name,
            "name": row.name,
            "text": row.text,
            "zone": row.zone,
            "asked_at": row.asked_at,
            "chosen_time": row.at,
            "attempts": row.attempts,
            "ended_at": row.ended_at,
            "result": row.result,
        }
