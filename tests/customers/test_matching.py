"""Somebody new is compared at once: joined if it is sure, put before a person if it may be, left alone if not."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from customers import actions, comparison
from customers.actions import matching
from customers.matching.model import Model
from customers.models import Comparable, Customer, Likeness, MatchingRules, MatchKey, MatchModel, Merge, Profile
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


def test_a_chain_of_weak_links_glues_no_strangers():
    """A record that looks a little like both of two different people joins neither side to the other."""
    one = somebody(email="ivan@example.com", name="Иван Щербаков", birthday="1980-05-17", phone="+79161234567")
    other = somebody(email="other@example.com", name="Пётр Щербаков", birthday="1999-01-30", phone="+79261112233")
    bridge = somebody(name="Щербаков", phone="+79161234567")
    actions.link_identity(
        profile=bridge,
        identity=actions.find_identity(kind="phone", value="+79261112233"),
        source="shop",
        verified=False,
    )
    assert customers_of(one)[0] != customers_of(other)[0]


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
    assert comparison.candidates(comparison.person_of(new.pk)) == [profile.pk for profile in crowd[:7]]


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
