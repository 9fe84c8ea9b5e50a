"""What another system knows of somebody: its record, put here as often as it likes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from customers import projection
from customers.actions.consents import StatedConsent, keep_stated
from customers.actions.edits import read_fields
from customers.actions.identities import find_identity, keep_link
from customers.actions.members import keep_place
from customers.actions.merges import merge_customers, was_undone
from customers.actions.records import project
from customers.choices import MergeReason
from customers.comparison import REACHES, TELLING
from customers.erased import erased_among, identity_key, record_key
from customers.events import CustomerCreated, ProfileSaid
from customers.junk import linking
from customers.locks import MovedMeanwhileError, lock_customer_of
from customers.models import Customer, Identity, Profile, ProfileIdentity, SourceRecord
from customers.survivorship import OPERATOR, UNVERIFIED
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.events import announce, emit

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

OURS = {OPERATOR, *UNVERIFIED}


@dataclass(frozen=True, kw_only=True)
class Reach:
    """An identity that a record names, normalised; `verified` if its source vouches for it."""

    kind: str
    value: str
    verified: bool = False


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """The company of a person, by its record at a source, and his role there."""

    source: str
    external_id: str
    role: str = ""


@dataclass(frozen=True, kw_only=True)
class OutsideRecord:
    """A record as its source has it. `at` is the time of its last change there; `consents` may have times of their own."""

    source: str
    external_id: str
    fields: dict[str, Any] = field(default_factory=dict)
    reaches: Sequence[Reach] = ()
    company: Workplace | None = None
    consents: Sequence[StatedConsent] = ()
    raw: dict[str, Any] = field(default_factory=dict)
    verified: bool = False
    at: datetime | None = None


Identities = dict[Reach, Identity]


def put_record(*, said: OutsideRecord, actor: "User | None" = None) -> tuple[SourceRecord | None, str]:
    """Keep a record of a source: new, changed, or as it was. Returns it with "created", "changed", "unchanged" or "late".

    A record that is older than what is known is "late" and changes nothing, but that no withdrawal in it is lost. A new
    one has a profile of its own; if its verified identities lead to exactly one customer it is merged into him at once
    (which can be undone). A new one of somebody who was erased, by its number or by any identity, is not kept: None and "erased". Raises Invalid for a
    field or value that cannot be kept.
    """
    if said.source in OURS:
        raise Invalid(_("This name is taken by a source of the product itself."), field="source")
    fields = projection.complete(read_fields(said.fields))
    try:
        with transaction.atomic():
            return _put(said, fields, actor)
    except (IntegrityError, MovedMeanwhileError):
        # Somebody else has just brought the same record, or erased it: now it is so.
        with transaction.atomic():
            return _put(said, fields, actor)


def _put(said: OutsideRecord, fields: dict[str, Any], actor: "User | None") -> tuple[SourceRecord | None, str]:
    one = SourceRecord.objects.filter(source=said.source, external_id=said.external_id)
    # Before anything is made for him. Somebody whom we know may have got the number of one who was erased.
    if _is_erased(said) and not one.exists():
        return None, "erased"
    identities = _lock_identities(said.reaches)
    known = one.select_for_update(of=("self",)).select_related("profile").first()
    if known is None:
        if _is_erased(said):
            raise MovedMeanwhileError
        return _create(said, identities, fields, actor), "created"
    if said.at is not None and said.at < known.at:
        _state(known.profile, said, identities, actor, late=True)
        return known, "late"
    changed = (known.fields, known.raw, known.verified) != (fields, said.raw, said.verified)
    moved = _relink(known.profile, said.source, identities) | _place(known.profile, said)
    moved |= _state(known.profile, said, identities, actor)
    if not changed and not moved:
        return known, "unchanged"
    known.fields, known.raw, known.verified, known.at = fields, said.raw, said.verified, said.at or timezone.now()
    known.save(update_fields=["fields", "raw", "verified", "at"])
    _follow(known.profile, identities, fields)
    return known, "changed"


def _lock_identities(reaches: Iterable[Reach]) -> Identities:
    """Return the identities of reaches, locked in one order: of two records that bring the same, one sees the other."""
    found = {reach: find_identity(kind=reach.kind, value=reach.value) for reach in sorted(set(reaches), key=_spelling)}
    ids = [identity.pk for reach, identity in found.items() if reach.verified]
    values = {identity.pk: identity.value for identity in found.values()}
    for locked in Identity.objects.select_for_update().filter(pk__in=ids).order_by("pk"):
        if locked.value != values[locked.pk]:
            raise MovedMeanwhileError
    return found


def _is_erased(said: OutsideRecord) -> bool:
    keys = [identity_key(reach.kind, reach.value) for reach in said.reaches]
    return bool(erased_among([record_key(said.source, said.external_id), *keys]))


def _spelling(reach: Reach) -> tuple[str, str, bool]:
    return reach.kind, reach.value, reach.verified


def _create(said: OutsideRecord, identities: Identities, fields: dict[str, Any], actor: "User | None") -> SourceRecord:
    customer = Customer.objects.create()
    profile = Profile.objects.create(customer=customer, home=customer, source=said.source)
    record = SourceRecord.objects.create(
        profile=profile,
        source=said.source,
        external_id=said.external_id,
        fields=fields,
        raw=said.raw,
        verified=said.verified,
        at=said.at or timezone.now(),
        entered_by=actor,
    )
    _relink(profile, said.source, identities)
    _place(profile, said)
    emit(CustomerCreated(customer=customer.pk), profile_id=profile.pk, actor_id=actor.pk if actor else None)
    _state(profile, said, identities, actor)
    _follow(profile, identities, fields)
    return record


def _relink(profile: Profile, source: str, identities: Identities) -> bool:
    """Let a profile have the identities that its record names, and no longer those it named before. Tells of a change."""
    gone = ProfileIdentity.objects.filter(profile=profile, source=source).exclude(identity__in=identities.values())
    changed = bool(gone.delete()[0])
    known = dict(ProfileIdentity.objects.filter(profile=profile).values_list("identity_id", "verified"))
    kinds: set[str] = set()
    for reach, identity in identities.items():
        is_first = reach.kind not in kinds
        made = keep_link(profile=profile, identity=identity, source=source, verified=reach.verified, primary=is_first)
        changed |= made or (reach.verified and known.get(identity.pk) is False)
        kinds.add(reach.kind)
    return changed


def _state(
    profile: Profile, said: OutsideRecord, identities: Identities, actor: "User | None", *, late: bool = False
) -> bool:
    """Keep what a record newly states of consents. Tells whether that is anything."""
    return keep_stated(
        profile=profile,
        proof_of=(said.source, said.external_id),
        consents=said.consents,
        identities={(reach.kind, reach.value): identity for reach, identity in identities.items()},
        at=said.at,
        late=late,
        actor=actor,
    )


def _place(profile: Profile, said: OutsideRecord) -> bool:
    """Put a person into the company that his record names. Tells of a change. Raises Invalid for an unknown record."""
    company = None
    if said.company is not None:
        at = SourceRecord.objects.filter(source=said.company.source, external_id=said.company.external_id)
        company = Profile.objects.filter(records__in=at).first()
        if company is None or company == profile:
            raise Invalid(_("There is no such record of a company. Put the company first."), field="company")
    role = said.company.role if said.company else ""
    return keep_place(person=profile, company=company, role=role, source=said.source)


def _follow(profile: Profile, identities: Identities, fields: dict[str, Any]) -> None:
    """Join the one customer to whom verified identities lead, or rebuild his own golden record; have him compared."""
    if not _join(profile, [identity for reach, identity in identities.items() if reach.verified]):
        project([lock_customer_of(profile.pk)])
    if TELLING & fields.keys() or any(reach.kind in REACHES for reach in identities):
        announce(ProfileSaid(profile=profile.pk))


def _join(profile: Profile, proven: list[Identity]) -> bool:
    """Merge into the one customer to whom proven identities lead. Several, or somebody parted by hand: a person chooses.

    The merge keeps the first identity that led there.
    """
    # What a person took off the profile leads it nowhere, whoever vouches for it.
    standing = Identity.objects.filter(links__profile=profile, pk__in=[identity.pk for identity in proven])
    links = ProfileIdentity.objects.filter(identity__in=linking(standing), verified=True)
    own = Profile.objects.values_list("customer_id", flat=True).get(pk=profile.pk)
    led = links.exclude(profile__customer=own).values_list("identity_id", "profile__customer_id")
    owners, by = {owner for _identity, owner in led}, {identity for identity, _owner in led}
    if len(owners) != 1 or was_undone(own, *owners):
        return False
    low, high = sorted([own, *owners])
    detail = {"identity": next(identity.pk for identity in proven if identity.pk in by)}
    try:
        return bool(merge_customers(survivor=low, others=[high], reason=MergeReason.IDENTITY, detail=detail))
    except Conflict:
        return False
