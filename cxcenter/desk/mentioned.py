"""The rows that facts name by their numbers, as far as the reader may see them: asked for once per page."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, FloatField, IntegerField, OuterRef, Prefetch, Subquery, Sum

from customers.fields import CUSTOM
from customers.models import CustomField, Identity, Membership, Note
from cxcenter.accounts.models import User
from cxcenter.core.models import Event
from interactions.choices import Author
from interactions.models import Case, Interaction, Message, Recording, Task
from routing.models import Assignment

if TYPE_CHECKING:
    from django.db.models import QuerySet


@dataclass(frozen=True)
class Mentioned:
    """Sessions, cases, tasks, identities, notes, members and people by their numbers, own fields by their codes; who reads."""

    reader: User

    sessions: dict[int, Interaction]
    cases: dict[int, Case]
    tasks: dict[int, Task]
    identities: dict[int, Identity]
    notes: dict[int, Note]
    members: dict[int, Membership]
    people: dict[int, User]
    fields: dict[str, CustomField]


def mentioned_in(events: Iterable[Event], user: User) -> Mentioned:
    """Return what the facts of a page name. As many queries for a thousand facts as for one."""
    events = list(events)
    return Mentioned(
        reader=user,
        sessions=_sessions(_named(events, "interaction"), user),
        cases=Case.objects.visible_to(user).in_bulk(_named(events, "case")),
        tasks=Task.objects.visible_to(user).in_bulk(_named(events, "task")),
        identities=Identity.objects.visible_to(user).in_bulk(_named(events, "identity")),
        notes=Note.objects.visible_to(user).in_bulk(_named(events, "note")),
        members=Membership.objects.visible_to(user)
        .select_related("company__customer", "person__customer")
        .in_bulk(_named(events, "membership")),
        people=User.objects.in_bulk({event.actor_id for event in events} - {None}),
        fields=CustomField.objects.in_bulk(_own_fields(events), field_name="code"),
    )


def _named(events: Iterable[Event], what: str) -> set[int]:
    numbers = (event.payload.get(what) for event in events)
    return {number for number in numbers if isinstance(number, int)}


def _own_fields(events: Iterable[Event]) -> set[str]:
    names = (name for event in events if event.kind == "customer.edited" for name in event.payload.get("fields", []))
    return {name.removeprefix(CUSTOM) for name in names if name.startswith(CUSTOM)}


def _sessions(numbers: set[int], user: User) -> dict[int, Interaction]:
    if not numbers:
        return {}
    answered = Assignment.objects.exclude(accepted_at=None).select_related("operator").order_by("accepted_at")
    readable: QuerySet[Any] = (
        Interaction.objects.visible_to(user)
        .select_related("topic", "disposition", "survey")
        .prefetch_related(Prefetch("legs", queryset=answered, to_attr="answered_by"))
        .annotate(said=_count_of_messages(), recorded_s=_length_of_recordings())
    )
    return readable.in_bulk(numbers)


def _count_of_messages() -> Subquery:
    spoken = Message.objects.filter(interaction=OuterRef("pk")).exclude(author=Author.SYSTEM).order_by()
    return Subquery(spoken.values("interaction").annotate(n=Count("pk")).values("n"), output_field=IntegerField())


def _length_of_recordings() -> Subquery:
    """How much of a session can be heard, s; None if nothing."""
    heard = Recording.objects.filter(interaction=OuterRef("pk")).exclude(file="").order_by()
    return Subquery(heard.values("interaction").annotate(n=Sum("duration_s")).values("n"), output_field=FloatField())
