"""An import leaves what putting its records one by one leaves, whatever they share and whatever came between."""

import csv
import random

import pytest
from django.utils import timezone

from customers import actions
from customers.actions import imports as acts
from customers.imports import running
from customers.imports.mapping import Meaning, guess
from customers.imports.reading import Reader
from customers.imports.tables import open_table
from customers.models import (
    Comparable,
    Consent,
    Customer,
    CustomField,
    Identity,
    JunkValue,
    MatchingRules,
    Merge,
    Profile,
    ProfileIdentity,
    SourceRecord,
    SurvivorshipRule,
)
from customers.queries import consents_of
from cxcenter.core.models import AuditEntry, Event
from tests import world

pytestmark = pytest.mark.django_db
COLUMNS = (
    "id", "changed", "Фамилия", "Имя", "city", "phone", "phone2", "card", "email", "tier", "kind",
    "consent:marketing:sms", "Согласие на рекламу",
)  # fmt: skip
LAST, FIRST, CITIES = ("Орлова", "Weber", "Smith"), ("Катя", "Anna", ""), ("Tula", "Тверь", "", "")


def a_row(chance: random.Random, size: int) -> list[str]:
    phones = [f"+7916{chance.randrange(size // 2):07d}" if chance.random() < 0.6 else "" for _n in range(2)]
    if chance.random() < 0.1:
        phones[0] = "+79999999999"
    if chance.random() < 0.15:
        phones[1] = "8 (800) 555-35-35"
    at = f"2026-0{chance.randrange(1, 9)}-01T10:00:00" if chance.random() < 0.5 else ""
    # One that has no time is rejected.
    speaks = bool(at) or chance.random() < 0.1
    return [
        f"A-{chance.randrange(size)}",
        at,
        chance.choice(LAST), chance.choice(FIRST), chance.choice(CITIES), *phones,
        f"2200{chance.randrange(size)}" if chance.random() < 0.4 else "",
        f"a{chance.randrange(size)}@example.com" if chance.random() < 0.3 else "",
        chance.choice(["gold", "", "7"]),
        chance.choice(["", "company", "физлицо", "??"]) if chance.random() < 0.2 else "",
        chance.choice(["yes", "нет", "No", ""]) if speaks else "",
        chance.choice(["да", "отказ", "1", ""]) if speaks and chance.random() < 0.3 else "",
    ]  # fmt: skip


def file_of(path, rows) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


def meaning_of(path, *, vouched: bool) -> Meaning:
    with open_table(path) as table:
        return Meaning(columns=guess(table.columns), vouched=vouched)


def put_one_by_one(path, meaning: Meaning, source: str, actor) -> dict[str, int]:
    counts: dict[str, int] = {}
    with open_table(path) as table:
        reader = Reader(meaning, table.columns, source)
        for row in table.rows():
            try:
                status = actions.put_record(said=reader.read(row), actor=actor)[1]
            except running.Invalid:
                status = "rejected"
            counts[status] = counts.get(status, 0) + 1
    return counts


def bring(path, meaning: Meaning, source: str, actor) -> dict[str, int]:
    run = acts.prepare_import(source=source, path=str(path), name=path.name, meaning=meaning, actor=actor)
    run = acts.start_import(run=run, meaning=meaning, rejects=f"{path}.rejects", actor=actor)
    with running.alone(source) as free, running.Importer(run) as importer:
        assert free
        importer.begin()
        while importer.step():
            pass
    run.refresh_from_db()
    assert run.state == "done" and run.share == 1
    return {name: number for name, number in run.counts.items() if number and name != "joined"}


def act_between(chance: random.Random, actor) -> None:
    """What people do meanwhile, told by numbers of records so that it is the same in both worlds."""
    records = sorted(SourceRecord.objects.exclude(external_id=""), key=lambda one: (one.source, one.external_id))
    names = names_of_customers()
    for _act in range(6):
        one, other = chance.sample(records, 2)
        mine, his = (Profile.objects.get(pk=record.profile_id).customer for record in (one, other))
        roll = chance.randrange(4)
        merges = sorted(Merge.objects.standing(), key=lambda made: names[made.absorbed_id])
        if roll == 0 and merges:
            actions.unmerge(merge_id=chance.choice(merges).pk)
        elif roll == 1 and mine != his:
            actions.keep_apart(one=mine.pk, other=his.pk, actor=actor)
        elif roll == 2:
            actions.edit_customer(customer=mine, fields={"city": "Omsk"}, version=None, actor=actor)
        elif roll == 3:
            identity = actions.find_identity(kind="phone", value=f"+7916{chance.randrange(9):07d}")
            profile = Profile.objects.get(pk=one.profile_id)
            actions.link_identity(profile=profile, identity=identity, source="till", verified=chance.random() < 0.5)


def names_of_customers() -> dict[int, str]:
    """The record that each customer was made for: there is one."""
    records = SourceRecord.objects.exclude(external_id="").values_list("profile__home", "source", "external_id")
    names = {home: f"{source} {external_id}" for home, source, external_id in records}
    assert len(names) == len(records)
    return names


