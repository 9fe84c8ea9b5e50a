"""Acts on customers: first contacts at once, edits that meet, what is verified."""

from datetime import date, timedelta
from functools import partial

import pytest
from django.utils import timezone

from customers import actions
from customers.models import Customer, Identity, Profile, ProfileIdentity, SourceRecord
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.models import AuditEntry, Event
from tests import world
from tests.interactions.test_talk import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice():
    return world.make_user("alice")


@pytest.fixture
def kate():
    return actions.create_profile(source="shop", fields={"name": "Kate", "city": "Tula"}).customer


# --- First contacts ---


def test_two_first_contacts_at_once_are_one_profile():
    meet = partial(actions.find_or_create_by_identity, kind="phone", value="+79005550184", source="webchat")
    results = together([meet] * 5)
    assert len({profile.pk for _identity, profile in results}) == 1
    assert (Identity.objects.count(), Profile.objects.count(), Customer.objects.count()) == (1, 1, 1)
    assert Event.objects.filter(kind="customer.created").count() == 1


def test_a_family_phone_leads_to_nobody_until_somebody_chooses():
    identity = actions.find_identity(kind="phone", value="+79005550184")
    for _ in range(2):
        profile = actions.create_profile(source="shop")
        actions.link_identity(profile=profile, identity=identity, source="shop", verified=True)
    assert actions.find_or_create_by_identity(kind="phone", value="+79005550184", source="x") == (identity, None)
    assert Profile.objects.count() == 2


def test_an_unverified_link_leads_nowhere_and_a_verified_one_stays_so():
    identity = actions.find_identity(kind="email", value="kate@example.com")
    typed = actions.create_profile(source="webchat")
    actions.link_identity(profile=typed, identity=identity, source="form", verified=False)
    _identity, found = actions.find_or_create_by_identity(kind="email", value="kate@example.com", source="shop")
    assert found != typed
    for verified in (True, False):
        actions.link_identity(profile=typed, identity=identity, source="shop", verified=verified)
    assert ProfileIdentity.objects.get(profile=typed).verified


def test_a_signed_user_is_who_his_proven_contacts_say():
    _identity, kate = actions.find_or_create_by_identity(kind="email", value="kate@example.com", source="shop")
    known = partial(actions.recognise, kind="external", value="shop:17", source="site:1")
    assert known(proven=[("email", "kate@example.com")])[1] == kate
    assert known(proven=[])[1] == kate
    stranger = actions.recognise(kind="external", value="shop:18", proven=[], source="site:1", name="Oleg")[1]
    assert stranger != kate and stranger.customer.name == "Oleg"
    # Proofs that lead to two customers lead to neither.
    both = [("email", "kate@example.com"), ("phone", "+79005550184")]
    actions.find_or_create_by_identity(kind="phone", value="+79005550184", source="shop")
    third = actions.recognise(kind="external", value="shop:19", proven=both, source="site:1")[1]
    assert third not in {kate, stranger}


# --- Edits ---


def test_an_edit_is_a_record_that_beats_the_sources(kate, alice):
    saved = actions.edit_customer(
        customer=kate, fields={"name": "Kate Orlova ", "birthday": "1988-04-14"}, version=kate.version, actor=alice
    )
    assert (saved.name, saved.birthday, saved.city) == ("Kate Orlova", date(1988, 4, 14), "Tula")
    assert saved.provenance["name"]["source"] == "operator" and saved.provenance["name"]["by"] == alice.pk
    lead = kate.profiles.get()
    record = SourceRecord.objects.filter(source="operator").get()
    assert (record.profile, record.entered_by) == (lead, alice)
    actions.add_record(profile=lead, source="crm", fields={"name": "EKATERINA", "city": "Orel"})
    assert Customer.objects.get().name == "Kate Orlova" and Customer.objects.get().city == "Orel"
    assert AuditEntry.objects.get().detail == {"fields": ["birthday", "name"]}
    assert Event.objects.get(kind="customer.edited").payload["fields"] == ["birthday", "name"]


def test_an_emptied_edit_takes_earlier_ones_back(kate, alice):
    edit = partial(actions.edit_customer, customer=kate, version=None, actor=alice)
    assert edit(fields={"city": "Orel"}).city == "Orel"
    assert edit(fields={"city": ""}).city == "Tula"
    assert edit(fields={"about": "Likes tea"}).about == "Likes tea"
    assert edit(fields={"about": ""}).about == ""


def test_edits_of_two_at_once(kate, alice):
    bob = world.make_user("bob")
    edit = partial(actions.edit_customer, customer=kate, version=Customer.objects.get().version)
    results = together(
        [partial(edit, fields={"name": "A"}, actor=alice), partial(edit, fields={"name": "B"}, actor=bob)]
    )
    assert sorted(type(r).__name__ for r in results) == ["Conflict", "Customer"]
    refused = next(r for r in results if isinstance(r, Conflict))
    assert refused.code == "stale"
    assert SourceRecord.objects.filter(source="operator").count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "1"},
        {"provenance": "{}"},
        {"birthday": "14.04.1988"},
        {"birthday": "1988-02-30"},
        {"name": "x" * 201},
        {"company": "x" * 201},
        {"city": "x" * 101},
        {"language": "x" * 6},
        {"about": "x" * 10_001},
    ],
)
def test_what_cannot_be_written(kate, alice, fields):
    with pytest.raises(Invalid) as refused:
        actions.edit_customer(customer=kate, fields=fields, version=None, actor=alice)
    assert refused.value.detail["field"] in fields
    assert not SourceRecord.objects.filter(source="operator").exists()


def test_a_source_that_says_too_much_or_nonsense_breaks_nothing(kate):
    """What other systems write is kept as they said it; the golden field takes what fits."""
    profile = kate.profiles.get()
    actions.add_record(
        profile=profile, source="crm", fields={"name": "x" * 300, "birthday": "14.04.1988", "language": "russian"}
    )
    fresh = Customer.objects.get()
    assert len(fresh.name) <= 200 and fresh.birthday is None and len(fresh.language) <= 5


# --- Facts of other systems ---


def test_outside_facts_once_whatever_the_order():
    now = timezone.now()
    reporter = world.make_user("shop", "integrator")
    facts = [
        actions.OutsideFact(
            key=f"k{n}",
            type="purchase",
            at=now - timedelta(hours=n),
            identity={"kind": "phone", "value": f"+7900555018{n % 3}"},
        )
        for n in range(6)
    ]
    first = actions.record_outside_events(facts=facts, actor=reporter)
    again = actions.record_outside_events(facts=facts[::-1] * 2, actor=reporter)
    assert (first, set(again)) == (["stored"] * 6, {"repeated"})
    assert Event.objects.filter(kind="outside.event").count() == 6 and Customer.objects.count() == 3
