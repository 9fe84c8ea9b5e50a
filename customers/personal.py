"""What the golden record knows of a customer, in an export and in an erasure."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.fields.json import KT
from django.utils import timezone
from django.utils.translation import gettext as _

from customers import comparison, dictionary, projection
from customers.choices import IdentityKind, PartyKind
from customers.erased import Key, digest, identity_key, record_key
from customers.fields import GOLDEN_FIELDS
from customers.imports import service
from customers.matching.records import prepare
from customers.models import (
    Apart,
    Comparable,
    Consent,
    Customer,
    ErasedKey,
    Erasure,
    Identity,
    Likeness,
    MatchKey,
    MatchModel,
    Membership,
    Merge,
    Note,
    Profile,
    ProfileIdentity,
    SourceRecord,
    Unlinking,
    Word,
)
from customers.queries import standing_for
from cxcenter.core.models import Event
from cxcenter.core.personal import BATCH, Holder, Rows, Section, Subject, forget_answers, in_batches, register
from cxcenter.core.personal import holders as all_holders

# Shorter ones would be found everywhere.
WORD = 5
# A value that so few records have, for each of his, may be his alone: until the next training it counts as unknown.
RARE = 10
REACHES = (IdentityKind.PHONE, IdentityKind.EMAIL)
TREE = """
    WITH RECURSIVE down (id) AS (
        SELECT %s::bigint
        UNION ALL
        SELECT c.id FROM customers_customer c JOIN down ON c.merged_into_id = down.id
    )
    SELECT id FROM down
"""
FORGET = "UPDATE customers_identity SET value = 'erased:' || gen_random_uuid() WHERE id = ANY(%s)"


# --- Who it is ---------------------------------------------------------------------------------


def subject_of(customer_id: int) -> Subject:
    """Return whose data is meant by a customer: his own and that of all whom he has absorbed."""
    root = standing_for([customer_id])[customer_id]
    with connection.cursor() as cursor:
        cursor.execute(TREE, [root])
        others = sorted({row[0] for row in cursor.fetchall()} - {root})
    profiles = tuple(Profile.objects.filter(customer=root).order_by("pk").values_list("pk", flat=True))
    identities = _alone(profiles)
    known = dict(Identity.objects.filter(pk__in=identities).values_list("value", "kind"))
    names = {*Customer.objects.filter(pk__in=[root, *others]).values_list("name", flat=True)}
    records = SourceRecord.objects.filter(profile__in=profiles)
    names |= {*records.values_list(KT("fields__name"), flat=True)}
    numbers = {*records.values_list("external_id", flat=True)}
    words = {one for one in {*known, *numbers} if len(one) >= WORD} | {name for name in names if name and " " in name}
    return Subject(
        customers=(root, *others),
        profiles=profiles,
        identities=tuple(sorted(identities)),
        values=tuple(sorted(value for value, kind in known.items() if kind in REACHES)),
        words=tuple(sorted(words)),
    )


def _alone(profiles: tuple[int, ...]) -> set[int]:
    """Return the identities that lead to these profiles and to nobody else's."""
    found = {*ProfileIdentity.objects.filter(profile__in=profiles).values_list("identity_id", flat=True)}
    # What was taken off by hand was his as well, and what he has lost and had said something for.
    found |= {*Unlinking.objects.filter(profile__in=profiles).values_list("identity_id", flat=True)}
    found |= {*Consent.objects.filter(_counting(profiles)).values_list("identity_id", flat=True)}
    for holder in all_holders():
        found |= holder.reached(profiles)
    for links in (ProfileIdentity, Unlinking):
        others = links.objects.filter(identity__in=found).exclude(profile__in=profiles)
        found -= {*others.values_list("identity_id", flat=True)}
    for holder in all_holders():
        found -= holder.claimed(profiles, found)
    return found


def _counting(profiles: tuple[int, ...]) -> Q:
    """Return what keeps the consents that count for profiles, wherever their identities are now."""
    return Q(profiles__overlap=list(profiles))


# --- The holder --------------------------------------------------------------------------------


