"""Merge and unmerge: nothing is lost, whatever comes between, whoever does it at once."""

import random
import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from customers import actions, handlers
from customers.models import Apart, Customer, Likeness, Merge, Profile, SourceRecord
from customers.projection import project, rules, said_by
from customers.queries import consents_of, permits, standing_for
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.models import AuditEntry, Event
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice():
    return world.make_user("alice")


def somebody(name: str, source: str = "shop", **fields) -> Customer:
    return actions.create_profile(source=source, fields={"name": name, **fields}).customer


def merge(survivor: Customer, *others: Customer, **more) -> list[Merge]:
    return actions.merge_customers(survivor=survivor.pk, others=[other.pk for other in others], **more)


def fresh(customer: Customer) -> Customer:
    return Customer.objects.get(pk=customer.pk)


# --- What a merge does ---


def test_a_merge_repoints_profiles_and_rebuilds_what_is_golden(alice):
    kate, katya = somebody("Kate", city="Tula"), somebody("Katya Orlova", birthday="1988-04-14")
    (made,) = merge(kate, katya, actor=alice)
    kate, katya = fresh(kate), fresh(katya)
    assert set(Profile.objects.values_list("customer_id", flat=True)) == {kate.pk}
    assert (kate.name, kate.city, str(kate.birthday)) == ("Katya Orlova", "Tula", "1988-04-14")
    assert katya.merged_into == kate and kate.merged_into is None
    assert standing_for([katya.pk]) == {katya.pk: kate.pk}
    assert list(Customer.objects.live()) == [kate]
    event = Event.objects.get(kind="customer.merged")
    assert event.payload == {"customer": kate.pk, "absorbed": katya.pk, "merge": made.pk, "reason": "hand"}
    entry = AuditEntry.objects.get(act="customer.merge")
    assert (entry.actor, entry.subject, entry.detail["absorbed"]) == (alice, f"customer:{kate.pk}", katya.pk)


def test_who_is_merged_is_meant_by_whom_he_was_merged_into():
    kate, katya, ekaterina = somebody("Kate"), somebody("Katya"), somebody("Ekaterina")
    merge(kate, katya)
    assert merge(katya, kate) == []
    (made,) = merge(ekaterina, katya)
    assert (made.survivor, made.absorbed) == (fresh(ekaterina), fresh(kate))
    assert set(standing_for([kate.pk, katya.pk]).values()) == {ekaterina.pk}


def test_several_at_once_and_an_unknown_one():
    kate, katya, ekaterina = somebody("Kate"), somebody("Katya"), somebody("Ekaterina")
    assert len(merge(kate, katya, ekaterina)) == 2
    with pytest.raises(Invalid):
        actions.merge_customers(survivor=kate.pk, others=[10**12])


def test_an_unmerge_puts_back_what_was_with_what_came_since(alice):
    kate, katya = somebody("Kate", city="Tula"), somebody("Katya", city="Tver")
    before = [(fresh(c).name, fresh(c).city, fresh(c).provenance) for c in (kate, katya)]
    (made,) = merge(kate, katya, actor=alice)
    late = Profile.objects.get(home=katya)
    actions.add_record(profile=late, source="crm", fields={"company": "Oakline"})
    actions.edit_customer(customer=fresh(kate), fields={"about": "Prefers mail"}, version=None, actor=alice)
    actions.unmerge(merge_id=made.pk, actor=alice)
    kate, katya = fresh(kate), fresh(katya)
    assert [(c.name, c.city) for c in (kate, katya)] == [(name, city) for name, city, _ in before]
    # The record came to Katya's profile; the edit was made on the card that Kate's profile led.
    assert (kate.company, kate.about, katya.company, katya.about) == ("", "Prefers mail", "Oakline", "")
    assert katya.merged_into is None
    with pytest.raises(Conflict) as error:
        actions.unmerge(merge_id=made.pk, actor=alice)
    assert error.value.code == "undone"
    assert Event.objects.filter(kind="customer.unmerged").count() == 2


def test_an_earlier_merge_is_undone_under_a_later_one_and_the_later_one_stands():
    kate, katya, ekaterina = somebody("Kate"), somebody("Katya"), somebody("Ekaterina")
    (inner,) = merge(kate, katya)
    (outer,) = merge(ekaterina, kate)
    actions.unmerge(merge_id=inner.pk)
    assert standing_for([kate.pk, katya.pk]) == {kate.pk: ekaterina.pk, katya.pk: katya.pk}
    actions.unmerge(merge_id=outer.pk)
    assert {p.home_id: p.customer_id for p in Profile.objects.all()} == {c.pk: c.pk for c in (kate, katya, ekaterina)}


