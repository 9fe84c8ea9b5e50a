"""Questions about the golden record that more than one act or screen asks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from django.db import connection
from django.db.models import Q

from customers.junk import JunkList
from customers.models import Apart, Customer, Identity, Profile, ProfileIdentity
from cxcenter.core.statements import Statement

# Whom a shared number may lead to: more are no help to a person who has to choose.
MAX_OWNERS = 20
# So many decisions "not the same person" of one customer are told.
MAX_APART = 100
STANDING = """
    WITH RECURSIVE up (given, id, merged_into_id) AS (
        SELECT id, id, merged_into_id FROM customers_customer WHERE id = ANY(%s)
        UNION ALL
        SELECT up.given, c.id, c.merged_into_id FROM up JOIN customers_customer c ON c.id = up.merged_into_id
    )
    SELECT given, id FROM up WHERE merged_into_id IS NULL
"""
# Asked of everybody who comes: nearly always there is nothing.
UNLINKED = Statement(
    "unlinked",
    """
    SELECT 1 FROM customers_unlinking unlinking JOIN customers_profile taken ON taken.id = unlinking.profile_id
    WHERE identity_id = %(identity)s
        AND taken.customer_id = (SELECT customer_id FROM customers_profile WHERE id = %(profile)s)
    LIMIT 1
    """,
    identity="bigint",
    profile="bigint",
)


def standing_for(customer_ids: Iterable[int]) -> dict[int, int]:
    """Return for each customer the live one that stands for him after all merges; unknown ids are left out."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING, [list(customer_ids)])
        return dict(cursor.fetchall())


def lead_of(customer: Customer) -> Profile:
    """Return the profile that leads a customer: his own first one. Edits are its records and stay with it."""
    own = Profile.objects.filter(home=customer, customer=customer).order_by("pk").first()
    return own or Profile.objects.filter(customer=customer).order_by("pk")[0]


# Merges that stand, into a customer and into those who were merged into him.
MADE = """
    WITH RECURSIVE made (id, absorbed_id) AS (
        SELECT id, absorbed_id FROM customers_merge WHERE survivor_id = %s AND undone_at IS NULL
        UNION ALL
        SELECT m.id, m.absorbed_id FROM customers_merge m JOIN made ON m.survivor_id = made.absorbed_id
        WHERE m.undone_at IS NULL
    )
    SELECT id FROM made ORDER BY id DESC LIMIT %s
"""
# Of each customer who is kept apart from another the newest pair of profiles that says so. Two profiles of one customer
# were joined by hand all the same.
APART = """
    WITH pairs (id, at, profile_id) AS (
        SELECT a.id, a.at, a.other_id FROM customers_apart a JOIN customers_profile p ON p.id = a.one_id
        WHERE p.customer_id = %(customer)s
        UNION ALL
        SELECT a.id, a.at, a.one_id FROM customers_apart a JOIN customers_profile p ON p.id = a.other_id
        WHERE p.customer_id = %(customer)s
    ), newest AS (
        SELECT DISTINCT ON (p.customer_id) pairs.id, pairs.at
        FROM pairs JOIN customers_profile p ON p.id = pairs.profile_id
        WHERE p.customer_id <> %(customer)s AND p.customer_id = coalesce(%(other)s::bigint, p.customer_id)
        ORDER BY p.customer_id, pairs.at DESC, pairs.id DESC
    )
    SELECT id FROM newest ORDER BY at DESC, id DESC LIMIT %(most)s
"""


def merges_that_made(customer_id: int, *, most: int) -> list[int]:
    """Return the merges that made a customer, directly or through those he has absorbed, the newest first. One query."""
    with connection.cursor() as cursor:
        cursor.execute(MADE, [customer_id, most])
        return [row[0] for row in cursor.fetchall()]


@dataclass(frozen=True)
class KeptApart:
    """A decision that a customer and another are not the same person."""

    other: Customer
    decision: Apart


def apart_from(customer: Customer, *, other: Customer | None = None) -> list[KeptApart]:
    """Return who is known not to be the same person as a customer, the newest decision first; or only whether `other` is.

    Two customers are told once, by the newest word, whichever of their profiles keep it. Two queries.
    """
    asked = {"customer": customer.pk, "other": other.pk if other else None, "most": MAX_APART}
    with connection.cursor() as cursor:
        cursor.execute(APART, asked)
        newest = [row[0] for row in cursor.fetchall()]
    rows = Apart.objects.filter(pk__in=newest).select_related("one__customer", "other__customer", "actor")
    return [
        KeptApart(row.other.customer if row.one.customer_id == customer.pk else row.one.customer, row)
        for row in rows.order_by("-at", "-pk")
    ]


# Of an identity that too many share nobody needs to know who they all are. `+ 0`: a table that has just been filled has
# no statistics yet, and the planner would go through all links in their order instead of by identity.
LINKS = """
    SELECT asked.id, found.profile_id, found.verified
    FROM unnest(%s::bigint[]) AS asked (id)
    CROSS JOIN LATERAL (
        SELECT l.profile_id, l.verified FROM customers_profileidentity l WHERE l.identity_id = asked.id
        ORDER BY l.id + 0 LIMIT %s
    ) found
"""


def first_links(identity_ids: Iterable[int], *, most: int) -> list[tuple[int, int, bool]]:
    """Return (identity, profile, verified) of the first `most` links of each identity. One query."""
    with connection.cursor() as cursor:
        cursor.execute(LINKS, [list(identity_ids), most])
        return list(cursor.fetchall())


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
    if UNLINKED.row(identity=identity_id, profile=profile_id) is None:
        return False
    return not ProfileIdentity.objects.filter(identity=identity_id, profile__customer__profiles=profile_id).exists()


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