class GoldenRecord(Holder):
    """Profiles, records, identities, consents, comparisons, merges, and the facts of the timeline."""

    tables = (
        Customer,
        SourceRecord,
        ProfileIdentity,
        Identity,
        Consent,
        Comparable,
        MatchKey,
        Likeness,
        MatchModel,
        Merge,
        Membership,
        Note,
        Unlinking,
        Word,
    )

    def sections(self) -> dict[str, Section]:
        """Return what is exported of it."""
        return {
            "customers": _customers,
            "profiles": _profiles,
            "records": _records,
            "identities": _identities,
            "consents": _consents,
            "merges": _merges,
            "memberships": _memberships,
            "notes": _notes,
            "events": _events,
        }

    def obstacles(self, subject: Subject) -> list[str]:
        """Return that an import is under way: he may stand in its file."""
        return [_("an import of customers")] if service.is_going() else []

    def erase(self, subject: Subject) -> None:
        """Erase records, links, comparisons and values; keep digests of what was his alone."""
        _remember(subject)
        words = _words(subject)
        _forget_weights(subject)
        for of_one in (SourceRecord, ProfileIdentity, Unlinking, Note, Comparable, MatchKey):
            of_one.objects.filter(profile__in=subject.profiles).delete()
        for of_two in (Likeness, Apart):
            of_two.objects.filter(Q(one__in=subject.profiles) | Q(other__in=subject.profiles)).delete()
        Membership.objects.filter(Q(company__in=subject.profiles) | Q(person__in=subject.profiles)).delete()
        _forget_forms(subject)
        his = Q(profile__in=subject.profiles) | Q(profile=None, identity__in=subject.identities)
        Consent.objects.filter(his).update(proof={})
        with connection.cursor() as cursor:
            cursor.execute(FORGET, [list(subject.identities)])
        merges = Merge.objects.filter(Q(survivor__in=subject.customers) | Q(absorbed__in=subject.customers))
        merges.update(detail={})
        _empty_cards(subject)
        dictionary.follow(gone=words)
        transaction.on_commit(service.discard_files, robust=True)
        forget_answers("number", [f"C-{pk}" for pk in subject.customers])


register(GoldenRecord())


# --- Export ------------------------------------------------------------------------------------


def _customers(subject: Subject) -> Rows:
    for row in Customer.objects.filter(pk__in=subject.customers).order_by("pk"):
        stands = row.pk == subject.customers[0]
        golden = {name: getattr(row, name) for name in GOLDEN_FIELDS} if stands else {}
        more = {"custom": row.custom, "provenance": row.provenance} if stands else {}
        into = f"C-{row.merged_into_id}" if row.merged_into_id else None
        yield {"number": row.number, "created_at": row.created_at, "merged_into": into, **golden, **more}


def _profiles(subject: Subject) -> Rows:
    for row in Profile.objects.filter(pk__in=subject.profiles).order_by("pk"):
        yield {"id": row.pk, "source": row.source, "created_at": row.created_at}


def _records(subject: Subject) -> Rows:
    for row in in_batches(SourceRecord.objects.filter(profile__in=subject.profiles)):
        yield {
            "id": row.pk,
            "profile": row.profile_id,
            "source": row.source,
            "external_id": row.external_id,
            "fields": row.fields,
            "raw": row.raw,
            "chosen_by_hand": row.pins,
            "verified": row.verified,
            "at": row.at,
        }


def _identities(subject: Subject) -> Rows:
    alone = set(subject.identities)
    links = ProfileIdentity.objects.filter(profile__in=subject.profiles).select_related("identity")
    for row in in_batches(links):
        yield {
            "profile": row.profile_id,
            "kind": row.identity.kind,
            "value": row.identity.value,
            "verified": row.verified,
            "primary": row.primary,
            "source": row.source,
            "since": row.since,
            "shared_with_others": row.identity_id not in alone,
        }


def _consents(subject: Subject) -> Rows:
    """Yield the consents of his identities, and those that count for him. What was said on others' profiles is without proof."""
    alone, own = set(subject.identities), set(subject.profiles)
    linked = ProfileIdentity.objects.filter(profile__in=subject.profiles, identity=OuterRef("identity"))
    his = Q(identity__in=alone) | Exists(linked) | _counting(subject.profiles)
    rows = Consent.objects.filter(his).select_related("identity")
    for row in in_batches(rows):
        yield {
            "identity": row.identity.value,
            "purpose": row.purpose,
            "channel": row.channel,
            "granted": row.granted,
            "at": row.at,
            "proof": row.proof if row.profile_id in own else None,
        }


def _merges(subject: Subject) -> Rows:
    ours = Merge.objects.filter(survivor__in=subject.customers, absorbed__in=subject.customers)
    for row in in_batches(ours):
        yield {
            "survivor": f"C-{row.survivor_id}",
            "absorbed": f"C-{row.absorbed_id}",
            "reason": row.reason,
            "detail": row.detail,
            "at": row.at,
            "undone_at": row.undone_at,
        }


