"""Business acts on customers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.events import ConsentGiven, CustomerCreated, CustomerEdited, OutsideEvent, SiteEvent
from customers.models import Consent, Customer, Identity, Profile, ProfileIdentity, SourceRecord
from customers.survivorship import GOLDEN_FIELDS, Said, survive
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.events import emit

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# How long a golden field may be, in characters.
LIMITS = {name: getattr(Customer._meta.get_field(name), "max_length", None) or 10_000 for name in GOLDEN_FIELDS}


def find_identity(*, kind: str, value: str) -> Identity:
    """Return the identity of that kind and normalised value, made if it is new."""
    return Identity.objects.get_or_create(kind=kind, value=value)[0]


@transaction.atomic
def create_profile(*, source: str, fields: dict[str, Any] | None = None, actor: "User | None" = None) -> Profile:
    """Make a profile with a golden record of its own, from a first contact or an integration."""
    customer = Customer.objects.create()
    profile = Profile.objects.create(customer=customer, source=source)
    if fields:
        add_record(profile=profile, source=source, fields=fields, actor=actor)
    emit(CustomerCreated(customer=customer.pk), profile_id=profile.pk, actor_id=actor.pk if actor else None)
    return profile


def link_identity(*, profile: Profile, identity: Identity, source: str, verified: bool, primary: bool = False) -> None:
    """Link an identity to a profile; a verified link never becomes unverified."""
    link, made = ProfileIdentity.objects.get_or_create(
        profile=profile,
        identity=identity,
        defaults={"source": source, "verified": verified, "primary": primary},
    )
    if not made and verified and not link.verified:
        link.verified = True
        link.save(update_fields=["verified"])


@transaction.atomic
def find_or_create_by_identity(
    *, kind: str, value: str, source: str, name: str = ""
) -> tuple[Identity, Profile | None]:
    """Return a verified identity and the profile it leads to; a new profile if it is unknown.

    The profile is None where the identity leads to several customers: a person has to choose.
    """
    identity = find_identity(kind=kind, value=value)
    # The lock makes two first contacts at once one profile.
    Identity.objects.select_for_update().get(pk=identity.pk)
    links = list(
        ProfileIdentity.objects.filter(identity=identity, verified=True)
        .select_related("profile")
        .order_by("since", "pk")
    )
    if not links:
        profile = create_profile(source=source, fields={"name": name} if name else None)
        link_identity(profile=profile, identity=identity, source=source, verified=True, primary=True)
        return identity, profile
    if len({link.profile.customer_id for link in links}) > 1:
        return identity, None
    return identity, links[0].profile


@transaction.atomic
def recognise(
    *, kind: str, value: str, proven: list[tuple[str, str]], source: str, name: str = ""
) -> tuple[Identity, Profile]:
    """Return an identity that a trusted source vouches for, and its profile; `proven` are his (kind, value) besides.

    An unknown identity belongs to the one customer to whom all that is proven leads, else to a new profile.
    """
    identity = find_identity(kind=kind, value=value)
    Identity.objects.select_for_update().get(pk=identity.pk)
    others = [find_identity(kind=other, value=text) for other, text in proven]
    profile = (
        _led_to([identity]) or _led_to(others) or create_profile(source=source, fields={"name": name} if name else None)
    )
    for link in (identity, *others):
        link_identity(profile=profile, identity=link, source=source, verified=True, primary=link == identity)
    return identity, profile


def _led_to(identities: list[Identity]) -> Profile | None:
    """Return the earliest profile of the one customer to whom verified identities lead; None if none or several."""
    links = list(
        ProfileIdentity.objects.filter(identity__in=identities, verified=True)
        .select_related("profile")
        .order_by("since", "pk")
    )
    one = len({link.profile.customer_id for link in links}) == 1
    return links[0].profile if one else None


@transaction.atomic
def add_record(
    *,
    profile: Profile,
    source: str,
    fields: dict[str, Any],
    raw: dict[str, Any] | None = None,
    actor: "User | None" = None,
) -> SourceRecord:
    """Keep what a source says of a profile and rebuild the golden fields."""
    record = SourceRecord.objects.create(profile=profile, source=source, fields=fields, raw=raw or {}, entered_by=actor)
    profile.customer = project(customer_id=profile.customer_id)
    return record


def project(*, customer_id: int) -> Customer:
    """Rebuild the golden fields of a customer from the source records of his profiles."""
    customer = Customer.objects.select_for_update().get(pk=customer_id)
    records = SourceRecord.objects.filter(profile__customer=customer).order_by("pk")
    golden = survive(Said(source=r.source, at=r.at, fields=r.fields, by=r.entered_by_id) for r in records)
    for field in GOLDEN_FIELDS:
        value = str(golden.get(field, {}).get("value") or "")
        # Sources say what they like, and it is kept as they said it: golden is what fits.
        setattr(customer, field, _date(value) if field == "birthday" else value[: LIMITS[field]])
    customer.provenance = golden
    customer.version += 1
    customer.updated_at = timezone.now()
    customer.save(update_fields=[*GOLDEN_FIELDS, "provenance", "version", "updated_at"])
    return customer


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@transaction.atomic
def edit_customer(*, customer: Customer, fields: dict[str, str], version: int | None, actor: "User") -> Customer:
    """Record an operator's edit as the source "operator" of the customer's lead profile.

    Raises Invalid for an unknown field, a bad date or a long text, Conflict if a colleague changed the card meanwhile.
    """
    unknown = set(fields) - set(GOLDEN_FIELDS)
    if unknown:
        raise Invalid(
            _("There is no such field: %(field)s.") % {"field": ", ".join(sorted(unknown))}, field=min(unknown)
        )
    if fields.get("birthday") and _date(fields["birthday"]) is None:
        raise Invalid(_("Write the date as year-month-day, like 1988-04-14."), field="birthday")
    for field, value in fields.items():
        if len(value) > LIMITS[field]:
            raise Invalid(_("Too long: %(limit)s characters at most.") % {"limit": LIMITS[field]}, field=field)
    locked = Customer.objects.select_for_update().get(pk=customer.pk)
    if version is not None and version != locked.version:
        raise Conflict(
            _("A colleague has changed this card. Reload it and repeat your edit."),
            code="stale",
            version=locked.version,
        )
    if not fields:
        return locked
    lead = locked.profiles.order_by("pk")[0]
    add_record(
        profile=lead, source="operator", fields={key: str(value).strip() for key, value in fields.items()}, actor=actor
    )
    audit.record(actor, "customer.edit", f"customer:{customer.pk}", fields=sorted(fields))
    emit(CustomerEdited(customer=customer.pk, fields=sorted(fields)), profile_id=lead.pk, actor_id=actor.pk)
    return Customer.objects.get(pk=customer.pk)


@transaction.atomic
def record_consent(
    *, profile: Profile, identity: Identity, purpose: str, granted: bool, proof: dict[str, Any]
) -> Consent:
    """Keep a consent with its proof and tell the timeline."""
    consent = Consent.objects.create(identity=identity, purpose=purpose, granted=granted, proof=proof)
    emit(ConsentGiven(identity=identity.pk, purpose=purpose, granted=granted), profile_id=profile.pk)
    return consent


@transaction.atomic
def record_site_event(
    *, profile_id: int, type: str, data: dict[str, object], at: datetime | None = None, dedup: str | None = None
) -> None:
    """Keep a page view or an event of the site, marked as from a browser; `at` if it was some time ago."""
    emit(SiteEvent(type=type, origin="browser", data=data), profile_id=profile_id, at=at, dedup=dedup)


@dataclass(frozen=True, kw_only=True)
class OutsideFact:
    """What another system reports. `key` is its own id there; the owner is a profile or a normalised identity."""

    key: str
    type: str
    at: datetime
    profile: Profile | None = None
    identity: dict[str, str] | None = None
    data: dict[str, object] | None = None


@transaction.atomic
def record_outside_events(*, facts: list[OutsideFact], actor: "User") -> list[str]:
    """Keep facts that another system reports, late and out of order as they come.

    Returns for each "stored", "repeated" (its key was seen) or "ambiguous": the identity leads to several
    customers and a person has to choose. An unknown identity makes a customer.
    """
    owners = _owners(facts, source=actor.username[:40])
    outcomes: dict[int, str] = {}
    # In the order of keys: two batches with the same ones never wait for each other crosswise.
    for place, fact in sorted(enumerate(facts), key=lambda pair: pair[1].key):
        profile = fact.profile or owners[_reach(fact)]
        outcomes[place] = "ambiguous" if profile is None else _keep_outside(fact, profile, actor)
    return [outcomes[place] for place in range(len(facts))]


def _reach(fact: OutsideFact) -> tuple[str, str]:
    assert fact.identity is not None, "a fact has a profile or an identity"
    return fact.identity["kind"], fact.identity["value"]


def _owners(facts: Iterable[OutsideFact], source: str) -> dict[tuple[str, str], Profile | None]:
    """Return the profile of each identity that the facts name; they are locked in one order."""
    reaches = sorted({_reach(fact) for fact in facts if fact.profile is None})
    return {
        (kind, value): find_or_create_by_identity(kind=kind, value=value, source=source)[1] for kind, value in reaches
    }


def _keep_outside(fact: OutsideFact, profile: Profile, actor: "User") -> str:
    event = emit(
        OutsideEvent(type=fact.type, source=actor.username, data=fact.data or {}),
        profile_id=profile.pk,
        actor_id=actor.pk,
        at=fact.at,
        dedup=f"api:{actor.pk}:{fact.key}",
    )
    return "stored" if event else "repeated"
