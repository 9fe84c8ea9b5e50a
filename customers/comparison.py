"""From rows to what is compared: a profile's records and identities as one person of the matching core."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection

from customers import projection
from customers.choices import IdentityKind
from customers.fields import GROUPS
from customers.junk import JunkList
from customers.matching.keys import keys
from customers.matching.model import Model
from customers.matching.records import Person
from customers.matching.score import Explanation, explain, score
from customers.matching.settings import MAX_BLOCK
from customers.models import Comparable, MatchModel, SourceRecord
from customers.survivorship import UNVERIFIED

# Fields that say who somebody is. What else a source says makes nobody like or unlike.
TELLING = {field for group in ("name", "birthday", "address") for unit in GROUPS[group].values() for field in unit}
REACHES: dict[str, str] = {IdentityKind.PHONE: "phones", IdentityKind.EMAIL: "emails"}
HOUSE = re.compile(r"^(?P<street>.*?)[,\s]+(?:д\.?\s*)?(?P<house>\d+[\w/-]*)$", re.IGNORECASE)
MAX_CANDIDATES = 300

CANDIDATES = """
    SELECT found.key, found.profile_id
    FROM unnest(%s::text[]) AS asked (key)
    CROSS JOIN LATERAL (SELECT k.key, k.profile_id FROM customers_matchkey k WHERE k.key = asked.key LIMIT %s) found
"""


# Of an identity that too many share nobody needs to know how many they are. `+ 0`: see `customers.queries.LINKS`.
REACHED = """
    SELECT l.profile_id, i.kind, i.value, sharers.size > %(limit)s
    FROM customers_profileidentity l
    JOIN customers_identity i ON i.id = l.identity_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS size FROM (
            SELECT FROM customers_profileidentity o WHERE o.identity_id = l.identity_id
            ORDER BY o.id + 0 LIMIT %(limit)s + 1
        ) few
    ) sharers
    WHERE l.profile_id = ANY(%(profiles)s) AND i.kind = ANY(%(kinds)s) AND l.source <> ALL(%(unverified)s)
    ORDER BY l.profile_id, l."primary" DESC, l.id
"""


class Reached(NamedTuple):
    """Phones and addresses of a profile that are compared; `shared` are the keys of those that too many have."""

    phones: list[str]
    emails: list[str]
    shared: list[str]


def reached_by(profile_ids: Iterable[int], limit: int) -> dict[int, Reached]:
    """Return how profiles can be reached. Junk, and what more than `limit` profiles share, says nothing of anybody.

    Two queries.
    """
    junk, found = JunkList(), {profile_id: Reached([], [], []) for profile_id in profile_ids}
    asked: dict[str, Any] = {
        "profiles": [*found],
        "limit": limit,
        "kinds": [*REACHES],
        "unverified": [*UNVERIFIED],
    }
    with connection.cursor() as cursor:
        cursor.execute(REACHED, asked)
        for profile_id, kind, value, is_shared in cursor.fetchall():
            if is_shared:
                one = read(profile_id, {REACHES[kind]: [value]})
                found[profile_id].shared.extend(key for key in keys(one) if key.startswith(f"{kind}:"))
            elif not junk.has(kind, value):
                getattr(found[profile_id], REACHES[kind]).append(value)
    return found


def person_of(profile_id: int, reached: Reached) -> Person:
    """Return what is compared of a profile that can be reached in these ways. One query."""
    records = SourceRecord.objects.filter(profile=profile_id).order_by("pk")
    golden = projection.project([projection.said_by(record) for record in records], {})
    return person(profile_id, golden, phones=reached.phones, emails=reached.emails)


def person(key: int, golden: dict[str, Any], *, phones: Iterable[str], emails: Iterable[str]) -> Person:
    """Return what is compared of golden columns and the phones and addresses beside them."""
    found = HOUSE.match(golden["street"])
    return Person(
        key=key,
        first=golden["first_name"],
        middle=golden["middle_name"],
        last=golden["last_name"],
        birthday=golden["birthday"].isoformat() if golden["birthday"] else "",
        phones=tuple(phones),
        emails=tuple(emails),
        postcode=golden["postcode"],
        region=golden["region"],
        city=golden["city"],
        street=found["street"] if found else golden["street"],
        house=found["house"] if found else "",
    )


def stored(one: Person) -> dict[str, Any]:
    """Return a person as rows keep it: what is known, without its key."""
    return {name: value for name, value in asdict(one).items() if value and name != "key"}


def read(key: int, row: dict[str, Any]) -> Person:
    """Return the person that a row keeps."""
    lists = {name: tuple(row.get(name, ())) for name in ("phones", "emails")}
    return Person(**{**row, **lists}, key=key)


def candidates(one: Person) -> list[int]:
    """Return profiles that share a key with a person, those with the most keys first. One query.

    A key that very many share says too little and is left out.
    """
    wanted = keys(one)
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, [wanted, MAX_BLOCK + 1])
        found = cursor.fetchall()
    shared: dict[str, list[int]] = defaultdict(list)
    for key, profile_id in found:
        shared[key].append(profile_id)
    counts: dict[int, int] = defaultdict(int)
    for profiles in shared.values():
        if len(profiles) <= MAX_BLOCK:
            for profile_id in profiles:
                counts[profile_id] += 1
    counts.pop(int(one.key), None)
    return sorted(counts, key=lambda pk: (-counts[pk], pk))[:MAX_CANDIDATES]


def people(profile_ids: Iterable[int]) -> dict[int, Person]:
    """Return what is compared of profiles. One query."""
    rows = Comparable.objects.filter(pk__in=profile_ids).values_list("profile_id", "person")
    return {profile_id: read(profile_id, row) for profile_id, row in rows}


def model() -> Model:
    """Return the trained weights; the default ones before there are any, or if fields have changed since. One query.

    A row of them is large and never changes: it is read once, a second query.
    """
    newest = MatchModel.objects.order_by("-pk").values_list("pk", "trained_at").first()
    try:
        return _trained(*newest) if newest else Model.default()
    except KeyError:
        return Model.default()


@lru_cache(1)
def _trained(pk: int, _trained_at: datetime) -> Model:
    return Model.from_dict(MatchModel.objects.get(pk=pk).weights)


def beside(one: int, other: int) -> Explanation | None:
    """Return how alike two customers are, by their likeliest profiles; None if there is nothing to compare. Two queries."""
    rows = Comparable.objects.filter(profile__customer__in=[one, other]).order_by("pk")
    sides: dict[int, list[Person]] = {one: [], other: []}
    for customer, pk, row in rows.values_list("profile__customer_id", "profile_id", "person")[:MAX_CANDIDATES]:
        sides[customer].append(read(pk, row))
    if not sides[one] or not sides[other]:
        return None
    weights = model()
    scored = [
        (bits, person, beside)
        for person in sides[one]
        for bits, beside in zip(score(weights, person, sides[other]), sides[other], strict=True)
    ]
    _bits, left, right = max(scored, key=lambda row: row[0])
    return explain(weights, left, right)
