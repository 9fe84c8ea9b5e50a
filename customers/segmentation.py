"""To which segments a customer belongs, asked for one customer at the moment of contact: a query, and rules in memory."""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _

from customers.choices import Comparison, FieldKind, PartyKind
from customers.custom import read_value
from customers.fields import CUSTOM, GOLDEN_FIELDS
from customers.models import Customer, CustomField, Segment, SegmentCondition
from customers.projection import day
from cxcenter.core.errors import Invalid
from cxcenter.core.planned import Planned

WITHOUT_VALUE = {Comparison.KNOWN, Comparison.UNKNOWN}
SAME = {Comparison.IS, Comparison.IS_NOT, *WITHOUT_VALUE}
ORDERED = {*SAME, Comparison.AT_LEAST, Comparison.AT_MOST}
WORDED = {*SAME, Comparison.ONE_OF}
# What may be asked of a field by what it holds.
COMPARISONS: dict[str, set[Comparison]] = {
    FieldKind.TEXT: {*WORDED, Comparison.CONTAINS},
    FieldKind.NUMBER: ORDERED,
    FieldKind.DATE: ORDERED,
    FieldKind.FLAG: SAME,
    FieldKind.CHOICE: WORDED,
}
GOLDEN_KINDS = {"birthday": FieldKind.DATE, "kind": FieldKind.CHOICE}
# Asked of everybody who comes.
CONDITIONS = Planned(
    "segment_conditions",
    lambda: (
        SegmentCondition.objects.filter(segment__active=True)
        .select_related("segment")
        .order_by("segment__place", "segment__code", "pk")
    ),
)


def segments_of(customer: Customer | None) -> list[Segment]:
    """Return the active segments to which a customer belongs, in their order. One query; none for nobody."""
    return segments_of_each([customer])[0] if customer else []


def segments_of_each(customers: Sequence[Customer]) -> list[list[Segment]]:
    """Return the active segments to which each of these customers belongs, in their order. One query."""
    rules = [(segment, list(rule)) for segment, rule in groupby(CONDITIONS.rows(), key=lambda one: one.segment)]
    return [
        [segment for segment, rule in rules if all(is_met(condition, customer) for condition in rule)]
        for customer in customers
    ]


def names_of(codes: Iterable[str], language: str) -> list[str]:
    """Return how segments are called, in the order of their codes. One query if there are any."""
    wanted = list(codes)
    names = {one.code: one.label(language) for one in Segment.objects.filter(code__in=wanted)} if wanted else {}
    return [names.get(code, code) for code in wanted]


def is_met(condition: SegmentCondition, customer: Customer) -> bool:
    """Tell whether a customer meets one condition."""
    return holds(value_of(customer, condition.field), condition.comparison, condition.value)


def value_of(customer: Customer, field: str) -> Any:
    """Return what a card says in a field; None if there is no such field."""
    if field.startswith(CUSTOM):
        return customer.custom.get(field.removeprefix(CUSTOM))
    return getattr(customer, field) if field in GOLDEN_FIELDS else None


def holds(said: Any, comparison: str, value: str) -> bool:
    """Tell whether what a card says compares so with a value. What it does not say meets no condition but "is not known".

    Texts are compared without regard to capitals.
    """
    if said is None or said == "":
        return comparison == Comparison.UNKNOWN
    if comparison in WITHOUT_VALUE:
        return comparison == Comparison.KNOWN
    if comparison in {Comparison.AT_LEAST, Comparison.AT_MOST}:
        return _in_order(said, comparison, value)
    text, wanted = _text(said), value.casefold()
    if comparison == Comparison.CONTAINS:
        return wanted in text
    if comparison == Comparison.ONE_OF:
        return text in {part.casefold() for part in parts_of(value)}
    return (text == wanted) == (comparison == Comparison.IS)


def _in_order(said: Any, comparison: str, value: str) -> bool:
    try:
        ahead = float(said) - float(value)
    except (TypeError, ValueError):
        # Days are texts year-month-day, whose order is that of days.
        text = _text(said)
        ahead = (text > value) - (text < value)
    return ahead >= 0 if comparison == Comparison.AT_LEAST else ahead <= 0


def _text(said: Any) -> str:
    if isinstance(said, date):
        return said.isoformat()
    return str(said).casefold()


def parts_of(value: str) -> list[str]:
    """Return the values of a list."""
    return [part.strip() for part in value.split(",") if part.strip()]


# --- What an administrator writes ---


def fields_to_choose() -> list[tuple[str, str]]:
    """Return the fields that a rule may ask for: (name, as it is called). One query."""
    golden = [(name, str(Customer._meta.get_field(name).verbose_name)) for name in GOLDEN_FIELDS]  # type: ignore[union-attr]
    return [*golden, *((CUSTOM + one.code, one.label) for one in CustomField.objects.filter(active=True))]


def read(field: str, comparison: str, value: str) -> str:
    """Return the value of a condition as fields keep it. Raises Invalid with words for what the field cannot be asked."""
    own = CustomField.objects.filter(code=field.removeprefix(CUSTOM)).first() if field.startswith(CUSTOM) else None
    if own is None and field not in GOLDEN_FIELDS:
        raise Invalid(_("There is no such field: %(field)s.") % {"field": field}, field="field")
    kind = own.kind if own else GOLDEN_KINDS.get(field, FieldKind.TEXT)
    if comparison not in COMPARISONS[kind]:
        known = ", ".join(f"“{one.label}”" for one in Comparison if one in COMPARISONS[kind])
        words = _("This field holds a %(kind)s: it can be asked by %(known)s.")
        raise Invalid(words % {"kind": FieldKind(kind).label, "known": known}, field="comparison")
    if comparison in WITHOUT_VALUE:
        return ""
    said = parts_of(value) if comparison == Comparison.ONE_OF else [value.strip()]
    if not any(said):
        raise Invalid(_("Say with what it is compared."), field="value")
    return ", ".join(_read_one(field, own, part) for part in said)


def _read_one(field: str, own: CustomField | None, text: str) -> str:
    if own is not None:
        try:
            return _kept(read_value(own, text))
        except Invalid as error:
            raise Invalid(error.message, field="value") from None
    if field == "birthday" and day(text) is None:
        raise Invalid(_("Write the date as year-month-day, like 1988-04-14."), field="value")
    if field == "kind" and text not in PartyKind.values:
        raise Invalid(_("Choose one of: %(values)s.") % {"values": ", ".join(PartyKind.values)}, field="value")
    return text


def _kept(value: Any) -> str:
    return str(value).casefold() if isinstance(value, bool) else str(value)
