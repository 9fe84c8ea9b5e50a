"""What a batch of records would do: which are new, changed, as they were, late; whom each is joined to.

The outcome is that of `customers.actions.put_record` called for one after the other, found with a handful of queries:
what a batch touches is read once, and the records are gone through in memory in their order.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from customers.actions.consents import SHARERS, News, known_of, news_of, sharers_of, whose
from customers.actions.consents import Known as KnownConsents
from customers.actions.merges import kept_apart, was_undone
from customers.actions.sources import OutsideRecord
from customers.erased import erased_among, identity_key, record_key
from customers.junk import JunkList
from customers.locks import MovedMeanwhileError, lock_customers_of
from customers.models import ErasedKey, Identity, MatchingRules, Profile, ProfileIdentity, SourceRecord, Unlinking
from customers.queries import first_links

OUTCOMES = ("created", "changed", "unchanged", "late", "rejected", "joined")
# Where nothing is written new rows need numbers all the same, above all real ones.
UNREAL = 10**15

KNOWN_IDENTITIES = """
    SELECT i.kind, i.value, i.id
    FROM unnest(%s::text[], %s::text[]) AS asked (kind, value)
    JOIN customers_identity i ON i.kind = asked.kind AND i.value = asked.value
"""
NUMBERS = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
Reached = tuple[str, str]
# Records that do something, with "created" or "changed".
Active = Sequence[tuple[OutsideRecord, str]]


@dataclass(frozen=True)
class Link:
    """A link that is there: `source` is who brought it."""

    pk: int
    identity: int
    verified: bool
    source: str


@dataclass(frozen=True)
class Known:
    """A record that is there."""

    pk: int
    profile: int
    fields: dict[str, Any]
    raw: dict[str, Any]
    verified: bool
    at: datetime


@dataclass
class Change:
    """A record that is new or has changed, with the links that come, grow to be verified, and go.

    `joins` is the customer whom it leads to by the identity `by`, 0 for none.
    """

    said: OutsideRecord
    profile: int
    record: int
    customer: int
    is_new: bool
    # New links: the identity, whether it is verified, whether it is the first of its kind.
    links: list[tuple[int, bool, bool]] = field(default_factory=list)
    proven: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    joins: int = 0
    by: int = 0


@dataclass(frozen=True)
class Stated:
    """What a record newly states of a consent, on its profile: identity → for whose profiles it counts."""

    said: OutsideRecord
    profile: int
    news: News
    identities: dict[int, list[int]]


@dataclass
class Plan:
    """What is to be written for the first `taken` records of those asked for; `identities` are those that are new."""

    taken: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)
    identities: dict[Reached, int] = field(default_factory=dict)
    stated: list[Stated] = field(default_factory=list)
    # Numbers of records of people who were erased: they are not kept.
    erased: set[str] = field(default_factory=set)
    # Customers whose golden record comes from more than one new record.
    touched: set[int] = field(default_factory=set)


def plan(said: Sequence[OutsideRecord], *, writes: bool) -> Plan:
    """Return what records of one source would do. With `writes` whatever it was made of stays locked until the commit.

    It ends early before a record that must see the ones before it as written: one whose number was there already, and
    a changed one that would be joined to somebody who has just changed.
    """
    said = _until_repeated(said)
    known = _known([one.external_id for one in said], said[0].source)
    reached = sorted({(reach.kind, reach.value) for one in said for reach in one.reaches})
    identities = _identities(reached)
    links = _links_of([record.profile for record in known.values()])
    taken_off = _taken_off(links)
    news = _news(said, known)
    erased = _erased([one for one in said if one.external_id not in known])
    outcomes = [
        "erased"
        if one.external_id in erased
        else _outcome(one, known.get(one.external_id), identities, links, taken_off, stated=one.external_id in news)
        for one in said
    ]
    active = [(one, outcome) for one, outcome in zip(said, outcomes, strict=True) if outcome in {"created", "changed"}]
    changed = [known[one.external_id] for one, outcome in active if outcome == "changed"]
    if writes:
        _lock(active, changed, identities)
    planner = _Planner(active, changed, links, identities, taken_off, news=news, writes=writes)
    for one, outcome in zip(said, outcomes, strict=True):
        if outcome in {"created", "changed"} and not planner.take(one, known.get(one.external_id)):
            break
        if outcome == "late":
            planner.state(one, known[one.external_id].profile)
        planner.plan.taken += 1
        if outcome == "erased":
            planner.plan.erased.add(one.external_id)
        else:
            planner.plan.counts[outcome] += 1
    return planner.plan


def _until_repeated(said: Sequence[OutsideRecord]) -> Sequence[OutsideRecord]:
    seen: set[str] = set()
    for place, one in enumerate(said):
        if one.external_id in seen:
            return said[:place]
        seen.add(one.external_id)
    return said


def _known(numbers: list[str], source: str) -> dict[str, Known]:
    rows = SourceRecord.objects.filter(source=source, external_id__in=numbers).exclude(external_id="")
    names = ("external_id", "pk", "profile_id", "fields", "raw", "verified", "at")
    return {number: Known(*row) for number, *row in rows.values_list(*names)}


def _news(said: Sequence[OutsideRecord], known: dict[str, Known]) -> dict[str, list[News]]:
    """Return what records newly state of consents, by their numbers. One query if any of those that are there does."""
    speaking = [one for one in said if one.consents]
    there = [known[one.external_id].profile for one in speaking if one.external_id in known]
    stated = known_of(there) if there else {}
    found = {}
    for one in speaking:
        row = known.get(one.external_id)
        heard: KnownConsents = stated.get(row.profile, {}) if row else {}
        late = row is not None and one.at is not None and one.at < row.at
        reached = ((reach.kind, reach.value) for reach in one.reaches)
        if new := news_of(one.consents, reached, heard, at=one.at, late=late):
            found[one.external_id] = new
    return found


def _identities(reached: Sequence[Reached]) -> dict[Reached, int]:
    with connection.cursor() as cursor:
        cursor.execute(KNOWN_IDENTITIES, [[kind for kind, _value in reached], [value for _kind, value in reached]])
        return {(kind, value): pk for kind, value, pk in cursor.fetchall()}


def _links_of(profiles: Collection[int]) -> dict[int, list[Link]]:
    found: dict[int, list[Link]] = defaultdict(list)
    names = ("profile_id", "pk", "identity_id", "verified", "source")
    for profile, *row in ProfileIdentity.objects.filter(profile__in=profiles).values_list(*names):
        found[profile].append(Link(*row))
    return found


def _taken_off(profiles: Collection[int]) -> set[tuple[int, int]]:
    """Return what a person took off, as (profile, identity): no source links the two again."""
    rows = Unlinking.objects.filter(profile__in=profiles)
    return set(rows.values_list("profile_id", "identity_id"))


def _erased(new: Sequence[OutsideRecord]) -> set[str]:
    """Return the numbers of new records whose number, or any identity, was erased."""
    if not ErasedKey.objects.filter(lifted_at=None).exists():
        return set()
    keys = {
        one.external_id: {
            record_key(one.source, one.external_id),
            *(identity_key(reach.kind, reach.value) for reach in one.reaches),
        }
        for one in new
    }
    gone = erased_among(set().union(*keys.values()))
    return {number for number, named in keys.items() if named & gone}


def _outcome(
    said: OutsideRecord,
    known: Known | None,
    identities: dict[Reached, int],
    links: dict[int, list[Link]],
    taken_off: set[tuple[int, int]],
    *,
    stated: bool,
) -> str:
    """Return what becomes of a record that may be there; `stated` if it newly states a consent."""
    if known is None:
        return "created"
    if said.at is not None and said.at < known.at:
        return "late"
    if (known.fields, known.raw, known.verified) != (said.fields, said.raw, said.verified):
        return "changed"
    wanted = {identities.get((reach.kind, reach.value), 0): reach.verified for reach in said.reaches}
    there = {link.identity: link.verified for link in links[known.profile]}
    own = {link.identity for link in links[known.profile] if link.source == said.source}
    moved = own - wanted.keys() or any(
        (proven and not there[pk]) if pk in there else (known.profile, pk) not in taken_off
        for pk, proven in wanted.items()
    )
    return "changed" if moved or stated else "unchanged"


def _proven(active: Active) -> set[Reached]:
    return {(reach.kind, reach.value) for one, _outcome in active for reach in one.reaches if reach.verified}


def _lock(active: Active, changed: Sequence[Known], identities: dict[Reached, int]) -> None:
    """Lock proven identities, then records, as `put_record` does. Raises MovedMeanwhileError if a record has changed."""
    ids = [identities[reach] for reach in _proven(active) if reach in identities]
    list(Identity.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))
    rows = SourceRecord.objects.select_for_update().filter(pk__in=[known.pk for known in changed]).order_by("pk")
    if dict(rows.values_list("pk", "at")) != {known.pk: known.at for known in changed}:
        raise MovedMeanwhileError


def numbers(table: str, size: int, *, real: bool = True) -> list[int]:
    """Return so many numbers for new rows of a table, ascending."""
    if not real:
        return list(range(UNREAL, UNREAL + size))
    with connection.cursor() as cursor:
        cursor.execute(NUMBERS, [table, size])
        return [row[0] for row in cursor.fetchall()]


class _Planner:
    """Goes through the records of a batch as they would be put one by one, on what was read of them at once."""

    def __init__(
        self,
        active: Active,
        changed: Sequence[Known],
        links: dict[int, list[Link]],
        identities: dict[Reached, int],
        taken_off: set[tuple[int, int]],
        *,
        news: dict[str, list[News]],
        writes: bool,
    ) -> None:
        self.plan = Plan()
        self._taken_off, self._news = taken_off, news
        self._links, self._identities = links, dict(identities)
        self._limit, self._junk = MatchingRules.current().shared_by, JunkList()
        # Identity → profile → verified, of all that prove somebody.
        self._sharers: dict[int, dict[int, bool]] = defaultdict(dict)
        self._spelt: dict[int, Reached] = {}
        # Profile → customer, absorbed customer → who stands for him, as the batch has it so far.
        self._owners: dict[int, int] = {}
        self._into: dict[int, int] = {}
        self._read_sharers(active, changed, writes=writes)
        # Identity → who has it, of all for which something is withdrawn, as the batch has it so far.
        withdrawn = {reach for new in news.values() for one in new if not one.stated.granted for reach in one.reached}
        self._holders = sharers_of(identities[reach] for reach in withdrawn if reach in identities)
        self._number(active, writes=writes)

    def _read_sharers(self, active: Active, changed: Sequence[Known], *, writes: bool) -> None:
        asked = [self._identities[reach] for reach in _proven(active) if reach in self._identities]
        profiles = {known.profile for known in changed}
        # Links that go while the batch is gone through make room under the limit.
        room = self._limit + 1 + sum(len(self._links[profile]) for profile in profiles)
        for identity, profile, verified in first_links(asked, most=room):
            self._sharers[identity][profile] = verified
            profiles.add(profile)
        if writes:
            self._owners = lock_customers_of(profiles)
        else:
            self._owners = dict(Profile.objects.filter(pk__in=profiles).values_list("pk", "customer_id"))

    def _number(self, active: Active, *, writes: bool) -> None:
        """Take numbers for all rows that may be made."""
        new = sum(outcome == "created" for _one, outcome in active)
        self._customers, self._profiles, self._records = (
            iter(numbers(f"customers_{table}", new, real=writes)) for table in ("customer", "profile", "sourcerecord")
        )
        wanted = {(reach.kind, reach.value) for one, _outcome in active for reach in one.reaches}
        wanted |= {reach for new in self._news.values() for one in new for reach in one.reached}
        absent = sorted(reach for reach in wanted if reach not in self._identities)
        self._fresh = dict(zip(absent, numbers("customers_identity", len(absent), real=writes), strict=True))
        self._identities |= self._fresh

    def take(self, said: OutsideRecord, known: Known | None) -> bool:
        """Add a record to the plan; False if it has to see the ones before it as written: then the plan ends."""
        change = self._changed(said, known) if known else self._new(said)
        proven = self._relink(change)
        own = self._root(change.customer)
        led = ((self._root(self._owners[profile]), identity) for profile, identity in self._proved_by(proven))
        # Customer → the first identity that leads to him.
        owners: dict[int, int] = {}
        for owner, identity in led:
            if owner != own:
                owners.setdefault(owner, identity)
        if len(owners) == 1:
            ((other, by),) = owners.items()
            if known and {own, other} & self.plan.touched:
                return False
            if not known or not (was_undone(own, other) or kept_apart([own, other])):
                change.joins, change.by = other, by
                self._into[max(own, other)] = min(own, other)
                self.plan.counts["joined"] += 1
        if known or change.joins:
            self.plan.touched |= {own, self._root(own)}
        self.plan.changes.append(change)
        self.state(said, change.profile)
        return True

    def state(self, said: OutsideRecord, profile: int) -> None:
        """Add what a record newly states of consents."""
        for new in self._news.get(said.external_id, ()):
            identities = [self._reach(kind, value) for kind, value in new.reached]
            counts_for = {
                pk: whose(profile, granted=new.stated.granted, sharers=self._holders[pk][:SHARERS]) for pk in identities
            }
            self.plan.stated.append(Stated(said, profile, new, counts_for))

    def _new(self, said: OutsideRecord) -> Change:
        change = Change(said, next(self._profiles), next(self._records), next(self._customers), is_new=True)
        self._owners[change.profile] = change.customer
        return change

    def _changed(self, said: OutsideRecord, known: Known) -> Change:
        return Change(said, known.profile, known.pk, self._owners[known.profile], is_new=False)

    def _relink(self, change: Change) -> list[int]:
        """Note the links that come, grow and go (see `actions.sources`); return the identities that are proven."""
        there = {link.identity: link for link in self._links.get(change.profile, ())}
        kinds: set[str] = set()
        wanted: dict[int, bool] = {}
        first: set[int] = set()
        for kind, value, verified in sorted({(one.kind, one.value, one.verified) for one in change.said.reaches}):
            identity = self._reach(kind, value)
            first |= {identity} if kind not in kinds else set()
            wanted[identity] = verified
            kinds.add(kind)
        for identity, verified in wanted.items():
            link = there.get(identity)
            if link is None and (change.profile, identity) in self._taken_off:
                continue
            if link is None:
                change.links.append((identity, verified, identity in first))
                self._holders[identity].append(change.profile)
            elif verified and not link.verified:
                change.proven.append(link.pk)
            self._sharers[identity][change.profile] = verified or bool(link and link.verified)
        for link in there.values():
            if link.source == change.said.source and link.identity not in wanted:
                change.gone.append(link.pk)
                self._sharers[link.identity].pop(change.profile, None)
                if change.profile in self._holders[link.identity]:
                    self._holders[link.identity].remove(change.profile)
        return [
            identity
            for identity, verified in wanted.items()
            if verified and (identity in there or (change.profile, identity) not in self._taken_off)
        ]

    def _reach(self, kind: str, value: str) -> int:
        identity = self._identities[kind, value]
        if (kind, value) in self._fresh:
            self.plan.identities[kind, value] = identity
        self._spelt[identity] = (kind, value)
        return identity

    def _proved_by(self, proven: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Yield profiles to which proven identities lead, with the identity, but for junk and what too many share."""
        for identity in proven:
            sharers = self._sharers[identity]
            if 1 < len(sharers) <= self._limit and not self._junk.has(*self._spelt[identity]):
                yield from ((profile, identity) for profile, verified in sharers.items() if verified)

    def _root(self, customer: int) -> int:
        while customer in self._into:
            customer = self._into[customer]
        return customer
