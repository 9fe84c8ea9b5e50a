"""What a customer permits, and takes back."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.choices import IdentityKind
from customers.events import ConsentGiven
from customers.models import Consent, Customer, Identity, Profile, ProfileIdentity
from customers.queries import first_links
from cxcenter.core import audit
from cxcenter.core.errors import Invalid, NotFound
from cxcenter.core.events import emit

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

WORDS_LIMIT = 1000
PURPOSE, CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,39}"), re.compile(r"[a-z]{0,12}")
# By which identities a channel reaches somebody, where its name is not that of their kind.
REACHED_BY = {"sms": IdentityKind.PHONE, "voice": IdentityKind.PHONE, "callback": IdentityKind.PHONE}
# A withdrawal is kept with so many who share its identity: what more have is nobody's.
SHARERS = 50
Reached = tuple[str, str]


@transaction.atomic
def record_consent(
    *,
    profile: Profile,
    identity: Identity,
    purpose: str,
    granted: bool,
    proof: dict[str, Any],
    channel: str = "",
    at: datetime | None = None,
    actor: "User | None" = None,
) -> Consent:
    """Keep a consent or its withdrawal with its proof and tell the timeline; channel "" means every one.

    `at` is when it was said, by default now. It may come late: the newest word counts. The same word of the same time is
    kept once.
    """
    said = {"identity": identity, "purpose": purpose, "channel": channel, "granted": granted, "at": moment(at)}
    if at is not None:
        # Who says the same at once waits here.
        Identity.objects.select_for_update(no_key=True).get(pk=identity.pk)
        if known := Consent.objects.filter(profile=profile, **said).first():
            return known
    profiles = whose(profile.pk, granted=granted, sharers=sharers_of([identity.pk])[identity.pk])
    consent = Consent.objects.create(profile=profile, profiles=profiles, proof=proof, **said)
    fact = ConsentGiven(identity=identity.pk, purpose=purpose, granted=granted, channel=channel)
    emit(fact, profile_id=profile.pk, actor_id=actor.pk if actor else None, at=consent.at)
    return consent


def moment(at: datetime | None) -> datetime:
    """Return when something was said: now at the latest, whatever another clock tells."""
    now = timezone.now()
    return min(at, now) if at else now


def sharers_of(identities: Iterable[int]) -> defaultdict[int, list[int]]:
    """Return the profiles that have identities now: identity → profiles, the first ones. One query."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for identity, profile, _verified in first_links(identities, most=SHARERS):
        found[identity].append(profile)
    return found


def whose(profile_id: int, *, granted: bool, sharers: Sequence[int]) -> list[int]:
    """Return for whose profiles a word counts wherever its identity goes: see `Consent.profiles`."""
    return [profile_id] if granted else sorted({profile_id, *sharers})


@transaction.atomic
def record_consent_by_hand(
    *,
    customer: Customer,
    identity_id: int,
    purpose: str,
    channel: str,
    granted: bool,
    words: str,
    actor: "User",
    at: datetime | None = None,
) -> Consent:
    """Record what a customer told a colleague: for which of his identities, and in which words as the proof.

    There is no undo: a proof is not erased, a later word counts. Raises Invalid without words or for a code that is
    none, NotFound for an identity that is not his: one that he has no more is, if something was withdrawn for it.
    """
    said = words.strip()
    if not said:
        raise Invalid(_("Write how he said so: a proof without words is none."), field="proof")
    if len(said) > WORDS_LIMIT:
        raise Invalid(_("Too long: %(limit)s characters at most.") % {"limit": WORDS_LIMIT}, field="proof")
    if not PURPOSE.fullmatch(purpose):
        raise Invalid(_("Choose what it is for."), field="purpose")
    if not CHANNEL.fullmatch(channel):
        raise Invalid(_("There is no such channel."), field="channel")
    profile, identity = _named(customer, identity_id)
    consent = record_consent(
        profile=profile,
        identity=identity,
        purpose=purpose,
        channel=channel,
        granted=granted,
        proof={"words": said, "user": actor.pk},
        at=at,
        actor=actor,
    )
    audit.record(
        actor,
        "consent.record",
        f"customer:{customer.pk}",
        identity=identity.pk,
        purpose=purpose,
        channel=channel,
        granted=granted,
    )
    return consent


def _named(customer: Customer, identity_id: int) -> tuple[Profile, Identity]:
    """Return the identity of a customer that is meant, and which of his profiles has it, or had it."""
    links = ProfileIdentity.objects.filter(profile__customer=customer, identity=identity_id)
    link = links.select_related("profile", "identity").order_by("pk").first()
    if link is not None:
        return link.profile, link.identity
    own = {profile.pk: profile for profile in Profile.objects.filter(customer=customer)}
    kept = Consent.objects.filter(identity=identity_id, profiles__overlap=list(own)).select_related("identity")
    word = kept.order_by("-at", "-pk").first()
    if word is None:
        raise NotFound(_("This customer has no such identity. Reload the card."))
    return own[min(own.keys() & set(word.profiles))], word.identity


# --- What records of sources state ---