def picture(since) -> dict:
    """All that must be equal, by names instead of numbers. Times that rows had not are left out."""
    names = {record.pk: f"{record.source} {record.external_id}" for record in SourceRecord.objects.all()}
    of_profile = {r.profile_id: names[r.pk] for r in SourceRecord.objects.exclude(external_id="")}
    of_home = {profile.home_id: of_profile[profile.pk] for profile in Profile.objects.all()}

    def golden(customer: Customer) -> dict:
        told = {
            field: {**one, "record": names[one["record"]], "at": one["at"] < since.isoformat() and one["at"]}
            for field, one in customer.provenance.items()
        }
        columns = ("kind", "name", "last_name", "first_name", "middle_name", "city", "custom")
        return {"provenance": told, "into": of_home.get(customer.merged_into_id)} | {
            name: getattr(customer, name) for name in columns
        }

    return {
        "records": sorted(
            (names[r.pk], of_profile[r.profile_id], r.fields, r.raw, r.verified, r.at < since and r.at, r.entered_by_id)
            for r in SourceRecord.objects.exclude(external_id="")
        ),
        "links": sorted(
            (of_profile[link.profile_id], str(link.identity), link.verified, link.primary, link.source)
            for link in ProfileIdentity.objects.select_related("identity")
        ),
        # Those of a late record are made, and nobody's.
        "identities": sorted({str(one) for one in Identity.objects.exclude(links=None)}),
        "customers": {of_home[c.pk]: golden(c) for c in Customer.objects.all()},
        "owners": {of_profile[p.pk]: of_home[p.customer_id] for p in Profile.objects.all()},
        "merges": sorted(
            (of_home[m.survivor_id], of_home[m.absorbed_id], m.reason, m.undone_at is None, why(m), m.actor_id or 0)
            for m in Merge.objects.all()
        ),
        "consents": sorted(
            (of_profile[c.profile_id], str(c.identity), c.purpose, c.channel, c.granted, sorted(c.proof.items()), c.at)
            for c in Consent.objects.select_related("identity")
        ),
        "permits": {
            of_home[c.pk]: [(one["purpose"], one["channel"], one["granted"]) for one in consents_of(c.pk)]
            for c in Customer.objects.all()
        },
        "audit": AuditEntry.objects.filter(act="customer.merge").count(),
        "facts": sorted((of_profile[e.profile_id], e.kind, e.actor_id or 0) for e in Event.objects.all()),
    }


def why(made: Merge) -> str:
    """The identity that has led to a merge."""
    return str(Identity.objects.get(pk=made.detail["identity"])) if made.reason == "identity" else str(made.detail)


@pytest.mark.parametrize("vouched", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_the_same_as_one_by_one(tmp_path, monkeypatch, seed, vouched):
    alice = world.make_user("alice")
    CustomField.objects.create(code="tier", label="tier", kind="choice", options=["gold", "silver"])
    JunkValue.objects.get_or_create(kind="phone", pattern="+79160000001")
    SurvivorshipRule.objects.update_or_create(group="address", defaults={"first": "complete", "second": "newest"})
    MatchingRules.objects.update_or_create(pk=1, defaults={"shared_by": 3})
    monkeypatch.setattr(running, "BATCH", random.Random(seed).choice([1, 3, 7, 40, 1000]))
    size = 24
    worlds = {}
    for kept in (put_one_by_one, bring):
        began = timezone.now()
        with_undo = running.transaction.atomic()
        with_undo.__enter__()
        chance = random.Random(seed)
        counts = []
        for number, source in enumerate(["crm", "till", "crm"]):
            path = tmp_path / f"{kept.__name__}{number}.csv"
            file_of(path, [a_row(chance, size) for _n in range(40)])
            counts.append(kept(path, meaning_of(path, vouched=vouched), source, alice))
            act_between(chance, alice)
        worlds[kept] = (counts, picture(began), waiting())
        running.transaction.set_rollback(True)
        with_undo.__exit__(None, None, None)
    (one_by_one, left, said), (imported, made, waits) = worlds.values()
    assert imported == one_by_one
    assert len(left["consents"]) > 10 and any(left["permits"].values())
    for part in left:
        assert made[part] == left[part], part
    assert waits == said


@pytest.mark.parametrize("kept", [put_one_by_one, bring])
@pytest.mark.parametrize("parted", ["undone", "apart", ""])
def test_whom_people_have_parted_no_record_joins_again(tmp_path, kept, parted):
    """B gets the phone of A, whom C has absorbed, or had: B is not A if a person said so."""
    alice = world.make_user("alice")

    def put(**phones: list[str]) -> None:
        path = tmp_path / f"{len(phones)}.csv"
        file_of(path, [[number, "", "Orlova", "", "", *two, *[""] * 6] for number, two in phones.items()])
        kept(path, meaning_of(path, vouched=True), "crm", alice)

    put(A=["+79160000101", ""], B=["+79160000102", ""], C=["+79160000103", ""])
    a, b, c = (SourceRecord.objects.get(external_id=number).profile.home_id for number in "ABC")
    if parted == "undone":
        (made,) = actions.merge_customers(survivor=a, others=[b], actor=alice)
        actions.unmerge(merge_id=made.pk, actor=alice)
    (behind,) = actions.merge_customers(survivor=c, others=[a], actor=alice)
    if parted == "apart":
        actions.keep_apart(one=b, other=c, actor=alice)
        actions.unmerge(merge_id=behind.pk, actor=alice)
    put(B=["+79160000102", "+79160000101"])
    made = Merge.objects.filter(reason="identity").first()
    assert bool(made) != bool(parted)
    if made:
        assert (made.survivor_id, made.absorbed_id, why(made)) == (b, c, "phone:+79160000101")


def waiting() -> set[str]:
    """Whose records wait for comparison: of those put, the ones that are told of; of those imported, the kept ones."""
    from cxcenter.core.models import Outbox

    told = [fact.payload["profile"] for fact in Outbox.objects.filter(topic="profile.said")]
    left = Comparable.objects.filter(compared_at=None).values_list("profile_id", flat=True)
    names = names_of_customers()
    return {names[home] for home in Profile.objects.filter(pk__in=[*told, *left]).values_list("home_id", flat=True)}