def _memberships(subject: Subject) -> Rows:
    """Yield his places in companies. Of a company the members are other people: their roles, not their names."""
    ours = Q(company__in=subject.profiles) | Q(person__in=subject.profiles)
    for row in in_batches(Membership.objects.filter(ours).select_related("company__customer")):
        company = str(row.company.customer)
        yield {"company": company, "role": row.role, "source": row.source, "since": row.since}


def _notes(subject: Subject) -> Rows:
    for row in in_batches(Note.objects.filter(profile__in=subject.profiles)):
        yield {"text": row.text, "at": row.at, "edited_at": row.edited_at, "withdrawn_at": row.withdrawn_at}


def _events(subject: Subject) -> Rows:
    """Yield the facts of each profile in their order, by the timeline's own index."""
    for profile in subject.profiles:
        rows, last = Event.objects.filter(profile_id=profile).order_by("at", "pk"), Q()
        while batch := list(rows.filter(last)[:BATCH]):
            for row in batch:
                yield {"id": row.pk, "profile": profile, "kind": row.kind, "at": row.at, "data": row.payload}
            end = batch[-1]
            last = Q(at__gte=end.at) & (Q(at__gt=end.at) | Q(pk__gt=end.pk))


# --- Erasure -----------------------------------------------------------------------------------


def _remember(subject: Subject) -> None:
    """Keep digests of the identities that were his alone, and of his records' numbers, with what he had withdrawn."""
    erasure = Erasure.objects.get(customer=subject.customers[0])
    withdrawn = _withdrawn(subject.identities)
    for pk, kind, value in Identity.objects.filter(pk__in=subject.identities).values_list("pk", "kind", "value"):
        _keep(erasure, identity_key(kind, value), kind, withdrawn.get(pk, []))
    records = SourceRecord.objects.filter(profile__in=subject.profiles).exclude(external_id="")
    for source, external_id in records.values_list("source", "external_id"):
        _keep(erasure, record_key(source, external_id), "record", [])


def _keep(erasure: Erasure, key: Key, kind: str, withdrawn: list[list[str]]) -> None:
    ErasedKey.objects.update_or_create(
        digest=digest(key),
        defaults={
            "kind": kind,
            "erasure": erasure,
            "withdrawn": withdrawn,
            "lifted_at": None,
            "lifted_by": None,
        },
    )


def _withdrawn(identities: Iterable[int]) -> dict[int, list[list[str]]]:
    """Return what the newest word of each identity takes back: [[purpose, channel], …]."""
    newest = Consent.objects.filter(identity__in=identities).order_by("identity", "purpose", "channel", "-at", "-pk")
    found: dict[int, list[list[str]]] = {}
    for row in newest.distinct("identity", "purpose", "channel"):
        if not row.granted:
            found.setdefault(row.identity_id, []).append([row.purpose, row.channel])
    return found


def _forget_weights(subject: Subject) -> None:
    """Take his values out of the table of frequent ones; older weights, which count no more, go whole."""
    weights = MatchModel.objects.order_by("-pk").first()
    if weights is None:
        return
    MatchModel.objects.exclude(pk=weights.pk).delete()
    few, shares = RARE * len(subject.profiles), weights.weights.get("frequencies", {})
    for row in Comparable.objects.filter(profile__in=subject.profiles):
        person = prepare(comparison.read(row.pk, row.person))
        for field, of_field in shares.items():
            for value in getattr(person, field):
                if of_field.get(value, 1) * weights.records <= few or field in {"phone", "email"}:
                    of_field.pop(value, None)
    weights.save(update_fields=["weights"])


def _forget_forms(subject: Subject) -> None:
    """Empty what was typed of him into forms on other profiles: known by his own phone or address."""
    typed = SourceRecord.objects.filter(source="form").annotate(contact=KT("raw__contact"))
    typed.filter(contact__in=subject.values).update(fields={}, raw={})


def _words(subject: Subject) -> set[str]:
    """Return the words by which he is found, and those of records whose values a merge has put behind others."""
    cards = list(Customer.objects.filter(pk__in=subject.customers).values_list("words", flat=True))
    said = chain.from_iterable(projection.said_of(subject.customers).values())
    return {word for words in [*cards, *(projection.project([one], {})["words"] for one in said)] for word in words}


def _empty_cards(subject: Subject) -> None:
    nothing: dict[str, Any] = dict.fromkeys(GOLDEN_FIELDS, "")
    nothing |= {"birthday": None, "kind": PartyKind.PERSON, "custom": {}, "words": [], "provenance": {}}
    now = timezone.now()
    Customer.objects.filter(pk__in=subject.customers).update(
        **nothing, erased_at=now, updated_at=now, version=F("version") + 1
    )
