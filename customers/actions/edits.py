"""What a person decides on a card: his edits, and which source's value stands."""

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from customers.actions.records import add_record
from customers.choices import PartyKind
from customers.custom import read_custom
from customers.events import CustomerEdited
from customers.fields import CUSTOM, GOLDEN_FIELDS, NAME_PARTS, fields_of, is_golden, unit_of, whole_name
from customers.locks import lock_standing
from customers.models import Customer, SourceRecord
from customers.projection import LIMITS, day
from customers.queries import lead_of
from customers.survivorship import OPERATOR, UNVERIFIED
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import RIGHTS, Right
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Invalid, NotFound
from cxcenter.core.events import emit
from cxcenter.core.zones import is_zone

if TYPE_CHECKING:
    from django.db.models import QuerySet


@transaction.atomic
def edit_customer(*, customer: Customer, fields: dict[str, Any], version: int | None, actor: "User") -> Customer:
    """Record an operator's edit as the source "operator" of the customer's lead profile; "" takes earlier edits back.

    Raises Invalid for an unknown field or a bad value, Conflict if a colleague changed the card meanwhile.
    """
    said = read_fields(fields)
    locked = _lock(customer, version)
    if not said:
        return locked
    lead = lead_of(locked)
    add_record(profile=lead, source=OPERATOR, fields=_whole(locked, said), actor=actor)
    _tell(locked, sorted(said), lead.pk, actor)
    return Customer.objects.get(pk=locked.pk)


@transaction.atomic
def pin_value(*, customer: Customer, field: str, record_id: int | None, version: int | None, actor: "User") -> Customer:
    """Let the value of one record stand for a field whatever the rules say; None gives the word back to the rules.

    The parts of a name or of an address go together. Raises Invalid for an unknown field, NotFound for a record of
    somebody else or one that says nothing of the field, Conflict if a colleague changed the card meanwhile.
    """
    if not is_golden(field):
        raise _unknown(field)
    unit = unit_of(field)
    locked = _lock(customer, version)
    if record_id is not None:
        records = SourceRecord.objects.filter(profile__customer=locked).exclude(source__in=UNVERIFIED)
        record = records.filter(pk=record_id).first()
        if record is None or not any(record.fields.get(name) for name in fields_of(unit)):
            raise NotFound(_("This value is no longer there. Reload the card."))
    lead = lead_of(locked)
    add_record(profile=lead, source=OPERATOR, fields={}, pins={unit: record_id}, actor=actor)
    _tell(locked, [unit], lead.pk, actor)
    return Customer.objects.get(pk=locked.pk)


def _lock(customer: Customer, version: int | None) -> Customer:
    locked = lock_standing([customer.pk])[customer.pk]
    locked.refuse_erased()
    if version is not None and version != locked.version:
        raise Conflict(
            _("A colleague has changed this card. Reload it and repeat your edit."),
            code="stale",
            version=locked.version,
        )
    return locked


def _tell(customer: Customer, fields: list[str], profile_id: int, actor: "User") -> None:
    audit.record(actor, "customer.edit", f"customer:{customer.pk}", fields=fields)
    emit(CustomerEdited(customer=customer.pk, fields=fields), profile_id=profile_id, actor_id=actor.pk)


def _whole(customer: Customer, said: dict[str, Any]) -> dict[str, Any]:
    """Complete an edit of one part by the other parts as they stand: a name or an address is said as a whole."""
    units = {unit_of(field) for field in said} & {"name", "address"}
    known = {name: getattr(customer, name) for unit in units for name in fields_of(unit)}
    whole = {**{name: value for name, value in known.items() if value}, **said}
    if "name" in said:
        # A name that is said anew has the parts that are found in it.
        return {name: value for name, value in whole.items() if name in said or name not in NAME_PARTS}
    return {**whole, "name": whole_name(whole)} if "name" in units else whole


def read_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields as records keep them. Raises Invalid for an unknown field or a bad value."""
    return {field: read_field(field, value) for field, value in fields.items()}


def read_field(field: str, value: Any) -> Any:
    """Return the value of a field as records keep it. Raises Invalid."""
    if field.startswith(CUSTOM):
        return read_custom(field.removeprefix(CUSTOM), value)
    if field not in GOLDEN_FIELDS:
        raise _unknown(field)
    text = str(value or "").strip()
    if field == "birthday" and text and day(text) is None:
        raise Invalid(_("Write the date as year-month-day, like 1988-04-14."), field=field)
    if field == "personal_operator" and text and not serving().filter(username=text).exists():
        raise Invalid(_("Choose a colleague who serves customers."), field=field)
    if field == "kind" and text not in PartyKind.values:
        raise Invalid(_("Choose a person or a company."), field=field)
    if field == "zone" and text and not is_zone(text):
        raise Invalid(_("There is no such time zone. Write it like Europe/Moscow."), field=field)
    if len(text) > LIMITS[field]:
        raise Invalid(_("Too long: %(limit)s characters at most.") % {"limit": LIMITS[field]}, field=field)
    return text


def serving() -> "QuerySet[User]":
    """Return the colleagues who may be somebody's personal operator."""
    roles = [role for role, rights in RIGHTS.items() if Right.SERVE in rights]
    return User.objects.filter(is_active=True, role__in=roles)


def _unknown(field: str) -> Invalid:
    return Invalid(_("There is no such field: %(field)s.") % {"field": field}, field=field)
