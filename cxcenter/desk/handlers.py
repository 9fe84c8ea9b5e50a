"""What changes on a card, a case or a timeline is told to the pages that show it."""

from collections.abc import Iterable

from customers.events import CustomersMerged, CustomersUnmerged, CustomerUpdated, IdentityChanged, NoteChanged
from customers.models import Profile
from cxcenter.core import realtime
from cxcenter.core.events import Payload, handles, watches_all
from cxcenter.core.statements import Statement
from cxcenter.desk.wording import WORDS
from interactions.events import CaseChanged
from interactions.models import Case, Interaction

# Asked for each fact that is in a timeline.
WHOSE = Statement(
    "whose_fact",
    """
    SELECT customer_id FROM core_outbox outbox JOIN core_event event ON event.id = outbox.event_id
        JOIN customers_profile profile ON profile.id = event.profile_id
    WHERE outbox.id = %(outbox)s
    """,
    outbox="bigint",
)


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
    _tell_timelines(Profile.objects.filter(notes=fact.note).values_list("customer_id", flat=True))


@watches_all
def tell_of_fact(topic: str, _payload: Payload, outbox: int) -> None:
    """Pages that show the customer's timeline show the new fact."""
    if topic not in WORDS:
        return
    _tell_timelines(customer for (customer,) in WHOSE.rows(outbox=outbox))


def _tell_timelines(customers: Iterable[int]) -> None:
    for customer in customers:
        realtime.push((realtime.card_group(customer), {"kind": "timeline", "customer": customer}))


def _tell(customer_id: int, told: dict[str, object]) -> None:
    talks = Interaction.objects.open().filter(profile__customer_id=customer_id)
    threads = talks.values_list("thread_id", flat=True).distinct()
    pushes = [(realtime.staff_group(thread), {**told, "thread": thread}) for thread in threads]
    if pushes:
        realtime.push(*pushes)