def test_a_pin_made_on_the_joint_card_ends_with_the_merge_and_comes_back_with_it(alice):
    kate, katya = somebody("Kate"), somebody("Katya Orlova")
    (made,) = merge(kate, katya)
    record = SourceRecord.objects.get(profile__home=kate)
    actions.pin_value(customer=fresh(kate), field="name", record_id=record.pk, version=None, actor=alice)
    assert fresh(kate).name == "Kate"
    actions.unmerge(merge_id=made.pk)
    assert (fresh(kate).name, fresh(katya).name) == ("Kate", "Katya Orlova")


# --- Not the same person ---


def test_kept_apart_until_that_is_taken_back(alice):
    kate, katya, ekaterina = somebody("Kate"), somebody("Katya"), somebody("Ekaterina")
    kept = actions.keep_apart(one=katya.pk, other=kate.pk, actor=alice)
    assert actions.keep_apart(one=kate.pk, other=katya.pk, actor=alice) == kept
    with pytest.raises(Conflict) as error:
        merge(kate, katya)
    assert error.value.code == "apart" and "Kate" in str(error.value.message)
    # By a third it holds as well.
    merge(ekaterina, kate)
    with pytest.raises(Conflict):
        merge(ekaterina, katya)
    actions.take_apart_back(apart_id=kept.pk, actor=alice)
    actions.take_apart_back(apart_id=kept.pk, actor=alice)
    assert merge(ekaterina, katya) and not Apart.objects.exists()
    with pytest.raises(Conflict) as error:
        actions.keep_apart(one=kate.pk, other=katya.pk, actor=alice)
    assert error.value.code == "one"


def test_a_decision_keeps_all_apart_of_whom_both_consist_and_goes_as_one(alice):
    kate, katya, ann, anna = (somebody(name) for name in ("Kate", "Katya", "Ann", "Anna"))
    (inner,) = merge(kate, katya)
    (other,) = merge(ann, anna)
    kept = actions.keep_apart(one=katya.pk, other=ann.pk, actor=alice)
    assert Apart.objects.count() == 4
    assert (kept.one.home, kept.other.home) == (kate, ann)
    actions.unmerge(merge_id=inner.pk, actor=alice)
    actions.unmerge(merge_id=other.pk, actor=alice)
    for one, two in ((kate, ann), (kate, anna), (katya, ann), (katya, anna)):
        with pytest.raises(Conflict) as error:
            merge(one, two)
        assert error.value.code == "apart"
    # Any pair of it takes all of it back; another decision stands.
    third = somebody("Maria")
    actions.keep_apart(one=katya.pk, other=third.pk, actor=alice)
    actions.take_apart_back(apart_id=error.value.detail["apart"], actor=alice)
    assert Apart.objects.get().other.home == third
    assert merge(katya, anna)
    told = Event.objects.filter(kind="customer.apart").order_by("pk").values_list("payload__apart", flat=True)
    assert list(told) == [True] * 4 + [False] * 2


def test_who_has_joined_since_is_kept_apart_by_a_decision_of_its_own(alice):
    kate, katya, ann = somebody("Kate"), somebody("Katya"), somebody("Ann")
    first = actions.keep_apart(one=kate.pk, other=ann.pk, actor=alice)
    merge(kate, katya)
    second = actions.keep_apart(one=kate.pk, other=ann.pk, actor=alice)
    assert second != first and Apart.objects.count() == 2
    actions.take_apart_back(apart_id=second.pk, actor=alice)
    assert Apart.objects.get() == first


# --- Any sequence ---


# What tells one fact of a kind from another.
MARKS = {
    "customer.created": "customer",
    "customer.edited": "fields",
    "customer.merged": "merge",
    "customer.unmerged": "merge",
    "site.event": "data",
}


