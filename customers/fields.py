"""The fields of a golden record: pure, without Django.

A *unit* is what one record gives as a whole: the parts of a name or of an address are never mixed from two
records; every other field is a unit of its own. A group of units has one rule of survivorship.
"""

from typing import Any

# Group → its units → their fields, in the order of the card.
GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "name": {"name": ("name", "last_name", "first_name", "middle_name")},
    "birthday": {"birthday": ("birthday",)},
    "company": {"company": ("company",), "kind": ("kind",)},
    "address": {"address": ("country", "region", "city", "street", "postcode")},
    "language": {"language": ("language",), "zone": ("zone",)},
    "about": {"about": ("about",)},
    "operator": {"personal_operator": ("personal_operator",)},
}
UNITS = {unit: fields for units in GROUPS.values() for unit, fields in units.items()}
GOLDEN_FIELDS = tuple(field for fields in UNITS.values() for field in fields)
UNIT_OF = {field: unit for unit, fields in UNITS.items() for field in fields}
GROUP_OF = {unit: group for group, units in GROUPS.items() for unit in units}
NAME_PARTS = ("last_name", "first_name", "middle_name")
# Fields of the house stand in records under this prefix.
CUSTOM = "custom."


def unit_of(field: str) -> str:
    """Return the unit a field belongs to; a field of the house is one of its own."""
    return UNIT_OF.get(field, field)


def group_of(unit: str) -> str:
    """Return the group whose rule decides on a unit."""
    return "custom" if unit.startswith(CUSTOM) else GROUP_OF[unit]


def fields_of(unit: str) -> tuple[str, ...]:
    """Return the fields that a unit gives."""
    return UNITS.get(unit, (unit,))


def is_golden(field: str) -> bool:
    """Tell whether a field of a record can become golden."""
    return field in UNIT_OF or field.startswith(CUSTOM)


def whole_name(fields: dict[str, Any]) -> str:
    """Return first name, patronymic and last name as they are said together."""
    return " ".join(str(fields[part]) for part in ("first_name", "middle_name", "last_name") if fields.get(part))
