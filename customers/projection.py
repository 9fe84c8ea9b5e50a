"""From source records to the columns of a golden record. Reads rules and records, writes nothing."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from customers.choices import PartyKind
from customers.fields import CUSTOM, GOLDEN_FIELDS, NAME_PARTS, whole_name
from customers.matching import names
from customers.models import Customer, SourceRecord, SurvivorshipRule
from customers.survivorship import Rule, Said, survive
from customers.words import words_of
from cxcenter.core.planned import Planned
from cxcenter.core.statements import Statement
from cxcenter.core.zones import is_zone

# How long a golden field may be, in characters.
LIMITS = {name: getattr(Customer._meta.get_field(name), "max_length", None) or 10_000 for name in GOLDEN_FIELDS}
COLUMNS = (*GOLDEN_FIELDS, "custom", "words", "provenance")
# Asked for each record that is kept.
RULES = Planned("survivorship_rules", SurvivorshipRule.objects.all)
SAID = Statement(
    "said",
    """
    SELECT customer_id, record.id, record.source, at, fields, entered_by_id, verified, pins
    FROM customers_sourcerecord record JOIN customers_profile profile ON profile.id = profile_id
    WHERE customer_id = ANY(%(customers)s) ORDER BY record.id
    """,
    customers="bigint[]",
)


def rules() -> dict[str, Rule]:
    """Return the rules of survivorship by group; a group without one has the default."""
    return {row.group: Rule(row.criteria, tuple(row.sources)) for row in RULES.rows()}


def said_by(record: SourceRecord) -> Said:
    """Return a record as the rules read it."""
    return Said(
        record=record.pk,
        source=record.source,
        at=record.at,
        fields=record.fields,
        by=record.entered_by_id,
        verified=record.verified,
        pins=record.pins,
    )


def said_of(customer_ids: Iterable[int]) -> dict[int, list[Said]]:
    """Return what all records say, by customer. One query."""
    found = defaultdict(list)
    for customer, record, source, at, fields, by, verified, pins in SAID.rows(customers=list(customer_ids)):
        found[customer].append(Said(record, source, at, json.loads(fields), by, verified, json.loads(pins)))
    return found


def project(records: Iterable[Said], by_group: Mapping[str, Rule]) -> dict[str, Any]:
    """Return the golden columns, provenance among them, that records give under the rules."""
    return columns(survive(records, by_group))


def columns(golden: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the values of the columns. Sources say what they like, and it is kept as they said it: golden is what fits."""
    values = {field: _fitting(field, golden.get(field, {}).get("value")) for field in GOLDEN_FIELDS}
    own = {field.removeprefix(CUSTOM): one["value"] for field, one in golden.items() if field.startswith(CUSTOM)}
    return {**values, "custom": own, "words": words_of({**values, "custom": own}), "provenance": golden}


def _fitting(field: str, value: Any) -> Any:
    text = "" if value is None else str(value)
    if field == "birthday":
        return day(text)
    if field == "kind":
        return text if text in PartyKind.values else PartyKind.PERSON
    if field == "zone":
        return text if is_zone(text) else ""
    return text[: LIMITS[field]]


def day(text: str) -> date | None:
    """Return the day of a text year-month-day, None for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def complete(fields: dict[str, Any], kind: str = PartyKind.PERSON) -> dict[str, Any]:
    """Return the fields of a record with its name in parts and as a whole: a source may give either. Companies have no parts."""
    parts = {part: fields[part] for part in NAME_PARTS if fields.get(part)}
    if parts and not fields.get("name"):
        return {**fields, "name": whole_name(parts)}
    if fields.get("name") and not parts and fields.get("kind", kind) != PartyKind.COMPANY:
        split = names.split(str(fields["name"]))
        found = {"last_name": split.last, "first_name": split.first, "middle_name": split.middle}
        return {**fields, **{part: text for part, text in found.items() if text}}
    return fields