class Model:
    """What must come out: the sets of records and facts as they would be if merges were drawn as arrows on paper."""

    def __init__(self, people: list[Customer]) -> None:
        self.into: dict[int, int] = {}
        self.people = [one.pk for one in people]
        # Whose own fact it is, its kind and its mark.
        self.facts: list[tuple[int, str, object]] = [(pk, "customer.created", pk) for pk in self.people]

    def root(self, pk: int) -> int:
        while pk in self.into:
            pk = self.into[pk]
        return pk

    def records(self, pk: int) -> list[SourceRecord]:
        homes = [one for one in self.people if self.root(one) == pk]
        return list(SourceRecord.objects.filter(profile__home__in=homes).order_by("pk"))

    def merge(self, made: Merge) -> None:
        self.facts.append((made.absorbed_id, "customer.merged", made.pk))
        self.into[made.absorbed_id] = made.survivor_id

    def unmerge(self, made: int, absorbed: int) -> None:
        self.facts += [(pk, "customer.unmerged", made) for pk in (self.root(absorbed), absorbed)]
        del self.into[absorbed]

    def timeline(self, pk: int) -> Counter[tuple[str, str]]:
        return Counter((kind, str(mark)) for home, kind, mark in self.facts if self.root(home) == pk)

    def check(self) -> None:
        for pk in self.people:
            row = Customer.objects.get(pk=pk)
            assert row.merged_into_id == self.into.get(pk)
            assert timeline_of(row) == self.timeline(pk), pk
            if pk in self.into:
                assert not row.profiles.exists()
                continue
            for column, value in project([said_by(r) for r in self.records(pk)], rules()).items():
                assert getattr(row, column) == value, (pk, column)


def timeline_of(customer: Customer) -> Counter[tuple[str, str]]:
    """What the product has on the profiles of a customer, each fact by its kind and mark."""
    facts = Event.objects.filter(profile_id__in=customer.profiles.values("pk"))
    return Counter((fact.kind, str(fact.payload[MARKS[fact.kind]])) for fact in facts)


def step(chance: random.Random, model: Model, alice, merges: dict[int, int]) -> None:
    one, other = chance.sample(model.people, 2)
    act = chance.choice(["merge", "merge", "edit", "pin", "record", "event", "unmerge", "unmerge"])
    if act == "merge":
        for made in actions.merge_customers(survivor=one, others=[other], actor=alice):
            assert made.absorbed_id == model.root(other) and made.survivor_id == model.root(one)
            model.merge(made)
            merges[made.pk] = made.absorbed_id
    elif act == "unmerge" and merges:
        made = chance.choice(sorted(merges))
        actions.unmerge(merge_id=made, actor=alice)
        model.unmerge(made, merges.pop(made))
    elif act == "edit":
        card = Customer.objects.get(pk=model.root(one))
        fields = chance.choice(
            [{"name": chance.choice(["Kate Orlova", "Ann", ""])}, {"city": chance.choice(["Tver", ""])}]
        )
        actions.edit_customer(customer=card, fields=fields, version=None, actor=alice)
        assert SourceRecord.objects.latest("pk").profile.home_id == card.pk
        model.facts.append((card.pk, "customer.edited", sorted(fields)))
    elif act == "pin":
        card = Customer.objects.get(pk=model.root(one))
        records = [r for r in model.records(card.pk) if r.fields.get("name")]
        if records:
            pinned = chance.choice([chance.choice(records).pk, None])
            actions.pin_value(customer=card, field="name", record_id=pinned, version=None, actor=alice)
            model.facts.append((card.pk, "customer.edited", ["name"]))
    elif act == "record":
        fields = {"name": f"N{chance.randrange(9)}", "city": chance.choice(["", "Omsk", "Perm"]), "company": "C"}
        at = timezone.now() + timedelta(days=chance.randrange(-9, 9))
        actions.add_record(
            profile=Profile.objects.get(home=one), source=chance.choice(["crm", "dms"]), fields=fields, at=at
        )
    elif act == "event":
        data = {"title": f"Page {len(model.facts)}"}
        actions.record_site_event(profile_id=Profile.objects.get(home=one).pk, type="page_view", data=data)
        model.facts.append((one, "site.event", data))


@pytest.fixture
def nobody_compared(monkeypatch):
    """The properties are of merges by hand. In a crowd of Kates each comparison would look at all of them."""
    monkeypatch.setattr(handlers, "compare_profile", lambda *, profile_id: None)


@pytest.mark.no_cover
@pytest.mark.usefixtures("nobody_compared")
@pytest.mark.parametrize("block", range(4))
def test_two_hundred_sequences_of_merge_edit_event_and_unmerge(alice, block):
    check_sequences(range(block * 50, block * 50 + 50), alice)


def test_some_of_them_while_everybody_is_compared_with_everybody(alice):
    check_sequences(range(8), alice)
    assert Likeness.objects.exists()


def check_sequences(seeds: range, alice) -> None:
    for seed in seeds:
        chance = random.Random(seed)
        people = [somebody(f"Person {n}", city=chance.choice(["", "Tula"])) for n in range(4)]
        model, merges = Model(people), {}
        for _step in range(12):
            step(chance, model, alice, merges)
        model.check()
        # All is taken back in any order: everybody is himself again, with what was said at his profiles.
        for made in chance.sample(sorted(merges), len(merges)):
            actions.unmerge(merge_id=made, actor=alice)
            model.unmerge(made, merges[made])
        assert not model.into
        model.check()


