"""A plan into rows: new ones by COPY, changed ones by few statements, all in the caller's transaction."""

import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.utils import timezone
from psycopg2.extras import execute_values

from customers import dictionary, projection
from customers.actions.consents import fact_of
from customers.actions.merges import merge_customers
from customers.actions.records import project_many
from customers.actions.sources import OutsideRecord
from customers.choices import MergeReason
from customers.comparison import REACHES, TELLING
from customers.erased import keep_withdrawn, withdraw_again
from customers.events import CustomerCreated, CustomersMerged
from customers.imports.planning import Change, Plan, Stated, numbers
from customers.models import ErasedKey, Identity
from customers.survivorship import Said, survive_alone

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

EMPTY = projection.columns({})
CUSTOMER = (*projection.COLUMNS, "merged_into_id", "version", "created_at", "updated_at")
RECORD = ("id", "profile_id", "source", "external_id", "fields", "raw", "pins", "verified", "at", "entered_by_id")
LINK = ("profile_id", "identity_id", "verified", "primary", "source", "since")
CONSENT = ("identity_id", "profile_id", "profiles", "channel", "purpose", "granted", "proof", "at")
EVENT = ("profile_id", "kind", "at", "actor_id", "payload")
MERGE = ("id", "survivor_id", "absorbed_id", "reason", "detail", "at")
AUDIT = ("at", "act", "subject", "detail")
SAY = """
    UPDATE customers_sourcerecord AS r
    SET fields = said.fields::jsonb, raw = said.raw::jsonb, verified = said.verified, at = said.at
    FROM (VALUES %s) AS said (id, fields, raw, verified, at) WHERE r.id = said.id
"""
COMPARE = """
    INSERT INTO customers_comparable (profile_id, person, compared_at) SELECT id, '{}', NULL FROM unnest(%s::bigint[]) id
    ON CONFLICT (profile_id) DO UPDATE SET compared_at = NULL
"""


def write(made: Plan, *, actor: "User | None") -> None:
    """Write a plan. Facts stand on timelines and in the audit log; nobody is told of each: a million would be too many."""
    _Writer(actor).write(made)


