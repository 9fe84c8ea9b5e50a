"""Export and erasure of all that is known of a customer, and what imports are told afterwards."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from customers import dictionary
from customers.choices import ErasureReason, ExportReason
from customers.events import CustomerErased
from customers.locks import MovedMeanwhileError, lock_customers
from customers.models import Customer, ErasedKey, Erasure, Identity, SourceRecord
from customers.personal import subject_of
from cxcenter.core import audit
from cxcenter.core.archive import archive
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.events import announce
from cxcenter.core.personal import Subject, holders

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# A first contact makes the identity, then links it.
UNLINKED_FOR = timedelta(hours=1)
LOST_AT_ONCE = 5000


def export_customer(*, customer: Customer, reason: str, actor: "User") -> Iterator[bytes]:
    """Return a ZIP of everything about a customer, piece by piece. The audit log keeps who took it and why.

    Raises Invalid without a known reason, Gone if he was erased.
    """
    _check(reason, ExportReason)
    customer.refuse_erased()
    subject = subject_of(customer.pk)
    audit.record(actor, "customer.personal", f"customer:{subject.customers[0]}", reason=reason)
    about = {
        "customer": f"C-{subject.customers[0]}",
        "made_at": timezone.now(),
        "note": _(
            "All that is kept of this customer, with internal notes about him that he has never seen. What belongs "
            "to other customers is left out."
        ),
    }
    return archive(subject, about)


def obstacles_of(customer: Customer) -> list[str]:
    """Return in words what has to be ended before a customer can be erased."""
    subject = subject_of(customer.pk)
    return [words for holder in holders() for words in holder.obstacles(subject)]


@transaction.atomic
def erase_customer(*, customer: Customer, number: str, reason: str, actor: "User") -> Erasure:
    """Erase all that is known of a customer for good; what reports count stays. Repeating it changes nothing.

    `number` is typed by the person who erases (C-12). Raises Invalid for another one or without a known reason,
    Conflict (code "open") while sessions, cases or tasks of his are open.
    """
    _check(reason, ErasureReason)
    if number.strip().upper() != customer.number:
        raise Invalid(_("Type %(number)s to confirm.") % {"number": customer.number}, field="number")
    subject = _hold(customer.pk)
    if done := Erasure.objects.filter(customer=subject.customers[0]).first():
        return done
    if found := [words for holder in holders() for words in holder.obstacles(subject)]:
        raise Conflict(_("First finish what is open: %(what)s.") % {"what": ", ".join(found)}, code="open")
    erasure = Erasure.objects.create(customer_id=subject.customers[0], reason=reason, actor=actor)
    for holder in holders():
        holder.erase(subject)
    audit.record(actor, "customer.erase", f"customer:{subject.customers[0]}", reason=reason)
    announce(CustomerErased(customer=subject.customers[0], absorbed=list(subject.customers[1:])))
    return erasure


def _check(reason: str, reasons: type[ErasureReason] | type[ExportReason]) -> None:
    if reason not in reasons.values:
        raise Invalid(_("Choose a reason."), field="reason")


def _hold(customer_id: int) -> Subject:
    """Return whose data is meant, with all locked that could add to it meanwhile."""
    while True:
        subject = subject_of(customer_id)
        try:
            # Stale locks must be let go before the next try, or two who try could wait for each other.
            with transaction.atomic():
                for holder in holders():
                    holder.lock(subject)
                list(Identity.objects.select_for_update().filter(pk__in=subject.identities).order_by("pk"))
                # Before customers, as a source that brings a record again locks it.
                records = SourceRecord.objects.filter(profile__in=subject.profiles).order_by("pk")
                list(records.select_for_update().values_list("pk"))
                lock_customers(subject.customers)
                if subject_of(customer_id) != subject:
                    raise MovedMeanwhileError
                return subject
        except MovedMeanwhileError:
            continue


def clear_tables() -> int:
    """Remove what erasures have left in pages of tables and indexes, and in statistics. Returns how many there were.

    An erased value stands in dead rows until they are vacuumed, and among the planner's most common ones until the
    table is analysed. Neither runs in a transaction, and neither locks out anybody.
    """
    waiting = list(Erasure.objects.filter(vacuumed_at=None).values_list("pk", flat=True))
    if waiting:
        _drop_lost()
        dictionary.sweep()
        with connection.cursor() as cursor:
            for table in sorted({model._meta.db_table for holder in holders() for model in holder.tables}):
                # Few dead rows are no reason for PostgreSQL to look at indexes; here they are.
                cursor.execute(f'VACUUM (ANALYZE, INDEX_CLEANUP ON) "{table}"')
        Erasure.objects.filter(pk__in=waiting).update(vacuumed_at=timezone.now())
    return len(waiting)


def _drop_lost() -> None:
    """Delete identities that lead to nobody: a source has named them once and then no more, so no erasure finds them."""
    lost = Identity.objects.filter(
        links=None, unlinkings=None, consents=None, created_at__lt=timezone.now() - UNLINKED_FOR
    )
    last = 0
    while ids := list(lost.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:LOST_AT_ONCE]):
        used = {pk for holder in holders() for pk in holder.claimed((), ids)}
        lost.filter(pk__in={*ids} - used).delete()
        last = ids[-1]


@transaction.atomic
def lift_key(*, key: ErasedKey, actor: "User") -> None:
    """Let an import bring back what a digest stands for: it was erased wrongly. Withdrawn consents stay withdrawn."""
    if ErasedKey.objects.filter(pk=key.pk, lifted_at=None).update(lifted_at=timezone.now(), lifted_by=actor):
        audit.record(actor, "erased.lift", f"erased:{key.pk}", customer=key.erasure.customer_id)