# --- Consents ---


def consent(customer: Customer, address: str, *, granted: bool, days: int, channel: str = "email") -> None:
    identity = actions.find_identity(kind="email", value=address)
    profile = Profile.objects.get(home=customer)
    actions.link_identity(profile=profile, identity=identity, source="shop", verified=True)
    made = actions.record_consent(
        profile=profile, identity=identity, purpose="marketing", channel=channel, granted=granted, proof={"form": "x"}
    )
    type(made).objects.filter(pk=made.pk).update(at=timezone.now() + timedelta(days=days))


def test_withdrawn_beats_granted_until_the_same_identity_grants_again():
    kate, katya = somebody("Kate"), somebody("Katya")
    consent(kate, "k@example.com", granted=False, days=1)
    consent(katya, "o@example.com", granted=True, days=2)
    merge(kate, katya)
    assert [one["granted"] for one in consents_of(kate.pk)] == [False]
    assert permits(kate.pk, purpose="marketing", channel="email") is False
    consent(fresh(kate), "k@example.com", granted=True, days=3)
    assert permits(kate.pk, purpose="marketing", channel="email") is True
    assert permits(kate.pk, purpose="marketing", channel="sms") is None
    # A word about every channel counts in each.
    consent(fresh(kate), "o@example.com", granted=False, days=4, channel="")
    assert permits(kate.pk, purpose="marketing", channel="email") is False


@pytest.mark.usefixtures("nobody_compared")
@pytest.mark.parametrize("seed", range(30))
def test_no_sequence_of_merges_loses_a_withdrawal(seed):
    chance = random.Random(seed)
    people = [somebody(f"P{n}") for n in range(4)]
    newest: dict[tuple[int, str], bool] = {}
    standing: list[int] = []
    for day in range(15):
        if chance.random() < 0.5:
            one = chance.randrange(4)
            address, granted = f"{one}-{chance.randrange(2)}@example.com", chance.random() < 0.5
            consent(people[one], address, granted=granted, days=day)
            newest[one, address] = granted
        elif standing and chance.random() < 0.5:
            actions.unmerge(merge_id=standing.pop(chance.randrange(len(standing))))
        else:
            one, other = chance.sample(people, 2)
            standing += [made.pk for made in merge(one, other)]
        roots = standing_for([one.pk for one in people])
        for root in set(roots.values()):
            words = [granted for (n, _a), granted in newest.items() if roots[people[n].pk] == root]
            expected = all(words) if words else None
            assert permits(root, purpose="marketing", channel="email") is expected


# --- At once ---


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


@pytest.mark.no_cover
def test_fifty_threads_merge_and_unmerge_people_they_share(alice):
    people = [somebody(f"Person {n}") for n in range(12)]
    before, broken = deadlocks(), []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        try:
            for _round in range(100):
                act(chance, people, alice)
        except Exception as error:
            broken.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not broken, broken[:3]
    assert not any(thread.is_alive() for thread in threads)
    connection.close()
    assert deadlocks() == before
    check_clusters()


def act(chance: random.Random, people: list[Customer], alice) -> None:
    roll = chance.random()
    try:
        if roll < 0.5:
            one, *others = chance.sample(people, chance.choice([2, 2, 3]))
            merge(one, *others)
        elif roll < 0.85:
            made = Merge.objects.standing().order_by("?").first()
            if made:
                actions.unmerge(merge_id=made.pk)
        elif roll < 0.95:
            profile = Profile.objects.get(home=chance.choice(people))
            actions.add_record(profile=profile, source="crm", fields={"company": f"C{chance.randrange(99)}"})
        else:
            card = chance.choice(people)
            actions.edit_customer(
                customer=card, fields={"about": f"A{chance.randrange(99)}"}, version=None, actor=alice
            )
    except Conflict as error:
        # Somebody else was faster: told so, and nothing was changed.
        if error.code != "undone":
            raise


def check_clusters() -> None:
    """One live customer per cluster, nobody without one, golden fields as the records say."""
    for profile in Profile.objects.select_related("customer"):
        assert profile.customer.merged_into_id is None
        assert standing_for([profile.home_id])[profile.home_id] == profile.customer_id
    for merged in Customer.objects.exclude(merged_into=None):
        assert Merge.objects.standing().get(absorbed=merged).survivor_id == merged.merged_into_id
    for live in Customer.objects.live():
        records = SourceRecord.objects.filter(profile__customer=live).order_by("pk")
        golden = project([said_by(record) for record in records], rules())
        assert (live.about, live.company, live.name) == (golden["about"], golden["company"], golden["name"])