class _Writer:
    def __init__(self, actor: "User | None") -> None:
        self._actor = actor.pk if actor else None
        self._now = timezone.now()
        self._times: dict[int, datetime] = {}
        self._words: set[str] = set()

    def write(self, made: Plan) -> None:
        # Of two records without a time of their own the later one is the newer, as if they were put one by one.
        self._times = {
            one.record: self._now - timedelta(microseconds=place) for place, one in enumerate(made.changes[::-1])
        }
        new = [change for change in made.changes if change.is_new]
        old = [change for change in made.changes if not change.is_new]
        roots = {change.customer: change.joins for change in new if change.joins}
        self._copy("customers_customer", ("id", *CUSTOMER), (self._customer(change, roots) for change in new))
        profiles = ("id", "customer_id", "home_id", "source", "created_at")
        self._copy("customers_profile", profiles, (self._profile(change, roots) for change in new))
        self._copy("customers_sourcerecord", RECORD, (self._record(change) for change in new))
        identities = ((pk, kind, value, self._now) for (kind, value), pk in sorted(made.identities.items()))
        self._copy("customers_identity", ("id", "kind", "value", "created_at"), identities)
        comes_back = made.identities and ErasedKey.objects.exclude(withdrawn=[]).exists()
        if comes_back:
            withdraw_again(Identity.objects.filter(pk__in=made.identities.values()))
        self._change(old)
        self._copy("customers_profileidentity", LINK, (row for change in made.changes for row in self._links(change)))
        if comes_back:
            keep_withdrawn(made.identities.values())
        self._copy("core_event", EVENT, (self._created(change) for change in new))
        self._state(made.stated)
        self._join([change for change in new if change.joins])
        for change in old:
            if change.joins:
                low, high = sorted([change.customer, change.joins])
                detail = {"identity": change.by}
                merge_customers(survivor=low, others=[high], reason=MergeReason.IDENTITY, detail=detail)
        project_many(made.touched)
        dictionary.follow(new=self._words)
        with connection.cursor() as cursor:
            cursor.execute(COMPARE, [[change.profile for change in made.changes if _is_telling(change.said)]])

    def _at(self, change: Change) -> datetime:
        return change.said.at or self._times[change.record]

    # --- Rows of a new record ---

    def _customer(self, change: Change, roots: dict[int, int]) -> tuple[Any, ...]:
        if change.joins:
            # Who is absorbed at once never had a golden record of his own.
            golden, version = EMPTY, 0
        else:
            golden, version = projection.columns(survive_alone(self._said(change))), 1
            self._words.update(golden["words"])
        into = roots.get(change.customer)
        return (change.customer, *(golden[name] for name in projection.COLUMNS), into, version, self._now, self._now)

    def _said(self, change: Change) -> Said:
        said = change.said
        return Said(change.record, said.source, self._at(change), said.fields, self._actor, said.verified)

    def _profile(self, change: Change, roots: dict[int, int]) -> tuple[Any, ...]:
        owner = roots.get(change.customer, change.customer)
        return change.profile, owner, change.customer, change.said.source, self._now

    def _record(self, change: Change) -> tuple[Any, ...]:
        said = change.said
        place = (change.record, change.profile, said.source, said.external_id)
        return (*place, said.fields, said.raw, {}, said.verified, self._at(change), self._actor)

    def _links(self, change: Change) -> Iterable[tuple[Any, ...]]:
        for identity, verified, primary in change.links:
            yield change.profile, identity, verified, primary, change.said.source, self._now

    def _created(self, change: Change) -> tuple[Any, ...]:
        return change.profile, CustomerCreated.topic, self._now, self._actor, {"customer": change.customer}

    def _state(self, stated: Sequence[Stated]) -> None:
        """Keep consents and tell timelines of them, as `keep_stated` does."""
        self._copy("customers_consent", CONSENT, (row for one in stated for row in _consents(one)))
        events = (
            (one.profile, fact.topic, one.news.at, self._actor, asdict(fact))
            for one in stated
            for fact in [fact_of(one.news.stated, min(one.identities))]
        )
        self._copy("core_event", EVENT, events)

    def _join(self, joined: Sequence[Change]) -> None:
        """Keep the merges of new records, as `merge_customers` does."""
        merges = dict(zip(numbers("customers_merge", len(joined)), joined, strict=True))
        reason = str(MergeReason.IDENTITY)
        rows: Iterable[tuple[Any, ...]] = (
            (pk, change.joins, change.customer, reason, {"identity": change.by}, self._now)
            for pk, change in merges.items()
        )
        self._copy("customers_merge", MERGE, rows)
        entries = (
            (
                self._now,
                "customer.merge",
                f"customer:{change.joins}",
                {"absorbed": change.customer, "merge": pk, "reason": reason},
            )
            for pk, change in merges.items()
        )
        self._copy("core_auditentry", AUDIT, entries)
        facts = (
            (pk, change, CustomersMerged(customer=change.joins, absorbed=change.customer, merge=pk, reason=reason))
            for pk, change in merges.items()
        )
        events = ((change.profile, fact.topic, self._now, None, asdict(fact)) for _pk, change, fact in facts)
        self._copy("core_event", EVENT, events)

    # --- A record that is there ---

    def _change(self, old: Sequence[Change]) -> None:
        said = [
            (one.record, _json(one.said.fields), _json(one.said.raw), one.said.verified, self._at(one)) for one in old
        ]
        with connection.cursor() as cursor, connection.wrap_database_errors:
            if said:
                execute_values(cursor.cursor, SAY, said, page_size=1000)
            cursor.execute(
                "DELETE FROM customers_profileidentity WHERE id = ANY(%s)", [[pk for one in old for pk in one.gone]]
            )
            cursor.execute(
                "UPDATE customers_profileidentity SET verified = true WHERE id = ANY(%s)",
                [[pk for one in old for pk in one.proven]],
            )

    def _copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        text = "".join(["\t".join(map(_cell, row)) + "\n" for row in rows])
        if text:
            names = ", ".join(f'"{name}"' for name in columns)
            # Django wraps the errors of its own statements alone.
            with connection.cursor() as cursor, connection.wrap_database_errors:
                cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN", io.StringIO(text))


def _consents(one: Stated) -> Iterable[tuple[Any, ...]]:
    said = one.news.stated
    proof = said.proof(one.said.source, one.said.external_id)
    for identity, profiles in one.identities.items():
        yield identity, one.profile, profiles, said.channel, said.purpose, said.granted, proof, one.news.at


def _cell(value: Any) -> str:
    """Return a value as COPY reads it."""
    return CELLS.get(type(value), str)(value)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


_json = json.JSONEncoder(ensure_ascii=False).encode
CELLS: dict[type, Callable[[Any], str]] = {
    str: _escaped,
    type(None): lambda _none: "\\N",
    dict: lambda value: _escaped(_json(value)),
    # Words and numbers: letters and digits alone.
    list: lambda value: "{" + ",".join(f'"{word}"' for word in value) + "}",
}


def _is_telling(said: OutsideRecord) -> bool:
    return bool(TELLING & said.fields.keys()) or any(reach.kind in REACHES for reach in said.reaches)
