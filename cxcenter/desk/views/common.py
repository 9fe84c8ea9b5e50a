"""What the desk's views share: finding what the user may see, and reading forms."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from customers.models import Customer, Profile
from customers.queries import lead_of, standing_for
from cxcenter.core import audit
from cxcenter.core.errors import Invalid, NotFound
from cxcenter.core.reading import number
from interactions.models import Case, Interaction, Task
from routing.choices import Leg

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

RELATED = ("thread__channel", "thread__identity", "profile__customer", "topic", "disposition")


def session_for(user: "User", pk: int) -> Interaction:
    """Return a session the user may read. Raises NotFound: what he may not see does not exist for him."""
    found = Interaction.objects.visible_to(user).select_related(*RELATED).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such session, or it is not yours to see."))
    return found


def session_to_read(user: "User", pk: int) -> Interaction:
    """Return a session the user may read, and note that he read it if it is in other hands or in nobody's."""
    found = session_for(user, pk)
    note_reading(user, found)
    return found


def note_reading(user: "User", talk: Interaction) -> None:
    """Keep in the audit log that somebody read a session he does not hold: once an hour, not at each refresh."""
    if not talk.legs.filter(operator=user).exclude(leg=Leg.ENDED).exists():
        audit.record_once(user, "interaction.read", f"interaction:{talk.pk}")


def customer_for(user: "User", pk: int) -> Customer:
    """Return a customer the user may see; whom he was merged into, if he was. Raises NotFound, Gone if he was erased."""
    standing = standing_customer(user, pk)
    standing.refuse_erased()
    return standing


def customer_to_read(user: "User", pk: int) -> Customer:
    """Return a customer as `customer_for` does, and note that the user looked at him."""
    found = customer_for(user, pk)
    note_looking(user, found)
    return found


def note_looking(user: "User", customer: Customer) -> None:
    """Keep in the audit log that somebody looked at a customer: once an hour, however much of him he opens."""
    audit.record_once(user, "customer.view", f"customer:{customer.pk}")


def standing_customer(user: "User", pk: int) -> Customer:
    """Return a customer the user may see, or whom he was merged into, even if he was erased. Raises NotFound."""
    found = Customer.objects.visible_to(user).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such customer."))
    return found if found.merged_into_id is None else Customer.objects.get(pk=standing_for([pk])[pk])


def chosen_profile(user: "User", sent: QueryDict) -> Profile | None:
    """Return the profile that something is put on: the sent one (an undo), or the lead of the sent customer; None for nobody.

    Raises NotFound for a customer that is not there.
    """
    profile: Profile | None = pick(Profile.objects.visible_to(user), sent.get("profile"))
    if profile is None and sent.get("customer"):
        return lead_of(customer_for(user, whole(str(sent["customer"]), "customer")))
    return profile


def case_for(user: "User", pk: int) -> Case:
    """Return a case the user may see. Raises NotFound."""
    found = Case.objects.visible_to(user).select_related("profile__customer", "owner", "topic").filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such case."))
    return found


def task_for(user: "User", pk: int) -> Task:
    """Return a task the user may see. Raises NotFound."""
    found = Task.objects.visible_to(user).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such task."))
    return found


def whole(text: str | None, field: str) -> int:
    """Read a whole number from 0 of a form. Raises Invalid."""
    found = number(text)
    if found is None:
        raise Invalid(_("A number is expected here."), field=field)
    return found


def key_of(request: HttpRequest) -> UUID:
    """Read the client key of a send. Raises Invalid."""
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError:
        raise Invalid(_("The client key must be a UUID."), field="key") from None


def pick(queryset: Any, text: str | None) -> Any:
    """Return the row of a choice in a form, or None for an empty or unknown one."""
    ident = number(text)
    return queryset.filter(pk=ident).first() if ident is not None else None