@dataclass(frozen=True, kw_only=True)
class StatedConsent:
    """What a record states of a consent. `at` is when it was said; None if only the time of the record is known."""

    purpose: str
    granted: bool
    channel: str = ""
    at: datetime | None = None
    words: str = ""

    def proof(self, source: str, external_id: str) -> dict[str, Any]:
        """Return the proof: the record, and the words that it gives."""
        return {"source": source, "record": external_id, **({"said": self.words} if self.words else {})}


class News(NamedTuple):
    """What a record states and has not stated before: when it was said, and for which identities."""

    stated: StatedConsent
    at: datetime
    reached: list[Reached]


# (identity, purpose, channel) → what a record has stated of it: (when, granted).
Known = Mapping[tuple[Reached, str, str], Sequence[tuple[datetime, bool]]]


def known_of(profile_ids: Iterable[int]) -> dict[int, Known]:
    """Return what the records of profiles have stated. One query."""
    found: dict[int, Any] = defaultdict(lambda: defaultdict(list))
    rows = Consent.objects.filter(profile__in=profile_ids, proof__has_key="source")
    names = ("profile_id", "identity__kind", "identity__value", "purpose", "channel", "at", "granted")
    for profile, kind, value, purpose, channel, at, granted in rows.values_list(*names):
        found[profile][(kind, value), purpose, channel].append((at, granted))
    return found


def news_of(
    consents: Sequence[StatedConsent], reached: Iterable[Reached], known: Known, *, at: datetime | None, late: bool
) -> list[News]:
    """Return what of a record's consents is new. `at` is the time of the record, `late` if a newer one is known.

    A word with a time of its own is new unless it is known. One that has the record's time is new only if the record
    stated something else before: that a flag still stands there, when something else was changed, is no new consent. Of
    a late record such a withdrawal is kept all the same. Raises Invalid for one without a time or an identity.
    """
    found = []
    heard: dict[tuple[Reached, str, str], list[tuple[datetime, bool]]] = {}
    ways = sorted(set(reached))
    for stated in consents:
        said_at = _when(stated, at, ways)
        new = []
        for reach in _carriers(stated.channel, ways):
            key = (reach, stated.purpose, stated.channel)
            words = heard.setdefault(key, list(known.get(key, ())))
            if _is_new(stated, said_at, words, late=late):
                new.append(reach)
                words.append((said_at, stated.granted))
        if new:
            found.append(News(stated, said_at, new))
    return found


def check_stated(consents: Sequence[StatedConsent], reached: Iterable[Reached], at: datetime | None) -> None:
    """Raise Invalid if a record's consents have no time, or nobody whose they are."""
    ways = list(reached)
    for stated in consents:
        _when(stated, at, ways)


def _when(stated: StatedConsent, at: datetime | None, ways: Sequence[Reached]) -> datetime:
    if not ways:
        raise Invalid(_("A consent is given for a phone, an address or an account: name one."), field="consents")
    told = stated.at or at
    if told is None:
        raise Invalid(_("Say when he said so: a consent without a time cannot be compared."), field="consents")
    return moment(told)


def _carriers(channel: str, ways: Sequence[Reached]) -> Sequence[Reached]:
    """Return the identities that a consent of a channel is for: those of its kind, or all if there is none."""
    kind = REACHED_BY.get(channel, channel)
    return [reach for reach in ways if reach[0] == kind] or ways


def _is_new(stated: StatedConsent, at: datetime, words: list[tuple[datetime, bool]], *, late: bool) -> bool:
    if stated.at is not None:
        return (at, stated.granted) not in words
    if late:
        return not stated.granted and (at, False) not in words
    last = max(words, key=lambda word: (word[0], not word[1]), default=None)
    return last is None or last[1] != stated.granted


def keep_stated(
    *,
    profile: Profile,
    proof_of: tuple[str, str],
    consents: Sequence[StatedConsent],
    identities: Mapping[Reached, Identity],
    at: datetime | None,
    late: bool = False,
    actor: "User | None" = None,
) -> bool:
    """Keep what a record, `proof_of` (source, number there), newly states of consents. Tells whether that is anything.

    Raises Invalid as `news_of` does. The record is locked.
    """
    if not consents:
        return False
    news = news_of(consents, identities, known_of([profile.pk]).get(profile.pk, {}), at=at, late=late)
    sharers = sharers_of(identity.pk for identity in identities.values())
    Consent.objects.bulk_create(
        Consent(
            identity=identities[reach],
            profile=profile,
            profiles=whose(profile.pk, granted=one.stated.granted, sharers=sharers[identities[reach].pk]),
            purpose=one.stated.purpose,
            channel=one.stated.channel,
            granted=one.stated.granted,
            proof=one.stated.proof(*proof_of),
            at=one.at,
        )
        for one in news
        for reach in one.reached
    )
    for one in news:
        fact = fact_of(one.stated, min(identities[reach].pk for reach in one.reached))
        emit(fact, profile_id=profile.pk, actor_id=actor.pk if actor else None, at=one.at)
    return bool(news)


def fact_of(stated: StatedConsent, identity: int) -> ConsentGiven:
    """Return the one fact that tells of a word, whatever identities it was given for."""
    return ConsentGiven(identity=identity, purpose=stated.purpose, granted=stated.granted, channel=stated.channel)
