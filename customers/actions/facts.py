"""What happened to a customer: reported by his browser or by another system."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from customers.actions.identities import find_or_create_by_identity
from customers.erased import erased_among, identity_key
from customers.events import OutsideEvent, SiteEvent
from customers.locks import hold_profile, lock_customers
from customers.models import Profile
from cxcenter.core.events import emit

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


@transaction.atomic
def record_site_event(
    *, profile_id: int, type: str, data: dict[str, object], at: datetime | None = None, dedup: str | None = None
) -> None:
    """Keep a page view or an event of the site, marked as from a browser; `at` if it was some time ago.

    Raises Gone if the customer was erased.
    """
    hold_profile(profile_id)
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

    Returns for each "stored", "repeated" (its key was seen), "erased" (its customer was, for good) or "ambiguous": the
    identity leads to several customers and a person has to choose. An unknown identity makes a customer.
    """
    erased = _erased(facts)
    living = [fact for place, fact in enumerate(facts) if place not in erased]
    owners = _owners(living, source=actor.username[:40])
    lock_customers(profile.customer_id for profile in (*owners.values(), *(fact.profile for fact in living)) if profile)
    # Those who were erased while we waited for them.
    erased |= _erased(facts)
    outcomes = dict.fromkeys(erased, "erased")
    # In the order of keys: two batches with the same ones never wait for each other crosswise.
    for place, fact in sorted(enumerate(facts), key=lambda pair: pair[1].key):
        if place not in erased:
            profile = fact.profile or owners[_reach(fact)]
            outcomes[place] = "ambiguous" if profile is None else _keep_outside(fact, profile, actor)
    return [outcomes[place] for place in range(len(facts))]


def _erased(facts: list[OutsideFact]) -> set[int]:
    """Return the places of facts whose owner was erased. Two queries."""
    keys = {place: identity_key(*_reach(fact)) for place, fact in enumerate(facts) if fact.profile is None}
    named = {place: fact.profile.pk for place, fact in enumerate(facts) if fact.profile is not None}
    gone = erased_among(keys.values())
    dead = Profile.objects.filter(pk__in=named.values(), customer__erased_at__isnull=False)
    dead_ids = {*dead.values_list("pk", flat=True)}
    return {place for place, key in keys.items() if key in gone} | {
        place for place, profile in named.items() if profile in dead_ids
    }


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
