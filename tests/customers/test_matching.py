"""Somebody new is compared at once: joined if it is sure, put before a person if it may be, left alone if not."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from customers import actions, comparison, tasks
from customers.actions import matching
from customers.matching.model import Model
from customers.models import (
    Comparable,
    Customer,
    JunkValue,
    Likeness,
    MatchingRules,
    MatchKey,
    MatchModel,
    Merge,
    Profile,
    Recall,
)
from cxcenter.core.models import Outbox
from tests import world
from tests.bench.golden.people import make

pytestmark = pytest.mark.django_db(transaction=True)

IVAN = {"name": "Щербаков Иван Петрович", "birthday": "1980-05-17", "city": "Тула", "street": "Лесная, 5"}


@pytest.fixture
def alice():
    return world.make_user("alice")


@transaction.atomic
def somebody(phone: str = "", email: str = "", source: str = "shop", **fields) -> Profile:
    profile = actions.create_profile(source=source, fields=fields or IVAN)
    for kind, value in (("phone", phone), ("email", email)):
        if value:
            identity = actions.find_identity(kind=kind, value=value)
            actions.link_identity(profile=profile, identity=identity, source=source, verified=False)
    return profile


def customers_of(*profiles: Profile) -> list[int]:
    return [Profile.objects.get(pk=profile.pk).customer_id for profile in profiles]


def test_the_same_person_in_another_alphabet_is_joined_with_the_reasons_by_field():
    known = somebody(phone="+79161234567")
    new = somebody(phone="+79161234567", source="dms", name="Ivan Shcherbakov", birthday="1980-05-17", city="Tula")
    made = Merge.objects.get()
    assert (made.reason, made.survivor_id, made.absorbed_id) == ("match", known.customer_id, new.home_id)
    assert customers_of(known, new) == [known.customer_id] * 2
    assert made.detail["probability"] > 0.99
    fields = {field: level for field, level, _bits in made.detail["evidence"]}
    assert (fields["birthday"], fields["phone"]) == ("exact", "exact")
    assert not Outbox.objects.exists() and not Likeness.objects.exists()


def test_relatives_of_one_phone_and_twins_stay_two(alice):
    known = somebody(phone="+79161234567")
    wife = somebody(
        phone="+79161234567", name="Щербакова Мария Ильинична", birthday="1983-11-02", city="Тула", street="Лесная, 5"
    )
    twin = somebody(
        phone="+79161234567", name="Щербаков Глеб Петрович", birthday="1980-05-17", city="Тула", street="Лесная, 5"
    )
    assert len(set(customers_of(known, wife, twin))) == 3


def test_what_may_be_waits_for_a_person_and_what_is_not_is_left_alone(alice):
    somebody(name="Анна Кузнецова", birthday="1991-03-04", city="Тула")
    somebody(name="Анна Кузнецова", city="Тула")
    pair = Likeness.objects.get()
    assert 0.11 <= pair.probability < 0.89 and pair.evidence
    somebody(name="Oleg Berg", birthday="1970-01-01")
    assert Likeness.objects.count() == 1 and not Merge.objects.exists()
    # Whatever a person decides, the pair is gone from the queue, and comes back if he takes it back.
    one, other = customers_of(pair.one, pair.other)
    assert Likeness.objects.undecided().count() == 1
    kept = actions.keep_apart(one=one, other=other, actor=alice)
    assert not Likeness.objects.undecided().exists()
    actions.take_apart_back(apart_id=kept.pk, actor=alice)
    (made,) = actions.merge_customers(survivor=one, others=[other], actor=alice)
    assert not Likeness.objects.undecided().exists()
    actions.unmerge(merge_id=made.pk, actor=alice)
    assert Likeness.objects.undecided().count() == 1


def test_not_the_same_person_holds_for_ever(alice):
    MatchingRules.objects.update_or_create(pk=1, defaults={"joins": False})
    known, new = somebody(phone="+79161234567"), somebody(phone="+79161234567")
    actions.keep_apart(one=known.customer_id, other=new.customer_id, actor=alice)
    MatchingRules.objects.update(joins=True)
    for profile in (known, new):
        assert actions.compare_profile(profile_id=profile.pk) is None
    actions.add_record(profile=new, source="crm", fields={"city": "Тула"})
    assert len(set(customers_of(known, new))) == 2 and not Likeness.objects.undecided().exists()


def test_not_the_same_person_holds_for_all_of_whom_both_consisted(alice):
    """Two who look like one stood behind others when they were kept apart: it holds when they are themselves again."""
    MatchingRules.objects.update_or_create(pk=1, defaults={"joins": False})
    oleg, known = somebody(name="Oleg Berg", birthday="1970-01-01"), somebody(phone="+79161234567")
    anna, new = somebody(name="Anna Weber", birthday="1991-03-04"), somebody(phone="+79161234567")
    merges = [
        actions.merge_customers(survivor=head.customer_id, others=[other.customer_id])[0]
        for head, other in ((oleg, known), (anna, new))
    ]
    kept = actions.keep_apart(one=oleg.customer_id, other=anna.customer_id, actor=alice)
    for made in merges:
        actions.unmerge(merge_id=made.pk, actor=alice)
    MatchingRules.objects.update(joins=True)
    for profile in (known, new):
        assert actions.compare_profile(profile_id=profile.pk) is None
    assert not Likeness.objects.undecided().exists()
    # Nothing else stood between them.
    actions.take_apart_back(apart_id=kept.pk, actor=alice)
    assert actions.compare_profile(profile_id=new.pk).reason == "match"


def test_what_a_person_has_parted_is_not_joined_behind_a_third(alice):
    known, new = somebody(phone="+79161234567"), somebody(phone="+79161234567")
    actions.unmerge(merge_id=Merge.objects.get().pk, actor=alice)
    third = somebody(name="Щербаков Иван")
    actions.merge_customers(survivor=third.customer_id, others=[known.customer_id], actor=alice)
    for profile in (new, known, third):
        assert actions.compare_profile(profile_id=profile.pk) is None
    assert Likeness.objects.undecided().exists()
    # It was this alone: who has not been parted is joined.
    Merge.objects.exclude(undone_at=None).delete()
    assert actions.compare_profile(profile_id=new.pk)


def test_what_a_person_has_parted_is_not_joined_by_itself_again(alice):
    known, new = somebody(phone="+79161234567"), somebody(phone="+79161234567")
    made = Merge.objects.get()
    actions.unmerge(merge_id=made.pk, actor=alice)
    actions.add_record(profile=new, source="crm", fields={"city": "Тула"})
    assert len(set(customers_of(known, new))) == 2
    # But he is asked.
    assert Likeness.objects.undecided().count() == 1


def test_joining_by_itself_can_be_switched_off():
    MatchingRules.objects.update_or_create(pk=1, defaults={"joins": False})
    somebody(phone="+79161234567")
    somebody(phone="+79161234567")
    assert not Merge.objects.exists() and Likeness.objects.undecided().count() == 1


def test_comparing_twice_changes_nothing():
    profile = somebody(phone="+79161234567")
    somebody(phone="+79161234567")
    before = (Merge.objects.count(), MatchKey.objects.count(), Likeness.objects.count())
    for _ in range(2):
        actions.compare_profile(profile_id=profile.pk)
    assert (Merge.objects.count(), MatchKey.objects.count(), Likeness.objects.count()) == before


def test_what_a_visitor_typed_is_not_compared():
    somebody(phone="+79161234567")
    visitor = actions.create_profile(source="webchat")
    actions.add_record(profile=visitor, source="form", fields=IVAN)
    assert not Comparable.objects.filter(profile=visitor).exists() and not Merge.objects.exists()


def test_a_key_that_very_many_share_makes_no_candidates():
    crowd = Profile.objects.bulk_create(
        [Profile(customer=c, home=c, source="x") for c in Customer.objects.bulk_create([Customer() for _ in range(80)])]
    )
    new = somebody(phone="+79161234567")
    keys = list(MatchKey.objects.filter(profile=new).values_list("key", flat=True))
    MatchKey.objects.bulk_create([MatchKey(key=keys[0], profile=profile) for profile in crowd])
    MatchKey.objects.bulk_create([MatchKey(key=keys[1], profile=profile) for profile in crowd[:7]])
    assert comparison.candidates(comparison.people([new.pk])[new.pk]) == [profile.pk for profile in crowd[:7]]


def test_what_an_import_has_left_is_compared_in_the_background():
    one, other = somebody(phone="+79161234567"), somebody(phone="+79161234567", name="Oleg Berg", birthday="1970-01-01")
    Comparable.objects.update(compared_at=None)
    assert matching.compare_some(size=1) == 1
    assert matching.compare_some() == 1 and matching.compare_some() == 0
    assert customers_of(one) != customers_of(other)


def test_weights_are_trained_on_what_there_is_and_used_from_then_on(django_assert_max_num_queries):
    assert matching.train_weights() is None
    people = [record.person for record in make(seed=5, size=600)]
    profiles = Profile.objects.bulk_create(
        [Profile(customer=c, home=c, source="x") for c in Customer.objects.bulk_create([Customer() for _ in people])]
    )
    Comparable.objects.bulk_create(
        [Comparable(profile=p, person=comparison.stored(person)) for p, person in zip(profiles, people, strict=True)]
    )
    assert comparison.model().to_dict() == Model.default().to_dict()
    trained = matching.train_weights()
    assert trained.records == 600
    assert comparison.model().to_dict() == trained.weights != Model.default().to_dict()
    with CaptureQueriesContext(connection) as asked:
        comparison.model()
    # A row is large: once read it is not fetched again.
    assert len(asked) == 1 and "weights" not in asked[0]["sql"]
    # They are others than before by much: all are compared again, the steward's pairs first. The next night they are not.
    assert list(Recall.objects.order_by("pk").values_list("pk", flat=True)) == [Recall.Scope.PAIRS, Recall.Scope.ALL]
    Recall.objects.all().delete()
    assert matching.train_weights().weights == trained.weights
    assert not Recall.objects.exists()
    # Weights whose fields have changed since are not used.
    MatchModel.objects.create(weights={"levels": {}}, records=1)
    assert comparison.model().to_dict() == Model.default().to_dict()
    with django_assert_max_num_queries(30):
        actions.compare_profile(profile_id=profiles[0].pk)


def test_one_profile_that_fails_stops_no_others(monkeypatch):
    bad, good = somebody(phone="+79161234567"), somebody(phone="+79261112233", name="Oleg Berg", birthday="1970-01-01")
    Comparable.objects.update(compared_at=None)
    real = matching.compare_profile

    def compare(*, profile_id):
        if profile_id == bad.pk:
            raise ValueError("a record nobody thought of")
        return real(profile_id=profile_id)

    monkeypatch.setattr(matching, "compare_profile", compare)
    assert matching.compare_some() == 2
    assert not Comparable.objects.filter(pk__in=[bad.pk, good.pk], compared_at=None).exists()


def test_a_profile_that_says_nothing_speaks_against_nobody():
    known = somebody(phone="+79161234567")
    silent = actions.create_profile(source="webchat")
    Comparable.objects.create(profile=silent)
    actions.merge_customers(survivor=known.customer_id, others=[silent.customer_id])
    new = somebody(phone="+79161234567", source="dms")
    assert customers_of(new) == customers_of(known)


# --- Values that say nothing ---


NAMESAKE = {"name": "Иванов Иван"}


@pytest.mark.parametrize(("phone", "joined"), [("+79999999999", False), ("+79161234567", True)])
def test_junk_says_nothing_of_namesakes(phone, joined):
    one, other = somebody(phone, **NAMESAKE), somebody(phone, **NAMESAKE)
    assert (customers_of(one) == customers_of(other)) == joined
    assert bool(comparison.people([one.pk])[one.pk].phones) == joined


def test_who_shares_but_junk_is_no_candidate():
    JunkValue.objects.create(kind="email", pattern="test@*")
    one = somebody("+79999999999", email="test@example.com", **NAMESAKE)
    somebody("+79999999999", email="test@example.com", name="Oleg Berg")
    assert comparison.candidates(comparison.people([one.pk])[one.pk]) == []


@pytest.mark.parametrize(("limit", "joined"), [(3, False), (4, True)])
def test_what_too_many_share_says_nothing_of_namesakes(limit, joined):
    MatchingRules.objects.update_or_create(pk=1, defaults={"shared_by": limit})
    others = [somebody("+79161234567", name=name) for name in ("Oleg Berg", "Anna Weber")]
    one, other = somebody("+79161234567", **NAMESAKE), somebody("+79161234567", **NAMESAKE)
    # Of the third it counted still. Now it is taken from all.
    while matching.compare_some():
        pass
    assert (customers_of(one) == customers_of(other)) == joined
    phones = [person.phones for person in comparison.people([one.pk, *(profile.pk for profile in others)]).values()]
    assert phones == [("+79161234567",) if joined else ()] * 3


# --- No chain of weak links ---


def reach(profile: Profile, kind: str, value: str) -> None:
    identity = actions.find_identity(kind=kind, value=value)
    actions.link_identity(profile=profile, identity=identity, source="shop", verified=False)


def let_go(monkeypatch, *guards: str) -> None:
    """Switch guards off: what they hold is joined then."""
    for name in guards:
        monkeypatch.setattr(matching, name, 10**6 if name == "MAX_CLUSTER" else -(10**6))


@pytest.mark.parametrize("off", [(), ("VETO", "GUARD")])
def test_a_chain_glues_no_strangers(monkeypatch, off):
    """A record that says of itself what two different people say: it is joined to the one, and the other stays out."""
    let_go(monkeypatch, *off)
    one = somebody("+79161234567", "ivan@example.com", name="Иван Щербаков", birthday="1980-05-17")
    other = somebody("+79261112233", "petr@example.com", name="Пётр Щербаков", birthday="1999-01-30")
    bridge = somebody("+79161234567", "ivan@example.com", name="Щербаков")
    assert customers_of(bridge) == customers_of(one)
    with transaction.atomic():
        reach(bridge, "phone", "+79261112233")
        reach(bridge, "email", "petr@example.com")
    # It is as sure as what is joined by itself elsewhere.
    rules = MatchingRules.current()
    if off:
        assert customers_of(bridge) == customers_of(one) == customers_of(other)
        return
    assert customers_of(bridge) == customers_of(one) != customers_of(other)
    pair = Likeness.objects.undecided().get()
    assert {pair.one, pair.other} == {bridge, other} and pair.probability >= rules.upper


@pytest.mark.parametrize("off", [(), ("GUARD",)])
def test_one_link_is_not_enough_where_the_rest_speaks_against(monkeypatch, off):
    let_go(monkeypatch, *off)
    one = somebody("+79161234567", name="Щербаков Иван")
    bridge = somebody("+79161234567", "ivan@example.com", name="Щербаков Иван")
    assert customers_of(bridge) == customers_of(one)
    other = somebody(email="ivan@example.com", name="Щербаков")
    assert (customers_of(other) == customers_of(bridge)) == bool(off)
    assert Likeness.objects.undecided().exists() != bool(off)


@pytest.mark.parametrize("off", [(), ("VETO",)])
def test_one_who_cannot_be_the_same_holds_whatever_the_rest_says(monkeypatch, off):
    let_go(monkeypatch, *off)
    known = [somebody("+79161234567", source=f"shop{n}") for n in range(3)]
    assert len({*customers_of(*known)}) == 1
    # A person has put him there.
    stranger = somebody("+79261112233", name="Пётр Щербаков", birthday="1999-01-30")
    actions.merge_customers(survivor=known[0].customer_id, others=[stranger.customer_id])
    new = somebody("+79161234567", source="dms")
    assert (customers_of(new) == customers_of(stranger)) == bool(off)
    assert Likeness.objects.undecided().exists() != bool(off)


@pytest.mark.parametrize("off", [(), ("MAX_CLUSTER",)])
def test_no_cluster_grows_by_itself_beyond_what_a_person_can_look_at(monkeypatch, off):
    MatchingRules.objects.update_or_create(pk=1, defaults={"shared_by": 30})
    size = matching.MAX_CLUSTER
    let_go(monkeypatch, *off)
    crowd = customers_of(*[somebody("+79161234567", source=f"shop{n}") for n in range(size + 1)])
    assert sorted(crowd.count(one) for one in set(crowd)) == ([size + 1] if off else [1, size])


# --- Compared again ---


def work() -> None:
    while tasks.bulk_compare():
        pass


def test_pairs_that_wait_are_compared_again_when_the_rules_are_others():
    rules, _made = MatchingRules.objects.update_or_create(pk=1, defaults={"joins": False})
    one, other = somebody(phone="+79161234567"), somebody(phone="+79161234567")
    somebody(name="Анна Кузнецова", birthday="1991-03-04", city="Тула")
    somebody(name="Анна Кузнецова", city="Тула")
    assert Likeness.objects.undecided().count() == 2
    MatchingRules.objects.update(joins=True, lower=0.88)
    work()
    assert not Merge.objects.exists()
    matching.begin_recall(Recall.Scope.PAIRS)
    work()
    # The one is joined, the other says too little now.
    assert customers_of(one) == customers_of(other) and not Likeness.objects.undecided().exists()
    assert not Recall.objects.exists()


def test_a_value_that_counts_again_joins_whom_it_should_have():
    junk = JunkValue.objects.create(kind="phone", pattern="+79161234567")
    one, other = somebody("+79161234567", **NAMESAKE), somebody("+79161234567", **NAMESAKE)
    stranger = somebody("+79261112233", name="Oleg Berg")
    before = Comparable.objects.get(pk=stranger.pk).compared_at
    junk.delete()
    matching.begin_recall(Recall.Scope.REACHED)
    work()
    assert customers_of(one) == customers_of(other)
    # Whom it does not concern is left alone.
    assert Comparable.objects.get(pk=stranger.pk).compared_at == before


def test_all_are_compared_again_in_portions_and_what_is_new_goes_first(monkeypatch):
    old = [somebody(name=f"Person {letter * 5}", birthday=f"19{n}0-01-01") for n, letter in enumerate("abcd", 5)]
    monkeypatch.setitem(matching.PORTIONS, Recall.Scope.ALL, lambda after: matching._all(after, size=2))
    order = []
    real = matching.compare_profile
    monkeypatch.setattr(
        matching, "compare_profile", lambda *, profile_id: order.append(profile_id) or real(profile_id=profile_id)
    )
    matching.begin_recall(Recall.Scope.ALL)
    assert matching.recall_some()
    assert set(Comparable.objects.filter(compared_at=None).values_list("pk", flat=True)) == {one.pk for one in old[:2]}
    assert matching.compare_some() == 2
    Comparable.objects.filter(pk=old[3].pk).update(compared_at=None)
    work()
    assert order == [one.pk for one in (old[0], old[1], old[3], old[2], old[3])]
    assert not matching.recall_some()
