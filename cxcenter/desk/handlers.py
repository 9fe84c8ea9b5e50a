"""What changes on a card, a case or a timeline is told to the pages that show it."""

from typing import TYPE_CHECKING

from customers.events import CustomersMerged, CustomersUnmerged, CustomerUpdated, IdentityChanged, NoteChanged
from customers.models import Profile
from cxcenter.core import realtime
from cxcenter.core.events import Payload, handles, watches_all
from cxcenter.core.models import Outbox
from cxcenter.desk.wording import WORDS
from interactions.events import CaseChanged
from interactions.models import Case, Interaction

if TYPE_CHECKING:
    from django.db.models import QuerySet


@handles(CustomerUpdated)
@handles(IdentityChanged)
def tell_of_card(fact: CustomerUpdated | IdentityChanged) -> None:
    """Open talks of the customer show his card."""
    _tell(fact.customer, {"kind": "card"})


@handles(CustomersMerged)
@handles(CustomersUnmerged)
def tell_of_merge(fact: CustomersMerged | CustomersUnmerged) -> None:
    """Open talks of both show the card, and the history, that is theirs now."""
    for customer in {fact.customer, fact.absorbed}:
        _tell(customer, {"kind": "card"})


@handles(CaseChanged)
def tell_of_case(fact: CaseChanged) -> None:
    """Open talks of the customer show his cases."""
    case = Case.objects.filter(pk=fact.case).select_related("profile").first()
    if case is not None and case.profile is not None:
        _tell(case.profile.customer_id, {"kind": "case", "case": fact.case})


@handles(NoteChanged)
def tell_of_note(fact: NoteChanged) -> None:
    """Pages that show the customer's timeline show the note as it is now."""
    _tell_timelines(Profile.objects.filter(notes=fact.note))


@watches_all
def tell_of_fact(topic: str, _payload: Payload, outbox: int) -> None:
    """Pages that show the customer's timeline show the new fact."""
    if topic not in WORDS:
        return
    profile = Outbox.objects.filter(pk=outbox).values("event__profile_id")
    _tell_timelines(Profile.objects.filter(pk__in=profile))


def _tell_timelines(profiles: "QuerySet[Profile]") -> None:
    for customer in profiles.values_list("customer_id", flat=True):
        realtime.push((realtime.card_group(customer), {"kind": "timeline", "customer": customer}))


def _tell(customer_id: int, told: dict[str, object]) -> None:
    talks = Interaction.objects.open().filter(profile__customer_id=customer_id)
    threads = talks.values_list("thread_id", flat=True).distinct()
    pushes = [(realtime.staff_group(thread), {**told, "thread": thread}) for thread in threads]
    if pushes:
        realtime.push(*pushes)
