"""What sources say: profiles, their records, and the golden record that follows from them."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.utils import timezone

from customers import dictionary, projection
from customers.comparison import TELLING
from customers.events import CustomerCreated, CustomerUpdated, ProfileSaid
from customers.locks import hold_profile
from customers.models import Customer, Profile, Rebuild, SourceRecord
from customers.survivorship import UNVERIFIED
from cxcenter.core.events import announce, emit

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# Columns that tell nothing by themselves.
DERIVED = {"words", "provenance"}
# Rows per statement of a bulk projection: about 2 MB of parameters.
BATCH = 500
# From so many customers on, words that they lose are left to the night: to look for each who else has it costs more than
# all the rest of an import.
MANY = 50
COLUMNS = {column.name: column for column in Customer._meta.concrete_fields}


@transaction.atomic
def create_profile(*, source: str, fields: dict[str, Any] | None = None, actor: "User | None" = None) -> Profile:
    """Make a profile with a golden record of its own, from a first contact or an integration."""
    customer = Customer.objects.create()
    profile = Profile.objects.create(customer=customer, home=customer, source=source)
    if fields:
        add_record(profile=profile, source=source, fields=fields, actor=actor)
    emit(CustomerCreated(customer=customer.pk), profile_id=profile.pk, actor_id=actor.pk if actor else None)
    return profile


@transaction.atomic
def add_record(
    *,
    profile: Profile,
    source: str,
    fields: dict[str, Any],
    raw: dict[str, Any] | None = None,
    pins: dict[str, int | None] | None = None,
    verified: bool = False,
    actor: "User | None" = None,
    at: datetime | None = None,
) -> SourceRecord:
    """Keep what a source says of a profile, or what a person chose, and rebuild the golden fields.

    Raises Gone if its customer was erased.
    """
    profile.customer = hold_profile(profile.pk)
    record = SourceRecord.objects.create(
        profile=profile,
        source=source,
        fields=projection.complete(fields, profile.customer.kind),
        raw=raw or {},
        pins=pins or {},
        verified=verified,
        entered_by=actor,
        at=at or timezone.now(),
    )
    project([profile.customer])
    if source not in UNVERIFIED and TELLING & record.fields.keys():
        announce(ProfileSaid(profile=profile.pk))
    return record


def project(customers: Iterable[Customer], *, forgets: bool = True) -> None:
    """Rebuild the golden fields of locked customers from the source records of their profiles; tell what has changed.

    Words that they lose are looked for among all others and forgotten, or left to the night: that costs more than a merge.
    """
    for row, changed in _derive(list(customers), forgets=forgets):
        row.save(update_fields=[*projection.COLUMNS, "version", "updated_at"])
        if changed:
            announce(CustomerUpdated(customer=row.pk, fields=changed))


def _derive(rows: list[Customer], *, forgets: bool) -> list[tuple[Customer, list[str]]]:
    """Set the golden columns of rows; return each with the names of the fields whose values are others now."""
    said, rules = projection.said_of([row.pk for row in rows]), projection.rules()
    derived = []
    had: set[str] = {word for row in rows for word in row.words}
    for row in rows:
        golden = projection.project(said.get(row.pk, []), rules)
        changed = sorted(name for name in golden.keys() - DERIVED if getattr(row, name) != golden[name])
        for column, value in golden.items():
            setattr(row, column, value)
        row.version += 1
        row.updated_at = timezone.now()
        derived.append((row, changed))
    has = {word for row in rows for word in row.words}
    dictionary.follow(new=has - had, gone=had - has if forgets else ())
    return derived


@transaction.atomic
def project_many(customer_ids: Iterable[int]) -> None:
    """Rebuild the golden fields of many customers at once: after an import, or when a rule was changed."""
    rows = list(
        Customer.objects.select_for_update(no_key=True).filter(pk__in=customer_ids, merged_into=None).order_by("pk")
    )
    _derive(rows, forgets=len(rows) < MANY)
    for start in range(0, len(rows), BATCH):
        _save(rows[start : start + BATCH])


def _save(rows: list[Customer]) -> None:
    """Write the golden columns of many customers: one statement, a tenth of the time of the ORM's."""
    columns = [COLUMNS[name] for name in ("id", *projection.COLUMNS, "version", "updated_at")]
    values = [column.get_db_prep_save(getattr(row, column.name), connection) for row in rows for column in columns]
    line = f"({', '.join(f'%s::{column.db_type(connection)}' for column in columns)})"
    changes = ", ".join(f"{column.name} = said.{column.name}" for column in columns[1:])
    names = ", ".join(column.name for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE customers_customer AS c SET {changes}"  # noqa: S608 — names of our own columns
            f" FROM (VALUES {', '.join([line] * len(rows))}) AS said ({names}) WHERE c.id = said.id",
            values,
        )


@transaction.atomic
def begin_rebuild() -> None:
    """Have all golden records rebuilt from the first: a rule was changed."""
    Rebuild.objects.update_or_create(pk=1, defaults={"after": 0})


@transaction.atomic
def rebuild_some(size: int = 1000) -> int:
    """Rebuild the next golden records of a rebuild that is under way; return how many, 0 if there are none.

    One process at a time: the others leave it to him.
    """
    row = Rebuild.objects.select_for_update(skip_locked=True).filter(after__isnull=False).first()
    if row is None:
        return 0
    ids = list(Customer.objects.live().filter(pk__gt=row.after).order_by("pk").values_list("pk", flat=True)[:size])
    project_many(ids)
    row.after = ids[-1] if ids else None
    row.save(update_fields=["after"])
    return len(ids)
