"""Questions about the golden record that more than one act or screen asks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from django.db import connection
from django.db.models import Q

from customers.junk import JunkList
from customers.models import Customer, Identity, Profile, ProfileIdentity, Unlinking

# Whom a shared number may lead to: more are no help to a person who has to choose.
MAX_OWNERS = 20
STANDING = """
    WITH RECURSIVE up (given, id, merged_into_id) AS (
        SELECT id, id, merged_into_id FROM customers_customer WHERE id = ANY(%s)
        UNION ALL
        SELECT up.given, c.id, c.merged_into_id FROM up JOIN customers_customer c ON c.id = up.merged_into_id
    )
    SELECT given, id FROM up WHERE merged_into_id IS NULL
"""


def standing_for(customer_ids: Iterable[int]) -> dict[int, int]:
    """Return for each customer the live one that stands for him after all merges; unknown ids are left out."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING, [list(customer_ids)])
        return dict(cursor.fetchall())


def lead_of(customer: Customer) -> Profile:
    """Return the profile that leads a customer: his own first one. Edits are its records and stay with it."""
    own = Profile.objects.filter(home=customer, customer=customer).order_by("pk").first()
    return own or Profile.objects.filter(customer=customer).order_by("pk")[0]


@dataclass(frozen=True)
class Resolved:
    """Whom an identity leads to: "found" (one customer), "ambiguous" (several), "unknown" (nobody), "junk" (links nobody)."""

    status: str
    customers: list[int]


RESOLVE = """
    SELECT DISTINCT p.customer_id
    FROM customers_identity i
    JOIN customers_profileidentity l ON l.identity_id = i.id
    JOIN customers_profile p ON p.id = l.profile_id
    WHERE i.kind = %s AND i.value = %s AND l.verified = %s
    LIMIT %s
"""


def resolve(*, kind: str, value: str) -> Resolved:
    """Tell whose a normalised identity is: for a telephone platform while the phone still rings. At most three queries.

    Verified links decide; where there are none, those that were only stated are told as "ambiguous".
    """
    if JunkList().has(kind, value):
        return Resolved("junk", [])
    owners = _owners(kind, value, verified=True)
    if owners:
        return Resolved("found" if len(owners) == 1 else "ambiguous", owners)
    stated = _owners(kind, value, verified=False)
    return Resolved("ambiguous" if stated else "unknown", stated)


def _owners(kind: str, value: str, *, verified: bool) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(RESOLVE, [kind, value, verified, MAX_OWNERS])
        return sorted(row[0] for row in cursor.fetchall())


def owners_of(identity: Identity, *, besides: Customer) -> list[Customer]:
    """Return the other customers to whom an identity is linked, verified or not. One query."""
    found = Customer.objects.filter(profiles__links__identity=identity).exclude(pk=besides.pk)
    return list(found.distinct().order_by("pk")[:MAX_OWNERS])


def was_taken_off(*, identity_id: int, profile_id: int) -> bool:
    """Tell whether a person took an identity off the customer of a profile, and nothing links them. Two queries at most."""
    of_customer = {"identity": identity_id, "profile__customer__profiles": profile_id}
    if not Unlinking.objects.filter(**of_customer).exists():
        return False
    return not ProfileIdentity.objects.filter(**of_customer).exists()


class Standing(TypedDict):
    """What a customer permits: `identity` is the one that decided, `consent` its word, said at `at`."""

    purpose: str
    channel: str
    granted: bool
    identity: int
    consent: int
    at: datetime


# At one time a withdrawal is the newer: only a later word permits again. What was permitted for an identity that he has
# no more permits nothing, it only takes back what was withdrawn for it before.
NEWEST = """
    WITH mine AS (SELECT id FROM customers_profile WHERE customer_id = %s),
    held AS (SELECT DISTINCT identity_id FROM customers_profileidentity WHERE profile_id IN (SELECT id FROM mine)),
    newest AS (
        SELECT DISTINCT ON (c.identity_id, c.purpose, c.channel) c.*
        FROM (
            SELECT id, identity_id, purpose, channel, granted, at FROM customers_consent
            WHERE profiles && ARRAY(SELECT id FROM mine)
            UNION ALL
            SELECT id, identity_id, purpose, channel, granted, at FROM customers_consent JOIN held USING (identity_id)
            WHERE NOT granted
        ) c
        ORDER BY c.identity_id, c.purpose, c.channel, c.at DESC, c.granted, c.id DESC
    )
    SELECT identity_id, purpose, channel, granted, id, at FROM newest
    WHERE NOT granted OR identity_id IN (SELECT identity_id FROM held)
"""


def consents_of(customer_id: int) -> list[Standing]:
    """Return what a customer permits, by purpose and channel.

    Of each identity the newest word counts; between identities one that withdraws beats all that grant. A word hangs on
    an identity and on profiles, and no merge touches either. A withdrawal counts for who has the identity, and stays with
    who had it when it was said; a grant counts for who gave it, as long as he has the identity.
    """
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, [customer_id])
        said = cursor.fetchall()
    found: dict[tuple[str, str], Standing] = {}
    for identity, purpose, channel, granted, pk, at in sorted(said):
        known = found.get((purpose, channel))
        if known is None or (known["granted"] and not granted):
            found[purpose, channel] = Standing(
                purpose=purpose, channel=channel, granted=granted, identity=identity, consent=pk, at=at
            )
    return [found[key] for key in sorted(found)]


def heard_of(customer_id: int) -> Q:
    """Return what keeps the consents that count, or have counted, for a customer. Two queries."""
    profiles = list(Profile.objects.filter(customer=customer_id).values_list("pk", flat=True))
    held = list(ProfileIdentity.objects.filter(profile__in=profiles).values_list("identity_id", flat=True))
    return Q(profiles__overlap=profiles) | Q(granted=False, identity__in=held)


def permits(customer_id: int, *, purpose: str, channel: str) -> bool | None:
    """Tell whether a customer permits a purpose in a channel; None if he was never asked.

    A word about all channels (channel "") counts in each: who withdraws either has withdrawn.
    """
    words = [
        one["granted"]
        for one in consents_of(customer_id)
        if one["purpose"] == purpose and one["channel"] in {"", channel}
    ]
    return all(words) if words else None
