"""The golden record on screen: its fields, why each value stands, two customers side by side."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from django.utils import formats, translation
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from customers import fields
from customers.actions import edits
from customers.choices import Criterion, FieldKind, PartyKind
from customers.fields import CUSTOM, GOLDEN_FIELDS, NAME_PARTS, group_of, unit_of
from customers.models import Customer, CustomField
from customers.projection import rules, said_of
from customers.survivorship import DEFAULT, OPERATOR, Said, rank
from cxcenter.accounts.models import User

if TYPE_CHECKING:
    from collections.abc import Iterable

# Beside a talk there is room for what is asked most.
SHORT = ("name", "birthday", "company", "city", "language", "about")
# A field that holds a colleague, by his login.
PERSON = "person"
# Parts of what is shown as a whole, and what goes without saying.
PARTS = {*NAME_PARTS, "kind"}


@dataclass(frozen=True)
class Field:
    """One field of the card: its value to read and to edit, and where it came from."""

    name: str
    label: str
    value: str
    shown: str
    kind: str = FieldKind.TEXT
    options: tuple[str, ...] = ()
    source: str = ""
    at: str = ""
    pinned: bool = False


def own_fields() -> list[CustomField]:
    """Return the fields of the house that are shown. One query."""
    return list(CustomField.objects.filter(active=True))


def fields_of(customer: Customer) -> list[Field]:
    """Return all fields of a card. One query."""
    parts = NAME_PARTS if customer.kind == PartyKind.PERSON else ()
    names = [name for name in GOLDEN_FIELDS if name not in NAME_PARTS or name in parts]
    return [_field(customer, name) for name in names] + [_own(customer, own) for own in own_fields()]


def is_shown(field: Field) -> bool:
    """Tell whether a field stands on the card: it is filled, or often asked for. The others are a click away."""
    return field.name in SHORT or (bool(field.value) and field.name not in PARTS)


def _field(customer: Customer, name: str) -> Field:
    column = Customer._meta.get_field(name)
    value = getattr(customer, name)
    text = value.isoformat() if name == "birthday" and value else value or ""
    kind: str = {"birthday": FieldKind.DATE, "kind": FieldKind.CHOICE}.get(name, FieldKind.TEXT)
    options: tuple[str, ...] = tuple(PartyKind.values) if name == "kind" else ()
    if name == "personal_operator":
        # Looked up where the field is shown, not for every card.
        kind, options = PERSON, cast("tuple[str, ...]", SimpleLazyObject(_colleagues))
    return Field(name, str(column.verbose_name), text, worded(name, text), kind, options, **_origin(customer, name))  # type: ignore[union-attr]


def _colleagues() -> tuple[str, ...]:
    """Return who may be a personal operator, as login=name."""
    found = edits.serving().order_by("first_name", "last_name", "pk")
    return tuple(f"{user.username}={user.name}" for user in found)


def _own(customer: Customer, own: CustomField) -> Field:
    value = customer.custom.get(own.code, "")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    options = tuple(map(str, own.options)) if own.kind == FieldKind.CHOICE else ()
    label = own.words(translation.get_language() or "en")
    name = CUSTOM + own.code
    return Field(name, label, text, worded(name, value), own.kind, options, **_origin(customer, name))


def _origin(customer: Customer, name: str) -> dict[str, Any]:
    origin = customer.provenance.get(name, {})
    return {
        "source": source_words(origin["source"]) if origin else "",
        "at": origin.get("at", "")[:10],
        "pinned": origin.get("pinned", False),
    }


def worded(name: str, value: Any) -> str:
    """Return a value as the reader writes it: days in his order, languages by name, yes and no."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name == "language":
        return _language(str(value))
    if name == "kind":
        return str(PartyKind(value).label) if value in PartyKind.values else str(value)
    if name == "personal_operator" and value:
        known = User.objects.filter(username=str(value)).first()
        return known.name if known else str(value)
    if name == "birthday" and value:
        return formats.date_format(datetime.fromisoformat(str(value)), _("j M Y"))
    return str(value)


def _language(code: str) -> str:
    try:
        return str(translation.get_language_info(code)["name_translated"])
    except KeyError:
        return code


def source_words(source: str) -> str:
    """Return the name of a source."""
    return _("edited here") if source == OPERATOR else source


# --- Why a value stands ---


@dataclass(frozen=True)
class Candidate:
    """What one record says of a field."""

    record: int
    value: str
    source: str
    at: datetime
    by: str
    verified: bool
    wins: bool


@dataclass(frozen=True)
class Why:
    """Why a field has its value: the rule in words, the values of all sources, the winner first."""

    label: str
    rule: str
    by_hand: bool
    candidates: list[Candidate]


def why(customer: Customer, name: str) -> Why:
    """Return why a field has its value. Four queries at the most."""
    unit = unit_of(name)
    said = said_of([customer.pk]).get(customer.pk, [])
    rule = rules().get(group_of(unit), DEFAULT)
    ranked = rank(unit, said, rule)
    winner = ranked.winner
    people = _names(one.by for one in ranked.candidates)
    candidates = [
        Candidate(
            record=one.record,
            value=_said_value(name, one),
            source=source_words(one.source),
            at=one.at,
            by=people.get(one.by or 0, ""),
            verified=one.verified,
            wins=winner is not None and one.record == winner.record,
        )
        for one in ranked.candidates
    ]
    by_hand = winner is not None and winner.record == ranked.chosen
    return Why(_label(name), _rule_words(rule.criteria), by_hand, candidates)


def _names(ids: "Iterable[int | None]") -> dict[int, str]:
    wanted = {one for one in ids if one}
    return {user.pk: user.name for user in User.objects.filter(pk__in=wanted)} if wanted else {}


def _said_value(name: str, said: Said) -> str:
    """Return what a record says of a field, and of an address all of its parts."""
    if unit_of(name) == "address":
        return ", ".join(str(said.fields[part]) for part in fields.fields_of("address") if said.fields.get(part))
    return worded(name, said.fields.get(name, ""))


def _label(name: str) -> str:
    if name.startswith(CUSTOM):
        own = CustomField.objects.filter(code=name.removeprefix(CUSTOM)).first()
        return own.words(translation.get_language() or "en") if own else name
    return str(Customer._meta.get_field(name).verbose_name)  # type: ignore[union-attr]


def _rule_words(criteria: tuple[str, ...]) -> str:
    labels = [str(Criterion(one).label) for one in criteria]
    return _(", then ").join(labels)


# --- Two customers side by side ---


@dataclass(frozen=True)
class FieldPair:
    """One field of two customers, and the records that say so: either can be chosen for a merged card."""

    name: str
    label: str
    one: str
    other: str
    one_record: int | None = None
    other_record: int | None = None

    @property
    def differs(self) -> bool:
        """Tell whether both say something, and not the same."""
        return bool(self.one and self.other) and self.one.casefold() != self.other.casefold()


def side_by_side(one: Customer, other: Customer) -> list[FieldPair]:
    """Return the fields in which either of two customers says something. One query."""
    own = own_fields()
    names = [name for name in GOLDEN_FIELDS if name not in PARTS]
    pairs = [_pair(_field(one, name), _field(other, name), one, other) for name in names]
    pairs += [_pair(_own(one, field), _own(other, field), one, other) for field in own]
    return [pair for pair in pairs if pair.one or pair.other]


def _pair(left: Field, right: Field, one: Customer, other: Customer) -> FieldPair:
    records = [customer.provenance.get(left.name, {}).get("record") for customer in (one, other)]
    return FieldPair(left.name, left.label, left.shown, right.shown, *records)
